//! How near a case came to what its device can do: the roofline (Williams, Waterman and Patterson 2009) with one ceiling
//! for decode, memory, and one for prefill, arithmetic. Definitions and a worked example: `docs/METHODOLOGY.md`.

use super::figures::Figures;
use super::plausible::{NotJudged, Plausibility};
use crate::hardware::{Ceilings, MatrixPrecision, MatrixRate};
use crate::model::Precision;
use crate::stats::Estimate;
use crate::units::{Bytes, Flop, Ratio, Seconds, count_as_f64, rounded_u64};
use crate::workload::Case;

/// Why a case has no place under the roofline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoRoofline {
    /// The device's rates were not measured.
    NoCeilings,
    /// They were measured by a build without optimisation.
    NotOptimised,
    /// A user's file with experts, several sequences: how many of its bytes are those of experts is not known.
    ExpertsOfAFile,
    /// No way to multiply at this precision could be measured.
    NoMatrixRate,
    /// A time or a rate is zero.
    NoTime,
}

impl NoRoofline {
    /// Why, in English.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoCeilings => "the rates of the device were not measured",
            Self::NotOptimised => "the rates of the device were measured by a build without optimisation",
            Self::ExpertsOfAFile => {
                "how many bytes of this file belong to experts is not known, so neither is what several sequences read"
            }
            Self::NoMatrixRate => "no product of matrices at this precision could be measured",
            Self::NoTime => "a time is too short to divide by",
        }
    }
}

/// Bytes of one decode step: the least that any engine must move which keeps weights as they are stored and the KV cache as
/// the measured engine does, each byte once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StepBytes {
    /// Weights: all tensors but the embedding table, the rows looked up, and of routed experts the expected distinct ones.
    pub weights: Bytes,
    /// Keys and values of the positions that are seen, averaged over the decode steps, for all sequences.
    pub cache_read: Bytes,
    /// Keys and values of one token of each sequence.
    pub cache_written: Bytes,
}

impl StepBytes {
    /// The decode steps of a case are those after the first output token. Step `i`, from 1 on, sees the context, the prompt
    /// and `i` tokens of the answer, its own input among them, or the window where that is shorter. A value of the KV cache has
    /// `kv_value_bytes`.
    pub fn of(case: &Case, kv_value_bytes: u64) -> Result<Self, NoRoofline> {
        let (shape, workload) = (&case.model.shape, &case.workload);
        let weights = case.model.step_weight_bytes(case.precision, workload.batch);
        let before = workload.context_depth.saturating_add(workload.prompt_tokens);
        let steps = workload.output_tokens.saturating_sub(1).max(1);
        let positions = shape.positions_seen(before, steps) / count_as_f64(steps);
        let written = shape.kv_bytes_per_token(kv_value_bytes).as_f64() * count_as_f64(workload.batch);
        let bytes = |value| Bytes::new(rounded_u64(value));
        Ok(Self {
            weights: weights.ok_or(NoRoofline::ExpertsOfAFile)?,
            cache_read: bytes(written * positions),
            cache_written: bytes(written),
        })
    }

    /// Their sum.
    pub const fn total(self) -> Bytes {
        let cache = self.cache_read.count().saturating_add(self.cache_written.count());
        Bytes::new(self.weights.count().saturating_add(cache))
    }
}

/// The share of the arithmetic ceiling that prefill reached, and which ceiling that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ComputeUse {
    /// Model FLOP utilisation.
    pub ratio: Estimate<Ratio>,
    /// The fastest product of matrices that the checkpoint's precision allows.
    pub ceiling: MatrixRate,
}

/// One case under the roofline of its device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roofline {
    /// What a decode step moves.
    pub step: Result<StepBytes, NoRoofline>,
    /// MBU, model bandwidth utilisation: bytes of a step over TPOT, over the device's read bandwidth.
    pub mbu: Result<Estimate<Ratio>, NoRoofline>,
    /// What the prompts of one request compute.
    pub prefill_flop: Flop,
    /// MFU, model FLOP utilisation: that over TTFT, over the fastest matrix rate that applies.
    pub mfu: Result<ComputeUse, NoRoofline>,
}

