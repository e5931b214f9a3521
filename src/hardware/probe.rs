//! Tells what this process uses and what else happens on the machine; and the twin that tests script.

use std::collections::VecDeque;

use super::counters::Counters;
use super::window::Window;
use crate::units::{Bytes, Seconds};

/// What this process has used so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessUsage {
    /// Processor time, all threads, user and system. Resolution about 10 ms.
    pub cpu: Option<Seconds>,
    /// Largest resident set since [`ProcessProbe::reset_peak`] last succeeded, or since the process began.
    pub peak_resident: Option<Bytes>,
}

/// Tells what this process uses, and what the system has counted beside it.
pub trait ProcessProbe {
    /// Starts the peak of the resident set anew, where the system allows it (Linux 4.0 and later); elsewhere the peak
    /// stays the process's own since its start.
    fn reset_peak(&mut self);

    /// What this process has used so far.
    fn usage(&mut self) -> ProcessUsage;

    /// The system's counters as they stand now; [`Counters::until`] makes a window of two of them.
    fn snapshot(&mut self) -> Counters;
}

/// The twin for tests: every reading is one step of processor time after the last, the peak is always the same, and the
/// windows are scripted.
#[derive(Debug)]
pub struct ScriptedProbe {
    cpu: Seconds,
    step: Seconds,
    peak: Bytes,
    snapshots: VecDeque<Counters>,
}

impl ScriptedProbe {
    /// A probe that advances by `step` and always reports `peak`; its windows are unknown throughout.
    pub fn new(step: Seconds, peak: Bytes) -> Self {
        Self { cpu: Seconds::ZERO, step, peak, snapshots: VecDeque::new() }
    }

    /// The same, and each pair of snapshots has the next of `windows` between them, warm-up included; after the last one
    /// everything is unknown. Times are kept to 10 ms.
    #[must_use]
    pub fn seeing(mut self, windows: impl IntoIterator<Item = Window>) -> Self {
        self.snapshots.extend(windows.into_iter().flat_map(|window| Counters::around(&window)));
        self
    }
}

impl ProcessProbe for ScriptedProbe {
    fn reset_peak(&mut self) {}

    fn usage(&mut self) -> ProcessUsage {
        self.cpu = self.cpu.plus(self.step).unwrap_or(self.cpu);
        ProcessUsage { cpu: Some(self.cpu), peak_resident: Some(self.peak) }
    }

    fn snapshot(&mut self) -> Counters {
        self.snapshots.pop_front().unwrap_or_default()
    }
}
