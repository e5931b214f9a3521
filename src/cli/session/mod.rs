//! One run from its first case to its last sample: the part that `claimbench run` and `cargo bench` share.

mod answers;
mod engines;
mod group;
mod rates;
mod resume;
mod rows;
mod weights;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use super::Catalog;
use crate::clock::{Clock, Moment, SystemClock};
use crate::engine::ComputeDevice;
use crate::hardware::{Device, Label, SystemReader};
use crate::measurement::{Order, Provenance, Run, RunId, Skip};
use crate::meter::{Ratings, missing_meters};
use crate::model::LocalModel;
use crate::provenance;
use crate::record::RunStore;
use crate::runner::CaseRun;
use crate::text::PromptBook;
use crate::units::{Bytes, Seconds, Watts, count_as_f64, index_as_u64};
use crate::workload::{Case, CaseForecast, DeviceChoice, Pace, Quota, Shuffle};

pub use engines::EngineChoice;
pub use group::OpenGroup;
pub(super) use resume::{load_run, unfinished};
pub use rows::Row;
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
    /// The user's name for the machine.
    pub label: Option<Label>,
    /// Process starts that the repetitions of each case are spread over.
    pub starts: u64,
    /// Who chooses the order.
    pub order: Order,
    /// Whether a case that is forecast to need more time than its workload allows is skipped.
    pub limits: bool,
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