impl Roofline {
    /// From the case, its figures and the rates of its device, where those were measured.
    pub fn new(case: &Case, kv_value_bytes: u64, figures: &Figures, ceilings: Option<&Ceilings>) -> Self {
        let workload = &case.workload;
        let step = StepBytes::of(case, kv_value_bytes);
        let prefill_flop =
            case.model.shape.prefill_flop(workload.context_depth, workload.prompt_tokens, workload.batch);
        let ceilings = ceilings.ok_or(NoRoofline::NoCeilings);
        let ceilings = ceilings
            .and_then(|ceilings| ceilings.is_optimised().then_some(ceilings).ok_or(NoRoofline::NotOptimised));
        Self {
            mbu: step.and_then(|step| mbu(step, &figures.time_per_output_token, ceilings?)),
            mfu: ceilings
                .and_then(|rates| mfu(prefill_flop, &figures.time_to_first_token, case.precision, rates)),
            step,
            prefill_flop,
        }
    }

    /// Whether the decode speed can be: see [`Plausibility::of`]. `batch` is that of the case, `cache` the size of the device's
    /// last-level cache, where it is known.
    pub fn plausibility(&self, batch: u64, cache: Option<Bytes>) -> Plausibility {
        match (self.step, self.mbu) {
            (Ok(step), Ok(mbu)) => Plausibility::of(mbu.value(), Some(batch), step.weights, cache),
            (Err(reason), _) | (_, Err(reason)) => Plausibility::NotJudged(NotJudged::NoRatio(reason)),
        }
    }
}

fn mbu(
    step: StepBytes,
    time: &Estimate<Seconds>,
    ceilings: &Ceilings,
) -> Result<Estimate<Ratio>, NoRoofline> {
    let bandwidth = ceilings.read().ok_or(NoRoofline::NoCeilings)?.rate;
    time.map(|time| step.total().per(time)?.over(bandwidth)).ok_or(NoRoofline::NoTime)
}

fn mfu(
    flop: Flop,
    time: &Estimate<Seconds>,
    precision: Precision,
    ceilings: &Ceilings,
) -> Result<ComputeUse, NoRoofline> {
    let ceiling = *ceilings.product(applicable(precision)).ok_or(NoRoofline::NoMatrixRate)?;
    let ratio = time.map(|time| flop.per(time)?.over(ceiling.rate)).ok_or(NoRoofline::NoTime)?;
    Ok(ComputeUse { ratio, ceiling })
}

