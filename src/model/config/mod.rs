//! The shape of a model in a hub repository's `config.json`.

#[cfg(test)]
mod config_tests;
mod wire;

use super::shape::{Attention, Family, FeedForward, Mixture, RopeScaling, Shape, SlidingWindow, Yarn};
use super::shown::shown;
use wire::{Keys, RopeKeys};

/// Why a `config.json` gives no shape.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON, or a number where a text stands.
    #[error("config.json cannot be read: {0}")]
    Format(String),
    /// A key without which the shape is unknown.
    #[error("config.json has no `{0}`; give the repository's own file, or a model of another family")]
    Missing(&'static str),
    /// A key with a value that stands for something else than is known here.
    #[error("config.json has `{key}` = `{value}`, which is not known here; give another model")]
    Unknown {
        /// The key.
        key: &'static str,
        /// What it says.
        value: String,
    },
    /// Dimensions that do not fit each other.
    #[error("config.json makes no model: {0}")]
    Shape(String),
}

/// Reads the text of a `config.json` as the hub's libraries write it for Qwen2, Qwen3, Llama, Mistral, Mistral 3 (whose language
/// model is in `text_config`) and `DeepSeek` V2.
pub fn shape_of_config(text: &str) -> Result<Shape, ConfigError> {
    let config = &Keys::parse(text).map_err(ConfigError::Format)?;
    let family = family(config)?;
    refuse_other_parts(family, config)?;
    let rope = config.rope_parameters.as_ref().or(config.rope_scaling.as_ref());
    let heads = required("num_attention_heads", config.num_attention_heads)?;
    let hidden = required("hidden_size", config.hidden_size)?;
    let shape = Shape {
        family,
        layers: required("num_hidden_layers", config.num_hidden_layers)?,
        hidden,
        attention: attention(family, config, heads, hidden)?,
        feed_forward: feed_forward(config)?,
        vocab: required("vocab_size", config.vocab_size)?,
        // The default of these families.
        tied_embeddings: config.tie_word_embeddings.unwrap_or(false),
        rope_theta: config.rope_theta.or(rope.and_then(|rope| rope.rope_theta)).unwrap_or(10_000.0),
        rope_scaling: rope.map_or(Ok(RopeScaling::None), rope_scaling)?,
        rms_norm_eps: required("rms_norm_eps", config.rms_norm_eps)?,
        max_positions: required("max_position_embeddings", config.max_position_embeddings)?,
        sliding_window: window(family, config)?,
    };
    match shape.contradictions().into_iter().next() {
        Some((_, problem, _)) => Err(ConfigError::Shape(problem)),
        None => Ok(shape),
    }
}

fn required<T>(key: &'static str, value: Option<T>) -> Result<T, ConfigError> {
    value.ok_or(ConfigError::Missing(key))
}

fn unknown(key: &'static str, value: &str) -> ConfigError {
    ConfigError::Unknown { key, value: shown(value) }
}

/// Refuses what would change a model's answers and is not computed here.
fn refuse_other_parts(family: Family, config: &Keys) -> Result<(), ConfigError> {
    let text = |key, value: &Option<String>, known: &str| match value {
        Some(value) if value != known => Err(unknown(key, value)),
        _ => Ok(()),
    };
    let switch = |key, value: Option<bool>| match value {
        Some(true) => Err(unknown(key, "true")),
        _ => Ok(()),
    };
    let one = |key, value: Option<f64>| match value {
        Some(value) if value.to_bits() != 1.0_f64.to_bits() => Err(unknown(key, &value.to_string())),
        _ => Ok(()),
    };
    let first = |key, value: Option<u64>| match value {
        Some(value) if value > 1 => Err(unknown(key, &value.to_string())),
        _ => Ok(()),
    };
    text("hidden_act", &config.hidden_act, "silu")?;
    // Qwen2 has biases whatever its config says; the others have none.
    if !family.has_attention_bias() {
        switch("attention_bias", config.attention_bias)?;
    }
    switch("mlp_bias", config.mlp_bias)?;
    one("partial_rotary_factor", config.partial_rotary_factor)?;
    // How experts are chosen and weighed.
    text("topk_method", &config.topk_method, "greedy")?;
    text("scoring_func", &config.scoring_func, "softmax")?;
    switch("norm_topk_prob", config.norm_topk_prob)?;
    one("routed_scaling_factor", config.routed_scaling_factor)?;
    first("n_group", config.n_group)?;
    first("moe_layer_freq", config.moe_layer_freq)
}

