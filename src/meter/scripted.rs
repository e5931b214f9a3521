//! The twin for tests: counts what its script says.

use std::collections::VecDeque;

use super::{Meter, MeterError};
use crate::measurement::EnergyScope;
use crate::units::{Joules, Watts};

/// A meter that answers from a list.
#[derive(Debug)]
pub struct ScriptedMeter {
    readings: VecDeque<Result<Joules, MeterError>>,
    mean_power: Option<Watts>,
    power_limit: Option<Watts>,
}

impl ScriptedMeter {
    /// Answers `readings` in order; after the last it is gone.
    pub fn new(readings: impl IntoIterator<Item = Result<Joules, MeterError>>) -> Self {
        Self { readings: readings.into_iter().collect(), mean_power: None, power_limit: None }
    }

    /// The same, which always reads this power and knows this limit.
    #[must_use]
    pub fn with_power(self, mean_power: Watts, power_limit: Watts) -> Self {
        Self { mean_power: Some(mean_power), power_limit: Some(power_limit), ..self }
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

    fn mean_power(&mut self) -> Option<Watts> {
        self.mean_power
    }

    fn power_limit(&self) -> Option<Watts> {
        self.power_limit
    }
}
