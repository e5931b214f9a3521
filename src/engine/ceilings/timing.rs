//! Times passes on a device: the shortest of several, each finished before the clock is read.

use candle_core::Device;

use super::positive;
use crate::clock::Clock;
use crate::units::{Seconds, count_as_f64, rounded_u64};

/// When enough passes were timed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Passes {
    /// At least so many, unless one alone takes longer than all may.
    pub(super) least: u64,
    /// No further one begins after so long.
    pub(super) enough: f64,
    /// A pass repeats its work until it takes so long, since each ends in waiting for the device.
    pub(super) shortest: f64,
}

impl Passes {
    pub(super) const fn usual() -> Self {
        Self { least: 3, enough: 0.08, shortest: 0.01 }
    }

    #[cfg(test)]
    pub(super) const fn tiny() -> Self {
        Self { least: 1, enough: 0.0, shortest: 0.0 }
    }
}

/// The most often that a pass repeats its work.
const MOST_REPEATS: u64 = 1_000;

/// A clock and the device that must be idle when it is read.
pub(super) struct Stopwatch<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) device: &'a Device,
    /// Threads of a processor.
    pub(super) threads: usize,
    pub(super) passes: Passes,
}

/// The shortest time of one piece of work, and how many passes were timed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shortest {
    pub(super) time: Seconds,
    pub(super) passes: u64,
}

impl Stopwatch<'_> {
    /// Times `work` after one pass that is not: it pays for what is made at first use. Fails with the reason why there is no
    /// time.
    pub(super) fn shortest(
        &self,
        mut work: impl FnMut() -> candle_core::Result<()>,
    ) -> Result<Shortest, String> {
        let mut pass = |repeats: u64| {
            self.device.synchronize()?;
            let start = self.clock.now();
            for _ in 0..repeats {
                work()?;
            }
            self.device.synchronize()?;
            Ok(start.until(self.clock.now()))
        };
        let mut pass = |repeats| pass(repeats).map_err(|error| super::first_line(&error));
        pass(1)?;
        let once = pass(1)?;
        let Some(once) = positive(once) else { return Err(STOPPED.to_owned()) };
        let wanted = (self.passes.shortest / once.value()).ceil();
        let repeats = rounded_u64(wanted).clamp(1, MOST_REPEATS);
        let (mut best, mut passes, mut spent) = (once, 1, once.value());
        while spent < self.passes.enough || passes < self.passes.least && once.value() < self.passes.enough {
            let time = pass(repeats)?;
            spent += time.value();
            passes += 1;
            let Some(each) = time.divided_by(repeats).and_then(positive) else {
                return Err(STOPPED.to_owned());
            };
            best = if each < best { each } else { best };
        }
        Ok(Shortest { time: best, passes })
    }
}

/// Why a pass has no time.
pub(super) const STOPPED: &str = "the clock did not move during a pass";

/// The time that `times` takes, as a share of what would be too long for another, larger attempt.
pub(super) fn leaves_room(time: Seconds, times: u64, limit: f64) -> bool {
    time.value() * count_as_f64(times) < limit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Moment, ScriptedClock};

    /// Stamps so that passes take these milliseconds, with 1 ms between them.
    fn clock(passes: &[u64]) -> ScriptedClock {
        let mut now = 0;
        let stamps = passes.iter().flat_map(|millis| {
            let start = now + 1_000_000;
            now = start + millis * 1_000_000;
            [Moment::from_nanos(start), Moment::from_nanos(now)]
        });
        ScriptedClock::new(stamps.collect::<Vec<_>>(), 1_000_000, 0)
    }

    fn shortest(millis: &[u64], passes: Passes) -> (Result<Shortest, String>, u64) {
        let (clock, mut count) = (clock(millis), 0);
        let watch = Stopwatch { clock: &clock, device: &Device::Cpu, threads: 1, passes };
        let shortest = watch.shortest(|| {
            count += 1;
            Ok(())
        });
        (shortest, count)
    }

    #[test]
    fn the_first_pass_is_thrown_away_and_the_shortest_of_the_others_counts() {
        let passes = Passes { least: 3, enough: 0.09, shortest: 0.0 };
        // 40 ms of the first are not counted; 50 + 30 + 20 ms are enough.
        let (found, count) = shortest(&[40, 50, 30, 20, 1], passes);
        assert_eq!(found, Ok(Shortest { time: Seconds::new(0.02).unwrap(), passes: 3 }));
        assert_eq!(count, 4);
    }

    #[test]
    fn short_work_is_repeated_within_a_pass() {
        let passes = Passes { least: 2, enough: 0.0, shortest: 0.01 };
        // Enough is 0 s, so the one pass that set the repeats is all.
        assert_eq!(shortest(&[5, 2, 9], passes).1, 2);
        let passes = Passes { least: 2, enough: 0.003, shortest: 0.01 };
        // 2 ms once, so five times in the next pass, which takes 9 ms.
        let (found, count) = shortest(&[5, 2, 9], passes);
        let found = found.unwrap();
        assert!((found.time.value() - 0.0018).abs() < 1e-12, "{found:?}");
        assert_eq!((found.passes, count), (2, 7));
    }

    #[test]
    fn one_long_pass_is_enough() {
        let passes = Passes { least: 3, enough: 0.1, shortest: 0.01 };
        assert_eq!(shortest(&[300, 200, 1], passes).0.unwrap().passes, 1);
    }

    #[test]
    fn what_fails_or_takes_no_time_has_a_reason() {
        assert_eq!(shortest(&[5, 0], Passes::usual()).0, Err(STOPPED.to_owned()));
        let clock = clock(&[1; 9]);
        let watch = Stopwatch { clock: &clock, device: &Device::Cpu, threads: 1, passes: Passes::usual() };
        let failed = watch.shortest(|| candle_core::bail!("no such product\nbacktrace"));
        assert_eq!(failed, Err("no such product".to_owned()));
    }

    #[test]
    fn a_larger_attempt_needs_room() {
        let time = Seconds::new(0.01).unwrap();
        assert!(leaves_room(time, 8, 0.1) && !leaves_room(time, 10, 0.1));
    }
}
