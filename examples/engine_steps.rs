//! One engine as a process that answers commands, for `benches/peers/compare.py` to set beside other programs:
//! `engine_steps [--engine claimbench|candle-transformers] PATH`.
//!
//! It loads the file or folder and then reads one command a line from the standard input. Every answer is one line of JSON;
//! what cannot be done is answered by `{"error": ...}`.
//!
//! | Command | Answer |
//! | --- | --- |
//! | `prefill LENGTH SALT` | seconds from the request to the first token, into an empty cache |
//! | `decode STEPS DEPTH BATCH SALT` | seconds from the first token to the last, and the bytes that a step must read |
//! | `memory` | resident memory now and at its peak |
//! | `check LENGTH BATCH` | the distance to the plain path: the gate of every measured case |
//!
//! Token ids follow from the place, the sequence and `SALT`, so calls with other salts share nothing. The context of `decode`
//! does not depend on the salt, only the prompt of one token after it: an engine may keep a context from call to call,
//! which spares the caller the wait and makes no decode step faster.

#![expect(
    clippy::disallowed_methods,
    reason = "a tool of the terminal: reads its arguments, its input and /proc/self"
)]
#![expect(clippy::print_stdout, reason = "its answers are what it is for")]

use std::io::BufRead;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use claimbench::clock::{Clock, Moment, SystemClock};
use claimbench::engine::{ComputeDevice, Engine, OwnEngine, ReferenceEngine, Request};
use claimbench::hardware::Device;
use claimbench::model::{LocalFormat, LocalModel, ModelSpec};
use claimbench::units::{Bytes, count_as_f64, count_as_usize, index_as_u64};
use claimbench::workload::DeviceChoice;
use serde_json::{Value, json};

/// Ids at and above this are left out: vocabularies keep rare and special tokens there.
const LARGEST_ID: u64 = 30_000;

/// Bytes of a value in the KV cache that all programs are compared with: 16-bit floats.
const KV_VALUE_BYTES: u64 = 2;

/// The salt of every context.
const OF_CONTEXT: u64 = 0;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (name, path) = match arguments.as_slice() {
        [path] => ("claimbench", *path),
        ["--engine", name, path] => (*name, *path),
        _ => bail!("usage: engine_steps [--engine claimbench|candle-transformers] PATH"),
    };
    let mut steps = Steps::new(name, path)?;
    println!("{}", steps.load()?);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        println!("{}", steps.answer(&line).unwrap_or_else(|error| json!({ "error": format!("{error:#}") })));
    }
    Ok(())
}

/// An engine, the model it runs, and the clock.
struct Steps {
    engine: Box<dyn Engine>,
    model: ModelSpec,
    bytes: Bytes,
    clock: SystemClock,
}

impl Steps {
    fn new(engine: &str, path: &str) -> anyhow::Result<Self> {
        let path = PathBuf::from(path);
        let LocalModel { spec: model, bytes, .. } = LocalModel::open(&path, |_| false)?;
        let format = model.local.map_or(LocalFormat::Gguf, |local| local.format);
        let (device, needed) = (ComputeDevice::open(DeviceChoice::Cpu)?, Bytes::new(0));
        let engine: Box<dyn Engine> = match engine {
            "claimbench" => Box::new(OwnEngine::new(path, device, needed)),
            "candle-transformers" => Box::new(ReferenceEngine::new(path, device, needed).of(format)),
            other => bail!("no engine `{other}`; give claimbench or candle-transformers"),
        };
        Ok(Self { engine, model, bytes, clock: SystemClock::new() })
    }

    fn load(&mut self) -> anyhow::Result<Value> {
        let before = memory()?;
        let start = self.clock.now();
        self.engine.load()?;
        let seconds = start.until(self.clock.now()).value();
        let identity = self.engine.identity();
        let threads = match self.engine.device() {
            Device::Cpu { threads } => json!(threads),
            Device::Cuda { .. } => Value::Null,
        };
        Ok(json!({
            "program": identity.id, "version": identity.version, "threads": threads, "load_seconds": seconds,
            "memory_before": before, "memory": memory()?, "file_bytes": self.bytes.count(),
            "kv_bytes_per_position": self.model.shape.kv_bytes_per_token(KV_VALUE_BYTES).count(),
            "tokens": self.rows(2, 3, 1),
        }))
    }

