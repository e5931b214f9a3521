//! A few claims in both languages for the tests of the pages.

use super::ledger_view::{
    AmountView, Category, ClaimOutcome, ClaimView, DocumentView, Examination, InputView, LedgerView,
    PointKind, Reading, ScalePoint, SourceView, StepView,
};
use super::speed_view::{SpeedVerdict, SpeedView};
use crate::language::Language;
use crate::units::{Bytes, BytesPerSecond, Ratio, Usd};

/// The text of one language, with the spaces of good typography written as `~`.
fn choose(language: Language, english: &str, french: &str) -> String {
    match language {
        Language::English => english.to_owned(),
        Language::French => french.replace('~', "\u{a0}"),
    }
}

/// A few claims of the debate, one per outcome that matters to the layout.
pub(crate) fn ledger(language: Language) -> LedgerView {
    LedgerView { claims: claims(language), points: points(language), speeds: speeds(language) }
}

fn source(publisher: &str, title: &str, url: &str, date: &str, reading: Reading) -> SourceView {
    SourceView { document: document(Some(publisher), title, "en", date), reading, url: Some(url.into()) }
}

fn document(publisher: Option<&str>, title: &str, language: &str, date: &str) -> DocumentView {
    DocumentView {
        publisher: publisher.map(str::to_owned),
        title: title.into(),
        language: language.into(),
        date: Some(date.into()),
    }
}

fn report() -> SourceView {
    let url = "https://arxiv.org/abs/2412.19437";
    source("DeepSeek-AI", "DeepSeek-V3 Technical Report, table 1", url, "2024-12-27", Reading::Original)
}

fn estimate(reading: Reading) -> SourceView {
    let url = "https://semianalysis.com/2025/01/31/deepseek-debates/";
    source("SemiAnalysis", "DeepSeek Debates", url, "2025-01-31", reading)
}

fn run_claim(language: Language) -> ClaimView {
    let t = |english: &str, french: &str| choose(language, english, french);
    ClaimView {
        id: "deepseek-5-6m".into(),
        topic: Category::TrainingCost,
        title: t(
            "A DeepSeek model for only 5-6 million dollars",
            "Un modèle DeepSeek pour seulement 5 à 6~millions de dollars",
        ),
        quote: "pour seulement 5-6 millions de dollars".into(),
        language: Language::French,
        quoted_in: document(None, "La France a-t-elle déjà perdu la bataille de l’IA\u{202f}?", "fr", "2025"),
        speaker: t("the author of the article, reporting", "l’auteur de l’article, qui rapporte"),
        said_on: "2025".into(),
        amount: AmountView::Printed("5-6 millions".into()),
        counts: t(
            "rent of the GPUs of one final training run, at an assumed $2 per hour",
            "la location des GPU d’un seul entraînement final, à un prix supposé de 2~$ l’heure",
        ),
        leaves_out: t(
            "Earlier research, failed runs, data, salaries, the purchase of the machines",
            "Les recherches antérieures, les essais ratés, les données, les salaires, l’achat des machines",
        ),
        how: Examination::Recalculated,
        outcome: ClaimOutcome::Upheld,
        evidence: t(
            "The multiplication is right, and the report itself lists what it leaves out.",
            "La multiplication est juste, et le rapport énumère lui-même ce qu’il laisse de côté.",
        ),
        steps: vec![
            StepView { label: None, calculation: "2,788,000 GPU*h x 2 USD/GPU/h = 5.576 M USD".into() },
            StepView {
                label: Some(t("days of the run on 2,048 GPUs", "jours d’entraînement sur 2\u{202f}048~GPU")),
                calculation: "2,788,000 GPU*h / 2,048 GPU / 24 h/day = 56.72 day".into(),
            },
        ],
        inputs: vec![InputView {
            title: t("GPU hours of the run", "heures de GPU de l’entraînement"),
            amount: "2,788,000 GPU*h".into(),
            as_of: "2024-12".into(),
            publisher: Some("DeepSeek-AI".into()),
            verified: false,
        }],
        sources: vec![report()],
        contradiction: Some(t(
            "The same article gives 1.6 billion two sentences later.",
            "Le même article donne 1,6~milliard deux phrases plus loin.",
        )),
        related: vec!["deepseek-total-1-6b".into()],
    }
}

