//! How many repetitions of a case one process start does.

use super::spec::Workload;

/// What one process start is to measure of a case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quota {
    /// Fewest measured repetitions.
    pub fewest: u64,
    /// Most of them; between the two it depends on how precise the figures are.
    pub most: u64,
}

impl Quota {
    /// The share of the process with number `process_start` (from 0) of a run that is to have `starts` of them, where `done`
    /// repetitions are measured already.
    ///
    /// Every process start does an even share, however much the ones before did: the spread between starts needs each of
    /// them. What an interrupted one left undone falls to those that are left, and to any that come later.
    ///
    /// ```
    /// # use claimbench::workload::{Quota, WorkloadBook};
    /// # let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
    /// let chat = book.get("short-chat").unwrap(); // 12 to 30 repetitions
    /// assert_eq!(Quota::of(chat, 0, 0, 3), Quota { fewest: 4, most: 10 });
    /// assert_eq!(Quota::of(chat, 10, 1, 3), Quota { fewest: 4, most: 10 }); // the first one did more than its share
    /// assert_eq!(Quota::of(chat, 1, 1, 3), Quota { fewest: 6, most: 15 }); // the first one was interrupted
    /// assert_eq!(Quota::of(chat, 12, 3, 3), Quota { fewest: 0, most: 0 }); // nothing is left to do
    /// ```
    pub fn of(workload: &Workload, done: u64, process_start: u64, starts: u64) -> Self {
        let starts = starts.max(1);
        let left = starts.saturating_sub(process_start).max(1);
        let is_planned = process_start < starts;
        let (share, rest) = (workload.repetitions / starts, workload.repetitions % starts);
        let even = if is_planned { share + u64::from(process_start < rest) } else { 0 };
        let fewest = workload.repetitions.saturating_sub(done).div_ceil(left).max(even);
        let is_complete = !is_planned && fewest == 0;
        let most = workload.most_repetitions.saturating_sub(done).div_ceil(left).max(fewest);
        Self { fewest, most: if is_complete { 0 } else { most } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::WorkloadBook;

    #[test]
    fn the_shares_of_all_starts_make_up_the_number_asked_for() {
        let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
        for repetitions in 1..=20 {
            for starts in 1..=repetitions {
                let workload = Workload {
                    repetitions,
                    most_repetitions: repetitions,
                    ..book.get("tiny").unwrap().clone()
                };
                let mut done = 0;
                for start in 0..starts {
                    let quota = Quota::of(&workload, done, start, starts);
                    assert!(quota.fewest >= 1 && quota.fewest == quota.most, "{quota:?}");
                    done += quota.fewest;
                }
                assert_eq!(done, repetitions, "in {starts} starts");
            }
        }
    }
}
