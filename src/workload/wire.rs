//! The format of `workloads.toml`, and its way into domain types.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;

use super::spec::{Workload, WorkloadBook, WorkloadRole};
use crate::faults::{Faults, Reader};

/// Version of the file format.
const SCHEMA: u64 = 2;
/// More tokens than any model here has positions for, or repetitions than anyone waits for.
const LARGEST: u64 = 10_000_000;

#[derive(Deserialize)]
struct File {
    schema: Spanned<u64>,
    #[serde(rename = "workload")]
    workloads: Vec<WireWorkload>,
}

#[derive(Deserialize)]
struct WireWorkload {
    id: Spanned<String>,
    title: Spanned<String>,
    why: Spanned<String>,
    role: Role,
    default: Spanned<bool>,
    prompt_tokens: Spanned<u64>,
    output_tokens: Spanned<u64>,
    batch: Spanned<u64>,
    context_depth: Spanned<u64>,
    loads: Spanned<u64>,
    warm_up: Spanned<u64>,
    repetitions: Spanned<u64>,
    most_repetitions: Spanned<u64>,
    limit_seconds: Spanned<u64>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Role {
    Measure,
    Test,
}

impl WorkloadBook {
    /// Reads the text of a `workloads.toml`; `file` is the name to print in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        let mut reader = Reader::new(file, text);
        let wire: File = reader.read()?;
        reader.schema(&wire.schema, SCHEMA);
        let mut seen = HashSet::new();
        let mut workloads = Vec::new();
        for workload in wire.workloads {
            reader.unique_id(&mut seen, &workload.id);
            workloads.push(workload.into_workload(&mut reader));
        }
        if workloads.is_empty() && reader.is_clean() {
            reader.at(0..0, "no `[[workload]]` at all", "add at least one");
        }
        reader.finish(Some(Self::new(workloads)))
    }
}

impl WireWorkload {
    fn into_workload(self, reader: &mut Reader<'_>) -> Workload {
        if self.role == Role::Test && *self.default.get_ref() {
            reader.at(self.default.span(), "a test workload cannot be a default", "set `default = false`");
        }
        for (key, value, least) in [
            ("prompt_tokens", &self.prompt_tokens, 1),
            ("output_tokens", &self.output_tokens, 2),
            ("batch", &self.batch, 1),
            ("context_depth", &self.context_depth, 0),
            ("loads", &self.loads, 1),
            ("warm_up", &self.warm_up, 0),
            ("repetitions", &self.repetitions, 1),
            ("most_repetitions", &self.most_repetitions, *self.repetitions.get_ref()),
            ("limit_seconds", &self.limit_seconds, 1),
        ] {
            let given = *value.get_ref();
            if given < least || given > LARGEST {
                reader.at(value.span(), format!("`{key}` is {given}"), format!("give {least} to {LARGEST}"));
            }
        }
        Workload {
            id: self.id.into_inner(),
            title: reader.filled("title", &self.title),
            why: reader.filled("why", &self.why),
            role: if self.role == Role::Test { WorkloadRole::Test } else { WorkloadRole::Measure },
            default: self.default.into_inner(),
            prompt_tokens: self.prompt_tokens.into_inner(),
            output_tokens: self.output_tokens.into_inner(),
            batch: self.batch.into_inner(),
            context_depth: self.context_depth.into_inner(),
            loads: self.loads.into_inner(),
            warm_up: self.warm_up.into_inner(),
            repetitions: self.repetitions.into_inner(),
            most_repetitions: self.most_repetitions.into_inner(),
            limit_seconds: self.limit_seconds.into_inner(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKLOADS: &str = include_str!("../../workloads.toml");

    #[test]
    fn the_shipped_workloads_are_clean() {
        let book = WorkloadBook::parse("workloads.toml", WORKLOADS).unwrap();
        assert_eq!(book.get("short-chat").unwrap().positions(), 192);
        assert!(book.workloads().iter().any(|w| w.role == WorkloadRole::Test));
    }

    #[test]
    fn impossible_numbers_are_refused_together() {
        let text = WORKLOADS
            .replacen("output_tokens = 64", "output_tokens = 1", 1)
            .replacen("\nrepetitions = 12", "\nrepetitions = 0", 1)
            .replacen("most_repetitions = 12", "most_repetitions = 5", 1)
            .replacen("batch = 1", "batch = 0\nbach = 1", 1);
        let message = WorkloadBook::parse("workloads.toml", &text).unwrap_err().to_string();
        for problem in [
            "`output_tokens` is 1",
            "`repetitions` is 0",
            "`most_repetitions` is 5",
            "`batch` is 0",
            "unknown key `workload.0.bach`",
        ] {
            assert!(message.contains(problem), "{problem} is not in {message}");
        }
    }
}
