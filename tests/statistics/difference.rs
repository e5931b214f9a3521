//! Comparisons of runs: how often two equal runs are called different, and how often an injected slowdown is found.

use claimbench::stats::{Starts, compare, smallest_difference};
use claimbench::units::Seconds;

use crate::noise::{Noise, length, seconds, share};

/// A scripted machine: how its process starts differ and how loud the noise within them is.
#[derive(Clone, Copy, Debug)]
struct Machine {
    starts: usize,
    repetitions: usize,
    loudness: f64,
    /// Standard deviation of the factor that a start puts on all of its repetitions.
    between: f64,
}

impl Machine {
    /// A run whose repetitions take `factor` times as long.
    fn run(self, factor: f64, noise: &mut Noise) -> Starts<Seconds> {
        let starts = (0..self.starts)
            .map(|_| {
                let start = factor * (self.between * noise.normal()).exp();
                (0..self.repetitions).map(|_| seconds(start * noise.draw(self.loudness))).collect()
            })
            .collect();
        Starts::new(starts).expect("repetitions")
    }
}

/// Without and with a real spread between starts, from few repetitions to many, from three starts to six.
const MACHINES: [Machine; 8] = [
    Machine { starts: 3, repetitions: 10, loudness: 1.0, between: 0.0 },
    Machine { starts: 3, repetitions: 10, loudness: 1.0, between: 0.01 },
    Machine { starts: 3, repetitions: 10, loudness: 1.0, between: 0.03 },
    Machine { starts: 3, repetitions: 4, loudness: 0.5, between: 0.0 },
    Machine { starts: 3, repetitions: 30, loudness: 0.1, between: 0.02 },
    Machine { starts: 5, repetitions: 10, loudness: 0.5, between: 0.0 },
    Machine { starts: 5, repetitions: 10, loudness: 0.5, between: 0.02 },
    Machine { starts: 6, repetitions: 5, loudness: 1.0, between: 0.01 },
];

/// 250 pairs from each of 20 seeds.
const SEEDS: u64 = 20;
const PAIRS: usize = 250;

/// The share of 5,000 pairs of which the second run is called different, where it takes `factor(first run)` times as long.
fn called_different(machine: Machine, factor: impl Fn(&Starts<Seconds>) -> f64) -> f64 {
    let mut different = 0;
    for seed in 0..SEEDS {
        let mut noise = Noise::new(100 + seed);
        for _ in 0..PAIRS {
            let first = machine.run(1.0, &mut noise);
            let second = machine.run(factor(&first), &mut noise);
            different += usize::from(compare(&first, &second).expect("three starts").differs());
        }
    }
    share(different, 20 * PAIRS)
}

#[test]
fn equal_runs_are_rarely_called_different() {
    for machine in MACHINES {
        let different = called_different(machine, |_| 1.0);
        println!("{machine:?}: {:.1} % called different", 100.0 * different);
        assert!(different <= 0.06, "{machine:?}: {different}");
    }
}

#[test]
fn a_slowdown_of_the_size_a_run_can_see_is_found() {
    for machine in MACHINES {
        let found = called_different(machine, |first| 1.0 + smallest(first));
        println!("{machine:?}: {:.1} % found", 100.0 * found);
        assert!(found >= 0.85, "{machine:?}: {found}");
    }
}

/// A tenth of what a run can see is hardly ever found: the power is not bought with false alarms.
#[test]
fn a_slowdown_far_below_what_a_run_can_see_is_not_found() {
    for machine in MACHINES {
        let found = called_different(machine, |first| 1.0 + smallest(first) / 10.0);
        assert!(found <= 0.12, "{machine:?}: {found}");
    }
}

fn smallest(run: &Starts<Seconds>) -> f64 {
    smallest_difference(run).expect("repetitions enough").slowdown().value()
}

#[test]
#[ignore = "prints the factors of src/stats/difference.rs"]
fn factors() {
    const TRIALS: usize = 200_000;
    println!("The factor with which a slowdown is found in 90 % of pairs, by starts:");
    for starts in [3, 4, 5, 6, 7, 8, 9, 10, 20] {
        println!("{starts}: {:.2}", factor(starts, TRIALS));
    }
    println!("The median of the smallest slowdown by machine:");
    for machine in MACHINES {
        let mut noise = Noise::new(8);
        let mut sizes: Vec<f64> = (0..5_000).map(|_| smallest(&machine.run(1.0, &mut noise))).collect();
        sizes.sort_by(f64::total_cmp);
        println!(
            "{machine:?}: {:.1} %, quartiles {:.1} and {:.1} %",
            100.0 * sizes[2_500],
            100.0 * sizes[1_250],
            100.0 * sizes[3_750]
        );
    }
}

