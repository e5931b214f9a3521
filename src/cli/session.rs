//! One run from its first case to its last sample: the part that `claimbench run` and `cargo bench` share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use super::{Catalog, Terminal};
use crate::clock::{Clock, SystemClock};
use crate::engine::{ComputeDevice, Engine, ReferenceEngine, Scripted, ScriptedEngine};
use crate::hardware::{Device, SystemReader};
use crate::measurement::{ModelFile, Order, Outcome, Provenance, Run, RunId, Stage};
use crate::meter::{Meter, Ratings, missing_meters};
use crate::model::{CacheFolder, FetchedFile, Hub, Weights, ensure_synthetic, inspect, sha256};
use crate::provenance;
use crate::record::RunStore;
use crate::runner::{Bench, CaseRun, RecordInputs};
use crate::units::{Bytes, Seconds, Watts};
use crate::workload::{Case, CaseForecast, DeviceChoice};

/// Which weights to measure.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum WeightsChoice {
    /// Real ones if they are in the cache, else synthetic.
    Auto,
    /// Real ones, or the case fails.
    Real,
    /// Random ones in the model's shape.
    Synthetic,
}

/// Which engine computes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum EngineChoice {
    /// candle-transformers.
    Candle,
    /// The twin that computes nothing; for tests.
    Scripted,
}

/// How a run is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Device asked for.
    pub device: DeviceChoice,
    /// Weights asked for.
    pub weights: WeightsChoice,
    /// Seed of synthetic weights.
    pub seed: u64,
    /// Engine asked for.
    pub engine: EngineChoice,
    /// Rated power the user states.
    pub assume_watts: Option<Watts>,
    /// Folder that gets the run's folder.
    pub out: PathBuf,
    /// The command that repeats the run, without paths and hosts.
    pub command: String,
}

/// Set once the user wants to stop.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// A flag that Ctrl-C sets.
    pub fn on_interrupt() -> anyhow::Result<Self> {
        let flag = Self::default();
        let handle = flag.clone();
        ctrlc::set_handler(move || handle.0.store(true, Ordering::SeqCst))
            .context("cannot listen for Ctrl-C")?;
        Ok(flag)
    }

    /// True once it is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A run under way. Everything finished is on disk after every step.
pub struct Session {
    settings: Settings,
    run: Run,
    store: RunStore,
    clock: SystemClock,
    probe: SystemReader,
    ratings: Ratings,
    device: ComputeDevice,
    stop: StopFlag,
}

/// A case under way: its samples so far and the engine that gives more.
pub struct OpenCase {
    case: CaseRun,
    engine: Box<dyn Engine>,
    row: usize,
}

impl OpenCase {
    /// Repetitions so far, warm-up included.
    pub fn repetitions(&self) -> u64 {
        self.case.repetitions()
    }

    /// True once the case has failed or was interrupted.
    pub fn has_failed(&self) -> bool {
        self.case.has_failed()
    }
}

impl Session {
    /// Reads the machine, opens the device and makes the run's folder.
    pub fn start(settings: Settings, catalog: &Catalog, stop: StopFlag) -> anyhow::Result<Self> {
        let clock = SystemClock::new();
        let device = ComputeDevice::open(settings.device)?;
        let mut probe = SystemReader::new();
        let machine = probe.machine(device.gpu().cloned().into_iter().collect());
        let started = clock.unix_seconds();
        let id = free_id(&settings.out, &run_id(started, &machine.id().to_string())?)?;
        let store = RunStore::create(&settings.out, &id)?;
        let run = Run {
            id,
            started_unix_seconds: started,
            provenance: Provenance {
                tool_version: provenance::VERSION.to_owned(),
                git_revision: provenance::git_revision().map(str::to_owned),
                features: provenance::features().into_iter().map(str::to_owned).collect(),
                profile: provenance::profile().to_owned(),
                command: settings.command.clone(),
                method_version: provenance::METHOD_VERSION,
            },
            environment: probe.environment(),
            machine,
            order: Order::Sequential,
            cases: Vec::new(),
            meters_missing: missing_meters(),
        };
        Ok(Self { settings, run, store, clock, probe, ratings: catalog.ratings.clone(), device, stop })
    }

