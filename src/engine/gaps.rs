//! What candle-transformers 0.11.1 cannot run rightly, case by case, from reading its source.
//!
//! `quantized_qwen2` takes `hidden / heads` for the width of a head and knows no rotary scaling. `quantized_llama` does the
//! same, has rotary angles for 4,096 positions, ignores `rope_freqs.weight`, and reads experts only as one tensor each, as files
//! held them before 2024. `quantized_qwen3` knows neither YaRN nor, on a CPU, more than one sequence, and keeps rotary
//! angles in 16-bit floats unless a file says `general.dtype` 0, which none of the published ones does: at position 1000 an
//! angle is off by a third of a radian. All of them hand the last position of each sequence to the output matrix as it lies in
//! memory, which that refuses for several sequences of more than one token. Nothing reads quantised files of the architectures `mistral3` and `deepseek2`.

use super::floats;
use crate::measurement::EngineGap;
use crate::model::{Attention, Family, LocalFormat, RopeScaling, Shape, SlidingWindow};
use crate::workload::Case;

/// Positions `quantized_llama` has rotary angles for (`MAX_SEQ_LEN`).
const LLAMA_POSITIONS: u64 = 4_096;

/// Everything the reference engine lacks for this case; it runs a case for which nothing is listed.
pub(super) fn gaps(case: &Case) -> Vec<EngineGap> {
    let (shape, workload, positions) = (&case.model.shape, &case.workload, case.workload.positions());
    let is_folder = case.model.local.is_some_and(|local| local.format == LocalFormat::Safetensors);
    let is_beyond = |window: SlidingWindow| matches!(window, SlidingWindow::On(last) if positions > last);
    let lacks = [
        (EngineGap::Context, !is_folder && shape.family == Family::Llama && positions > LLAMA_POSITIONS),
        (EngineGap::SlidingWindow, is_beyond(shape.sliding_window)),
        (
            EngineGap::Batch,
            !is_folder && workload.batch > 1 && workload.prompt_tokens.max(workload.context_depth) > 1,
        ),
    ];
    let mut gaps = if is_folder { floats::shape_gaps(shape) } else { shape_gaps(shape) };
    gaps.extend(lacks.into_iter().filter_map(|(gap, lacks)| lacks.then_some(gap)));
    gaps
}

/// What it lacks for a model under any workload.
pub(super) fn shape_gaps(shape: &Shape) -> Vec<EngineGap> {
    let lacks = [
        (EngineGap::Architecture, matches!(shape.family, Family::Mistral3 | Family::DeepSeek2)),
        (EngineGap::HeadSize, has_other_head_size(shape)),
        (EngineGap::RopeScaling, shape.rope_scaling != RopeScaling::None),
        (EngineGap::QueryKeyNorm, shape.family.has_query_key_norm()),
        (EngineGap::LatentAttention, matches!(shape.attention, Attention::Latent { .. })),
        (EngineGap::Experts, shape.mixture().is_some()),
    ];
    lacks.into_iter().filter_map(|(gap, lacks)| lacks.then_some(gap)).collect()
}

/// Heads of another width than `hidden / heads`; latent attention is listed as such.
fn has_other_head_size(shape: &Shape) -> bool {
    match shape.attention {
        Attention::Grouped { heads, head_dim, .. } => heads * head_dim != shape.hidden,
        Attention::Latent { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Precision, Registry};
    use crate::workload::WorkloadBook;

    fn case(model: &str, prompt_tokens: u64) -> Case {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
        let mut workload = book.get("short-chat").unwrap().clone();
        workload.prompt_tokens = prompt_tokens;
        Case { model: registry.get(model).unwrap().clone(), precision: Precision::Q4KM, workload }
    }

    /// What runs, and what does not and why, under a short chat.
    const GAPS: [(&str, &[EngineGap]); 20] = [
        ("r1-distill-qwen-1.5b", &[]),
        ("r1-distill-qwen-7b", &[]),
        ("r1-distill-qwen-14b", &[]),
        ("r1-distill-llama-8b", &[EngineGap::RopeScaling]),
        ("r1-0528-qwen3-8b", &[EngineGap::RopeScaling, EngineGap::QueryKeyNorm]),
        (
            "deepseek-v2-lite",
            &[
                EngineGap::Architecture,
                EngineGap::RopeScaling,
                EngineGap::LatentAttention,
                EngineGap::Experts,
            ],
        ),
        ("mistral-7b-v0.3", &[]),
        ("ministral-8b-2410", &[]),
        ("mistral-nemo-2407", &[EngineGap::HeadSize]),
        ("mistral-small-24b-2501", &[EngineGap::HeadSize]),
        ("mistral-small-3.2-24b", &[EngineGap::HeadSize]),
        ("ministral-3-3b", &[EngineGap::Architecture, EngineGap::HeadSize, EngineGap::RopeScaling]),
        ("ministral-3-8b", &[EngineGap::Architecture, EngineGap::RopeScaling]),
        ("ministral-3-14b", &[EngineGap::Architecture, EngineGap::HeadSize, EngineGap::RopeScaling]),
        ("tiny-qwen2", &[]),
        ("tiny-llama", &[]),
        ("tiny-llama3", &[EngineGap::RopeScaling]),
        ("tiny-qwen3", &[EngineGap::HeadSize, EngineGap::RopeScaling, EngineGap::QueryKeyNorm]),
        ("tiny-mistral3", &[EngineGap::Architecture, EngineGap::RopeScaling]),
        (
            "tiny-deepseek2",
            &[
                EngineGap::Architecture,
                EngineGap::RopeScaling,
                EngineGap::LatentAttention,
                EngineGap::Experts,
            ],
        ),
    ];

    #[test]
    fn each_model_runs_or_says_what_it_lacks() {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let known: Vec<_> = GAPS.iter().map(|(id, _)| *id).collect();
        let listed: Vec<_> = registry.models().iter().map(|model| model.id.as_str()).collect();
        assert_eq!(known, listed, "each model of models.toml stands here");
        for (id, expected) in GAPS {
            assert_eq!(gaps(&case(id, 128)), expected, "{id}");
        }
    }

    #[test]
    fn the_methodology_explains_every_gap() {
        let text = include_str!("../../docs/METHODOLOGY.md");
        for gap in EngineGap::ALL {
            assert!(text.contains(&format!("| `{}` |", gap.id())), "{}", gap.id());
        }
    }

    #[test]
    fn several_prompts_at_once_are_beyond_the_engine() {
        let mut case = case("mistral-7b-v0.3", 128);
        case.workload.batch = 4;
        assert_eq!(gaps(&case), [EngineGap::Batch]);
        case.workload.prompt_tokens = 1;
        assert_eq!(gaps(&case), []);
    }

    #[test]
    fn long_workloads_are_beyond_the_llama_code_but_not_the_qwen2_code() {
        assert_eq!(gaps(&case("mistral-7b-v0.3", 4_032)), []);
        assert_eq!(gaps(&case("mistral-7b-v0.3", 4_033)), [EngineGap::Context]);
        assert_eq!(gaps(&case("r1-distill-qwen-7b", 20_000)), []);
        // The window that the Qwen2.5-Math config states is switched off; Ministral's is not.
        let both = [EngineGap::Context, EngineGap::SlidingWindow];
        assert_eq!(gaps(&case("ministral-8b-2410", 32_800)), both);
    }
}
