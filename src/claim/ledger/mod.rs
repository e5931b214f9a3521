//! Claims, and what their examination says.

mod wire;

pub(super) use wire::Reading;

use std::fmt;

use super::facts::{Constant, Facts, Source};
use super::formula::{Figure, Input, Worked};
use super::outcome::{self, Bound, Examination, Open, Outcome, compare};
use super::range::Range;
use super::speed::SpeedBook;
use super::{Category, Examined, figure};
use crate::date::Date;
use crate::faults::Faults;
use crate::language::{Bilingual, Language};
use crate::model::Registry;
use crate::units::Usd;

/// The exact words of a claim.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quote {
    /// The words.
    pub text: String,
    /// Their language.
    pub language: Language,
    /// Id of the source they stand in.
    pub source: String,
}

/// The amount a claim states.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedAmount {
    /// The digits as printed; `None` where the claim has only words.
    pub printed: Option<String>,
    /// How words such as "a handful" are read; `None` where digits were printed.
    pub reading: Option<Bilingual>,
    /// The amount read in the claimant's favour.
    pub figure: Figure,
    /// Whether the claim says about, at least or at most.
    pub bound: Bound,
}

/// Whether the evidence counts the same thing as the claim. The one judgement that is stated, not computed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scope {
    /// True if both count the same thing.
    pub matches: bool,
    /// Why that is so.
    pub reason: Bilingual,
}

/// How a claim is examined, with what that needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Against a measurement that the caller brings.
    Measured {
        /// Whether a measurement here counts the same thing.
        scope: Scope,
    },
    /// Against arithmetic.
    Recalculated {
        /// The formula and its result.
        worked: Worked,
        /// Whether it counts the same thing.
        scope: Scope,
    },
    /// Against the figure of the source it relies on.
    Sourced {
        /// Id of the constant that holds the figure.
        constant: String,
        /// Whether it counts the same thing.
        scope: Scope,
    },
    /// Against nothing: sources speak to it.
    Context,
    /// Not at all.
    NotCheckable,
}

/// Another figure that gives the size of a claim, such as how many times the cost of a run it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Proportion {
    /// What it says, in a few words.
    pub label: Bilingual,
    /// The formula and its result.
    pub worked: Worked,
}

/// One claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Key in `ledger/claims/`.
    pub id: String,
    /// The claim in one line.
    pub title: Bilingual,
    /// Its words.
    pub quote: Quote,
    /// Who says so.
    pub speaker: Bilingual,
    /// When.
    pub said_on: Date,
    /// What it is about.
    pub category: Category,
    /// The amount it states, if it states one.
    pub amount: Option<ClaimedAmount>,
    /// What the amount counts.
    pub counts: Bilingual,
    /// What the amount leaves out.
    pub leaves_out: Bilingual,
    /// How it is examined.
    pub method: Method,
    /// What gives its size.
    pub proportions: Vec<Proportion>,
    /// What to make of it, in a few sentences.
    pub analysis: Bilingual,
    /// Ids of the sources the analysis rests on.
    pub sources: Vec<String>,
    /// Ids of claims that belong beside it.
    pub related: Vec<String>,
    /// How the articles contradict each other over it.
    pub disagreement: Option<Bilingual>,
}

impl Claim {
    /// Examines the claim by what the ledger holds. A claim to be measured stays open: see
    /// [`Self::examine_measured`].
    pub fn examine(&self, ledger: &Ledger) -> Examined {
        let (outcome, evidence, steps, inputs) = match &self.method {
            Method::Measured { .. } => (Outcome::Unresolved(Open::NotMeasured), None, String::new(), vec![]),
            Method::Recalculated { worked, scope } => {
                let outcome = outcome::of_evidence(self.compare(worked.figure.range), scope.matches);
                (outcome, Some(worked.figure.clone()), worked.steps.clone(), worked.inputs.clone())
            }
            Method::Sourced { constant, scope } => {
                let figure = ledger.figure_of(constant);
                let outcome = outcome::of_source(self.compare(figure.range), scope.matches);
                let inputs = vec![Input { constant: constant.clone(), figure: figure.clone() }];
                (outcome, Some(figure.clone()), figure::input(figure.range, &figure.unit), inputs)
            }
            Method::Context => (Outcome::Context, None, String::new(), vec![]),
            Method::NotCheckable if self.proportions.is_empty() => {
                (Outcome::Unresolved(Open::NothingToSetBeside), None, String::new(), vec![])
            }
            Method::NotCheckable => (Outcome::ProportionOnly, None, String::new(), vec![]),
        };
        self.examined(ledger, outcome, evidence, steps, inputs)
    }

    /// Examines a claim by a measurement in the claim's unit; `None` for a claim that is not examined that way.
    pub fn examine_measured(&self, ledger: &Ledger, seen: Range) -> Option<Examined> {
        let (Method::Measured { scope }, Some(amount)) = (&self.method, &self.amount) else { return None };
        let outcome = outcome::of_evidence(self.compare(seen), scope.matches);
        let evidence = Figure { range: seen, unit: amount.figure.unit.clone() };
        let steps = figure::result(seen, &evidence.unit);
        Some(self.examined(ledger, outcome, Some(evidence), steps, vec![]))
    }

