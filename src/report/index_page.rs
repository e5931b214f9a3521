//! The list of published runs.

use askama::Template;

use super::case_view;
use super::component::Head;
use super::words::{EN, Words};
use crate::measurement::{Flag, Run, RunId};
use crate::stats::Estimate;
use crate::units::MachineHoursPerMillionTokens;

/// One published run. Its page is `<run id>/index.html` beside the list.
#[derive(Clone, Debug)]
pub struct IndexEntry {
    /// Name, and folder.
    pub id: RunId,
    /// Start, in seconds of the Unix epoch (UTC).
    pub started_unix_seconds: i64,
    /// The machine in a line.
    pub machine: String,
    /// Model and precision.
    pub model: String,
    /// Machine-hours per million output tokens; `None` if nothing was measured.
    pub headline: Option<Estimate<MachineHoursPerMillionTokens>>,
    /// True for random weights.
    pub synthetic: bool,
}

impl IndexEntry {
    /// The entry of a run: its first measured case speaks for it.
    pub fn of(run: &Run) -> Self {
        let cases = case_view::measured(run);
        let shown = cases.first().map(|case| case.record).or(run.cases.first());
        Self {
            id: run.id.clone(),
            started_unix_seconds: run.started_unix_seconds,
            machine: run.machine.summary(),
            model: shown.map(case_view::title).unwrap_or_default(),
            headline: cases.first().map(|case| case.figures.machine_hours_per_mtok_output),
            synthetic: shown.is_some_and(|record| record.flags.contains(&Flag::SyntheticWeights)),
        }
    }
}

struct Row<'a> {
    id: &'a str,
    date: String,
    machine: &'a str,
    model: &'a str,
    synthetic: bool,
    value: String,
    note: String,
}

#[derive(Template)]
#[template(path = "index.html")]
struct IndexTemplate<'a> {
    w: &'static Words,
    head: Head,
    rows: Vec<Row<'a>>,
}

/// The list as one HTML file, newest first; the same entries in any order give the same bytes.
pub fn render_index(entries: &[IndexEntry]) -> String {
    let words = &EN;
    let mut sorted: Vec<&IndexEntry> = entries.iter().collect();
    sorted.sort_by_key(|entry| (std::cmp::Reverse(entry.started_unix_seconds), &entry.id));
    let row = |entry: &&'_ IndexEntry| -> (String, String) {
        entry.headline.as_ref().map_or_else(
            || (words.index.nothing.to_owned(), String::new()),
            |hours| {
                let printed = words.numerals.estimate(hours);
                (printed.with_unit(), case_view::note(words, &printed))
            },
        )
    };
    let rows = sorted
        .iter()
        .map(|entry| {
            let (value, note) = row(entry);
            Row {
                id: entry.id.as_str(),
                date: words.numerals.date_time(entry.started_unix_seconds),
                machine: &entry.machine,
                model: &entry.model,
                synthetic: entry.synthetic,
                value,
                note,
            }
        })
        .collect();
    let template = IndexTemplate { w: words, head: Head::new(words, words.index.title.to_owned()), rows };
    template.render().expect("writing to a string cannot fail")
}
