//! The gate in the run file: its types, its way there and back, and what may stand beside it.

mod schema;

pub(super) use schema::GateFile;

use crate::measurement::{GATED_SINCE_METHOD, Gate, GateDistance, GateFault, NotGated, Outcome, Stage};
use crate::units::{Bytes, Ratio, Seconds};
use schema::NotGatedFile;

impl From<Gate> for GateFile {
    fn from(gate: Gate) -> Self {
        let parts =
            |d: GateDistance| (d.positions(), d.same_top(), d.distance().value(), d.tolerance().value());
        match gate {
            Gate::Passed(compared) => {
                let (positions, same_top, distance, tolerance) = parts(compared);
                Self::Passed { positions, same_top, distance, tolerance }
            }
            Gate::Failed(GateFault::TooFar(compared)) => {
                let (positions, same_top, distance, tolerance) = parts(compared);
                Self::TooFar { positions, same_top, distance, tolerance }
            }
            Gate::Failed(GateFault::NotFinite) => Self::NotFinite,
            Gate::NotComputed(reason) => Self::NotComputed { reason: reason.into() },
        }
    }
}

impl From<NotGated> for NotGatedFile {
    fn from(reason: NotGated) -> Self {
        match reason {
            NotGated::Memory { needed, free } => {
                Self::Memory { needed_bytes: needed.count(), free_bytes: free.count() }
            }
            NotGated::Budget { needed, left } => {
                Self::Budget { needed_seconds: needed.value(), left_seconds: left.value() }
            }
            NotGated::Engine => Self::Engine,
        }
    }
}

impl GateFile {
    /// The gate, or why its numbers do not give the result that is stated.
    pub(super) fn gate(self) -> Result<Gate, String> {
        match self {
            Self::Passed { positions, same_top, distance, tolerance } => {
                match compared(positions, same_top, distance, tolerance)? {
                    gate @ Gate::Passed(_) => Ok(gate),
                    _ => Err(format!("it did not pass: {distance} is more than {tolerance}")),
                }
            }
            Self::TooFar { positions, same_top, distance, tolerance } => {
                match compared(positions, same_top, distance, tolerance)? {
                    gate @ Gate::Failed(_) => Ok(gate),
                    _ => Err(format!("it passed: {distance} is not more than {tolerance}")),
                }
            }
            Self::NotFinite => Ok(Gate::Failed(GateFault::NotFinite)),
            Self::NotComputed { reason } => Ok(Gate::NotComputed(reason.reason()?)),
        }
    }
}

fn compared(positions: u64, same_top: u64, distance: f64, tolerance: f64) -> Result<Gate, String> {
    let tolerance = Ratio::new(tolerance).map_err(|error| error.to_string())?;
    Gate::compared(positions, same_top, distance, tolerance)
}

impl NotGatedFile {
    fn reason(self) -> Result<NotGated, String> {
        let seconds = |value: f64| Seconds::new(value).map_err(|error| error.to_string());
        Ok(match self {
            Self::Memory { needed_bytes, free_bytes } => {
                NotGated::Memory { needed: Bytes::new(needed_bytes), free: Bytes::new(free_bytes) }
            }
            Self::Budget { needed_seconds, left_seconds } => {
                NotGated::Budget { needed: seconds(needed_seconds)?, left: seconds(left_seconds)? }
            }
            Self::Engine => NotGated::Engine,
        })
    }
}