    /// How it is examined.
    pub const fn examination(&self) -> Examination {
        match self.method {
            Method::Measured { .. } => Examination::Measured,
            Method::Recalculated { .. } => Examination::Recalculated,
            Method::Sourced { .. } => Examination::Sourced,
            Method::Context => Examination::Context,
            Method::NotCheckable => Examination::NotCheckable,
        }
    }

    /// The evidence beside the claim. The reader admits no comparison without an amount.
    fn compare(&self, seen: Range) -> outcome::Comparison {
        let amount = self.amount.as_ref().expect("a claim that is compared states an amount");
        compare(amount.bound, amount.figure.range, seen)
    }

    fn examined(
        &self,
        ledger: &Ledger,
        outcome: Outcome,
        evidence: Option<Figure>,
        steps: String,
        inputs: Vec<Input>,
    ) -> Examined {
        let beside = self.proportions.iter().flat_map(|proportion| &proportion.worked.inputs);
        let constants: Vec<&Constant> =
            inputs.iter().chain(beside).filter_map(|input| ledger.constant(&input.constant)).collect();
        let mut sources = self.sources.clone();
        let mut unverified = Vec::new();
        for constant in constants {
            push_once(&mut sources, &constant.source);
            if !constant.verified {
                push_once(&mut unverified, &constant.id);
            }
        }
        for id in &sources {
            if ledger.source(id).is_some_and(|source| !source.is_verified()) {
                push_once(&mut unverified, id);
            }
        }
        Examined { examination: self.examination(), outcome, evidence, steps, inputs, sources, unverified }
    }
}

fn push_once(ids: &mut Vec<String>, id: &String) {
    if !ids.contains(id) {
        ids.push(id.clone());
    }
}

/// How a point of the claim scale came about; a page draws each kind with its own mark.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ScaleKind {
    /// The publisher printed it and its arithmetic can be followed.
    Quoted,
    /// It was computed here.
    Recalculated,
    /// Nobody outside can check it.
    CannotBeChecked,
}

impl ScaleKind {
    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Quoted => "quoted",
            Self::Recalculated => "recalculated",
            Self::CannotBeChecked => "cannot-be-checked",
        }
    }
}

/// A point, or a stretch, of the scale that shows all the sums of the debate at once.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalePoint {
    /// Key in `ledger/claims/`.
    pub id: String,
    /// What stands at the mark.
    pub label: Bilingual,
    /// Lower end.
    pub low: Usd,
    /// Upper end.
    pub high: Usd,
    /// The stated value between them; `None` where only a range is known.
    pub central: Option<Usd>,
    /// How it came about.
    pub kind: ScaleKind,
    /// Id of the claim it belongs to.
    pub claim: String,
    /// The arithmetic, where there is any.
    pub steps: Option<String>,
}

/// All claims and the facts they are judged by. Every formula has been worked out and every reference found.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    claims: Vec<Claim>,
    scale: Vec<ScalePoint>,
    facts: Facts,
    speeds: SpeedBook,
}

impl Ledger {
    pub(super) fn new(claims: Vec<Claim>, scale: Vec<ScalePoint>, facts: Facts) -> Self {
        Self { claims, scale, facts, speeds: SpeedBook::default() }
    }

    /// The ledger with the speeds that others published: the texts of a `cards.toml` and of a `speeds.toml`, each with
    /// the name to print in errors. Their sources are those of the ledger; `models` gives the bytes of a step.
    pub fn with_speeds(
        self,
        cards: (&str, &str),
        speeds: (&str, &str),
        models: &Registry,
    ) -> Result<Self, LedgerFaults> {
        let speeds = SpeedBook::parse(cards, speeds, &self.facts, models)?;
        Ok(Self { speeds, ..self })
    }

    /// Speeds that others published, and the cards they were seen on.
    pub fn speeds(&self) -> &SpeedBook {
        &self.speeds
    }

    /// Every claim, in file order.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The claim with this id.
    pub fn get(&self, id: &str) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.id == id)
    }

    /// The source with this id.
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.facts.source(id)
    }

    /// The constant with this id.
    pub fn constant(&self, id: &str) -> Option<&Constant> {
        self.facts.constant(id)
    }

    /// All sources and constants.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The points of the claim scale, in file order.
    pub fn scale_points(&self) -> &[ScalePoint] {
        &self.scale
    }

    fn figure_of(&self, constant: &str) -> Figure {
        self.constant(constant).expect("the reader found every constant a claim names").figure.clone()
    }
}

/// The faults of the files of a ledger, together.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct LedgerFaults {
    files: Vec<Faults>,
}

impl LedgerFaults {
    pub(super) fn new(files: Vec<Faults>) -> Self {
        Self { files }
    }

    /// The faults, file by file.
    pub fn files(&self) -> &[Faults] {
        &self.files
    }
}

impl fmt::Display for LedgerFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<String> = self.files.iter().map(Faults::to_string).collect();
        f.write_str(&files.join("\n"))
    }
}
