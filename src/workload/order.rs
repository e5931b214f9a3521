//! In which order cases and their repetitions are measured: by chance, and the same for the same seed.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

use crate::units::{count_as_usize, index_as_u64};

/// Draws the order of one process start.
///
/// Cases that share a checkpoint are measured together, with the model loaded once, and take turns: one repetition of each, in
/// an order drawn anew for every round, so that a disturbance of some seconds falls on all of them and not on one. Which
/// checkpoint comes when is drawn too.
#[derive(Debug)]
pub struct Shuffle {
    rng: Xoshiro256PlusPlus,
}

impl Shuffle {
    /// The order of the process with number `process_start` of a run with this seed.
    pub fn new(seed: u64, process_start: u64) -> Self {
        Self { rng: Xoshiro256PlusPlus::seed_from_u64(seed ^ (process_start << 32) ^ ORDER_SALT) }
    }

    /// The places of what is to be measured, that which shares a loaded model together, such groups in a random order.
    pub fn groups<T>(&mut self, items: &[T], shares: impl Fn(&T, &T) -> bool) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let shares = |group: &&mut Vec<usize>| shares(&items[group[0]], item);
            match groups.iter_mut().find(shares) {
                Some(group) => group.push(place),
                None => groups.push(vec![place]),
            }
        }
        self.shuffle(&mut groups);
        groups
    }

    /// Puts the items into a random order (Fisher and Yates; Durstenfeld 1964).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let product = u128::from(self.rng.next_u64()) * u128::from(index_as_u64(last + 1));
            let other =
                u64::try_from(product >> 64).expect("the high half of a 128-bit product fits 64 bits");
            items.swap(last, count_as_usize(other));
        }
    }
}

/// Keeps the order apart from whatever else is drawn from the same seed.
const ORDER_SALT: u64 = 0x06de_7000_0000_0000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Precision, Registry};
    use crate::workload::{Case, Plan, Selection, WorkloadBook};

    fn cases() -> Vec<Case> {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
        let own = |list: &[&str]| list.iter().map(|id| (*id).to_owned()).collect();
        let selection = Selection {
            models: own(&["tiny-qwen2", "r1-distill-qwen-1.5b", "mistral-7b-v0.3"]),
            workloads: own(&["tiny", "short-chat"]),
            precisions: vec![Precision::Q4KM, Precision::Q8_0],
            ..Selection::default()
        };
        Plan::new(&registry, &book, &selection).unwrap().cases().to_vec()
    }

    #[test]
    fn every_case_has_its_turn_once_beside_those_of_its_checkpoint() {
        let cases = cases();
        let groups = Shuffle::new(1, 0).groups(&cases, Case::shares_checkpoint);
        let mut seen: Vec<usize> = groups.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..cases.len()).collect::<Vec<_>>());
        assert_eq!(groups.len(), 6);
        assert!(
            groups.iter().all(|group| group.iter().all(|&i| cases[i].shares_checkpoint(&cases[group[0]])))
        );
    }

    #[test]
    fn the_order_follows_from_the_seed_and_differs_between_process_starts() {
        let cases = cases();
        let order = |seed, start| Shuffle::new(seed, start).groups(&cases, Case::shares_checkpoint);
        assert_eq!(order(1, 0), order(1, 0));
        let distinct: std::collections::BTreeSet<_> = (0..20).map(|start| order(1, start)).collect();
        assert!(distinct.len() > 15, "{} of 20 orders differ", distinct.len());
    }

    #[test]
    fn every_order_of_three_comes_about_equally_often() {
        let mut counts = std::collections::BTreeMap::new();
        let mut shuffle = Shuffle::new(7, 0);
        for _ in 0..6_000 {
            let mut items = [0, 1, 2];
            shuffle.shuffle(&mut items);
            *counts.entry(items).or_insert(0) += 1;
        }
        // Five standard deviations of a binomial of 6,000 and 1/6 are 144.
        assert!(counts.len() == 6 && counts.values().all(|count| (856..1_144).contains(count)), "{counts:?}");
    }
}
