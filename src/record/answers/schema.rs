//! The types of the answers in the run file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a model with real weights wrote to one prompt of `prompts.toml`, asked once after the repetitions.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct AnswerFile {
    /// Id of the prompt.
    pub prompt: String,
    /// `en` or `fr`.
    pub language: String,
    /// The words of the prompt, before the chat template.
    pub question: String,
    /// With those of the chat template.
    pub prompt_tokens: u64,
    pub sampling: SamplingFile,
    /// The most output tokens that would have been taken.
    pub limit_tokens: u64,
    /// Every token computed: those of the thinking and of the answer, tags and the mark that ended it included.
    pub output_tokens: u64,
    pub end: AnswerEndFile,
    /// `null` if there was none. Tags and white space around it are left out; characters that command a terminal are U+FFFD.
    pub thinking: Option<String>,
    /// Before the token that brought the first visible character of the answer; 0 without thinking.
    pub thinking_tokens: u64,
    /// The answer, cleaned in the same way; empty if there is none.
    pub answer: String,
    pub answer_tokens: u64,
    /// From the request to its first token.
    pub first_token_seconds: f64,
    /// From the request to the first token of the answer; `null` if there is none.
    pub first_answer_token_seconds: Option<f64>,
    /// Why there is no answer; `null` if there is one.
    pub no_answer: Option<NoAnswerFile>,
    /// From the request to its last token.
    pub whole_seconds: f64,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::record) enum SamplingFile {
    /// The most likely token, always.
    Greedy,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::record) enum AnswerEndFile {
    /// At a mark that ends an answer.
    Stop,
    /// At the limit of tokens.
    Length,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::record) enum NoAnswerFile {
    /// The output ended before the thinking did.
    Thinking,
    /// Nothing visible came, or nothing after the thinking.
    Empty,
}

/// Why a model with real weights was not asked, or not everything.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "why")]
pub(in crate::record) enum UnansweredFile {
    /// The user did not want it.
    NotAsked,
    /// Another case of the same weights has the answers.
    OtherCase,
    /// The time budget had no room for the next one.
    Budget { needed_seconds: f64, left_seconds: f64 },
    /// The longest answer needs more memory than was free.
    Memory { needed_bytes: u64, free_bytes: u64 },
    /// The tokenizer or the chat template cannot be used.
    Text { reason: String },
    /// The engine failed.
    Engine { reason: String },
}
