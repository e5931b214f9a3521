//! Reads a processor's memory as fast as safe code can: sums over a buffer far larger than its caches.
//!
//! A sum is compiled to plain loads and additions in several independent lanes, so that memory decides and not the adder. How
//! many streams are best differs between processors, since their prefetchers follow so many and no more.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;

use super::{Effort, not_tried, positive, value_at};
use crate::clock::Clock;
use crate::hardware::{NotTried, ReadMethod, ReadRate};
use crate::units::{Bytes, Seconds, count_as_usize, index_as_u64};

/// Passes of one way in one round.
const PASSES: u64 = 3;

/// Reads all values once; the result only keeps the compiler from leaving the reading out.
type Kernel = fn(&[f32]) -> u32;

/// The ways to read, each with its kernel.
const KERNELS: [(ReadMethod, Kernel); 4] = [
    (ReadMethod::Words, words::<1, 32>),
    (ReadMethod::WordsTwoStreams, words::<2, 16>),
    (ReadMethod::WordsFourStreams, words::<4, 8>),
    (ReadMethod::Floats, floats),
];

/// The wrapping sum of the values' bits, in `STREAMS` streams of `LANES` lanes.
fn words<const STREAMS: usize, const LANES: usize>(values: &[f32]) -> u32 {
    let part = values.len() / STREAMS;
    let streams: [(&[[f32; LANES]], &[f32]); STREAMS] =
        std::array::from_fn(|stream| values[stream * part..(stream + 1) * part].as_chunks());
    let mut sums = [[0_u32; LANES]; STREAMS];
    for at in 0..part / LANES {
        for (sums, (chunks, _)) in sums.iter_mut().zip(&streams) {
            for (sum, value) in sums.iter_mut().zip(&chunks[at]) {
                *sum = sum.wrapping_add(value.to_bits());
            }
        }
    }
    let rest = streams.iter().flat_map(|(_, rest)| rest.iter()).chain(&values[STREAMS * part..]);
    let rest = rest.fold(0_u32, |sum, value| sum.wrapping_add(value.to_bits()));
    sums.iter().flatten().fold(rest, |sum, lane| sum.wrapping_add(*lane))
}

/// The bits of the sum of the values in 32 lanes.
fn floats(values: &[f32]) -> u32 {
    let (chunks, rest) = values.as_chunks::<32>();
    let mut sums = [0.0_f32; 32];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    sums.iter().chain(rest).sum::<f32>().to_bits()
}

/// Why a way has no rate.
const NO_TIME: &str = "the clock did not move during a pass, or the system gave no threads";

/// The rates of all ways with one thread, half of `threads` and all of them; ways without a rate; and the buffer that was
/// read, for further use.
pub(super) fn read_rates(
    clock: &dyn Clock,
    effort: Effort,
    threads: u64,
) -> (Vec<ReadRate>, Vec<NotTried>, Vec<f32>) {
    let values = filled(effort.floats(), count_as_usize(threads.max(1)));
    let mut rates: Vec<ReadRate> = Vec::new();
    // Round by round: a disturbance of a moment does not meet all passes of one way.
    for _ in 0..effort.rounds {
        for (method, kernel) in KERNELS {
            for threads in thread_counts(threads) {
                let Some(rate) = rate(clock, &values, (method, kernel), threads) else { continue };
                let same = |old: &&mut ReadRate| (old.method, old.threads) == (rate.method, rate.threads);
                match rates.iter_mut().find(same) {
                    Some(old) => {
                        let passes = old.passes + rate.passes;
                        *old = ReadRate { passes, ..if rate.rate > old.rate { rate } else { *old } };
                    }
                    None => rates.push(rate),
                }
            }
        }
    }
    let is_missing = |method| !rates.iter().any(|rate| rate.method == method);
    let missing = KERNELS.iter().map(|(method, _)| *method).filter(|method| is_missing(*method));
    let left_out = missing.map(|method| not_tried(method.id(), NO_TIME)).collect();
    (rates, left_out, values)
}

/// One, half of all and all, each once.
fn thread_counts(all: u64) -> Vec<u64> {
    let mut counts = vec![1, all / 2, all];
    counts.retain(|count| *count > 0);
    counts.dedup();
    counts
}

/// A buffer whose pages are written by as many threads as will read them: a page lies near the processor that wrote it first,
/// and a page that nobody wrote is no memory at all.
fn filled(count: usize, threads: usize) -> Vec<f32> {
    let mut values = vec![0.0; count];
    let part = count.div_ceil(threads).max(1);
    thread::scope(|scope| {
        for (number, chunk) in values.chunks_mut(part).enumerate() {
            scope.spawn(move || {
                for (index, value) in chunk.iter_mut().enumerate() {
                    *value = value_at(number * part + index);
                }
            });
        }
    });
    values
}

