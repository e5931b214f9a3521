//! What the runs say of one model in one precision on one kind of device. Pure.

use std::cmp::Reverse;

use crate::measurement::{
    CaseRecord, Failure, Gate, GateDistance, GateFault, NotGated, Outcome, Run, Skip, Stage,
};
use crate::model::{ModelId, ModelRole, ModelSpec, Precision, Registry, Weights};

/// The kinds of device that can be asked for.
pub(super) const DEVICES: [&str; 2] = ["cpu", "cuda"];

/// How far a case came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State<'a> {
    Gated(GateDistance),
    GateFailed(GateFault),
    /// `None`: before there were gates.
    Ungated(Option<NotGated>),
    Failed(&'a Failure),
    Skipped(&'a Skip),
}

impl<'a> State<'a> {
    /// What a case says; `None` if its run ended before it could.
    fn of(record: &'a CaseRecord) -> Option<Self> {
        let gate = record.outcome.measurement().gate;
        match (&record.outcome, gate) {
            (_, Some(Gate::Failed(fault))) => Some(Self::GateFailed(fault)),
            (Outcome::Measured(_), Some(Gate::Passed(compared))) => Some(Self::Gated(compared)),
            (Outcome::Measured(_), Some(Gate::NotComputed(reason))) => Some(Self::Ungated(Some(reason))),
            (Outcome::Measured(_), None) => Some(Self::Ungated(None)),
            (Outcome::Failed(failure, _), _) => match failure.stage {
                Stage::Interrupted | Stage::NotStarted => None,
                Stage::Prepare | Stage::Load | Stage::Gate | Stage::Generate => Some(Self::Failed(failure)),
            },
            (Outcome::Skipped(skip), _) => Some(Self::Skipped(skip)),
        }
    }

    /// How much it tells: a comparison that was made before one that was not, a figure before none.
    const fn rank(&self) -> u8 {
        match self {
            Self::Gated(_) | Self::GateFailed(_) => 0,
            Self::Ungated(_) => 1,
            Self::Failed(_) => 2,
            Self::Skipped(_) => 3,
        }
    }

    /// The word of the table.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Gated(_) => "gated",
            Self::GateFailed(_) => "gate failed",
            Self::Ungated(_) => "runs ungated",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// One case of one run, where it says something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) run: &'a Run,
    pub(super) record: &'a CaseRecord,
    pub(super) state: State<'a>,
}

impl Seen<'_> {
    /// The kind of device; a case that found none was meant for the one its run opened.
    fn device(&self) -> &'static str {
        let of_run = || self.run.cases.iter().find_map(|record| record.observed.as_ref());
        match self.record.observed.as_ref().or_else(of_run) {
            Some(observed) => observed.device.kind(),
            None if self.run.machine.gpus.is_empty() => DEVICES[0],
            None => DEVICES[1],
        }
    }

    /// The weights, once a checkpoint was there.
    pub(super) fn weights(&self) -> Option<&Weights> {
        self.record.observed.as_ref().map(|observed| &observed.file.weights)
    }

    fn has_real_figures(&self) -> bool {
        matches!(self.record.outcome, Outcome::Measured(_))
            && self.weights().is_some_and(|weights| !weights.is_synthetic())
    }
}

/// Everything that runs say of published models, and of files of users.
pub(super) fn seen(runs: &[Run]) -> Vec<Seen<'_>> {
    let cases = runs.iter().flat_map(|run| run.cases.iter().map(move |record| (run, record)));
    // The scripted engine computes nothing, and a shape of the test suite is no model.
    let counts =
        |record: &CaseRecord| record.engine.id != "scripted" && record.case.model.role != ModelRole::Test;
    cases
        .filter(|(_, record)| counts(record))
        .filter_map(|(run, record)| Some(Seen { run, record, state: State::of(record)? }))
        .collect()
}

/// A row: a model in a precision.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) model: ModelId,
    pub(super) name: String,
    pub(super) precision: Precision,
}

