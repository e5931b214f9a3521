//! Noise as real runs have it, without its order: a smooth draw from the repetitions of published runs.

use claimbench::units::{Seconds, count_as_f64, count_as_usize, index_as_u64, rounded_u64};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use serde_json::Value;

/// The published runs with cases of at least ten repetitions. Named, so that a further published run does not change
/// what was proven; both machines are virtual and shared, so their noise is louder than that of a machine of one's own.
const RUNS: [&str; 4] = [
    include_str!("../../reports/20261121T051634Z-f87b3e008db9/run.json"),
    include_str!("../../reports/20261121T112333Z-ba317f5d097a/run.json"),
    include_str!("../../reports/20261121T142833Z-ba317f5d097a/run.json"),
    include_str!("../../reports/20261121T143950Z-ba317f5d097a/run.json"),
];
/// With fewer repetitions a case's median hides its noise; an odd number would put one of them on it exactly.
const REPETITIONS: usize = 10;

/// A source of seeded, independent noise around 1.
pub(crate) struct Noise {
    ascending: Vec<f64>,
    rng: Xoshiro256PlusPlus,
}

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        let mut ascending: Vec<f64> = RUNS.into_iter().flat_map(relative_times).collect();
        ascending.sort_by(f64::total_cmp);
        Self { ascending, rng: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    /// Uniform between 0 and 1, both excluded.
    pub(crate) fn uniform(&mut self) -> f64 {
        (count_as_f64(self.rng.next_u64() >> 11) + 0.5) / 9_007_199_254_740_992.0
    }

    /// A whole number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        count_as_usize(rounded_u64((self.uniform() * length(bound)).floor())).min(bound - 1)
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// One draw around 1, by linear interpolation between the order statistics of the runs.
    pub(crate) fn draw(&mut self, loudness: f64) -> f64 {
        let p = self.uniform();
        1.0 + loudness * (self.quantile(p) - 1.0)
    }

    /// `n` draws as times in the order of time.
    pub(crate) fn times(&mut self, n: usize, loudness: f64) -> Vec<Seconds> {
        (0..n).map(|_| seconds(self.draw(loudness))).collect()
    }

    /// The median that [`Self::draw`] has.
    pub(crate) fn median(&self, loudness: f64) -> f64 {
        1.0 + loudness * (self.quantile(0.5) - 1.0)
    }

    /// The mean that [`Self::draw`] has: the area under the quantile function, a trapezium per step.
    pub(crate) fn mean(&self, loudness: f64) -> f64 {
        let ends = f64::midpoint(self.ascending[0], self.ascending[self.ascending.len() - 1]);
        let mean = (self.ascending.iter().sum::<f64>() - ends) / (length(self.ascending.len()) - 1.0);
        1.0 + loudness * (mean - 1.0)
    }

    fn quantile(&self, p: f64) -> f64 {
        let position = p * (length(self.ascending.len()) - 1.0);
        let below = count_as_usize(rounded_u64(position.floor()));
        let above = (below + 1).min(self.ascending.len() - 1);
        self.ascending[below]
            + (self.ascending[above] - self.ascending[below]) * (position - position.floor())
    }
}

/// Time per output token and time to first token of each measured repetition, over the median of its case.
fn relative_times(run: &str) -> Vec<f64> {
    let run: Value = serde_json::from_str(run).expect("a published run is JSON");
    let mut found = Vec::new();
    for case in run["cases"].as_array().expect("a run has cases") {
        let repetitions = case["repetitions"].as_array().expect("a case has repetitions");
        let measured: Vec<&Value> = repetitions.iter().filter(|r| r["role"] == "measured").collect();
        if measured.len() < REPETITIONS {
            continue;
        }
        found.extend(relative(measured.iter().map(|r| number(&r["first_token_seconds"])).collect()));
        found.extend(relative(measured.iter().map(|r| mean_gap(r)).collect()));
    }
    found
}

fn mean_gap(repetition: &Value) -> f64 {
    let gaps = repetition["gap_seconds"].as_array().expect("a repetition has gaps");
    gaps.iter().map(number).sum::<f64>() / length(gaps.len())
}

fn relative(times: Vec<f64>) -> Vec<f64> {
    let mut ascending = times.clone();
    ascending.sort_by(f64::total_cmp);
    let median = f64::midpoint(ascending[(times.len() - 1) / 2], ascending[times.len() / 2]);
    times.into_iter().map(|time| time / median).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

pub(crate) fn length(count: usize) -> f64 {
    count_as_f64(index_as_u64(count))
}

pub(crate) fn seconds(value: f64) -> Seconds {
    Seconds::new(value).expect("scripted times are amounts")
}

/// How many of all, as a share.
pub(crate) fn share(hits: usize, of: usize) -> f64 {
    length(hits) / length(of)
}

#[test]
fn the_noise_is_that_of_six_cases_with_ten_repetitions() {
    let noise = Noise::new(0);
    assert_eq!(noise.ascending.len(), 120, "six cases, ten repetitions, two times each");
    let mut distances: Vec<f64> = noise.ascending.iter().map(|v| (v - 1.0).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let scaled = 1.4826 * f64::midpoint(distances[59], distances[60]);
    assert!((0.0276..0.0278).contains(&scaled), "docs/METHODOLOGY.md says 2.8 %: {scaled}");
    assert!((noise.median(1.0) - 1.0).abs() < 1e-9);
}

#[test]
fn draws_have_the_median_and_the_mean_they_are_said_to_have() {
    let mut noise = Noise::new(1);
    let draws: Vec<f64> = (0..100_000).map(|_| noise.draw(1.0)).collect();
    let below = draws.iter().filter(|v| **v < noise.median(1.0)).count();
    assert!((49_300..50_700).contains(&below), "{below}");
    let mean = draws.iter().sum::<f64>() / 1e5;
    assert!((mean - noise.mean(1.0)).abs() < 0.001, "{mean} and {}", noise.mean(1.0));
}