    /// The run so far.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The run's folder.
    pub fn store(&self) -> &RunStore {
        &self.store
    }

    /// The device that computes.
    pub fn device(&self) -> &Device {
        self.device.device()
    }

    /// What the user must know of the device.
    pub fn device_note(&self) -> Option<&str> {
        self.device.note()
    }

    /// True once the user wants to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// True if the user's interrupt ended a case, or came between two.
    pub fn was_interrupted(&self) -> bool {
        let interrupted = |outcome: &Outcome| match outcome {
            Outcome::Failed(failure, _) => failure.stage == Stage::Interrupted,
            Outcome::Measured(_) => false,
        };
        self.stop.is_set() || self.run.cases.iter().any(|record| interrupted(&record.outcome))
    }

    /// Finds or makes the checkpoint of a case and opens a row for it. A failure here is a row too.
    pub fn open(&mut self, case: &Case, terminal: &mut Terminal) -> anyhow::Result<OpenCase> {
        let (engine, file) = match self.settings.engine {
            EngineChoice::Scripted => scripted(self.settings.seed),
            EngineChoice::Candle => match self.checkpoint(case, terminal) {
                Ok((path, file)) => (self.engine(case, path), Ok(file)),
                Err(problem) => {
                    // People see the whole path; the run file keeps the file's name alone.
                    terminal.say(&format!("{}: {problem:#}", case.id()));
                    (self.engine(case, PathBuf::new()), Err(without_home(&format!("{problem:#}"))))
                }
            },
        };
        let open = OpenCase { case: CaseRun::new(case.clone(), file), engine, row: self.run.cases.len() };
        self.keep(&open)?;
        Ok(open)
    }

    /// Loads the model.
    pub fn load(&mut self, open: &mut OpenCase) -> anyhow::Result<()> {
        self.step(open, CaseRun::load)
    }

    /// Loads the model again until the workload's number of loads is reached. This comes after the repetitions: memory
    /// that an earlier copy left behind would be counted in their peak.
    pub fn load_again(&mut self, open: &mut OpenCase) -> anyhow::Result<()> {
        while !open.has_failed() && open.case.loads() < open.case.case().workload.loads {
            self.load(open)?;
        }
        Ok(())
    }

    /// Runs one repetition; its end-to-end time, or `None` once the case has failed or was interrupted.
    pub fn repeat(&mut self, open: &mut OpenCase) -> anyhow::Result<Option<Seconds>> {
        self.step(open, CaseRun::repeat)
    }

