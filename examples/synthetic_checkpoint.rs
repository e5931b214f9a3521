//! Writes a synthetic checkpoint and prints how fast: `synthetic_checkpoint MODEL SEED PATH [PRECISION]`.
//!
//! Two speeds are printed: drawing alone on one thread, with the bytes thrown away, and drawing to disk on every thread
//! until the data is on the disk. Build it in release mode.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool of the terminal")]

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, bail};
use claimbench::clock::{Clock, SystemClock};
use claimbench::model::{Recipe, Registry, SyntheticPlan, sha256};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, seed, path, precision) = match arguments.as_slice() {
        [model, seed, path] => (model, seed, path, Recipe::Q4KM.id()),
        [model, seed, path, precision] => (model, seed, path, precision.as_str()),
        _ => bail!("usage: synthetic_checkpoint MODEL SEED PATH [PRECISION]"),
    };
    let precision = Recipe::ALL.into_iter().find(|known| known.id() == precision);
    let precision = precision.context("PRECISION is q4_k_m, q6_k, q8_0 or bf16")?;
    let (seed, path): (u64, _) = (seed.parse().context("SEED is a whole number")?, PathBuf::from(path));
    let registry = Registry::parse("models.toml", include_str!("../models.toml"))?;
    let spec = registry.get(model).with_context(|| format!("models.toml has no model `{model}`"))?;
    let plan = SyntheticPlan::new(spec, precision, seed)?;
    let bytes = plan.bytes();
    println!("{bytes}");

    let clock = SystemClock::new();
    let start = clock.now();
    plan.write(std::io::sink(), NonZeroUsize::MIN)?;
    let seconds = start.until(clock.now()).value();
    println!("drawn on one thread in {seconds:.2} s: {:.0} MB/s", bytes.as_f64() / 1e6 / seconds);

    let threads = std::thread::available_parallelism()?;
    let start = clock.now();
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    plan.write(&file, threads)?;
    file.sync_all()?;
    let seconds = start.until(clock.now()).value();
    println!("on disk, {threads} threads, in {seconds:.2} s: {:.0} MB/s", bytes.as_f64() / 1e6 / seconds);
    println!("sha256 {}", sha256(&path)?);
    Ok(())
}
