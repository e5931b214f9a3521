//! The page of all claims, beside the page of a run.

use askama::Template;

use super::claims_view::{self, Badge, ClaimRow, Topic};
use super::component::Head;
use super::ledger_view::{AmountView, LedgerView};
use super::page_file::PageFile;
use super::speed_view::{self, SpeedRow};
use super::words::Words;
use crate::language::Language;
use crate::measurement::Run;
use crate::units::index_as_u64;

/// The ledger beside a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimsPage<'a> {
    /// The run it stands beside.
    pub(crate) run: &'a Run,
    /// What is claimed.
    pub(crate) ledger: &'a LedgerView,
    /// The language of the page; the ledger's texts are in it too.
    pub(crate) language: Language,
}

#[derive(Template)]
#[template(path = "claims_page.html")]
struct ClaimsTemplate<'a> {
    w: &'static Words,
    head: Head,
    list_file: &'static str,
    run_file: &'static str,
    run_of: String,
    heading: String,
    legend: Vec<Badge>,
    topics: Vec<Topic<'a>>,
    speeds: Vec<SpeedRow<'a>>,
}

impl ClaimsPage<'_> {
    /// The page as one HTML file; the same input gives the same bytes.
    pub(crate) fn render(&self) -> String {
        let words = Words::of(self.language);
        let w = &words.claims.page;
        let template = ClaimsTemplate {
            w: words,
            head: Head::new(words, PageFile::Claims, w.title.to_owned()),
            list_file: PageFile::Front.name(self.language),
            run_file: PageFile::Front.name(self.language),
            run_of: (words.page.run_of)(&words.numerals.date_time(self.run.started_unix_seconds)),
            heading: (w.heading)(index_as_u64(self.ledger.claims.len())),
            legend: claims_view::legend(words, self.ledger.claims.iter()),
            topics: claims_view::topics(words, self.ledger, |_| true),
            speeds: speed_view::rows(words, self.ledger),
        };
        template.render().expect("writing to a string cannot fail")
    }
}

impl<'a> ClaimsTemplate<'a> {
    /// The claims that another one contradicts, in the order of the page.
    fn contradicted(&self) -> Vec<&ClaimRow<'a>> {
        let rows = self.topics.iter().flat_map(|topic| &topic.rows);
        rows.filter(|row| row.claim.contradiction.is_some()).collect()
    }
}
