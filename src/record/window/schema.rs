//! The types of a window in the run file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the system counted during one repetition; `null` where it does not tell.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct WindowFile {
    /// Processor time that the hypervisor gave to others, over all processors.
    pub steal_seconds: Option<f64>,
    /// Processor time that was not this process's, over all processors.
    pub foreign_cpu_seconds: Option<f64>,
    /// Memory moved to or from swap.
    pub swapped_bytes: Option<u64>,
    /// Time during which some process waited for memory.
    pub memory_stall_seconds: Option<f64>,
    /// Time during which a control group's quota held processors back, over all processors.
    pub quota_stall_seconds: Option<f64>,
    /// Times a processor was slowed because of its heat.
    pub thermal_throttles: Option<u64>,
    /// Time the machine was suspended.
    pub suspended_seconds: Option<f64>,
    /// Whether a battery was drained at the end.
    pub on_battery: Option<bool>,
}
