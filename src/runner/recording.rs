//! What a case's samples become in the run file: outcome, energy, figures and flags.

use super::{CaseRun, Ending};
use crate::engine::Engine;
use crate::hardware::{Ceilings, Device, Environment, Machine};
use crate::measurement::{
    CaseRecord, Energy, Evidence, Failure, Figures, Flag, Missing, Observed, Outcome, Repetition, Stage,
};
use crate::meter::{Meter, Ratings, estimate};
use crate::units::{Joules, Ratio, Watts, count_as_f64};

/// What a record needs beside the samples: the build, and what the energy of a case without a meter is estimated from.
#[derive(Clone, Copy, Debug)]
pub struct RecordInputs<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// Its state.
    pub environment: &'a Environment,
    /// What is known of processors.
    pub ratings: &'a Ratings,
    /// A rated power the user states.
    pub assume_watts: Option<Watts>,
    /// What the device can do, where it was measured.
    pub ceilings: Option<&'a Ceilings>,
    /// `release` or `debug`: how this program was built.
    pub profile: &'a str,
}

impl CaseRun {
    /// The record of what was measured so far; call it after every repetition to keep everything.
    pub fn record(
        &self,
        engine: &dyn Engine,
        inputs: &RecordInputs<'_>,
        meters: &[Box<dyn Meter>],
    ) -> CaseRecord {
        let measurement = self.measurement.clone();
        let outcome = match &self.ending {
            Some(Ending::Finished) => Outcome::Measured(measurement),
            Some(Ending::Failed(failure)) => Outcome::Failed(failure.clone(), measurement),
            Some(Ending::Skipped(skip)) => Outcome::Skipped(skip.clone()),
            None => Outcome::Failed(Failure::new(Stage::Interrupted, UNDER_WAY), measurement),
        };
        let device = engine.device();
        let energy = self.energy(&device, inputs, meters);
        let observed = self.file.clone().map(|file| Observed {
            device,
            file,
            output_tokens: self.measurement.measured().next().map(|repetition| repetition.output_tokens),
        });
        let figures = Figures::new(outcome.measurement());
        let engine = engine.identity();
        let flags = Flag::raised(&Evidence {
            case: &self.case,
            kv_value_bytes: engine.kv_value_bytes,
            observed: observed.as_ref(),
            measurement: outcome.measurement(),
            figures: figures.as_ref(),
            energy: &energy,
            machine: inputs.machine,
            environment: inputs.environment,
            ceilings: inputs.ceilings,
            profile: inputs.profile,
        });
        let case = self.case.clone();
        CaseRecord { case, engine, observed, outcome, figures, energy, flags }
    }

    fn energy(&self, device: &Device, inputs: &RecordInputs<'_>, meters: &[Box<dyn Meter>]) -> Energy {
        let measured: Vec<&Repetition> = self.measurement.measured().collect();
        let missing = |reason: &str, remedy: &str| {
            Energy::Missing(Missing { reason: reason.to_owned(), remedy: remedy.to_owned() })
        };
        if measured.is_empty() {
            return missing("nothing was measured", "see why the case failed or was skipped");
        }
        if let Some(meter) = meters.first() {
            let sum = measured.iter().try_fold(0.0, |sum, r| r.energy.map(|energy| sum + energy.value()));
            return match sum.and_then(|sum| Joules::new(sum).ok()) {
                Some(joules) => Energy::Measured {
                    joules,
                    scope: meter.scope(),
                    meter: meter.id().to_owned(),
                    mean_power: mean_power(&measured),
                    power_limit: meter.power_limit(),
                },
                None => missing("a meter reading failed or its counter was reset", "run the case again"),
            };
        }
        if matches!(device, Device::Cuda { .. }) {
            let reason = "this version does not read the graphics card's energy counter, and a card's rated power is \
                          no estimate of what it draws";
            return missing(reason, "read an external wall meter beside the run");
        }
        match utilisation(&measured, inputs.machine.logical_cpus) {
            Some(load) => {
                estimate(inputs.machine, inputs.environment, load, inputs.ratings, inputs.assume_watts)
            }
            None => missing("the processor time of this process cannot be read here", "read a wall meter"),
        }
    }
}

/// What the record of a case says while it is measured; it stays if the process is killed.
const UNDER_WAY: &str = "the process ended in the middle of this case; what was finished is kept";

/// The powers that were read while each repetition ran, weighted by their times; `None` if one was not read.
fn mean_power(measured: &[&Repetition]) -> Option<Watts> {
    let time = |repetition: &Repetition| repetition.end_to_end().value();
    let sum = measured.iter().try_fold(0.0, |sum, r| Some(sum + r.mean_power?.value() * time(r)))?;
    Watts::new(sum / measured.iter().map(|repetition| time(repetition)).sum::<f64>()).ok()
}

/// Busy processors over all processors while requests ran; `None` where processor time is unknown.
fn utilisation(measured: &[&Repetition], logical_cpus: u64) -> Option<Ratio> {
    let cpu = measured.iter().try_fold(0.0, |sum, r| r.cpu.map(|cpu| sum + cpu.value()))?;
    let wall: f64 = measured.iter().map(|repetition| repetition.end_to_end().value()).sum();
    Ratio::new(cpu / (wall * count_as_f64(logical_cpus))).ok()
}