    fn answer(&mut self, line: &str) -> anyhow::Result<Value> {
        let mut words = line.split_whitespace();
        let command = words.next().unwrap_or_default();
        let numbers: Vec<u64> = words
            .map(|word| word.parse().with_context(|| format!("`{word}` is no whole number")))
            .collect::<Result<_, _>>()?;
        match (command, numbers.as_slice()) {
            ("prefill", &[length, salt]) if length > 0 => self.prefill(length, salt),
            ("decode", &[steps, depth, batch, salt]) if steps > 0 && batch > 0 => {
                self.decode(steps, depth, batch, salt)
            }
            ("memory", []) => memory(),
            ("check", &[length, batch]) if length > 0 && batch > 0 => self.check(length, batch),
            _ => bail!(
                "unknown command `{line}`; prefill LENGTH SALT, decode STEPS DEPTH BATCH SALT, memory or check LENGTH BATCH"
            ),
        }
    }

    fn prefill(&mut self, length: u64, salt: u64) -> anyhow::Result<Value> {
        let request = Request { prompts: self.rows(1, length, salt), output_tokens: 1 };
        self.engine.begin(&[], &request)?;
        let (start, emissions, first) = self.generate(&request)?;
        let end = emissions.first().context("the engine emitted no token")?;
        Ok(json!({ "seconds": start.until(*end).value(), "first": first }))
    }

    fn decode(&mut self, steps: u64, depth: u64, batch: u64, salt: u64) -> anyhow::Result<Value> {
        let request = Request { prompts: self.rows(batch, 1, salt), output_tokens: steps + 1 };
        let context = if depth == 0 { vec![] } else { self.rows(batch, depth, OF_CONTEXT) };
        self.engine.begin(&context, &request)?;
        let (_, emissions, first) = self.generate(&request)?;
        ensure!(
            index_as_u64(emissions.len()) == steps + 1,
            "{} tokens came, not {}",
            emissions.len(),
            steps + 1
        );
        let (start, end) = (emissions[0], emissions[emissions.len() - 1]);
        let bytes = self.step_bytes(steps, depth, batch);
        Ok(json!({ "seconds": start.until(end).value(), "step_bytes": bytes, "first": first }))
    }

    /// The moment of the request, that of each emission, and the first token of each sequence.
    fn generate(&mut self, request: &Request) -> anyhow::Result<(Moment, Vec<Moment>, Vec<u32>)> {
        let (clock, mut emissions, mut first) = (&self.clock, Vec::new(), Vec::new());
        emissions.reserve(count_as_usize(request.output_tokens));
        let mut emit = |tokens: &[u32]| {
            emissions.push(clock.now());
            if first.is_empty() {
                first.extend_from_slice(tokens);
            }
            ControlFlow::Continue(())
        };
        let start = clock.now();
        self.engine.generate(request, &mut emit)?;
        Ok((start, emissions, first))
    }

    /// Bytes of a decode step at the least, as docs/METHODOLOGY.md counts them: weights, keys and values; `None` where the file
    /// does not tell how many of its bytes several sequences read.
    fn step_bytes(&self, steps: u64, depth: u64, batch: u64) -> Option<f64> {
        let weights = self.model.step_weight_bytes(self.model.precisions[0], batch)?.as_f64();
        let shape = &self.model.shape;
        let seen = shape.positions_seen(depth + 1, steps) / count_as_f64(steps);
        let position = shape.kv_bytes_per_token(KV_VALUE_BYTES).as_f64() * count_as_f64(batch);
        Some(weights + position * (seen + 1.0))
    }

    fn check(&mut self, length: u64, batch: u64) -> anyhow::Result<Value> {
        let rows = self.rows(batch, length, 1);
        let Some(checked) = self.engine.check(&rows)? else { return Ok(json!({ "passed": null })) };
        let passed = checked.finite && checked.distance <= checked.tolerance;
        Ok(json!({
            "passed": passed, "positions": checked.positions, "distance": checked.distance,
            "tolerance": checked.tolerance, "same_top": checked.same_top,
        }))
    }

    /// How many different ids the rows are made of.
    fn ids(&self) -> u64 {
        self.model.shape.vocab.min(LARGEST_ID)
    }

    /// Token ids, one row per sequence. `token` in `benches/peers/side.py` gives the same.
    fn rows(&self, batch: u64, length: u64, salt: u64) -> Vec<Vec<u32>> {
        let id = |row: u64, place: u64| (place * 7_919 + row * 104_729 + salt * 15_485_863 + 13) % self.ids();
        let row =
            |row| (0..length).map(|place| u32::try_from(id(row, place)).expect("below 30,000")).collect();
        (0..batch).map(row).collect()
    }
}

/// Resident memory of this process, now and at its peak, in bytes.
fn memory() -> anyhow::Result<Value> {
    let path = Path::new("/proc/self/status");
    let text = std::fs::read_to_string(path)
        .context("/proc/self/status cannot be read; memory is told on Linux only")?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        number.map(|kibibytes| kibibytes * 1_024).with_context(|| format!("/proc/self/status has no {name}"))
    };
    Ok(json!({ "peak": field("VmHWM")?, "now": field("VmRSS")? }))
}
