//! Claims as rows and cards: badges, sources, calculations and links.

use super::ledger_view::{
    AmountView, Category, ClaimOutcome, ClaimView, DocumentView, InputView, LedgerView, SourceView,
};
use super::notation::localised;
use super::words::Words;
use crate::units::index_as_u64;

/// Every outcome, in the order of the legend.
const OUTCOMES: [ClaimOutcome; 7] = [
    ClaimOutcome::Upheld,
    ClaimOutcome::Refuted,
    ClaimOutcome::AsSourced,
    ClaimOutcome::DiffersFromItsSource,
    ClaimOutcome::Unresolved,
    ClaimOutcome::ProportionOnly,
    ClaimOutcome::Context,
];

/// An outcome as a reader sees it: a shape, a colour, and always the words.
#[derive(Debug)]
pub(crate) struct Badge {
    /// Name of the icon and of the style.
    pub(crate) icon: &'static str,
    /// The words.
    pub(crate) text: &'static str,
    /// What they mean.
    pub(crate) help: &'static str,
    /// How many of the claims shown have it.
    pub(crate) count: String,
}

/// A document.
#[derive(Debug)]
pub(crate) struct DocumentRow<'a> {
    /// The document.
    pub(crate) document: &'a DocumentView,
    /// Who answers for it, or that nobody knows.
    pub(crate) publisher: &'a str,
    /// Its date, spelled out.
    pub(crate) date: Option<String>,
}

/// A document behind a claim.
#[derive(Debug)]
pub(crate) struct SourceRow<'a> {
    /// The document.
    pub(crate) document: DocumentRow<'a>,
    /// Its address, if it can be followed.
    pub(crate) link: Option<&'a str>,
    /// How it was read.
    pub(crate) reading: String,
}

/// One claim.
#[derive(Debug)]
pub(crate) struct ClaimRow<'a> {
    /// The claim itself.
    pub(crate) claim: &'a ClaimView,
    /// What became of it.
    pub(crate) badge: Badge,
    /// How it was examined.
    pub(crate) how: &'static str,
    /// The document it is quoted from.
    pub(crate) quoted_in: DocumentRow<'a>,
    /// When it was said, spelled out.
    pub(crate) said_on: String,
    /// The amount it states.
    pub(crate) amount: String,
    /// What each calculation gives, if it says so, and the calculation.
    pub(crate) steps: Vec<(Option<&'a str>, String)>,
    /// The figures that went in.
    pub(crate) inputs: Vec<String>,
    /// Its documents.
    pub(crate) sources: Vec<SourceRow<'a>>,
    /// Claims to read with it: key and title.
    pub(crate) related: Vec<(&'a str, &'a str)>,
}

/// The claims of one topic.
#[derive(Debug)]
pub(crate) struct Topic<'a> {
    /// Name of its section.
    pub(crate) id: String,
    /// Heading.
    pub(crate) title: &'static str,
    /// How many they are.
    pub(crate) count: String,
    /// In the ledger's order.
    pub(crate) rows: Vec<ClaimRow<'a>>,
}

/// The ledger's part of a run's page.
#[derive(Debug)]
pub(crate) struct FrontClaims<'a> {
    /// What stands here, and how much more there is.
    pub(crate) sub: String,
    /// The link to all of them.
    pub(crate) all: String,
    /// The outcomes that occur here.
    pub(crate) legend: Vec<Badge>,
    /// On cost, machines and energy, topic by topic.
    pub(crate) rows: Vec<ClaimRow<'a>>,
}

impl<'a> FrontClaims<'a> {
    /// The claims on cost, machines and energy.
    pub(crate) fn new(words: &Words, ledger: &'a LedgerView) -> Self {
        let rows: Vec<ClaimRow<'a>> = topics(words, ledger, Category::is_on_main_page)
            .into_iter()
            .flat_map(|topic| topic.rows)
            .collect();
        let [shown, all] = [rows.len(), ledger.claims.len()].map(index_as_u64);
        Self {
            sub: (words.claims.sub)(shown, all),
            all: (words.claims.all)(all),
            legend: legend(words, rows.iter().map(|row| row.claim)),
            rows,
        }
    }
}

