//! A reasoning model's output, thinking apart from the answer, and the token with which the answer begins.
//!
//! A reader who waits for an answer waits for the end of the thinking, so the time to the first token of the answer is a
//! figure of its own. It is the time stamp of [`SplitOutput::first_answer_token`].

use super::tokenizer::Tokenizer;

/// The marks around thinking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ThinkingTags {
    /// Opens it.
    pub open: &'static str,
    /// Closes it.
    pub close: &'static str,
}

impl ThinkingTags {
    /// DeepSeek's, Qwen's and most others'.
    pub const THINK: Self = Self { open: "<think>", close: "</think>" };
    /// Mistral's Magistral and later.
    pub const MISTRAL: Self = Self { open: "[THINK]", close: "[/THINK]" };

    /// True if a prompt ends in the opening tag, so that the output begins in the middle of thinking.
    pub fn are_open_after(self, prompt: &str) -> bool {
        prompt.trim_end().ends_with(self.open)
    }
}

/// What became of the thinking.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reasoning {
    /// There is none: the whole output is the answer.
    None,
    /// It ended, and the answer follows.
    Finished,
    /// The output ended before it did: there is no answer.
    Cut,
}

/// An output in its two parts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SplitOutput {
    /// What became of the thinking; it says why there is no answer.
    pub reasoning: Reasoning,
    /// Without tags and without white space around it; empty if there is none.
    pub thinking: String,
    /// Without white space around it; empty if thinking was cut or nothing followed.
    pub answer: String,
    /// Index of the output's token that brought the first visible character of the answer; `None` if there is none.
    pub first_answer_token: Option<usize>,
}

impl SplitOutput {
    /// Splits the ids a model wrote after `prompt`. Marks that are no text are left out, the tags excepted.
    pub fn new(tokenizer: &Tokenizer, tags: ThinkingTags, prompt: &str, output: &[u32]) -> Self {
        let mut stream = tokenizer.stream();
        let mut pieces: Vec<String> = output
            .iter()
            .map(|&id| {
                let is_tag = tokenizer.is_control(id)
                    && [tags.open, tags.close].contains(&tokenizer.spelling(id).as_str());
                if is_tag { stream.push_shown(id) } else { stream.push(id) }
            })
            .collect();
        let rest = stream.finish();
        if let Some(last) = pieces.last_mut() {
            last.push_str(&rest);
        }
        Self::of_pieces(tags, tags.are_open_after(prompt), &pieces)
    }

    /// Splits an output given as the text of each token. `is_open` says that the prompt opened the thinking.
    ///
    /// The first closing tag ends it, whether or not an opening one was seen: models leave it out. Further blocks count
    /// as thinking if they follow at once; tags further on are words of the answer.
    pub fn of_pieces(tags: ThinkingTags, is_open: bool, pieces: &[String]) -> Self {
        let text = pieces.concat();
        let (mut thinking, mut rest) = (Vec::new(), text.as_str());
        let mut is_open = is_open || text.contains(tags.close);
        loop {
            let opened = rest.trim_start().strip_prefix(tags.open);
            if !is_open && opened.is_none() {
                break;
            }
            rest = opened.unwrap_or(rest);
            is_open = false;
            let Some((block, after)) = rest.split_once(tags.close) else {
                thinking.push(rest.to_owned());
                return Self::finished(Reasoning::Cut, &thinking, "", None);
            };
            thinking.push(block.replacen(tags.open, "", 1));
            rest = after;
        }
        let reasoning = if thinking.is_empty() { Reasoning::None } else { Reasoning::Finished };
        let start = text.len() - rest.trim_start().len();
        Self::finished(reasoning, &thinking, rest, token_at(pieces, start))
    }

    fn finished(
        reasoning: Reasoning,
        thinking: &[String],
        answer: &str,
        first_answer_token: Option<usize>,
    ) -> Self {
        let thinking: Vec<&str> =
            thinking.iter().map(|block| block.trim()).filter(|block| !block.is_empty()).collect();
        let answer = answer.trim().to_owned();
        Self { reasoning, thinking: thinking.join("\n\n"), answer, first_answer_token }
    }
}

