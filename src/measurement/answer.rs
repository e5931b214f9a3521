//! What a model with real weights wrote to the prompts of the repository, with the times a reader waits for.
//!
//! Each prompt is answered once, after the repetitions, so an answer's times enter no figure and have no interval.

use super::outcome::without_folders;
use crate::language::Language;
use crate::text::printable;
use crate::units::{Bytes, Seconds, Tokens};

/// How the next token is chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sampling {
    /// The most likely one, always.
    Greedy,
}

/// Why an output ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AnswerEnd {
    /// The model wrote a mark that ends an answer.
    Stop,
    /// The limit of tokens was reached.
    Length,
}

impl AnswerEnd {
    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
        }
    }
}

/// Why an output has no answer in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoAnswer {
    /// It ended before the thinking did.
    Thinking,
    /// Nothing visible came, or nothing after the thinking.
    Empty,
}

impl NoAnswer {
    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Thinking => "thinking",
            Self::Empty => "empty",
        }
    }
}

/// One prompt and what came of it. [`Self::contradiction`] says what must hold between the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Id of the prompt in `prompts.toml`.
    pub prompt: String,
    /// The language of the prompt.
    pub language: Language,
    /// The words of the prompt.
    pub question: String,
    /// Its tokens, with those of the chat template.
    pub prompt_tokens: Tokens,
    /// How tokens were chosen.
    pub sampling: Sampling,
    /// The most tokens that would have been taken.
    pub limit: Tokens,
    /// Why the output ended.
    pub end: AnswerEnd,
    /// The thinking, without its tags; `None` if there was none.
    pub thinking: Option<String>,
    /// Tokens before the first of the answer, where there was thinking.
    pub thinking_tokens: Tokens,
    /// The answer; empty if there is none.
    pub text: String,
    /// All other tokens; the mark that ended the output is one.
    pub text_tokens: Tokens,
    /// From the request to its first token on the host.
    pub first_token: Seconds,
    /// From the request to the token that brought the first visible character of the answer, or why there is none.
    pub first_answer_token: Result<Seconds, NoAnswer>,
    /// From the request to its last token.
    pub whole: Seconds,
}

impl Answer {
    /// Every token that was computed.
    pub const fn output_tokens(&self) -> Tokens {
        Tokens::new(self.thinking_tokens.count().saturating_add(self.text_tokens.count()))
    }

    /// What in it cannot be, if something cannot.
    pub fn contradiction(&self) -> Option<&'static str> {
        let output = self.output_tokens();
        let in_order = match self.first_answer_token {
            Ok(answer) => self.first_token <= answer && answer <= self.whole,
            Err(_) => self.first_token <= self.whole,
        };
        let rules = [
            (self.prompt_tokens.count() > 0, "a prompt without tokens"),
            (output.count() > 0 && output <= self.limit, "no output token, or more than the limit"),
            (
                self.end != AnswerEnd::Length || output == self.limit,
                "it ended at a limit that it did not reach",
            ),
            (
                self.thinking.is_some() || self.thinking_tokens.count() == 0,
                "tokens of thinking without thinking",
            ),
            (
                self.first_answer_token.is_ok() != self.text.is_empty(),
                "an answer without its first token, or the reverse",
            ),
            (self.text.is_empty() || self.text_tokens.count() > 0, "an answer without tokens"),
            (
                self.first_answer_token != Err(NoAnswer::Thinking)
                    || (self.thinking.is_some() && self.text_tokens.count() == 0),
                "cut in the thinking, and there is none, or tokens follow it",
            ),
            (in_order, "the first token, the first of the answer and the last are not in this order"),
            (self.texts().all(|text| printable(text) == text), "a character that commands a terminal"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, problem)| problem)
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        [self.question.as_str(), &self.text].into_iter().chain(self.thinking.as_deref())
    }
}

/// Why a model with real weights was not asked, or not everything.
#[derive(Clone, Debug, PartialEq)]
pub enum Unanswered {
    /// The user did not want it.
    NotAsked,
    /// Another case of the same checkpoint has the answers.
    OtherCase,
    /// The time budget of the run had no room for the next one.
    Budget {
        /// For an answer as long as its limit.
        needed: Seconds,
        /// What was left of the budget.
        left: Seconds,
    },
    /// Less memory was free than the longest answer's cache takes.
    Memory {
        /// For the cache.
        needed: Bytes,
        /// Free when it was due.
        free: Bytes,
    },
    /// The checkpoint's tokenizer or chat template cannot be used.
    Text(String),
    /// The engine failed.
    Engine(String),
}

