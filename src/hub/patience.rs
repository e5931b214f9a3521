//! How long to wait for the hub, and how often to ask again.

use std::time::Duration;

use super::http::Trouble;

/// The times and counts of a download.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Patience {
    /// For a connection to be made.
    pub connect: Duration,
    /// For the next byte. A slow line is no stalled one.
    pub stall: Duration,
    /// Failures in a row after which a request is given up; one that brought [`Self::progress`] bytes is none.
    pub failures: u32,
    /// Before the second try; it doubles with each failure.
    pub pause: Duration,
    /// The longest wait the hub may ask for and get.
    pub longest_wait: Duration,
    /// Bytes that make a broken answer worth having.
    pub progress: u64,
}

impl Default for Patience {
    /// 10 s to connect, 30 s for a byte, five failures with pauses of 1, 2, 4 and 8 s, waits of up to a minute.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            failures: 5,
            pause: Duration::from_secs(1),
            longest_wait: Duration::from_mins(1),
            progress: 1 << 20,
        }
    }
}

/// The failures of one request so far.
#[derive(Debug)]
pub(super) struct Tries {
    patience: Patience,
    failures: u32,
}

impl Tries {
    pub(super) fn new(patience: Patience) -> Self {
        Self { patience, failures: 0 }
    }

    /// What came was worth it: the count starts anew.
    pub(super) fn progressed(&mut self, bytes: u64) {
        if bytes >= self.patience.progress {
            self.failures = 0;
        }
    }

    /// How long to wait before the next try, or `None` to give up.
    pub(super) fn next(&mut self, trouble: &Trouble) -> Option<Duration> {
        if !trouble.may_pass() {
            return None;
        }
        self.failures += 1;
        if self.failures >= self.patience.failures {
            return None;
        }
        let pause = self.patience.pause.saturating_mul(1 << (self.failures - 1).min(16));
        match trouble.wait() {
            Some(wait) => (wait <= self.patience.longest_wait).then_some(wait.max(pause)),
            None => Some(pause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, wait: Option<u64>) -> Trouble {
        Trouble::Refused { status, code: None, wait: wait.map(Duration::from_secs) }
    }

    #[test]
    fn pauses_double_and_end() {
        let mut tries = Tries::new(Patience::default());
        let pauses: Vec<_> = std::iter::from_fn(|| tries.next(&refused(503, None))).collect();
        assert_eq!(pauses, [1, 2, 4, 8].map(Duration::from_secs));
        tries.progressed(100);
        assert_eq!(tries.next(&refused(503, None)), None);
        tries.progressed(1 << 20);
        assert_eq!(tries.next(&refused(503, None)), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_wait_the_hub_asks_for_is_kept_if_it_is_short() {
        let next = |wait| Tries::new(Patience::default()).next(&refused(429, wait));
        assert_eq!(next(Some(7)), Some(Duration::from_secs(7)));
        assert_eq!(next(Some(61)), None);
        assert_eq!(next(None), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_refusal_is_final() {
        for status in [400, 401, 403, 404, 416] {
            assert_eq!(Tries::new(Patience::default()).next(&refused(status, None)), None, "{status}");
        }
    }
}