fn claims(language: Language) -> Vec<ClaimView> {
    let t = |english: &str, french: &str| choose(language, english, french);
    let base = run_claim(language);
    vec![
        base.clone(),
        ClaimView {
            id: "deepseek-total-1-6b".into(),
            topic: Category::Capex,
            title: t(
                "DeepSeek's total spending would reach 1.6 billion dollars",
                "Les dépenses totales de DeepSeek atteindraient 1,6~milliard de dollars",
            ),
            quote: "les dépenses totales de DeepSeek atteindraient 1,6 milliard de dollars".into(),
            amount: AmountView::Figure("1.6 bn USD".into()),
            counts: t(
                "purchase of the servers of a whole fleet, an analyst's estimate",
                "l’achat des serveurs d’un parc entier, selon un analyste",
            ),
            leaves_out: t(
                "$944 M of operating cost, and which share of the fleet served which model",
                "944~M$ d’exploitation, et quelle part du parc a servi à quel modèle",
            ),
            how: Examination::Sourced,
            outcome: ClaimOutcome::DiffersFromItsSource,
            evidence: t(
                "The source says server purchase, not total spending. Its own estimate has no public invoice.",
                "La source dit achat de serveurs, et non dépenses totales. Son estimation n’a pas de facture publique.",
            ),
            steps: vec![],
            inputs: vec![],
            sources: vec![estimate(Reading::QuotedBy("Hacker News".into())), report()],
            contradiction: None,
            ..base.clone()
        },
        ClaimView {
            id: "deepseek-10000-h800".into(),
            topic: Category::ComputeFleet,
            title: t("10,000 H800 cards among 50,000", "10\u{202f}000~cartes H800 parmi 50\u{202f}000"),
            quote: "about 10,000 H800s and about 10,000 H100s".into(),
            language: Language::English,
            amount: AmountView::Read(t("about 10,000 cards", "environ 10\u{202f}000~cartes")),
            counts: t("cards of one kind", "des cartes d’un seul type"),
            leaves_out: t("who else uses them", "qui d’autre s’en sert"),
            how: Examination::NotCheckable,
            outcome: ClaimOutcome::Unresolved,
            evidence: t(
                "It would take purchase records that are not public.",
                "Il faudrait des registres d’achat qui ne sont pas publics.",
            ),
            steps: vec![],
            inputs: vec![],
            sources: vec![estimate(Reading::NotVerified)],
            contradiction: None,
            related: vec![],
            ..base
        },
    ]
}

fn points(language: Language) -> Vec<ScalePoint> {
    let t = |english: &str, french: &str| choose(language, english, french);
    let usd = |value: f64| Usd::new(value).unwrap();
    let point =
        |label: String, [low, central, high]: [f64; 3], kind: PointKind, claim: Option<&str>| ScalePoint {
            label,
            low: usd(low),
            central: usd(central),
            high: usd(high),
            kind,
            claim_id: claim.map(str::to_owned),
        };
    vec![
        point(
            t("One training run, as published", "Un seul entraînement, chiffre publié"),
            [5.576e6; 3],
            PointKind::Quoted,
            Some("deepseek-5-6m"),
        ),
        point(
            t(
                "Same run at rents of $1 to $4 an hour",
                "Le même entraînement à des loyers de 1 à 4~$ l’heure",
            ),
            [2.788e6, 5.576e6, 11.152e6],
            PointKind::Recalculated,
            None,
        ),
        point(
            t(
                "2,048 GPUs bought outright, $25,000 to $40,000 each",
                "2\u{202f}048~GPU achetés comptant, de 25\u{202f}000 à 40\u{202f}000~$ pièce",
            ),
            [51.2e6, 61.44e6, 81.92e6],
            PointKind::Recalculated,
            None,
        ),
        point(
            t("Fleet running costs, analyst estimate", "Exploitation du parc, estimation d’analystes"),
            [944e6; 3],
            PointKind::CannotBeChecked,
            None,
        ),
        point(
            t("Fleet purchase, analyst estimate", "Achat du parc, estimation d’analystes"),
            [1.6e9; 3],
            PointKind::CannotBeChecked,
            Some("deepseek-total-1-6b"),
        ),
    ]
}

/// One speed per verdict that matters to the layout, and one link that must not become one.
fn speeds(language: Language) -> Vec<SpeedView> {
    let t = |english: &str, french: &str| choose(language, english, french);
    let gigabytes_per_second = |value: f64| BytesPerSecond::new(value * 1e9).unwrap();
    let url = "https://example.org/speeds";
    let page = source("A host", "Speeds of a card", url, "2026-01", Reading::Original);
    let fast = SpeedView {
        id: "seven".into(),
        statement: t("A model of 7B writes 115 tokens/s", "Un modèle de 7B écrit 115~tokens/s"),
        weights: "FP8".into(),
        engine: Some("vLLM 0.6".into()),
        sequences: Some(1),
        bytes_per_step: Bytes::new(7_600_000_000),
        bytes_why: t("the page's own size", "la taille donnée par la page"),
        card: "GeForce RTX 5060 Ti 16 GB".into(),
        published: gigabytes_per_second(448.0),
        card_source: source("A reviewer", "A test of the card", url, "2025", Reading::QuotedBy("A".into())),
        needed: Some((gigabytes_per_second(874.0), Ratio::new(874.0 / 448.0).unwrap())),
        verdict: SpeedVerdict::Implausible,
        sources: vec![page.clone()],
    };
    vec![
        fast.clone(),
        SpeedView {
            id: "eight".into(),
            sequences: Some(8),
            needed: Some((gigabytes_per_second(200.0), Ratio::new(200.0 / 448.0).unwrap())),
            verdict: SpeedVerdict::Plausible,
            ..fast.clone()
        },
        SpeedView {
            id: "open".into(),
            engine: None,
            sequences: None,
            needed: None,
            verdict: SpeedVerdict::SequencesNotStated,
            sources: vec![SourceView { url: None, ..page }],
            ..fast
        },
    ]
}
