//! Storage types by llama.cpp's recipes, and the bytes that follow. The rules are those of `llama-quant.cpp` of the
//! llama.cpp repository, read in its version of 2026 and written here anew.

use super::{Family, Shape, TensorRole, TensorSpec};
use crate::model::precision::Recipe;
use crate::units::Bytes;

/// Storage type of a tensor in a GGUF file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TensorType {
    /// 32-bit floats: 4 bytes a value.
    F32,
    /// 5-bit blocks of 32: 22 bytes a block.
    Q5_0,
    /// 5-bit blocks of 32 with a minimum: 24 bytes a block.
    Q5_1,
    /// 8-bit blocks of 32: 34 bytes a block.
    Q8_0,
    /// 4-bit blocks of 256: 144 bytes a block.
    Q4K,
    /// 5-bit blocks of 256: 176 bytes a block.
    Q5K,
    /// 6-bit blocks of 256: 210 bytes a block.
    Q6K,
    /// 16-bit floats with the exponent of 32-bit ones: 2 bytes a value.
    BF16,
}

impl TensorType {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 8] =
        [Self::F32, Self::Q5_0, Self::Q5_1, Self::Q8_0, Self::Q4K, Self::Q5K, Self::Q6K, Self::BF16];

    /// Values in a block and bytes of a block.
    pub const fn block(self) -> (u64, u64) {
        match self {
            Self::F32 => (1, 4),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
            Self::BF16 => (1, 2),
        }
    }

    /// The type's number in a GGUF file (`ggml_type`).
    pub const fn ggml_id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q4K => 12,
            Self::Q5K => 13,
            Self::Q6K => 14,
            Self::BF16 => 30,
        }
    }

    /// The name llama.cpp prints.
    pub const fn label(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
            Self::BF16 => "BF16",
        }
    }

    /// What takes this type's place in rows that are not whole blocks of it.
    const fn for_short_rows(self) -> Self {
        match self {
            Self::Q4K => Self::Q5_0,
            Self::Q5K => Self::Q5_1,
            Self::Q6K => Self::Q8_0,
            other => other,
        }
    }
}

impl TensorSpec {
    /// Bytes when stored as `kind`; whole blocks, since the recipe gives no row another type.
    pub fn bytes(&self, kind: TensorType) -> Bytes {
        let (values, bytes) = kind.block();
        Bytes::new(self.values() / values * bytes)
    }
}

impl Shape {
    /// The type a tensor has in a file of this precision.
    ///
    /// Vectors and routers stay F32. `Q8_0` and `BF16` store every other tensor so, and `Q6_K` too, but for the keys and values of
    /// models with exactly eight experts, which are `Q8_0`. `Q4_K_M` stores them as `Q4_K`, with these exceptions: the output matrix, or the table that serves as one, is `Q6_K`; so are the value and down projections of
    /// the layers that get more bits; with exactly eight experts keys and values are `Q8_0` and the attention's output is
    /// `Q5_K`; the value projections that are left are `Q5_K` in a Llama of 80 layers. Rows that are not multiples of 256 take
    /// the type with the small block instead: `Q5_0` for `Q4_K`, `Q5_1` for `Q5_K`, `Q8_0` for `Q6_K`.
    pub fn tensor_type(&self, tensor: &TensorSpec, precision: Recipe) -> TensorType {
        if tensor.is_vector() || tensor.role == TensorRole::Router {
            return TensorType::F32;
        }
        let wanted = match precision {
            Recipe::Q4KM => self.q4_k_m(tensor),
            Recipe::Q6K => self.q6_k(tensor),
            Recipe::Q8_0 => TensorType::Q8_0,
            Recipe::BF16 => TensorType::BF16,
        };
        let (values, _) = wanted.block();
        if tensor.columns().is_multiple_of(values) { wanted } else { wanted.for_short_rows() }
    }

    fn q6_k(&self, tensor: &TensorSpec) -> TensorType {
        match tensor.role {
            TensorRole::AttentionKey | TensorRole::AttentionValue if self.has_eight_experts() => {
                TensorType::Q8_0
            }
            _ => TensorType::Q6K,
        }
    }

    fn has_eight_experts(&self) -> bool {
        self.mixture().is_some_and(|mixture| mixture.experts == 8)
    }

    fn q4_k_m(&self, tensor: &TensorSpec) -> TensorType {
        let has_eight_experts = self.has_eight_experts();
        let more_bits = tensor.layer.is_some_and(|layer| more_bits(layer, self.layers));
        match tensor.role {
            TensorRole::Output => TensorType::Q6K,
            TensorRole::Embedding if self.tied_embeddings => TensorType::Q6K,
            TensorRole::AttentionKey | TensorRole::AttentionValue if has_eight_experts => TensorType::Q8_0,
            TensorRole::AttentionOutput if has_eight_experts => TensorType::Q5K,
            TensorRole::AttentionValue | TensorRole::FeedForwardDown if more_bits => TensorType::Q6K,
            TensorRole::AttentionValue if self.is_70b() => TensorType::Q5K,
            _ => TensorType::Q4K,
        }
    }

    /// What llama.cpp takes for a "70B" model.
    fn is_70b(&self) -> bool {
        self.family == Family::Llama && self.layers == 80 && self.kv_bytes_per_token(1) != self.ungrouped()
    }

    /// Bytes a token would add to a cache if every query head had its own key and value.
    fn ungrouped(&self) -> Bytes {
        Bytes::new(2 * self.layers * self.heads() * self.head_dim())
    }

    /// Bytes of tensor data in a file of this precision, without header and padding.
    pub fn bytes(&self, precision: Recipe) -> Bytes {
        self.sum(precision, |_| true, |_, bytes| bytes)
    }

    /// Bytes of weights that one decode step of one sequence reads: everything but the embedding table, of which it reads one
    /// row (unless the table is the output matrix too), and of the routed experts only those of one token. The number
    /// for a memory roofline; it is not the file's size.
    pub fn read_bytes_per_step(&self, precision: Recipe) -> Bytes {
        let is_read = |tensor: &TensorSpec| tensor.role != TensorRole::Embedding || self.tied_embeddings;
        self.sum(precision, is_read, |tensor, bytes| self.touched(tensor, bytes))
    }

    pub(super) fn sum(
        &self,
        precision: Recipe,
        counts: impl Fn(&TensorSpec) -> bool,
        part: impl Fn(&TensorSpec, u64) -> u64,
    ) -> Bytes {
        let tensors = self.tensors();
        let bytes = |tensor: &TensorSpec| tensor.bytes(self.tensor_type(tensor, precision)).count();
        Bytes::new(tensors.iter().filter(|t| counts(t)).map(|t| part(t, bytes(t))).sum())
    }
}

/// llama.cpp's `use_more_bits`: the first and last eighth of the layers, and every third between.
const fn more_bits(layer: u64, layers: u64) -> bool {
    layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2
}
