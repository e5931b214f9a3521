//! The cases of one checkpoint and engine under way: their samples so far, and the loaded model that gives more.

use std::path::PathBuf;

use anyhow::Context;

use super::{EngineChoice, Row, Session, StopFlag, weights, without_home};
use crate::cli::Terminal;
use crate::engine::{Engine, NOT_REPACKED};
use crate::measurement::{CaseRecord, Measurement, ModelFile, NotGated, Outcome, Skip};
use crate::meter::Meter;
use crate::model::Weights;
use crate::runner::{Bench, CaseRun, RecordInputs};
use crate::units::{Bytes, Seconds, index_as_u64};
use crate::workload::Case;

/// Cases that share a checkpoint and the engine that has it. It goes before another one is opened, so that no two engines hold
/// weights at the same time.
pub struct OpenGroup {
    pub(super) cases: Vec<CaseRun>,
    choice: EngineChoice,
    engine: Box<dyn Engine>,
    /// The checkpoint whose tokenizer is used, where its weights are real.
    pub(super) text: Option<PathBuf>,
}

impl OpenGroup {
    /// The cases so far.
    pub fn cases(&self) -> &[CaseRun] {
        &self.cases
    }

    /// The case at one place.
    pub fn case(&self, place: usize) -> &CaseRun {
        &self.cases[place]
    }

    /// The row of the case at one place.
    pub fn row(&self, place: usize) -> Row {
        Row { case: self.cases[place].case().clone(), engine: self.choice }
    }

    /// The first case that has not ended.
    fn first(&self) -> Option<usize> {
        self.cases.iter().position(|case| !case.has_ended())
    }
}

impl Session {
    /// Opens rows that share a checkpoint and an engine, at least one, with what earlier processes measured of them. A case that the engine
    /// cannot run rightly, or that does not fit into memory, is skipped before the checkpoint is made; a checkpoint that cannot
    /// be found or made is a failure of each, and a row too.
    pub fn open(&mut self, rows: &[Row], terminal: &mut Terminal) -> anyhow::Result<OpenGroup> {
        let choice = rows.first().context("a group has a row")?.engine;
        let mut tried = Vec::new();
        for row in rows {
            match row.lacks().or_else(|| self.lacks_memory(row)) {
                Some(skip) => self.skip(row, skip)?,
                None => tried.push(row.clone()),
            }
        }
        let Some(one) = tried.first() else {
            let engine = self.engine(rows, PathBuf::new());
            return Ok(OpenGroup { cases: Vec::new(), choice, engine, text: None });
        };
        let (path, file) = self.checkpoint(one, terminal);
        let text = file.as_ref().ok().filter(|file| !file.weights.is_synthetic()).map(|_| path.clone());
        let engine = self.engine(&tried, path);
        let resumed = |row: Row| {
            let earlier = self.measured_before(&row);
            CaseRun::resumed(row.case, file.clone(), earlier, self.process_start)
        };
        let group = OpenGroup { cases: tried.into_iter().map(resumed).collect(), choice, engine, text };
        self.keep(&group)?;
        Ok(group)
    }

    /// The checkpoint with its digest, or the reason why there is none.
    fn checkpoint(&mut self, row: &Row, terminal: &mut Terminal) -> (PathBuf, Result<ModelFile, String>) {
        if !row.engine.is_real() {
            let weights = Weights::Synthetic { seed: self.settings.seed };
            return (PathBuf::new(), Ok(ModelFile { weights, sha256: "0".repeat(64), bytes: Bytes::new(0) }));
        }
        match weights::checkpoint(&row.case, &self.settings, terminal) {
            Ok((path, file)) => (path, self.same_as_before(&row.case, file)),
            Err(problem) => {
                // People see the whole path; the run file keeps the file's name alone.
                terminal.say(&format!("{}: {problem:#}", row.id()));
                (PathBuf::new(), Err(without_home(&format!("{problem:#}"))))
            }
        }
    }

    /// Says in a row why it is not tried; what an earlier process measured of it stays instead.
    pub fn skip(&mut self, row: &Row, skip: Skip) -> anyhow::Result<()> {
        let group = self.closed(row, CaseRun::skipped(row.case.clone(), skip));
        self.keep(&group)
    }

    /// The row with a case that nothing will be asked of.
    pub(super) fn closed(&self, row: &Row, case: CaseRun) -> OpenGroup {
        let engine = self.engine(std::slice::from_ref(row), PathBuf::new());
        OpenGroup { cases: vec![case], choice: row.engine, engine, text: None }
    }

    /// Loads the model. All cases of the group keep the sample: it is theirs all.
    pub fn load(&mut self, group: &mut OpenGroup) -> anyhow::Result<()> {
        let Some(first) = group.first() else { return Ok(()) };
        self.act(group, first, CaseRun::load);
        let loaded = group.cases[first].clone();
        group.cases[first + 1..].iter_mut().for_each(|case| case.share_load(&loaded));
        self.keep(group)
    }

    /// Compares the loaded model with the plain path, once per batch, unless an earlier process of the run did, or the
    /// comparison is not expected to end before `until` (time since this process took up the run).
    pub fn check(&mut self, group: &mut OpenGroup, until: Option<Seconds>) -> anyhow::Result<()> {
        for place in 0..group.cases.len() {
            if !group.cases[place].needs_check() {
                continue;
            }
            let row = group.row(place);
            let batch = row.case.workload.batch;
            let needed = self.forecast(&row).map_or(Seconds::ZERO, |forecast| forecast.check);
            let left = until.map(|until| Seconds::new((until.value() - self.elapsed().value()).max(0.0)));
            match left.transpose()? {
                Some(left) if left < needed => {
                    self.act(group, place, |case, _| {
                        case.leave_unchecked(NotGated::Budget { needed, left });
                    });
                }
                _ => self.act(group, place, CaseRun::check),
            }
            let checked = group.cases[place].clone();
            let others = group.cases[place + 1..].iter_mut();
            others
                .filter(|case| case.case().workload.batch == batch)
                .for_each(|case| case.share_check(&checked));
            self.keep(group)?;
        }
        Ok(())
    }

