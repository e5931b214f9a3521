//! The rules a run file is held to, by name, and what is said of a file that breaks one.

use std::fmt;

use super::SCHEMA_VERSION;
use crate::provenance::METHOD_VERSION;
use crate::text::printable;

/// Since this method a run file carries a digest, and its figures and flags are held against its samples. The file of an older
/// method is shown with the figures and flags that it states.
pub const CHECKED_SINCE_METHOD: u32 = 3;

/// What a run file is held to. In the order in which they are applied.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Rule {
    /// JSON of the schema: every key known, every value of its type.
    Format,
    /// The digest of the content is that of the content.
    Digest,
    /// Every amount can be, and every name is known.
    Values,
    /// The machine's id follows from its inventory.
    Machine,
    /// The names of the cases follow from model, precision and workload, the parameter counts from the shapes, and no two rows are
    /// of one case and one engine.
    Cases,
    /// The figures follow from the samples.
    Figures,
    /// A metered energy is the sum over the repetitions, and so are the output tokens.
    Totals,
    /// The flags follow from build, weights, samples and figures.
    Flags,
    /// The result of the gate follows from its numbers, and the outcome from the result.
    Gate,
    /// The answers do not contradict themselves, the weights or the samples.
    Answers,
}

impl Rule {
    /// Every rule, in the order in which they are applied.
    pub const ALL: [Self; 10] = [
        Self::Format,
        Self::Digest,
        Self::Values,
        Self::Machine,
        Self::Cases,
        Self::Figures,
        Self::Totals,
        Self::Flags,
        Self::Gate,
        Self::Answers,
    ];

    /// The name that messages and programs use.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Digest => "digest",
            Self::Values => "values",
            Self::Machine => "machine",
            Self::Cases => "cases",
            Self::Figures => "figures",
            Self::Totals => "totals",
            Self::Flags => "flags",
            Self::Gate => "gate",
            Self::Answers => "answers",
        }
    }

    /// The first method whose files are held to it.
    pub const fn since_method(self) -> u32 {
        match self {
            Self::Format | Self::Values | Self::Cases | Self::Gate | Self::Answers => 1,
            Self::Digest | Self::Machine | Self::Figures | Self::Totals | Self::Flags => CHECKED_SINCE_METHOD,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A text that is no run file this version can read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// Not JSON, or not of this format.
    #[error("not a run file: {0}; give the run.json that `claimbench run` wrote, or its folder")]
    Format(String),
    /// Written by a newer version.
    #[error("written in run format {found}, this version reads {SCHEMA_VERSION}; update claimbench")]
    Newer {
        /// The format of the file.
        found: u64,
    },
    /// Measured by a method that is not known here, so that nothing can be derived again.
    #[error("measured by method {found}, this version knows {METHOD_VERSION}; update claimbench")]
    NewerMethod {
        /// The method of the file.
        found: u32,
    },
    /// A value that cannot be, or does not follow from the others.
    #[error("{place}: {problem} (rule `{rule}`)")]
    Value {
        /// The rule that it breaks.
        rule: Rule,
        /// The key, with its case.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl RecordError {
    pub(super) fn format(problem: impl fmt::Display) -> Self {
        Self::Format(clean(problem))
    }

    pub(super) fn value(rule: Rule, place: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Self::Value { rule, place: clean(place), problem: clean(problem) }
    }

    /// The rule that the file breaks.
    pub fn rule(&self) -> Rule {
        match self {
            Self::Format(_) | Self::Newer { .. } | Self::NewerMethod { .. } => Rule::Format,
            Self::Value { rule, .. } => *rule,
        }
    }
}

/// The text as a message may show it, since it may quote a foreign file: on one line, not endless, without characters that command a
/// terminal.
fn clean(text: impl fmt::Display) -> String {
    const LONGEST: usize = 400;
    let text = text.to_string();
    let mut short = printable(&text.chars().take(LONGEST).collect::<String>()).replace(['\n', '\t'], " ");
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own() {
        let names: std::collections::HashSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
    }

    #[test]
    fn a_message_names_place_and_rule_and_quotes_no_commands_of_a_foreign_file() {
        let error = RecordError::value(Rule::Values, "case \u{1b}[2J", "`a\nb` is nothing");
        assert_eq!(error.to_string(), "case \u{fffd}[2J: `a b` is nothing (rule `values`)");
        let long = RecordError::format("x".repeat(1_000_000)).to_string();
        assert!(long.len() < 600 && long.contains('…'), "{long}");
    }
}
