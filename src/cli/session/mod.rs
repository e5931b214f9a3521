//! One run from its first case to its last sample: the part that `claimbench run` and `cargo bench` share.

mod answers;
mod engines;
mod resume;
mod weights;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use super::{Catalog, Terminal};
use crate::clock::{Clock, Moment, SystemClock};
use crate::engine::{ComputeDevice, Engine};
use crate::hardware::{Device, SystemReader};
use crate::measurement::{CaseRecord, Measurement, ModelFile, NotGated, Order, Provenance, Run, RunId, Skip};
use crate::meter::{Meter, Ratings, missing_meters};
use crate::model::{LocalModel, Weights};
use crate::provenance;
use crate::record::RunStore;
use crate::runner::{Bench, CaseRun, RecordInputs};
use crate::text::PromptBook;
use crate::units::{Bytes, Seconds, Watts, index_as_u64};
use crate::workload::{Case, CaseForecast, DeviceChoice, Pace};

pub(super) use answers::asked_once;
pub use engines::EngineChoice;
pub(super) use resume::{load_run, unfinished};
pub(super) use weights::{checkpoint_to_write, without_home};

/// Prompts of `prompts.toml`, for forecasts.
const PROMPTS: u64 = 10;

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
    /// Files of the user.
    pub local: Vec<LocalModel>,
    /// Whether models with real weights answer the prompts.
    pub answers: bool,
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
    prompts: PromptBook,
    device: ComputeDevice,
    stop: StopFlag,
    /// Counts the processes that worked on this run; this one's number.
    process_start: u64,
    began: Moment,
}

/// A case under way: its samples so far and the engine that gives more.
pub struct OpenCase {
    case: CaseRun,
    engine: Box<dyn Engine>,
    /// The checkpoint whose tokenizer is used, where its weights are real.
    text: Option<PathBuf>,
}

impl OpenCase {
    /// The case so far.
    pub fn case(&self) -> &CaseRun {
        &self.case
    }
}

