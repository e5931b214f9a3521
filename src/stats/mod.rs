//! Samples in, estimates with their intervals out. Pure: no clock, no file, and the only random numbers are seeded.
//!
//! No estimate travels without its interval or the reason why it has none, and each interval names its method and
//! the coverage it really has. The rules were chosen by the simulations in `tests/statistics`.

mod bootstrap;
mod burst;
mod difference;
mod drift;
mod estimate;
mod outlier;
mod percentile;
mod sample;
mod spread;
mod starts;
mod stopping;

pub use bootstrap::clustered_quantile;
pub use burst::{Burst, burst};
pub use difference::{
    Difference, FEWEST_STARTS, NoComparison, SmallestDifference, compare, smallest_difference,
};
pub use drift::{Drift, drift};
pub use estimate::{Estimate, Interval, IntervalMethod, NoInterval};
pub use outlier::{Outlier, classify};
pub use percentile::{NoPercentile, observations_for_percentile, supported_quantile, supports_percentile};
pub use sample::{EmptySample, Sample};
pub use spread::Spread;
pub use starts::Starts;
pub use stopping::{Part, Stopping};

/// The coverage every interval aims at.
pub const CONFIDENCE: f64 = 0.95;