impl Unanswered {
    /// A fault of tokenizer or template; files are named without their folders.
    pub fn text(reason: &str) -> Self {
        Self::Text(printable(&without_folders(reason)))
    }

    /// A fault of the engine; the same.
    pub fn engine(reason: &str) -> Self {
        Self::Engine(printable(&without_folders(reason)))
    }

    /// The name used in files.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::OtherCase => "other-case",
            Self::Budget { .. } => "budget",
            Self::Memory { .. } => "memory",
            Self::Text(_) => "text",
            Self::Engine(_) => "engine",
        }
    }

    /// Why, and what would help, in English.
    pub fn reason(&self) -> String {
        match self {
            Self::NotAsked => "not asked for".to_owned(),
            Self::OtherCase => "another case of the same weights has the answers".to_owned(),
            Self::Budget { needed, left } => format!(
                "the next one may take {:.0} s, and {:.0} s of the budget were left; give a larger --budget",
                needed.value(),
                left.value()
            ),
            Self::Memory { needed, free } => format!(
                "the longest takes {:.1} GB of memory, and {:.1} GB were free; close other programs",
                needed.as_f64() / 1e9,
                free.as_f64() / 1e9
            ),
            Self::Text(reason) | Self::Engine(reason) => reason.clone(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An answer after thinking, with all its fields filled.
    pub(crate) fn example() -> Answer {
        let seconds = |value| Seconds::new(value).unwrap();
        Answer {
            prompt: "short-question-en".into(),
            language: Language::English,
            question: "Why is the sky blue?".into(),
            prompt_tokens: Tokens::new(11),
            sampling: Sampling::Greedy,
            limit: Tokens::new(1_024),
            end: AnswerEnd::Stop,
            thinking: Some("Air scatters\nblue light.".into()),
            thinking_tokens: Tokens::new(8),
            text: "Because air scatters blue light more than red.".into(),
            text_tokens: Tokens::new(12),
            first_token: seconds(0.25),
            first_answer_token: Ok(seconds(1.5)),
            whole: seconds(3.25),
        }
    }

    type Change = fn(&mut Answer);

    #[test]
    fn the_example_holds_and_every_change_for_the_worse_is_found() {
        assert_eq!(example().contradiction(), None);
        let changes: [(Change, &str); 11] = [
            (|a| a.prompt_tokens = Tokens::new(0), "prompt without tokens"),
            (|a| a.limit = Tokens::new(19), "more than the limit"),
            (|a| a.end = AnswerEnd::Length, "did not reach"),
            (|a| a.thinking = None, "thinking without thinking"),
            (|a| a.text.clear(), "without its first token"),
            (|a| a.first_answer_token = Err(NoAnswer::Empty), "without its first token"),
            (
                |a| {
                    a.text_tokens = Tokens::new(0);
                    a.limit = Tokens::new(8);
                },
                "an answer without tokens",
            ),
            (
                |a| {
                    a.text.clear();
                    a.first_answer_token = Err(NoAnswer::Thinking);
                },
                "tokens follow it",
            ),
            (|a| a.first_token = Seconds::new(2.0).unwrap(), "not in this order"),
            (|a| a.whole = Seconds::new(1.0).unwrap(), "not in this order"),
            (|a| a.text.push('\u{1b}'), "commands a terminal"),
        ];
        for (change, problem) in changes {
            let mut answer = example();
            change(&mut answer);
            let found = answer.contradiction().unwrap_or("nothing");
            assert!(found.contains(problem), "{found} is not {problem}");
        }
    }

    #[test]
    fn reasons_name_no_folder_and_command_no_terminal() {
        let reason = Unanswered::text("cannot read /srv/ada/tokenizer.json\u{1b}[2J").reason();
        assert_eq!(reason, "cannot read tokenizer.json\u{fffd}[2J");
    }
}