fn rate(
    clock: &dyn Clock,
    values: &[f32],
    (method, kernel): (ReadMethod, Kernel),
    threads: u64,
) -> Option<ReadRate> {
    let parts: Vec<&[f32]> = values.chunks(values.len().div_ceil(count_as_usize(threads)).max(1)).collect();
    let working_set = Bytes::new(index_as_u64(size_of_val(values)));
    let rate = working_set.per(positive(shortest(clock, &parts, kernel)?)?)?;
    Some(ReadRate { method, threads: Some(threads), working_set, passes: PASSES, rate })
}

/// The shortest time in which all parts were read at once, each by its own thread; `None` if the system gives no threads.
///
/// A pass begins when all threads stand ready and ends when the last is done; starting them is not timed.
fn shortest(clock: &dyn Clock, parts: &[&[f32]], kernel: Kernel) -> Option<Seconds> {
    let read = |part: &[f32]| {
        black_box(kernel(black_box(part)));
    };
    let (first, others) = parts.split_first()?;
    let barrier = Barrier::new(parts.len());
    thread::scope(|scope| {
        let mut starters = Vec::new();
        for part in others {
            let (start, started) = mpsc::channel::<()>();
            let barrier = &barrier;
            let work = move || {
                // Nobody waits at the barrier before all threads exist: they would wait for ever.
                if started.recv().is_ok() {
                    for _ in 0..PASSES {
                        barrier.wait();
                        read(part);
                        barrier.wait();
                    }
                }
            };
            thread::Builder::new().spawn_scoped(scope, work).ok()?;
            starters.push(start);
        }
        for start in &starters {
            start.send(()).ok()?;
        }
        let pass = |_| {
            barrier.wait();
            let start = clock.now();
            read(first);
            barrier.wait();
            start.until(clock.now())
        };
        (0..PASSES).map(pass).min_by(|a, b| a.value().total_cmp(&b.value()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Moment, ScriptedClock, SystemClock};

    #[test]
    fn every_kernel_reads_every_value() {
        for count in [0, 1, 31, 32, 33, 127, 1_000, 4_099] {
            let values: Vec<f32> = (0..count).map(value_at).collect();
            let bits = values.iter().fold(0_u32, |sum, value| sum.wrapping_add(value.to_bits()));
            for (method, kernel) in KERNELS {
                if method != ReadMethod::Floats {
                    assert_eq!(kernel(&values), bits, "{count} {}", method.id());
                }
            }
            let exact: f64 = values.iter().copied().map(f64::from).sum();
            let sum = f64::from(f32::from_bits(floats(&values)));
            assert!((sum - exact).abs() <= exact * 1e-5, "{count}: {sum} {exact}");
        }
    }

    #[test]
    fn the_rate_is_the_buffer_over_the_shortest_pass() {
        let millis = |at: u64| Moment::from_nanos(at * 1_000_000);
        // Passes of 4, 2 and 5 ms over a million bytes.
        let clock = ScriptedClock::new([0, 4, 10, 12, 20, 25].map(millis), 1, 0);
        let values = filled(250_000, 2);
        let rate = rate(&clock, &values, KERNELS[1], 2).unwrap();
        assert!((rate.rate.value() - 5e8).abs() < 1e-3, "{rate:?}");
        assert_eq!((rate.threads, rate.working_set, rate.passes), (Some(2), Bytes::new(1_000_000), 3));
    }

    #[test]
    fn the_better_round_counts_and_its_passes_add_up() {
        let effort = Effort { working_set: Bytes::new(4_000), rounds: 2, squares: [1, 1], stored: 1 };
        // Every pass takes 1,000 ns but the second of the whole measurement, which takes 500.
        let stamps = [0, 1_000, 2_000, 2_500].map(Moment::from_nanos);
        let (rates, left_out, values) = read_rates(&ScriptedClock::new(stamps, 1_000, 0), effort, 1);
        assert_eq!((rates.len(), left_out.len(), values.len()), (4, 0, 1_000));
        assert!(rates.iter().all(|rate| rate.passes == 6));
        let gigabytes = rates.iter().map(|rate| rate.rate.value() / 1e9).collect::<Vec<_>>();
        assert!((gigabytes[0] - 8.0).abs() < 1e-9 && (gigabytes[1] - 4.0).abs() < 1e-9, "{gigabytes:?}");
    }

    #[test]
    fn few_and_many_threads_are_tried() {
        assert_eq!(thread_counts(1), [1]);
        assert_eq!(thread_counts(2), [1, 2]);
        assert_eq!(thread_counts(3), [1, 3]);
        assert_eq!(thread_counts(16), [1, 8, 16]);
        let values = filled(3, 8);
        let tiny = rate(&SystemClock::new(), &values, KERNELS[0], 8);
        assert!(tiny.is_none_or(|rate| rate.working_set == Bytes::new(12)), "more threads than values");
    }
}
