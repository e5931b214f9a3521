//! A decoder's shape, and all that follows from it by arithmetic: tensors, parameters, bytes per token.

use crate::units::Bytes;

/// Values per block of the k-quants (`Q4_K`, `Q6_K`); every quantised row must be a multiple of it.
const K_BLOCK: u64 = 256;

/// Which computation the shape belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// Qwen2 and the `DeepSeek` distills built on it: grouped-query attention, biases on q, k and v, RMS norm, `SwiGLU`.
    Qwen2,
}

impl Family {
    /// The name GGUF files and `models.toml` use (`general.architecture`).
    pub const fn id(self) -> &'static str {
        match self {
            Self::Qwen2 => "qwen2",
        }
    }
}

/// Which attention projections carry a bias vector.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AttentionBias {
    /// None of them.
    None,
    /// Query, key and value.
    Qkv,
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
    /// Width of the feed-forward layer.
    pub intermediate: u64,
    /// Query heads.
    pub heads: u64,
    /// Key and value heads; divides `heads`.
    pub kv_heads: u64,
    /// Width of one head. Not always `hidden / heads`.
    pub head_dim: u64,
    /// Rows of the embedding table.
    pub vocab: u64,
    /// True if the output matrix is the embedding table.
    pub tied_embeddings: bool,
    /// Biases of the attention projections.
    pub attention_bias: AttentionBias,
    /// Base of the rotary angles.
    pub rope_theta: f64,
    /// Epsilon of the RMS norms.
    pub rms_norm_eps: f64,
    /// Positions the model was published for.
    pub max_positions: u64,
}

/// Storage type of a tensor in a GGUF file.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TensorType {
    /// 32-bit floats: 4 bytes a value.
    F32,
    /// 4-bit blocks of 256: 144 bytes a block.
    Q4K,
    /// 6-bit blocks of 256: 210 bytes a block.
    Q6K,
}

impl TensorType {
    /// Values in a block and bytes of a block.
    pub const fn block(self) -> (u64, u64) {
        match self {
            Self::F32 => (1, 4),
            Self::Q4K => (K_BLOCK, 144),
            Self::Q6K => (K_BLOCK, 210),
        }
    }

    /// The type's number in a GGUF file (`ggml_type`).
    pub const fn ggml_id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::Q4K => 12,
            Self::Q6K => 14,
        }
    }
}

/// What a tensor does, which decides its type under a quantisation recipe and the scale of random values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TensorRole {
    /// Token embeddings.
    Embedding,
    /// The matrix from the last hidden state to logits.
    Output,
    /// A norm's weights.
    Norm,
    /// A bias vector.
    Bias,
    /// Query, key or gate and up projections: read from the residual stream.
    Projection,
    /// The value projection.
    AttentionValue,
    /// The attention's output projection: writes to the residual stream.
    AttentionOutput,
    /// The feed-forward's down projection: writes to the residual stream.
    FeedForwardDown,
}

/// One tensor of a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TensorSpec {
    /// Its name in a GGUF file.
    pub name: String,
    /// Values in a row (the contiguous dimension).
    pub columns: u64,
    /// Rows; 1 for a vector.
    pub rows: u64,
    /// True for one-dimensional tensors.
    pub is_vector: bool,
    /// Its part in the computation.
    pub role: TensorRole,
    /// The layer it belongs to, if any.
    pub layer: Option<u64>,
}

impl TensorSpec {
    /// Number of values.
    pub fn values(&self) -> u64 {
        self.columns * self.rows
    }

    /// Bytes when stored as `kind`; whole blocks, since [`Shape::problems`] admits no other row length.
    pub fn bytes(&self, kind: TensorType) -> Bytes {
        let (values, bytes) = kind.block();
        Bytes::new(self.values() / values * bytes)
    }
}

