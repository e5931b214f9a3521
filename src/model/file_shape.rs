//! The shape of a model in a GGUF file, read from its keys and from the names and sizes of its tensors.

use std::path::Path;

use super::checkpoint::CheckpointError;
use super::file_tensors;
use super::gguf::GgufFile;
use super::rotary::Llama3Factors;
use super::shape::{Attention, Family, FeedForward, Mixture, RopeScaling, Shape, SlidingWindow, Yarn};
use super::shown::shown;

/// Look-ups in a file's metadata: `None` is a key that is absent, and a key with a value of another kind is an error.
pub(super) struct Keys<'a> {
    path: &'a Path,
    file: &'a GgufFile,
}

impl<'a> Keys<'a> {
    pub(super) fn new(path: &'a Path, file: &'a GgufFile) -> Self {
        Self { path, file }
    }

    fn missing(&self, key: &str) -> CheckpointError {
        CheckpointError::Key { path: self.path.to_owned(), key: key.to_owned() }
    }

    fn unknown(&self, key: &str, value: &str) -> CheckpointError {
        let (path, key, value) = (self.path.to_owned(), key.to_owned(), shown(value));
        CheckpointError::Unknown { path, key, value }
    }

    /// The value, or why there is none.
    fn of_kind<T>(
        &self,
        key: &str,
        value: Option<T>,
        wanted: &'static str,
    ) -> Result<Option<T>, CheckpointError> {
        match (value, self.file.kind_of(key)) {
            (None, Some(found)) => {
                let (path, key) = (self.path.to_owned(), key.to_owned());
                Err(CheckpointError::Kind { path, key, found, wanted })
            }
            (value, _) => Ok(value),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, CheckpointError> {
        self.of_kind(key, self.file.text(key).map(str::to_owned), "a text")
    }

    /// A whole number of any width.
    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, CheckpointError> {
        self.of_kind(key, self.file.count(key), "a whole number from 0 on")
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, CheckpointError> {
        self.of_kind(key, self.file.flag(key), "true or false")
    }

    fn real(&self, key: &str) -> Result<Option<f64>, CheckpointError> {
        self.of_kind(key, self.file.real(key), "a number with a fraction")
    }

    fn has_tensor(&self, name: &str) -> bool {
        self.file.tensor(name).is_some()
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
        self.optional(key)?.ok_or_else(|| self.keys.missing(&self.key(key)))
    }

    fn optional(&self, key: &str) -> Result<Option<u64>, CheckpointError> {
        self.keys.count(&self.key(key))
    }

    fn real(&self, key: &str) -> Result<Option<f64>, CheckpointError> {
        self.keys.real(&self.key(key))
    }

    /// Refuses a key that scales something nothing is scaled with here, unless it says 1.
    fn plain_scale(&self, key: &str) -> Result<(), CheckpointError> {
        match self.real(key)? {
            Some(scale) if scale.to_bits() != 1.0_f64.to_bits() => {
                Err(self.keys.unknown(&self.key(key), &scale.to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// The shape of the model in a GGUF file, if its keys make one and its tensors are those of it; `path` is for errors.
pub fn shape_of(file: &GgufFile, path: &Path) -> Result<Shape, CheckpointError> {
    const ARCHITECTURE: &str = "general.architecture";
    let keys = &Keys::new(path, file);
    let name = keys.text(ARCHITECTURE)?.ok_or_else(|| keys.missing(ARCHITECTURE))?;
    let family = Family::from_id(&name).ok_or_else(|| keys.unknown(ARCHITECTURE, &name))?;
    let own = FamilyKeys { keys, family };
    let epsilon = "attention.layer_norm_rms_epsilon";
    let embedding = file.tensor("token_embd.weight").and_then(|tensor| tensor.dimensions.last().copied());
    let mut shape = Shape {
        family,
        layers: own.count("block_count")?,
        hidden: own.count("embedding_length")?,
        attention: attention(&own)?,
        feed_forward: feed_forward(&own)?,
        vocab: embedding.ok_or_else(|| keys.missing("token_embd.weight"))?,
        tied_embeddings: !keys.has_tensor("output.weight"),
        // llama.cpp's default.
        rope_theta: own.real("rope.freq_base")?.unwrap_or(10_000.0),
        rope_scaling: yarn(&own)?,
        rms_norm_eps: own.real(epsilon)?.ok_or_else(|| keys.missing(&own.key(epsilon)))?,
        max_positions: own.count("context_length")?,
        sliding_window: own
            .optional("attention.sliding_window")?
            .map_or(SlidingWindow::None, SlidingWindow::On),
    };
    sound(&shape, path)?;
    if keys.has_tensor(ROTARY_FACTORS) {
        let factors = file.rotary_factors().and_then(|factors| Llama3Factors::numbers(&shape, factors));
        shape.rope_scaling = factors.ok_or_else(|| keys.missing(ROTARY_FACTORS))?;
        sound(&shape, path)?;
    }
    file_tensors::check(file, &shape, path)?;
    Ok(shape)
}

/// Refuses numbers that no model has before anything is computed with them.
fn sound(shape: &Shape, path: &Path) -> Result<(), CheckpointError> {
    match shape.contradictions().into_iter().next() {
        Some((_, problem, _)) => Err(CheckpointError::Shape { path: path.to_owned(), problem }),
        None => Ok(()),
    }
}

const ROTARY_FACTORS: &str = "rope_freqs.weight";

fn attention(own: &FamilyKeys<'_>) -> Result<Attention, CheckpointError> {
    let (hidden, heads) = (own.count("embedding_length")?, own.count("attention.head_count")?);
    if own.family != Family::DeepSeek2 {
        return Ok(Attention::Grouped {
            heads,
            kv_heads: own.optional("attention.head_count_kv")?.unwrap_or(heads),
            head_dim: own.optional("attention.key_length")?.or(hidden.checked_div(heads)).unwrap_or(0),
        });
    }
    let rope_dim = own.count("rope.dimension_count")?;
    // Files from before April 2025 give the width of a head under the plain name.
    let width = |today: &str, before: &str| match own.optional(today)? {
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
    let Some(experts) = own.optional("expert_count")?.filter(|experts| *experts > 0) else {
        return Ok(FeedForward::Dense { intermediate });
    };
    refuse_other_routing(own)?;
    Ok(FeedForward::Mixture(Mixture {
        intermediate,
        dense_layers: own.optional("leading_dense_block_count")?.unwrap_or(0),
        experts,
        experts_per_token: own.count("expert_used_count")?,
        shared_experts: own.optional("expert_shared_count")?.unwrap_or(0),
        expert_intermediate: own.optional("expert_feed_forward_length")?.unwrap_or(intermediate),
    }))
}

/// Refuses ways to choose and weigh experts that are not computed here: a softmax over all, the best of which are used as they
/// come out of it.
fn refuse_other_routing(own: &FamilyKeys<'_>) -> Result<(), CheckpointError> {
    let refuse = |key: &str, value: String| Err(own.keys.unknown(&own.key(key), &value));
    let (scale, function, norm) = ("expert_weights_scale", "expert_gating_func", "expert_weights_norm");
    own.plain_scale(scale)?;
    match own.optional(function)? {
        // Files from before the key was introduced have none, which counts as 0; 1 is the softmax.
        None | Some(0 | 1) => {}
        Some(other) => return refuse(function, other.to_string()),
    }
    // Mixtral's experts, of the family llama, are always weighed so that they add up to one.
    if own.keys.flag(&own.key(norm))? == Some(true) && own.family == Family::DeepSeek2 {
        return refuse(norm, "true".to_owned());
    }
    match own.optional("expert_group_count")? {
        Some(groups) if groups > 1 => refuse("expert_group_count", groups.to_string()),
        _ => Ok(()),
    }
}

fn yarn(own: &FamilyKeys<'_>) -> Result<RopeScaling, CheckpointError> {
    const TYPE: &str = "rope.scaling.type";
    match own.keys.text(&own.key(TYPE))?.as_deref() {
        None | Some("none") => return Ok(RopeScaling::None),
        Some("yarn") => {}
        Some(other) => return Err(own.keys.unknown(&own.key(TYPE), other)),
    }
    for key in ["rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor"] {
        own.plain_scale(key)?;
    }
    let factor = "rope.scaling.factor";
    let unit = if own.family == Family::DeepSeek2 { 0.1 } else { 1.0 };
    Ok(RopeScaling::Yarn(Yarn {
        factor: own.real(factor)?.ok_or_else(|| own.keys.missing(&own.key(factor)))?,
        original_positions: own.count("rope.scaling.original_context_length")?,
        // llama.cpp's defaults.
        beta_fast: own.real("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
        beta_slow: own.real("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
        attention_factor: own.real("rope.scaling.attn_factor")?,
        magnitude: own.real("rope.scaling.yarn_log_multiplier")?.map(|multiplier| multiplier / unit),
        query_beta: own.real("attention.temperature_scale")?,
    }))
}
