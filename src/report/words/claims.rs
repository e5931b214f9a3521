//! The words of the ledger: its part of a run's page, and the page of all claims. Both languages side by side.

use super::super::ledger_view::{Category, ClaimOutcome, Examination, Reading};
use super::{en, fr};

/// The ledger.
#[derive(Debug)]
pub(crate) struct ClaimWords {
    pub(crate) heading: &'static str,
    pub(crate) sub: fn(shown: u64, all: u64) -> String,
    pub(crate) empty: &'static str,
    pub(crate) all: fn(u64) -> String,
    pub(crate) columns: [&'static str; 5],
    pub(crate) outcome: fn(ClaimOutcome) -> &'static str,
    pub(crate) outcome_help: fn(ClaimOutcome) -> &'static str,
    pub(crate) how: fn(Examination) -> &'static str,
    pub(crate) quoted_in: &'static str,
    pub(crate) unknown_publisher: &'static str,
    pub(crate) no_amount: &'static str,
    pub(crate) steps: &'static str,
    pub(crate) inputs: &'static str,
    pub(crate) sources: &'static str,
    pub(crate) reading: fn(&Reading) -> String,
    pub(crate) not_verified: &'static str,
    pub(crate) page: ClaimsPageWords,
}

/// The page of all claims.
#[derive(Debug)]
pub(crate) struct ClaimsPageWords {
    pub(crate) title: &'static str,
    pub(crate) heading: fn(u64) -> String,
    pub(crate) sub: &'static str,
    pub(crate) back: &'static str,
    pub(crate) outcomes: &'static str,
    pub(crate) contents: &'static str,
    pub(crate) topic: fn(Category) -> &'static str,
    pub(crate) contradictions: &'static str,
    pub(crate) contradictions_sub: &'static str,
    pub(crate) contradiction: &'static str,
    pub(crate) see: &'static str,
    pub(crate) link: fn(title: &str) -> String,
}

pub(super) const EN: ClaimWords = ClaimWords {
    heading: "Claims ledger",
    sub: |shown, all| {
        format!(
            "What was said, by whom, what the amount counts and leaves out, and how far it can be tested. Here are the \
             {} on cost, machines and energy, of {} in the ledger.",
            en::counted(shown, "claim", "claims"),
            en::count(all),
        )
    },
    empty: "This page was made without a ledger.",
    all: |all| format!("All {}, with calculations and sources", en::counted(all, "claim", "claims")),
    columns: ["Claim", "Amount", "Counts", "Leaves out", "What we can say"],
    outcome: |outcome| match outcome {
        ClaimOutcome::Upheld => "Upheld",
        ClaimOutcome::Refuted => "Refuted",
        ClaimOutcome::AsSourced => "As sourced",
        ClaimOutcome::DiffersFromItsSource => "Differs from its source",
        ClaimOutcome::Unresolved => "Unresolved",
        ClaimOutcome::ProportionOnly => "Proportion only",
        ClaimOutcome::Context => "Context",
    },
    outcome_help: |outcome| match outcome {
        ClaimOutcome::Upheld => "the evidence agrees",
        ClaimOutcome::Refuted => "the evidence disagrees",
        ClaimOutcome::AsSourced => "the source says so; whether it is right was not examined",
        ClaimOutcome::DiffersFromItsSource => "the source says something else",
        ClaimOutcome::Unresolved => "the evidence does not decide, or is not public",
        ClaimOutcome::ProportionOnly => "only its size beside other figures can be given",
        ClaimOutcome::Context => "nothing could be compared; its sources give the background",
    },
    how: |how| match how {
        Examination::Measured => "measured here",
        Examination::Recalculated => "recalculated",
        Examination::Sourced => "read at its source",
        Examination::Context => "set in context",
        Examination::NotCheckable => {
            "cannot be checked from outside: it would take documents that are not public"
        }
    },
    quoted_in: "quoted from",
    unknown_publisher: "publisher unknown",
    no_amount: "states no amount",
    steps: "Calculation",
    inputs: "Inputs",
    sources: "Sources",
    reading: |reading| match reading {
        Reading::Original => "read in the original".to_owned(),
        Reading::QuotedBy(reader) => format!("read as quoted by {reader}"),
        Reading::NotVerified => "not verified".to_owned(),
    },
    not_verified: ", not verified",
    page: ClaimsPageWords {
        title: "Claims ledger: what is said of the cost of AI, and what can be said of that",
        heading: |count| format!("{} on the cost of AI, examined", en::counted(count, "claim", "claims")),
        sub: "Each is quoted word for word. Beside it stands what its amount counts and what it leaves out, what can be \
              said of it, the calculation, and the sources with how each was read.",
        back: "Back to the run",
        outcomes: "What the examination gave",
        contents: "Find a claim",
        topic: |topic| match topic {
            Category::ComputeFleet => "Fleets of machines",
            Category::InferenceCost => "Cost of use",
            Category::OperatingCost => "Cost of operation",
            Category::TrainingCost => "Cost of training",
            Category::Energy => "Electricity",
            Category::Capex => "Data centres to be built",
            Category::Investment => "Sums promised",
            Category::Market => "Markets",
            Category::Policy => "Rules and declarations",
            Category::Talent => "Salaries",
            Category::Models => "Numbers of models",
            Category::Patents => "Patents",
            Category::People => "People",
        },
        contradictions: "Where the articles contradict each other",
        contradictions_sub: "Each line leads to the claim, where the contradiction is spelled out.",
        contradiction: "Contradiction:",
        see: "See:",
        link: |title| format!("Link to this claim: {title}"),
    },
};

pub(super) const FR: ClaimWords = ClaimWords {
    heading: "Registre des affirmations",
    sub: |shown, all| {
        format!(
            "Ce qui a été dit, par qui, ce que le montant compte et ne compte pas, et jusqu’où on peut le vérifier. Ici, \
             {} sur les coûts, les machines et l’énergie, parmi les {} du registre.",
            fr::counted(shown, "affirmation", "affirmations"),
            fr::count(all),
        )
    },
    empty: "Cette page a été faite sans registre.",
    all: |all| format!("Toutes les affirmations ({}), avec calculs et sources", fr::count(all)),
    columns: ["Affirmation", "Montant", "Compte", "Ne compte pas", "Ce qu’on peut en dire"],
    outcome: |outcome| match outcome {
        ClaimOutcome::Upheld => "Confirmée",
        ClaimOutcome::Refuted => "Réfutée",
        ClaimOutcome::AsSourced => "Conforme à sa source",
        ClaimOutcome::DiffersFromItsSource => "Diffère de sa source",
        ClaimOutcome::Unresolved => "Non tranchée",
        ClaimOutcome::ProportionOnly => "Proportion seule",
        ClaimOutcome::Context => "Contexte",
    },
    outcome_help: |outcome| match outcome {
        ClaimOutcome::Upheld => "les faits concordent",
        ClaimOutcome::Refuted => "les faits la contredisent",
        ClaimOutcome::AsSourced => "la source le dit\u{202f}; savoir si elle a raison n’a pas été examiné",
        ClaimOutcome::DiffersFromItsSource => "la source dit autre chose",
        ClaimOutcome::Unresolved => "les faits ne tranchent pas, ou ne sont pas publics",
        ClaimOutcome::ProportionOnly => "on peut seulement la situer par rapport à d’autres chiffres",
        ClaimOutcome::Context => "rien à comparer\u{202f}; ses sources donnent le contexte",
    },
    how: |how| match how {
        Examination::Measured => "mesuré ici",
        Examination::Recalculated => "recalculé",
        Examination::Sourced => "lu à sa source",
        Examination::Context => "mis en contexte",
        Examination::NotCheckable => "invérifiable\u{a0}: il faudrait des documents non publics",
    },
    quoted_in: "cité d’après",
    unknown_publisher: "éditeur inconnu",
    no_amount: "aucun montant",
    steps: "Calcul",
    inputs: "Données d’entrée",
    sources: "Sources",
    reading: |reading| match reading {
        Reading::Original => "lu dans l’original".to_owned(),
        Reading::QuotedBy(reader) => format!("lu cité par {reader}"),
        Reading::NotVerified => "non vérifié".to_owned(),
    },
    not_verified: ", non vérifié",
    page: ClaimsPageWords {
        title: "Registre des affirmations\u{a0}: ce qu’on dit du coût de l’IA, et ce qu’on peut en dire",
        heading: |count| {
            format!("{} sur le coût de l’IA, à l’examen", fr::counted(count, "affirmation", "affirmations"))
        },
        sub: "Chacune est citée mot pour mot. À côté\u{a0}: ce que son montant compte et ne compte pas, ce qu’on peut en dire, \
              le calcul, et les sources, avec la façon dont chacune a été lue.",
        back: "Retour à la mesure",
        outcomes: "Ce que donne l’examen",
        contents: "Trouver une affirmation",
        topic: |topic| match topic {
            Category::ComputeFleet => "Parcs de machines",
            Category::InferenceCost => "Coût d’utilisation",
            Category::OperatingCost => "Coût d’exploitation",
            Category::TrainingCost => "Coût d’entraînement",
            Category::Energy => "Électricité",
            Category::Capex => "Centres de données à construire",
            Category::Investment => "Sommes promises",
            Category::Market => "Marchés",
            Category::Policy => "Règles et déclarations",
            Category::Talent => "Salaires",
            Category::Models => "Nombre de modèles",
            Category::Patents => "Brevets",
            Category::People => "Populations",
        },
        contradictions: "Là où les articles se contredisent",
        contradictions_sub: "Chaque ligne mène à l’affirmation, où la contradiction est expliquée.",
        contradiction: "Contradiction\u{a0}:",
        see: "Voir\u{a0}:",
        link: |title| format!("Lien vers cette affirmation\u{a0}: {title}"),
    },
};
