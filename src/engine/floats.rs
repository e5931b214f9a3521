//! candle-transformers' models of plain floats, on a safetensors folder, computed in 32-bit floats.
//!
//! Read of version 0.11.1: `qwen2` and `llama` take `hidden / heads` for the width of a head, `mistral` does not; `llama` knows
//! llama3's rotary scaling and tied embeddings, the others no scaling and `mistral` no tied table. `qwen2` keeps rotary angles
//! in the type it computes in, which 32-bit floats are exact enough for. Windows mask the prefill alone.

use std::path::Path;

use candle_core::{DType, Device, Result, Shape as Dimensions, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Activation, VarBuilder};
use candle_transformers::models::{llama, mistral, qwen2};

use crate::measurement::EngineGap;
use crate::model::{
    Attention, CheckpointFolder, Family, FeedForward, Precision, RopeScaling, Shape, stored_bytes_of,
};
use crate::units::{count_as_usize, nearest_f32};

/// A model of plain floats.
pub(super) enum FloatModel {
    Qwen2(qwen2::ModelForCausalLM),
    Mistral(mistral::Model),
    Llama(Box<(llama::Llama, llama::Cache, llama::Cache)>),
}

/// What the code for folders lacks for a model under any workload.
pub(super) fn shape_gaps(shape: &Shape) -> Vec<EngineGap> {
    let Attention::Grouped { heads, head_dim, .. } = shape.attention else {
        return vec![EngineGap::Architecture];
    };
    if shape.mixture().is_some() || !matches!(shape.family, Family::Qwen2 | Family::Llama) {
        return vec![EngineGap::Architecture];
    }
    let has_other_heads = heads * head_dim != shape.hidden;
    let scales = match shape.rope_scaling {
        RopeScaling::None => true,
        RopeScaling::Llama3 { .. } => shape.family == Family::Llama,
        RopeScaling::Yarn(_) => false,
    };
    let lacks = [
        (EngineGap::HeadSize, has_other_heads && !is_for_mistral_code(shape)),
        (EngineGap::RopeScaling, !scales),
    ];
    lacks.into_iter().filter_map(|(gap, lacks)| lacks.then_some(gap)).collect()
}

/// The code named after Mistral computes every Llama but those with scaling or a tied table.
fn is_for_mistral_code(shape: &Shape) -> bool {
    shape.family == Family::Llama && shape.rope_scaling == RopeScaling::None && !shape.tied_embeddings
}

impl FloatModel {
    pub(super) fn load(path: &Path, device: &Device) -> std::result::Result<Self, String> {
        let folder = CheckpointFolder::inspect(path).map_err(|error| error.to_string())?;
        if let Some(gap) = shape_gaps(&folder.shape).first() {
            return Err(gap.reason().to_owned());
        }
        Self::build(folder, device).map_err(|error| error.to_string())
    }

