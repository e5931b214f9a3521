//! The prompts of `prompts.toml`: what a model with real weights is asked.

mod wire;

use crate::language::Language;

/// What a prompt is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Purpose {
    /// A question with a short answer: mostly the time to the first token.
    ShortQuestion,
    /// An explanation of a few paragraphs: mostly decoding.
    Explanation,
    /// A text to be made shorter: a longer prompt and a short answer.
    Summary,
    /// Code: tokens of another kind.
    Code,
    /// A puzzle: thinking before the answer, where a model does that.
    Reasoning,
}

impl Purpose {
    /// All, in the order of the file.
    pub const ALL: [Self; 5] =
        [Self::ShortQuestion, Self::Explanation, Self::Summary, Self::Code, Self::Reasoning];

    /// The word in the file.
    pub const fn id(self) -> &'static str {
        match self {
            Self::ShortQuestion => "short-question",
            Self::Explanation => "explanation",
            Self::Summary => "summary",
            Self::Code => "code",
            Self::Reasoning => "reasoning",
        }
    }
}

/// One prompt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Prompt {
    /// Its name in run files and commands.
    pub id: String,
    /// The language it is written in.
    pub language: Language,
    /// What it is for.
    pub purpose: Purpose,
    /// The words of the user.
    pub text: String,
}

/// All prompts of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PromptBook(Vec<Prompt>);

impl PromptBook {
    /// The prompts in the order of the file.
    pub fn prompts(&self) -> &[Prompt] {
        &self.0
    }

    /// The prompt of that id.
    pub fn get(&self, id: &str) -> Option<&Prompt> {
        self.0.iter().find(|prompt| prompt.id == id)
    }
}
