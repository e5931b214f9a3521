//! The shapes of published configs, and what is refused in others.

use serde_json::{Value, json};

use super::*;
use crate::model::{ModelRole, Registry};

/// The keys that matter of each model's `config.json`, as the publishers name them.
const CONFIGS: &str = include_str!("../../../tests/data/configs.json");

fn config(id: &str) -> Value {
    let mut all: Value = serde_json::from_str(CONFIGS).unwrap();
    all[id].take()
}

fn with(id: &str, key: &str, value: Value) -> Result<Shape, ConfigError> {
    let mut config = config(id);
    config[key] = value;
    shape_of_config(&config.to_string())
}

#[test]
fn every_model_has_the_shape_of_its_config() {
    let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
    for model in registry.models().iter().filter(|model| model.role == ModelRole::Measure) {
        let config = config(model.id.as_str());
        assert_eq!(shape_of_config(&config.to_string()).as_ref(), Ok(&model.shape), "{}", model.id);
    }
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let mut config = config("r1-distill-qwen-7b");
    let error = |config: &Value| shape_of_config(&config.to_string()).unwrap_err().to_string();
    config["rope_scaling"] = json!({ "type": "linear", "factor": 2.0 });
    assert!(error(&config).contains("`rope_scaling.rope_type` = `linear`"), "{}", error(&config));
    config.as_object_mut().unwrap().remove("vocab_size");
    config["rope_scaling"] = Value::Null;
    assert!(error(&config).contains("no `vocab_size`"), "{}", error(&config));
    config["model_type"] = "gemma".into();
    assert!(error(&config).contains("`model_type` = `gemma`"), "{}", error(&config));
    assert!(matches!(shape_of_config("[]"), Err(ConfigError::Format(_))));
}

#[test]
fn parts_that_are_not_computed_are_refused_by_name() {
    let (lite, llama, qwen) = ("deepseek-v2-lite", "r1-distill-llama-8b", "r1-distill-qwen-7b");
    for (id, key, other, known) in [
        (lite, "topk_method", json!("group_limited_greedy"), json!("greedy")),
        (lite, "scoring_func", json!("sigmoid"), json!("softmax")),
        (lite, "norm_topk_prob", json!(true), json!(false)),
        (lite, "routed_scaling_factor", json!(16.0), json!(1.0)),
        (lite, "n_group", json!(8), json!(1)),
        (lite, "moe_layer_freq", json!(2), json!(1)),
        (lite, "q_lora_rank", json!(1_536), Value::Null),
        (lite, "attention_bias", json!(true), json!(false)),
        (llama, "attention_bias", json!(true), json!(false)),
        (llama, "mlp_bias", json!(true), json!(false)),
        (llama, "partial_rotary_factor", json!(0.5), json!(1.0)),
        (qwen, "hidden_act", json!("gelu"), json!("silu")),
    ] {
        let error = with(id, key, other).unwrap_err();
        assert!(matches!(&error, ConfigError::Unknown { key: named, .. } if *named == key), "{error}");
        assert_eq!(with(id, key, known).as_ref(), shape_of_config(&config(id).to_string()).as_ref(), "{key}");
    }
    // Qwen2 has its biases whatever this key says.
    assert!(with(qwen, "attention_bias", json!(true)).is_ok());
}

#[test]
fn a_window_is_on_in_all_layers_or_in_none() {
    let window = |first: Value, types: Value| {
        let mut config = config("r1-distill-qwen-7b");
        config["use_sliding_window"] = json!(true);
        (config["max_window_layers"], config["layer_types"]) = (first, types);
        shape_of_config(&config.to_string()).map(|shape| shape.sliding_window)
    };
    let (on, off) = (Ok(SlidingWindow::On(4_096)), Ok(SlidingWindow::Off(4_096)));
    assert_eq!(window(json!(0), Value::Null), on);
    assert_eq!(window(json!(28), Value::Null), off);
    assert_eq!(window(json!(99), Value::Null), off);
    assert_eq!(window(Value::Null, Value::Null), off, "the library's 28 of 28 layers");
    assert_eq!(window(json!(14), Value::Null), Err(unknown("max_window_layers", "14")));
    let types = |a: &str, b: &str| json!([a, b]);
    assert_eq!(window(json!(14), types("sliding_attention", "sliding_attention")), on);
    assert_eq!(window(json!(14), types("full_attention", "full_attention")), off);
    assert!(window(json!(14), types("full_attention", "sliding_attention")).is_err());
    assert!(window(json!(14), json!([])).is_err());
}

