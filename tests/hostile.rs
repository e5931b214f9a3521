//! Files that were made to do harm, given to the program as a user would: an error that says what is wrong, in little time and
//! little memory.
//!
//! The system itself holds the bounds, and nothing is sampled: the shell starts the program with an address space of at most
//! what a good file needs and 100 MB more, and with a second of processor time; whoever exceeds them is ended by a signal or
//! fails to allocate, and either is no error message and no exit code 1. Address space counts everything that is
//! allocated, touched or not, so the bound is stricter than one on resident memory.

#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use claimbench::model::{Recipe, Registry, write_synthetic};
use tempfile::TempDir;

const MORE_KILOBYTES: u64 = 100_000;

/// Of processor time: a wall clock would measure what else the machine does. A build without optimisation, which computes
/// several times as long, gets two.
const SECONDS: u64 = if cfg!(debug_assertions) { 2 } else { 1 };

struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A file that begins with these bytes and goes on with zeros that take no room on the disk.
    fn sparse(&self, name: &str, start: &[u8], length: u64) -> PathBuf {
        let path = self.write(name, start);
        File::options().write(true).open(&path).unwrap().set_len(length).unwrap();
        path
    }

    fn forecast(&self, path: &Path, kilobytes: u64) -> Output {
        let limits = "ulimit -v $1; ulimit -t $2; shift 2; exec \"$@\"";
        Command::new("sh")
            .args(["-c", limits, "sh", &kilobytes.to_string(), &SECONDS.to_string()])
            .args([env!("CARGO_BIN_EXE_claimbench"), "run", "--dry-run", "--device", "cpu", "--model"])
            .arg(path)
            .current_dir(self.folder.path())
            .env("CLAIMBENCH_CACHE", self.path("cache"))
            .env("HF_HOME", self.path("hub"))
            // One arena: each further one reserves 64 MB that nobody uses.
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The least address space in which a good file is forecast, to within 8 MB.
    fn baseline(&self) -> u64 {
        let registry = Registry::parse("models.toml", include_str!("../models.toml")).unwrap();
        let mut good = Vec::new();
        let spec = registry.get("tiny-qwen2").unwrap();
        write_synthetic(&mut good, spec, Recipe::Q4KM, 1, NonZeroUsize::MIN).unwrap();
        let path = self.write("good.gguf", &good);
        let enough = |kilobytes: &u64| self.forecast(&path, *kilobytes).status.success();
        (2..64).map(|step| step * 8_000).find(enough).expect("half a gigabyte is enough for a tiny file")
    }

    /// The one line that is said of this path.
    fn refusal(&self, path: &Path, kilobytes: u64) -> String {
        let output = self.forecast(path, kilobytes);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let name = path.display();
        assert_eq!(output.status.signal(), None, "{name}: ended by a signal: {said}");
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(!said.contains("panicked") && !said.contains('\u{1b}'), "{name}: {said}");
        assert!(said.starts_with("error: ") && said.len() < 1_000, "{name}: {said}");
        said
    }
}

/// Magic, version and the two counts.
fn gguf(tensors: u64, keys: u64) -> Vec<u8> {
    [&b"GGUF\x03\0\0\0"[..], &tensors.to_le_bytes(), &keys.to_le_bytes()].concat()
}

/// The start of a file with one key `k`, which holds an array of a kind.
fn array(kind: u32, count: u64) -> Vec<u8> {
    let key = [&1_u64.to_le_bytes()[..], b"k", &9_u32.to_le_bytes(), &kind.to_le_bytes()].concat();
    [gguf(0, 1), key, count.to_le_bytes().to_vec()].concat()
}

const GIGABYTE: u64 = 1_000_000_000;

