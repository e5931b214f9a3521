//! Energy meters behind one trait, and the estimate for processors without one.
//!
//! The estimate is a function, not a [`Meter`]: it has no reading, so it can never be stored as a measurement.
//! No provider of real meters exists yet; [`missing_meters`] says so, meter by meter, with what would help.

mod estimate;
mod rating;
mod scripted;
mod wire;

use crate::measurement::{EnergyScope, Missing};
use crate::units::{Joules, Watts};

pub use estimate::{estimate, unknown_processor};
pub use rating::{CpuFamily, CpuRating, EstimatorCurve, Ratings};
pub use scripted::ScriptedMeter;

/// A reading that failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MeterError {
    /// The meter is gone or refuses.
    #[error("{meter}: {problem}")]
    Unreadable {
        /// The meter.
        meter: String,
        /// What it said.
        problem: String,
    },
}

/// Something that counts joules.
pub trait Meter {
    /// Its name, as printed.
    fn id(&self) -> &str;

    /// What it covers.
    fn scope(&self) -> EnergyScope;

    /// Energy counted since some fixed moment; the runner subtracts two readings, each taken while the device is
    /// idle. A counter that went down between two readings was reset, and that window has no energy.
    fn read(&mut self) -> Result<Joules, MeterError>;

    /// Mean power since the last [`Self::read`], by another way than that counter; `None` if there is no other. The two are held
    /// against each other.
    fn mean_power(&mut self) -> Option<Watts> {
        None
    }

    /// The power that the device is allowed to draw; `None` if the meter does not tell.
    fn power_limit(&self) -> Option<Watts> {
        None
    }
}

/// The meters this version cannot read, and why.
pub fn missing_meters() -> Vec<(String, Missing)> {
    let none = |reason: &str| Missing {
        reason: reason.to_owned(),
        remedy: "read an external wall meter beside the run; built-in meters are planned".to_owned(),
    };
    vec![
        ("rapl".to_owned(), none("this version does not read the processor's energy counters")),
        ("nvml".to_owned(), none("this version does not read the graphics card's energy counter")),
        ("wall".to_owned(), none("no external meter is connected to this version")),
    ]
}