impl Session {
    /// Reads the machine, opens the device and makes the run's folder, with a row for each of `cases`. Cases that are
    /// opened later without a row get theirs then.
    pub fn start(
        settings: Settings,
        cases: &[Case],
        catalog: &Catalog,
        stop: StopFlag,
    ) -> anyhow::Result<Self> {
        let clock = SystemClock::new();
        let device = ComputeDevice::open(settings.device)?;
        let mut probe = SystemReader::new();
        let machine = probe.machine(device.gpu().cloned().into_iter().collect());
        let started = clock.unix_seconds();
        let id = free_id(&settings.out, &run_id(started, &machine.id().to_string())?)?;
        let run = Run {
            id,
            started_unix_seconds: started,
            resumed_unix_seconds: Vec::new(),
            provenance: this_program(settings.command.clone()),
            environment: probe.environment(),
            machine,
            ceilings: None,
            order: Order::Sequential,
            cases: Vec::new(),
            meters_missing: missing_meters(),
        };
        let store = RunStore::open(&settings.out.join(run.id.as_str()));
        let (ratings, prompts) = (catalog.ratings.clone(), catalog.prompts.clone());
        let began = clock.now();
        let mut session = Self {
            settings,
            run,
            store,
            clock,
            probe,
            ratings,
            prompts,
            device,
            stop,
            process_start: 0,
            began,
        };
        for case in cases {
            let waiting = session.closed(CaseRun::waiting(case.clone()));
            session.put(&waiting);
        }
        RunStore::create(&session.settings.out, &session.run)?;
        Ok(session)
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

    /// True if the run ended before all of its cases did.
    pub fn was_interrupted(&self) -> bool {
        self.stop.is_set() || self.run.cases.iter().any(|record| record.outcome.ended_early())
    }

    /// Time since this process took up the run.
    pub fn elapsed(&self) -> Seconds {
        self.began.until(self.clock.now())
    }

    /// How long the rest of a case should take here; `None` for one that the engine cannot run.
    pub fn forecast(&self, case: &Case) -> Option<CaseForecast> {
        let mut case = case.clone();
        let done = index_as_u64(self.measured_before(&case).measured().count());
        case.workload.repetitions = case.workload.repetitions.saturating_sub(done);
        forecast(&case, self.device(), &self.settings)
    }

    /// Opens a row for a case, with what an earlier process measured of it. A case that the engine cannot run rightly,
    /// or that does not fit into memory, is skipped before its checkpoint is made; a checkpoint that cannot be found or
    /// made is a failure, and a row too.
    pub fn open(&mut self, case: &Case, terminal: &mut Terminal) -> anyhow::Result<OpenCase> {
        if let Some(skip) = self.settings.engine.lacks(case).or_else(|| self.lacks_memory(case)) {
            return self.skip(case, skip);
        }
        let earlier = self.measured_before(case);
        let open = match self.settings.engine {
            EngineChoice::Scripted => {
                let weights = Weights::Synthetic { seed: self.settings.seed };
                let file = ModelFile { weights, sha256: "0".repeat(64), bytes: Bytes::new(0) };
                self.opened(case, Ok(file), earlier, self.engine(case, PathBuf::new()))
            }
            _ => match weights::checkpoint(case, &self.settings, terminal) {
                Ok((path, file)) => {
                    let text = (!file.weights.is_synthetic()).then(|| path.clone());
                    let file = self.same_as_before(case, file);
                    let open = self.opened(case, file, earlier, self.engine(case, path));
                    OpenCase { text, ..open }
                }
                Err(problem) => {
                    // People see the whole path; the run file keeps the file's name alone.
                    terminal.say(&format!("{}: {problem:#}", case.id()));
                    let problem = without_home(&format!("{problem:#}"));
                    self.opened(case, Err(problem), earlier, self.engine(case, PathBuf::new()))
                }
            },
        };
        self.keep(&open)?;
        Ok(open)
    }

    /// Gives a case a row that says why it is not tried; what an earlier process measured of it stays instead.
    pub fn skip(&mut self, case: &Case, skip: Skip) -> anyhow::Result<OpenCase> {
        let open = self.closed(CaseRun::skipped(case.clone(), skip));
        self.keep(&open)?;
        Ok(open)
    }

    fn opened(
        &self,
        case: &Case,
        file: Result<ModelFile, String>,
        earlier: Measurement,
        engine: Box<dyn Engine>,
    ) -> OpenCase {
        let case = CaseRun::resumed(case.clone(), file, earlier, self.process_start);
        OpenCase { case, engine, text: None }
    }

    /// A case that nothing will be asked of.
    fn closed(&self, case: CaseRun) -> OpenCase {
        let engine = self.engine(case.case(), PathBuf::new());
        OpenCase { case, engine, text: None }
    }

    /// Loads the model.
    pub fn load(&mut self, open: &mut OpenCase) -> anyhow::Result<()> {
        self.step(open, CaseRun::load)
    }

    /// Compares the loaded model with the plain path, unless the comparison is not expected to end before `until` (time since
    /// this process took up the run).
    pub fn check(&mut self, open: &mut OpenCase, until: Option<Seconds>) -> anyhow::Result<()> {
        let needed = self.forecast(open.case.case()).map_or(Seconds::ZERO, |forecast| forecast.check);
        let left = until.map(|until| Seconds::new((until.value() - self.elapsed().value()).max(0.0)));
        match left.transpose()? {
            Some(left) if left < needed => {
                self.step(open, |case, _| case.leave_unchecked(NotGated::Budget { needed, left }))
            }
            _ => self.step(open, CaseRun::check),
        }
    }

    /// Runs one repetition; its end-to-end time, or `None` once the case has failed or was interrupted.
    pub fn repeat(&mut self, open: &mut OpenCase) -> anyhow::Result<Option<Seconds>> {
        self.step(open, CaseRun::repeat)
    }

    /// Loads the model until the workload's number of loads is reached, or until the next load is not expected to end
    /// before `until` (time since this process took up the run). Loads come after the repetitions: memory that an
    /// earlier copy left behind would be counted in their peak.
    pub fn load_again(&mut self, open: &mut OpenCase, until: Option<Seconds>) -> anyhow::Result<()> {
        while !open.case.has_ended() && open.case.loads() < open.case.case().workload.loads {
            let last = open.case.measurement().loads.last().map_or(Seconds::ZERO, |load| load.duration);
            if until.is_some_and(|until| self.elapsed().value() + last.value() > until.value()) {
                break;
            }
            self.load(open)?;
        }
        Ok(())
    }

    /// The same, and closes the case.
    pub fn finish(&mut self, open: &mut OpenCase, until: Option<Seconds>) -> anyhow::Result<()> {
        self.load_again(open, until)?;
        open.case.finish();
        self.keep(open)
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

    /// Puts the case's record into the run, in the place of an earlier one. Samples are never replaced by none: a case that
    /// cannot be taken up again now keeps what it has, and can be resumed later.
    fn put(&mut self, open: &OpenCase) {
        let inputs = RecordInputs {
            machine: &self.run.machine,
            ratings: &self.ratings,
            assume_watts: self.settings.assume_watts,
            profile: &self.run.provenance.profile,
        };
        let record = open.case.record(open.engine.as_ref(), &inputs, &[]);
        match self.run.cases.iter_mut().find(|row| row.id() == record.id()) {
            Some(row) if has_samples(row) && !has_samples(&record) => {}
            Some(row) => *row = record,
            None => self.run.cases.push(record),
        }
    }

    /// The same, and the run on disk.
    fn keep(&mut self, open: &OpenCase) -> anyhow::Result<()> {
        self.put(open);
        self.store.save(&self.run).context("what was measured so far could not be kept")?;
        Ok(())
    }

    /// What the case needs and what is free, if the one exceeds the other.
    fn lacks_memory(&self, case: &Case) -> Option<Skip> {
        let needed = self.memory(case);
        let free = self.device.free_memory()?;
        (self.settings.engine.is_real() && free < needed).then_some(Skip::Memory { needed, free })
    }

    fn engine(&self, case: &Case, path: PathBuf) -> Box<dyn Engine> {
        self.settings.engine.make(case, path, self.device.clone(), &self.run.machine)
    }

    fn memory(&self, case: &Case) -> Bytes {
        self.settings.engine.memory(case, self.device.device(), &self.run.machine)
    }
}

fn has_samples(record: &CaseRecord) -> bool {
    *record.outcome.measurement() != Measurement::default()
}

/// How long a case should take on a device; `None` for one that the engine cannot run.
pub(super) fn forecast(case: &Case, device: &Device, settings: &Settings) -> Option<CaseForecast> {
    let pace = Pace::of(device, crate::hardware::logical_cpus());
    if settings.engine.lacks(case).is_some() {
        return None;
    }
    let forecast = CaseForecast::new(case, &pace, weights::to_write(case, settings));
    let asks = settings.answers && weights::are_real(case, settings);
    Some(if asks { forecast.with_answers(case, &pace, PROMPTS) } else { forecast })
}

/// This program, and the command that repeats the run.
fn this_program(command: String) -> Provenance {
    Provenance {
        tool_version: provenance::VERSION.to_owned(),
        git_revision: provenance::git_revision().map(str::to_owned),
        features: provenance::features().into_iter().map(str::to_owned).collect(),
        profile: provenance::profile().to_owned(),
        command,
        method_version: provenance::METHOD_VERSION,
    }
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
    fn forecasts_know_how_many_prompts_there_are() {
        let shipped = Catalog::shipped().unwrap().prompts;
        assert_eq!(index_as_u64(shipped.prompts().len()), PROMPTS);
    }

    #[test]
    fn run_ids_are_dated_and_never_taken_twice() {
        let id = run_id(1_795_232_400, "0123456789ab").unwrap();
        assert_eq!(id, "20261121T034000Z-0123456789ab");
        let parent = tempfile::tempdir().unwrap();
        let first = free_id(parent.path(), &id).unwrap();
        std::fs::create_dir(parent.path().join(first.as_str())).unwrap();
        assert_eq!(free_id(parent.path(), &id).unwrap().as_str(), "20261121T034000Z-0123456789ab-2");
    }
}
