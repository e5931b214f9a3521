//! Which interval, and when to stop: coverage of the median with the stopping rule inside.

use claimbench::stats::{CONFIDENCE, Part, Sample, Stopping};
use claimbench::units::{Seconds, count_as_usize, index_as_u64};
use claimbench::workload::{Quota, Workload, WorkloadBook};

use crate::noise::{Noise, length, share};
use crate::rivals::Method;

/// How loud the noise is made. At 1.3 to 2 times that of the runs the rule looks most often, and the chance to stop at
/// an interval that is narrow by luck is the largest.
const LOUDNESS: [f64; 6] = [2.0, 1.3, 1.0, 0.5, 0.25, 0.1];

/// Repetitions until the rule says that they are enough.
fn repeat_until(rule: Stopping, noise: &mut Noise, loudness: f64) -> Vec<Seconds> {
    let mut times = Vec::new();
    while !rule.is_enough(&times) {
        times.extend(noise.times(1, loudness));
    }
    times
}

#[test]
fn the_interval_covers_the_median_with_the_stopping_rule_inside() {
    const TRIALS: usize = 10_000;
    for loudness in LOUDNESS {
        let mut noise = Noise::new(2);
        let truth = noise.median(loudness);
        let mut covered = 0;
        let mut sizes = 0;
        for _ in 0..TRIALS {
            let times = repeat_until(Stopping::default(), &mut noise, loudness);
            sizes += times.len();
            let sample = Sample::new(times).expect("ten repetitions or more");
            let interval = sample.median(CONFIDENCE).interval().expect("ten have an interval");
            covered += usize::from(interval.low().value() <= truth && truth <= interval.high().value());
        }
        println!("loudness {loudness}: covered {covered}, {:.1} repetitions", length(sizes) / length(TRIALS));
        assert!(share(covered, TRIALS) >= 0.94, "loudness {loudness}: {covered} of {TRIALS} covered");
    }
}

/// As a run spreads them over three process starts: shares as [`Quota`] deals them out, and the rule inside.
fn repeat_in_three_starts(workload: &Workload, noise: &mut Noise, loudness: f64) -> Vec<Seconds> {
    let [fewest, most] = [workload.repetitions, workload.most_repetitions].map(count_as_usize);
    let rule = Stopping::between(fewest, most);
    let mut times: Vec<Seconds> = Vec::new();
    for start in 0..3 {
        let quota = Quota::of(workload, index_as_u64(times.len()), start, 3);
        let [fewest, most] = [quota.fewest, quota.most].map(count_as_usize);
        let part = Part { fewest, most, starts: 3, is_last: start == 2 };
        let before = times.len();
        while rule.goes_on(&times, times.len() - before, &part) {
            times.extend(noise.times(1, loudness));
        }
    }
    times
}

#[test]
fn the_interval_covers_the_median_over_three_process_starts_too() {
    const TRIALS: usize = 10_000;
    let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).expect("shipped");
    // The default workload, and one of those that are allowed fewer.
    for id in ["short-chat", "summarise", "depth-1k"] {
        let workload = book.get(id).expect("it is shipped");
        for loudness in LOUDNESS {
            let mut noise = Noise::new(5);
            let truth = noise.median(loudness);
            let (mut covered, mut sizes) = (0, 0);
            for _ in 0..TRIALS {
                let times = repeat_in_three_starts(workload, &mut noise, loudness);
                sizes += times.len();
                let sample = Sample::new(times).expect("six repetitions or more");
                let interval = sample.median(CONFIDENCE).interval().expect("six have an interval");
                covered += usize::from(interval.low().value() <= truth && truth <= interval.high().value());
            }
            let mean = length(sizes) / length(TRIALS);
            println!("{id}, loudness {loudness}: covered {covered}, {mean:.1} repetitions");
            assert!(
                share(covered, TRIALS) >= 0.94,
                "{id}, loudness {loudness}: {covered} of {TRIALS} covered"
            );
        }
    }
}

/// Coverage of a truth and the mean relative half-width, over trials that had an interval.
#[derive(Default)]
struct Tally {
    trials: usize,
    median: usize,
    mean: usize,
    half_widths: f64,
    sizes: usize,
}

impl Tally {
    fn add(&mut self, ends: Option<(f64, f64)>, size: usize, median: f64, mean: f64) {
        let Some((low, high)) = ends else { return };
        self.trials += 1;
        self.median += usize::from(low <= median && median <= high);
        self.mean += usize::from(low <= mean && mean <= high);
        self.half_widths += (high - low) / (high + low);
        self.sizes += size;
    }

    fn row(&self, head: &str) {
        if self.trials == 0 {
            println!("| {head} | none | | | |");
            return;
        }
        println!(
            "| {head} | {:.1} % | {:.1} % | {:.2} % | {:.1} |",
            100.0 * share(self.median, self.trials),
            100.0 * share(self.mean, self.trials),
            100.0 * self.half_widths / length(self.trials),
            length(self.sizes) / length(self.trials),
        );
    }
}

#[test]
#[ignore = "prints the table of docs/METHODOLOGY.md"]
fn choice() {
    const TRIALS: usize = 2_000;
    println!("| method | n | covers the median | covers the mean | half-width | repetitions |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for method in Method::ALL {
        let mut noise = Noise::new(3);
        let (median, mean) = (noise.median(1.0), noise.mean(1.0));
        for n in [5, 6, 8, 10, 12, 15, 20, 25, 30] {
            let mut tally = Tally::default();
            for _ in 0..TRIALS {
                let times = noise.times(n, 1.0);
                tally.add(method.interval(&times, &mut noise), n, median, mean);
            }
            tally.row(&format!("{} | {n}", method.name()));
        }
    }
    println!("With the stopping rule inside, looks at 10, 15, 23:");
    let rule = Stopping::default();
    let half_again = move |n: usize| rule.looks_at(n);
    for method in Method::ALL {
        for loudness in LOUDNESS {
            with_looks(method, loudness, TRIALS, &half_again)
                .row(&format!("{} | noise x {loudness}", method.name()));
        }
    }
    println!("Order statistics with other looks:");
    let looks: [(&str, &dyn Fn(usize) -> bool); 4] = [
        ("every one from 6", &|n| n >= 6),
        ("every one from 10", &|n| n >= 10),
        ("every fifth from 10", &|n| n >= 10 && n % 5 == 0),
        ("10, 15, 23", &half_again),
    ];
    for (name, look) in looks {
        for loudness in LOUDNESS {
            with_looks(Method::OrderStatistics, loudness, 10_000, look)
                .row(&format!("{name} | noise x {loudness}"));
        }
    }
}

/// Trials that end at the first look at which the method's interval is narrow enough, or at 30.
fn with_looks(method: Method, loudness: f64, trials: usize, looks_at: &dyn Fn(usize) -> bool) -> Tally {
    let mut noise = Noise::new(4);
    let (median, mean) = (noise.median(loudness), noise.mean(loudness));
    let rule = Stopping::default();
    let mut tally = Tally::default();
    for _ in 0..trials {
        let mut times: Vec<Seconds> = Vec::new();
        let ends = loop {
            times.extend(noise.times(1, loudness));
            let is_last = times.len() == rule.most;
            if !is_last && !looks_at(times.len()) {
                continue;
            }
            let ends = method.interval(&times, &mut noise);
            let is_narrow =
                ends.is_some_and(|(low, high)| (high - low) / (high + low) < rule.relative_half_width);
            if is_last || is_narrow {
                break ends;
            }
        };
        tally.add(ends, times.len(), median, mean);
    }
    tally
}
