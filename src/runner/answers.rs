//! Lets a model with real weights answer prompts, after everything that is measured.

use std::ops::ControlFlow;

use super::{Bench, CaseRun};
use crate::clock::Moment;
use crate::engine::Request;
use crate::measurement::{Answer, AnswerEnd, NoAnswer, Sampling, Unanswered};
use crate::text::{ChatModel, Prompt, Reasoning, Rendered, SplitOutput, printable};
use crate::units::{Tokens, index_as_u64};

/// The most tokens of an answer.
const ANSWER_LIMIT: u64 = 256;
/// The same where thinking comes first.
const REASONING_LIMIT: u64 = 1_024;

/// The most tokens that a model may write to one prompt.
pub const fn answer_limit(chat: &ChatModel) -> Tokens {
    Tokens::new(if chat.reasons() { REASONING_LIMIT } else { ANSWER_LIMIT })
}

impl CaseRun {
    /// Lets the loaded model answer one prompt, greedily and alone in its batch. What goes wrong is kept as the reason why
    /// there is no text; no sample is lost for it, and no further prompt is asked.
    pub fn answer(&mut self, bench: &mut Bench<'_>, chat: &ChatModel, prompt: &Prompt) {
        if self.measurement.unanswered.is_some() || self.stopped(bench) {
            return;
        }
        match self.one_answer(bench, chat, prompt) {
            Ok(Some(answer)) => self.measurement.answers.push(answer),
            // Stopped in the middle: half an answer is none.
            Ok(None) => drop(self.stopped(bench)),
            Err(reason) => self.measurement.unanswered = Some(reason),
        }
    }

    /// Runs a short request whose words nobody keeps: the first one after a load is slower than the others.
    pub fn warm_up(&mut self, bench: &mut Bench<'_>) {
        let request = Request { prompts: vec![self.prompt(0, 0)], output_tokens: 2 };
        if self.stopped(bench) || bench.engine.begin(&[], &request).is_err() {
            return;
        }
        let stop = bench.stop;
        let mut emit = |_: &[u32]| if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        // What fails here fails again with the first prompt, and is told there.
        drop(bench.engine.generate(&request, &mut emit));
    }

    /// Says why nothing more is asked, or with `None` that it can be.
    pub fn leave_unanswered(&mut self, why: Option<Unanswered>) {
        if self.ending.is_none() {
            self.measurement.unanswered = why;
        }
    }

