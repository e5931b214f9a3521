//! The table as Markdown. Pure: the same runs give the same text.

use super::cell::{DEVICES, Row, Seen, State, cell, real, rows, seen};
use crate::measurement::{GateFault, Run, Skip};
use crate::model::{Registry, Weights};
use crate::units::Bytes;

const MEANINGS: &str = "\
Each cell says what is known of one model in one precision on one kind of device.
Of several runs the one that tells the most stands here: first those whose logits were compared, then those that were \
measured, then those that were tried; among equals the newest, one for each engine.

| Word | Meaning |
| --- | --- |
| gated | Measured. Right before, on that machine and with those weights, its logits were compared with those of a plain \
computation, and rounding explains the distance; see [The gate](METHODOLOGY.md#the-gate). |
| runs ungated | Measured, and not compared: the reason stands there. Speed and memory are those of whatever the engine \
computed. |
| gate failed | Compared, and further off than rounding explains: no figure was taken. |
| failed | Tried, and broken off with an error. |
| skipped | Not tried: it was known beforehand that it cannot be measured there. Gaps of an engine are explained in \
[Engines, and a second opinion](METHODOLOGY.md#engines-and-a-second-opinion). |
| not run yet | No run file has it. That says nothing about whether it would run. |
";

/// The whole page, ending in a newline.
pub(super) fn document(registry: &Registry, runs: &[Run], folders: &str) -> String {
    let seen = seen(runs);
    let rows = rows(registry, &seen);
    let mut lines = vec![
        "# Models: what was run, and what was checked\n".to_owned(),
        format!(
            "`claimbench list --coverage {folders}` wrote this page from `models.toml` and the run files there.\n"
        ),
        MEANINGS.to_owned(),
    ];
    lines.extend(counts(&rows, &seen));
    lines.extend(real_checkpoints(&seen));
    lines.push("## Every model\n".to_owned());
    lines.push(table_row(["Model", "Precision", "CPU", "CUDA"].map(str::to_owned)));
    lines.push(rule(4));
    for row in &rows {
        let [cpu, cuda] = DEVICES.map(|device| cell_text(&cell(row, device, &seen)));
        lines.push(table_row([text(&row.name), row.precision.label().to_owned(), cpu, cuda]));
    }
    lines.extend(runs_read(runs));
    lines.join("\n") + "\n"
}

fn counts(rows: &[Row], seen: &[Seen<'_>]) -> Vec<String> {
    const WORDS: [&str; 6] = ["gated", "runs ungated", "gate failed", "failed", "skipped", NOT_RUN];
    let mut lines = vec!["## In numbers\n".to_owned()];
    lines.push(table_row([&["Device"], WORDS.as_slice()].concat()));
    lines.push(rule(WORDS.len() + 1));
    for (device, name) in DEVICES.into_iter().zip(["CPU", "CUDA"]) {
        let first: Vec<&str> = rows
            .iter()
            .map(|row| cell(row, device, seen).first().map_or(NOT_RUN, |one| one.state.word()))
            .collect();
        let count = |word: &str| first.iter().filter(|other| **other == word).count().to_string();
        lines.push(table_row([name.to_owned()].into_iter().chain(WORDS.map(count))));
    }
    lines.push(String::new());
    lines
}

const NOT_RUN: &str = "not run yet";

fn real_checkpoints(seen: &[Seen<'_>]) -> Vec<String> {
    let mut lines = vec!["## Real checkpoints ever run\n".to_owned()];
    let real = real(seen);
    if real.is_empty() {
        lines.push(
            "None yet: every figure below comes from synthetic weights, until somebody runs one.\n"
                .to_owned(),
        );
        return lines;
    }
    lines.push("A run file names the machine and never a person.\n".to_owned());
    lines.push(table_row(["Model", "Precision", "What was run"].map(str::to_owned)));
    lines.push(rule(3));
    for one in real {
        let case = &one.record.case;
        lines.push(table_row([text(&case.model.name), case.precision.label().to_owned(), entry(&one)]));
    }
    lines.push(String::new());
    lines
}

fn runs_read(runs: &[Run]) -> Vec<String> {
    let mut lines = vec!["\n## Runs read\n".to_owned()];
    if runs.is_empty() {
        lines.push("None.".to_owned());
        return lines;
    }
    lines.push(table_row(["Run", "Date", "Machine", "Version", "Method"].map(str::to_owned)));
    lines.push(rule(5));
    lines.extend(runs.iter().map(|run| {
        let method = run.provenance.method_version.to_string();
        let version = text(&run.provenance.tool_version);
        table_row([run.id.to_string(), date(run), text(&run.machine.summary()), version, method])
    }));
    lines
}

fn cell_text(seen: &[Seen<'_>]) -> String {
    if seen.is_empty() {
        return NOT_RUN.to_owned();
    }
    seen.iter().map(entry).collect::<Vec<_>>().join("<br>")
}

/// `**gated**: within 1.2 % of ...; synthetic weights; engine 1.0; machine; 2026-11-21`.
fn entry(one: &Seen<'_>) -> String {
    let engine = &one.record.engine;
    let parts = [
        Some(format!("**{}**: {}", one.state.word(), reason(&one.state))),
        one.weights().map(weights),
        Some(format!("{} {}", text(&engine.id), text(&engine.version))),
        Some(text(&one.run.machine.summary())),
        Some(date(one.run)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn reason(state: &State<'_>) -> String {
    match state {
        State::Gated(compared) | State::GateFailed(GateFault::TooFar(compared)) => compared.sentence(),
        State::GateFailed(GateFault::NotFinite) => {
            "its logits or their distance are no finite numbers".to_owned()
        }
        State::Ungated(Some(reason)) => reason.reason(),
        State::Ungated(None) => "measured by method 1, which had no gate".to_owned(),
        State::Failed(failure) => format!("in stage {}: {}", failure.stage.id(), text(&failure.reason)),
        State::Skipped(skip) => skipped(skip),
    }
}

fn skipped(skip: &Skip) -> String {
    match skip {
        Skip::Engine { gaps } => {
            let gaps: Vec<&str> = gaps.iter().map(|gap| gap.id()).collect();
            format!("the engine lacks {}", gaps.join(", "))
        }
        Skip::Memory { needed, free } => {
            format!("needs {} of memory, {} were free", gigabytes(*needed), gigabytes(*free))
        }
        Skip::Limit { needed, limit } => {
            format!("needs about {:.0} s, the workload is allowed {:.0} s", needed.value(), limit.value())
        }
        Skip::Budget { needed, left } => {
            format!("needs about {:.0} s, {:.0} s of the budget were left", needed.value(), left.value())
        }
    }
}

fn gigabytes(bytes: Bytes) -> String {
    format!("{:.1} GB", bytes.as_f64() / 1e9)
}

fn weights(weights: &Weights) -> String {
    match weights {
        Weights::Synthetic { .. } => "synthetic weights".to_owned(),
        Weights::Hub { repo, commit } => {
            format!("real weights {}@{}", text(repo), text(&commit.chars().take(12).collect::<String>()))
        }
        Weights::Local { name } => format!("a user's file {}", text(name)),
    }
}

/// The day a run began, in UTC.
fn date(run: &Run) -> String {
    time::OffsetDateTime::from_unix_timestamp(run.started_unix_seconds)
        .map_or_else(|_| run.started_unix_seconds.to_string(), |at| at.date().to_string())
}

/// Text of a file inside a cell: what Markdown or HTML would read as its own is escaped.
fn text(raw: &str) -> String {
    let mut shown = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            '|' | '*' | '`' | '[' | ']' | '\\' => shown.extend(['\\', c]),
            c if c.is_whitespace() || c.is_control() => shown.push(' '),
            c => shown.push(c),
        }
    }
    shown
}

fn table_row<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| cell.as_ref().to_owned()).collect();
    format!("| {} |", cells.join(" | "))
}

fn rule(columns: usize) -> String {
    table_row(vec!["---"; columns])
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::{compared, gate_failed, measured, registry, skipped};
    use super::*;
    use crate::hardware::Device;
    use crate::measurement::{EngineGap, Gate, NotGated};
    use crate::units::Seconds;

    /// The rows of the table of models that say more than that nothing was run.
    fn told(document: &str) -> Vec<String> {
        let rows = document.lines().filter(|line| line.starts_with("| ") && line.contains("**"));
        rows.map(str::to_owned).collect()
    }

    fn first(run: Run) -> String {
        told(&document(&registry(), &[run], "reports")).remove(0)
    }

    #[test]
    fn every_state_says_what_a_reader_needs() {
        let gigabytes = |count: u64| Bytes::new(count * 1_000_000_000);
        let [needed, left] = [61.0, 9.0].map(|value| Seconds::new(value).unwrap());
        let no_memory = NotGated::Memory { needed: gigabytes(9), free: gigabytes(2) };
        let gaps = vec![EngineGap::Experts, EngineGap::Batch];
        let runs = [
            measured(0, "own", Some(compared(0.0123))),
            measured(0, "own", Some(Gate::NotComputed(no_memory))),
            measured(0, "own", None),
            gate_failed(0, "own", compared(0.5)),
            gate_failed(0, "own", Gate::Failed(GateFault::NotFinite)),
            skipped(0, "own", Skip::Memory { needed: gigabytes(9), free: gigabytes(2) }),
            skipped(0, "own", Skip::Budget { needed, left }),
            skipped(0, "own", Skip::Engine { gaps }),
        ];
        insta::assert_snapshot!(runs.map(first).join("\n"));
    }

    #[test]
    fn without_runs_nothing_was_run_and_no_real_checkpoint_ever() {
        let page = document(&registry(), &[], "reports");
        assert!(page.contains("None yet: every figure below comes from synthetic weights"));
        assert!(page.ends_with("## Runs read\n\nNone.\n"));
        assert_eq!(told(&page), Vec::<String>::new());
        let rows = page.lines().filter(|line| line.ends_with("| not run yet | not run yet |")).count();
        assert!(page.contains(&format!("| CUDA | 0 | 0 | 0 | 0 | 0 | {rows} |")), "{page}");
    }

    #[test]
    fn a_real_checkpoint_on_a_card_is_counted_and_listed() {
        let mut run = measured(0, "own", Some(compared(0.0123)));
        let observed = run.cases[0].observed.as_mut().unwrap();
        observed.device = Device::Cuda { index: 0, name: "a card".into() };
        let commit = "0123456789abcdef".into();
        observed.file.weights = Weights::Hub { repo: "owner/name".into(), commit };
        let page = document(&registry(), &[run], "reports");
        assert!(!page.contains("None yet") && page.contains("| CUDA | 1 | 0 |"), "{page}");
        assert_eq!(page.matches("real weights owner/name@0123456789ab;").count(), 2);
        assert!(
            page.contains("| not run yet | **gated**: within 1.2 % of the plain computation (limit 9.0 %)")
        );
    }

    #[test]
    fn texts_of_files_stay_texts() {
        let mut run = measured(0, "own", None);
        run.machine.cpu = "a | b <script> `c`\n*d* [e](f)".into();
        let row = first(run);
        assert!(row.contains(r"a \| b &lt;script> \`c\` \*d\* \[e\](f)"), "{row}");
    }
}
