//! Samples in, estimates with their intervals out. Pure: no clock, no file, and the only random numbers are seeded.
//!
//! No estimate travels without its interval or the reason why it has none, and each interval names its method and
//! the coverage it really has.

mod bootstrap;
mod estimate;
mod sample;
mod stopping;

pub use bootstrap::clustered_quantile;
pub use estimate::{Estimate, Interval, IntervalMethod, NoInterval};
pub use sample::{EmptySample, Sample};
pub use stopping::Stopping;

/// The coverage every interval aims at.
pub const CONFIDENCE: f64 = 0.95;
