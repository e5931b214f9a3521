//! GGUF files whose keys and tensors do not make a model: each is refused by the name of what is wrong.

use std::io::Cursor;
use std::path::Path;

use super::gguf::write::{Value, header};
use super::{GgufFile, Recipe, Registry, Shape, TensorRole, TensorSpec, TensorType, shape_of};
use crate::units::index_as_u64;

#[derive(Clone)]
struct File {
    metadata: Vec<(String, Value)>,
    tensors: Vec<(TensorSpec, TensorType)>,
    /// The values of the first tensor.
    first: Vec<u8>,
}

impl File {
    /// A sound file of this shape.
    fn of(shape: &Shape) -> Self {
        let typed = |tensor: TensorSpec| {
            let kind = shape.tensor_type(&tensor, Recipe::Q8_0);
            (tensor, kind)
        };
        let mut metadata =
            vec![("general.architecture".to_owned(), Value::Text(shape.family.id().to_owned()))];
        metadata.extend(shape.metadata());
        Self { metadata, tensors: shape.tensors().into_iter().map(typed).collect(), first: vec![0; 1 << 16] }
    }

    fn tiny(family: &str) -> Self {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        Self::of(&registry.get(&format!("tiny-{family}")).unwrap().shape)
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.metadata.retain(|(name, _)| name != key);
        self.metadata.push((key.to_owned(), value));
        self
    }

    fn without(mut self, key: &str) -> Self {
        let before = self.metadata.len();
        self.metadata.retain(|(name, _)| name != key);
        assert_eq!(self.metadata.len(), before - 1, "{key}");
        self
    }

    fn tensor(&mut self, name: &str) -> &mut TensorSpec {
        &mut self.tensors.iter_mut().find(|(tensor, _)| tensor.name == name).unwrap().0
    }

    fn without_tensor(mut self, name: &str) -> Self {
        self.tensors.retain(|(tensor, _)| tensor.name != name);
        self
    }

    fn with_tensor(mut self, name: &str, dimensions: &[u64]) -> Self {
        let (name, dimensions) = (name.to_owned(), dimensions.to_vec());
        let spec = TensorSpec { name, dimensions, role: TensorRole::Projection, layer: None };
        self.tensors.push((spec, TensorType::F32));
        self
    }

    fn shape(&self) -> Result<Shape, String> {
        let mut bytes = header(&self.metadata, &self.tensors);
        bytes.extend(&self.first);
        let path = Path::new("m.gguf");
        let length = index_as_u64(bytes.len()) + (1 << 30);
        GgufFile::read(path, &mut Cursor::new(bytes), length)
            .and_then(|file| shape_of(&file, path))
            .map_err(|error| error.to_string())
    }

    fn refusal(&self) -> String {
        self.shape().expect_err("a file that makes no model")
    }
}

#[test]
fn a_known_key_of_another_kind_is_refused_even_where_it_may_be_absent() {
    let text = || Value::Text("8".to_owned());
    for (family, key, value, found) in [
        ("llama", "general.architecture", Value::U32(1), "a whole number as `general.architecture`"),
        ("llama", "llama.block_count", text(), "a text as `llama.block_count`"),
        ("llama", "llama.block_count", Value::Ints(vec![4]), "an array as `llama.block_count`"),
        ("llama", "llama.attention.head_count_kv", Value::F32(2.0), "a number with a fraction as"),
        ("llama", "llama.attention.key_length", Value::Bool(true), "true or false as"),
        ("llama", "llama.rope.freq_base", Value::U32(10_000), "a whole number as `llama.rope.freq_base`"),
        ("llama", "llama.attention.sliding_window", text(), "a text as"),
        ("qwen3", "qwen3.rope.scaling.type", Value::U32(1), "a whole number as"),
        ("qwen3", "qwen3.rope.scaling.attn_factor", text(), "a text as"),
        ("deepseek2", "deepseek2.expert_count", text(), "a text as"),
        ("deepseek2", "deepseek2.expert_weights_scale", text(), "a text as"),
    ] {
        let message = File::tiny(family).with(key, value).refusal();
        assert!(message.contains(found) && message.contains(key), "{found}: {message}");
    }
}