/// By pairs of normal start medians: how far apart, in standard errors as the first run sees them, they must be moved
/// to be found; the 90 % point over pairs.
fn factor(starts: usize, trials: usize) -> f64 {
    let mut noise = Noise::new(9);
    let mut needed: Vec<f64> = (0..trials)
        .map(|_| {
            let (first, a) = normal_run(starts, &mut noise);
            let (second, b) = normal_run(starts, &mut noise);
            let difference = compare(&first, &second).expect("three starts");
            // The test asks for this distance of the means; chance has given some of it already.
            let half = (difference.high().value() / difference.low().value()).ln() / 2.0;
            (half - (b.mean - a.mean)) / (2.0 * a.variance).sqrt()
        })
        .collect();
    needed.sort_by(f64::total_cmp);
    needed[trials * 9 / 10]
}

/// The mean of logarithms of start medians, and its variance.
struct LogMean {
    mean: f64,
    variance: f64,
}

fn normal_run(starts: usize, noise: &mut Noise) -> (Starts<Seconds>, LogMean) {
    let logarithms: Vec<f64> = (0..starts).map(|_| 0.01 * noise.normal()).collect();
    let n = length(starts);
    let mean = logarithms.iter().sum::<f64>() / n;
    let variance = logarithms.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0) / n;
    // One repetition per start: no noise within, so that the spread between starts decides alone.
    let run = Starts::new(logarithms.iter().map(|l| vec![seconds(l.exp())]).collect()).expect("starts");
    (run, LogMean { mean, variance })
}

/// How often runs of one thing on one machine are called different: the run files below the folder `CLAIMBENCH_PAIRS`, in the
/// order of their names, two by two.
#[expect(clippy::disallowed_methods, reason = "reads a folder of run files that somebody made")]
#[test]
#[ignore = "needs a folder of run files: CLAIMBENCH_PAIRS=FOLDER cargo test --test statistics -- --ignored --nocapture real_pairs"]
fn real_pairs() {
    let folder = std::env::var_os("CLAIMBENCH_PAIRS").expect("CLAIMBENCH_PAIRS names a folder of runs");
    let mut runs: Vec<_> =
        std::fs::read_dir(folder).expect("it can be listed").flatten().map(|e| e.path()).collect();
    runs.sort();
    let (mut pairs, mut called, mut seen) = (0, 0, Vec::new());
    for pair in runs.chunks_exact(2) {
        let [first, second] = [&pair[0], &pair[1]].map(|path| starts_of(path));
        let found = compare(&first, &second).expect("three starts on each side");
        let smallest = smallest_difference(&first).expect("six repetitions").slowdown().value();
        println!(
            "{} {:.3} [{:.3}, {:.3}] {}; could have seen {:.1} %",
            pair[0].file_name().expect("a run has a name").display(),
            found.ratio().value(),
            found.low().value(),
            found.high().value(),
            if found.differs() { "DIFFERENT" } else { "no difference seen" },
            smallest * 100.0
        );
        seen.push(smallest);
        pairs += 1;
        called += usize::from(found.differs());
    }
    seen.sort_by(f64::total_cmp);
    println!(
        "{called} of {pairs} pairs called different; median smallest slowdown {:.1} %",
        seen[seen.len() / 2] * 100.0
    );
    assert!(pairs >= 20 && called * 20 <= pairs * 3, "more than three of twenty");
}

/// Times per output token of the first case of a run, by process start.
fn starts_of(run: &std::path::Path) -> Starts<Seconds> {
    let run = claimbench::record::load(run).expect("a run file");
    let measured: Vec<_> = run.cases[0].outcome.measurement().measured().cloned().collect();
    let last = measured.iter().map(|repetition| repetition.process_start).max().expect("it was measured");
    let of = |start| {
        let own = measured.iter().filter(|repetition| repetition.process_start == start);
        own.filter_map(claimbench::measurement::Repetition::time_per_output_token).collect()
    };
    Starts::new((0..=last).map(of).collect()).expect("it was measured")
}
