//! How much the repetitions differ, in both languages side by side.

use super::{en, fr};
use crate::stats::Outlier;

/// Spreads, outliers, process starts, and what a comparison could have seen.
#[derive(Debug)]
pub(crate) struct NoiseWords {
    pub(crate) summary: fn(smallest: &str) -> String,
    pub(crate) not_stated: &'static str,
    pub(crate) table: fn(case: &str) -> String,
    pub(crate) columns: [&'static str; 3],
    pub(crate) deviation: fn(figure: &str) -> String,
    pub(crate) deviation_rule: &'static str,
    pub(crate) of_median: fn(amount: &str, share: &str) -> String,
    pub(crate) quartiles: fn(figure: &str) -> String,
    pub(crate) quartiles_rule: &'static str,
    pub(crate) starts: &'static str,
    pub(crate) starts_of: fn(starts: u64, asked: u64) -> String,
    pub(crate) starts_rule: &'static str,
    pub(crate) between: &'static str,
    pub(crate) one_start: &'static str,
    pub(crate) between_rule: &'static str,
    pub(crate) outliers: &'static str,
    pub(crate) no_outliers: &'static str,
    pub(crate) outliers_rule: &'static str,
    pub(crate) class: fn(Outlier) -> &'static str,
    pub(crate) smallest: &'static str,
    pub(crate) at_least: fn(share: &str) -> String,
    pub(crate) smallest_unknown: fn(repetitions: u64) -> String,
    pub(crate) smallest_rule: &'static str,
    pub(crate) bound_rule: &'static str,
    pub(crate) rule: &'static str,
    pub(crate) start: fn(start: &str) -> String,
    pub(crate) start_column: &'static str,
    pub(crate) outlier_role: fn(class: &str) -> String,
    pub(crate) outlier_legend: &'static str,
    pub(crate) starts_legend: &'static str,
    pub(crate) outliers_desc: fn(list: &str) -> String,
}

/// English.
pub(super) const EN: NoiseWords = NoiseWords {
    summary: |smallest| format!("Noise: the smallest slowdown a comparison could have seen is {smallest}"),
    not_stated: "Noise: not stated by this method.",
    table: |case| format!("Noise of {case}"),
    columns: ["Measure", "Value", "What it is"],
    deviation: |figure| format!("Spread of {figure}: scaled median absolute deviation"),
    deviation_rule: "1.4826 times the median distance from the median: the standard deviation where noise is normal",
    of_median: |amount, share| format!("{amount}, {share} of the median"),
    quartiles: |figure| format!("Spread of {figure}: quartiles"),
    quartiles_rule: "half of the repetitions lie between them",
    starts: "Process starts",
    starts_of: |starts, asked| {
        if starts < asked {
            format!("{}, of {} asked for", en::count(starts), en::count(asked))
        } else {
            en::count(starts)
        }
    },
    starts_rule: "separate starts of the program that the repetitions come from",
    between: "Spread between starts",
    one_start: "one start: unknown",
    between_rule: "standard deviation of the starts' median TPOT over their mean",
    outliers: "Outliers of TPOT",
    no_outliers: "none",
    outliers_rule: "Tukey's fences: mild beyond 1.5, severe beyond 3 interquartile ranges outside the quartiles. Shown, none \
                    dropped",
    class: |class| match class {
        Outlier::LowSevere => "low, severe",
        Outlier::LowMild => "low, mild",
        Outlier::HighMild => "high, mild",
        Outlier::HighSevere => "high, severe",
    },
    smallest: "Smallest slowdown a comparison could have seen",
    at_least: |share| format!("at least {share}"),
    smallest_unknown: |repetitions| {
        format!(
            "unknown: it takes six repetitions and times above zero, and there {}",
            if repetitions == 1 { "is 1".to_owned() } else { format!("are {}", en::count(repetitions)) }
        )
    },
    smallest_rule: "in TPOT, with 90\u{a0}% power, against an equally noisy run of as many starts",
    bound_rule: "in TPOT, with 90\u{a0}% power, from the noise within starts alone: with fewer than three, the spread between \
                 them is not known, so this is a lower bound",
    rule: "Rules and worked examples:",
    start: |start| format!("start {start}"),
    start_column: "Process start",
    outlier_role: |class| format!("measured, outlier ({class})"),
    outlier_legend: "Diamond: outlier among these values; it counts all the same.",
    starts_legend: "Upright line: the program was started anew.",
    outliers_desc: |list| format!("Outliers: {list}."),
};

/// French.
pub(super) const FR: NoiseWords = NoiseWords {
    summary: |smallest| {
        format!(
            "Bruit\u{a0}: le plus petit ralentissement qu’une comparaison aurait pu voir\u{a0}: {smallest}"
        )
    },
    not_stated: "Bruit\u{a0}: non indiqué par cette méthode.",
    table: |case| format!("Bruit\u{a0}: {case}"),
    columns: ["Grandeur", "Valeur", "Ce que c’est"],
    deviation: |figure| format!("Dispersion du {figure}\u{a0}: écart absolu médian, normalisé"),
    deviation_rule: "1,4826 fois la distance médiane à la médiane\u{a0}: l’écart type là où le bruit est normal",
    of_median: |amount, share| format!("{amount}, {share} de la médiane"),
    quartiles: |figure| format!("Dispersion du {figure}\u{a0}: quartiles"),
    quartiles_rule: "la moitié des répétitions se trouve entre les deux",
    starts: "Démarrages du programme",
    starts_of: |starts, asked| {
        if starts < asked {
            format!("{}, pour {} demandés", fr::count(starts), fr::count(asked))
        } else {
            fr::count(starts)
        }
    },
    starts_rule: "les démarrages distincts dont viennent les répétitions",
    between: "Dispersion entre démarrages",
    one_start: "un seul démarrage\u{a0}: inconnue",
    between_rule: "écart type des TPOT médians des démarrages, sur leur moyenne",
    outliers: "Valeurs atypiques du TPOT",
    no_outliers: "aucune",
    outliers_rule: "bornes de Tukey\u{a0}: modérée au-delà de 1,5, extrême au-delà de 3 écarts interquartiles hors des quartiles. \
                    Montrées, jamais retirées",
    class: |class| match class {
        Outlier::LowSevere => "basse, extrême",
        Outlier::LowMild => "basse, modérée",
        Outlier::HighMild => "haute, modérée",
        Outlier::HighSevere => "haute, extrême",
    },
    smallest: "Plus petit ralentissement qu’une comparaison aurait pu voir",
    at_least: |share| format!("au moins {share}"),
    smallest_unknown: |repetitions| {
        let have = fr::counted(repetitions, "répétition", "répétitions");
        format!("inconnu\u{a0}: il faut six répétitions et des temps non nuls, et il y a {have}")
    },
    smallest_rule: "sur le TPOT, avec une puissance de 90\u{a0}%, face à une mesure aussi bruitée, d’autant de démarrages",
    bound_rule: "sur le TPOT, avec une puissance de 90\u{a0}%, d’après le seul bruit au sein des démarrages\u{a0}: à moins de trois, \
                 la dispersion entre eux n’est pas connue\u{202f}; c’est donc une borne inférieure",
    rule: "Règles et exemples calculés (en anglais)\u{a0}:",
    start: |start| format!("démarrage\u{a0}{start}"),
    start_column: "Démarrage",
    outlier_role: |class| format!("mesurée, atypique ({class})"),
    outlier_legend: "Losange\u{a0}: valeur atypique parmi celles-ci\u{202f}; elle compte malgré tout.",
    starts_legend: "Trait vertical\u{a0}: le programme a redémarré.",
    outliers_desc: |list| format!("Valeurs atypiques\u{a0}: {list}."),
};
