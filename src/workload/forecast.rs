//! How long a case will take and how much memory it needs, by its shape; and how a time budget is shared out.

use super::case::Case;
use crate::hardware::Device;
use crate::model::Precision;
use crate::units::{Bytes, Seconds, Tokens, count_as_f64};

/// How fast a device is assumed to be. For announcements and budgets only; no result depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Bytes of weights that decode streams per second.
    weight_bytes: f64,
    /// Multiply-adds of a prefill per second.
    multiply_adds: f64,
    /// Bytes of a checkpoint loaded per second.
    loaded_bytes: f64,
    /// Weights that the plain path dequantises and multiplies with at 32 positions, per second.
    plain_values: f64,
    /// The first request after a load takes this many times as long as the others.
    first_request: f64,
}

impl Pace {
    /// More cores than this add no bandwidth on common machines.
    const CORES_THAT_COUNT: u64 = 8;

    /// The pace of the own kernels on mapped weights. A core's rates lie below those seen with AVX-512, and above those with AVX2
    /// (`docs/PERFORMANCE.md`); the first request finds its file in the page cache and repacks nothing.
    pub fn of_kernels(cores: u64) -> Self {
        let cores = count_as_f64(cores.clamp(1, Self::CORES_THAT_COUNT));
        Self {
            weight_bytes: 13e9 * cores,
            multiply_adds: 150e9 * cores,
            loaded_bytes: 4e9,
            plain_values: 2.5e8 * cores,
            first_request: 1.2,
        }
    }

    /// The pace of candle's tensors on a device. A core's rates are those seen with this engine (`docs/PERFORMANCE.md`); a card's are a
    /// guess, as none was seen yet.
    pub fn of(device: &Device, cores: u64) -> Self {
        match device {
            Device::Cpu { .. } => {
                let cores = count_as_f64(cores.clamp(1, Self::CORES_THAT_COUNT));
                Self {
                    weight_bytes: 7e9 * cores,
                    multiply_adds: 65e9 * cores,
                    loaded_bytes: 8e8,
                    plain_values: 2.5e8 * cores,
                    first_request: REPACKING_REQUEST,
                }
            }
            Device::Cuda { .. } => Self {
                weight_bytes: 2e11,
                multiply_adds: 5e12,
                loaded_bytes: 8e8,
                plain_values: 2e9,
                first_request: REPACKING_REQUEST,
            },
        }
    }
}

/// Bytes of a synthetic checkpoint drawn and written per second.
const WRITTEN_BYTES_PER_SECOND: f64 = 6e8;
/// Bytes of a checkpoint digested per second.
const DIGESTED_BYTES_PER_SECOND: f64 = 1e9;
/// The first request after a load repacks weights and takes this many times as long.
const REPACKING_REQUEST: f64 = 2.0;

/// Tokens of a prompt with its template.
const USUAL_PROMPT: f64 = 100.0;
/// Tokens of an answer, thinking included: between those of a model that answers at once and of one that thinks.
const USUAL_ANSWER: f64 = 400.0;

/// A rough forecast of one case; it never enters a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CaseForecast {
    /// Writing the checkpoint if it is not there, and its digest.
    pub prepare: Seconds,
    /// One load.
    pub load: Seconds,
    /// The comparison with the plain path.
    pub check: Seconds,
    /// Filling the KV cache with the context, once in each process start.
    pub context: Seconds,
    /// One request, when warm.
    pub request: Seconds,
    /// Answers to prompts, where the weights are real; zero elsewhere.
    pub answers: Seconds,
    /// The whole case: preparation, loads, warm-up, repetitions and answers.
    pub case: Seconds,
}

