//! The runner on scripted parts: no stopwatch, no model.

use super::*;
use crate::clock::ScriptedClock;
use crate::engine::{Scripted, ScriptedEngine};
use crate::hardware::{Environment, Machine, ScriptedProbe, Window, example_machine};
use crate::measurement::{CaseRecord, Energy, Flag, Outcome};
use crate::meter::{MeterError, Ratings, ScriptedMeter};
use crate::model::{Registry, Weights};
use crate::units::Bytes;
use crate::workload::{Plan, WorkloadBook};

fn tiny() -> Case {
    let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
    let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
    Plan::smoke_test(&registry, &book).unwrap().cases()[0].clone()
}

fn file() -> ModelFile {
    ModelFile { weights: Weights::Synthetic { seed: 1 }, sha256: "00".into(), bytes: Bytes::new(1) }
}

fn machine() -> Machine {
    Machine { cpu: "AMD EPYC 7763 64-Core Processor".into(), cpu_id: None, ..example_machine() }
}

fn environment() -> Environment {
    Environment { virtual_machine: Some(true), ..Environment::default() }
}

fn inputs<'a>(machine: &'a Machine, environment: &'a Environment, ratings: &'a Ratings) -> RecordInputs<'a> {
    RecordInputs { machine, environment, ratings, assume_watts: None, ceilings: None, profile: "release" }
}

/// Runs one load, one warm-up and `repetitions` on scripted parts; every clock reading is 0.1 s after the last.
fn run(
    script: Scripted,
    repetitions: u64,
    stop_after: Option<u64>,
    meters: Vec<Box<dyn Meter>>,
) -> CaseRecord {
    let mut engine = ScriptedEngine::new(script);
    let clock = ScriptedClock::new([], 100_000_000, 0);
    let mut probe = ScriptedProbe::new(Seconds::new(0.5).unwrap(), Bytes::new(1_000));
    let mut meters = meters;
    let asked = std::cell::Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        stop_after.is_some_and(|limit| asked.get() > limit)
    };
    let mut case = CaseRun::new(tiny(), Ok(file()));
    {
        let mut bench =
            Bench { engine: &mut engine, clock: &clock, probe: &mut probe, meters: &mut meters, stop: &stop };
        case.load(&mut bench);
        case.check(&mut bench);
        for _ in 0..=repetitions {
            case.repeat(&mut bench);
        }
    }
    case.finish();
    let ratings = Ratings::parse("hardware.toml", include_str!("../../ledger/hardware.toml")).unwrap();
    let (machine, environment) = (machine(), environment());
    case.record(&engine, &inputs(&machine, &environment, &ratings), &meters)
}

#[test]
fn every_token_is_stamped_once_and_the_warm_up_is_marked() {
    let record = run(Scripted::default(), 2, None, vec![]);
    let repetitions = &record.outcome.measurement().repetitions;
    assert_eq!(
        repetitions.iter().map(|r| r.role).collect::<Vec<_>>(),
        [Role::WarmUp, Role::Measured, Role::Measured]
    );
    for repetition in repetitions {
        // Four output tokens: the first 0.1 s after the start, then three gaps of 0.1 s.
        assert!((repetition.first_token.value() - 0.1).abs() < 1e-9);
        assert_eq!(repetition.gaps.len(), 3);
        assert!(repetition.gaps.iter().all(|gap| (gap.value() - 0.1).abs() < 1e-9));
    }
    assert!((record.outcome.measurement().loads[0].duration.value() - 0.1).abs() < 1e-9);
    assert!(matches!(record.outcome, Outcome::Measured(_)));
}

#[test]
fn each_repetition_keeps_the_window_around_it() {
    let stolen = |seconds| Window { steal: Seconds::new(seconds).ok(), ..Window::default() };
    let on_battery = Window { on_battery: Some(true), ..Window::default() };
    let mut engine = ScriptedEngine::new(Scripted::default());
    let clock = ScriptedClock::new([], 100_000_000, 0);
    let mut probe = ScriptedProbe::new(Seconds::new(0.5).unwrap(), Bytes::new(1_000)).seeing([
        stolen(0.0),
        stolen(0.25),
        on_battery,
    ]);
    let mut bench =
        Bench { engine: &mut engine, clock: &clock, probe: &mut probe, meters: &mut [], stop: &|| false };
    let mut case = CaseRun::new(tiny(), Ok(file()));
    case.load(&mut bench);
    for _ in 0..4 {
        case.repeat(&mut bench);
    }
    let windows: Vec<_> = case.measurement().repetitions.iter().map(|r| r.window).collect();
    assert_eq!(windows, [stolen(0.0), stolen(0.25), on_battery, Window::default()]);
}

