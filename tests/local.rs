//! A file of the user, measured through the program: what is recorded, what is not, and how a run of it goes on.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use candle_core::{DType, Device, Tensor};
use claimbench::engine::{ComputeDevice, Engine, ReferenceEngine, Request};
use claimbench::measurement::{EngineGap, Flag, Gate, Outcome, Run, Skip, Stage};
use claimbench::model::{LocalFormat, Precision, Recipe, Registry, Weights, sha256, write_synthetic};
use claimbench::units::Bytes;
use claimbench::workload::DeviceChoice;
use serde_json::json;
use tempfile::TempDir;

/// A user's folder; files of theirs lie in a folder whose name must appear nowhere.
struct Home {
    folder: TempDir,
}

const SECRET: &str = "my-secret-folder";

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(SECRET)).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(SECRET).join(name)
    }

    /// A file with random weights in a shape of the registry. Unless `marked`, it no longer says that they are random: what
    /// trained weights are told by is that nothing says otherwise.
    fn gguf(&self, name: &str, shape: &str, seed: u64, marked: bool) -> String {
        let registry = Registry::parse("models.toml", include_str!("../models.toml")).unwrap();
        let mut bytes = Vec::new();
        write_synthetic(&mut bytes, registry.get(shape).unwrap(), Recipe::Q8_0, seed, NonZeroUsize::MIN)
            .unwrap();
        if !marked {
            let key = b"claimbench.synthetic";
            let at = bytes.windows(key.len()).position(|window| window == key).unwrap();
            bytes[at..at + key.len()].copy_from_slice(b"somebodys.own_marker");
        }
        fs::write(self.path(name), bytes).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    fn call(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_claimbench"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("CLAIMBENCH_CACHE", self.folder.path().join("cache"))
            .env("HF_HOME", self.folder.path().join("hub"))
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn measure(&self, path: &str, more: &[&str]) -> Output {
        // What such files write is the business of answers.rs.
        let fixed = ["run", "--model", path, "--workload", "tiny", "--repetitions", "2", "--device", "cpu"];
        let fixed = fixed.iter().chain(&["--no-answers"]);
        self.call(&fixed.chain(more).copied().collect::<Vec<_>>())
    }

    /// The one run under `target/claimbench`.
    fn run_folder(&self) -> PathBuf {
        let runs = fs::read_dir(self.folder.path().join("target/claimbench")).unwrap();
        let mut runs: Vec<_> = runs.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    fn run(&self) -> Run {
        claimbench::record::load(&self.run_folder()).unwrap()
    }

    /// No file of the run's folder names a folder of the user's files.
    fn assert_nothing_leaks(&self) {
        for entry in fs::read_dir(self.run_folder()).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            for secret in [SECRET, self.folder.path().to_str().unwrap()] {
                assert!(!text.contains(secret), "{} contains `{secret}`", path.display());
            }
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_gguf_file_is_measured_and_named_without_its_folder() {
    let home = Home::new();
    let path = home.gguf("My Model.gguf", "tiny-qwen2", 1, false);
    let output = home.measure(&path, &[]);
    // This test binary is a debug build: measured, but not to be trusted.
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let run = home.run();
    let record = &run.cases[0];
    assert!(matches!(record.outcome, Outcome::Measured(_)), "{:?}", record.outcome);
    assert_eq!(record.id().to_string(), "my-model/q8_0/tiny");
    let file = &record.observed.as_ref().unwrap().file;
    assert_eq!(file.weights, Weights::Local { name: "My Model.gguf".into() });
    assert_eq!(file.sha256, sha256(Path::new(&path)).unwrap());
    assert_eq!(file.bytes.count(), fs::metadata(&path).unwrap().len());
    assert!(!record.flags.contains(&Flag::SyntheticWeights));
    let local = record.case.model.local.unwrap();
    assert_eq!(local.format, LocalFormat::Gguf);
    assert!(local.read_bytes_per_step <= local.tensor_bytes && local.tensor_bytes < file.bytes);
    assert_eq!(record.case.model.licence.name, "unknown");
    assert!(run.provenance.command.contains("--model 'My Model.gguf'"), "{}", run.provenance.command);
    let page = |name: &str| fs::read_to_string(home.run_folder().join(name)).unwrap();
    assert!(page("index.html").contains("file of the user: My Model.gguf"));
    assert!(page("fr.html").contains("fichier de l’utilisateur\u{a0}: My Model.gguf"));
    home.assert_nothing_leaks();
}

#[test]
fn random_weights_in_a_file_of_the_user_stay_random() {
    let home = Home::new();
    let path = home.gguf("random.gguf", "tiny-llama", 9, true);
    home.measure(&path, &[]);
    let run = home.run();
    let record = &run.cases[0];
    assert_eq!(record.observed.as_ref().unwrap().file.weights, Weights::Synthetic { seed: 9 });
    assert!(record.flags.contains(&Flag::SyntheticWeights));
}

#[test]
fn a_file_the_engine_would_compute_wrongly_is_a_skipped_row() {
    let home = Home::new();
    let path = home.gguf("scaled.gguf", "tiny-llama3", 1, false);
    let output = home.measure(&path, &["--engine", "candle-transformers"]);
    assert_eq!(output.status.code(), Some(1), "nothing was measured: {}", said(&output));
    assert!(said(&output).contains(EngineGap::RopeScaling.reason()), "{}", said(&output));
    let skipped = Outcome::Skipped(Skip::Engine { gaps: vec![EngineGap::RopeScaling] });
    assert_eq!(home.run().cases[0].outcome, skipped);
    assert!(home.run().provenance.command.ends_with(" --engine candle-transformers"));
    home.assert_nothing_leaks();
}

#[test]
fn an_interrupted_run_of_a_file_goes_on_with_the_same_file_only() {
    let home = Home::new();
    let path = home.gguf("m.gguf", "tiny-qwen2", 1, false);
    home.measure(&path, &[]);
    // What a killed process leaves: a case whose repetitions stop in the middle.
    let (file, folder) = (home.run_folder().join("run.json"), home.run_folder());
    let mut run: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let case = &mut run["cases"][0];
    case["repetitions"] = serde_json::json!([]);
    case["loads"] = serde_json::json!([]);
    case["figures"] = serde_json::Value::Null;
    case["unanswered"] = serde_json::Value::Null;
    case["flags"] = serde_json::json!(["debug-build"]);
    case["energy"] =
        serde_json::json!({ "basis": "missing", "reason": "nothing was measured", "remedy": "" });
    case["failure"] = serde_json::json!({ "stage": "interrupted", "reason": "stopped" });
    case["observed"]["output_tokens"] = serde_json::Value::Null;
    let text = claimbench::record::sealed(&serde_json::to_string_pretty(&run).unwrap()).unwrap();
    fs::write(&file, &text).unwrap();
    let resume = |more: &[&str]| {
        let fixed = ["run", "--resume", folder.to_str().unwrap()];
        home.call(&fixed.iter().chain(more).copied().collect::<Vec<_>>())
    };

    let output = resume(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("give it again: --model PATH"), "{}", said(&output));
    let output = resume(&["--model", "tiny-qwen2"]);
    assert!(said(&output).contains("only files of yours"), "{}", said(&output));
    let other = home.gguf("other.gguf", "tiny-qwen2", 1, false);
    let output = resume(&["--model", &other]);
    assert!(said(&output).contains("other.gguf is no file that"), "{}", said(&output));

    // Another file under the same name.
    home.gguf("m.gguf", "tiny-qwen2", 2, false);
    let output = resume(&["--model", &path]);
    assert!(said(&output).contains("not the one this run began with"), "{}", said(&output));
    assert!(
        matches!(&home.run().cases[0].outcome, Outcome::Failed(failure, _) if failure.stage == Stage::Prepare)
    );

    // A failed case stays failed, so the file from before is put back first.
    fs::write(&file, &text).unwrap();
    home.gguf("m.gguf", "tiny-qwen2", 1, false);
    let output = resume(&["--model", &path]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(matches!(home.run().cases[0].outcome, Outcome::Measured(_)));
    home.assert_nothing_leaks();
}

#[test]
fn what_cannot_be_measured_is_refused_before_a_run_begins() {
    let home = Home::new();
    fs::write(home.path("text.gguf"), "no model at all").unwrap();
    let (text, none) = (home.path("text.gguf"), home.path("none.gguf"));
    for (path, more, expected) in [
        (none.to_str().unwrap(), vec![], "there is no file or folder"),
        (text.to_str().unwrap(), vec![], "is no GGUF file"),
        (&home.gguf("good.gguf", "tiny-qwen2", 1, false), vec!["--weights", "synthetic"], "its own weights"),
        (&home.gguf("good.gguf", "tiny-qwen2", 1, false), vec!["--precision", "q4_k_m"], "has no q4_k_m"),
    ] {
        let output = home.measure(path, &more);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
    assert!(!home.folder.path().join("target").exists(), "no run began");
}

#[test]
fn every_storage_type_that_files_name_can_be_planned() {
    assert_eq!(Precision::OF_FILES.len(), 18);
    let home = Home::new();
    let path = home.gguf("mix.gguf", "tiny-qwen2", 1, false);
    // `general.file_type` 17 is Q5_K_M: the name alone changes, and the sizes stay those of the file.
    let mut bytes = fs::read(&path).unwrap();
    let key = b"general.file_type";
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len() + 4;
    bytes[at..at + 4].copy_from_slice(&17_u32.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    home.measure(&path, &[]);
    let run = home.run();
    assert_eq!(run.cases[0].case.precision, Precision::Q5KM);
    assert!(matches!(run.cases[0].outcome, Outcome::Measured(_)));
}

/// A folder as on the hub with small random weights, all of `kind`, in `shards` files.
fn hub_folder(path: &Path, config: &serde_json::Value, kind: DType, shards: usize) {
    fs::create_dir_all(path).unwrap();
    fs::write(path.join("config.json"), config.to_string()).unwrap();
    let number = |key: &str| usize::try_from(config[key].as_u64().unwrap()).unwrap();
    let (hidden, inner, vocab) = (number("hidden_size"), number("intermediate_size"), number("vocab_size"));
    let head =
        config["head_dim"].as_u64().map_or(hidden / number("num_attention_heads"), |_| number("head_dim"));
    let (q, kv) = (head * number("num_attention_heads"), head * number("num_key_value_heads"));
    let mut sizes = vec![
        ("model.embed_tokens.weight".to_owned(), vec![vocab, hidden]),
        ("model.norm.weight".to_owned(), vec![hidden]),
    ];
    if config["tie_word_embeddings"] != json!(true) {
        sizes.push(("lm_head.weight".to_owned(), vec![vocab, hidden]));
    }
    for layer in 0..number("num_hidden_layers") {
        let mut add =
            |name: &str, size: Vec<usize>| sizes.push((format!("model.layers.{layer}.{name}"), size));
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            add(&format!("{norm}.weight"), vec![hidden]);
        }
        for (part, rows) in [("q", q), ("k", kv), ("v", kv)] {
            add(&format!("self_attn.{part}_proj.weight"), vec![rows, hidden]);
            if config["model_type"] == json!("qwen2") {
                add(&format!("self_attn.{part}_proj.bias"), vec![rows]);
            }
        }
        add("self_attn.o_proj.weight", vec![hidden, q]);
        add("mlp.gate_proj.weight", vec![inner, hidden]);
        add("mlp.up_proj.weight", vec![inner, hidden]);
        add("mlp.down_proj.weight", vec![hidden, inner]);
    }
    // A linear congruential generator: equal folders on every run of the test.
    let mut state = 1_u32;
    let mut value = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(state >> 16).unwrap()) / 32_768.0 - 1.0
    };
    let mut files: Vec<HashMap<String, Tensor>> = vec![HashMap::new(); shards];
    let mut index = serde_json::Map::new();
    let file_name = |shard: usize| match shards {
        1 => "model.safetensors".to_owned(),
        _ => format!("model-{shard}.safetensors"),
    };
    for (number, (name, size)) in sizes.into_iter().enumerate() {
        let values: Vec<f32> = (0..size.iter().product()).map(|_| value() / 4.0).collect();
        let tensor = Tensor::from_vec(values, size, &Device::Cpu).unwrap().to_dtype(kind).unwrap();
        index.insert(name.clone(), json!(file_name(number % shards)));
        files[number % shards].insert(name, tensor);
    }
    for (shard, tensors) in files.iter().enumerate() {
        candle_core::safetensors::save(tensors, path.join(file_name(shard))).unwrap();
    }
    if shards > 1 {
        let index = json!({ "metadata": {}, "weight_map": index });
        fs::write(path.join("model.safetensors.index.json"), index.to_string()).unwrap();
    }
}

fn config(kind: &str, more: &serde_json::Value) -> serde_json::Value {
    let mut config = json!({
        "model_type": kind, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "vocab_size": 32000,
        "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "max_position_embeddings": 512, "tie_word_embeddings": false, "hidden_act": "silu",
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

/// The tokens of one request, after a context.
fn tokens(engine: &mut ReferenceEngine, prompts: &[Vec<u32>], context: &[u32]) -> Vec<Vec<u32>> {
    let mut steps = Vec::new();
    let request = Request { prompts: prompts.to_vec(), output_tokens: 8 };
    engine.begin(&vec![context.to_vec(); prompts.len()], &request).unwrap();
    let mut emit = |tokens: &[u32]| {
        steps.push(tokens.to_vec());
        std::ops::ControlFlow::Continue(())
    };
    engine.generate(&request, &mut emit).unwrap();
    steps
}

#[test]
fn every_kind_of_folder_gives_the_same_tokens_to_the_same_request() {
    let scaling = json!({ "rope_scaling": { "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 64 } });
    let tied = json!({ "tie_word_embeddings": true });
    for (kind, more) in [
        ("qwen2", json!({})),
        ("qwen2", tied.clone()),
        ("mistral", json!({ "head_dim": 32 })),
        ("llama", tied),
        ("llama", scaling),
    ] {
        let home = Home::new();
        hub_folder(&home.path("model"), &config(kind, &more), DType::F32, 1);
        let device = ComputeDevice::open(DeviceChoice::Cpu).unwrap();
        let mut engine =
            ReferenceEngine::new(home.path("model"), device, Bytes::new(0)).of(LocalFormat::Safetensors);
        assert!(engine.identity().version.ends_with("computed in f32"));
        engine.load().unwrap();
        let prompt = vec![vec![70, 71, 72, 73]];
        let first = tokens(&mut engine, &prompt, &[]);
        assert_eq!(first.len(), 8);
        let context: Vec<u32> = (300..360).collect();
        assert_ne!(tokens(&mut engine, &prompt, &context), first, "{kind} {more}: the context is read");
        assert_eq!(tokens(&mut engine, &prompt, &[]), first, "{kind} {more}: and forgotten");
        // Which is why `EngineGap::Batch` does not hold for folders.
        let three = tokens(&mut engine, &vec![prompt[0].clone(); 3], &[]);
        for (alone, three) in first.iter().zip(&three) {
            assert_eq!(*three, vec![alone[0]; 3], "{kind} {more}: equal rows, equal tokens");
        }
        // A context and a prompt give what both give in one piece.
        let whole = vec![context.iter().copied().chain([70, 71, 72, 73]).collect()];
        assert_eq!(tokens(&mut engine, &whole, &[]), tokens(&mut engine, &prompt, &context), "{kind} {more}");
    }
}

#[test]
fn a_folder_in_shards_is_measured_and_named_without_its_place() {
    let home = Home::new();
    let path = home.path("Tiny-Mistral");
    hub_folder(&path, &config("mistral", &json!({})), DType::BF16, 2);
    let output = home.measure(path.to_str().unwrap(), &[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let run = home.run();
    let record = &run.cases[0];
    assert_eq!(record.id().to_string(), "tiny-mistral/bf16/tiny");
    assert_eq!((record.engine.id.as_str(), &record.engine.version[..2]), ("claimbench", "2,"));
    assert!(matches!(record.outcome.measurement().gate, Some(Gate::Passed(_))), "{record:?}");
    let local = record.case.model.local.unwrap();
    assert_eq!(local.tensor_bytes.count(), 2 * record.case.model.shape.parameters());
    let file = &record.observed.as_ref().unwrap().file;
    assert_eq!(file.weights, Weights::Local { name: "Tiny-Mistral".into() });
    let sizes = [0, 1].map(|n| fs::metadata(path.join(format!("model-{n}.safetensors"))).unwrap().len());
    assert_eq!(file.bytes.count(), sizes.iter().sum::<u64>());
    let digests = [0, 1].map(|n| sha256(&path.join(format!("model-{n}.safetensors"))).unwrap());
    fs::write(home.path("digests"), digests.concat()).unwrap();
    assert_eq!(file.sha256, sha256(&home.path("digests")).unwrap());
    assert!(run.provenance.command.contains("--model ./Tiny-Mistral "), "{}", run.provenance.command);
    home.assert_nothing_leaks();
}

#[test]
fn a_folder_that_is_no_model_says_why() {
    let home = Home::new();
    let refused = |name: &str, expected: &str| {
        let output = home.measure(home.path(name).to_str().unwrap(), &[]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(expected), "{}", said(&output));
    };
    fs::create_dir(home.path("empty")).unwrap();
    refused("empty", "config.json cannot be read");
    hub_folder(&home.path("other"), &config("llama", &json!({})), DType::F32, 1);
    fs::write(home.path("other/config.json"), config("qwen2", &json!({})).to_string()).unwrap();
    refused("other", "_proj.bias` is missing");
    hub_folder(&home.path("whole"), &config("llama", &json!({})), DType::F64, 1);
    refused("whole", "is stored as F64");
    hub_folder(&home.path("gelu"), &config("llama", &json!({ "hidden_act": "gelu" })), DType::F32, 1);
    refused("gelu", "`hidden_act` = `gelu`");
    hub_folder(&home.path("cut"), &config("llama", &json!({})), DType::F32, 1);
    let file = home.path("cut/model.safetensors");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    refused("cut", "was cut off");
}