/// The token whose text holds a byte of the whole text; `None` beyond its end.
fn token_at(pieces: &[String], at: usize) -> Option<usize> {
    let mut end = 0;
    pieces.iter().position(|piece| {
        end += piece.len();
        end > at
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(is_open: bool, pieces: &[&str]) -> (Reasoning, String, String, Option<usize>) {
        let pieces: Vec<String> = pieces.iter().map(|&piece| piece.to_owned()).collect();
        let split = SplitOutput::of_pieces(ThinkingTags::THINK, is_open, &pieces);
        (split.reasoning, split.thinking, split.answer, split.first_answer_token)
    }

    fn expected(
        reasoning: Reasoning,
        thinking: &str,
        answer: &str,
        first: Option<usize>,
    ) -> (Reasoning, String, String, Option<usize>) {
        (reasoning, thinking.to_owned(), answer.to_owned(), first)
    }

    #[test]
    fn the_answer_begins_with_its_first_visible_character() {
        let whole = ["<think>", "\n", "so", " it", "\n", "</think>", "\n\n", "Four", "."];
        assert_eq!(split(false, &whole), expected(Reasoning::Finished, "so it", "Four.", Some(7)));
        assert_eq!(
            split(true, &whole[1..]),
            expected(Reasoning::Finished, "so it", "Four.", Some(6)),
            "opened by the prompt"
        );
        assert_eq!(
            split(false, &whole[1..]),
            expected(Reasoning::Finished, "so it", "Four.", Some(6)),
            "never opened"
        );
    }

    #[test]
    fn a_tag_may_be_spread_over_tokens() {
        let spread = ["<", "think", ">a", "</", "thi", "nk", ">", "b"];
        assert_eq!(split(false, &spread), expected(Reasoning::Finished, "a", "b", Some(7)));
        assert_eq!(split(true, &["a</think", ">b", "c"]), expected(Reasoning::Finished, "a", "bc", Some(1)));
        assert_eq!(split(true, &["a</think>\n é", "t"]), expected(Reasoning::Finished, "a", "ét", Some(0)));
    }

    #[test]
    fn without_a_closing_tag_it_is_all_thinking_or_all_answer() {
        assert_eq!(split(true, &["still", " at it"]), expected(Reasoning::Cut, "still at it", "", None));
        assert_eq!(split(false, &[" <think>", "still"]), expected(Reasoning::Cut, "still", "", None));
        assert_eq!(split(false, &["\n", "Four"]), expected(Reasoning::None, "", "Four", Some(1)));
        assert_eq!(split(false, &[]), expected(Reasoning::None, "", "", None));
        assert_eq!(
            split(true, &["done</think>", "\n"]),
            expected(Reasoning::Finished, "done", "", None),
            "nothing followed"
        );
    }

    #[test]
    fn blocks_in_a_row_are_thinking_and_later_tags_are_words() {
        let two = ["<think>a</think>", "\n", "<think>b</think>", " c"];
        assert_eq!(split(false, &two), expected(Reasoning::Finished, "a\n\nb", "c", Some(3)));
        let cut = ["<think>a</think>", "<think>b"];
        assert_eq!(split(false, &cut), expected(Reasoning::Cut, "a\n\nb", "", None));
        let words = ["<think></think>", "The tag", " <think>x</think>", " opens it"];
        assert_eq!(
            split(false, &words),
            expected(Reasoning::Finished, "", "The tag <think>x</think> opens it", Some(1))
        );
    }

    #[test]
    fn a_prompt_opens_thinking_if_it_ends_in_the_tag() {
        assert!(ThinkingTags::THINK.are_open_after("<｜Assistant｜><think>\n"));
        assert!(!ThinkingTags::THINK.are_open_after("<think>\n\n</think>\n\n"));
        assert!(!ThinkingTags::MISTRAL.are_open_after("<think>"));
    }
}
