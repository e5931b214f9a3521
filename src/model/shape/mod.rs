//! A decoder's shape as typed parts: attention, feed-forward, rotary scaling, window. What follows from it by arithmetic
//! stands beside: its tensors, their storage types, and why a shape cannot be.

mod problems;
mod recipe;
mod tensors;
mod traffic;
pub(super) mod wire;

pub use recipe::TensorType;
pub use tensors::{TensorRole, TensorSpec};

use crate::units::Bytes;

/// Which computation the shape belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// Qwen2 and the `DeepSeek` distills built on it: grouped attention with biases on query, key and value.
    Qwen2,
    /// Qwen3: grouped attention with a norm on each query and key head.
    Qwen3,
    /// Llama 3, and all Mistral models up to Mistral Small 3.2: grouped attention, neither biases nor head norms.
    Llama,
    /// Ministral 3: as Llama, with YaRN and a query scale that grows with the position.
    Mistral3,
    /// `DeepSeek` V2: latent attention and a mixture of experts.
    DeepSeek2,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Qwen2, Self::Qwen3, Self::Llama, Self::Mistral3, Self::DeepSeek2];

    /// The name GGUF files and `models.toml` use (`general.architecture`).
    pub const fn id(self) -> &'static str {
        match self {
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Llama => "llama",
            Self::Mistral3 => "mistral3",
            Self::DeepSeek2 => "deepseek2",
        }
    }

    /// The family with this [`Self::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.id() == id)
    }

    /// True if query, key and value carry a bias each.
    pub const fn has_attention_bias(self) -> bool {
        matches!(self, Self::Qwen2)
    }

    /// True if each query and key head is normalised before rotation.
    pub const fn has_query_key_norm(self) -> bool {
        matches!(self, Self::Qwen3)
    }
}

/// How tokens look at earlier ones.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Attention {
    /// Groups of query heads share a key and a value head.
    Grouped {
        /// Query heads.
        heads: u64,
        /// Key and value heads; divides `heads`.
        kv_heads: u64,
        /// Width of one head. Not always `hidden / heads`.
        head_dim: u64,
    },
    /// Keys and values of all heads come from one small vector per token, which is what the cache holds.
    Latent {
        /// Query heads.
        heads: u64,
        /// Width of the vector that keys and values come from.
        kv_rank: u64,
        /// Width of a key head's part without position.
        nope_dim: u64,
        /// Width of the rotated part, one for all heads.
        rope_dim: u64,
        /// Width of a value head.
        value_dim: u64,
    },
}

/// What follows attention in a layer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FeedForward {
    /// One gated layer of this width.
    Dense {
        /// Its width.
        intermediate: u64,
    },
    /// A router picks a few of many narrow layers for each token.
    Mixture(Mixture),
}

/// A mixture of experts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mixture {
    /// Width of the dense layers that come first; without meaning where there are none.
    pub intermediate: u64,
    /// Layers at the start that have a dense feed-forward.
    pub dense_layers: u64,
    /// Experts the router chooses from.
    pub experts: u64,
    /// Experts it chooses for one token.
    pub experts_per_token: u64,
    /// Experts that every token passes through.
    pub shared_experts: u64,
    /// Width of one expert.
    pub expert_intermediate: u64,
}

/// How rotary angles are stretched beyond the positions a model was first trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// Llama 3's: low frequencies divided by `factor`, high ones kept, a ramp between.
    Llama3 {
        /// Divisor of the low frequencies.
        factor: f64,
        /// Rotations within the original positions below which a frequency counts as low.
        low_frequency: f64,
        /// Rotations from which it counts as high.
        high_frequency: f64,
        /// Positions before stretching.
        original_positions: u64,
    },
    /// YaRN (Peng and others 2023).
    Yarn(Yarn),
}

/// The numbers of YaRN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Yarn {
    /// Stretch.
    pub factor: f64,
    /// Positions before stretching.
    pub original_positions: u64,
    /// Rotations from which a frequency is kept.
    pub beta_fast: f64,
    /// Rotations up to which it is divided by the factor.
    pub beta_slow: f64,
    /// The published scale of the attention's logits, where the publisher states one.
    pub attention_factor: Option<f64>,
    /// The publisher's `mscale_all_dim`, where there is one.
    pub magnitude: Option<f64>,
    /// Ministral 3 scales its queries by `1 + beta ln(1 + floor(position / original_positions))`.
    pub query_beta: Option<f64>,
}

/// Whether tokens see only the last positions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SlidingWindow {
    /// The publisher states none.
    None,
    /// One is stated and switched off.
    Off(u64),
    /// Some layers or all see only so many positions.
    On(u64),
}

/// The exact dimensions of a decoder-only transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The computation.
    pub family: Family,
    /// Transformer layers.
    pub layers: u64,
    /// Width of the residual stream.
    pub hidden: u64,
    /// How tokens look at earlier ones.
    pub attention: Attention,
    /// What follows in each layer.
    pub feed_forward: FeedForward,
    /// Rows of the embedding table.
    pub vocab: u64,
    /// True if the output matrix is the embedding table.
    pub tied_embeddings: bool,
    /// Base of the rotary angles.
    pub rope_theta: f64,
    /// Stretching of the rotary angles.
    pub rope_scaling: RopeScaling,
    /// Epsilon of the RMS norms.
    pub rms_norm_eps: f64,
    /// Positions the model was published for.
    pub max_positions: u64,
    /// Window of the attention.
    pub sliding_window: SlidingWindow,
}

