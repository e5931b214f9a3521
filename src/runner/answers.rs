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
        bench.engine.begin(&[]).map_err(failed)?;

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