/// Says why a gate, an outcome and a version of the method cannot all be of one case.
pub(super) fn contradiction(outcome: &Outcome, method_version: u32) -> Option<&'static str> {
    let measurement = outcome.measurement();
    let has_gates = method_version >= GATED_SINCE_METHOD;
    let at_gate = matches!(outcome, Outcome::Failed(failure, _) if failure.stage == Stage::Gate);
    match measurement.gate {
        None if has_gates && measurement.measured().next().is_some() => {
            Some("a case of this method has none and figures all the same")
        }
        Some(_) if !has_gates => Some("this version of the method had none"),
        Some(Gate::Failed(_)) if !at_gate => Some("it failed, and the case did not fail there"),
        Some(Gate::Passed(_) | Gate::NotComputed(_)) if at_gate => {
            Some("it did not fail, and the case did there")
        }
        _ if at_gate && !measurement.repetitions.is_empty() => {
            Some("a case that failed there has repetitions")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::digest::resealed;
    use super::super::{from_json, to_json};
    use crate::measurement::{
        Failure, Flag, Gate, GateFault, Measurement, NotGated, Outcome, Run, Stage, example_run,
    };
    use crate::units::{Bytes, Ratio, Seconds};

    fn compared(distance: f64) -> Gate {
        Gate::compared(32, 31, distance, Ratio::new(0.09).unwrap()).unwrap()
    }

    /// The example, with a gate on its measured case.
    fn measured_with(gate: Option<Gate>) -> Run {
        let mut run = example_run();
        let Outcome::Measured(measurement) = &mut run.cases[0].outcome else { panic!("it was measured") };
        measurement.gate = gate;
        run.derive();
        run
    }

    fn failed_with(gate: Gate) -> Run {
        let mut run = example_run();
        let measurement = Measurement { gate: Some(gate), ..Measurement::default() };
        run.cases[1].outcome = Outcome::Failed(Failure::new(Stage::Gate, "too far"), measurement);
        run
    }

    fn refused(run: &Run, change: impl Fn(&mut Value)) -> String {
        let mut value: Value = serde_json::from_str(&to_json(run)).unwrap();
        change(&mut value);
        from_json(&resealed(&value)).unwrap_err().to_string()
    }

    #[test]
    fn every_gate_comes_back_from_its_file() {
        let seconds = |value| Seconds::new(value).unwrap();
        let bytes = |gb: u64| Bytes::new(gb * 1_000_000_000);
        let reasons = [
            NotGated::Memory { needed: bytes(9), free: bytes(2) },
            NotGated::Budget { needed: seconds(60.5), left: seconds(9.25) },
            NotGated::Engine,
        ];
        let figures_stand = reasons.into_iter().map(|reason| Some(Gate::NotComputed(reason)));
        let figures_stand = figures_stand.chain([Some(compared(0.012))]).map(measured_with);
        let no_figures = [compared(0.4), Gate::Failed(GateFault::NotFinite)].map(failed_with);
        for run in figures_stand.chain(no_figures) {
            let read = from_json(&to_json(&run)).unwrap();
            for (read, written) in read.cases.iter().zip(&run.cases) {
                assert_eq!(read.outcome.measurement().gate, written.outcome.measurement().gate);
            }
            assert!(to_json(&read) == to_json(&run), "another file");
        }
    }

    #[test]
    fn a_file_from_before_there_were_gates_has_none() {
        let mut value: Value = serde_json::from_str(&to_json(&example_run())).unwrap();
        for case in value["cases"].as_array_mut().unwrap() {
            case.as_object_mut().unwrap().remove("gate");
        }
        let message = from_json(&resealed(&value)).unwrap_err().to_string();
        assert!(message.contains("gate: a case of this method has none and figures"), "{message}");
        value["provenance"]["method_version"] = 1.into();
        let read = from_json(&resealed(&value)).unwrap();
        assert!(read.cases.iter().all(|record| record.outcome.measurement().gate.is_none()));
    }

    #[test]
    fn figures_without_a_check_carry_the_flag() {
        assert!(
            measured_with(Some(Gate::NotComputed(NotGated::Engine))).cases[0].flags.contains(&Flag::NotGated)
        );
        assert!(!measured_with(Some(compared(0.012))).cases[0].flags.contains(&Flag::NotGated));
        let run = measured_with(Some(Gate::NotComputed(NotGated::Engine)));
        let made_up =
            json!({"result": "passed", "positions": 32, "same_top": 32, "distance": 0.0, "tolerance": 0.1});
        let message = refused(&run, |run| run["cases"][0]["gate"] = made_up.clone());
        assert!(message.contains("flags: do not follow"), "{message}");
    }

    #[test]
    fn a_file_from_before_there_were_gates_cannot_have_one() {
        let message = refused(&example_run(), |run| run["provenance"]["method_version"] = 1.into());
        assert!(message.contains("gate: this version of the method had none"), "{message}");
    }

    #[test]
    fn numbers_that_do_not_give_the_result_are_refused() {
        let run = measured_with(Some(compared(0.012)));
        for (key, value, problem) in [
            ("distance", json!(0.2), "it did not pass: 0.2 is more than 0.09"),
            ("distance", json!(-0.1), "not a finite amount"),
            ("tolerance", json!(-1.0), "not a finite amount"),
            ("positions", json!(0), "no position was compared"),
            ("same_top", json!(33), "the same token at 33 of 32 positions"),
            ("result", json!("too-far"), "it passed: 0.012 is not more than 0.09"),
            ("result", json!("fine"), "unknown variant"),
        ] {
            let message = refused(&run, |run| run["cases"][0]["gate"][key] = value.clone());
            assert!(message.contains(problem), "{key}: {message}");
        }
        // JSON has no NaN; what a broken writer would leave in its place is no number.
        let message = refused(&run, |run| run["cases"][0]["gate"]["distance"] = Value::Null);
        assert!(message.contains("invalid type: null"), "{message}");
    }

    #[test]
    fn a_gate_and_an_outcome_that_contradict_each_other_are_refused() {
        let too_far = serde_json::to_value(super::GateFile::from(compared(0.4))).unwrap();
        let message =
            refused(&measured_with(Some(compared(0.012))), |run| run["cases"][0]["gate"] = too_far.clone());
        assert!(message.contains("gate: it failed, and the case did not fail there"), "{message}");
        let passed = serde_json::to_value(super::GateFile::from(compared(0.012))).unwrap();
        let failed = failed_with(compared(0.4));
        let message = refused(&failed, |run| run["cases"][1]["gate"] = passed.clone());
        assert!(message.contains("gate: it did not fail, and the case did there"), "{message}");
        let message = refused(&failed, |run| {
            run["cases"][1]["repetitions"] = {
                let mut warm_up = run["cases"][0]["repetitions"][0].clone();
                warm_up["role"] = "warm-up".into();
                json!([warm_up])
            }
        });
        assert!(message.contains("gate: a case that failed there has repetitions"), "{message}");
    }
}
