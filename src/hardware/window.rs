//! What else happened on the machine during one window: the stretch of one request that counters and meters are read around.

use crate::units::{Bytes, Seconds};

/// What the system counted during one window. `None` is unknown, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Window {
    /// Processor time that the hypervisor gave to others while this machine wanted it, over all processors.
    pub steal: Option<Seconds>,
    /// Processor time of other processes and of the kernel's own work, over all processors: all busy time that is not this
    /// process's.
    pub foreign_cpu: Option<Seconds>,
    /// Memory that was moved to or from swap.
    pub swapped: Option<Bytes>,
    /// Time during which some process waited for memory.
    pub memory_stall: Option<Seconds>,
    /// Time during which a control group's processor quota held its processes back, over all processors: two that
    /// wait for 50 ms are 100 ms.
    pub quota_stall: Option<Seconds>,
    /// Times that a processor was slowed because of its heat.
    pub thermal_throttles: Option<u64>,
    /// Time the whole machine was suspended; a second or less counts as none.
    pub suspended: Option<Seconds>,
    /// Whether the machine ran on its battery at the end of the window.
    pub on_battery: Option<bool>,
}
