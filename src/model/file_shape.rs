//! The shape of a model in a GGUF file, read from its keys and from the names and sizes of its tensors.

use std::io::{Read, Seek};
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};

use super::checkpoint::CheckpointError;
use super::rotary::Llama3Factors;
use super::shape::{Attention, Family, FeedForward, Mixture, RopeScaling, Shape, SlidingWindow, Yarn};
use crate::units::index_as_u64;

/// Look-ups in a file's metadata.
pub(super) struct Keys<'a> {
    path: &'a Path,
    content: &'a Content,
}

impl<'a> Keys<'a> {
    pub(super) fn new(path: &'a Path, content: &'a Content) -> Self {
        Self { path, content }
    }

    pub(super) fn missing(&self, key: &str) -> CheckpointError {
        CheckpointError::Key { path: self.path.to_owned(), key: key.to_owned() }
    }

    fn unknown(&self, key: &str, value: &str) -> CheckpointError {
        let (path, key, value) = (self.path.to_owned(), key.to_owned(), value.to_owned());
        CheckpointError::Unknown { path, key, value }
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.content.metadata.get(key)?.to_string().ok().cloned()
    }

    /// A whole number of any width; `None` for a negative one, or where each layer has its own.
    pub(super) fn count(&self, key: &str) -> Option<u64> {
        match self.content.metadata.get(key)? {
            Value::I32(value) => u64::try_from(*value).ok(),
            Value::I64(value) => u64::try_from(*value).ok(),
            value => value.to_u64().ok(),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.content.metadata.get(key)?.to_bool().ok()
    }

    fn real(&self, key: &str) -> Option<f64> {
        match self.content.metadata.get(key)? {
            Value::F64(value) => Some(*value),
            value => value.to_f32().ok().map(f64::from),
        }
    }

    fn has_tensor(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }
}

/// The keys of one architecture: `block_count` is looked up as `llama.block_count`.
struct FamilyKeys<'a> {
    keys: &'a Keys<'a>,
    family: Family,
}

impl FamilyKeys<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.family.id())
    }

    fn count(&self, key: &str) -> Result<u64, CheckpointError> {
        self.optional(key).ok_or_else(|| self.keys.missing(&self.key(key)))
    }

    fn optional(&self, key: &str) -> Option<u64> {
        self.keys.count(&self.key(key))
    }

    fn real(&self, key: &str) -> Option<f64> {
        self.keys.real(&self.key(key))
    }
}

/// The shape of the model in a GGUF file whose header was read; `path` is for errors. Reads no more than one small tensor.
pub fn shape_of(
    path: &Path,
    content: &Content,
    file: &mut (impl Read + Seek),
) -> Result<Shape, CheckpointError> {
    shape(&Keys::new(path, content), file)
}

/// Reads the shape. `file` is where the tensors' data lies: the rotary factors of Llama 3 are in a tensor and in no key.
pub(super) fn shape(keys: &Keys<'_>, file: &mut (impl Read + Seek)) -> Result<Shape, CheckpointError> {
    const ARCHITECTURE: &str = "general.architecture";
    let name = keys.text(ARCHITECTURE).ok_or_else(|| keys.missing(ARCHITECTURE))?;
    let family = Family::from_id(&name).ok_or_else(|| keys.unknown(ARCHITECTURE, &name))?;
    let own = FamilyKeys { keys, family };
    let epsilon = "attention.layer_norm_rms_epsilon";
    let embedding = keys.content.tensor_infos.get("token_embd.weight");
    let vocab = embedding.and_then(|tensor| tensor.shape.dims().first().copied());
    let mut shape = Shape {
        family,
        layers: own.count("block_count")?,
        hidden: own.count("embedding_length")?,
        attention: attention(&own)?,
        feed_forward: feed_forward(&own)?,
        vocab: vocab.map(index_as_u64).ok_or_else(|| keys.missing("token_embd.weight"))?,
        tied_embeddings: !keys.has_tensor("output.weight"),
        // llama.cpp's default.
        rope_theta: own.real("rope.freq_base").unwrap_or(10_000.0),
        rope_scaling: yarn(&own)?,
        rms_norm_eps: own.real(epsilon).ok_or_else(|| keys.missing(&own.key(epsilon)))?,
        max_positions: own.count("context_length")?,
        sliding_window: own
            .optional("attention.sliding_window")
            .map_or(SlidingWindow::None, SlidingWindow::On),
    };
    if keys.has_tensor(ROTARY_FACTORS) {
        shape.rope_scaling = llama3(keys, &shape, file).ok_or_else(|| keys.missing(ROTARY_FACTORS))?;
    }
    Ok(shape)
}

