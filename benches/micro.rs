//! What the harness itself costs.
//!
//! The real runner times an engine that computes nothing: every gap it records is the harness's own time per token,
//! in exactly the region that a real token is timed in. The share that is ours is printed at the end.

#![expect(
    clippy::print_stderr,
    reason = "the share of the harness is said in words after criterion's own figures"
)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use claimbench::clock::SystemClock;
use claimbench::engine::{Scripted, ScriptedEngine};
use claimbench::hardware::{ProcessProbe, SystemReader};
use claimbench::measurement::{Figures, Measurement, ModelFile};
use claimbench::model::{Registry, Weights};
use claimbench::runner::{Bench, CaseRun};
use claimbench::stats::{CONFIDENCE, Sample};
use claimbench::units::{Bytes, Seconds};
use claimbench::workload::{Case, Plan, WorkloadBook};
use criterion::{Criterion, Throughput};

/// Tokens of one scripted request.
const TOKENS: u64 = 1_000;
/// Repetitions kept at a time.
const KEPT: u64 = 100;
/// The share of a timed region that the harness may take.
const ALLOWED: f64 = 0.001;
/// The shortest token that has to hold for, in seconds; the fastest cards give one sequence a token in about that time.
const SHORTEST_TOKEN: f64 = 0.001;

fn main() -> ExitCode {
    let mut criterion = Criterion::default().configure_from_args();
    let measurement = timed_region(&mut criterion);
    around_the_region(&mut criterion);
    statistics(&mut criterion, &measurement);
    criterion.final_summary();
    say_share(&measurement)
}

fn scripted_case() -> Case {
    let registry =
        Registry::parse("models.toml", include_str!("../models.toml")).expect("shipped models are clean");
    let book =
        WorkloadBook::parse("workloads.toml", include_str!("../workloads.toml")).expect("shipped, clean");
    let plan = Plan::smoke_test(&registry, &book).expect("test shapes are shipped");
    let mut case = plan.cases()[0].clone();
    case.workload.output_tokens = TOKENS;
    case.workload.warm_up = 0;
    case
}

/// Time from the first to the last of a thousand tokens that cost nothing.
fn timed_region(criterion: &mut Criterion) -> Measurement {
    let mut engine = ScriptedEngine::new(Scripted::default());
    let clock = SystemClock::new();
    let mut probe = SystemReader::new();
    let weights = Weights::Synthetic { seed: 1 };
    let file = ModelFile { weights, sha256: String::new(), bytes: Bytes::new(0) };
    let mut case = CaseRun::new(scripted_case(), Ok(file));
    let mut group = criterion.benchmark_group("harness");
    group.throughput(Throughput::Elements(TOKENS));
    let mut meters = Vec::new();
    let mut bench =
        Bench { engine: &mut engine, clock: &clock, probe: &mut probe, meters: &mut meters, stop: &|| false };
    case.load(&mut bench);
    let fresh = case.clone();
    group.sample_size(20).bench_function("timed-region", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut total = Duration::ZERO;
            for _ in 0..iterations {
                // The runner keeps every sample; criterion asks for more of them than anyone needs.
                if case.repetitions() == KEPT {
                    case = fresh.clone();
                }
                total += case
                    .repeat(&mut bench)
                    .map(|time| Duration::from_secs_f64(time.value()))
                    .unwrap_or_default();
            }
            total
        });
    });
    group.finish();
    case.measurement().clone()
}

/// What is read at the edges of a repetition, outside the timed region.
fn around_the_region(criterion: &mut Criterion) {
    let mut probe = SystemReader::new();
    criterion.bench_function("harness/process-usage", |bencher| bencher.iter(|| black_box(probe.usage())));
    criterion.bench_function("harness/snapshot", |bencher| bencher.iter(|| black_box(probe.snapshot())));
}

fn statistics(criterion: &mut Criterion, measurement: &Measurement) {
    let mut ten = measurement.clone();
    ten.repetitions.truncate(10);
    for repetition in &mut ten.repetitions {
        repetition.gaps.truncate(63);
    }
    criterion.bench_function("statistics/figures-of-10-repetitions", |bencher| {
        bencher.iter(|| black_box(Figures::new(&ten)));
    });
}

/// The median gap, and the token time from which it is under [`ALLOWED`]. An optimised build that takes more of a token of
/// [`SHORTEST_TOKEN`] fails.
fn say_share(measurement: &Measurement) -> ExitCode {
    let gaps: Vec<Seconds> =
        measurement.measured().flat_map(|repetition| repetition.gaps.iter().copied()).collect();
    let Ok(sample) = Sample::new(gaps) else { return ExitCode::SUCCESS };
    let own = sample.median(CONFIDENCE).value().value();
    eprintln!(
        "harness: {:.0} ns per token in the timed region (median of {} gaps), under {:.1} % of every token that takes \
         more than {:.3} ms",
        own * 1e9,
        sample.len(),
        ALLOWED * 100.0,
        own / ALLOWED * 1e3
    );
    let is_heavy = own > ALLOWED * SHORTEST_TOKEN && !cfg!(debug_assertions);
    if is_heavy {
        eprintln!("that is more than {:.1} % of a token of {:.0} ms", ALLOWED * 100.0, SHORTEST_TOKEN * 1e3);
    }
    ExitCode::from(u8::from(is_heavy))
}
