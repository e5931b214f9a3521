//! Runs one case: loads, warm-up, repetitions. Engine, meters and clock in, a record out; no printing, no statistics.

use std::ops::ControlFlow;

use crate::clock::{Clock, Moment};
use crate::engine::{Engine, EngineError, Request};
use crate::hardware::{Device, Machine, ProcessProbe};
use crate::measurement::{
    CaseRecord, Energy, Failure, Figures, Flag, LoadSample, Measurement, Missing, ModelFile, Observed,
    Outcome, Repetition, Role, Stage,
};
use crate::meter::{Meter, Ratings, estimate};
use crate::model::ModelRole;
use crate::units::{Joules, Ratio, Seconds, Tokens, Watts, count_as_f64, count_as_usize, index_as_u64};
use crate::workload::Case;

/// The seed of the prompt's token ids. One prompt for all repetitions: equal prompts must give equal answers.
const PROMPT_SEED: u64 = 0x5eed;

/// What a case runs with; borrowed, since an engine outlives one call.
pub struct Bench<'a> {
    /// Computes.
    pub engine: &'a mut dyn Engine,
    /// Stamps.
    pub clock: &'a dyn Clock,
    /// Tells processor time and memory.
    pub probe: &'a mut dyn ProcessProbe,
    /// Read at both edges of every repetition; the first one gives the energy.
    pub meters: &'a mut [Box<dyn Meter>],
    /// True once the user wants to stop.
    pub stop: &'a dyn Fn() -> bool,
}

/// What the energy of a case without a meter is estimated from.
#[derive(Clone, Copy, Debug)]
pub struct EnergyInputs<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// What is known of processors.
    pub ratings: &'a Ratings,
    /// A rated power the user states.
    pub assume_watts: Option<Watts>,
}

/// One case while it runs. Its samples can be looked at after every step.
#[derive(Clone, Debug)]
pub struct CaseRun {
    case: Case,
    file: Option<ModelFile>,
    prompts: Vec<Vec<u32>>,
    context: Vec<Vec<u32>>,
    measurement: Measurement,
    failure: Option<Failure>,
}

impl CaseRun {
    /// A case with its checkpoint, or with the reason why there is none.
    pub fn new(case: Case, file: Result<ModelFile, String>) -> Self {
        let (file, failure) = match file {
            Ok(file) => (Some(file), None),
            Err(reason) => (None, Some(Failure { stage: Stage::Prepare, reason })),
        };
        let rows =
            |tokens, salt| (0..case.workload.batch).map(|row| prompt(&case, tokens, salt + row)).collect();
        let prompts = rows(case.workload.prompt_tokens, 0);
        let context = rows(case.workload.context_depth, 1 << 32);
        Self { case, file, prompts, context, measurement: Measurement::default(), failure }
    }

    /// The case.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// True once a step failed or was interrupted; further steps do nothing.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The samples so far.
    pub fn measurement(&self) -> &Measurement {
        &self.measurement
    }

    /// Repetitions so far, warm-up included.
    pub fn repetitions(&self) -> u64 {
        index_as_u64(self.measurement.repetitions.len())
    }

    /// Loads the model once and keeps the time.
    pub fn load(&mut self, bench: &mut Bench<'_>) {
        if self.stopped(bench) {
            return;
        }
        let start = bench.clock.now();
        match bench.engine.load() {
            Ok(()) => {
                let duration = start.until(bench.clock.now());
                self.measurement.loads.push(LoadSample { duration });
            }
            Err(error) => self.fail(Stage::Load, &error),
        }
    }

    /// Runs one repetition. The first `warm_up` of the workload are marked as such. Returns its end-to-end time.
    pub fn repeat(&mut self, bench: &mut Bench<'_>) -> Option<Seconds> {
        if self.stopped(bench) {
            return None;
        }
        let role =
            if self.repetitions() < self.case.workload.warm_up { Role::WarmUp } else { Role::Measured };
        match self.one_repetition(bench, role) {
            Ok(repetition) => {
                let time = repetition.end_to_end();
                self.measurement.repetitions.push(repetition);
                Some(time)
            }
            Err(failure) => {
                self.failure = Some(failure);
                None
            }
        }
    }