impl CaseForecast {
    /// From the shape: bytes read per step over a bandwidth, multiply-adds over a rate, for a case that is measured in
    /// `starts` process starts. `to_write` is the size of a checkpoint that is not on disk yet. Off by a factor of two or more
    /// where the machine is unlike those the pace was seen on; the run prints how far off it was.
    pub fn new(case: &Case, pace: &Pace, to_write: Option<Bytes>, starts: u64) -> Self {
        let (shape, workload, starts) = (&case.model.shape, &case.workload, count_as_f64(starts));
        let batch = count_as_f64(workload.batch);
        let multiplied = |tokens: u64| {
            batch * Tokens::new(tokens).as_f64() * count_as_f64(shape.active_parameters())
                / pace.multiply_adds
        };
        let cached =
            batch * shape.kv_bytes_per_token(4).as_f64() * Tokens::new(workload.positions()).as_f64();
        let read = (case.model.read_bytes_per_step(case.precision).as_f64() + cached) / pace.weight_bytes;
        // Steps of a few sequences wait for memory, those of many for the products.
        let decode = Tokens::new(workload.output_tokens).as_f64() * read.max(multiplied(1));
        let context = multiplied(workload.context_depth);
        let request = multiplied(workload.prompt_tokens) + decode;
        let weights = case.model.tensor_bytes(case.precision).as_f64();
        let written = to_write.map_or(0.0, |bytes| bytes.as_f64() / WRITTEN_BYTES_PER_SECOND);
        let prepare = written + weights / DIGESTED_BYTES_PER_SECOND;
        let load = weights / pace.loaded_bytes;
        let check = count_as_f64(shape.matrix_parameters()) / pace.plain_values;
        let warm_up =
            if workload.warm_up == 0 { 0.0 } else { pace.first_request + count_as_f64(workload.warm_up - 1) };
        let requests = starts * warm_up + count_as_f64(workload.repetitions);
        let loads = count_as_f64(workload.loads).max(starts);
        let case =
            starts * (prepare - written + context) + written + loads * load + check + requests * request;
        let [prepare, load, check, context, request, case] =
            [prepare, load, check, context, request, case].map(seconds);
        Self { prepare, load, check, context, request, answers: Seconds::ZERO, case }
    }

    /// With answers to `prompts`, each alone and of a usual length; how long they are is the model's choice.
    #[must_use]
    pub fn with_answers(self, case: &Case, pace: &Pace, prompts: u64) -> Self {
        let step = case.model.read_bytes_per_step(case.precision).as_f64() / pace.weight_bytes;
        let read = USUAL_PROMPT * count_as_f64(case.model.shape.active_parameters()) / pace.multiply_adds;
        let answers = count_as_f64(prompts) * (read + USUAL_ANSWER * step);
        let whole = self.without_answers().case.value() + answers;
        Self { answers: seconds(answers), case: seconds(whole), ..self }
    }

    /// Without them.
    #[must_use]
    pub fn without_answers(self) -> Self {
        let case = seconds((self.case.value() - self.answers.value()).max(0.0));
        Self { answers: Seconds::ZERO, case, ..self }
    }

    /// Without what cases of one checkpoint share with the first of them: its preparation, its loads and the gate.
    #[must_use]
    pub fn beside_another(self, loads: u64) -> Self {
        let shared = self.prepare.value() + count_as_f64(loads) * self.load.value() + self.check.value();
        let case = seconds((self.case.value() - shared).max(0.0));
        Self { prepare: Seconds::ZERO, load: Seconds::ZERO, check: Seconds::ZERO, case, ..self }
    }

    /// Without what a case shares with one of another engine that reads the same checkpoint: writing it, and the answers. Each
    /// engine digests, loads and checks it for itself.
    #[must_use]
    pub fn beside_another_engine(self, case: &Case) -> Self {
        let digested = case.model.tensor_bytes(case.precision).as_f64() / DIGESTED_BYTES_PER_SECOND;
        let prepare = self.prepare.value().min(digested);
        let without = self.without_answers();
        let case = seconds((without.case.value() - self.prepare.value() + prepare).max(0.0));
        Self { prepare: seconds(prepare), case, ..without }
    }

    /// The shortest form of the case that yields a figure: preparation, one load, the gate, a first request and one
    /// repetition.
    pub fn shortest(&self) -> Seconds {
        let requests = (REPACKING_REQUEST + 1.0) * self.request.value();
        seconds(
            self.prepare.value() + self.load.value() + self.check.value() + self.context.value() + requests,
        )
    }
}

/// What an engine takes in memory beside the weights as they are stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Footprint {
    /// Copies of quantised weights in the processor's own layout, at 4/3 of their size: none on a GPU, one on a CPU, two on a
    /// CPU with AMX. Not every type is repacked.
    pub repacked_copies: u64,
    /// True if weights stay in the mapped file, and keys and values are 16-bit floats.
    pub maps: bool,
    /// True if plain floats and the embedding table become 32-bit floats, and rotary angles are made for every position that
    /// the model was published for, as in candle-transformers.
    pub widens: bool,
}

