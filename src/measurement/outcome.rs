//! What came out of a case: samples, a failure with its stage, or the reason why it was not tried.

use super::sample::Measurement;
use super::skip::EngineGap;
use crate::units::{Bytes, Seconds};

/// The part of a case that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Finding or making the checkpoint.
    Prepare,
    /// Loading it.
    Load,
    /// Comparing with the plain path.
    Gate,
    /// Answering a request.
    Generate,
    /// The run was stopped, or its process ended, before the case was finished.
    Interrupted,
    /// The run ended before the case began.
    NotStarted,
}

impl Stage {
    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Load => "load",
            Self::Gate => "gate",
            Self::Generate => "generate",
            Self::Interrupted => "interrupted",
            Self::NotStarted => "not-started",
        }
    }
}

/// Why a case has no figures, or fewer than asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// Where it happened.
    pub stage: Stage,
    /// What happened and what to do.
    pub reason: String,
}

impl Failure {
    /// A failure whose reason names files without their folders: a path can name a user.
    pub fn new(stage: Stage, reason: &str) -> Self {
        Self { stage, reason: without_folders(reason) }
    }
}

/// The text with every absolute path cut down to its last part. Repositories (`owner/name`) and addresses stay.
pub(super) fn without_folders(text: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || "`'\"(),;".contains(c);
    let mut result = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_end) {
        let word = piece.trim_end_matches(is_end);
        let is_path = word.starts_with(['/', '~']) || word.contains(":\\");
        let kept =
            if is_path { word.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next() } else { Some(word) };
        result.push_str(kept.unwrap_or_default());
        result.push_str(&piece[word.len()..]);
    }
    result
}

/// Why a case was not tried.
#[derive(Clone, Debug, PartialEq)]
pub enum Skip {
    /// The engine lacks something that the model needs.
    Engine {
        /// All that it lacks, at least one.
        gaps: Vec<EngineGap>,
    },
    /// It needs more memory than is free.
    Memory {
        /// Needed for weights, cache and the engine's own copies.
        needed: Bytes,
        /// Free when the case was due.
        free: Bytes,
    },
    /// It is expected to need more time than its workload allows a case of a suite.
    Limit {
        /// The forecast of its fewest repetitions, with what has to come before them.
        needed: Seconds,
        /// What the workload allows.
        limit: Seconds,
    },
    /// The time budget of the run had no room left for it.
    Budget {
        /// The forecast of its shortest form: one load, the warm-up and one repetition.
        needed: Seconds,
        /// What was left of the budget.
        left: Seconds,
    },
}

impl Skip {
    /// The name used in files.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Engine { .. } => "engine",
            Self::Memory { .. } => "memory",
            Self::Limit { .. } => "limit",
            Self::Budget { .. } => "budget",
        }
    }

    /// Why, and what would help, in English.
    pub fn reason(&self) -> String {
        match self {
            Self::Engine { gaps } => gaps.iter().map(|gap| gap.reason()).collect::<Vec<_>>().join("; "),
            Self::Memory { needed, free } => format!(
                "needs about {:.1} GB of memory and {:.1} GB are free; close other programs or take a larger machine",
                needed.as_f64() / 1e9,
                free.as_f64() / 1e9
            ),
            Self::Limit { needed, limit } => format!(
                "needs about {:.0} s and a suite allows this workload {:.0} s; name it with --workload to measure it all the same",
                needed.value(),
                limit.value()
            ),
            Self::Budget { needed, left } => format!(
                "needs about {:.0} s at least and {:.0} s of the budget were left; give a larger --budget",
                needed.value(),
                left.value()
            ),
        }
    }
}

/// What came out of a case. A failure is a row, not the end of the run.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Measured as asked.
    Measured(Measurement),
    /// Not, or not wholly; what was measured before is kept.
    Failed(Failure, Measurement),
    /// Not tried: it was known beforehand that it cannot be measured here.
    Skipped(Skip),
}

/// The samples of a case that has none.
static NO_SAMPLES: Measurement = Measurement {
    loads: Vec::new(),
    repetitions: Vec::new(),
    gate: None,
    answers: Vec::new(),
    unanswered: None,
};

impl Outcome {
    /// True if the run ended before the case did: another process can go on with it.
    pub fn ended_early(&self) -> bool {
        matches!(self, Self::Failed(failure, _) if matches!(failure.stage, Stage::Interrupted | Stage::NotStarted))
    }

    /// The samples, whole or partial.
    pub fn measurement(&self) -> &Measurement {
        match self {
            Self::Measured(measurement) | Self::Failed(_, measurement) => measurement,
            Self::Skipped(_) => &NO_SAMPLES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_files_without_their_folders() {
        let reason = |text: &str| Failure::new(Stage::Prepare, text).reason;
        assert_eq!(reason("cannot read /srv/ada/.cache/model.gguf: gone"), "cannot read model.gguf: gone");
        assert_eq!(reason("written to `/srv/ada/cache/`; free some"), "written to `cache`; free some");
        assert_eq!(reason("D:\\people\\Ada\\m.gguf is no GGUF file"), "m.gguf is no GGUF file");
        let clean = "owner/name has no `a.gguf`; see https://example.org/x";
        assert_eq!(reason(clean), clean);
    }

    #[test]
    fn a_skipped_case_says_what_it_needs() {
        let memory = Skip::Memory { needed: Bytes::new(36_500_000_000), free: Bytes::new(22_040_000_000) };
        assert!(memory.reason().starts_with("needs about 36.5 GB of memory and 22.0 GB are free"));
        let seconds = |value| Seconds::new(value).unwrap();
        let budget = Skip::Budget { needed: seconds(61.2), left: seconds(9.0) };
        assert!(budget.reason().starts_with("needs about 61 s at least and 9 s of the budget were left"));
        let engine = Skip::Engine { gaps: vec![EngineGap::Experts, EngineGap::LatentAttention] };
        assert!(
            engine.reason().contains("experts") && engine.reason().contains("; the engine has no latent")
        );
        assert!(Outcome::Skipped(budget).measurement().repetitions.is_empty());
    }
}