/// The outcomes that occur among these claims, and how often.
pub(crate) fn legend<'a>(words: &Words, claims: impl Iterator<Item = &'a ClaimView>) -> Vec<Badge> {
    let outcomes: Vec<ClaimOutcome> = claims.map(|claim| claim.outcome).collect();
    let counted = OUTCOMES.into_iter().map(|outcome| {
        let count = outcomes.iter().filter(|other| **other == outcome).count();
        (count, badge(words, outcome, count))
    });
    counted.filter(|(count, _)| *count > 0).map(|(_, badge)| badge).collect()
}

/// The claims by topic; topics without a claim are left out.
pub(crate) fn topics<'a>(
    words: &Words,
    ledger: &'a LedgerView,
    chosen: fn(Category) -> bool,
) -> Vec<Topic<'a>> {
    let of = |topic: Category| {
        let claims = ledger.claims.iter().filter(move |claim| claim.topic == topic);
        let rows: Vec<ClaimRow<'a>> = claims.map(|claim| row(words, ledger, claim)).collect();
        Topic {
            id: format!("topic-{}", topic.id()),
            title: (words.claims.page.topic)(topic),
            count: words.numerals.count(index_as_u64(rows.len())),
            rows,
        }
    };
    let all = Category::ALL.into_iter().filter(|topic| chosen(*topic)).map(of);
    all.filter(|topic| !topic.rows.is_empty()).collect()
}

fn row<'a>(words: &Words, ledger: &'a LedgerView, claim: &'a ClaimView) -> ClaimRow<'a> {
    let related = claim.related.iter().filter_map(|id| ledger.claims.iter().find(|other| other.id == *id));
    ClaimRow {
        claim,
        badge: badge(words, claim.outcome, 1),
        how: (words.claims.how)(claim.how),
        quoted_in: document(words, &claim.quoted_in),
        said_on: words.numerals.calendar(&claim.said_on),
        amount: amount(words, claim),
        steps: claim
            .steps
            .iter()
            .map(|step| (step.label.as_deref(), localised(words, &step.calculation)))
            .collect(),
        inputs: claim.inputs.iter().map(|input| input_line(words, input)).collect(),
        sources: claim.sources.iter().map(|source| source_row(words, source)).collect(),
        related: related.map(|other| (other.id.as_str(), other.title.as_str())).collect(),
    }
}

/// A document with its link and how it was read.
pub(crate) fn source_row<'a>(words: &Words, source: &'a SourceView) -> SourceRow<'a> {
    SourceRow {
        document: document(words, &source.document),
        link: source.link(),
        reading: (words.claims.reading)(&source.reading),
    }
}

fn document<'a>(words: &Words, document: &'a DocumentView) -> DocumentRow<'a> {
    DocumentRow {
        document,
        publisher: document.publisher.as_deref().unwrap_or(words.claims.unknown_publisher),
        date: document.date.as_deref().map(|date| words.numerals.calendar(date)),
    }
}

fn amount(words: &Words, claim: &ClaimView) -> String {
    match &claim.amount {
        AmountView::Printed(text) | AmountView::Read(text) => text.clone(),
        AmountView::Figure(figure) => localised(words, figure),
        AmountView::None => words.claims.no_amount.to_owned(),
    }
}

fn input_line(words: &Words, input: &InputView) -> String {
    let amount = localised(words, &input.amount);
    let date = words.numerals.calendar(&input.as_of);
    let verified = if input.verified { "" } else { words.claims.not_verified };
    let colon = words.numerals.colon;
    let publisher = input.publisher.as_deref().unwrap_or(words.claims.unknown_publisher);
    format!("{}{colon}{amount} ({publisher}, {date}{verified})", input.title)
}

fn badge(words: &Words, outcome: ClaimOutcome, count: usize) -> Badge {
    Badge {
        icon: outcome.icon(),
        text: (words.claims.outcome)(outcome),
        help: (words.claims.outcome_help)(outcome),
        count: words.numerals.count(index_as_u64(count)),
    }
}
