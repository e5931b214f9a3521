//! Runs one case: loads, warm-up, repetitions. Engine, meters and clock in, a record out; no printing, no statistics.

mod answers;
mod recording;

use std::ops::ControlFlow;

use crate::clock::{Clock, Moment};
use crate::engine::{Checked, Engine, EngineError, Request};
use crate::hardware::ProcessProbe;
use crate::measurement::{
    Failure, Gate, LoadSample, Measurement, ModelFile, NotGated, Repetition, Role, Skip, Stage,
};
use crate::meter::Meter;
use crate::units::{Joules, Ratio, Seconds, Tokens, count_as_usize, index_as_u64};
use crate::workload::Case;

pub use answers::answer_limit;
pub use recording::RecordInputs;

/// Positions that the gate compares.
const GATE_POSITIONS: u64 = 32;

/// The seed of all token ids that are asked.
const PROMPT_SEED: u64 = 0x5eed;

/// What token ids are for; it keeps those of a prompt, a context and the gate apart.
#[derive(Clone, Copy)]
enum Purpose {
    /// The prompt with this number.
    Prompt(u64),
    Context,
    Gate,
}

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

/// One case while it runs. Its samples can be looked at after every step.
#[derive(Clone, Debug)]
pub struct CaseRun {
    case: Case,
    file: Option<ModelFile>,
    measurement: Measurement,
    process_start: u64,
    ending: Option<Ending>,
}

/// How a case ended; as long as it has not, its record says that the run stopped in the middle of it.
#[derive(Clone, Debug)]
enum Ending {
    Finished,
    Failed(Failure),
    Skipped(Skip),
}

impl CaseRun {
    /// A case with its checkpoint, or with the reason why there is none.
    pub fn new(case: Case, file: Result<ModelFile, String>) -> Self {
        Self::resumed(case, file, Measurement::default(), 0)
    }

    /// A case that an earlier process began, with what that process measured. `process_start` counts the processes of
    /// the run from 0.
    pub fn resumed(
        case: Case,
        file: Result<ModelFile, String>,
        measurement: Measurement,
        process_start: u64,
    ) -> Self {
        let (file, ending) = match file {
            Ok(file) => (Some(file), None),
            Err(reason) => (None, Some(Ending::Failed(Failure::new(Stage::Prepare, &reason)))),
        };
        Self { case, file, measurement, process_start, ending }
    }

    /// A case whose turn has not come.
    pub fn waiting(case: Case) -> Self {
        Self::ended(case, Ending::Failed(Failure::new(Stage::NotStarted, NOT_STARTED)))
    }

    /// A case that is not tried.
    pub fn skipped(case: Case, skip: Skip) -> Self {
        Self::ended(case, Ending::Skipped(skip))
    }

    fn ended(case: Case, ending: Ending) -> Self {
        let measurement = Measurement::default();
        Self { case, file: None, measurement, process_start: 0, ending: Some(ending) }
    }

    /// The case.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// True once the case was finished, failed, was interrupted or skipped; further steps do nothing.
    pub fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// Says that no further repetition is wanted. Until then the record calls the case interrupted, so that a process
    /// that is killed leaves no case that looks whole.
    pub fn finish(&mut self) {
        if self.ending.is_none() {
            self.ending = Some(if self.measured() == 0 {
                Ending::Failed(Failure::new(Stage::Interrupted, "no repetition was finished"))
            } else {
                Ending::Finished
            });
        }
    }

    /// The samples so far.
    pub fn measurement(&self) -> &Measurement {
        &self.measurement
    }

    /// Repetitions so far, warm-up included.
    pub fn repetitions(&self) -> u64 {
        index_as_u64(self.measurement.repetitions.len())
    }

    /// Measured repetitions so far.
    pub fn measured(&self) -> u64 {
        index_as_u64(self.measurement.measured().count())
    }

    /// Loads so far.
    pub fn loads(&self) -> u64 {
        index_as_u64(self.measurement.loads.len())
    }

    /// What the next repetition will be: each process warms up anew.
    pub fn next_role(&self) -> Role {
        if self.in_this_process() < self.case.workload.warm_up { Role::WarmUp } else { Role::Measured }
    }

    /// Repetitions of this process so far, warm-up included.
    fn in_this_process(&self) -> u64 {
        let own = self.measurement.repetitions.iter().filter(|r| r.process_start == self.process_start);
        index_as_u64(own.count())
    }