const ROTARY_FACTORS: &str = "rope_freqs.weight";

fn attention(own: &FamilyKeys<'_>) -> Result<Attention, CheckpointError> {
    let (hidden, heads) = (own.count("embedding_length")?, own.count("attention.head_count")?);
    if own.family != Family::DeepSeek2 {
        return Ok(Attention::Grouped {
            heads,
            kv_heads: own.optional("attention.head_count_kv").unwrap_or(heads),
            head_dim: own.optional("attention.key_length").or(hidden.checked_div(heads)).unwrap_or(0),
        });
    }
    let rope_dim = own.count("rope.dimension_count")?;
    // Files from before April 2025 give the width of a head under the plain name.
    let width = |today: &str, before: &str| match own.optional(today) {
        Some(width) => Ok(width),
        None => own.count(before),
    };
    let key = width("attention.key_length_mla", "attention.key_length")?;
    Ok(Attention::Latent {
        heads,
        kv_rank: own.count("attention.kv_lora_rank")?,
        nope_dim: key.saturating_sub(rope_dim),
        rope_dim,
        value_dim: width("attention.value_length_mla", "attention.value_length")?,
    })
}

fn feed_forward(own: &FamilyKeys<'_>) -> Result<FeedForward, CheckpointError> {
    let intermediate = own.count("feed_forward_length")?;
    let Some(experts) = own.optional("expert_count").filter(|experts| *experts > 0) else {
        return Ok(FeedForward::Dense { intermediate });
    };
    Ok(FeedForward::Mixture(Mixture {
        intermediate,
        dense_layers: own.optional("leading_dense_block_count").unwrap_or(0),
        experts,
        experts_per_token: own.count("expert_used_count")?,
        shared_experts: own.optional("expert_shared_count").unwrap_or(0),
        expert_intermediate: own.optional("expert_feed_forward_length").unwrap_or(intermediate),
    }))
}

fn yarn(own: &FamilyKeys<'_>) -> Result<RopeScaling, CheckpointError> {
    const TYPE: &str = "rope.scaling.type";
    match own.keys.text(&own.key(TYPE)).as_deref() {
        None | Some("none") => return Ok(RopeScaling::None),
        Some("yarn") => {}
        Some(other) => return Err(own.keys.unknown(&own.key(TYPE), other)),
    }
    let factor = "rope.scaling.factor";
    let unit = if own.family == Family::DeepSeek2 { 0.1 } else { 1.0 };
    Ok(RopeScaling::Yarn(Yarn {
        factor: own.real(factor).ok_or_else(|| own.keys.missing(&own.key(factor)))?,
        original_positions: own.count("rope.scaling.original_context_length")?,
        // llama.cpp's defaults.
        beta_fast: own.real("rope.scaling.yarn_beta_fast").unwrap_or(32.0),
        beta_slow: own.real("rope.scaling.yarn_beta_slow").unwrap_or(1.0),
        attention_factor: own.real("rope.scaling.attn_factor"),
        magnitude: own.real("rope.scaling.yarn_log_multiplier").map(|multiplier| multiplier / unit),
        query_beta: own.real("attention.temperature_scale"),
    }))
}

/// The numbers behind the rotary factors, of which the file holds only the factors: the largest is the divisor, and one
/// that lies on the ramp gives the original positions, with the ramp's ends that every such model has, 1 and 4.
fn llama3(keys: &Keys<'_>, shape: &Shape, file: &mut (impl Read + Seek)) -> Option<RopeScaling> {
    let cpu = candle_core::Device::Cpu;
    let tensor = keys.content.tensor(file, ROTARY_FACTORS, &cpu).ok()?.dequantize(&cpu).ok()?;
    Llama3Factors::numbers(shape, &tensor.to_vec1().ok()?)
}