#[test]
fn hostile_gguf_files_cost_little() {
    let home = Home::new();
    let kilobytes = home.baseline() + MORE_KILOBYTES;
    let text_of_8_gb = {
        let key = [&1_u64.to_le_bytes()[..], b"k", &8_u32.to_le_bytes()].concat();
        [gguf(0, 1), key, (8 * GIGABYTE).to_le_bytes().to_vec()].concat()
    };
    let nested: Vec<u8> = [&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes()].concat().repeat(1_000);
    let many_keys = {
        let mut bytes = gguf(0, 500_000);
        for number in 0..500_000 {
            bytes.extend(6_u64.to_le_bytes());
            bytes.extend(format!("{number:06}").as_bytes());
            bytes.extend([0; 5]);
        }
        bytes
    };
    // All of these claim more than they should, and all but the first have a file behind the claim: most of it is zeros, which
    // read as texts, keys and tensors without names.
    let cases: [(&str, &[u8], u64, &str); 12] = [
        ("promise", &gguf(1 << 60, 1 << 60), 24, "states 1152921504606846976 tensors"),
        ("bytes", &array(0, 7 * GIGABYTE), 8 * GIGABYTE, "`general.architecture`"),
        ("texts", &array(8, GIGABYTE), 9 * GIGABYTE, "more than 64 MiB"),
        ("reals", &array(6, 2 * GIGABYTE), 9 * GIGABYTE, "more than 64 MiB"),
        ("integers", &array(5, 2 * GIGABYTE), 9 * GIGABYTE, "more than 64 MiB"),
        ("arrays", &array(9, GIGABYTE), 13 * GIGABYTE, "an array of arrays"),
        ("nested", &[array(9, 1), nested].concat(), GIGABYTE, "an array of arrays"),
        ("text", &text_of_8_gb, 9 * GIGABYTE, "more than 64 MiB"),
        ("keys", &gguf(0, GIGABYTE / 2), 9 * GIGABYTE, "stands twice"),
        ("distinct-keys", &many_keys, GIGABYTE, "more than 64 MiB"),
        ("tensors", &gguf(GIGABYTE / 5, 0), 9 * GIGABYTE, "no model has more than 65536"),
        ("pickle", b"PK\x03\x04", GIGABYTE, "pickles run code; give safetensors or GGUF"),
    ];
    for (name, start, length, expected) in cases {
        let path = home.sparse(&format!("{name}.gguf"), start, length);
        let said = home.refusal(&path, kilobytes);
        assert!(said.contains(expected), "{name}: {said}");
    }
    // 64 MiB of short texts, the most that is read at all.
    let mut file = File::create(home.path("full.gguf")).unwrap();
    file.write_all(&array(8, 1_000_000)).unwrap();
    file.seek(SeekFrom::Start(9 * GIGABYTE)).unwrap();
    file.write_all(b"end").unwrap();
    let said = home.refusal(&home.path("full.gguf"), kilobytes);
    assert!(said.contains("no usable `general.architecture`"), "{said}");
    // The bound holds: without the 100 MB this file ends otherwise.
    let tight = home.forecast(&home.path("full.gguf"), kilobytes - MORE_KILOBYTES);
    assert_ne!(tight.status.code(), Some(1), "{tight:?}");
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let home = Home::new();
    let pipe = home.path("pipe.gguf");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let kilobytes = home.baseline() + MORE_KILOBYTES;
    assert!(home.refusal(&pipe, kilobytes).contains("no regular file"));
    assert!(home.refusal(Path::new("/dev/zero"), kilobytes).contains("no regular file"));
}

#[test]
fn hostile_folders_cost_little() {
    let home = Home::new();
    let kilobytes = home.baseline() + MORE_KILOBYTES;
    let config = r#"{ "model_type": "llama", "num_hidden_layers": 16777216, "hidden_size": 32, "intermediate_size": 64,
        "num_attention_heads": 2, "vocab_size": 8, "rms_norm_eps": 1e-6, "max_position_embeddings": 128 }"#;
    let head = |text: &str| [&u64::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat();
    let tensors: Vec<String> = (0..200_000)
        .map(|i| format!("\"{i}\":{{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[{i},{}]}}", i + 1))
        .collect();
    let shards: Vec<String> = (0..300_000).map(|i| format!("\"{i}\":\"{i}.safetensors\"")).collect();
    let index = format!("{{\"weight_map\":{{{}}}}}", shards.join(","));
    let name = "model.safetensors";
    let cases: [(&str, &str, Vec<u8>, u64, &str); 9] = [
        ("long-config", "config.json", Vec::new(), 100_000_000, "more than 16777216 are not read"),
        (
            "deep-config",
            "config.json",
            b"{\"text_config\":".repeat(1_000_000),
            0,
            "config.json cannot be read",
        ),
        (
            "deep-list",
            "config.json",
            [&b"{\"model_type\":"[..], &b"[".repeat(10_000_000)].concat(),
            0,
            "cannot be read",
        ),
        ("promise", name, (1_u64 << 60).to_le_bytes().to_vec(), 0, "its head would have"),
        ("long-head", name, (8 * GIGABYTE).to_le_bytes().to_vec(), 9 * GIGABYTE, "its head would have"),
        ("deep-head", name, head(&"{\"a\":".repeat(3_000_000)), 0, "no list of tensors"),
        (
            "long-list",
            name,
            head(&format!("{{\"a\":{{\"shape\":[{}]}}}}", vec!["1"; 8_000_000].join(","))),
            0,
            "more than 8 dimensions",
        ),
        ("many-tensors", name, head(&format!("{{{}}}", tensors.join(","))), 0, "more than 65536 tensors"),
        ("index", "model.safetensors.index.json", index.into_bytes(), 0, "more than 65536 tensors"),
    ];
    for (folder, file, bytes, length, expected) in cases {
        home.write(&format!("{folder}/config.json"), config.as_bytes());
        let length = length.max(u64::try_from(bytes.len()).unwrap());
        home.sparse(&format!("{folder}/{file}"), &bytes, length);
        let said = home.refusal(&home.path(folder), kilobytes);
        assert!(said.contains(expected), "{folder}: {said}");
    }
    // Sixteen million layers are promised, and the list of their tensors is not made.
    let one = r#"{"model.embed_tokens.weight":{"dtype":"BF16","shape":[8,32],"data_offsets":[0,512]}}"#;
    home.write("layers/config.json", config.as_bytes());
    home.write("layers/model.safetensors", &[head(one), vec![0; 512]].concat());
    let said = home.refusal(&home.path("layers"), kilobytes);
    assert!(said.contains("`model.layers.0.input_layernorm.weight` is missing"), "{said}");
    home.write("pickle/config.json", config.as_bytes());
    home.write("pickle/pytorch_model.bin", b"PK\x03\x04");
    assert!(home.refusal(&home.path("pickle"), kilobytes).contains("pickles run code"));
}
