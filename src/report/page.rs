//! The page of one run.

use askama::Template;

use super::case_view::{self, CaseView, Measured};
use super::chart::{ClaimScale, Mark, Shape};
use super::claims_view::FrontClaims;
use super::component::{Figure, Head, Table};
use super::cost_view::CostView;
use super::energy_view::{self, EnergyView};
use super::engines_view::{self, EnginesView};
use super::gate_view;
use super::ledger_view::{AmountView, LedgerView, PointKind};
use super::page_file::PageFile;
use super::provenance_view::{self, Fact};
use super::verdict_view::VerdictView;
use super::words::Words;
use crate::cost::HourlyPrice;
use crate::language::Language;
use crate::measurement::{Flag, Run};
use crate::model::ModelRole;

/// A run, the ledger it is set beside, and the price of an hour if one is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunPage<'a> {
    /// What was measured.
    pub(crate) run: &'a Run,
    /// What is claimed.
    pub(crate) ledger: &'a LedgerView,
    /// What an hour of this machine costs.
    pub(crate) price: Option<&'a HourlyPrice>,
    /// The language of the page; the ledger's texts are in it too.
    pub(crate) language: Language,
}

#[derive(Template)]
#[template(path = "run.html")]
struct RunTemplate<'a> {
    w: &'static Words,
    head: Head,
    list_file: &'static str,
    claims_file: &'static str,
    run_of: String,
    notices: Vec<String>,
    verdict: VerdictView,
    scale: Option<Figure>,
    cost: CostView,
    bars: Vec<Figure>,
    engines: Vec<EnginesView>,
    cases: Vec<CaseView>,
    failures: Option<Table>,
    energy: EnergyView,
    claims: FrontClaims<'a>,
    limits: Vec<&'static str>,
    facts: Vec<Fact>,
}

impl RunPage<'_> {
    /// The page as one HTML file; the same input gives the same bytes.
    pub(crate) fn render(&self) -> String {
        let words = Words::of(self.language);
        let run = self.run;
        let cases = case_view::measured(run);
        let failures = case_view::failures(words, run, &cases);
        let title = (words.page.title)(&words.numerals.date(run.started_unix_seconds));
        let template = RunTemplate {
            w: words,
            head: Head::new(words, PageFile::Front, title),
            list_file: PageFile::Front.name(self.language),
            claims_file: PageFile::Claims.name(self.language),
            run_of: (words.page.run_of)(&words.numerals.date_time(run.started_unix_seconds)),
            notices: notices(words, run, failures.as_ref().map_or(0, |table| table.rows.len())),
            verdict: VerdictView::new(
                words,
                &provenance_view::summary(words, &run.machine),
                case_view::headline(&cases),
                self.ledger,
                self.price,
            ),
            scale: scale(words, run, self.ledger),
            cost: CostView::new(words, &cases, self.price),
            bars: case_view::bars(words, run, &cases),
            engines: engines_view::pairs(words, run),
            cases: cases.iter().enumerate().map(|(i, case)| CaseView::new(words, run, case, i + 1)).collect(),
            failures,
            energy: EnergyView::new(words, run, &cases),
            claims: FrontClaims::new(words, self.ledger),
            limits: limits(words, &cases),
            facts: provenance_view::facts(words, run),
        };
        template.render().expect("writing to a string cannot fail")
    }
}

/// What stands in the band on top; nothing if nothing is unusual.
fn notices(words: &Words, run: &Run, failed: usize) -> Vec<String> {
    let w = &words.notice;
    let any = |flag: Flag| run.cases.iter().any(|record| record.flags.contains(&flag));
    let synthetic = run
        .cases
        .iter()
        .any(|record| record.observed.as_ref().is_some_and(|seen| seen.file.weights.is_synthetic()));
    let test_shape = run.cases.iter().any(|record| record.case.model.role == ModelRole::Test);
    let mut notices = Vec::new();
    if test_shape || any(Flag::TestShape) {
        notices.push(w.test_shape.to_owned());
    }
    if run.provenance.profile == "debug" || any(Flag::DebugBuild) {
        notices.push(w.debug_build.to_owned());
    }
    if synthetic || any(Flag::SyntheticWeights) {
        notices.push(w.synthetic.to_owned());
    }
    if failed > 0 {
        let [failed, all] = [failed, run.cases.len()].map(crate::units::index_as_u64);
        notices.push((w.failed)(failed, all));
    }
    notices
}

fn limits(words: &Words, cases: &[Measured<'_>]) -> Vec<&'static str> {
    let w = &words.limits;
    let any = |flag: Flag| cases.iter().any(|case| case.record.flags.contains(&flag));
    let mut limits = w.always.to_vec();
    if any(Flag::SyntheticWeights) {
        limits.push(w.synthetic);
    }
    if any(Flag::SingleProcessStart) {
        limits.push(w.single_start);
    }
    if cases.iter().any(|case| !gate_view::is_checked(case.record)) {
        limits.push(w.not_checked);
    }
    if energy_view::any_missing(cases) {
        limits.push(w.energy);
    }
    limits
}

/// The claim scale, wide and narrow, with its table; `None` if no amount can be placed.
fn scale(words: &Words, run: &Run, ledger: &LedgerView) -> Option<Figure> {
    let (w, n) = (&words.scale, &words.numerals);
    let points = ledger.placeable();
    let marks: Vec<Mark> = points.iter().map(|point| Mark::from(*point)).collect();
    let kind = |kind: PointKind| match kind {
        PointKind::Quoted => w.quoted,
        PointKind::Recalculated => w.ours,
        PointKind::CannotBeChecked => w.unchecked,
    };
    let rows: Vec<Vec<String>> = points
        .iter()
        .map(|point| {
            let amount = n.money_between(point.low.value(), point.high.value());
            vec![point.label.clone(), amount, kind(point.kind).to_owned()]
        })
        .collect();
    let desc: Vec<String> = rows
        .iter()
        .map(|row| format!("{}{}{} ({})", row[0], n.colon, row[1], row[2].to_lowercase()))
        .collect();
    let bracket = ledger.extremes().map(|pair| {
        let say = if pair.count_unlike_things { w.apart_unlike } else { w.apart };
        (pair.low.central.value(), pair.high.central.value(), say(&n.factor(pair.factor.value())))
    });
    let draw = |id: &str, shape: Shape| {
        let chart = ClaimScale {
            id,
            title: w.title,
            desc: &desc.join(n.semicolon),
            marks: &marks,
            bracket: bracket.clone(),
            tag: run.id.as_str(),
            numerals: n,
        };
        chart.draw(shape)
    };
    Some(Figure {
        title: String::new(),
        wide: draw("scale-wide", Shape::Wide)?,
        narrow: Some(draw("scale-narrow", Shape::Narrow)?),
        caption: w.source.to_owned(),
        show_table: words.page.show_table,
        table: Table::new(w.title, &w.columns, rows),
    })
}