fn family(config: &Keys) -> Result<Family, ConfigError> {
    const KEY: &str = "model_type";
    match required(KEY, config.model_type.as_deref())? {
        "qwen2" => Ok(Family::Qwen2),
        "qwen3" => Ok(Family::Qwen3),
        "llama" | "mistral" | "mixtral" => Ok(Family::Llama),
        "ministral3" => Ok(Family::Mistral3),
        "deepseek_v2" => Ok(Family::DeepSeek2),
        other => Err(unknown(KEY, other)),
    }
}

fn attention(family: Family, config: &Keys, heads: u64, hidden: u64) -> Result<Attention, ConfigError> {
    if family != Family::DeepSeek2 {
        return Ok(Attention::Grouped {
            heads,
            kv_heads: config.num_key_value_heads.unwrap_or(heads),
            head_dim: config.head_dim.or(hidden.checked_div(heads)).unwrap_or(0),
        });
    }
    if let Some(rank) = config.q_lora_rank {
        return Err(unknown("q_lora_rank", &rank.to_string()));
    }
    Ok(Attention::Latent {
        heads,
        kv_rank: required("kv_lora_rank", config.kv_lora_rank)?,
        nope_dim: required("qk_nope_head_dim", config.qk_nope_head_dim)?,
        rope_dim: required("qk_rope_head_dim", config.qk_rope_head_dim)?,
        value_dim: required("v_head_dim", config.v_head_dim)?,
    })
}

fn feed_forward(config: &Keys) -> Result<FeedForward, ConfigError> {
    let intermediate = required("intermediate_size", config.intermediate_size)?;
    let Some(experts) = config.n_routed_experts.or(config.num_local_experts) else {
        return Ok(FeedForward::Dense { intermediate });
    };
    Ok(FeedForward::Mixture(Mixture {
        intermediate,
        dense_layers: config.first_k_dense_replace.unwrap_or(0),
        experts,
        experts_per_token: required("num_experts_per_tok", config.num_experts_per_tok)?,
        shared_experts: config.n_shared_experts.unwrap_or(0),
        expert_intermediate: config.moe_intermediate_size.unwrap_or(intermediate),
    }))
}

fn rope_scaling(rope: &RopeKeys) -> Result<RopeScaling, ConfigError> {
    const KEY: &str = "rope_scaling.rope_type";
    if let Some(part) = rope.partial_rotary_factor.filter(|part| part.to_bits() != 1.0_f64.to_bits()) {
        return Err(unknown("rope_scaling.partial_rotary_factor", &part.to_string()));
    }
    let factor = || required("rope_scaling.factor", rope.factor);
    let original =
        || required("rope_scaling.original_max_position_embeddings", rope.original_max_position_embeddings);
    match rope.rope_type.as_deref().or(rope.kind.as_deref()) {
        None | Some("default" | "none") => Ok(RopeScaling::None),
        Some("llama3") => Ok(RopeScaling::Llama3 {
            factor: factor()?,
            low_frequency: required("rope_scaling.low_freq_factor", rope.low_freq_factor)?,
            high_frequency: required("rope_scaling.high_freq_factor", rope.high_freq_factor)?,
            original_positions: original()?,
        }),
        Some("yarn") => {
            let factor = factor()?;
            Ok(RopeScaling::Yarn(Yarn {
                factor,
                original_positions: original()?,
                // The defaults of the hub's libraries.
                beta_fast: rope.beta_fast.unwrap_or(32.0),
                beta_slow: rope.beta_slow.unwrap_or(1.0),
                attention_factor: attention_factor(rope, factor)?,
                magnitude: rope.mscale_all_dim,
                query_beta: rope.llama_4_scaling_beta,
            }))
        }
        Some(other) => Err(unknown(KEY, other)),
    }
}

