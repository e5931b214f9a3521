//! The shape of a model in a hub repository's `config.json`.

mod wire;

use super::shape::{Attention, Family, FeedForward, Mixture, RopeScaling, Shape, SlidingWindow, Yarn};
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
    let whole = Keys::parse(text).map_err(ConfigError::Format)?;
    let config = whole.text_config.as_deref().unwrap_or(&whole);
    let family = family(config)?;
    if let Some(other) = config.hidden_act.as_deref().filter(|name| *name != "silu") {
        return Err(unknown("hidden_act", other));
    }
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
        tied_embeddings: config.tie_word_embeddings.or(whole.tie_word_embeddings).unwrap_or(false),
        rope_theta: config.rope_theta.or(rope.and_then(|rope| rope.rope_theta)).unwrap_or(10_000.0),
        rope_scaling: rope.map_or(Ok(RopeScaling::None), rope_scaling)?,
        rms_norm_eps: required("rms_norm_eps", config.rms_norm_eps)?,
        max_positions: required("max_position_embeddings", config.max_position_embeddings)?,
        sliding_window: window(family, config),
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
    ConfigError::Unknown { key, value: value.to_owned() }
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
        Some("yarn") => Ok(RopeScaling::Yarn(Yarn {
            factor: factor()?,
            original_positions: original()?,
            // The defaults of the hub's libraries.
            beta_fast: rope.beta_fast.unwrap_or(32.0),
            beta_slow: rope.beta_slow.unwrap_or(1.0),
            attention_factor: rope.attn_factor.or(rope.attention_factor),
            magnitude: rope.mscale_all_dim,
            query_beta: rope.llama_4_scaling_beta,
        })),
        Some(other) => Err(unknown(KEY, other)),
    }
}

/// Qwen configs state a window and switch it on apart; Mistral's use the one they state.
fn window(family: Family, config: &Keys) -> SlidingWindow {
    let is_qwen = matches!(family, Family::Qwen2 | Family::Qwen3);
    match config.sliding_window {
        None => SlidingWindow::None,
        Some(positions) if config.use_sliding_window.unwrap_or(!is_qwen) => SlidingWindow::On(positions),
        Some(positions) => SlidingWindow::Off(positions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelRole, Registry};

    /// The keys that matter of each model's `config.json`, as the publishers name them.
    const CONFIGS: &str = include_str!("../../../tests/data/configs.json");

    fn configs() -> serde_json::Value {
        serde_json::from_str(CONFIGS).unwrap()
    }

    #[test]
    fn every_model_has_the_shape_of_its_config() {
        let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
        let configs = configs();
        for model in registry.models().iter().filter(|model| model.role == ModelRole::Measure) {
            let config = &configs[model.id.as_str()];
            assert_eq!(shape_of_config(&config.to_string()).as_ref(), Ok(&model.shape), "{}", model.id);
        }
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let mut config = configs()["r1-distill-qwen-7b"].clone();
        let error =
            |config: &serde_json::Value| shape_of_config(&config.to_string()).unwrap_err().to_string();
        config["rope_scaling"] = serde_json::json!({ "type": "linear", "factor": 2.0 });
        assert!(error(&config).contains("`rope_scaling.rope_type` = `linear`"), "{}", error(&config));
        config.as_object_mut().unwrap().remove("vocab_size");
        config["rope_scaling"] = serde_json::Value::Null;
        assert!(error(&config).contains("no `vocab_size`"), "{}", error(&config));
        config["model_type"] = "gemma".into();
        assert!(error(&config).contains("`model_type` = `gemma`"), "{}", error(&config));
        assert!(matches!(shape_of_config("[]"), Err(ConfigError::Format(_))));
    }
}
