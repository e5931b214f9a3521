//! The list of published runs.

use askama::Template;

use super::case_view;
use super::component::Head;
use super::gate_view;
use super::page_file::PageFile;
use super::provenance_view;
use super::words::Words;
use crate::hardware::Machine;
use crate::language::Language;
use crate::measurement::{Flag, Run, RunId};
use crate::stats::Estimate;
use crate::units::MachineHoursPerMillionTokens;
use crate::workload::Case;

/// One published run. Its pages are in the folder `<run id>` beside the list.
#[derive(Clone, Debug)]
pub struct IndexEntry {
    /// Name, and folder.
    pub id: RunId,
    /// Start, in seconds of the Unix epoch (UTC).
    pub started_unix_seconds: i64,
    /// The machine.
    pub machine: Machine,
    /// The case that speaks for the run; `None` if the run has none.
    pub case: Option<Case>,
    /// Machine-hours per million output tokens; `None` if nothing was measured.
    pub headline: Option<Estimate<MachineHoursPerMillionTokens>>,
    /// True for random weights.
    pub synthetic: bool,
    /// True if the logits were compared with the plain computation's.
    pub is_checked: bool,
    /// True if a flag breaks the trust in the headline.
    pub is_untrustworthy: bool,
}

impl IndexEntry {
    /// The entry of a run: one of its measured cases speaks for it.
    pub fn of(run: &Run) -> Self {
        let cases = case_view::measured(run);
        let speaks = case_view::headline(&cases);
        let shown = speaks.map(|case| case.record).or(run.cases.first());
        Self {
            id: run.id.clone(),
            started_unix_seconds: run.started_unix_seconds,
            machine: run.machine.clone(),
            case: shown.map(|record| record.case.clone()),
            headline: speaks.map(|case| case.figures.machine_hours_per_mtok_output),
            is_checked: speaks.is_some_and(|case| gate_view::is_checked(case.record)),
            is_untrustworthy: speaks
                .is_some_and(|case| case.record.flags.iter().any(|flag| flag.breaks_trust())),
            synthetic: shown.is_some_and(|record| record.flags.contains(&Flag::SyntheticWeights)),
        }
    }
}

struct Row<'a> {
    id: &'a str,
    date: String,
    machine: String,
    model: String,
    synthetic: bool,
    not_checked: bool,
    untrustworthy: bool,
    value: String,
    note: String,
}

#[derive(Template)]
#[template(path = "index.html")]
struct IndexTemplate<'a> {
    w: &'static Words,
    head: Head,
    run_file: &'static str,
    rows: Vec<Row<'a>>,
}

/// The list as one HTML file, newest first; the same entries in any order give the same bytes.
pub(crate) fn render_index(entries: &[IndexEntry], language: Language) -> String {
    let words = Words::of(language);
    let mut sorted: Vec<&IndexEntry> = entries.iter().collect();
    sorted.sort_by_key(|entry| (std::cmp::Reverse(entry.started_unix_seconds), &entry.id));
    let template = IndexTemplate {
        w: words,
        head: Head::new(words, PageFile::Front, words.index.title.to_owned()),
        run_file: PageFile::Front.name(language),
        rows: sorted.into_iter().map(|entry| row(words, entry)).collect(),
    };
    template.render().expect("writing to a string cannot fail")
}

fn row<'a>(words: &Words, entry: &'a IndexEntry) -> Row<'a> {
    let (value, note) = entry.headline.as_ref().map_or_else(
        || (words.index.nothing.to_owned(), String::new()),
        |hours| {
            let printed = words.numerals.estimate(hours);
            (printed.with_unit(), case_view::note(words, &printed))
        },
    );
    Row {
        id: entry.id.as_str(),
        date: words.numerals.date_time(entry.started_unix_seconds),
        machine: provenance_view::summary(words, &entry.machine),
        model: entry.case.as_ref().map(|case| case_view::title_of(words, case)).unwrap_or_default(),
        synthetic: entry.synthetic,
        not_checked: entry.headline.is_some() && !entry.is_checked,
        untrustworthy: entry.is_untrustworthy,
        value,
        note,
    }
}