impl Footprint {
    /// The memory a case needs before it is loaded, as an upper bound: weights, the cache, the scores of attention, and what
    /// the engine adds.
    pub fn memory(&self, case: &Case) -> Bytes {
        if self.maps {
            return Self::mapped(case);
        }
        let (shape, workload) = (&case.model.shape, &case.workload);
        let stored = case.model.tensor_bytes(case.precision).count();
        let weights = match (case.precision, self.widens) {
            (Precision::F32 | Precision::BF16, true) | (Precision::F16, _) => 4 * shape.parameters(),
            (Precision::F32 | Precision::BF16 | Precision::Q8_0, false) => stored,
            _ => stored + self.repacked_copies * stored * 4 / 3,
        };
        let tables = if self.widens {
            4 * (shape.vocab * shape.hidden + shape.max_positions * shape.rope_dim())
        } else {
            4 * shape.expanded_values() + 4 * workload.positions() * shape.rope_dim()
        };
        let positions = workload.batch * workload.positions();
        let cache = positions * shape.kv_bytes_per_token(4).count();
        let at_once = (workload.prompt_tokens + workload.context_depth).clamp(1, MOST_AT_ONCE);
        let scores = 4 * shape.heads() * at_once * positions;
        Bytes::new(weights + tables + 2 * cache + 3 * scores)
    }

    /// The same where weights stay in the mapped file: the file, the cache, rotary tables, the activations of one pass, and the
    /// logits of one token of each sequence.
    fn mapped(case: &Case) -> Bytes {
        let (shape, workload) = (&case.model.shape, &case.workload);
        let value_bytes = if case.precision == Precision::F32 { 4 } else { 2 };
        let positions = workload.positions().next_multiple_of(16);
        let cache = workload.batch * positions * shape.kv_bytes_per_token(value_bytes).count();
        // The cache of latent attention holds values beside the keys that they are a part of.
        let cache =
            if matches!(shape.attention, crate::model::Attention::Latent { .. }) { 2 * cache } else { cache };
        let tables = 4 * positions * shape.rope_dim() + 4 * shape.expanded_values();
        let wide = 4 * shape.hidden + 4 * shape.intermediate() + 4 * shape.heads() * (shape.head_dim() + 2);
        let at_once =
            (workload.batch * (workload.prompt_tokens + workload.context_depth)).clamp(1, MOST_AT_ONCE);
        let logits = 4 * shape.vocab * workload.batch;
        let weights = case.model.tensor_bytes(case.precision).count();
        Bytes::new(weights + cache + tables + 4 * at_once * wide + logits)
    }
}

/// Tokens of a prompt that are computed at once, at most.
const MOST_AT_ONCE: u64 = 256;

/// The sum of the forecasts.
pub fn total(forecasts: &[CaseForecast]) -> Seconds {
    seconds(forecasts.iter().map(|forecast| forecast.case.value()).sum())
}

/// What the next case gets of a time budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// So much; after it no repetition begins that is not expected to end within it.
    Time(Seconds),
    /// Nothing: its shortest form does not fit into what is left.
    TooLittle {
        /// The forecast of the shortest form.
        needed: Seconds,
    },
}

impl Share {
    /// Divides what is `left` of a budget among the cases that are due, in proportion to their forecasts; what one case
    /// does not use falls to the next. Each gets its shortest form at least, as long as that fits at all. `due` is
    /// not empty; `slowness` says how many times as long earlier cases took as forecast.
    ///
    /// ```
    /// # use claimbench::{units::Seconds, workload::{CaseForecast, Share}};
    /// let s = |value| Seconds::new(value).unwrap();
    /// let case = |total| CaseForecast {
    /// #     prepare: s(0.0), load: s(1.0), check: s(0.0), context: s(0.0), request: s(2.0), answers: s(0.0), case: s(total)
    /// # };
    /// assert_eq!(Share::of(&[case(30.0), case(90.0)], s(60.0), 1.0), Share::Time(s(15.0)));
    /// assert_eq!(Share::of(&[case(90.0)], s(6.0), 1.0), Share::TooLittle { needed: s(7.0) });
    /// ```
    pub fn of(due: &[CaseForecast], left: Seconds, slowness: f64) -> Self {
        let first = due.first().expect("a case is due");
        let needed = first.shortest().value() * slowness;
        if needed > left.value() {
            return Self::TooLittle { needed: seconds(needed) };
        }
        let share = left.value() * first.case.value() / total(due).value();
        Self::Time(seconds(share.max(needed).min(left.value())))
    }
}