#[test]
fn energy_without_a_meter_is_a_labelled_range() {
    let record = run(Scripted::default(), 2, None, vec![]);
    assert!(matches!(record.energy, Energy::Estimated { .. }), "{:?}", record.energy);
    assert!(record.flags.contains(&Flag::EnergyEstimated) && record.flags.contains(&Flag::SyntheticWeights));
}

#[test]
fn a_meter_gives_the_sum_over_measured_repetitions() {
    // Edges of the warm-up, then of two measured repetitions: 5 J and 7 J.
    let readings = [0.0, 100.0, 100.0, 105.0, 110.0, 117.0].map(|joules| Ok(Joules::new(joules).unwrap()));
    let record = run(Scripted::default(), 2, None, vec![Box::new(ScriptedMeter::new(readings))]);
    match record.energy {
        Energy::Measured { joules, .. } => assert!((joules.value() - 12.0).abs() < 1e-9),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reset_or_lost_counter_gives_no_energy_rather_than_a_wrong_one() {
    let down = [0.0, 1.0, 50.0, 3.0].map(|joules| Ok(Joules::new(joules).unwrap()));
    let lost = vec![Err(MeterError::Unreadable { meter: "m".into(), problem: "gone".into() })];
    for readings in [down.to_vec(), lost] {
        let record = run(Scripted::default(), 1, None, vec![Box::new(ScriptedMeter::new(readings))]);
        assert!(matches!(record.energy, Energy::Missing(_)), "{:?}", record.energy);
    }
}

#[test]
fn a_failed_load_is_a_row_with_its_reason() {
    let error = EngineError::Compute("out of luck".into());
    let record = run(Scripted { load_error: Some(error), ..Default::default() }, 1, None, vec![]);
    match &record.outcome {
        Outcome::Failed(failure, measurement) => {
            assert_eq!(
                (failure.stage, failure.reason.as_str()),
                (Stage::Load, "computation failed: out of luck")
            );
            assert!(measurement.repetitions.is_empty());
        }
        other => panic!("a failed load gave {other:?}"),
    }
}

#[test]
fn a_failure_in_the_middle_keeps_what_was_measured_before() {
    let script = Scripted { generate_error: Some((2, EngineError::NotLoaded)), ..Default::default() };
    let record = run(script, 5, None, vec![]);
    let Outcome::Failed(failure, measurement) = &record.outcome else { panic!("not failed") };
    assert_eq!((failure.stage, measurement.repetitions.len()), (Stage::Generate, 2));
}

#[test]
fn an_interrupt_keeps_finished_repetitions() {
    // One question before the load, one before and four during each repetition.
    let record = run(Scripted::default(), 5, Some(1 + 5 + 5 + 2), vec![]);
    let Outcome::Failed(failure, measurement) = &record.outcome else { panic!("not failed") };
    assert_eq!((failure.stage, measurement.repetitions.len()), (Stage::Interrupted, 2));
}

#[test]
fn a_case_under_way_looks_interrupted_until_it_is_finished() {
    let mut engine = ScriptedEngine::new(Scripted::default());
    let clock = ScriptedClock::new([], 100_000_000, 0);
    let mut probe = ScriptedProbe::new(Seconds::new(0.5).unwrap(), Bytes::new(1_000));
    let mut meters: Vec<Box<dyn Meter>> = vec![];
    let ratings = Ratings::parse("hardware.toml", include_str!("../../ledger/hardware.toml")).unwrap();
    let (machine, environment) = (machine(), environment());
    let inputs = inputs(&machine, &environment, &ratings);
    let mut asked = tiny();
    asked.workload.repetitions = 3;
    let mut case = CaseRun::new(asked.clone(), Ok(file()));
    let mut bench =
        Bench { engine: &mut engine, clock: &clock, probe: &mut probe, meters: &mut meters, stop: &|| false };
    case.load(&mut bench);
    case.repeat(&mut bench);
    case.repeat(&mut bench);
    let stage = |case: &CaseRun| match case.record(&ScriptedEngine::default(), &inputs, &[]).outcome {
        Outcome::Failed(failure, _) => Some(failure.stage),
        Outcome::Measured(_) | Outcome::Skipped(_) => None,
    };
    assert_eq!(stage(&case), Some(Stage::Interrupted), "a killed process leaves this");
    let mut finished = case.clone();
    finished.finish();
    assert_eq!(stage(&finished), None);
    finished.repeat(&mut bench);
    assert_eq!(finished.measured(), 1, "a finished case takes no more");

    // Another process goes on: it loads, warms up again, and counts on.
    let mut resumed = CaseRun::resumed(asked, Ok(file()), case.measurement().clone(), 1);
    resumed.load(&mut bench);
    resumed.repeat(&mut bench);
    resumed.repeat(&mut bench);
    resumed.finish();
    let record = resumed.record(&ScriptedEngine::default(), &inputs, &[]);
    let all = &record.outcome.measurement().repetitions;
    let seen: Vec<_> = all.iter().map(|r| (r.index, r.process_start, r.role)).collect();
    let (warm_up, measured) = (Role::WarmUp, Role::Measured);
    assert_eq!(seen, [(0, 0, warm_up), (1, 0, measured), (2, 1, warm_up), (3, 1, measured)]);
    assert!(!record.flags.contains(&Flag::SingleProcessStart), "{:?}", record.flags);
    assert!(record.flags.contains(&Flag::FewerRepetitions), "2 of 3 were measured");
}

#[test]
fn different_answers_to_one_prompt_raise_a_flag() {
    // Within a process every repetition asks another prompt, so answers may well differ.
    let differs = Scripted { answers_differ: true, ..Default::default() };
    assert!(!run(differs.clone(), 2, None, vec![]).flags.contains(&Flag::OutputDiffers));
    // The second process asks the same prompts as the first: its engine starts to count one request later.
    let first = run(differs.clone(), 2, None, vec![]).outcome.measurement().clone();
    for (ahead, is_flagged) in [(0, false), (1, true)] {
        let mut engine = ScriptedEngine::new(differs.clone());
        let record = in_second_process(&mut engine, first.clone(), ahead);
        assert_eq!(record.flags.contains(&Flag::OutputDiffers), is_flagged);
        let prompts: Vec<u64> = record.outcome.measurement().repetitions.iter().map(|r| r.prompt).collect();
        assert_eq!(prompts, [0, 1, 2, 0, 1, 2]);
        assert!(!record.flags.contains(&Flag::SingleProcessStart));
    }
}

/// Takes up a case in another process, whose engine has answered `ahead` requests of somebody else already.
fn in_second_process(engine: &mut ScriptedEngine, before: Measurement, ahead: u64) -> CaseRecord {
    let clock = ScriptedClock::new([], 100_000_000, 0);
    let mut probe = ScriptedProbe::new(Seconds::new(0.5).unwrap(), Bytes::new(1_000));
    let mut case = CaseRun::resumed(tiny(), Ok(file()), before, 1);
    {
        let mut bench = Bench {
            engine: &mut *engine,
            clock: &clock,
            probe: &mut probe,
            meters: &mut [],
            stop: &|| false,
        };
        case.load(&mut bench);
        assert!(!case.needs_check(), "the process before compared the logits");
        let nothing = Request { prompts: vec![vec![1]], output_tokens: 1 };
        for _ in 0..ahead {
            bench.engine.generate(&nothing, &mut |_| ControlFlow::Continue(())).unwrap();
        }
        for _ in 0..3 {
            case.repeat(&mut bench);
        }
    }
    case.finish();
    let ratings = Ratings::parse("hardware.toml", include_str!("../../ledger/hardware.toml")).unwrap();
    case.record(engine, &inputs(&machine(), &environment(), &ratings), &[])
}

#[test]
fn cases_of_one_loaded_model_share_its_loads_and_its_gate() {
    let mut engine = ScriptedEngine::new(checked(0.02, true));
    let clock = ScriptedClock::new([], 100_000_000, 0);
    let mut probe = ScriptedProbe::new(Seconds::new(0.5).unwrap(), Bytes::new(1_000));
    let mut bench =
        Bench { engine: &mut engine, clock: &clock, probe: &mut probe, meters: &mut [], stop: &|| false };
    let (mut one, mut other) = (CaseRun::new(tiny(), Ok(file())), CaseRun::new(tiny(), Ok(file())));
    one.load(&mut bench);
    other.share_load(&one);
    assert_eq!((other.measurement().loads.len(), &other.measurement().loads), (1, &one.measurement().loads));
    one.check(&mut bench);
    other.share_check(&one);
    assert!(matches!(other.measurement().gate, Some(Gate::Passed(_))) && !other.needs_check());

    let mut broken = ScriptedEngine::new(checked(0.2, true));
    let mut bench = Bench { engine: &mut broken, ..bench };
    let (mut one, mut other) = (CaseRun::new(tiny(), Ok(file())), CaseRun::new(tiny(), Ok(file())));
    one.load(&mut bench);
    one.check(&mut bench);
    other.share_check(&one);
    assert!(other.has_ended() && matches!(other.measurement().gate, Some(Gate::Failed(_))));

    let error = EngineError::Compute("x".into());
    let mut failing = ScriptedEngine::new(Scripted { load_error: Some(error), ..Scripted::default() });
    let mut bench = Bench { engine: &mut failing, ..bench };
    let (mut one, mut other) = (CaseRun::new(tiny(), Ok(file())), CaseRun::new(tiny(), Ok(file())));
    one.load(&mut bench);
    other.share_load(&one);
    assert!(other.has_ended() && other.measurement().loads.is_empty());
}

#[test]
fn a_missing_checkpoint_fails_in_preparation() {
    let engine = ScriptedEngine::default();
    let ratings = Ratings::parse("hardware.toml", include_str!("../../ledger/hardware.toml")).unwrap();
    let (machine, environment) = (machine(), environment());
    let inputs = inputs(&machine, &environment, &ratings);
    let record = CaseRun::new(tiny(), Err("disk full".into())).record(&engine, &inputs, &[]);
    let Outcome::Failed(failure, _) = &record.outcome else { panic!("not failed") };
    assert_eq!((failure.stage, failure.reason.as_str()), (Stage::Prepare, "disk full"));
    assert_eq!(record.observed, None);
}

#[test]
fn prompts_are_fixed_and_inside_the_vocabulary() {
    let case = tiny();
    let ids = |purpose, row| token_ids(&case, 100, purpose, row);
    let all = [
        ids(Purpose::Prompt(0), 0),
        ids(Purpose::Prompt(1), 0),
        ids(Purpose::Prompt(0), 1),
        ids(Purpose::Context, 0),
        ids(Purpose::Context, 1),
        ids(Purpose::Gate, 0),
    ];
    assert_eq!(ids(Purpose::Prompt(1), 0), all[1]);
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len(), "none is another");
    assert!(all.iter().flatten().all(|&token| u64::from(token) < case.model.shape.vocab));
}

fn checked(distance: f64, finite: bool) -> Scripted {
    let checked = Checked { positions: 32, distance, tolerance: 0.1, same_top: 30, finite };
    Scripted { checked: Some(Ok(checked)), ..Scripted::default() }
}

#[test]
fn a_case_whose_logits_agree_is_measured_and_says_how_well() {
    let record = run(checked(0.02, true), 2, None, vec![]);
    let Some(Gate::Passed(distance)) = record.outcome.measurement().gate else { panic!("{record:?}") };
    assert_eq!((distance.positions(), distance.same_top()), (32, 30));
    assert!(matches!(record.outcome, Outcome::Measured(_)));
    assert!(!record.flags.contains(&Flag::NotGated));
}

#[test]
fn a_case_whose_logits_differ_or_are_no_numbers_gets_no_figure() {
    for (script, words) in [(checked(0.2, true), "20 % away"), (checked(0.0, false), "no finite numbers")] {
        let record = run(script, 2, None, vec![]);
        let Outcome::Failed(failure, measurement) = &record.outcome else { panic!("{record:?}") };
        assert_eq!(failure.stage, Stage::Gate);
        assert!(failure.reason.contains(words), "{}", failure.reason);
        assert!(measurement.repetitions.is_empty() && matches!(measurement.gate, Some(Gate::Failed(_))));
    }
}

#[test]
fn a_case_that_cannot_be_compared_is_measured_with_the_flag_and_the_reason() {
    let memory = EngineError::Memory { needed: Bytes::new(9), free: Bytes::new(2), place: "main" };
    let unchecked = Scripted { checked: Some(Err(memory)), ..Scripted::default() };
    for (script, reason) in [(Scripted::default(), "engine"), (unchecked, "memory")] {
        let record = run(script, 2, None, vec![]);
        let Some(Gate::NotComputed(why)) = &record.outcome.measurement().gate else { panic!("{record:?}") };
        assert_eq!(why.id(), reason);
        assert!(matches!(record.outcome, Outcome::Measured(_)));
        assert!(record.flags.contains(&Flag::NotGated));
    }
    let broken = Scripted { checked: Some(Err(EngineError::Compute("x".into()))), ..Scripted::default() };
    let Outcome::Failed(failure, _) = run(broken, 2, None, vec![]).outcome else { panic!("it passed") };
    assert_eq!(failure.stage, Stage::Gate);
}

#[test]
fn a_resumed_case_whose_gate_fails_keeps_no_figure_of_the_process_before() {
    let before = run(checked(0.02, true), 2, None, vec![]).outcome.measurement().clone();
    assert_eq!(before.repetitions.len(), 3);
    let broken = Scripted { checked: Some(Err(EngineError::Compute("x".into()))), ..Scripted::default() };
    for script in [checked(0.2, true), broken] {
        let mut engine = ScriptedEngine::new(script);
        let clock = ScriptedClock::new([], 100_000_000, 0);
        let mut probe = ScriptedProbe::new(Seconds::new(0.5).unwrap(), Bytes::new(1_000));
        let mut bench =
            Bench { engine: &mut engine, clock: &clock, probe: &mut probe, meters: &mut [], stop: &|| false };
        let mut case = CaseRun::resumed(tiny(), Ok(file()), before.clone(), 1);
        case.load(&mut bench);
        case.check(&mut bench);
        assert!(case.has_ended() && case.measurement().repetitions.is_empty());
        assert!(!matches!(case.measurement().gate, Some(Gate::Passed(_))));
    }
}
