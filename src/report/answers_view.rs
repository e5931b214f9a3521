//! What a model with real weights wrote, as a part of its case. The words are a stranger's: they are quoted, never trusted.

use super::component::Text;
use super::words::Words;
use crate::measurement::{Answer, AnswerEnd, CaseRecord, NoAnswer, Unanswered};

/// The answers of a case, or why there is none.
#[derive(Debug)]
pub(crate) struct AnswersView {
    /// How they came about, or why nothing is shown.
    pub(crate) intro: String,
    /// Each with its prompt.
    pub(crate) answers: Vec<AnswerView>,
    /// Why not everything was asked.
    pub(crate) left_out: Option<Text>,
}

/// One prompt and what came of it.
#[derive(Debug)]
pub(crate) struct AnswerView {
    /// The language of the prompt, in which the answer is expected.
    pub(crate) lang: &'static str,
    /// The prompt.
    pub(crate) question: String,
    /// Label and words of the thinking; `None` if there are no words of it.
    pub(crate) thinking: Option<(String, String)>,
    /// The answer, or why there is none.
    pub(crate) text: Result<String, &'static str>,
    /// Tokens and times.
    pub(crate) facts: String,
}

impl AnswersView {
    /// The part of a case; `None` for one measured before texts were kept.
    pub(crate) fn new(words: &Words, record: &CaseRecord) -> Option<Self> {
        let w = &words.answers;
        let measurement = record.outcome.measurement();
        let only = |intro: String| Self { intro, answers: Vec::new(), left_out: None };
        if record.observed.as_ref().is_some_and(|observed| observed.file.weights.is_synthetic()) {
            return Some(only(w.random.to_owned()));
        }
        let left_out = measurement.unanswered.as_ref().map(|why| unanswered(words, why));
        let limit = measurement.answers.iter().map(|answer| answer.limit.count()).max();
        match (limit, left_out) {
            (None, None) => None,
            (None, left_out) => Some(Self { left_out, ..only(w.none.to_owned()) }),
            (Some(limit), left_out) => Some(Self {
                intro: (w.intro)(limit),
                answers: measurement.answers.iter().map(|answer| AnswerView::new(words, answer)).collect(),
                left_out,
            }),
        }
    }
}

impl AnswerView {
    fn new(words: &Words, answer: &Answer) -> Self {
        let (w, n) = (&words.answers, &words.numerals);
        let thinking = answer.thinking.as_ref().filter(|thinking| !thinking.is_empty());
        let tokens = match &answer.thinking {
            Some(_) => (w.thought)(answer.thinking_tokens.count(), answer.text_tokens.count()),
            None => (w.wrote)(answer.text_tokens.count()),
        };
        let end = match answer.end {
            AnswerEnd::Stop => w.stop,
            AnswerEnd::Length => w.length,
        };
        let [first, whole] = [answer.first_token, answer.whole].map(|time| n.quantity(time));
        let times = match (answer.first_answer_token, &answer.thinking) {
            (Ok(time), Some(_)) => (w.times_with_thinking)(&first, &n.quantity(time), &whole),
            _ => (w.times)(&first, &whole),
        };
        Self {
            lang: answer.language.id(),
            question: answer.question.clone(),
            thinking: thinking.map(|text| ((w.thinking)(answer.thinking_tokens.count()), text.clone())),
            text: match answer.first_answer_token {
                Ok(_) => Ok(answer.text.clone()),
                Err(NoAnswer::Thinking) => Err(w.still_thinking),
                Err(NoAnswer::Empty) => Err(w.empty),
            },
            facts: [(w.prompt)(answer.prompt_tokens.count()), tokens, end.to_owned(), times].join(" "),
        }
    }
}

fn unanswered(words: &Words, why: &Unanswered) -> Text {
    let (w, n) = (&words.answers, &words.numerals);
    match why {
        Unanswered::NotAsked => w.not_asked.into(),
        Unanswered::OtherCase => w.other_case.into(),
        Unanswered::Budget { needed, left } => (w.budget)(&n.quantity(*needed), &n.quantity(*left)).into(),
        Unanswered::Memory { needed, free } => (w.memory)(&n.quantity(*needed), &n.quantity(*free)).into(),
        Unanswered::Text(reason) | Unanswered::Engine(reason) => Text::english(words, reason.clone()),
    }
}
