//! The only reader of time: a monotonic clock for durations, and UTC for the date of a run.

#![expect(clippy::disallowed_methods, reason = "this file is the one door to the system's clocks")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Instant, SystemTime};

use crate::units::Seconds;

/// A point on a monotonic clock, in nanoseconds since that clock was made.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Moment(u64);

impl Moment {
    /// A moment this many nanoseconds after its clock's origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds after its clock's origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The clock's origin.
    pub const ORIGIN: Self = Self(0);

    /// Time from `self` to `later`; zero if `later` is not later. Resolution 1 ns, subtracted as integers.
    pub fn until(self, later: Self) -> Seconds {
        let nanos = later.0.saturating_sub(self.0);
        Seconds::new(crate::units::count_as_f64(nanos) / 1e9).expect("a u64 over a constant is finite")
    }
}

/// Source of all time stamps of a run.
pub trait Clock {
    /// Now, on a clock that never runs backwards.
    fn now(&self) -> Moment;

    /// Now, as seconds of the Unix epoch (UTC); for dates, never for durations.
    fn unix_seconds(&self) -> i64;
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose origin is now.
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment(u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn unix_seconds(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
    }
}

/// The twin for tests: answers with the moments it was given, then advances by a fixed step.
#[derive(Debug)]
pub struct ScriptedClock {
    moments: RefCell<VecDeque<Moment>>,
    last: RefCell<Moment>,
    step_nanos: u64,
    unix_seconds: i64,
}

impl ScriptedClock {
    /// Answers `moments` in order, then goes on in steps of `step_nanos`; the date is always `unix_seconds`.
    pub fn new(moments: impl IntoIterator<Item = Moment>, step_nanos: u64, unix_seconds: i64) -> Self {
        Self {
            moments: RefCell::new(moments.into_iter().collect()),
            last: RefCell::new(Moment::ORIGIN),
            step_nanos,
            unix_seconds,
        }
    }
}

impl Clock for ScriptedClock {
    fn now(&self) -> Moment {
        let mut last = self.last.borrow_mut();
        *last =
            self.moments.borrow_mut().pop_front().unwrap_or(Moment(last.0.saturating_add(self.step_nanos)));
        *last
    }

    fn unix_seconds(&self) -> i64 {
        self.unix_seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripted_clock_follows_its_script_and_then_steps() {
        let clock = ScriptedClock::new([Moment(5), Moment(9)], 100, 0);
        assert_eq!([clock.now(), clock.now(), clock.now(), clock.now()].map(|m| m.0), [5, 9, 109, 209]);
    }

    #[test]
    fn differences_keep_nanoseconds_far_from_the_origin() {
        // Subtracting seconds held as f64 would round here: 2^53 ns are only 104 days.
        let start = Moment(9_007_199_254_740_993);
        let end = Moment(9_007_199_254_740_994);
        assert!((start.until(end).value() - 1e-9).abs() < 1e-20);
    }

    #[test]
    fn the_system_clock_does_not_run_backwards() {
        let clock = SystemClock::new();
        let first = clock.now();
        assert!(clock.now() >= first);
        assert!(clock.unix_seconds() > 1_700_000_000);
    }
}
