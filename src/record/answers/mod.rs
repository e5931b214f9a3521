//! What a model wrote, in the run file: its way there and back, and what may stand beside it.

mod schema;

pub(super) use schema::{AnswerFile, UnansweredFile};

use std::collections::HashSet;

use crate::language::Language;
use crate::measurement::{Answer, AnswerEnd, Measurement, NoAnswer, Observed, Sampling, Unanswered};
use crate::units::{Bytes, Seconds, Tokens};
use schema::{AnswerEndFile, NoAnswerFile, SamplingFile};

impl From<&Answer> for AnswerFile {
    fn from(answer: &Answer) -> Self {
        Self {
            prompt: answer.prompt.clone(),
            language: answer.language.id().to_owned(),
            question: answer.question.clone(),
            prompt_tokens: answer.prompt_tokens.count(),
            sampling: match answer.sampling {
                Sampling::Greedy => SamplingFile::Greedy,
            },
            limit_tokens: answer.limit.count(),
            output_tokens: answer.output_tokens().count(),
            end: match answer.end {
                AnswerEnd::Stop => AnswerEndFile::Stop,
                AnswerEnd::Length => AnswerEndFile::Length,
            },
            thinking: answer.thinking.clone(),
            thinking_tokens: answer.thinking_tokens.count(),
            answer: answer.text.clone(),
            answer_tokens: answer.text_tokens.count(),
            first_token_seconds: answer.first_token.value(),
            first_answer_token_seconds: answer.first_answer_token.ok().map(Seconds::value),
            no_answer: answer.first_answer_token.err().map(|why| match why {
                NoAnswer::Thinking => NoAnswerFile::Thinking,
                NoAnswer::Empty => NoAnswerFile::Empty,
            }),
            whole_seconds: answer.whole.value(),
        }
    }
}

impl AnswerFile {
    /// The answer, or what in it cannot be.
    pub(super) fn answer(self) -> Result<Answer, String> {
        let seconds = |value: f64| Seconds::new(value).map_err(|error| error.to_string());
        let language = Language::ALL.into_iter().find(|language| language.id() == self.language);
        let sum = self.thinking_tokens.checked_add(self.answer_tokens);
        if sum != Some(self.output_tokens) {
            return Err(format!(
                "{} tokens of thinking and {} of the answer are not {} output tokens",
                self.thinking_tokens, self.answer_tokens, self.output_tokens
            ));
        }
        let answer = Answer {
            prompt: self.prompt,
            language: language.ok_or_else(|| format!("`{}` is no language of the prompts", self.language))?,
            question: self.question,
            prompt_tokens: Tokens::new(self.prompt_tokens),
            sampling: match self.sampling {
                SamplingFile::Greedy => Sampling::Greedy,
            },
            limit: Tokens::new(self.limit_tokens),
            end: match self.end {
                AnswerEndFile::Stop => AnswerEnd::Stop,
                AnswerEndFile::Length => AnswerEnd::Length,
            },
            thinking: self.thinking,
            thinking_tokens: Tokens::new(self.thinking_tokens),
            text: self.answer,
            text_tokens: Tokens::new(self.answer_tokens),
            first_token: seconds(self.first_token_seconds)?,
            first_answer_token: match (self.first_answer_token_seconds, self.no_answer) {
                (Some(time), None) => Ok(seconds(time)?),
                (None, Some(NoAnswerFile::Thinking)) => Err(NoAnswer::Thinking),
                (None, Some(NoAnswerFile::Empty)) => Err(NoAnswer::Empty),
                _ => return Err("it has the time of an answer and a reason for none, or neither".to_owned()),
            },
            whole: seconds(self.whole_seconds)?,
        };
        answer.contradiction().map_or(Ok(answer), |problem| Err(problem.to_owned()))
    }
}

impl From<&Unanswered> for UnansweredFile {
    fn from(why: &Unanswered) -> Self {
        match why {
            Unanswered::NotAsked => Self::NotAsked,
            Unanswered::OtherCase => Self::OtherCase,
            Unanswered::Budget { needed, left } => {
                Self::Budget { needed_seconds: needed.value(), left_seconds: left.value() }
            }
            Unanswered::Memory { needed, free } => {
                Self::Memory { needed_bytes: needed.count(), free_bytes: free.count() }
            }
            Unanswered::Text(reason) => Self::Text { reason: reason.clone() },
            Unanswered::Engine(reason) => Self::Engine { reason: reason.clone() },
        }
    }
}

impl UnansweredFile {
    pub(super) fn reason(self) -> Result<Unanswered, String> {
        let seconds = |value: f64| Seconds::new(value).map_err(|error| error.to_string());
        Ok(match self {
            Self::NotAsked => Unanswered::NotAsked,
            Self::OtherCase => Unanswered::OtherCase,
            Self::Budget { needed_seconds, left_seconds } => {
                Unanswered::Budget { needed: seconds(needed_seconds)?, left: seconds(left_seconds)? }
            }
            Self::Memory { needed_bytes, free_bytes } => {
                Unanswered::Memory { needed: Bytes::new(needed_bytes), free: Bytes::new(free_bytes) }
            }
            Self::Text { reason } => Unanswered::text(&reason),
            Self::Engine { reason } => Unanswered::engine(&reason),
        })
    }
}