/// The precisions that a checkpoint's matrices can be multiplied in without losing what they hold: as they are stored, and
/// widened. Blocks of up to six bits have all ways open; `Q8_0` has not the smaller blocks, and of plain floats each has
/// itself and 32 bits.
pub const fn applicable(precision: Precision) -> &'static [MatrixPrecision] {
    use MatrixPrecision::{BF16, F16, F32, Q8_0};
    match precision {
        Precision::F32 => &[F32],
        Precision::F16 => &[F16, F32],
        Precision::BF16 => &[BF16, F32],
        Precision::Q8_0 => &[Q8_0, F16, BF16, F32],
        _ => &MatrixPrecision::ALL,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::super::sample::tests::repetition;
    use super::super::{LoadSample, Measurement, Role};
    use super::*;
    use crate::clock::Moment;
    use crate::hardware::example_ceilings;
    use crate::model::{LocalFile, LocalFormat, Registry, SlidingWindow};
    use crate::workload::WorkloadBook;

    fn case(model: &str, precision: Precision) -> Case {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
        let mut workload = book.get("short-chat").unwrap().clone();
        (workload.prompt_tokens, workload.output_tokens, workload.batch, workload.context_depth) =
            (128, 64, 1, 0);
        Case { model: registry.get(model).unwrap().clone(), precision, workload }
    }

    fn distill() -> Case {
        case("r1-distill-qwen-1.5b", Precision::Q4KM)
    }

    /// Figures of repetitions with these times to the first token and per output token.
    fn figures(times: &[(f64, f64)]) -> Figures {
        let duration = Seconds::new(1.0).unwrap();
        let loads = vec![LoadSample { process_start: 0, started: Moment::ORIGIN, duration }];
        let repetitions =
            times.iter().map(|(first, gap)| repetition(0, Role::Measured, *first, &[*gap; 63])).collect();
        Figures::new(&Measurement { loads, repetitions, ..Measurement::default() }).unwrap()
    }

    fn close(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= 1e-9 * expected.abs()
    }

    /// The worked example of docs/METHODOLOGY.md.
    #[test]
    fn the_worked_example_of_the_methodology() {
        let roofline = Roofline::new(&distill(), 4, &figures(&[(0.7, 0.04)]), Some(&example_ceilings()));
        let step = roofline.step.unwrap();
        assert_eq!(step.weights.count(), 980_098_400);
        // 2 x 28 layers x 2 heads x 128 values x 4 bytes a position, and 128 + 32 positions on average.
        assert_eq!(step.cache_written.count(), 57_344);
        assert_eq!(step.cache_read.count(), 57_344 * 160);
        assert_eq!(step.total().count(), 989_330_784);
        // 989 MB in 40 ms are 24.7 GB/s, of 40.
        assert!(close(roofline.mbu.unwrap().value().value(), 989_330_784.0 / 0.04 / 4e10));
        // (1,543,569,408 - 233,373,696) x 128 + 233,373,696 + 28 x 12 x 256 x 8,256 multiply-adds.
        assert!(close(roofline.prefill_flop.value(), 337_297_145_856.0), "{}", roofline.prefill_flop);
        // 337 GFLOP in 0.7 s are 482 GFLOP/s, of 400 with Q4_K, which is a test's number.
        let mfu = roofline.mfu.unwrap();
        assert!(close(mfu.ratio.value().value(), 337_297_145_856.0 / 0.7 / 4e11));
        assert_eq!(mfu.ceiling.precision, MatrixPrecision::Q4K);
    }

    #[test]
    fn intervals_carry_over_and_a_slow_step_is_a_low_utilisation() {
        let times: Vec<_> = (0..10).map(|i| (1.0, 0.04 + f64::from(i) / 1e3)).collect();
        let figures = figures(&times);
        let roofline = Roofline::new(&distill(), 4, &figures, Some(&example_ceilings()));
        let (mbu, time) = (roofline.mbu.unwrap(), figures.time_per_output_token);
        let (ends, times) = (mbu.interval().unwrap(), time.interval().unwrap());
        let bytes = roofline.step.unwrap().total().as_f64();
        assert!(close(ends.low().value(), bytes / times.high().value() / 4e10));
        assert!(close(ends.high().value(), bytes / times.low().value() / 4e10));
        assert_eq!((mbu.observations(), ends.method()), (10, times.method()));
    }

    #[test]
    fn a_batch_shares_the_weights_and_not_the_cache() {
        let mut many = case("tiny-deepseek2", Precision::BF16);
        let one = StepBytes::of(&many, 4).unwrap();
        many.workload.batch = 2;
        let two = StepBytes::of(&many, 4).unwrap();
        // Three of four experts in place of two: 294,912 bytes in each of 3 layers; and one row of 512 bytes.
        assert_eq!(two.weights.count() - one.weights.count(), 3 * 294_912 + 512);
        // The latent cache: 128 + 32 values in 4 layers.
        assert_eq!(one.cache_written.count(), 4 * 160 * 4);
        assert_eq!(two.cache_read.count(), 2 * one.cache_read.count());
        assert_eq!(two.cache_written.count(), 2 * one.cache_written.count());
    }

    #[test]
    fn a_window_bounds_what_a_step_reads() {
        let mut case = distill();
        case.workload.context_depth = 10_000;
        let all = StepBytes::of(&case, 4).unwrap().cache_read.count();
        assert_eq!(all, 57_344 * (10_000 + 160));
        case.model.shape.sliding_window = SlidingWindow::On(4_096);
        assert_eq!(StepBytes::of(&case, 4).unwrap().cache_read.count(), 57_344 * 4_096);
    }

    #[test]
    fn a_file_of_the_user_is_read_as_it_says_of_itself() {
        let local = LocalFile {
            format: LocalFormat::Gguf,
            tensor_bytes: Bytes::new(2_000_000),
            read_bytes_per_step: Bytes::new(1_500_000),
        };
        let with = |model: &str, batch| {
            let mut case = case(model, Precision::Unnamed);
            case.model.local = Some(local);
            case.workload.batch = batch;
            StepBytes::of(&case, 4).map(|step| step.weights.count())
        };
        assert_eq!(with("tiny-qwen2", 1), Ok(1_500_000));
        assert_eq!(with("tiny-qwen2", 8), Ok(1_500_000));
        assert_eq!(with("tiny-deepseek2", 1), Ok(1_500_000));
        assert_eq!(with("tiny-deepseek2", 8), Err(NoRoofline::ExpertsOfAFile));
    }

    #[test]
    fn what_is_missing_has_a_reason() {
        let (case, figures) = (distill(), figures(&[(1.0, 0.04)]));
        let without = Roofline::new(&case, 4, &figures, None);
        assert!(without.step.is_ok());
        assert_eq!(without.mbu, Err(NoRoofline::NoCeilings));
        assert_eq!(without.mfu, Err(NoRoofline::NoCeilings));
        let debug = Ceilings { profile: "debug".into(), ..example_ceilings() };
        assert_eq!(Roofline::new(&case, 4, &figures, Some(&debug)).mbu, Err(NoRoofline::NotOptimised));
        let empty = Ceilings { reads: vec![], products: vec![], ..example_ceilings() };
        let empty = Roofline::new(&case, 4, &figures, Some(&empty));
        assert_eq!((empty.mbu, empty.mfu), (Err(NoRoofline::NoCeilings), Err(NoRoofline::NoMatrixRate)));
        assert_eq!(
            empty.plausibility(1, None),
            Plausibility::NotJudged(NotJudged::NoRatio(NoRoofline::NoCeilings))
        );
    }

    #[test]
    fn a_rate_applies_if_the_checkpoint_can_be_widened_to_it() {
        assert_eq!(applicable(Precision::Q4KM).len(), 6);
        for (precision, fastest) in [
            (Precision::Q4KM, MatrixPrecision::Q4K),
            (Precision::Q8_0, MatrixPrecision::F32),
            (Precision::BF16, MatrixPrecision::F32),
        ] {
            assert_eq!(example_ceilings().product(applicable(precision)).unwrap().precision, fastest);
        }
    }

    #[test]
    fn a_step_faster_than_memory_is_not_believed() {
        let cache = Some(Bytes::new(32 << 20));
        let at = |gap| Roofline::new(&distill(), 4, &figures(&[(1.0, gap)]), Some(&example_ceilings()));
        // 989 MB at 40 GB/s take 24.7 ms.
        assert_eq!(at(0.025).plausibility(1, cache), Plausibility::Plausible);
        assert!(matches!(at(0.023).plausibility(1, cache), Plausibility::Implausible(_)));
        assert!(matches!(at(0.023).plausibility(1, None), Plausibility::NotJudged(NotJudged::CacheUnknown)));
    }

    static DISTILL: LazyLock<Case> = LazyLock::new(distill);

    proptest! {
        #[test]
        fn more_context_more_sequences_and_less_time_never_lower_the_utilisation(
            depth in 0_u64..30_000, batch in 1_u64..64, gap in 0.001_f64..1.0,
        ) {
            let mut case = DISTILL.clone();
            (case.workload.context_depth, case.workload.batch) = (depth, batch);
            let (less, ceilings) = (StepBytes::of(&case, 4).unwrap(), example_ceilings());
            let mbu = |case: &Case, gap| {
                let roofline = Roofline::new(case, 4, &figures(&[(1.0, gap)]), Some(&ceilings));
                roofline.mbu.unwrap().value()
            };
            let before = mbu(&case, gap);
            prop_assert!(mbu(&case, gap / 2.0) > before);
            case.workload.context_depth += 1;
            let deeper = StepBytes::of(&case, 4).unwrap();
            prop_assert!(deeper.total() > less.total() && deeper.weights == less.weights);
            case.workload.batch += 1;
            prop_assert!(StepBytes::of(&case, 4).unwrap().total() > deeper.total());
            prop_assert!(mbu(&case, gap) > before);
        }
    }
}
