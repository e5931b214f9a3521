//! Every flag is provoked once, on scripted inputs, and not raised where nothing is known.

use super::*;
use crate::clock::Moment;
use crate::hardware::{Cache, CacheKind, Device, Window};
use crate::language::Language;
use crate::measurement::{Energy, EnergyScope, Gate, NotGated, Outcome, Repetition, Run, example_run};
use crate::model::ModelRole;
use crate::units::{Bytes, Joules, Seconds, Watts, count_as_f64};

/// The example's measured case as a quiet machine with three process starts would have it: no flag but that of its weights.
fn quiet() -> Run {
    let mut run = example_run();
    run.cases.truncate(1);
    run.ceilings = None;
    run.environment.clock_step_nanoseconds = Some(30);
    run.cases[0].energy = measured(100.0, None, None);
    let seen = Window {
        steal: Some(Seconds::ZERO),
        foreign_cpu: Some(Seconds::ZERO),
        swapped: Some(Bytes::new(0)),
        memory_stall: Some(Seconds::ZERO),
        quota_stall: Some(Seconds::ZERO),
        thermal_throttles: Some(0),
        suspended: Some(Seconds::ZERO),
        on_battery: Some(false),
    };
    repetitions(&mut run, |index, repetition| {
        repetition.process_start = index % 3;
        repetition.started = Moment::from_nanos(index * 10_000_000_000);
        repetition.prompt = index;
        repetition.window = seen;
        let gap = seconds(0.07 + 1e-5 * count_as_f64(index * 7 % 5));
        repetition.gaps = vec![gap; 63];
    });
    run
}

fn seconds(value: f64) -> Seconds {
    Seconds::new(value).unwrap()
}

fn measured(joules: f64, mean_power: Option<f64>, power_limit: Option<f64>) -> Energy {
    let watts = |value: Option<f64>| value.map(|value| Watts::new(value).unwrap());
    Energy::Measured {
        joules: Joules::new(joules).unwrap(),
        scope: EnergyScope::CpuPackage,
        meter: "m".into(),
        mean_power: watts(mean_power),
        power_limit: watts(power_limit),
    }
}

fn repetitions(run: &mut Run, mut change: impl FnMut(u64, &mut Repetition)) {
    let Outcome::Measured(measurement) = &mut run.cases[0].outcome else { panic!("it was measured") };
    for (index, repetition) in (0..).zip(&mut measurement.repetitions) {
        change(index, repetition);
    }
}

/// The flags beside that of random weights.
fn flags(mut run: Run) -> Vec<Flag> {
    run.derive();
    run.cases[0].flags.iter().copied().filter(|flag| *flag != Flag::SyntheticWeights).collect()
}

fn with(change: impl FnOnce(&mut Run)) -> Vec<Flag> {
    let mut run = quiet();
    change(&mut run);
    flags(run)
}

fn with_repetitions(change: impl FnMut(u64, &mut Repetition)) -> Vec<Flag> {
    with(|run| repetitions(run, change))
}

#[test]
fn a_quiet_machine_raises_nothing_and_neither_does_one_that_tells_nothing() {
    assert_eq!(with(|_| {}), []);
    assert_eq!(with_repetitions(|_, repetition| repetition.window = Window::default()), []);
    assert_eq!(with(|run| run.environment = crate::hardware::Environment::default()), []);
}

#[test]
fn what_happened_beside_a_request_is_flagged() {
    // Requests of 6.4 s on two processors: 1 % is 0.13 s.
    type Change = fn(&mut Window);
    let cases: [(Flag, Change); 8] = [
        (Flag::CpuSteal, |window| window.steal = Some(seconds(0.2))),
        (Flag::ForeignLoad, |window| window.foreign_cpu = Some(seconds(0.8))),
        (Flag::MemoryPressure, |window| window.swapped = Some(Bytes::new(4_000_000))),
        (Flag::MemoryPressure, |window| window.memory_stall = Some(seconds(0.1))),
        (Flag::CpuQuota, |window| window.quota_stall = Some(seconds(0.2))),
        (Flag::Throttled, |window| window.thermal_throttles = Some(1)),
        (Flag::Suspended, |window| window.suspended = Some(seconds(60.0))),
        (Flag::OnBattery, |window| window.on_battery = Some(true)),
    ];
    for (flag, change) in cases {
        let raised = with_repetitions(|_, repetition| change(&mut repetition.window));
        assert_eq!(raised, [flag]);
        // Of the warm-up alone it says nothing.
        let before = with_repetitions(|index, repetition| {
            if index == 0 {
                change(&mut repetition.window);
            }
        });
        assert_eq!(before, [], "{}", flag.id());
    }
    let little = with_repetitions(|_, repetition| {
        repetition.window.steal = Some(seconds(0.05));
        repetition.window.foreign_cpu = Some(seconds(0.3));
        repetition.window.swapped = Some(Bytes::new(10_000));
    });
    assert_eq!(little, []);
}

#[test]
fn samples_that_do_not_hold_still_are_flagged() {
    let gaps = |repetition: &mut Repetition, factor: f64| {
        repetition.gaps = repetition.gaps.iter().map(|gap| seconds(gap.value() * factor)).collect();
    };
    // Slower by 1.5 % from one repetition to the next, as a machine that gets hot; and in the order of time, not of starts.
    let drifting = with(|run| {
        repetitions(run, |index, repetition| {
            repetition.process_start = index / 5;
            gaps(repetition, 1.015_f64.powi(i32::try_from(index).unwrap()));
        });
    });
    assert!(drifting.contains(&Flag::Drift), "{drifting:?}");
    let burst = with(|run| {
        repetitions(run, |index, repetition| {
            repetition.process_start = index / 5;
            gaps(repetition, if (5..8).contains(&index) { 1.4 } else { 1.0 });
        });
    });
    assert!(burst.contains(&Flag::Bursts), "{burst:?}");
    let spread = |width: f64| {
        with_repetitions(|index, repetition| {
            gaps(repetition, 1.0 + width * (count_as_f64(index * 5 % 13) / 6.0 - 1.0));
        })
    };
    assert!(
        spread(0.12).contains(&Flag::WideInterval) && !spread(0.12).contains(&Flag::UntrustworthyInterval)
    );
    let very = spread(0.5);
    assert!(very.contains(&Flag::UntrustworthyInterval) && !very.contains(&Flag::WideInterval), "{very:?}");
}

