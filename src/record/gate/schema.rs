//! The types of the gate in the run file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the logits compare with those of the plain computation.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "result")]
pub(in crate::record) enum GateFile {
    /// Within the tolerance.
    Passed {
        /// Positions compared.
        positions: u64,
        /// Positions where both find the same token the most likely.
        same_top: u64,
        /// Root mean square of the difference of all logits, over the standard deviation of the plain computation's.
        distance: f64,
        /// The largest distance that rounding explains.
        tolerance: f64,
    },
    /// Not: the case has no figures. Keys as for `passed`.
    TooFar { positions: u64, same_top: u64, distance: f64, tolerance: f64 },
    /// A logit, or the distance, was no finite number: the case has no figures.
    NotFinite,
    /// There was nothing to compare with.
    NotComputed { reason: NotGatedFile },
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "why")]
pub(in crate::record) enum NotGatedFile {
    /// The plain computation needs more memory than was free.
    Memory { needed_bytes: u64, free_bytes: u64 },
    /// The time budget had no room left for it.
    Budget { needed_seconds: f64, left_seconds: f64 },
    /// The engine has no logits to show.
    Engine,
}