/// What multiplies YaRN's own scale of cosine and sine, `0.1 ln(factor) + 1`.
///
/// Three ways to state it are in use. `attn_factor`, as llama.cpp reads it, is this number. `attention_factor` is the scale
/// itself. With `mscale` and `mscale_all_dim` the scale is `m(mscale) / m(mscale_all_dim)`, where
/// `m(x) = 0.1 x ln(factor) + 1`, which is 1 where the two are equal, as in every published model: then nothing is stated here
/// and `magnitude` says the rest. Source: `_compute_yarn_parameters` in `modeling_rope_utils.py` of the transformers library. For a
/// factor of 40, `mscale` 1 and `mscale_all_dim` 0.5 the scale is 1.36889 / 1.18444 = 1.15572, and the number 0.84428.
fn attention_factor(rope: &RopeKeys, factor: f64) -> Result<Option<f64>, ConfigError> {
    // Below 1 nothing is stretched, and the logarithm would be negative.
    let magnitude = |of: f64| 0.1 * of * factor.max(1.0).ln() + 1.0;
    if let Some(scale) = rope.attention_factor {
        return Ok(Some(scale / magnitude(1.0)));
    }
    if let Some(multiplier) = rope.attn_factor {
        return Ok(Some(multiplier));
    }
    match (rope.mscale, rope.mscale_all_dim) {
        (None, None) => Ok(None),
        (Some(one), Some(all)) if one.to_bits() == all.to_bits() => Ok(None),
        (Some(one), Some(all)) => Ok(Some(magnitude(one) / magnitude(all) / magnitude(1.0))),
        (Some(one), None) => Err(unknown("rope_scaling.mscale", &format!("{one} without mscale_all_dim"))),
        (None, Some(all)) => Err(unknown("rope_scaling.mscale_all_dim", &format!("{all} without mscale"))),
    }
}

/// Qwen configs state a window and switch it on apart, for the layers from `max_window_layers` on; Mistral's use the one they
/// state, in all layers unless `layer_types` says otherwise. A window in some layers and not in others is not computed here.
fn window(family: Family, config: &Keys) -> Result<SlidingWindow, ConfigError> {
    // The library's, for a config that has no such key.
    const DEFAULT_FIRST_LAYER: u64 = 28;
    let is_qwen = matches!(family, Family::Qwen2 | Family::Qwen3);
    let Some(positions) = config.sliding_window else { return Ok(SlidingWindow::None) };
    if !config.use_sliding_window.unwrap_or(!is_qwen) {
        return Ok(SlidingWindow::Off(positions));
    }
    if let Some(types) = &config.layer_types {
        let is_all = |name: &str| types.iter().all(|kind| kind == name);
        return match types.first() {
            Some(_) if is_all("sliding_attention") => Ok(SlidingWindow::On(positions)),
            Some(_) if is_all("full_attention") => Ok(SlidingWindow::Off(positions)),
            first => {
                let first = first.map_or("", String::as_str);
                Err(unknown("layer_types", &format!("{first} and others")))
            }
        };
    }
    if !is_qwen {
        return Ok(SlidingWindow::On(positions));
    }
    match config.max_window_layers.unwrap_or(DEFAULT_FIRST_LAYER) {
        0 => Ok(SlidingWindow::On(positions)),
        first if Some(first) >= config.num_hidden_layers => Ok(SlidingWindow::Off(positions)),
        first => Err(unknown("max_window_layers", &first.to_string())),
    }
}