    /// Measured repetitions of this process so far.
    pub fn measured_in_this_process(&self) -> u64 {
        let own = self.measurement.measured().filter(|r| r.process_start == self.process_start);
        index_as_u64(own.count())
    }

    /// Loads the model once and keeps the time.
    pub fn load(&mut self, bench: &mut Bench<'_>) {
        if self.stopped(bench) {
            return;
        }
        bench.engine.unload();
        let start = bench.clock.now();
        match bench.engine.load() {
            Ok(()) => {
                let duration = start.until(bench.clock.now());
                self.measurement.loads.push(LoadSample {
                    process_start: self.process_start,
                    started: start,
                    duration,
                });
            }
            Err(error) => self.fail(Stage::Load, &error),
        }
    }

    /// Takes over the newest load of another case that is measured with the same loaded model, or why it failed.
    pub fn share_load(&mut self, other: &Self) {
        if self.ending.is_none() {
            self.ending.clone_from(&other.ending);
            self.measurement.loads.extend(other.measurement.loads.last().filter(|_| other.ending.is_none()));
        }
    }

    /// True if the engine's logits were not compared yet, by this process or an earlier one of the run.
    pub fn needs_check(&self) -> bool {
        self.ending.is_none() && self.measurement.gate.is_none()
    }

    /// Takes over the comparison of another case that is measured with the same loaded model and batch.
    pub fn share_check(&mut self, other: &Self) {
        if self.needs_check() {
            match other.measurement.gate {
                Some(Gate::Failed(fault)) => self.fail_gate(Some(Gate::Failed(fault)), &fault.reason()),
                gate => {
                    self.measurement.gate = gate;
                    self.ending.clone_from(&other.ending);
                }
            }
        }
    }

    /// Compares the engine's logits with the plain path's, before anything is timed. A case whose logits differ ends here.
    pub fn check(&mut self, bench: &mut Bench<'_>) {
        if self.stopped(bench) {
            return;
        }
        let positions = GATE_POSITIONS.min(self.case.model.shape.max_positions);
        let row = |row| token_ids(&self.case, positions, Purpose::Gate, row);
        let rows: Vec<Vec<u32>> = (0..self.case.workload.batch).map(row).collect();
        let gate = match bench.engine.check(&rows) {
            Ok(checked) => gate(checked),
            Err(EngineError::Memory { needed, free, .. }) => {
                Ok(Gate::NotComputed(NotGated::Memory { needed, free }))
            }
            Err(error) => Err(error.to_string()),
        };
        match gate {
            Ok(gate) => self.pass(gate),
            Err(reason) => self.fail_gate(None, &reason),
        }
    }

    /// Goes on without the comparison.
    pub fn leave_unchecked(&mut self, why: NotGated) {
        if self.ending.is_none() {
            self.pass(Gate::NotComputed(why));
        }
    }

    fn pass(&mut self, gate: Gate) {
        match &gate {
            Gate::Failed(fault) => self.fail_gate(Some(gate), &fault.reason()),
            Gate::Passed(_) | Gate::NotComputed(_) => self.measurement.gate = Some(gate),
        }
    }

    /// Repetitions of an earlier process go too: they are of the same engine on the same machine, which was found wrong.
    fn fail_gate(&mut self, gate: Option<Gate>, reason: &str) {
        self.measurement.gate = gate;
        self.measurement.repetitions.clear();
        self.ending = Some(Ending::Failed(Failure::new(Stage::Gate, reason)));
    }

    /// Runs one repetition. The first `warm_up` of each process are marked as such. Returns its end-to-end time.
    pub fn repeat(&mut self, bench: &mut Bench<'_>) -> Option<Seconds> {
        if self.stopped(bench) {
            return None;
        }
        match self.one_repetition(bench, self.next_role()) {
            Ok(repetition) => {
                let time = repetition.end_to_end();
                self.measurement.repetitions.push(repetition);
                Some(time)
            }
            Err(failure) => {
                self.ending = Some(Ending::Failed(failure));
                None
            }
        }
    }

    fn stopped(&mut self, bench: &Bench<'_>) -> bool {
        if self.ending.is_none() && (bench.stop)() {
            self.ending = Some(Ending::Failed(interrupted()));
        }
        self.ending.is_some()
    }

