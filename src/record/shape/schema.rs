//! The types of a shape in the run file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The exact dimensions of a model.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct ShapeFile {
    pub family: FamilyFile,
    pub layers: u64,
    pub hidden: u64,
    pub intermediate: u64,
    pub heads: u64,
    /// Null where attention is latent.
    pub kv_heads: Option<u64>,
    /// Null where attention is latent.
    pub head_dim: Option<u64>,
    pub latent: Option<LatentFile>,
    pub mixture: Option<MixtureFile>,
    pub vocab: u64,
    pub tied_embeddings: bool,
    pub attention_bias: BiasFile,
    pub rope_theta: f64,
    pub llama3: Option<Llama3File>,
    pub yarn: Option<YarnFile>,
    pub rms_norm_eps: f64,
    pub max_positions: u64,
    pub sliding_window: Option<WindowFile>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::record) enum FamilyFile {
    Qwen2,
    Qwen3,
    Llama,
    Mistral3,
    DeepSeek2,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::record) enum BiasFile {
    None,
    Qkv,
}

/// Keys and values that come from one small vector per token.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct LatentFile {
    pub kv_rank: u64,
    pub nope_dim: u64,
    pub rope_dim: u64,
    pub value_dim: u64,
}

/// A mixture of experts; `intermediate` is then the width of the dense layers before it.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct MixtureFile {
    pub dense_layers: u64,
    pub experts: u64,
    pub experts_per_token: u64,
    pub shared_experts: u64,
    pub expert_intermediate: u64,
}

/// Rotary scaling of Llama 3.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct Llama3File {
    pub factor: f64,
    pub low_frequency: f64,
    pub high_frequency: f64,
    pub original_positions: u64,
}

/// Rotary scaling by YaRN.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct YarnFile {
    pub factor: f64,
    pub original_positions: u64,
    pub beta_fast: f64,
    pub beta_slow: f64,
    pub attention_factor: Option<f64>,
    pub magnitude: Option<f64>,
    pub query_beta: Option<f64>,
}

/// The window of the attention that the publisher states.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct WindowFile {
    pub positions: u64,
    pub used: bool,
}
