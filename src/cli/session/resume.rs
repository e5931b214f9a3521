//! Taking up a run that ended before all of its cases did.

use std::path::Path;

use anyhow::{Context, bail, ensure};

use super::{EngineChoice, Row, Session, Settings, StopFlag, this_program};
use crate::cli::Catalog;
use crate::clock::{Clock, SystemClock};
use crate::engine::ComputeDevice;
use crate::hardware::SystemReader;
use crate::measurement::{CaseRecord, Measurement, ModelFile, Outcome, Run, Skip};
use crate::model::Registry;
use crate::record::{RunStore, load};
use crate::units::index_as_u64;
use crate::workload::Case;

impl Session {
    /// Takes up the run at `path` (its folder or its file), read before as `run`. Refused on another machine and by another build: their
    /// repetitions would not belong together. `settings` are those the run began with.
    pub fn resume(
        path: &Path,
        run: Run,
        settings: Settings,
        catalog: &Catalog,
        stop: StopFlag,
    ) -> anyhow::Result<Self> {
        let clock = SystemClock::new();
        let device = ComputeDevice::open(settings.device)?;
        let mut probe = SystemReader::new();
        let mut machine = probe.machine(device.gpu().cloned().into_iter().collect());
        machine.label.clone_from(&run.machine.label);
        ensure!(
            machine.id() == run.machine.id(),
            "{} was measured on another machine ({}); start a new run here",
            run.id,
            run.machine.cpu
        );
        let (then, now) = (&run.provenance, this_program(run.provenance.command.clone()));
        ensure!(
            *then == now,
            "{} was begun by another build (version {}, revision {}, {}); build that one, or start a new run",
            run.id,
            then.tool_version,
            then.git_revision.as_deref().unwrap_or("unknown"),
            then.profile
        );
        let (ratings, prompts) = (catalog.ratings.clone(), catalog.prompts.clone());
        let began = clock.now();
        let process_start = index_as_u64(run.resumed_unix_seconds.len()) + 1;
        let mut run = run;
        run.process_starts_asked = run.process_starts_asked.max(settings.starts);
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        let store = RunStore::open(folder.context("a run file lies in a folder")?);
        let mut session =
            Self { settings, run, store, clock, probe, ratings, prompts, device, stop, process_start, began };
        session.run.resumed_unix_seconds.push(session.clock.unix_seconds());
        Ok(session)
    }

    /// What an earlier process measured of a row.
    pub(super) fn measured_before(&self, row: &Row) -> Measurement {
        self.record(row).map(|record| record.outcome.measurement().clone()).unwrap_or_default()
    }

    /// The checkpoint, if it is the one an earlier process measured, or if none did.
    pub(super) fn same_as_before(&self, case: &Case, file: ModelFile) -> Result<ModelFile, String> {
        let is_same = |record: &&CaseRecord| record.case.shares_checkpoint(case);
        let mut earlier = self.run.cases.iter().filter(is_same).filter_map(|record| record.observed.as_ref());
        match earlier.find(|observed| observed.file != file) {
            Some(_) => {
                Err("the checkpoint is not the one this run began with; bring it back, or start a new run"
                    .to_owned())
            }
            _ => Ok(file),
        }
    }

    /// True if an earlier process measured something of a row.
    pub fn has_samples_of(&self, row: &Row) -> bool {
        self.measured_before(row) != Measurement::default()
    }

    /// The version of the engine that an earlier process measured a row with.
    pub(super) fn engine_version(&self, row: &Row) -> Option<&str> {
        let record = self.record(row)?;
        (!record.outcome.measurement().repetitions.is_empty()).then_some(record.engine.version.as_str())
    }

    fn record(&self, row: &Row) -> Option<&CaseRecord> {
        self.run.cases.iter().find(|record| record.row_id() == row.id())
    }
}

/// The run in a folder, or behind the path of a run file.
pub(in crate::cli) fn load_run(path: &Path) -> anyhow::Result<Run> {
    load(path).context("nothing can be resumed there")
}

/// The rows of a run that are not finished: interrupted, never begun, skipped for lack of time or memory, or measured in fewer
/// than `starts` process starts. A case that failed stays as it is.
pub(in crate::cli) fn unfinished(run: &Run, registry: &Registry, starts: u64) -> anyhow::Result<Vec<Row>> {
    let processes = index_as_u64(run.resumed_unix_seconds.len()) + 1;
    let is_open = |record: &&CaseRecord| match &record.outcome {
        Outcome::Measured(_) => processes < starts,
        Outcome::Skipped(skip) => matches!(skip, Skip::Budget { .. } | Skip::Memory { .. }),
        outcome @ Outcome::Failed(..) => outcome.ended_early(),
    };
    let row = |record: &CaseRecord| {
        let engine = EngineChoice::from_id(&record.engine.id);
        let engine = engine.with_context(|| {
            format!("{} is measured with an engine that is not known here; start a new run", record.row_id())
        })?;
        Ok(Row { case: known(record, registry)?, engine })
    };
    run.cases.iter().filter(is_open).map(row).collect()
}

/// The recorded case with the registry's own entry of its model, which also says where its weights are.
fn known(record: &CaseRecord, registry: &Registry) -> anyhow::Result<Case> {
    let recorded = &record.case.model;
    match registry.get(recorded.id.as_str()) {
        Some(model) if model.shape == recorded.shape => {
            Ok(Case { model: model.clone(), ..record.case.clone() })
        }
        Some(model) if model.local.is_some() => bail!(
            "the file given for {} has another shape than the one this run began with; give that one",
            recorded.id
        ),
        None if recorded.local.is_some() => {
            bail!("this run measures a file of yours, {}; give it again: --model PATH", recorded.id)
        }
        Some(_) => {
            bail!("models.toml describes {} otherwise than this run does; start a new run", recorded.id)
        }
        None => bail!("models.toml no longer has {}; start a new run", recorded.id),
    }
}