/// Every model of the registry in each of its precisions, then what else was run.
pub(super) fn rows(registry: &Registry, seen: &[Seen<'_>]) -> Vec<Row> {
    let row =
        |model: &ModelSpec, precision| Row { model: model.id.clone(), name: model.name.clone(), precision };
    let published = registry.models().iter().filter(|model| model.role == ModelRole::Measure);
    let mut rows: Vec<Row> = published
        .flat_map(|model| model.precisions.iter().map(move |precision| row(model, *precision)))
        .collect();
    for one in seen {
        let case = &one.record.case;
        if !rows.iter().any(|row| row.model == case.model.id && row.precision == case.precision) {
            rows.push(row(&case.model, case.precision));
        }
    }
    rows
}

/// What to say of a row on a device, the most telling first: for each engine one case, the newest of those that tell the
/// most, this project's own first where a run has both; where nothing was measured, one case in all. Empty if it was not run
/// yet.
pub(super) fn cell<'a>(row: &Row, device: &str, seen: &[Seen<'a>]) -> Vec<Seen<'a>> {
    let mut here: Vec<Seen<'a>> = seen
        .iter()
        .filter(|one| one.record.case.model.id == row.model && one.record.case.precision == row.precision)
        .filter(|one| one.device() == device)
        .copied()
        .collect();
    here.sort_by_key(|one| {
        (one.state.rank(), Reverse(one.run.started_unix_seconds), !one.record.engine.is_own())
    });
    let mut kept: Vec<Seen<'a>> = Vec::new();
    for one in here {
        let is_new = !kept.iter().any(|other| other.record.engine.id == one.record.engine.id);
        let ran = one.state.rank() < 2;
        if kept.is_empty() || (is_new && ran) {
            kept.push(one);
        }
    }
    kept
}

