//! The state a machine is in while it is measured, and the limits it is used within.

use crate::clock::Clock;
use crate::units::Bytes;

/// Readings of the clock that its step is taken from.
const READINGS: u64 = 1_000;

/// Readings after which a clock that did not move is given up.
const MOST_READINGS: u64 = 10_000_000;

/// What may change from one run to the next on the same machine. What cannot be read is `None`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Environment {
    /// Operating system and version.
    pub os: Option<String>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Frequency governor of the first processor.
    pub cpu_governor: Option<String>,
    /// Instruction sets that matter to a matrix kernel, sorted; a hypervisor or a kernel may hide some.
    pub cpu_features: Vec<String>,
    /// True if a hypervisor announces itself.
    pub virtual_machine: Option<bool>,
    /// Processors this process may run on, as its affinity says.
    pub allowed_cpus: Option<u64>,
    /// The tightest processor limit of the control groups of this process, in thousandths of a processor; `None` without a limit.
    pub cpu_quota_milli: Option<u64>,
    /// Main memory that the kernel leaves to programs.
    pub memory: Option<Bytes>,
    /// The tightest memory limit of the control groups of this process; `None` without a limit.
    pub memory_limit: Option<Bytes>,
    /// Driver of the graphics cards.
    pub gpu_driver: Option<String>,
    /// The smallest step that the clock of the measurement was seen to make, in nanoseconds, see [`clock_step`].
    pub clock_step_nanoseconds: Option<u64>,
}

/// The smallest positive difference between consecutive readings of a clock, in nanoseconds.
///
/// It is taken from 1,000 readings, and from more where the clock stood still in all of them. Two readings take time too,
/// so a clock finer than a reading shows the time of one reading: an upper bound. `None` for a clock that never moves.
pub fn clock_step(clock: &dyn Clock) -> Option<u64> {
    let mut smallest = None;
    let mut before = clock.now().nanos();
    for reading in 1..=MOST_READINGS {
        let now = clock.now().nanos();
        let step = now.saturating_sub(before);
        if step > 0 {
            smallest = Some(smallest.map_or(step, |known: u64| known.min(step)));
        }
        before = now;
        if reading >= READINGS && smallest.is_some() {
            break;
        }
    }
    smallest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Moment, ScriptedClock, SystemClock};

    fn stepped(moments: impl IntoIterator<Item = u64>, then: u64) -> Option<u64> {
        clock_step(&ScriptedClock::new(moments.into_iter().map(Moment::from_nanos), then, 0))
    }

    #[test]
    fn the_smallest_step_counts_and_standing_still_does_not() {
        assert_eq!(stepped([0, 100, 100, 140, 300], 50), Some(40));
        assert_eq!(stepped([7; 5], 15), Some(15));
    }

    #[test]
    fn a_clock_coarser_than_a_thousand_readings_is_waited_for() {
        let coarse = (0..5_000).map(|reading| reading / 2_000 * 15_625_000);
        assert_eq!(stepped(coarse, 0), Some(15_625_000));
    }

    #[test]
    fn the_clock_of_this_machine_moves() {
        assert!(clock_step(&SystemClock::new()).is_some_and(|step| step < 1_000_000_000));
    }
}
