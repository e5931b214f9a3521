//! The tensors that a model is made of, as the hub's libraries name them.

use crate::model::shape::{Attention, Family, FeedForward, Mixture, Shape};

/// The embedding table.
pub(super) const EMBEDDING: &str = "model.embed_tokens.weight";

/// The matrix from the last hidden state to logits; absent where the table serves as it.
pub(super) const HEAD: &str = "lm_head.weight";

type Take<'a> = dyn FnMut(String, Vec<u64>) -> Result<(), String> + 'a;

/// Hands every tensor of a model to `take`: its name, and its dimensions with the outermost first. One at a time, because a
/// hostile config may promise more than there is memory for the list; the first error ends it.
pub(super) fn for_each(shape: &Shape, take: &mut Take<'_>) -> Result<(), String> {
    let hidden = shape.hidden;
    take(EMBEDDING.to_owned(), vec![shape.vocab, hidden])?;
    for layer in 0..shape.layers {
        let mut add = |name: &str, size: &[u64]| take(format!("model.layers.{layer}.{name}"), size.to_vec());
        add("input_layernorm.weight", &[hidden])?;
        attention(shape, &mut add)?;
        add("post_attention_layernorm.weight", &[hidden])?;
        match &shape.feed_forward {
            FeedForward::Mixture(mixture) if layer >= mixture.dense_layers => {
                experts(shape, mixture, &mut add)?;
            }
            FeedForward::Dense { .. } | FeedForward::Mixture(_) => {
                gated("mlp", shape.intermediate(), hidden, &mut add)?;
            }
        }
    }
    take("model.norm.weight".to_owned(), vec![hidden])?;
    if shape.tied_embeddings { Ok(()) } else { take(HEAD.to_owned(), vec![shape.vocab, hidden]) }
}

type Add<'a> = dyn FnMut(&str, &[u64]) -> Result<(), String> + 'a;

fn attention(shape: &Shape, add: &mut Add<'_>) -> Result<(), String> {
    let hidden = shape.hidden;
    match shape.attention {
        Attention::Grouped { heads, kv_heads, head_dim } => {
            let (query, kv) = (heads * head_dim, kv_heads * head_dim);
            for (part, rows) in [("q", query), ("k", kv), ("v", kv)] {
                add(&format!("self_attn.{part}_proj.weight"), &[rows, hidden])?;
                if shape.family.has_attention_bias() {
                    add(&format!("self_attn.{part}_proj.bias"), &[rows])?;
                }
            }
            if shape.family.has_query_key_norm() {
                add("self_attn.q_norm.weight", &[head_dim])?;
                add("self_attn.k_norm.weight", &[head_dim])?;
            }
            add("self_attn.o_proj.weight", &[hidden, query])
        }
        Attention::Latent { heads, kv_rank, nope_dim, rope_dim, value_dim } => {
            add("self_attn.q_proj.weight", &[heads * (nope_dim + rope_dim), hidden])?;
            add("self_attn.kv_a_proj_with_mqa.weight", &[kv_rank + rope_dim, hidden])?;
            add("self_attn.kv_a_layernorm.weight", &[kv_rank])?;
            add("self_attn.kv_b_proj.weight", &[heads * (nope_dim + value_dim), kv_rank])?;
            add("self_attn.o_proj.weight", &[hidden, heads * value_dim])
        }
    }
}

/// Mixtral's experts have names of their own.
fn experts(shape: &Shape, mixture: &Mixture, add: &mut Add<'_>) -> Result<(), String> {
    let (hidden, wide) = (shape.hidden, mixture.expert_intermediate);
    if shape.family == Family::Llama {
        add("block_sparse_moe.gate.weight", &[mixture.experts, hidden])?;
        for expert in 0..mixture.experts {
            for (part, size) in [("w1", [wide, hidden]), ("w2", [hidden, wide]), ("w3", [wide, hidden])] {
                add(&format!("block_sparse_moe.experts.{expert}.{part}.weight"), &size)?;
            }
        }
        return Ok(());
    }
    add("mlp.gate.weight", &[mixture.experts, hidden])?;
    for expert in 0..mixture.experts {
        gated(&format!("mlp.experts.{expert}"), wide, hidden, add)?;
    }
    gated("mlp.shared_experts", wide * mixture.shared_experts, hidden, add)
}

fn gated(name: &str, wide: u64, hidden: u64, add: &mut Add<'_>) -> Result<(), String> {
    add(&format!("{name}.gate_proj.weight"), &[wide, hidden])?;
    add(&format!("{name}.up_proj.weight"), &[wide, hidden])?;
    add(&format!("{name}.down_proj.weight"), &[hidden, wide])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Registry;

    fn all(shape: &Shape) -> BTreeMap<String, Vec<u64>> {
        let mut all = BTreeMap::new();
        for_each(shape, &mut |name, size| {
            assert!(all.insert(name.clone(), size).is_none(), "{name} stands twice");
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn every_model_has_as_many_values_as_its_gguf_file() {
        let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
        for model in registry.models() {
            let values: u64 = all(&model.shape).values().map(|size| size.iter().product::<u64>()).sum();
            assert_eq!(values, model.shape.parameters(), "{}", model.id);
        }
    }

    #[test]
    fn each_family_has_its_own_parts() {
        let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
        let of = |id: &str| all(&registry.get(id).unwrap().shape);
        let qwen3 = of("r1-0528-qwen3-8b");
        assert_eq!(qwen3["model.layers.35.self_attn.q_norm.weight"], [128]);
        let tied = of("ministral-3-3b");
        assert!(!tied.contains_key(HEAD) && tied["model.layers.0.self_attn.q_proj.weight"] == [4096, 3072]);
        let lite = of("deepseek-v2-lite");
        assert_eq!(lite["model.layers.0.mlp.gate_proj.weight"], [10_944, 2_048]);
        assert_eq!(lite["model.layers.1.mlp.gate.weight"], [64, 2_048]);
        assert_eq!(lite["model.layers.26.mlp.experts.63.down_proj.weight"], [2_048, 1_408]);
        assert_eq!(lite["model.layers.26.mlp.shared_experts.up_proj.weight"], [2_816, 2_048]);
        assert_eq!(lite["model.layers.0.self_attn.kv_a_proj_with_mqa.weight"], [576, 2_048]);
        assert_eq!(lite["model.layers.0.self_attn.kv_b_proj.weight"], [4_096, 512]);
        assert_eq!(lite["model.layers.0.self_attn.q_proj.weight"], [3_072, 2_048]);
    }
}