impl Session {
    /// Reads the machine, opens the device and makes the run's folder, with each of `rows` in it. Rows that are opened
    /// later without being there are added then.
    pub fn start(
        settings: Settings,
        rows: &[Row],
        catalog: &Catalog,
        stop: StopFlag,
    ) -> anyhow::Result<Self> {
        let clock = SystemClock::new();
        let device = ComputeDevice::open(settings.device)?;
        let mut probe = SystemReader::new();
        let mut machine = probe.machine(device.gpu().cloned().into_iter().collect());
        machine.label.clone_from(&settings.label);
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
            order: settings.order,
            process_starts_asked: settings.starts,
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
        for row in rows {
            let waiting = session.closed(row, CaseRun::waiting(row.case.clone()));
            session.put_all(&waiting);
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

    /// The files of the user that are measured.
    pub fn local(&self) -> &[LocalModel] {
        &self.settings.local
    }

    /// True once the user wants to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// True if another process start has something to add to: a case with samples that is not finished.
    pub fn has_open_cases(&self) -> bool {
        let mut rows = self.run.cases.iter();
        rows.any(|row| row.outcome.ended_early() && !row.outcome.measurement().repetitions.is_empty())
    }

    /// True if the run ended before all of its cases did.
    pub fn was_interrupted(&self) -> bool {
        self.stop.is_set() || self.run.cases.iter().any(|record| record.outcome.ended_early())
    }

    /// Time since the run began, in whole seconds where other processes began it.
    pub fn age(&self) -> Seconds {
        if self.process_start == 0 {
            return self.elapsed();
        }
        let seconds = self.clock.unix_seconds().saturating_sub(self.run.started_unix_seconds);
        Seconds::new(count_as_f64(u64::try_from(seconds).unwrap_or_default())).unwrap_or(Seconds::ZERO)
    }

    /// Time since this process took up the run.
    pub fn elapsed(&self) -> Seconds {
        self.began.until(self.clock.now())
    }

    /// Process starts that this run is to have, and the number of this one, from 0.
    pub fn starts(&self) -> (u64, u64) {
        (self.run.process_starts_asked, self.process_start)
    }

    /// Process starts that are to come, this one included; at least 1.
    pub fn starts_left(&self) -> u64 {
        self.run.process_starts_asked.saturating_sub(self.process_start).max(1)
    }

    /// What this process is to measure of a row.
    pub fn quota(&self, row: &Row) -> Quota {
        let done = index_as_u64(self.measured_before(row).measured().count());
        Quota::of(&row.case.workload, done, self.process_start, self.run.process_starts_asked)
    }

    /// Draws the order in which this process measures.
    pub fn shuffle(&self) -> Option<Shuffle> {
        match self.run.order {
            Order::Sequential => None,
            Order::Interleaved { seed } => Some(Shuffle::new(seed, self.process_start)),
        }
    }

    /// How long the rest of every row should take here, in this process and the ones to come, what they share counted once;
    /// `None` for one that its engine cannot run.
    pub fn forecasts(&self, rows: &[Row]) -> Vec<Option<CaseForecast>> {
        let mut forecasts: Vec<_> = rows.iter().map(|row| self.forecast(row)).collect();
        shared_once(rows, &mut forecasts);
        forecasts
    }

    /// That of one row alone.
    fn forecast(&self, row: &Row) -> Option<CaseForecast> {
        let (mut rest, before) = (row.clone(), self.measured_before(row));
        let done = index_as_u64(before.measured().count());
        let left = row.case.workload.repetitions.saturating_sub(done);
        let workload = &mut rest.case.workload;
        workload.repetitions = left.max(self.quota(row).fewest);
        workload.loads = workload.loads.saturating_sub(index_as_u64(before.loads.len()));
        forecast(&rest, self.device(), &self.settings, self.starts_left())
    }

    /// Why a case of a suite is not tried: it is expected to need more time than its workload allows.
    pub fn exceeds_limit(&self, case: &Case, forecast: &CaseForecast) -> Option<Skip> {
        let limit = Seconds::new(count_as_f64(case.workload.limit_seconds)).ok()?;
        let needed = forecast.without_answers().case;
        (self.settings.limits && needed > limit).then_some(Skip::Limit { needed, limit })
    }

    /// What the row needs and what is free, if the one exceeds the other.
    fn lacks_memory(&self, row: &Row) -> Option<Skip> {
        let needed = self.memory(row);
        let free = self.device.free_memory()?;
        (row.engine.is_real() && free < needed).then_some(Skip::Memory { needed, free })
    }

    fn memory(&self, row: &Row) -> Bytes {
        row.engine.memory(&row.case, self.device.device(), &self.run.environment)
    }
}

/// How long the rows of a new run should take on a device, what they share counted once; `None` for one that its engine cannot
/// run.
pub(super) fn forecasts(
    rows: &[Row],
    device: &Device,
    settings: &Settings,
    starts: u64,
) -> Vec<Option<CaseForecast>> {
    let mut forecasts: Vec<_> = rows.iter().map(|row| forecast(row, device, settings, starts)).collect();
    shared_once(rows, &mut forecasts);
    forecasts
}

fn forecast(row: &Row, device: &Device, settings: &Settings, starts: u64) -> Option<CaseForecast> {
    let case = &row.case;
    let pace = match device {
        Device::Cpu { threads } if row.engine.maps_weights(device) => Pace::of_kernels(*threads),
        _ => Pace::of(device, crate::hardware::logical_cpus()),
    };
    if row.lacks().is_some() {
        return None;
    }
    let forecast = CaseForecast::new(case, &pace, weights::to_write(row, settings), starts);
    let asks = settings.answers && weights::are_real(row, settings);
    Some(if asks { forecast.with_answers(case, &pace, PROMPTS) } else { forecast })
}

/// Leaves out of the forecast of a row what it shares with one before it: of the same checkpoint and engine preparation, loads,
/// the gate and the answers; of the same checkpoint alone its writing and the answers.
fn shared_once(rows: &[Row], forecasts: &mut [Option<CaseForecast>]) {
    for place in 0..rows.len() {
        let (row, earlier) = (&rows[place], &rows[..place]);
        let Some(forecast) = &mut forecasts[place] else { continue };
        if earlier.iter().any(|other| other.shares_model(row)) {
            *forecast = forecast.without_answers().beside_another(row.case.workload.loads);
        } else if earlier.iter().any(|other| other.case.shares_checkpoint(&row.case)) {
            *forecast = forecast.beside_another_engine(&row.case);
        }
    }
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