impl Shape {
    /// Every reason why no such model can exist or be quantised, as (key of `models.toml`, problem, fix).
    pub fn problems(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        let mut problem = |key, problem: String, fix: String| found.push((key, problem, fix));
        for (key, value) in [
            ("layers", self.layers),
            ("hidden", self.hidden),
            ("intermediate", self.intermediate),
            ("heads", self.heads),
            ("kv_heads", self.kv_heads),
            ("head_dim", self.head_dim),
            ("vocab", self.vocab),
            ("max_positions", self.max_positions),
        ] {
            if value == 0 {
                problem(key, format!("`{key}` is 0"), "give the model's own number, at least 1".into());
            } else if value > 1 << 24 {
                problem(key, format!("`{key}` is {value}"), "no known model exceeds 16,777,216 here".into());
            }
        }
        if self.kv_heads != 0 && !self.heads.is_multiple_of(self.kv_heads) {
            let text = format!("{} query heads do not divide into {} kv heads", self.heads, self.kv_heads);
            problem("kv_heads", text, "`heads` must be a multiple of `kv_heads`".into());
        }
        for (key, value) in [("hidden", self.hidden), ("intermediate", self.intermediate)] {
            if !value.is_multiple_of(K_BLOCK) {
                let fix = format!("rows stored as Q4_K or Q6_K are multiples of {K_BLOCK}");
                problem(key, format!("`{key}` is {value}"), fix);
            }
        }
        if !(self.heads * self.head_dim).is_multiple_of(K_BLOCK) {
            let text = format!(
                "{} heads of {} make rows of {}",
                self.heads,
                self.head_dim,
                self.heads * self.head_dim
            );
            problem("head_dim", text, format!("`heads` x `head_dim` must be a multiple of {K_BLOCK}"));
        }
        if !self.head_dim.is_multiple_of(2) {
            problem(
                "head_dim",
                format!("`head_dim` is {}", self.head_dim),
                "rotary pairs need an even number".into(),
            );
        }
        for (key, value) in [("rope_theta", self.rope_theta), ("rms_norm_eps", self.rms_norm_eps)] {
            if !(value.is_finite() && value > 0.0) {
                problem(key, format!("`{key}` is {value}"), "give a finite number above 0".into());
            }
        }
        found
    }

    /// Every tensor, in the order of a llama.cpp file: embedding, layers, final norm, output.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let mut tensors =
            vec![matrix("token_embd.weight", self.hidden, self.vocab, TensorRole::Embedding, None)];
        for layer in 0..self.layers {
            tensors.extend(self.layer_tensors(layer));
        }
        tensors.push(vector("output_norm.weight", self.hidden, TensorRole::Norm, None));
        if !self.tied_embeddings {
            tensors.push(matrix("output.weight", self.hidden, self.vocab, TensorRole::Output, None));
        }
        tensors
    }

    fn layer_tensors(&self, layer: u64) -> Vec<TensorSpec> {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let (query, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let (hidden, wide, at) = (self.hidden, self.intermediate, Some(layer));
        let mut tensors = vec![
            vector(&name("attn_norm.weight"), hidden, TensorRole::Norm, at),
            matrix(&name("attn_q.weight"), hidden, query, TensorRole::Projection, at),
            matrix(&name("attn_k.weight"), hidden, kv, TensorRole::Projection, at),
            matrix(&name("attn_v.weight"), hidden, kv, TensorRole::AttentionValue, at),
            matrix(&name("attn_output.weight"), query, hidden, TensorRole::AttentionOutput, at),
            vector(&name("ffn_norm.weight"), hidden, TensorRole::Norm, at),
            matrix(&name("ffn_gate.weight"), hidden, wide, TensorRole::Projection, at),
            matrix(&name("ffn_up.weight"), hidden, wide, TensorRole::Projection, at),
            matrix(&name("ffn_down.weight"), wide, hidden, TensorRole::FeedForwardDown, at),
        ];
        if self.attention_bias == AttentionBias::Qkv {
            tensors.push(vector(&name("attn_q.bias"), query, TensorRole::Bias, at));
            tensors.push(vector(&name("attn_k.bias"), kv, TensorRole::Bias, at));
            tensors.push(vector(&name("attn_v.bias"), kv, TensorRole::Bias, at));
        }
        tensors
    }

    /// The type each tensor has in a `Q4_K_M` file, by llama.cpp's recipe: matrices `Q4_K`; the output matrix, and the value
    /// and down projections of the "more bits" layers, `Q6_K`; vectors F32. A tied embedding table is stored as `Q6_K`.
    pub fn q4_k_m(&self, tensor: &TensorSpec) -> TensorType {
        if tensor.is_vector {
            return TensorType::F32;
        }
        let six_bits = match tensor.role {
            TensorRole::Output => true,
            TensorRole::Embedding => self.tied_embeddings,
            TensorRole::AttentionValue | TensorRole::FeedForwardDown => {
                tensor.layer.is_some_and(|layer| more_bits(layer, self.layers))
            }
            _ => false,
        };
        if six_bits { TensorType::Q6K } else { TensorType::Q4K }
    }

    /// Number of trained values: the sum over all tensors.
    pub fn parameters(&self) -> u64 {
        self.tensors().iter().map(TensorSpec::values).sum()
    }

    /// Bytes of tensor data in a `Q4_K_M` file, without header and padding.
    pub fn q4_k_m_bytes(&self) -> Bytes {
        self.sum_q4_k_m(|_| true)
    }

    /// Bytes of weights that one decode step reads in `Q4_K_M`: everything but the embedding table, of which it reads one row
    /// (unless the table is the output matrix too). The number for a memory roofline; it is not the file's size.
    pub fn q4_k_m_read_bytes_per_step(&self) -> Bytes {
        self.sum_q4_k_m(|tensor| tensor.role != TensorRole::Embedding || self.tied_embeddings)
    }

    fn sum_q4_k_m(&self, counts: impl Fn(&TensorSpec) -> bool) -> Bytes {
        let tensors = self.tensors();
        Bytes::new(tensors.iter().filter(|t| counts(t)).map(|t| t.bytes(self.q4_k_m(t)).count()).sum())
    }

    /// Bytes one token adds to a KV cache of `value_bytes` per value: `2 x layers x kv_heads x head_dim x value_bytes`.
    pub fn kv_bytes_per_token(&self, value_bytes: u64) -> Bytes {
        Bytes::new(2 * self.layers * self.kv_heads * self.head_dim * value_bytes)
    }
}