#[test]
fn numbers_that_no_model_has_are_refused_before_anything_is_computed() {
    let llama = |key: &str, value: Value| File::tiny("llama").with(&format!("llama.{key}"), value).refusal();
    for (key, value, problem) in [
        ("block_count", Value::U64(u64::MAX), "`layers` is 18446744073709551615"),
        ("block_count", Value::U32(0), "`layers` is 0"),
        ("block_count", Value::U32(1 << 24), "too few for 16777216 layers"),
        ("embedding_length", Value::U64(1 << 60), "`hidden` is 1152921504606846976"),
        ("embedding_length", Value::U32(33), "its keys say [33, 512]"),
        ("attention.head_count", Value::U32(0), "`heads` is 0"),
        ("attention.head_count_kv", Value::U32(3), "do not divide into 3 kv heads"),
        ("attention.key_length", Value::U64(u64::MAX), "`head_dim` is"),
        ("feed_forward_length", Value::U64(u64::MAX), "`intermediate` is"),
        ("context_length", Value::U64(u64::MAX), "`max_positions` is"),
        ("attention.sliding_window", Value::U64(u64::MAX), "`sliding_window` is"),
        ("attention.layer_norm_rms_epsilon", Value::F32(f32::NAN), "`rms_norm_eps` is NaN"),
        ("rope.freq_base", Value::F32(f32::INFINITY), "`rope_theta` is inf"),
        ("expert_count", Value::U32(8), "no usable `llama.expert_used_count`"),
    ] {
        let message = llama(key, value);
        assert!(message.contains(problem), "{key}: {message}");
    }
    let experts =
        |key: &str| File::tiny("deepseek2").with(&format!("deepseek2.{key}"), Value::U64(u64::MAX)).refusal();
    for key in [
        "expert_count",
        "expert_used_count",
        "expert_shared_count",
        "leading_dense_block_count",
        "rope.dimension_count",
    ] {
        assert!(experts(key).contains("makes no model"), "{key}: {}", experts(key));
    }
    let no_epsilon = File::tiny("llama").without("llama.attention.layer_norm_rms_epsilon").refusal();
    assert!(no_epsilon.contains("no usable `llama.attention.layer_norm_rms_epsilon`"), "{no_epsilon}");
}

#[test]
fn what_would_be_computed_otherwise_is_refused_by_name() {
    for (family, key, value) in [
        ("llama", "general.architecture", Value::Text("gemma\u{1b}[2J".to_owned())),
        ("qwen3", "qwen3.rope.scaling.type", Value::Text("linear".to_owned())),
        ("qwen3", "qwen3.rope.scaling.yarn_ext_factor", Value::F32(0.5)),
        ("deepseek2", "deepseek2.expert_weights_scale", Value::F32(2.5)),
        ("deepseek2", "deepseek2.expert_gating_func", Value::U32(2)),
        ("deepseek2", "deepseek2.expert_weights_norm", Value::Bool(true)),
        ("deepseek2", "deepseek2.expert_group_count", Value::U32(8)),
    ] {
        let message = File::tiny(family).with(key, value).refusal();
        assert!(message.contains(&format!("`{key}` = ")), "{key}: {message}");
        assert!(message.contains("not known here") && !message.contains('\u{1b}'), "{message}");
    }
    for key in ["expert_weights_scale", "expert_gating_func"] {
        let file = File::tiny("deepseek2").without(&format!("deepseek2.{key}"));
        assert_eq!(file.shape(), File::tiny("deepseek2").shape(), "{key} may be absent");
    }
}

