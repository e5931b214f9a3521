//! The raw samples of one case. Every one is kept; warm-up repetitions are kept and marked.

use std::collections::BTreeSet;

use super::answer::{Answer, Unanswered};
use super::gate::Gate;
use crate::clock::Moment;
use crate::hardware::Window;
use crate::stats::Starts;
use crate::units::{Bytes, Joules, Quantity, Seconds, Tokens, Watts};

/// Whether a repetition enters the figures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Comes first, fills caches, enters no figure.
    WarmUp,
    /// Enters the figures.
    Measured,
}

/// One loading of the model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadSample {
    /// The process that loaded it: 0 is the one that began the run, each resumption counts one up.
    pub process_start: u64,
    /// When it began, on the clock of its process.
    pub started: Moment,
    /// From the first read of the file to a model that can answer.
    pub duration: Seconds,
}

/// One repetition: one request from its tokens to its last output token.
#[derive(Clone, Debug, PartialEq)]
pub struct Repetition {
    /// Counts all repetitions of the case, warm-up included, from 0.
    pub index: u64,
    /// Whether it enters the figures.
    pub role: Role,
    /// The process it ran in: 0 is the one that began the run, each resumption counts one up.
    pub process_start: u64,
    /// Which prompt was asked. Repetitions of one process ask different ones; the same number is the same prompt in every process.
    pub prompt: u64,
    /// When the request was handed to the engine, on the clock of its process.
    pub started: Moment,
    /// From the request to its first output token on the host (TTFT): the prefill and one sampling.
    pub first_token: Seconds,
    /// Gaps between consecutive output tokens, one fewer than output tokens.
    pub gaps: Vec<Seconds>,
    /// Tokens of the prompt, per sequence.
    pub prompt_tokens: Tokens,
    /// Output tokens, per sequence.
    pub output_tokens: Tokens,
    /// Sequences decoded together.
    pub batch: u64,
    /// Digest of the output token ids (FNV-1a, 64 bits): equal prompts must give equal answers.
    pub output_digest: u64,
    /// Processor time of the whole process during the request.
    pub cpu: Option<Seconds>,
    /// Energy counted by the first meter during the request.
    pub energy: Option<Joules>,
    /// Power during the request, where the first meter reads it apart from its counter.
    pub mean_power: Option<Watts>,
    /// Largest resident set of the process during the request, or on a GPU the device memory in use after it.
    pub peak_memory: Option<Bytes>,
    /// What else happened on the machine meanwhile.
    pub window: Window,
}

impl Repetition {
    /// From the request to its last output token (E2E).
    pub fn end_to_end(&self) -> Seconds {
        self.gaps.iter().try_fold(self.first_token, |sum, gap| sum.plus(*gap)).expect("a sum of finite times")
    }

    /// (E2E - TTFT) / (n - 1), as vLLM, `AIPerf` and `genai-bench` define it (TPOT); `None` for a single output token.
    pub fn time_per_output_token(&self) -> Option<Seconds> {
        self.decode().divided_by(crate::units::index_as_u64(self.gaps.len()))
    }

    /// Time from the first to the last output token.
    pub fn decode(&self) -> Seconds {
        self.gaps.iter().try_fold(Seconds::ZERO, |sum, gap| sum.plus(*gap)).expect("a sum of finite times")
    }
}

/// All samples of one case, and what it wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    /// Loads of the model, in order.
    pub loads: Vec<LoadSample>,
    /// Repetitions, in order.
    pub repetitions: Vec<Repetition>,
    /// How the logits compare with the plain path's; `None` if the case never came so far, or was measured by method 1,
    /// which had no gate.
    pub gate: Option<Gate>,
    /// What the model wrote to the prompts of the repository, in their order; none for random weights.
    pub answers: Vec<Answer>,
    /// Why not all of them were asked; `None` if they were, or if the weights are random.
    pub unanswered: Option<Unanswered>,
}

impl Measurement {
    /// The repetitions that enter the figures.
    pub fn measured(&self) -> impl Iterator<Item = &Repetition> {
        self.repetitions.iter().filter(|repetition| repetition.role == Role::Measured)
    }

    /// Processes that the measured repetitions come from.
    pub fn process_starts(&self) -> usize {
        let starts: BTreeSet<u64> = self.measured().map(|repetition| repetition.process_start).collect();
        starts.len()
    }
}

/// Amounts with the process start of each, nested by it; `None` without one.
pub(super) fn by_start<Q: Quantity>(amounts: &[(u64, Q)]) -> Option<Starts<Q>> {
    let starts: BTreeSet<u64> = amounts.iter().map(|(start, _)| *start).collect();
    let of = |start: &u64| amounts.iter().filter(|(s, _)| s == start).map(|(_, amount)| *amount).collect();
    Starts::new(starts.iter().map(of).collect()).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn repetition(index: u64, role: Role, first: f64, gaps: &[f64]) -> Repetition {
        let seconds = |value: &f64| Seconds::new(*value).unwrap();
        Repetition {
            index,
            role,
            process_start: 0,
            prompt: index,
            started: Moment::ORIGIN,
            first_token: seconds(&first),
            gaps: gaps.iter().map(seconds).collect(),
            prompt_tokens: Tokens::new(128),
            output_tokens: Tokens::new(crate::units::index_as_u64(gaps.len()) + 1),
            batch: 1,
            output_digest: 7,
            cpu: Some(seconds(&(first * 2.0))),
            energy: None,
            mean_power: None,
            peak_memory: Some(Bytes::new(1_000_000 + index)),
            window: Window::default(),
        }
    }

    #[test]
    fn end_to_end_is_first_token_plus_decode() {
        let repetition = repetition(0, Role::Measured, 2.0, &[0.5, 0.25]);
        assert!((repetition.end_to_end().value() - 2.75).abs() < 1e-12);
        assert!((repetition.decode().value() - 0.75).abs() < 1e-12);
    }
}