/// llama.cpp's `use_more_bits`: the first and last eighth of the layers, and every third between.
fn more_bits(layer: u64, layers: u64) -> bool {
    layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2
}

fn matrix(name: &str, columns: u64, rows: u64, role: TensorRole, layer: Option<u64>) -> TensorSpec {
    TensorSpec { name: name.to_owned(), columns, rows, is_vector: false, role, layer }
}

fn vector(name: &str, values: u64, role: TensorRole, layer: Option<u64>) -> TensorSpec {
    TensorSpec { name: name.to_owned(), columns: values, rows: 1, is_vector: true, role, layer }
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
            intermediate: 8_960,
            heads: 12,
            kv_heads: 2,
            head_dim: 128,
            vocab: 151_936,
            tied_embeddings: false,
            attention_bias: AttentionBias::Qkv,
            rope_theta: 10_000.0,
            rms_norm_eps: 1e-6,
            max_positions: 131_072,
        }
    }

    #[test]
    fn the_distill_has_the_published_count_and_layout() {
        let shape = distill_1_5b();
        assert_eq!(shape.problems(), []);
        assert_eq!(shape.parameters(), 1_777_088_000);
        let kinds = |kind| shape.tensors().iter().filter(|t| shape.q4_k_m(t) == kind).count();
        assert_eq!((shape.tensors().len(), kinds(TensorType::Q4K), kinds(TensorType::F32)), (339, 169, 141));
        assert_eq!(kinds(TensorType::Q6K), 29);
    }

    #[test]
    fn bytes_follow_from_the_recipe() {
        let shape = distill_1_5b();
        // 1,117,320,512 bytes is the published Q4_K_M blob; the difference is its header and vocabulary.
        assert_eq!(shape.q4_k_m_bytes().count(), 1_111_370_240);
        assert_eq!(shape.q4_k_m_read_bytes_per_step().count(), 980_097_536);
        assert_eq!(shape.kv_bytes_per_token(2).count(), 28_672);
    }

    #[test]
    fn a_tied_table_is_read_and_stored_once() {
        let tied = Shape { tied_embeddings: true, ..distill_1_5b() };
        assert_eq!(tied.parameters(), 1_777_088_000 - 151_936 * 1_536);
        assert_eq!(tied.q4_k_m_bytes(), tied.q4_k_m_read_bytes_per_step());
    }

    #[test]
    fn impossible_shapes_are_refused_all_at_once() {
        let bad =
            Shape { layers: 0, kv_heads: 5, intermediate: 8_961, rope_theta: f64::NAN, ..distill_1_5b() };
        let keys: Vec<_> = bad.problems().into_iter().map(|(key, ..)| key).collect();
        assert_eq!(keys, ["layers", "kv_heads", "intermediate", "rope_theta"]);
    }
}
