//! From the names of the hub's libraries to llama.cpp's.

/// Parts of names on the hub, and what llama.cpp calls them.
const PARTS: [(&str, &str); 19] = [
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"),
    ("self_attn.kv_a_layernorm", "attn_kv_a_norm"),
    ("self_attn.kv_b_proj", "attn_kv_b"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("mlp.gate", "ffn_gate_inp"),
    ("mlp.shared_experts.gate_proj", "ffn_gate_shexp"),
    ("mlp.shared_experts.up_proj", "ffn_up_shexp"),
    ("mlp.shared_experts.down_proj", "ffn_down_shexp"),
    ("block_sparse_moe.gate", "ffn_gate_inp"),
];

/// Parts of an expert's names.
const EXPERT_PARTS: [(&str, &str); 6] = [
    ("gate_proj", "ffn_gate_exps"),
    ("up_proj", "ffn_up_exps"),
    ("down_proj", "ffn_down_exps"),
    ("w1", "ffn_gate_exps"),
    ("w3", "ffn_up_exps"),
    ("w2", "ffn_down_exps"),
];

/// llama.cpp's name for a tensor of the hub; a name that is not known stays as it is.
pub(super) fn canonical(name: &str) -> String {
    let plain = name.replacen("language_model.", "", 1);
    match plain.as_str() {
        "model.embed_tokens.weight" => "token_embd.weight".to_owned(),
        "model.norm.weight" => "output_norm.weight".to_owned(),
        "lm_head.weight" => "output.weight".to_owned(),
        other => in_layer(other).unwrap_or_else(|| name.to_owned()),
    }
}

fn in_layer(name: &str) -> Option<String> {
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (part, end) = rest.rsplit_once('.')?;
    if let Some((_, own)) = PARTS.iter().find(|(hub, _)| *hub == part) {
        return Some(format!("blk.{layer}.{own}.{end}"));
    }
    let experts = ["mlp.experts.", "block_sparse_moe.experts."];
    let (number, matrix) = experts.iter().find_map(|prefix| part.strip_prefix(prefix))?.split_once('.')?;
    let (_, own) = EXPERT_PARTS.iter().find(|(hub, _)| *hub == matrix)?;
    Some(format!("blk.{layer}.{own}.{number}.{end}"))
}

/// The name used here for a tensor of a GGUF file. Files from before 2024 hold each expert as a tensor of its own,
/// `blk.1.ffn_up.5.weight`; all others have the name already.
pub(super) fn of_gguf(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        ["blk", layer, part @ ("ffn_gate" | "ffn_up" | "ffn_down"), expert, "weight"]
            if expert.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("blk.{layer}.{part}_exps.{expert}.weight")
        }
        _ => name.to_owned(),
    }
}

/// The name of one expert's matrix, from the name of the stack: `blk.1.ffn_up_exps.weight` gives `blk.1.ffn_up_exps.5.weight`.
pub(super) fn expert(stack: &str, number: usize) -> String {
    let (front, end) = stack.rsplit_once('.').unwrap_or((stack, ""));
    format!("{front}.{number}.{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_hub_become_those_of_llama_cpp() {
        for (hub, own) in [
            ("model.embed_tokens.weight", "token_embd.weight"),
            ("language_model.model.norm.weight", "output_norm.weight"),
            ("model.language_model.norm.weight", "output_norm.weight"),
            ("lm_head.weight", "output.weight"),
            ("model.layers.12.self_attn.q_proj.bias", "blk.12.attn_q.bias"),
            ("model.layers.0.mlp.gate.weight", "blk.0.ffn_gate_inp.weight"),
            ("model.layers.0.mlp.gate_proj.weight", "blk.0.ffn_gate.weight"),
            ("model.layers.3.mlp.experts.61.down_proj.weight", "blk.3.ffn_down_exps.61.weight"),
            ("model.layers.3.block_sparse_moe.experts.7.w3.weight", "blk.3.ffn_up_exps.7.weight"),
            ("vision_tower.patch.weight", "vision_tower.patch.weight"),
        ] {
            assert_eq!(canonical(hub), own);
        }
        assert_eq!(of_gguf("blk.1.ffn_up.5.weight"), "blk.1.ffn_up_exps.5.weight");
        assert_eq!(of_gguf("blk.1.ffn_up.weight"), "blk.1.ffn_up.weight");
        assert_eq!(expert("blk.1.ffn_up_exps.weight", 5), "blk.1.ffn_up_exps.5.weight");
    }
}