    fn build(folder: CheckpointFolder, device: &Device) -> Result<Self> {
        let shape = folder.shape.clone();
        let (Attention::Grouped { heads, kv_heads, head_dim }, FeedForward::Dense { intermediate }) =
            (&shape.attention, &shape.feed_forward)
        else {
            candle_core::bail!("no code for this architecture");
        };
        let [heads, kv_heads, head_dim, intermediate] =
            [*heads, *kv_heads, *head_dim, *intermediate].map(count_as_usize);
        let [vocab_size, hidden_size, layers, positions] =
            [shape.vocab, shape.hidden, shape.layers, shape.max_positions].map(count_as_usize);
        let weights = VarBuilder::from_backend(Box::new(Stored(folder)), DType::F32, device.clone());
        if shape.family == Family::Qwen2 {
            let config = qwen2::Config {
                vocab_size,
                hidden_size,
                intermediate_size: intermediate,
                num_hidden_layers: layers,
                num_attention_heads: heads,
                num_key_value_heads: kv_heads,
                max_position_embeddings: positions,
                // Longer workloads than a window are not run, so none is ever reached.
                sliding_window: positions,
                max_window_layers: layers,
                tie_word_embeddings: shape.tied_embeddings,
                rope_theta: shape.rope_theta,
                rms_norm_eps: shape.rms_norm_eps,
                use_sliding_window: false,
                hidden_act: Activation::Silu,
            };
            return qwen2::ModelForCausalLM::new(&config, weights).map(Self::Qwen2);
        }
        if is_for_mistral_code(&shape) {
            let config = mistral::Config {
                vocab_size,
                hidden_size,
                intermediate_size: intermediate,
                num_hidden_layers: layers,
                num_attention_heads: heads,
                head_dim: Some(head_dim),
                num_key_value_heads: kv_heads,
                hidden_act: Activation::Silu,
                max_position_embeddings: positions,
                rms_norm_eps: shape.rms_norm_eps,
                rope_theta: shape.rope_theta,
                sliding_window: None,
                use_flash_attn: false,
            };
            return mistral::Model::new(&config, weights).map(Self::Mistral);
        }
        let rope_scaling = match shape.rope_scaling {
            RopeScaling::Llama3 { factor, low_frequency, high_frequency, original_positions } => {
                Some(llama::Llama3RopeConfig {
                    factor: nearest_f32(factor),
                    low_freq_factor: nearest_f32(low_frequency),
                    high_freq_factor: nearest_f32(high_frequency),
                    original_max_position_embeddings: count_as_usize(original_positions),
                    rope_type: llama::Llama3RopeType::Llama3,
                })
            }
            _ => None,
        };
        let config = llama::Config {
            hidden_size,
            intermediate_size: intermediate,
            vocab_size,
            num_hidden_layers: layers,
            num_attention_heads: heads,
            num_key_value_heads: kv_heads,
            use_flash_attn: false,
            rms_norm_eps: shape.rms_norm_eps,
            rope_theta: nearest_f32(shape.rope_theta),
            bos_token_id: None,
            eos_token_id: None,
            rope_scaling,
            max_position_embeddings: positions,
            tie_word_embeddings: shape.tied_embeddings,
        };
        let model = llama::Llama::load(weights, &config)?;
        let cache = llama::Cache::new(true, DType::F32, &config, device)?;
        Ok(Self::Llama(Box::new((model, cache.clone(), cache))))
    }

    pub(super) fn clear_kv_cache(&mut self) {
        match self {
            Self::Qwen2(model) => model.clear_kv_cache(),
            Self::Mistral(model) => model.clear_kv_cache(),
            Self::Llama(parts) => {
                // An empty one is kept beside it: it cannot be emptied.
                parts.1 = parts.2.clone();
            }
        }
    }

    /// Logits of the last position of each row.
    pub(super) fn forward(&mut self, input: &Tensor, position: usize) -> Result<Tensor> {
        match self {
            Self::Qwen2(model) => model.forward(input, position)?.squeeze(1),
            Self::Mistral(model) => model.forward(input, position)?.squeeze(1),
            Self::Llama(parts) => {
                let (model, cache, _) = parts.as_mut();
                model.forward(input, position, cache)
            }
        }
    }
}

/// Reads one tensor after the other, so that no more than one is in memory twice.
struct Stored(CheckpointFolder);

impl SimpleBackend for Stored {
    fn get(
        &self,
        dimensions: Dimensions,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() == &dimensions {
            Ok(tensor)
        } else {
            candle_core::bail!("`{name}` is {:?}, not {dimensions:?}", tensor.shape())
        }
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        let Some(stored) = self.0.tensors.get(name) else { candle_core::bail!("`{name}` is missing") };
        let kind = match stored.precision {
            Precision::F16 => DType::F16,
            Precision::BF16 => DType::BF16,
            _ => DType::F32,
        };
        let dimensions: Vec<usize> = stored.dimensions.iter().map(|size| count_as_usize(*size)).collect();
        Tensor::from_raw_buffer(&stored_bytes_of(stored)?, kind, &dimensions, device)?.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.tensors.contains_key(name)
    }
}