    fn fail(&mut self, stage: Stage, error: &EngineError) {
        self.ending = Some(Ending::Failed(Failure::new(stage, &error.to_string())));
    }

    /// The token ids that one sequence of the batch asks in the `number`-th repetition of a process.
    fn prompt(&self, number: u64, row: u64) -> Vec<u32> {
        token_ids(&self.case, self.case.workload.prompt_tokens, Purpose::Prompt(number), row)
    }

    fn one_repetition(&self, bench: &mut Bench<'_>, role: Role) -> Result<Repetition, Failure> {
        let failed = |error: &EngineError| Failure::new(Stage::Generate, &error.to_string());
        let workload = &self.case.workload;
        let number = self.in_this_process();
        let prompts: Vec<Vec<u32>> = (0..workload.batch).map(|row| self.prompt(number, row)).collect();
        let context: Vec<Vec<u32>> = (0..workload.batch)
            .map(|row| token_ids(&self.case, workload.context_depth, Purpose::Context, row))
            .collect();
        let request = Request { prompts, output_tokens: workload.output_tokens };
        bench.engine.begin(&context, &request).map_err(|error| failed(&error))?;
        let steps = count_as_usize(request.output_tokens);
        let mut stamps: Vec<Moment> = Vec::with_capacity(steps);
        let mut tokens: Vec<u32> = Vec::with_capacity(steps * request.prompts.len());

        bench.probe.reset_peak();
        let before = bench.probe.usage();
        let counted_before = bench.probe.snapshot();
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
        let counted_after = bench.probe.snapshot();
        let after = bench.probe.usage();

        result.map_err(|error| failed(&error))?;
        if stamps.len() < steps {
            return Err(if (bench.stop)() {
                interrupted()
            } else {
                let reason = format!("the engine stopped after {} of {steps} tokens", stamps.len());
                Failure::new(Stage::Generate, &reason)
            });
        }
        let difference = |a: Option<Joules>, b: Option<Joules>| Joules::new(b?.value() - a?.value()).ok();
        Ok(Repetition {
            index: self.repetitions(),
            role,
            process_start: self.process_start,
            prompt: number,
            started,
            first_token: started.until(stamps[0]),
            gaps: stamps.windows(2).map(|pair| pair[0].until(pair[1])).collect(),
            prompt_tokens: Tokens::new(self.case.workload.prompt_tokens),
            output_tokens: Tokens::new(index_as_u64(stamps.len())),
            batch: self.case.workload.batch,
            output_digest: fnv1a(&tokens),
            cpu: before.cpu.zip(after.cpu).and_then(|(before, after)| after.since(before)),
            energy: difference(energy_before, energy_after),
            mean_power: bench.meters.first_mut().and_then(|meter| meter.mean_power()),
            peak_memory: bench.engine.device_memory_in_use().or(after.peak_resident),
            window: counted_before.until(&counted_after),
        })
    }
}

/// What the record of a case says before its turn comes.
const NOT_STARTED: &str = "the run ended before this case began";

fn interrupted() -> Failure {
    Failure::new(Stage::Interrupted, "stopped by the user; what was finished is kept")
}

/// What the engine's comparison means for the case.
fn gate(checked: Option<Checked>) -> Result<Gate, String> {
    let Some(checked) = checked else { return Ok(Gate::NotComputed(NotGated::Engine)) };
    let distance = if checked.finite { checked.distance } else { f64::NAN };
    let tolerance = Ratio::new(checked.tolerance).map_err(|error| error.to_string())?;
    Gate::compared(checked.positions, checked.same_top, distance, tolerance)
}

fn read_first(meters: &mut [Box<dyn Meter>]) -> Option<Joules> {
    meters.first_mut().and_then(|meter| meter.read().ok())
}

/// Token ids for one row, below the vocabulary's size and clear of the special tokens at its end. The same on every machine.
fn token_ids(case: &Case, tokens: u64, purpose: Purpose, row: u64) -> Vec<u32> {
    use rand_xoshiro::rand_core::{RngCore, SeedableRng};
    let vocab = case.model.shape.vocab;
    let plain = (vocab - vocab / 16).max(1);
    let (kind, number) = match purpose {
        Purpose::Prompt(number) => (0, number),
        Purpose::Context => (1, 0),
        Purpose::Gate => (2, 0),
    };
    let salt = kind << 62 | number << 24 | row;
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
mod tests;
