//! The keys of a hub repository's `config.json` that a shape follows from; all others are left alone.

use serde::Deserialize;

use crate::model::shown::shown;

#[derive(Debug, Deserialize)]
pub(super) struct Keys {
    pub(super) model_type: Option<String>,
    pub(super) num_hidden_layers: Option<u64>,
    pub(super) hidden_size: Option<u64>,
    pub(super) intermediate_size: Option<u64>,
    pub(super) num_attention_heads: Option<u64>,
    pub(super) num_key_value_heads: Option<u64>,
    pub(super) head_dim: Option<u64>,
    pub(super) vocab_size: Option<u64>,
    pub(super) tie_word_embeddings: Option<bool>,
    pub(super) hidden_act: Option<String>,
    pub(super) rms_norm_eps: Option<f64>,
    pub(super) rope_theta: Option<f64>,
    pub(super) rope_scaling: Option<RopeKeys>,
    pub(super) rope_parameters: Option<RopeKeys>,
    pub(super) max_position_embeddings: Option<u64>,
    pub(super) sliding_window: Option<u64>,
    pub(super) use_sliding_window: Option<bool>,
    pub(super) max_window_layers: Option<u64>,
    pub(super) layer_types: Option<Vec<String>>,
    pub(super) attention_bias: Option<bool>,
    pub(super) mlp_bias: Option<bool>,
    pub(super) partial_rotary_factor: Option<f64>,
    pub(super) q_lora_rank: Option<u64>,
    pub(super) kv_lora_rank: Option<u64>,
    pub(super) qk_nope_head_dim: Option<u64>,
    pub(super) qk_rope_head_dim: Option<u64>,
    pub(super) v_head_dim: Option<u64>,
    pub(super) n_routed_experts: Option<u64>,
    pub(super) num_local_experts: Option<u64>,
    pub(super) num_experts_per_tok: Option<u64>,
    pub(super) n_shared_experts: Option<u64>,
    pub(super) moe_intermediate_size: Option<u64>,
    pub(super) first_k_dense_replace: Option<u64>,
    pub(super) moe_layer_freq: Option<u64>,
    pub(super) topk_method: Option<String>,
    pub(super) scoring_func: Option<String>,
    pub(super) norm_topk_prob: Option<bool>,
    pub(super) routed_scaling_factor: Option<f64>,
    pub(super) n_group: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RopeKeys {
    pub(super) rope_type: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) rope_theta: Option<f64>,
    pub(super) factor: Option<f64>,
    pub(super) low_freq_factor: Option<f64>,
    pub(super) high_freq_factor: Option<f64>,
    pub(super) original_max_position_embeddings: Option<u64>,
    pub(super) beta_fast: Option<f64>,
    pub(super) beta_slow: Option<f64>,
    pub(super) attn_factor: Option<f64>,
    pub(super) attention_factor: Option<f64>,
    pub(super) mscale: Option<f64>,
    pub(super) mscale_all_dim: Option<f64>,
    pub(super) partial_rotary_factor: Option<f64>,
    pub(super) llama_4_scaling_beta: Option<f64>,
}

/// What stands around the keys of a language model that is a part of another.
#[derive(Debug, Deserialize)]
struct Whole {
    /// Not a type that holds itself: a config nested often enough would leave the stack no room, well before `serde_json` gives up
    /// at 128 levels.
    text_config: Option<Keys>,
    tie_word_embeddings: Option<bool>,
}

impl Keys {
    /// The keys of the language model: those of `text_config` where there is one, with the key beside it that belongs to it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // An error may quote what stands in the file.
        let said = |error: serde_json::Error| shown(&error.to_string());
        let whole: Whole = serde_json::from_str(text).map_err(said)?;
        let Some(mut keys) = whole.text_config else { return serde_json::from_str(text).map_err(said) };
        keys.tie_word_embeddings = keys.tie_word_embeddings.or(whole.tie_word_embeddings);
        Ok(keys)
    }
}
