//! The words of the cited speeds. Both languages side by side.

use super::super::speed_view::SpeedVerdict;
use super::{en, fr};

/// The table of cited speeds.
#[derive(Debug)]
pub(crate) struct SpeedWords {
    pub(crate) heading: &'static str,
    pub(crate) sub: &'static str,
    pub(crate) columns: [&'static str; 6],
    pub(crate) sequences: fn(Option<u64>) -> String,
    pub(crate) not_worked_out: &'static str,
    pub(crate) verdict: fn(SpeedVerdict) -> &'static str,
    pub(crate) reason: fn(SpeedVerdict, sequences: Option<u64>) -> &'static str,
    pub(crate) after: &'static str,
}

pub(super) const EN: SpeedWords = SpeedWords {
    heading: "Cited speeds against the card's bandwidth",
    sub: "To write a token, the weights must be read from the card's memory once. A speed that needs more bytes a second \
          than the memory gives cannot be right for one sequence without speculation. A speed that passes is possible, \
          not proven.",
    columns: ["Speed", "A step reads", "It needs", "The card gives", "Share", "What follows"],
    sequences: |count| match count {
        None => "number of sequences not stated".to_owned(),
        Some(1) => "one sequence".to_owned(),
        Some(count) => format!("{} at once", en::counted(count, "sequence", "sequences")),
    },
    not_worked_out: "not worked out",
    verdict: |verdict| match verdict {
        SpeedVerdict::Plausible => "Plausible",
        SpeedVerdict::Implausible => "Implausible",
        SpeedVerdict::SequencesNotStated | SpeedVerdict::SpeculationUsed | SpeedVerdict::OutOfRange => {
            "Not judged"
        }
    },
    reason: |verdict, sequences| match (verdict, sequences) {
        (SpeedVerdict::Plausible, _) => "within the card's bandwidth, with 5\u{a0}% allowed for rounding",
        (SpeedVerdict::Implausible, None | Some(1)) => {
            "above the card's bandwidth for one sequence without speculation"
        }
        (SpeedVerdict::Implausible, Some(_)) => {
            "above the card's bandwidth for sequences that share each step, without speculation"
        }
        (SpeedVerdict::SequencesNotStated, _) => {
            "the source does not say for how many sequences the speed holds"
        }
        (SpeedVerdict::SpeculationUsed, _) => "several tokens were guessed and checked in one step",
        (SpeedVerdict::OutOfRange, _) => "its amounts cannot be set in proportion",
    },
    after: "The cache of keys and values is left out, so each speed needs a little more than is written here.",
};

pub(super) const FR: SpeedWords = SpeedWords {
    heading: "Vitesses citées face à la bande passante de la carte",
    sub: "Pour écrire un token (jeton), il faut lire une fois les poids dans la mémoire de la carte. Une vitesse qui demande \
          plus d’octets par seconde que la mémoire n’en donne ne peut pas être juste, pour une seule séquence et sans \
          spéculation. Une vitesse qui passe est possible, pas prouvée.",
    columns: ["Vitesse", "Une étape lit", "Il lui faut", "La carte donne", "Part", "Ce qui en suit"],
    sequences: |count| match count {
        None => "nombre de séquences non indiqué".to_owned(),
        Some(1) => "une séquence".to_owned(),
        Some(count) => format!("{} à la fois", fr::counted(count, "séquence", "séquences")),
    },
    not_worked_out: "pas calculé",
    verdict: |verdict| match verdict {
        SpeedVerdict::Plausible => "Plausible",
        SpeedVerdict::Implausible => "Invraisemblable",
        SpeedVerdict::SequencesNotStated | SpeedVerdict::SpeculationUsed | SpeedVerdict::OutOfRange => {
            "Non jugée"
        }
    },
    reason: |verdict, sequences| match (verdict, sequences) {
        (SpeedVerdict::Plausible, _) => {
            "dans la bande passante de la carte, avec 5\u{a0}% de tolérance pour les arrondis"
        }
        (SpeedVerdict::Implausible, None | Some(1)) => {
            "au-dessus de la bande passante de la carte, pour une seule séquence sans spéculation"
        }
        (SpeedVerdict::Implausible, Some(_)) => {
            "au-dessus de la bande passante de la carte, pour des séquences qui partagent chaque étape, sans spéculation"
        }
        (SpeedVerdict::SequencesNotStated, _) => {
            "la source ne dit pas pour combien de séquences vaut la vitesse"
        }
        (SpeedVerdict::SpeculationUsed, _) => "plusieurs tokens ont été devinés puis vérifiés en une étape",
        (SpeedVerdict::OutOfRange, _) => "ses montants ne peuvent être mis en proportion",
    },
    after: "Le cache des clés et des valeurs n’est pas compté\u{a0}: il faut à chaque vitesse un peu plus que ce qui est écrit ici.",
};
