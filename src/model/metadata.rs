//! The keys of a GGUF file that a loader reads a shape from, family by family.
//!
//! What each key means is llama.cpp's choice: `src/llama-arch.cpp` and the converters in `conversion/` of its repository.

use super::gguf::write::Value;
use super::shape::{Attention, Mixture, RopeScaling, Shape, Yarn};
use crate::units::nearest_f32;

type Pairs = Vec<(String, Value)>;

impl Shape {
    /// All of the shape's keys, in the order in which they are written.
    pub(super) fn metadata(&self) -> Pairs {
        let mut keys = vec![
            ("block_count", count(self.layers)),
            ("context_length", count(self.max_positions)),
            ("embedding_length", count(self.hidden)),
            ("feed_forward_length", count(self.intermediate())),
            ("vocab_size", count(self.vocab)),
            ("attention.head_count", count(self.heads())),
        ];
        keys.extend(self.attention_keys());
        keys.extend([
            ("attention.layer_norm_rms_epsilon", real(self.rms_norm_eps)),
            ("rope.dimension_count", count(self.rope_dim())),
            ("rope.freq_base", real(self.rope_theta)),
        ]);
        if let RopeScaling::Yarn(yarn) = &self.rope_scaling {
            keys.extend(self.yarn_keys(yarn));
        }
        if let Some(mixture) = self.mixture() {
            keys.extend(self.mixture_keys(mixture));
        }
        keys.into_iter().map(|(key, value)| (format!("{}.{key}", self.family.id()), value)).collect()
    }

    /// For latent attention, llama.cpp describes one wide key and value head that all query heads share, and the widths
    /// of the heads it stands for under names of their own.
    fn attention_keys(&self) -> Vec<(&'static str, Value)> {
        match self.attention {
            Attention::Grouped { kv_heads, head_dim, .. } => vec![
                ("attention.head_count_kv", count(kv_heads)),
                ("attention.key_length", count(head_dim)),
                ("attention.value_length", count(head_dim)),
            ],
            Attention::Latent { kv_rank, rope_dim, value_dim, .. } => vec![
                ("attention.head_count_kv", count(1)),
                ("attention.kv_lora_rank", count(kv_rank)),
                ("attention.key_length", count(kv_rank + rope_dim)),
                ("attention.value_length", count(kv_rank)),
                ("attention.key_length_mla", count(self.head_dim())),
                ("attention.value_length_mla", count(value_dim)),
            ],
        }
    }

    fn yarn_keys(&self, yarn: &Yarn) -> Vec<(&'static str, Value)> {
        let mut keys = vec![
            ("rope.scaling.type", Value::Text("yarn".to_owned())),
            ("rope.scaling.factor", real(yarn.factor)),
            ("rope.scaling.original_context_length", count(yarn.original_positions)),
            ("rope.scaling.yarn_beta_fast", real(yarn.beta_fast)),
            ("rope.scaling.yarn_beta_slow", real(yarn.beta_slow)),
        ];
        keys.extend(yarn.attention_factor.map(|factor| ("rope.scaling.attn_factor", real(factor))));
        // deepseek2 files hold a tenth of the published number, as `conversion/deepseek.py` says; others the number itself.
        let is_latent = matches!(self.attention, Attention::Latent { .. });
        let unit = if is_latent { 0.1 } else { 1.0 };
        keys.extend(
            yarn.magnitude.map(|magnitude| ("rope.scaling.yarn_log_multiplier", real(unit * magnitude))),
        );
        keys.extend(yarn.query_beta.map(|beta| ("attention.temperature_scale", real(beta))));
        keys
    }

    fn mixture_keys(&self, mixture: &Mixture) -> Vec<(&'static str, Value)> {
        let mut keys = vec![
            ("expert_count", count(mixture.experts)),
            ("expert_used_count", count(mixture.experts_per_token)),
        ];
        if matches!(self.attention, Attention::Latent { .. }) {
            // Scores go through a softmax, and the chosen ones are used as they are.
            const SOFTMAX: u64 = 1;
            keys.extend([
                ("expert_feed_forward_length", count(mixture.expert_intermediate)),
                ("expert_shared_count", count(mixture.shared_experts)),
                ("expert_weights_scale", real(1.0)),
                ("expert_gating_func", count(SOFTMAX)),
                ("leading_dense_block_count", count(mixture.dense_layers)),
            ]);
        }
        keys
    }
}

fn count(n: u64) -> Value {
    Value::U32(u32::try_from(n).expect("no dimension of a sound shape exceeds 2^24"))
}

fn real(x: f64) -> Value {
    Value::F32(nearest_f32(x))
}