fn seconds(value: f64) -> Seconds {
    Seconds::new(value).expect("sums and products of finite positive amounts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Registry;
    use crate::workload::{Plan, Selection, WorkloadBook};

    const TWO_CORES: Device = Device::Cpu { threads: 2 };

    fn distill() -> Case {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
        Plan::new(&registry, &book, &Selection::default()).unwrap().cases()[0].clone()
    }

    #[test]
    fn the_forecast_lies_between_the_two_machines_seen() {
        let case = distill();
        let pace = Pace::of(&TWO_CORES, 2);
        let forecast = CaseForecast::new(&case, &pace, None, 1);
        // Seen on two cores: 5.0 s with AMX and 6.5 s with AVX2 for a request (docs/PERFORMANCE.md).
        assert!((5.0..6.6).contains(&forecast.request.value()), "{:?}", forecast.request);
        let cold = CaseForecast::new(&case, &pace, Some(Bytes::new(1_114_408_224)), 1);
        assert!((cold.case.value() - forecast.case.value() - 1.857).abs() < 0.001, "{cold:?}");
        assert!(forecast.shortest() < forecast.case);
    }

    #[test]
    fn kernels_on_mapped_weights_are_expected_to_be_faster_and_smaller() {
        let case = distill();
        let request = CaseForecast::new(&case, &Pace::of_kernels(2), None, 1).request.value();
        // Seen on two cores with AVX-512: 2.4 s for a request, and 1.13 GB with a short context (docs/PERFORMANCE.md).
        assert!((2.4..3.6).contains(&request), "{request}");
        let memory = Footprint { repacked_copies: 0, maps: true, widens: false }.memory(&case).count();
        assert!((1_130_000_000..1_300_000_000).contains(&memory), "{memory}");
    }

    #[test]
    fn the_memory_needed_covers_the_peak_seen() {
        let memory = |repacked_copies| {
            Footprint { repacked_copies, maps: false, widens: true }.memory(&distill()).count()
        };
        // Seen: 2.95 GB with AVX2, 4.51 GB with AMX (docs/PERFORMANCE.md).
        assert!((2_950_000_000..4_000_000_000).contains(&memory(1)), "{}", memory(1));
        assert!((4_510_000_000..5_500_000_000).contains(&memory(2)), "{}", memory(2));
        assert!(memory(0) < memory(1));
    }

    #[test]
    fn answers_are_forecast_where_they_will_be_asked_for() {
        let (case, pace) = (distill(), Pace::of(&TWO_CORES, 2));
        let plain = CaseForecast::new(&case, &pace, None, 1);
        let asked = plain.with_answers(&case, &pace, 10);
        // 4,000 steps of 0.98 GB at 14 GB/s, and 1,000 tokens of 1.5e9 parameters at 1.3e11 per second.
        assert!((270.0..310.0).contains(&asked.answers.value()), "{:?}", asked.answers);
        assert!((asked.case.value() - plain.case.value() - asked.answers.value()).abs() < 1e-9);
        assert!((asked.without_answers().case.value() - plain.case.value()).abs() < 1e-9);
        assert_eq!(asked.shortest(), plain.shortest());
    }

    #[test]
    fn a_second_engine_finds_the_checkpoint_written() {
        let (case, pace) = (distill(), Pace::of(&TWO_CORES, 2));
        let there = CaseForecast::new(&case, &pace, None, 3);
        let cold = CaseForecast::new(&case, &pace, Some(Bytes::new(1_114_408_224)), 3);
        let second = cold.with_answers(&case, &pace, 10).beside_another_engine(&case);
        assert!((second.case.value() - there.case.value()).abs() < 1e-9, "{second:?} {there:?}");
        assert!((second.prepare.value() - there.prepare.value()).abs() < 1e-9);
        assert_eq!((second.check, second.load, second.answers), (there.check, there.load, Seconds::ZERO));
    }

    #[test]
    fn a_budget_grows_no_larger_by_being_shared() {
        let s = |value| Seconds::new(value).unwrap();
        let case = |total| CaseForecast {
            prepare: s(1.0),
            load: s(1.0),
            check: s(0.0),
            context: s(0.0),
            request: s(2.0),
            answers: s(0.0),
            case: s(total),
        };
        let due = [case(20.0), case(200.0), case(80.0)];
        // A third of the time: the small case gets its shortest form, 8 s, rather than its 6.7 s.
        assert_eq!(Share::of(&due, s(100.0), 1.0), Share::Time(s(8.0)));
        // What is left is divided anew, so nothing is promised twice.
        let Share::Time(second) = Share::of(&due[1..], s(92.0), 1.0) else { panic!("no share") };
        assert!((second.value() - 92.0 * 200.0 / 280.0).abs() < 1e-9, "{second:?}");
        // A machine twice as slow as forecast needs twice the least time.
        assert_eq!(Share::of(&due[2..], s(15.0), 2.0), Share::TooLittle { needed: s(16.0) });
    }
}