impl Shape {
    /// Where this shape differs from `other` in what decides speed and memory, as (name, in this, in the other); empty if
    /// nowhere. Positions and rotary scaling are not compared: publishers and converters change them.
    pub fn differences(&self, other: &Self) -> Vec<(&'static str, String, String)> {
        let of = |shape: &Self| {
            [
                ("family", shape.family.id().to_owned()),
                ("layers", shape.layers.to_string()),
                ("hidden", shape.hidden.to_string()),
                ("attention", format!("{:?}", shape.attention)),
                ("feed_forward", format!("{:?}", shape.feed_forward)),
                ("vocab", shape.vocab.to_string()),
                ("tied_embeddings", shape.tied_embeddings.to_string()),
            ]
        };
        let pairs = of(self).into_iter().zip(of(other));
        pairs
            .filter(|(own, other)| own != other)
            .map(|((name, own), (_, other))| (name, own, other))
            .collect()
    }

    /// Query heads.
    pub const fn heads(&self) -> u64 {
        match self.attention {
            Attention::Grouped { heads, .. } | Attention::Latent { heads, .. } => heads,
        }
    }

    /// Width of a query or key head.
    pub const fn head_dim(&self) -> u64 {
        match self.attention {
            Attention::Grouped { head_dim, .. } => head_dim,
            Attention::Latent { nope_dim, rope_dim, .. } => nope_dim + rope_dim,
        }
    }

    /// Rotated values of a head.
    pub const fn rope_dim(&self) -> u64 {
        match self.attention {
            Attention::Grouped { head_dim, .. } => head_dim,
            Attention::Latent { rope_dim, .. } => rope_dim,
        }
    }

    /// The experts, if there are any.
    pub const fn mixture(&self) -> Option<&Mixture> {
        match &self.feed_forward {
            FeedForward::Dense { .. } => None,
            FeedForward::Mixture(mixture) => Some(mixture),
        }
    }

    /// Width of the dense feed-forward layers.
    pub const fn intermediate(&self) -> u64 {
        match self.feed_forward {
            FeedForward::Dense { intermediate } | FeedForward::Mixture(Mixture { intermediate, .. }) => {
                intermediate
            }
        }
    }

    /// Number of trained values: the sum over all tensors.
    pub fn parameters(&self) -> u64 {
        self.tensors().iter().filter(|tensor| tensor.is_trained()).map(TensorSpec::values).sum()
    }

    /// The values of all tensors that one token can touch: those of the experts it is routed to, and the whole embedding
    /// table. Publishers who leave the table out print a smaller number.
    pub fn active_parameters(&self) -> u64 {
        let tensors = self.tensors();
        tensors
            .iter()
            .filter(|tensor| tensor.is_trained())
            .map(|tensor| self.touched(tensor, tensor.values()))
            .sum()
    }

    /// Multiply-adds with weights for one token: the active values of all matrices but a table that only looks up rows.
    pub fn matrix_parameters(&self) -> u64 {
        let tensors = self.tensors();
        let multiplied = |tensor: &&TensorSpec| {
            !tensor.is_vector() && (tensor.role != TensorRole::Embedding || self.tied_embeddings)
        };
        tensors.iter().filter(multiplied).map(|tensor| self.touched(tensor, tensor.values())).sum()
    }

    /// The part of `whole` that belongs to the experts of one token; all of it outside the routed experts.
    fn touched(&self, tensor: &TensorSpec, whole: u64) -> u64 {
        match self.mixture() {
            Some(mixture) if tensor.is_routed() => whole / mixture.experts * mixture.experts_per_token,
            _ => whole,
        }
    }

    /// Values of the matrices that latent attention expands its vectors with, which are computed with as floats; 0 for other
    /// models.
    pub const fn expanded_values(&self) -> u64 {
        match self.attention {
            Attention::Grouped { .. } => 0,
            Attention::Latent { heads, kv_rank, nope_dim, value_dim, .. } => {
                self.layers * heads * kv_rank * (nope_dim + value_dim)
            }
        }
    }

    /// Bytes one token adds to a KV cache of `value_bytes` per value: keys and values of all kv heads, or the latent vector
    /// and the rotated part that stand for them.
    pub const fn kv_bytes_per_token(&self, value_bytes: u64) -> Bytes {
        let per_layer = match self.attention {
            Attention::Grouped { kv_heads, head_dim, .. } => 2 * kv_heads * head_dim,
            Attention::Latent { kv_rank, rope_dim, .. } => kv_rank + rope_dim,
        };
        Bytes::new(self.layers * per_layer * value_bytes)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The shape of DeepSeek-R1-Distill-Qwen-1.5B.
    pub(crate) fn distill_1_5b() -> Shape {
        Shape {
            family: Family::Qwen2,
            layers: 28,
            hidden: 1_536,
            attention: Attention::Grouped { heads: 12, kv_heads: 2, head_dim: 128 },
            feed_forward: FeedForward::Dense { intermediate: 8_960 },
            vocab: 151_936,
            tied_embeddings: false,
            rope_theta: 10_000.0,
            rope_scaling: RopeScaling::None,
            rms_norm_eps: 1e-6,
            max_positions: 131_072,
            sliding_window: SlidingWindow::Off(4_096),
        }
    }

    #[test]
    fn a_tied_table_is_counted_once() {
        let tied = Shape { tied_embeddings: true, ..distill_1_5b() };
        assert_eq!(tied.parameters(), 1_777_088_000 - 151_936 * 1_536);
        assert_eq!(tied.matrix_parameters(), distill_1_5b().matrix_parameters());
    }

    #[test]
    fn families_read_back_as_they_are_named() {
        for family in Family::ALL {
            assert_eq!(Family::from_id(family.id()), Some(family));
        }
        assert_eq!(Family::from_id("gemma"), None);
    }
}
