//! Two engines side by side, in both languages.

use crate::stats::{FEWEST_STARTS, NoComparison};

/// The same case by two engines.
#[derive(Debug)]
pub(crate) struct EngineWords {
    pub(crate) heading: fn(case: &str) -> String,
    /// What the columns mean, where the other engine is candle-transformers.
    pub(crate) meaning: fn(own: &str, other: &str) -> String,
    pub(crate) table: &'static str,
    pub(crate) figure: &'static str,
    pub(crate) ratio: fn(own: &str, other: &str) -> String,
    pub(crate) with_interval: fn(ratio: &str, range: &str, coverage: &str) -> String,
    pub(crate) no_interval: fn(NoComparison) -> String,
    pub(crate) no_ratio: &'static str,
    pub(crate) rule: &'static str,
}

/// English.
pub(super) const EN: EngineWords = EngineWords {
    heading: |case| format!("{case}: two engines"),
    meaning: |own, other| {
        format!(
            "Same machine, same file, same requests: {other} is what Candle gives out of the box, {own} what this program's own \
             forward pass gets from the machine."
        )
    },
    table: "Figures of both engines",
    figure: "Figure",
    ratio: |own, other| format!("{own} over {other}"),
    with_interval: |ratio, range, coverage| format!("{ratio} ({range}, {coverage})"),
    no_interval: |why| match why {
        NoComparison::TooFewStarts { first, second } => format!(
            "no interval: a comparison needs {FEWEST_STARTS} process starts of each, and there are {first} and {second}"
        ),
        NoComparison::Zero => "no interval: an amount is zero".to_owned(),
    },
    no_ratio: "none: an amount is zero or unknown",
    rule: "The ratio is that of the medians of the process starts. Rules:",
};

/// French.
pub(super) const FR: EngineWords = EngineWords {
    heading: |case| format!("{case}\u{a0}: deux moteurs"),
    meaning: |own, other| {
        format!(
            "Même machine, même fichier, mêmes requêtes\u{a0}: {other} est ce que Candle donne tel quel, {own} ce que le calcul \
             propre à ce programme tire de la machine."
        )
    },
    table: "Les chiffres des deux moteurs",
    figure: "Grandeur",
    ratio: |own, other| format!("{own} sur {other}"),
    with_interval: |ratio, range, coverage| format!("{ratio} ({range}, {coverage})"),
    no_interval: |why| match why {
        NoComparison::TooFewStarts { first, second } => format!(
            "pas d’intervalle\u{a0}: une comparaison demande {FEWEST_STARTS}\u{a0}démarrages de chacun, il y en a {first} et {second}"
        ),
        NoComparison::Zero => "pas d’intervalle\u{a0}: une valeur est nulle".to_owned(),
    },
    no_ratio: "néant\u{a0}: une valeur est nulle ou inconnue",
    rule: "Le rapport est celui des médianes des démarrages. Règles\u{a0}:",
};