    /// Runs one repetition of the case at `place`; its end-to-end time, or `None` once the case has failed or was interrupted.
    pub fn repeat(&mut self, group: &mut OpenGroup, place: usize) -> anyhow::Result<Option<Seconds>> {
        self.step(group, place, CaseRun::repeat)
    }

    /// Loads the model until this process has done its share of the loads, or until the next load is not expected to end
    /// before `until` (time since this process took up the run). Loads come after the repetitions: memory that an
    /// earlier copy left behind would be counted in their peak.
    pub fn load_again(&mut self, group: &mut OpenGroup, until: Option<Seconds>) -> anyhow::Result<()> {
        while let Some(first) = group.first() {
            let case = &group.cases[first];
            let asked = group.cases.iter().map(|case| case.case().workload.loads).max().unwrap_or_default();
            let (starts, number) = self.starts();
            let loads = &case.measurement().loads;
            let own = index_as_u64(loads.iter().filter(|load| load.process_start == number).count());
            let last = loads.last().map_or(Seconds::ZERO, |load| load.duration);
            let is_late = until.is_some_and(|until| self.elapsed().value() + last.value() > until.value());
            // What processes before left undone falls to the last one.
            let is_share = own >= asked.div_ceil(starts.max(1)) && self.starts_left() > 1;
            if case.loads() >= asked || is_share || is_late {
                break;
            }
            self.load(group)?;
        }
        Ok(())
    }

    /// Closes the cases that an earlier process began and this one, the last, had no room for: they are measured, in fewer
    /// repetitions or process starts than asked, and their flags say so.
    pub fn close_the_rest(&mut self) -> anyhow::Result<()> {
        if self.starts_left() > 1 || self.is_stopped() {
            return Ok(());
        }
        for row in &mut self.run.cases {
            let is_cut = row.outcome.ended_early() && row.outcome.measurement().measured().next().is_some();
            if is_cut {
                row.outcome = Outcome::Measured(row.outcome.measurement().clone());
            }
        }
        self.save()
    }

    /// Closes the case at `place`, if this is the last process start; before that its record says that it is not finished.
    pub fn finish(&mut self, group: &mut OpenGroup, place: usize) -> anyhow::Result<()> {
        if self.starts_left() == 1 {
            group.cases[place].finish();
        }
        self.put(group, place);
        self.save()
    }

    /// Does something with the case at `place`, and keeps what came of it. The other cases of the group are as they were, so
    /// only this one's figures are worked out again.
    pub(super) fn step<T>(
        &mut self,
        group: &mut OpenGroup,
        place: usize,
        action: impl FnOnce(&mut CaseRun, &mut Bench<'_>) -> T,
    ) -> anyhow::Result<T> {
        let result = self.act(group, place, action);
        self.put(group, place);
        self.save()?;
        Ok(result)
    }

    fn act<T>(
        &mut self,
        group: &mut OpenGroup,
        place: usize,
        action: impl FnOnce(&mut CaseRun, &mut Bench<'_>) -> T,
    ) -> T {
        let mut meters: Vec<Box<dyn Meter>> = Vec::new();
        let mut bench = Bench {
            engine: group.engine.as_mut(),
            clock: &self.clock,
            probe: &mut self.probe,
            meters: &mut meters,
            stop: &|| StopFlag::is_set(&self.stop),
        };
        action(&mut group.cases[place], &mut bench)
    }

    /// Puts the record of a case into the run, in the place of an earlier one. Samples are never replaced by none: a case that
    /// cannot be taken up again now keeps what it has, and can be resumed later.
    fn put(&mut self, group: &OpenGroup, place: usize) {
        let inputs = RecordInputs {
            machine: &self.run.machine,
            environment: &self.run.environment,
            ratings: &self.ratings,
            assume_watts: self.settings.assume_watts,
            ceilings: self.run.ceilings.as_ref(),
            profile: &self.run.provenance.profile,
        };
        let record = group.cases[place].record(group.engine.as_ref(), &inputs, &[]);
        match self.run.cases.iter_mut().find(|row| row.row_id() == record.row_id()) {
            Some(row) if has_samples(row) && !has_samples(&record) => {}
            Some(row) => *row = record,
            None => self.run.cases.push(record),
        }
    }

    /// The same for all cases of the group.
    pub(super) fn put_all(&mut self, group: &OpenGroup) {
        (0..group.cases.len()).for_each(|place| self.put(group, place));
    }

    /// The same, and the run on disk.
    fn keep(&mut self, group: &OpenGroup) -> anyhow::Result<()> {
        self.put_all(group);
        self.save()
    }

    fn save(&self) -> anyhow::Result<()> {
        self.store.save(&self.run).context("what was measured so far could not be kept")?;
        Ok(())
    }

    /// The engine for rows that share it and a checkpoint, at least one, with memory for the largest of them.
    fn engine(&self, rows: &[Row], path: PathBuf) -> Box<dyn Engine> {
        let is_without = |row: &Row| self.engine_version(row).is_some_and(|v| v.contains(NOT_REPACKED));
        let repacks = !rows.iter().any(is_without);
        let cases: Vec<Case> = rows.iter().map(|row| row.case.clone()).collect();
        rows[0].engine.make(&cases, path, self.device.clone(), &self.run.environment, repacks)
    }
}

fn has_samples(record: &CaseRecord) -> bool {
    *record.outcome.measurement() != Measurement::default()
}