    fn step<T>(
        &mut self,
        open: &mut OpenCase,
        action: impl FnOnce(&mut CaseRun, &mut Bench<'_>) -> T,
    ) -> anyhow::Result<T> {
        let mut meters: Vec<Box<dyn Meter>> = Vec::new();
        let mut bench = Bench {
            engine: open.engine.as_mut(),
            clock: &self.clock,
            probe: &mut self.probe,
            meters: &mut meters,
            stop: &|| self.stop.is_set(),
        };
        let result = action(&mut open.case, &mut bench);
        self.keep(open)?;
        Ok(result)
    }

    /// Puts the case's record into the run and the run on disk.
    fn keep(&mut self, open: &OpenCase) -> anyhow::Result<()> {
        let inputs = RecordInputs {
            machine: &self.run.machine,
            ratings: &self.ratings,
            assume_watts: self.settings.assume_watts,
            profile: &self.run.provenance.profile,
        };
        let record = open.case.record(open.engine.as_ref(), &inputs, &[]);
        self.run.cases.truncate(open.row);
        self.run.cases.push(record);
        self.store.save(&self.run).context("what was measured so far could not be kept")?;
        Ok(())
    }

    fn engine(&self, case: &Case, path: PathBuf) -> Box<dyn Engine> {
        let has_amx = self.run.machine.cpu_features.iter().any(|feature| feature == "amx_int8");
        let repacked_copies = match self.device.device() {
            Device::Cuda { .. } => 0,
            Device::Cpu { .. } => 1 + u64::from(has_amx),
        };
        let memory = CaseForecast::memory(case, repacked_copies);
        Box::new(ReferenceEngine::new(path, self.device.clone(), memory))
    }

    /// The checkpoint of a case, with where its weights come from and its digest.
    fn checkpoint(&self, case: &Case, terminal: &mut Terminal) -> anyhow::Result<(PathBuf, ModelFile)> {
        let model = &case.model;
        let (path, weights) = match self.real_weights(case)? {
            Some((repo, fetched)) => (fetched.path, Weights::Hub { repo, commit: fetched.commit }),
            None => (self.synthetic(case, terminal)?, Weights::Synthetic { seed: self.settings.seed }),
        };
        let header = inspect(&path)?;
        if let Some((name, found, expected)) = header.differences(&model.shape).first() {
            anyhow::bail!("the file's {name} is {found}, models.toml says {expected} for {}", model.id);
        }
        let sha256 = sha256(&path)?;
        Ok((path, ModelFile { weights, sha256, bytes: header.file_bytes }))
    }

    /// The repository and file of real weights, if they are wanted and in the cache.
    fn real_weights(&self, case: &Case) -> anyhow::Result<Option<(String, FetchedFile)>> {
        let model = &case.model;
        let insists = self.settings.weights == WeightsChoice::Real;
        if self.settings.weights == WeightsChoice::Synthetic {
            return Ok(None);
        }
        let Some(file) = model.file(case.precision) else {
            anyhow::ensure!(
                !insists,
                "models.toml names no real weights of {} as {}",
                model.id,
                case.precision.id()
            );
            return Ok(None);
        };
        let cached = Hub::from_environment()?.cached(file);
        if cached.is_none() && insists {
            anyhow::bail!(
                "the real weights are not in the cache; `claimbench pull {}` fetches them",
                model.id
            );
        }
        Ok(cached.map(|fetched| (file.repo.repo.clone(), fetched)))
    }

    fn synthetic(&self, case: &Case, terminal: &mut Terminal) -> anyhow::Result<PathBuf> {
        let folder = CacheFolder::locate()?.synthetic();
        let model = &case.model;
        if self.settings.weights == WeightsChoice::Auto && model.file(case.precision).is_some() {
            terminal.say(&format!(
                "weights: synthetic, as the real ones are not in the cache; `claimbench pull {}` fetches them",
                model.id
            ));
        }
        let mut announce = |bytes: Bytes| {
            let (size, folder) = (bytes.as_f64() / 1e6, folder.display());
            terminal.say(&format!("writing {size:.0} MB of random weights to {folder}"));
        };
        Ok(ensure_synthetic(&folder, model, case.precision, self.settings.seed, &mut announce)?.path)
    }
}

/// The text without the home folder, whose name may hold spaces that hide the rest of a path.
fn without_home(text: &str) -> String {
    match dirs::home_dir() {
        Some(home) if home.components().count() > 1 => text.replace(&home.display().to_string(), "~"),
        _ => text.to_owned(),
    }
}

fn scripted(seed: u64) -> (Box<dyn Engine>, Result<ModelFile, String>) {
    let file =
        ModelFile { weights: Weights::Synthetic { seed }, sha256: "0".repeat(64), bytes: Bytes::new(0) };
    (Box::new(ScriptedEngine::new(Scripted::default())), Ok(file))
}

/// The start in UTC and the machine's id.
fn run_id(unix_seconds: i64, machine: &str) -> anyhow::Result<String> {
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let start = time::OffsetDateTime::from_unix_timestamp(unix_seconds)?.format(&format)?;
    Ok(format!("{start}-{machine}"))
}

/// The id, with a number appended if a run of this name is there already.
fn free_id(parent: &Path, wanted: &str) -> anyhow::Result<RunId> {
    let mut name = wanted.to_owned();
    let mut number = 2;
    while parent.join(&name).exists() {
        name = format!("{wanted}-{number}");
        number += 1;
    }
    RunId::new(&name).map_err(anyhow::Error::msg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_are_dated_and_never_taken_twice() {
        let id = run_id(1_795_232_400, "0123456789ab").unwrap();
        assert_eq!(id, "20261121T034000Z-0123456789ab");
        let parent = tempfile::tempdir().unwrap();
        let first = free_id(parent.path(), &id).unwrap();
        RunStore::create(parent.path(), &first).unwrap();
        assert_eq!(free_id(parent.path(), &id).unwrap().as_str(), "20261121T034000Z-0123456789ab-2");
    }
}