    fn one_answer(
        &self,
        bench: &mut Bench<'_>,
        chat: &ChatModel,
        prompt: &Prompt,
    ) -> Result<Option<Answer>, Unanswered> {
        let rendered = chat.render(&prompt.text).map_err(|error| Unanswered::text(&error.to_string()))?;
        let prompt_tokens = index_as_u64(rendered.tokens.len());
        let room = self.case.model.shape.max_positions.saturating_sub(prompt_tokens);
        let limit = answer_limit(chat).count().min(room);
        if limit == 0 {
            return Err(Unanswered::text("the prompt is longer than the model was published for"));
        }
        let request = Request { prompts: vec![rendered.tokens.clone()], output_tokens: limit };
        let failed = |error: crate::engine::EngineError| Unanswered::engine(&error.to_string());
        bench.engine.begin(&[], &request).map_err(failed)?;

        let (mut stamps, mut tokens): (Vec<Moment>, Vec<u32>) = (Vec::new(), Vec::new());
        let (clock, stop) = (bench.clock, bench.stop);
        let started = clock.now();
        let result = bench.engine.generate(&request, &mut |step| {
            stamps.push(clock.now());
            tokens.extend_from_slice(step);
            let is_end = step.first().is_some_and(|token| chat.is_end(*token));
            if is_end || stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        result.map_err(failed)?;
        let end = match tokens.last() {
            Some(last) if chat.is_end(*last) => AnswerEnd::Stop,
            Some(_) if index_as_u64(tokens.len()) == limit => AnswerEnd::Length,
            _ if (bench.stop)() => return Ok(None),
            _ => return Err(Unanswered::engine("the engine stopped before the answer did")),
        };
        let split = chat.read(&rendered, &tokens).map_err(|error| Unanswered::text(&error.to_string()))?;
        let times = Times { started, stamps };
        let answer = put_together(prompt, &rendered, limit, end, split, &times);
        match answer.contradiction() {
            None => Ok(Some(answer)),
            Some(problem) => {
                Err(Unanswered::text(&format!("what the model wrote makes no sense: {problem}")))
            }
        }
    }
}

/// When the request was handed over, and when each token was there; at least one was.
struct Times {
    started: Moment,
    stamps: Vec<Moment>,
}

fn put_together(
    prompt: &Prompt,
    rendered: &Rendered,
    limit: u64,
    end: AnswerEnd,
    split: SplitOutput,
    times: &Times,
) -> Answer {
    let since = |at: usize| times.started.until(times.stamps[at]);
    let all = times.stamps.len();
    let thought = match (split.reasoning, split.first_answer_token) {
        (Reasoning::None, _) => 0,
        (Reasoning::Finished, Some(first)) => first,
        (Reasoning::Finished, None) | (Reasoning::Cut, _) => all,
    };
    let missing = if split.reasoning == Reasoning::Cut { NoAnswer::Thinking } else { NoAnswer::Empty };
    Answer {
        prompt: prompt.id.clone(),
        language: prompt.language,
        question: printable(&prompt.text),
        prompt_tokens: Tokens::new(index_as_u64(rendered.tokens.len())),
        sampling: Sampling::Greedy,
        limit: Tokens::new(limit),
        end,
        thinking: (split.reasoning != Reasoning::None).then_some(split.thinking),
        thinking_tokens: Tokens::new(index_as_u64(thought)),
        text: split.answer,
        text_tokens: Tokens::new(index_as_u64(all - thought)),
        first_token: since(0),
        first_answer_token: split.first_answer_token.map(since).ok_or(missing),
        whole: since(all - 1),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write the files they read")]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::clock::ScriptedClock;
    use crate::engine::{EngineError, Scripted, ScriptedEngine};
    use crate::hardware::ScriptedProbe;
    use crate::measurement::{ModelFile, Stage};
    use crate::model::{Recipe, Registry, Weights, write_synthetic};
    use crate::runner::Ending;
    use crate::text::PromptBook;
    use crate::units::{Bytes, Seconds};
    use crate::workload::{Plan, WorkloadBook};

    /// A case of the smallest shape, and what a file of it says of text: byte `b` is token `b`.
    fn tiny() -> (CaseRun, ChatModel, Vec<Prompt>) {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
        let case = Plan::smoke_test(&registry, &book).unwrap().cases()[0].clone();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.gguf");
        let file = std::fs::File::create(&path).unwrap();
        write_synthetic(file, &case.model, Recipe::Q8_0, 1, NonZeroUsize::MIN).unwrap();
        let chat = ChatModel::open(&path, case.model.shape.vocab).unwrap();
        let weights = Weights::Local { name: "tiny.gguf".into() };
        let file = ModelFile { weights, sha256: "00".into(), bytes: Bytes::new(1) };
        let prompts = PromptBook::parse("prompts.toml", include_str!("../../prompts.toml")).unwrap();
        (CaseRun::new(case, Ok(file)), chat, prompts.prompts().to_vec())
    }

    /// Loads, repeats twice, and asks the first two prompts; asks to stop once it was asked so many times whether to.
    fn asked(script: Scripted, stop_after: Option<u64>) -> CaseRun {
        let (mut case, chat, prompts) = tiny();
        let mut engine = ScriptedEngine::new(script);
        let clock = ScriptedClock::new([], 100_000_000, 0);
        let mut probe = ScriptedProbe::new(Seconds::new(0.5).unwrap(), Bytes::new(1_000));
        let count = std::cell::Cell::new(0);
        let stop = || {
            count.set(count.get() + 1);
            stop_after.is_some_and(|limit| count.get() > limit)
        };
        let mut bench =
            Bench { engine: &mut engine, clock: &clock, probe: &mut probe, meters: &mut [], stop: &stop };
        case.load(&mut bench);
        case.repeat(&mut bench);
        case.repeat(&mut bench);
        assert_eq!(case.measured(), 1);
        for prompt in &prompts[..2] {
            case.answer(&mut bench, &chat, prompt);
        }
        case
    }

    #[test]
    fn an_answer_ends_at_its_limit_with_a_stamp_for_every_token() {
        let case = asked(Scripted::default(), None);
        let answers = &case.measurement().answers;
        assert_eq!(answers.len(), 2);
        let answer = &answers[0];
        // 512 positions, of which the prompt takes some; the script counts from byte 0 and knows no end mark below that.
        assert_eq!(answer.limit.count(), 512 - answer.prompt_tokens.count());
        assert_eq!((answer.end, answer.output_tokens()), (AnswerEnd::Length, answer.limit));
        assert!((answer.first_token.value() - 0.1).abs() < 1e-9);
        assert!((answer.whole.value() - 0.1 * answer.limit.as_f64()).abs() < 1e-6);
        // Control characters come first and are made visible.
        assert_eq!(answer.first_answer_token, Ok(answer.first_token));
        assert!(answer.text.starts_with('\u{fffd}') && answer.text.contains("ABC"), "{:?}", answer.text);
    }

    #[test]
    fn an_engine_that_fails_costs_no_sample_and_no_earlier_answer() {
        for (request, kept) in [(2, 0), (3, 1)] {
            let error = EngineError::Compute("out of luck".into());
            let case =
                asked(Scripted { generate_error: Some((request, error)), ..Scripted::default() }, None);
            assert_eq!((case.measured(), case.measurement().answers.len()), (1, kept));
            let why = Unanswered::Engine("computation failed: out of luck".into());
            assert_eq!(case.measurement().unanswered, Some(why));
            assert!(!case.has_ended());
        }
    }

    #[test]
    fn half_an_answer_is_none_and_the_case_is_interrupted() {
        // One question before the load, one before and four during each repetition, and then some within the answer.
        let case = asked(Scripted::default(), Some(1 + 5 + 5 + 20));
        assert!(case.measurement().answers.is_empty() && case.measurement().unanswered.is_none());
        assert!(matches!(&case.ending, Some(Ending::Failed(failure)) if failure.stage == Stage::Interrupted));
        assert_eq!(case.measured(), 1);
    }
}