/// Says why answers cannot be of a case with these samples and this checkpoint.
pub(super) fn contradiction(measurement: &Measurement, observed: Option<&Observed>) -> Option<&'static str> {
    let Measurement { answers, unanswered, .. } = measurement;
    if answers.is_empty() && unanswered.is_none() {
        return None;
    }
    let is_trained = observed.is_some_and(|observed| !observed.file.weights.is_synthetic());
    if !is_trained {
        return Some("only real weights are asked, and these are random or unknown");
    }
    if measurement.measured().next().is_none() {
        return Some("they come after the repetitions, and there is none");
    }
    let mut ids = HashSet::new();
    if !answers.iter().all(|answer| ids.insert(&answer.prompt)) {
        return Some("a prompt is answered twice");
    }
    let is_elsewhere = matches!(unanswered, Some(Unanswered::NotAsked | Unanswered::OtherCase));
    (is_elsewhere && !answers.is_empty())
        .then_some("there are some, and the reason says that none was asked for")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::digest::resealed;
    use super::super::{from_json, to_json};
    use super::*;
    use crate::measurement::{Flag, Outcome, Run, example_answer, example_run};
    use crate::model::Weights;

    /// The example with trained weights and these answers.
    fn run_with(answers: Vec<Answer>, unanswered: Option<Unanswered>) -> Run {
        let mut run = example_run();
        let record = &mut run.cases[0];
        record.observed.as_mut().unwrap().file.weights = Weights::Local { name: "mine.gguf".into() };
        record.flags.retain(|flag| *flag != Flag::SyntheticWeights);
        let Outcome::Measured(measurement) = &mut record.outcome else { panic!("it was measured") };
        (measurement.answers, measurement.unanswered) = (answers, unanswered);
        run
    }

    fn refused(change: impl Fn(&mut Value)) -> String {
        let run = run_with(vec![example_answer()], None);
        let mut value: Value = serde_json::from_str(&to_json(&run)).unwrap();
        change(&mut value["cases"][0]);
        from_json(&resealed(&value)).unwrap_err().to_string()
    }

    #[test]
    fn answers_and_reasons_come_back_from_their_file() {
        let seconds = |value| Seconds::new(value).unwrap();
        let cut = Answer {
            end: AnswerEnd::Length,
            limit: Tokens::new(8),
            text: String::new(),
            text_tokens: Tokens::new(0),
            first_answer_token: Err(NoAnswer::Thinking),
            ..example_answer()
        };
        let french =
            Answer { prompt: "short-question-fr".into(), language: Language::French, ..example_answer() };
        let reasons = [
            Unanswered::NotAsked,
            Unanswered::OtherCase,
            Unanswered::Budget { needed: seconds(60.5), left: seconds(9.25) },
            Unanswered::Memory { needed: Bytes::new(9), free: Bytes::new(2) },
            Unanswered::text("no template"),
            Unanswered::engine("no luck"),
        ];
        let runs = reasons.map(|reason| run_with(vec![], Some(reason)));
        for run in runs.into_iter().chain([run_with(vec![cut, french], None)]) {
            let read = from_json(&to_json(&run)).unwrap();
            assert_eq!(read.cases[0].outcome, run.cases[0].outcome);
            assert!(to_json(&read) == to_json(&run), "another file");
        }
    }

    #[test]
    fn a_file_from_before_there_were_answers_has_none() {
        let mut value: Value = serde_json::from_str(&to_json(&run_with(vec![], None))).unwrap();
        for key in ["answers", "unanswered"] {
            assert!(value["cases"][0].as_object_mut().unwrap().remove(key).is_some());
        }
        let read = from_json(&resealed(&value)).unwrap();
        let measurement = read.cases[0].outcome.measurement();
        assert!(measurement.answers.is_empty() && measurement.unanswered.is_none());
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        for (key, value, problem) in [
            ("output_tokens", json!(21), "8 tokens of thinking and 12 of the answer are not 21"),
            ("answer_tokens", json!(u64::MAX), "are not 20 output tokens"),
            ("first_answer_token_seconds", json!(0.1), "not in this order"),
            ("first_answer_token_seconds", Value::Null, "or neither"),
            ("whole_seconds", json!(-1.0), "not a finite amount"),
            ("no_answer", json!("empty"), "or neither"),
            ("limit_tokens", json!(5), "more than the limit"),
            ("end", json!("length"), "did not reach"),
            ("language", json!("de"), "`de` is no language"),
            ("sampling", json!("lucky"), "unknown variant"),
            ("answer", json!("\u{1b}[2J"), "commands a terminal"),
            ("thinking", Value::Null, "thinking without thinking"),
        ] {
            let message = refused(|case| case["answers"][0][key] = value.clone());
            assert!(message.contains(problem), "{key}: {message}");
        }
    }

    #[test]
    fn answers_of_random_weights_or_unmeasured_cases_are_refused() {
        let message = refused(|case| {
            case["observed"]["weights"] = json!({ "kind": "synthetic", "seed": 1 });
            case["flags"] = json!(["energy-estimated", "single-process-start", "synthetic-weights"]);
        });
        assert!(message.contains("answers: only real weights are asked"), "{message}");
        let message = refused(|case| {
            let twice = [case["answers"][0].clone(), case["answers"][0].clone()];
            case["answers"] = json!(twice);
        });
        assert!(message.contains("answered twice"), "{message}");
        let message = refused(|case| case["unanswered"] = json!({ "why": "not-asked" }));
        assert!(message.contains("none was asked for"), "{message}");
        let message = refused(|case| {
            case["repetitions"] = json!([]);
            case["figures"] = Value::Null;
            case["observed"]["output_tokens"] = Value::Null;
            case["flags"] = json!(["energy-estimated"]);
        });
        assert!(message.contains("after the repetitions"), "{message}");
    }
}
