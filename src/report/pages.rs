//! Every page of a run, and every list of runs, ready to be written.

use super::claims_page::ClaimsPage;
use super::index_page::{IndexEntry, render_index};
use super::ledger_view::LedgerView;
use super::page::RunPage;
use super::page_file::PageFile;
use crate::claim::Ledger;
use crate::cost::HourlyPrice;
use crate::language::Language;
use crate::measurement::Run;

/// A file and what stands in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// Name of the file; all of them belong into one folder, where they find each other.
    pub name: &'static str,
    /// The whole page.
    pub html: String,
}

/// The pages of a run, in every language: the run itself, and all claims of the ledger.
pub fn run_pages(run: &Run, ledger: &Ledger, price: Option<&HourlyPrice>) -> Vec<Page> {
    let in_language = |language: Language| {
        let view = LedgerView::new(ledger, language);
        let front = RunPage { run, ledger: &view, price, language }.render();
        let claims = ClaimsPage { run, ledger: &view, language }.render();
        [
            Page { name: PageFile::Front.name(language), html: front },
            Page { name: PageFile::Claims.name(language), html: claims },
        ]
    };
    Language::ALL.into_iter().flat_map(in_language).collect()
}

/// The list of published runs, in every language.
pub fn index_pages(entries: &[IndexEntry]) -> Vec<Page> {
    let in_language = |language: Language| Page {
        name: PageFile::Front.name(language),
        html: render_index(entries, language),
    };
    Language::ALL.into_iter().map(in_language).collect()
}