#[test]
fn the_three_ways_to_scale_yarn_read_as_one_number() {
    let factor = |keys: Value| {
        let mut rope = json!({ "type": "yarn", "factor": 40.0, "original_max_position_embeddings": 4_096 });
        rope.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        match with("deepseek-v2-lite", "rope_scaling", rope)?.rope_scaling {
            RopeScaling::Yarn(yarn) => Ok::<_, ConfigError>((yarn.attention_factor, yarn.magnitude)),
            other => panic!("{other:?}"),
        }
    };
    let near = |keys: Value, expected: f64| {
        let found = factor(keys).unwrap().0.unwrap();
        assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
    };
    // 0.1 ln(40) + 1 = 1.368888.
    near(json!({ "attn_factor": 0.9 }), 0.9);
    near(json!({ "attention_factor": 1.368_888 }), 1.0);
    near(json!({ "attention_factor": 2.0 }), 1.461_040);
    near(json!({ "mscale": 1.0, "mscale_all_dim": 0.5 }), 0.844_278);
    assert_eq!(factor(json!({ "mscale": 0.707, "mscale_all_dim": 0.707 })), Ok((None, Some(0.707))));
    assert_eq!(factor(json!({})), Ok((None, None)));
    assert!(factor(json!({ "mscale": 1.0 })).is_err() && factor(json!({ "mscale_all_dim": 1.0 })).is_err());
    // 1 / 1.138629, so that the scale is 1: what the publisher of the Qwen3 distill states.
    let RopeScaling::Yarn(yarn) =
        shape_of_config(&config("r1-0528-qwen3-8b").to_string()).unwrap().rope_scaling
    else {
        panic!("no yarn")
    };
    let scale = yarn.attention_factor.unwrap() * (0.1 * yarn.factor.ln() + 1.0);
    assert!((scale - 1.0).abs() < 1e-9, "{scale}");
}

#[test]
fn hostile_texts_are_refused_in_a_few_words() {
    let text = |key: &str, value: &str| {
        let config = config("r1-distill-qwen-7b").to_string();
        let (before, after) = config.split_once(&format!("\"{key}\":")).unwrap();
        let after = &after[after.find([',', '}']).unwrap()..];
        shape_of_config(&format!("{before}\"{key}\":{value}{after}")).unwrap_err().to_string()
    };
    let long = format!("\"{}\"", "\\u001b[31m".repeat(100_000));
    let deep = "[".repeat(1_000_000);
    let deep_object = "{\"text_config\":".repeat(100_000);
    let cases = [
        ("num_hidden_layers", "1e30"),
        ("num_hidden_layers", "18446744073709551616"),
        ("num_hidden_layers", "18446744073709551615"),
        ("num_hidden_layers", "-1"),
        ("num_hidden_layers", "0"),
        ("hidden_size", "\"3584\""),
        ("hidden_size", "33"),
        ("num_attention_heads", "0"),
        ("vocab_size", "4611686018427387904"),
        ("rms_norm_eps", "1e999"),
        ("rms_norm_eps", "-1.0"),
        ("rope_theta", "null, \"rope_theta\": 1"),
        ("tie_word_embeddings", "[]"),
        ("model_type", &long),
        ("model_type", &deep),
        ("rope_scaling", &deep),
        ("model_type", &deep_object),
    ];
    for (key, value) in cases {
        let message = text(key, value);
        assert!(message.len() < 300 && !message.contains('\u{1b}'), "{key}: {message}");
        assert!(message.starts_with("config.json "), "{key}: {message}");
    }
    // No type holds itself, and what has no type is passed over without recursion: depth costs nothing and changes nothing.
    let deep = |inner: &str| {
        let config = config("r1-distill-qwen-7b").to_string();
        let open = format!("{{\"text_config\":{inner},");
        shape_of_config(&config.replacen('{', &open, 1))
    };
    let nested = |levels: usize| format!("{}1{}", "{\"text_config\":".repeat(levels), "}".repeat(levels));
    for levels in [2, 100, 1_000, 100_000] {
        let message = deep(&nested(levels)).unwrap_err().to_string();
        assert!(message.contains("has no `model_type`"), "{levels}: {message}");
    }
}
