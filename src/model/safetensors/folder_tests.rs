//! Folders as nobody should make them: each is refused with its reason.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::head::Head;
use super::{CheckpointFolder, expected, wire};
use crate::model::mutation_tests::Mutator;
use crate::model::{Precision, Shape, shape_of_config};
use crate::units::{count_as_usize, index_as_u64};

/// A config of the smallest model of each family.
fn config(family: &str) -> Value {
    let mut config = json!({
        "model_type": family, "num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 8,
        "tie_word_embeddings": false, "rms_norm_eps": 1e-6, "max_position_embeddings": 128,
    });
    let more = match family {
        "deepseek_v2" => json!({
            "kv_lora_rank": 32, "qk_nope_head_dim": 32, "qk_rope_head_dim": 8, "v_head_dim": 16,
            "n_routed_experts": 3, "num_experts_per_tok": 2, "n_shared_experts": 1,
            "moe_intermediate_size": 32, "first_k_dense_replace": 1,
        }),
        "mixtral" => json!({ "num_local_experts": 3, "num_experts_per_tok": 2 }),
        _ => json!({}),
    };
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

type Tensor = (String, &'static str, Vec<u64>);

fn tensors(shape: &Shape) -> Vec<Tensor> {
    let mut all = Vec::new();
    expected::for_each(shape, &mut |name, size| {
        all.push((name, "BF16", size));
        Ok(())
    })
    .unwrap();
    all
}

fn width(dtype: &str) -> u64 {
    match dtype {
        "I64" => 8,
        "F32" => 4,
        "F8_E4M3" => 1,
        _ => 2,
    }
}

/// The head of a file that holds these, one after the other, and the size of their data.
fn head(tensors: &[Tensor]) -> (Value, u64) {
    let (mut head, mut at) = (json!({ "__metadata__": { "format": "pt" } }), 0);
    for (name, dtype, dimensions) in tensors {
        let end = at + dimensions.iter().product::<u64>() * width(dtype);
        head[name] = json!({ "dtype": dtype, "shape": dimensions, "data_offsets": [at, end] });
        at = end;
    }
    (head, at)
}

fn file(head: &str, data: u64) -> Vec<u8> {
    let length = index_as_u64(head.len()).to_le_bytes();
    [&length[..], head.as_bytes(), &vec![0; count_as_usize(data)]].concat()
}

fn whole(tensors: &[Tensor]) -> Vec<u8> {
    let (head, data) = head(tensors);
    file(&head.to_string(), data)
}

/// A folder with a config and these files.
fn folder(config: &Value, files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn inspected(folder: &TempDir) -> Result<CheckpointFolder, String> {
    CheckpointFolder::inspect(folder.path()).map_err(|error| error.to_string())
}

fn llama() -> (Value, Vec<Tensor>) {
    let config = config("llama");
    let tensors = tensors(&shape_of_config(&config.to_string()).unwrap());
    (config, tensors)
}

/// What is said of a folder with this one file.
fn refusal(bytes: &[u8]) -> String {
    let message =
        inspected(&folder(&llama().0, &[("model.safetensors", bytes)])).expect_err("a hostile file");
    assert!(message.len() < 600, "{message}");
    message
}

#[test]
fn a_folder_of_each_family_is_read() {
    for family in ["llama", "mistral", "qwen2", "qwen3", "ministral3", "deepseek_v2", "mixtral"] {
        let config = config(family);
        let shape = shape_of_config(&config.to_string()).unwrap();
        let folder = folder(&config, &[("model.safetensors", &whole(&tensors(&shape)))]);
        let read = inspected(&folder).unwrap();
        assert_eq!(read.tensor_bytes().count(), 2 * shape.parameters(), "{family}");
        assert_eq!(read.precision(), Precision::BF16);
        let unread = 2 * (shape.vocab * shape.hidden + shape.parameters() - shape.active_parameters());
        assert_eq!(read.read_bytes_per_step().count(), read.tensor_bytes().count() - unread, "{family}");
        let embedding = &read.tensors["model.embed_tokens.weight"];
        assert_eq!((embedding.dimensions.as_slice(), embedding.bytes), (&[8, 32][..], 512));
        assert!(read.tensors.values().all(|tensor| tensor.offset + tensor.bytes <= read.file_bytes.count()));
    }
}

#[test]
fn a_model_that_sees_gives_its_language_model() {
    let text = config("ministral3");
    let shape = shape_of_config(&text.to_string()).unwrap();
    let config = json!({ "model_type": "mistral3", "text_config": text });
    for (outer, inner) in [("language_model.", ""), ("", "language_model.")] {
        let mut all = tensors(&shape);
        for (name, ..) in &mut all {
            *name = match name.strip_prefix("model.") {
                Some(rest) => format!("{outer}model.{inner}{rest}"),
                None => format!("{outer}{name}"),
            };
        }
        for seeing in ["vision_tower.patch_conv.weight", "model.multi_modal_projector.linear_1.weight"] {
            all.push((seeing.to_owned(), "I64", vec![4]));
        }
        let read = inspected(&folder(&config, &[("model.safetensors", &whole(&all))])).unwrap();
        assert_eq!(read.tensor_bytes().count(), 2 * shape.parameters());
        assert!(read.tensors.contains_key("model.layers.1.mlp.up_proj.weight"));
        assert!(read.tensors.keys().all(|name| !name.contains("vision") && !name.contains("language")));
        let twice = ("model.norm.weight".to_owned(), "BF16", vec![32]);
        let error =
            inspected(&folder(&config, &[("model.safetensors", &whole(&[all, vec![twice]].concat()))]));
        assert!(error.unwrap_err().contains("stands twice"));
    }
}

#[test]
fn heads_that_lie_are_refused() {
    let (_, tensors) = llama();
    let (head, data) = head(&tensors);
    let changed = |name: &str, key: &str, value: Value| {
        let mut head = head.clone();
        head[name][key] = value;
        file(&head.to_string(), data)
    };
    let norm = "model.norm.weight";
    let text = head.to_string();
    let twice = text.replacen(
        '{',
        "{\"lm_head.weight\":{\"dtype\":\"BF16\",\"shape\":[8,32],\"data_offsets\":[0,512]},",
        1,
    );
    let deep = |name: &str| text.replacen('{', &format!("{{\"{name}\":{},", "[".repeat(100_000)), 1);
    let cases: &[(&str, Vec<u8>)] = &[
        ("too short", b"seven b".to_vec()),
        ("its head would have 1152921504606846976 bytes", (1_u64 << 60).to_le_bytes().to_vec()),
        ("cut off in its head", 1_000_u64.to_le_bytes().to_vec()),
        ("no list of tensors", file("[]", 0)),
        ("no list of tensors", file("{\"a\":", 0)),
        ("no list of tensors", file("{} {}", 0)),
        ("no list of tensors", file(&deep("a"), data)),
        ("no list of tensors", file(&deep("__metadata__"), data)),
        ("`lm_head.weight` stands twice", file(&twice, data)),
        ("more than 8 dimensions", changed(norm, "shape", json!(vec![1; 9]))),
        ("is missing", file("{}", 0)),
        ("whose type `Q4` is not known", changed(norm, "dtype", json!("Q4"))),
        ("no list of tensors", changed(norm, "dtype", json!(4))),
        ("no list of tensors", changed(norm, "shape", json!([-1]))),
        ("no list of tensors", changed(norm, "more", json!(1))),
        ("hold a zero", changed(norm, "shape", json!([0]))),
        ("are not the size of", changed(norm, "shape", json!([1_u64 << 40, 1_u64 << 40]))),
        ("are not the size of", changed(norm, "data_offsets", json!([64, 0]))),
        ("are not the size of", changed(norm, "data_offsets", json!([0, u64::MAX]))),
        ("overlap at byte 0", changed(norm, "data_offsets", json!([0, 64]))),
        ("was cut off on the way", changed(norm, "data_offsets", json!([data, data + 64]))),
        ("was cut off on the way", changed(norm, "data_offsets", json!([u64::MAX - 64, u64::MAX]))),
        ("1 bytes after its last tensor", file(&text, data + 1)),
        ("was cut off on the way", file(&text, data - 1)),
        ("has a hole from byte", {
            let mut head = head.clone();
            head.as_object_mut().unwrap().remove(norm);
            file(&head.to_string(), data)
        }),
    ];
    for (expected, bytes) in cases {
        let message = refusal(bytes);
        assert!(message.contains(expected), "{expected}: {message}");
    }
    let names: Vec<String> = (0..70_000).map(|i: u32| i.to_string()).collect();
    let many: Vec<Tensor> = names.into_iter().map(|name| (name, "BF16", vec![1])).collect();
    assert!(refusal(&whole(&many)).contains("more than 65536 tensors"));
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let bytes = whole(&llama().1);
    for length in (0..bytes.len()).step_by(101).chain([bytes.len() - 1]) {
        let message = refusal(&bytes[..length]);
        assert!(message.contains("again"), "{length}: {message}");
    }
}

#[test]
fn tensors_that_are_not_the_models_are_refused() {
    let (config, tensors) = llama();
    let said = |tensors: &[Tensor]| refusal(&whole(tensors));
    let mut changed = tensors.clone();
    changed[1].1 = "F8_E4M3";
    assert!(said(&changed).contains("stored as F8_E4M3; give F32, F16 or BF16"), "{}", said(&changed));
    (changed[1].1, changed[1].2) = ("BF16", vec![4, 8]);
    assert!(said(&changed).contains("is [4, 8], config.json says [32]"));
    assert!(said(&tensors[1..]).contains("`model.embed_tokens.weight` is missing"));
    let bias = ("model.layers.0.self_attn.q_proj.bias".to_owned(), "BF16", vec![32]);
    let with_bias = [tensors.clone(), vec![bias]].concat();
    assert!(said(&with_bias).contains("a tensor that its architecture has not"));
    // A table that follows from the config, and the copy of a table that serves twice, are left out.
    let table = ("model.layers.0.self_attn.rotary_emb.inv_freq".to_owned(), "F32", vec![8]);
    let mut tied = config;
    tied["tie_word_embeddings"] = json!(true);
    let file = whole(&[tensors, vec![table]].concat());
    let read = inspected(&folder(&tied, &[("model.safetensors", &file)])).unwrap();
    assert!(!read.tensors.contains_key("lm_head.weight"));
    // More layers than anybody could list.
    tied["num_hidden_layers"] = json!(1 << 24);
    let message = inspected(&folder(&tied, &[("model.safetensors", &file)])).unwrap_err();
    assert!(message.contains("`model.layers.2.input_layernorm.weight` is missing"), "{message}");
}

/// Two shards and their index.
fn sharded(index: impl Fn(&mut Value)) -> Result<CheckpointFolder, String> {
    let (config, tensors) = llama();
    let (one, two) = tensors.split_at(5);
    let mut map = json!({ "metadata": { "total_size": 1 }, "weight_map": {} });
    for (tensors, name) in [(one, "a.safetensors"), (two, "b.safetensors")] {
        for (tensor, ..) in tensors {
            map["weight_map"][tensor] = json!(name);
        }
    }
    index(&mut map);
    let map = map.to_string();
    let files: [(&str, &[u8]); 3] = [
        ("a.safetensors", &whole(one)),
        ("b.safetensors", &whole(two)),
        ("model.safetensors.index.json", map.as_bytes()),
    ];
    inspected(&folder(&config, &files))
}

#[test]
fn an_index_that_lies_is_refused() {
    assert_eq!(sharded(|_| ()).unwrap().files.len(), 2);
    let said = |name: &str, value: Value| {
        sharded(|index| index["weight_map"][name] = value.clone()).expect_err("a hostile index")
    };
    for outside in ["../a.safetensors", "/a.safetensors", "x\\a.safetensors", "C:a.safetensors", "a.bin", ""]
    {
        let message = said("lm_head.weight", json!(outside));
        assert!(message.contains("no safetensors file of the folder itself"), "{outside}: {message}");
    }
    assert!(said("lm_head.weight", json!("c.safetensors")).contains("c.safetensors: cannot be read"));
    assert!(
        said("lm_head.weight", json!("a.safetensors"))
            .contains("a.safetensors holds `lm_head.weight`, and it does not")
    );
    assert!(said("another", json!("a.safetensors")).contains("holds `another`, and it does not"));
    assert!(said("lm_head.weight", json!(7)).contains("its index cannot be read"));
    let fewer = sharded(|index| {
        index["weight_map"].as_object_mut().unwrap().remove("lm_head.weight");
    });
    assert!(fewer.unwrap_err().contains("`lm_head.weight`, which its index does not name"));
    let none = sharded(|index| index["weight_map"] = json!({}));
    assert!(none.unwrap_err().contains("names no tensor"));
}

#[test]
fn pickles_are_not_opened() {
    let said = |name: &str| inspected(&folder(&llama().0, &[(name, b"\x80\x02}q")])).unwrap_err();
    for name in ["pytorch_model.bin", "consolidated.00.pth", "model.pt", "Model.CKPT"] {
        assert!(said(name).contains("pickles run code; give safetensors or GGUF"), "{}", said(name));
    }
    assert!(said("readme.md").contains("has no model.safetensors and no index"));
}

#[test]
fn a_config_of_100_mb_is_not_read() {
    let folder = folder(&llama().0, &[]);
    let file = fs::File::create(folder.path().join("config.json")).unwrap();
    file.set_len(100_000_000).unwrap();
    let message = inspected(&folder).unwrap_err();
    assert!(message.contains("100000000 bytes, and more than 16777216 are not read"), "{message}");
}

#[test]
fn no_head_that_is_nearly_right_panics() {
    let (head, data) = head(&llama().1);
    let (sound, mut mutator, mut taken) = (head.to_string().into_bytes(), Mutator::new(), 0);
    for _ in 0..5_000 {
        let bytes = mutator.changed(&sound);
        if let Ok(head) = Head::parse(&bytes, data, data + 8 + index_as_u64(bytes.len())) {
            taken += 1;
            let sum: u64 = head.tensors.values().map(|tensor| tensor.bytes).sum();
            assert_eq!(sum, data, "every byte belongs to one tensor");
        }
        if let Err(error) = wire::index(&String::from_utf8_lossy(&bytes)) {
            assert!(error.len() < 400, "{error}");
        }
    }
    assert!(taken > 10, "{taken} taken");
}