/// Cases with figures from real weights, newest first.
pub(super) fn real<'a>(seen: &[Seen<'a>]) -> Vec<Seen<'a>> {
    let mut real: Vec<Seen<'a>> = seen.iter().filter(|one| one.has_real_figures()).copied().collect();
    real.sort_by_key(|one| Reverse(one.run.started_unix_seconds));
    real
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::hardware::Device;
    use crate::measurement::{EngineGap, Figures, Measurement, RunId, example_run};
    use crate::units::{Bytes, Ratio};

    pub(crate) fn registry() -> Registry {
        Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap()
    }

    pub(crate) fn compared(distance: f64) -> Gate {
        Gate::compared(32, 31, distance, Ratio::new(0.09).unwrap()).unwrap()
    }

    /// A run of one measured case, `hours` after the example, by `engine`.
    pub(crate) fn measured(hours: i64, engine: &str, gate: Option<Gate>) -> Run {
        let mut run = example_run();
        run.id = RunId::new(&format!("run-{hours}")).unwrap();
        run.started_unix_seconds += hours * 3_600;
        run.cases.truncate(1);
        run.cases[0].engine.id = engine.into();
        let Outcome::Measured(measurement) = &mut run.cases[0].outcome else { panic!("it was measured") };
        measurement.gate = gate;
        run
    }

    /// The same without figures.
    pub(crate) fn ended(hours: i64, engine: &str, outcome: Outcome) -> Run {
        let mut run = measured(hours, engine, None);
        run.cases[0].figures = Figures::new(outcome.measurement());
        run.cases[0].outcome = outcome;
        run.cases[0].observed = None;
        run
    }

    pub(crate) fn gate_failed(hours: i64, engine: &str, gate: Gate) -> Run {
        let none = Measurement { gate: Some(gate), ..Measurement::default() };
        ended(hours, engine, Outcome::Failed(Failure::new(Stage::Gate, "too far"), none))
    }

    pub(crate) fn skipped(hours: i64, engine: &str, skip: Skip) -> Run {
        ended(hours, engine, Outcome::Skipped(skip))
    }

    fn failed(hours: i64, engine: &str, stage: Stage) -> Run {
        ended(hours, engine, Outcome::Failed(Failure::new(stage, "gone"), Measurement::default()))
    }

    /// The words of the one row that the runs are about, on the CPU, with the name of the run each comes from.
    fn words(runs: &[Run]) -> Vec<String> {
        let (registry, seen) = (registry(), seen(runs));
        let row = &rows(&registry, &seen)[0];
        let shown = |one: &Seen<'_>| format!("{} {}", one.state.word(), one.run.id);
        cell(row, "cpu", &seen).iter().map(shown).collect()
    }

    fn too_little() -> Skip {
        Skip::Memory { needed: Bytes::new(2), free: Bytes::new(1) }
    }

    #[test]
    fn a_comparison_comes_before_a_figure_and_a_figure_before_an_attempt() {
        let runs = [
            measured(1, "own", Some(compared(0.01))),
            measured(2, "own", Some(Gate::NotComputed(NotGated::Engine))),
            failed(3, "own", Stage::Load),
            skipped(4, "own", too_little()),
        ];
        for from in 0..4 {
            let [first, ..] = &words(&runs[from..])[..] else { panic!("nothing is said") };
            let expected = ["gated run-1", "runs ungated run-2", "failed run-3", "skipped run-4"][from];
            assert_eq!(first, expected);
        }
    }

    #[test]
    fn a_newer_failed_gate_is_not_hidden_by_an_older_pass() {
        let runs = [measured(1, "own", Some(compared(0.01))), gate_failed(2, "own", compared(0.5))];
        assert_eq!(words(&runs), ["gate failed run-2"]);
        let runs = [gate_failed(1, "own", compared(0.5)), measured(2, "own", Some(compared(0.01)))];
        assert_eq!(words(&runs), ["gated run-2"]);
    }

    #[test]
    fn each_engine_that_ran_has_its_entry_and_one_that_did_not_makes_way() {
        let gap = Skip::Engine { gaps: vec![EngineGap::Experts] };
        let runs = [
            measured(1, "old", None),
            measured(2, "own", Some(compared(0.01))),
            skipped(3, "third", gap),
            skipped(4, "fourth", too_little()),
        ];
        assert_eq!(words(&runs), ["gated run-2", "runs ungated run-1"]);
        assert_eq!(words(&runs[2..]), ["skipped run-4"]);
    }

    #[test]
    fn runs_that_ended_early_scripted_engines_and_test_shapes_say_nothing() {
        let mut tiny = measured(1, "own", Some(compared(0.01)));
        tiny.cases[0].case.model.role = ModelRole::Test;
        let runs = [
            tiny,
            measured(1, "scripted", None),
            failed(2, "own", Stage::Interrupted),
            failed(3, "own", Stage::NotStarted),
        ];
        assert_eq!(words(&runs), Vec::<String>::new());
    }

    #[test]
    fn a_case_without_a_device_was_meant_for_the_one_of_its_run() {
        let mut run = skipped(1, "own", too_little());
        assert_eq!(seen(std::slice::from_ref(&run))[0].device(), "cpu");
        let mut on_card = measured(1, "own", None).cases.remove(0);
        let observed = on_card.observed.as_mut().unwrap();
        observed.device = Device::Cuda { index: 0, name: "a card".into() };
        run.cases.push(on_card);
        let runs = [run];
        assert_eq!(seen(&runs)[0].device(), "cuda");
    }

    #[test]
    fn a_file_of_a_user_gets_a_row_after_the_listed_models() {
        let mut run = measured(1, "own", Some(compared(0.01)));
        run.cases[0].case.model.id = ModelId::new("my-file").unwrap();
        run.cases[0].case.model.name = "mine".into();
        run.cases[0].observed.as_mut().unwrap().file.weights = Weights::Local { name: "mine.gguf".into() };
        let runs = [run];
        let (registry, seen) = (registry(), seen(&runs));
        let rows = rows(&registry, &seen);
        assert_eq!(rows.last().unwrap().name, "mine");
        assert_eq!(rows[0].model.as_str(), "r1-distill-qwen-1.5b");
        assert_eq!((real(&seen).len(), cell(rows.last().unwrap(), "cpu", &seen).len()), (1, 1));
    }
}
