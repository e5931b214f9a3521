//! The tensors of a checkpoint, in llama.cpp's names and order.

use super::{Attention, FeedForward, RopeScaling, Shape};

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
    /// Divisors of the rotary frequencies; computed and not trained.
    RotaryFactors,
    /// Query, gate, up and latent projections: read from the residual stream.
    Projection,
    /// The key projection.
    AttentionKey,
    /// The value projection.
    AttentionValue,
    /// Per head, from a query's part without position to the latent space.
    LatentKey,
    /// Per head, from the latent space to a value.
    LatentValue,
    /// The attention's output projection: writes to the residual stream.
    AttentionOutput,
    /// The feed-forward's down projection: writes to the residual stream.
    FeedForwardDown,
    /// The scores of the experts.
    Router,
}

/// One tensor of a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TensorSpec {
    /// Its name in a GGUF file.
    pub name: String,
    /// One to three sizes, the contiguous dimension first: the reverse of what most libraries print.
    pub dimensions: Vec<u64>,
    /// Its part in the computation.
    pub role: TensorRole,
    /// The layer it belongs to, if any.
    pub layer: Option<u64>,
}

impl TensorSpec {
    /// Values in a row (the contiguous dimension).
    pub fn columns(&self) -> u64 {
        self.dimensions[0]
    }

    /// Number of values.
    pub fn values(&self) -> u64 {
        self.dimensions.iter().product()
    }

    /// True for one-dimensional tensors.
    pub fn is_vector(&self) -> bool {
        self.dimensions.len() == 1
    }

    /// True for the stacked matrices of routed experts, of which a token uses a few.
    pub fn is_routed(&self) -> bool {
        self.name.ends_with("_exps.weight")
    }

    /// False for numbers that follow from the shape.
    pub fn is_trained(&self) -> bool {
        self.role != TensorRole::RotaryFactors
    }
}

impl Shape {
    /// Every tensor: rotary factors where there are any, embedding, layers, final norm, output.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let mut list = List { layer: None, tensors: Vec::new() };
        if matches!(self.rope_scaling, RopeScaling::Llama3 { .. }) {
            list.add("rope_freqs.weight", &[self.rope_dim() / 2], TensorRole::RotaryFactors);
        }
        list.add("token_embd.weight", &[self.hidden, self.vocab], TensorRole::Embedding);
        for layer in 0..self.layers {
            list.layer = Some(layer);
            list.add("attn_norm.weight", &[self.hidden], TensorRole::Norm);
            self.attention_tensors(&mut list);
            list.add("ffn_norm.weight", &[self.hidden], TensorRole::Norm);
            self.feed_forward_tensors(layer, &mut list);
            self.attention_bias(&mut list);
        }
        list.layer = None;
        list.add("output_norm.weight", &[self.hidden], TensorRole::Norm);
        if !self.tied_embeddings {
            list.add("output.weight", &[self.hidden, self.vocab], TensorRole::Output);
        }
        list.tensors
    }

    fn attention_tensors(&self, list: &mut List) {
        let hidden = self.hidden;
        match self.attention {
            Attention::Grouped { heads, kv_heads, head_dim } => {
                let (query, kv) = (heads * head_dim, kv_heads * head_dim);
                list.add("attn_q.weight", &[hidden, query], TensorRole::Projection);
                list.add("attn_k.weight", &[hidden, kv], TensorRole::AttentionKey);
                list.add("attn_v.weight", &[hidden, kv], TensorRole::AttentionValue);
                list.add("attn_output.weight", &[query, hidden], TensorRole::AttentionOutput);
                if self.family.has_query_key_norm() {
                    list.add("attn_q_norm.weight", &[head_dim], TensorRole::Norm);
                    list.add("attn_k_norm.weight", &[head_dim], TensorRole::Norm);
                }
            }
            // Files converted before April 2025 hold `attn_kv_b` in place of the two split matrices; this is today's layout.
            Attention::Latent { heads, kv_rank, nope_dim, rope_dim, value_dim } => {
                list.add("attn_q.weight", &[hidden, heads * (nope_dim + rope_dim)], TensorRole::Projection);
                list.add("attn_kv_a_mqa.weight", &[hidden, kv_rank + rope_dim], TensorRole::Projection);
                list.add("attn_kv_a_norm.weight", &[kv_rank], TensorRole::Norm);
                list.add("attn_k_b.weight", &[nope_dim, kv_rank, heads], TensorRole::LatentKey);
                list.add("attn_v_b.weight", &[kv_rank, value_dim, heads], TensorRole::LatentValue);
                list.add("attn_output.weight", &[heads * value_dim, hidden], TensorRole::AttentionOutput);
            }
        }
    }

    fn feed_forward_tensors(&self, layer: u64, list: &mut List) {
        let hidden = self.hidden;
        let (up, down) = (TensorRole::Projection, TensorRole::FeedForwardDown);
        match &self.feed_forward {
            FeedForward::Mixture(mixture) if layer >= mixture.dense_layers => {
                let (experts, wide) = (mixture.experts, mixture.expert_intermediate);
                list.add("ffn_gate_inp.weight", &[hidden, experts], TensorRole::Router);
                list.add("ffn_gate_exps.weight", &[hidden, wide, experts], up);
                list.add("ffn_up_exps.weight", &[hidden, wide, experts], up);
                list.add("ffn_down_exps.weight", &[wide, hidden, experts], down);
                if mixture.shared_experts > 0 {
                    let wide = wide * mixture.shared_experts;
                    list.add("ffn_gate_shexp.weight", &[hidden, wide], up);
                    list.add("ffn_up_shexp.weight", &[hidden, wide], up);
                    list.add("ffn_down_shexp.weight", &[wide, hidden], down);
                }
            }
            FeedForward::Dense { .. } | FeedForward::Mixture(_) => {
                list.add("ffn_gate.weight", &[hidden, self.intermediate()], up);
                list.add("ffn_up.weight", &[hidden, self.intermediate()], up);
                list.add("ffn_down.weight", &[self.intermediate(), hidden], down);
            }
        }
    }

    fn attention_bias(&self, list: &mut List) {
        if let (true, Attention::Grouped { heads, kv_heads, head_dim }) =
            (self.family.has_attention_bias(), self.attention)
        {
            list.add("attn_q.bias", &[heads * head_dim], TensorRole::Bias);
            list.add("attn_k.bias", &[kv_heads * head_dim], TensorRole::Bias);
            list.add("attn_v.bias", &[kv_heads * head_dim], TensorRole::Bias);
        }
    }
}

/// Tensors so far, and the layer the next one belongs to.
struct List {
    layer: Option<u64>,
    tensors: Vec<TensorSpec>,
}

impl List {
    fn add(&mut self, name: &str, dimensions: &[u64], role: TensorRole) {
        let name = match self.layer {
            Some(layer) => format!("blk.{layer}.{name}"),
            None => name.to_owned(),
        };
        self.tensors.push(TensorSpec { name, dimensions: dimensions.to_vec(), role, layer: self.layer });
    }
}
