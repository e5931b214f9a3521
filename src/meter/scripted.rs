//! The twin for tests: counts what its script says.

use std::collections::VecDeque;

use super::{Meter, MeterError};
use crate::measurement::EnergyScope;
use crate::units::Joules;

/// A meter that answers from a list.
#[derive(Debug)]
pub struct ScriptedMeter {
    readings: VecDeque<Result<Joules, MeterError>>,
}

impl ScriptedMeter {
    /// Answers `readings` in order; after the last it is gone.
    pub fn new(readings: impl IntoIterator<Item = Result<Joules, MeterError>>) -> Self {
        Self { readings: readings.into_iter().collect() }
    }
}

impl Meter for ScriptedMeter {
    fn id(&self) -> &'static str {
        "scripted"
    }

    fn scope(&self) -> EnergyScope {
        EnergyScope::CpuPackage
    }

    fn read(&mut self) -> Result<Joules, MeterError> {
        let gone = MeterError::Unreadable { meter: "scripted".into(), problem: "no reading left".into() };
        self.readings.pop_front().unwrap_or(Err(gone))
    }
}