#[test]
fn tensors_that_are_missing_or_others_are_refused_by_name() {
    let file = || File::tiny("qwen2");
    let mut narrow = file();
    narrow.tensor("blk.1.ffn_down.weight").dimensions[1] /= 2;
    let mut turned = file();
    turned.tensor("blk.0.ffn_up.weight").dimensions.reverse();
    let mut flat = file();
    flat.tensor("blk.2.attn_q.weight").dimensions.push(1);
    for (file, problem) in [
        (narrow, "the tensor `blk.1.ffn_down.weight` is ["),
        (turned, "the tensor `blk.0.ffn_up.weight` is ["),
        (flat, "the tensor `blk.2.attn_q.weight` is ["),
        (file().without_tensor("blk.3.attn_k.bias"), "the tensor `blk.3.attn_k.bias` is missing"),
        (file().without_tensor("output_norm.weight"), "the tensor `output_norm.weight` is missing"),
        (file().without_tensor("token_embd.weight"), "no usable `token_embd.weight`"),
        (file().with_tensor("blk.0.attn_output.bias", &[128]), "`blk.0.attn_output.bias` is one that its"),
        (
            File::tiny("llama").with_tensor("blk.0.attn_q_norm.weight", &[64]),
            "`blk.0.attn_q_norm.weight` is one",
        ),
        (file().with("qwen2.block_count", Value::U32(3)), "`blk.3.attn_k.bias` is one that its"),
        (file().with("qwen2.block_count", Value::U32(5)), "`blk.4.attn_norm.weight` is missing"),
    ] {
        let message = file.refusal();
        assert!(message.contains(problem), "{problem}: {message}");
    }
    // Rotary factors that no scaling gives.
    let mut scaled = File::tiny("llama3");
    assert!(scaled.refusal().contains("no usable `rope_freqs.weight`"), "all zero");
    scaled.first = f32::NAN.to_le_bytes().repeat(1 << 10);
    assert!(scaled.refusal().contains("no usable `rope_freqs.weight`"));
    scaled.first = f32::INFINITY.to_le_bytes().repeat(1 << 10);
    assert!(scaled.shape().is_err());
}

#[test]
fn older_layouts_of_the_same_tensors_are_known() {
    let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
    let shape = &registry.get("tiny-deepseek2").unwrap().shape;
    let super::Attention::Latent { heads, kv_rank, nope_dim, value_dim, .. } = shape.attention else {
        panic!("latent attention")
    };
    let joined = [kv_rank, heads * (nope_dim + value_dim)];
    let mut old = File::of(shape);
    for layer in 0..shape.layers {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        old = old.without_tensor(&name("attn_k_b")).without_tensor(&name("attn_v_b"));
        old = old.with_tensor(&name("attn_kv_b"), &joined);
    }
    assert_eq!(old.shape().unwrap().tensors(), shape.tensors());
    old.tensor("blk.0.attn_kv_b.weight").dimensions[1] -= 32;
    assert!(old.refusal().contains("`blk.0.attn_kv_b.weight` is ["), "{}", old.refusal());
    // One matrix for each expert.
    let mixture = *shape.mixture().unwrap();
    let mut split = File::of(shape);
    for layer in mixture.dense_layers..shape.layers {
        for part in ["gate", "up", "down"] {
            let whole = split.tensor(&format!("blk.{layer}.ffn_{part}_exps.weight")).clone();
            split = split.without_tensor(&whole.name);
            for expert in 0..mixture.experts {
                split = split
                    .with_tensor(&format!("blk.{layer}.ffn_{part}.{expert}.weight"), &whole.dimensions[..2]);
            }
        }
    }
    assert_eq!(split.shape().unwrap().tensors(), shape.tensors());
    let last = format!("blk.{}.ffn_up.{}.weight", shape.layers - 1, mixture.experts - 1);
    assert!(split.without_tensor(&last).refusal().contains(&format!("`{last}` is missing")));
}