#[test]
fn the_build_the_clock_the_quota_and_the_engine_are_flagged() {
    assert_eq!(with(|run| run.provenance.profile = "debug".into()), [Flag::DebugBuild]);
    assert_eq!(with(|run| run.environment.clock_step_nanoseconds = Some(1_000_000)), [Flag::CoarseClock]);
    assert_eq!(with(|run| run.environment.cpu_quota_milli = Some(1_500)), [Flag::CpuQuota]);
    let on_a_card = with(|run| {
        run.environment.cpu_quota_milli = Some(1_500);
        let observed = run.cases[0].observed.as_mut().unwrap();
        observed.device = Device::Cuda { index: 0, name: "a card".into() };
    });
    assert_eq!(on_a_card, []);
    assert_eq!(with_repetitions(|_, repetition| repetition.process_start = 0), [Flag::SingleProcessStart]);
    let differs = with_repetitions(|index, repetition| {
        repetition.prompt = index / 3;
        repetition.output_digest = index;
    });
    assert_eq!(differs, [Flag::OutputDiffers]);
    let other_prompts = with_repetitions(|index, repetition| repetition.output_digest = index);
    assert_eq!(other_prompts, []);
}

#[test]
fn the_case_and_its_gate_are_flagged() {
    assert_eq!(with(|run| run.cases[0].case.model.role = ModelRole::Test), [Flag::TestShape]);
    assert_eq!(with(|run| run.cases[0].case.workload.repetitions = 13), [Flag::FewerRepetitions]);
    let not_gated = with(|run| {
        let Outcome::Measured(measurement) = &mut run.cases[0].outcome else { panic!("it was measured") };
        measurement.gate = Some(Gate::NotComputed(NotGated::Engine));
    });
    assert_eq!(not_gated, [Flag::NotGated]);
    let mut run = quiet();
    run.derive();
    assert_eq!(run.cases[0].flags, [Flag::SyntheticWeights]);
}

#[test]
fn energies_that_cannot_be_are_flagged() {
    // Twelve repetitions of 2.0x + 63 x 0.07 s at 20 W are about 1,560 J.
    let time: f64 = {
        let run = quiet();
        run.cases[0].outcome.measurement().measured().map(|repetition| repetition.end_to_end().value()).sum()
    };
    let energy = |joules: f64, limit: f64| measured(joules, Some(20.0), Some(limit));
    assert_eq!(with(|run| run.cases[0].energy = energy(20.0 * time * 1.04, 25.0)), []);
    assert_eq!(
        with(|run| run.cases[0].energy = energy(20.0 * time * 1.06, 25.0)),
        [Flag::EnergyContradicted]
    );
    assert_eq!(with(|run| run.cases[0].energy = energy(20.0 * time, 19.0)), [Flag::PowerOverLimit]);
    assert_eq!(
        with(|run| run.cases[0].energy = example_run().cases[0].energy.clone()),
        [Flag::EnergyEstimated]
    );
}

#[test]
fn a_speed_above_the_memory_is_flagged_where_the_cache_is_known_and_small() {
    let cache = |bytes| Cache { level: 3, kind: CacheKind::Unified, bytes: Bytes::new(bytes), instances: 1 };
    let slow_memory = |run: &mut Run| {
        let mut ceilings = crate::hardware::example_ceilings();
        for read in &mut ceilings.reads {
            read.rate = crate::units::BytesPerSecond::new(1e9).unwrap();
        }
        ceilings.profile = "release".into();
        run.ceilings = Some(ceilings);
    };
    // 1.0 GB a step and 14 steps a second, from a memory of 1 GB/s.
    let seen = with(|run| {
        slow_memory(run);
        run.machine.caches = vec![cache(32 << 20)];
    });
    assert_eq!(seen, [Flag::Implausible]);
    let in_cache = with(|run| {
        slow_memory(run);
        run.machine.caches = vec![cache(2 << 30)];
    });
    assert_eq!(in_cache, []);
    let unknown = with(|run| {
        slow_memory(run);
        run.machine.caches.clear();
    });
    assert_eq!(unknown, []);
}

#[test]
fn codes_are_distinct_sorted_and_read_back() {
    for code in Flag::ALL {
        assert_eq!(Flag::from_id(code.id()), Some(code));
    }
    assert!(Flag::ALL.is_sorted_by_key(|code| code.id()), "files list them by name");
    assert_eq!(Flag::from_id("no-such-flag"), None);
}

#[test]
fn every_flag_gives_advice_in_both_languages_and_weighs_what_it_should() {
    for flag in Flag::ALL {
        let [english, french] = Language::ALL.map(|language| flag.advice(language));
        assert!(english.ends_with('.') && french.ends_with('.') && english != french, "{}", flag.id());
    }
    let breaking: Vec<_> = Flag::ALL.into_iter().filter(|flag| flag.breaks_trust()).map(Flag::id).collect();
    assert_eq!(
        breaking,
        ["debug-build", "implausible", "output-differs", "suspended", "untrustworthy-interval"]
    );
}
