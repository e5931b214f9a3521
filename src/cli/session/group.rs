//! The cases of one checkpoint under way: their samples so far, and the loaded model that gives more.

use std::path::PathBuf;

use anyhow::Context;

use super::{EngineChoice, Session, StopFlag, weights, without_home};
use crate::cli::Terminal;
use crate::engine::{Engine, NOT_REPACKED};
use crate::measurement::{CaseRecord, Measurement, ModelFile, NotGated, Outcome, Skip};
use crate::meter::Meter;
use crate::model::Weights;
use crate::runner::{Bench, CaseRun, RecordInputs};
use crate::units::{Bytes, Seconds, index_as_u64};
use crate::workload::Case;

/// Cases that share a checkpoint, and the engine that has it.
pub struct OpenGroup {
    pub(super) cases: Vec<CaseRun>,
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

    /// The first case that has not ended.
    fn first(&self) -> Option<usize> {
        self.cases.iter().position(|case| !case.has_ended())
    }
}

impl Session {
    /// Opens rows for cases that share a checkpoint, with what earlier processes measured of them. A case that the engine
    /// cannot run rightly, or that does not fit into memory, is skipped before the checkpoint is made; a checkpoint that cannot
    /// be found or made is a failure of each, and a row too.
    pub fn open(&mut self, cases: &[Case], terminal: &mut Terminal) -> anyhow::Result<OpenGroup> {
        let mut tried = Vec::new();
        for case in cases {
            match self.settings.engine.lacks(case).or_else(|| self.lacks_memory(case)) {
                Some(skip) => self.skip(case, skip)?,
                None => tried.push(case.clone()),
            }
        }
        let Some(one) = tried.first() else {
            let engine = self.engine(cases, PathBuf::new());
            return Ok(OpenGroup { cases: Vec::new(), engine, text: None });
        };
        let (path, file) = self.checkpoint(one, terminal);
        let text = file.as_ref().ok().filter(|file| !file.weights.is_synthetic()).map(|_| path.clone());
        let engine = self.engine(&tried, path);
        let resumed = |case: Case| {
            let earlier = self.measured_before(&case);
            CaseRun::resumed(case, file.clone(), earlier, self.process_start)
        };
        let group = OpenGroup { cases: tried.into_iter().map(resumed).collect(), engine, text };
        self.keep(&group)?;
        Ok(group)
    }

    /// The checkpoint with its digest, or the reason why there is none.
    fn checkpoint(&mut self, case: &Case, terminal: &mut Terminal) -> (PathBuf, Result<ModelFile, String>) {
        if self.settings.engine == EngineChoice::Scripted {
            let weights = Weights::Synthetic { seed: self.settings.seed };
            return (PathBuf::new(), Ok(ModelFile { weights, sha256: "0".repeat(64), bytes: Bytes::new(0) }));
        }
        match weights::checkpoint(case, &self.settings, terminal) {
            Ok((path, file)) => (path, self.same_as_before(case, file)),
            Err(problem) => {
                // People see the whole path; the run file keeps the file's name alone.
                terminal.say(&format!("{}: {problem:#}", case.id()));
                (PathBuf::new(), Err(without_home(&format!("{problem:#}"))))
            }
        }
    }

    /// Gives a case a row that says why it is not tried; what an earlier process measured of it stays instead.
    pub fn skip(&mut self, case: &Case, skip: Skip) -> anyhow::Result<()> {
        let group = self.closed(CaseRun::skipped(case.clone(), skip));
        self.keep(&group)
    }

    /// A case that nothing will be asked of.
    pub(super) fn closed(&self, case: CaseRun) -> OpenGroup {
        let engine = self.engine(std::slice::from_ref(case.case()), PathBuf::new());
        OpenGroup { cases: vec![case], engine, text: None }
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
            let case = group.cases[place].case();
            let batch = case.workload.batch;
            let needed = self.forecast(case).map_or(Seconds::ZERO, |forecast| forecast.check);
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
        match self.run.cases.iter_mut().find(|row| row.id() == record.id()) {
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

    /// The engine for cases that share a checkpoint, with memory for the largest of them.
    fn engine(&self, cases: &[Case], path: PathBuf) -> Box<dyn Engine> {
        let is_without = |case: &Case| self.engine_version(case).is_some_and(|v| v.contains(NOT_REPACKED));
        let repacks = !cases.iter().any(is_without);
        self.settings.engine.make(cases, path, self.device.clone(), &self.run.environment, repacks)
    }
}

fn has_samples(record: &CaseRecord) -> bool {
    *record.outcome.measurement() != Measurement::default()
}