    fn stopped(&mut self, bench: &Bench<'_>) -> bool {
        if self.failure.is_none() && (bench.stop)() {
            self.failure = Some(interrupted());
        }
        self.failure.is_some()
    }

    fn fail(&mut self, stage: Stage, error: &EngineError) {
        self.failure = Some(Failure { stage, reason: error.to_string() });
    }

    fn one_repetition(&self, bench: &mut Bench<'_>, role: Role) -> Result<Repetition, Failure> {
        let failed = |error: &EngineError| Failure { stage: Stage::Generate, reason: error.to_string() };
        bench.engine.begin(&self.context).map_err(|error| failed(&error))?;
        let request =
            Request { prompts: self.prompts.clone(), output_tokens: self.case.workload.output_tokens };
        let steps = count_as_usize(request.output_tokens);
        let mut stamps: Vec<Moment> = Vec::with_capacity(steps);
        let mut tokens: Vec<u32> = Vec::with_capacity(steps * self.prompts.len());

        bench.probe.reset_peak();
        let before = bench.probe.usage();
        let energy_before = read_first(bench.meters);
        let (clock, stop) = (bench.clock, bench.stop);
        let started = clock.now();
        let result = bench.engine.generate(&request, &mut |step| {
            // The stamp comes first: nothing of ours stands between the token and its time.
            stamps.push(clock.now());
            tokens.extend_from_slice(step);
            if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let energy_after = read_first(bench.meters);
        let after = bench.probe.usage();

        result.map_err(|error| failed(&error))?;
        if stamps.len() < steps {
            return Err(if (bench.stop)() {
                interrupted()
            } else {
                let reason = format!("the engine stopped after {} of {steps} tokens", stamps.len());
                Failure { stage: Stage::Generate, reason }
            });
        }
        let difference = |a: Option<Joules>, b: Option<Joules>| Joules::new(b?.value() - a?.value()).ok();
        Ok(Repetition {
            index: self.repetitions(),
            role,
            started,
            first_token: started.until(stamps[0]),
            gaps: stamps.windows(2).map(|pair| pair[0].until(pair[1])).collect(),
            prompt_tokens: Tokens::new(self.case.workload.prompt_tokens),
            output_tokens: Tokens::new(index_as_u64(stamps.len())),
            batch: self.case.workload.batch,
            output_digest: fnv1a(&tokens),
            cpu: before.cpu.zip(after.cpu).and_then(|(before, after)| after.since(before)),
            energy: difference(energy_before, energy_after),
            peak_memory: bench.engine.device_memory_in_use().or(after.peak_resident),
        })
    }

    /// The record of what was measured so far; call it after every repetition to keep everything.
    pub fn record(
        &self,
        engine: &dyn Engine,
        inputs: &EnergyInputs<'_>,
        meters: &[Box<dyn Meter>],
    ) -> CaseRecord {
        let measurement = self.measurement.clone();
        let missing_rest = self.measurement.measured().next().is_none();
        let outcome = match &self.failure {
            Some(failure) => Outcome::Failed(failure.clone(), measurement),
            None if missing_rest => {
                let reason = "no repetition was finished".to_owned();
                Outcome::Failed(Failure { stage: Stage::Interrupted, reason }, measurement)
            }
            None => Outcome::Measured(measurement),
        };
        let device = engine.device();
        let energy = self.energy(&device, inputs, meters);
        let flags = self.flags(&energy);
        let observed = self.file.clone().map(|file| Observed {
            device,
            file,
            output_tokens: self.measurement.measured().next().map(|repetition| repetition.output_tokens),
        });
        CaseRecord { case: self.case.clone(), engine: engine.identity(), observed, outcome, energy, flags }
    }

    fn energy(&self, device: &Device, inputs: &EnergyInputs<'_>, meters: &[Box<dyn Meter>]) -> Energy {
        let measured: Vec<&Repetition> = self.measurement.measured().collect();
        let missing = |reason: &str, remedy: &str| {
            Energy::Missing(Missing { reason: reason.to_owned(), remedy: remedy.to_owned() })
        };
        if measured.is_empty() {
            return missing("nothing was measured", "see why the case failed");
        }
        if let Some(meter) = meters.first() {
            let sum = measured.iter().try_fold(0.0, |sum, r| r.energy.map(|energy| sum + energy.value()));
            return match sum.and_then(|sum| Joules::new(sum).ok()) {
                Some(joules) => {
                    Energy::Measured { joules, scope: meter.scope(), meter: meter.id().to_owned() }
                }
                None => missing("a meter reading failed or its counter was reset", "run the case again"),
            };
        }
        if matches!(device, Device::Cuda { .. }) {
            let reason = "this version does not read the graphics card's energy counter, and a card's rated power is \
                          no estimate of what it draws";
            return missing(reason, "read an external wall meter beside the run");
        }
        match utilisation(&measured, inputs.machine.logical_cpus) {
            Some(load) => estimate(inputs.machine, load, inputs.ratings, inputs.assume_watts),
            None => missing("the processor time of this process cannot be read here", "read a wall meter"),
        }
    }

    fn flags(&self, energy: &Energy) -> Vec<Flag> {
        let digests: Vec<u64> = self.measurement.repetitions.iter().map(|r| r.output_digest).collect();
        let wide = Figures::new(&self.measurement)
            .and_then(|figures| figures.time_per_output_token.relative_half_width())
            .is_some_and(|half| half > WIDE_HALF_WIDTH);
        let raised = [
            (Flag::DebugBuild, cfg!(debug_assertions)),
            (Flag::EnergyEstimated, matches!(energy, Energy::Estimated { .. })),
            (Flag::OutputDiffers, digests.windows(2).any(|pair| pair[0] != pair[1])),
            (Flag::SingleProcessStart, self.measurement.measured().next().is_some()),
            (Flag::SyntheticWeights, self.file.as_ref().is_some_and(|file| file.weights.is_synthetic())),
            (Flag::TestShape, self.case.model.role == ModelRole::Test),
            (Flag::WideInterval, wide),
        ];
        raised.into_iter().filter_map(|(flag, is_raised)| is_raised.then_some(flag)).collect()
    }
}

/// Half-widths above this share of the estimate raise a flag.
const WIDE_HALF_WIDTH: f64 = 0.05;

fn interrupted() -> Failure {
    Failure { stage: Stage::Interrupted, reason: "stopped by the user; what was finished is kept".to_owned() }
}

fn read_first(meters: &mut [Box<dyn Meter>]) -> Option<Joules> {
    meters.first_mut().and_then(|meter| meter.read().ok())
}

/// Busy processors over all processors while requests ran; `None` where processor time is unknown.
fn utilisation(measured: &[&Repetition], logical_cpus: u64) -> Option<Ratio> {
    let cpu = measured.iter().try_fold(0.0, |sum, r| r.cpu.map(|cpu| sum + cpu.value()))?;
    let wall: f64 = measured.iter().map(|repetition| repetition.end_to_end().value()).sum();
    Ratio::new(cpu / (wall * count_as_f64(logical_cpus))).ok()
}

/// Token ids for one row, below the vocabulary's size and clear of the special tokens at its end.
fn prompt(case: &Case, tokens: u64, salt: u64) -> Vec<u32> {
    use rand_xoshiro::rand_core::{RngCore, SeedableRng};
    let vocab = case.model.shape.vocab;
    let plain = (vocab - vocab / 16).max(1);
    let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(PROMPT_SEED ^ salt);
    (0..tokens).map(|_| u32::try_from(rng.next_u64() % plain).unwrap_or(0)).collect()
}

/// FNV-1a over the token ids, 64 bits (Fowler, Noll, Vo): tells two answers apart, nothing more.
fn fnv1a(tokens: &[u32]) -> u64 {
    tokens.iter().flat_map(|token| token.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ScriptedClock;
    use crate::engine::{Scripted, ScriptedEngine};
    use crate::hardware::ProcessUsage;
    use crate::meter::{MeterError, ScriptedMeter};
    use crate::model::{Registry, Weights};
    use crate::units::Bytes;
    use crate::workload::{Plan, WorkloadBook};

    struct Probe {
        cpu_seconds: f64,
    }

    impl ProcessProbe for Probe {
        fn reset_peak(&mut self) {}

        fn usage(&mut self) -> ProcessUsage {
            self.cpu_seconds += 0.5;
            ProcessUsage { cpu: Seconds::new(self.cpu_seconds).ok(), peak_resident: Some(Bytes::new(1_000)) }
        }
    }

    fn tiny() -> Case {
        let registry = Registry::parse("models.toml", include_str!("../models.toml")).unwrap();
        let book = WorkloadBook::parse("workloads.toml", include_str!("../workloads.toml")).unwrap();
        Plan::smoke_test(&registry, &book).unwrap().cases()[0].clone()
    }

    fn file() -> ModelFile {
        ModelFile { weights: Weights::Synthetic { seed: 1 }, sha256: "00".into(), bytes: Bytes::new(1) }
    }

    fn machine() -> Machine {
        Machine {
            cpu: "AMD EPYC 7763 64-Core Processor".into(),
            cpu_id: None,
            logical_cpus: 2,
            cpu_features: vec![],
            memory: None,
            gpus: vec![],
            virtual_machine: Some(true),
        }
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
        let mut probe = Probe { cpu_seconds: 0.0 };
        let mut meters = meters;
        let asked = std::cell::Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            stop_after.is_some_and(|limit| asked.get() > limit)
        };
        let mut case = CaseRun::new(tiny(), Ok(file()));
        {
            let mut bench = Bench {
                engine: &mut engine,
                clock: &clock,
                probe: &mut probe,
                meters: &mut meters,
                stop: &stop,
            };
            case.load(&mut bench);
            for _ in 0..=repetitions {
                case.repeat(&mut bench);
            }
        }
        let ratings = Ratings::parse("hardware.toml", include_str!("../ledger/hardware.toml")).unwrap();
        let inputs = EnergyInputs { machine: &machine(), ratings: &ratings, assume_watts: None };
        case.record(&engine, &inputs, &meters)
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
    fn energy_without_a_meter_is_a_labelled_range() {
        let record = run(Scripted::default(), 2, None, vec![]);
        assert!(matches!(record.energy, Energy::Estimated { .. }), "{:?}", record.energy);
        assert!(
            record.flags.contains(&Flag::EnergyEstimated) && record.flags.contains(&Flag::SyntheticWeights)
        );
    }

    #[test]
    fn a_meter_gives_the_sum_over_measured_repetitions() {
        // Edges of the warm-up, then of two measured repetitions: 5 J and 7 J.
        let readings =
            [0.0, 100.0, 100.0, 105.0, 110.0, 117.0].map(|joules| Ok(Joules::new(joules).unwrap()));
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
            Outcome::Measured(_) => panic!("a failed load was measured"),
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
    fn different_answers_to_one_prompt_raise_a_flag() {
        let record = run(Scripted { answers_differ: true, ..Default::default() }, 2, None, vec![]);
        assert!(record.flags.contains(&Flag::OutputDiffers));
        assert!(!run(Scripted::default(), 2, None, vec![]).flags.contains(&Flag::OutputDiffers));
    }

    #[test]
    fn a_missing_checkpoint_fails_in_preparation() {
        let engine = ScriptedEngine::default();
        let ratings = Ratings::parse("hardware.toml", include_str!("../ledger/hardware.toml")).unwrap();
        let inputs = EnergyInputs { machine: &machine(), ratings: &ratings, assume_watts: None };
        let record = CaseRun::new(tiny(), Err("disk full".into())).record(&engine, &inputs, &[]);
        let Outcome::Failed(failure, _) = &record.outcome else { panic!("not failed") };
        assert_eq!((failure.stage, failure.reason.as_str()), (Stage::Prepare, "disk full"));
        assert_eq!(record.observed, None);
    }

    #[test]
    fn prompts_are_fixed_and_inside_the_vocabulary() {
        let case = tiny();
        assert_eq!(prompt(&case, 8, 0), prompt(&case, 8, 0));
        assert_ne!(prompt(&case, 8, 0), prompt(&case, 8, 1));
        assert!(prompt(&case, 100, 0).iter().all(|&token| u64::from(token) < case.model.shape.vocab));
    }
}
