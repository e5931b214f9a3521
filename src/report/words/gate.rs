//! The comparison with the plain computation, in both languages side by side.

use super::{en, fr};

/// What the gate gave.
#[derive(Debug)]
pub(crate) struct GateWords {
    pub(crate) passed: fn(positions: u64, distance: &str, limit: &str, same: u64) -> String,
    pub(crate) too_far: fn(positions: u64, distance: &str, limit: &str) -> String,
    pub(crate) not_finite: &'static str,
    pub(crate) not_checked: fn(reason: &str) -> String,
    pub(crate) memory: fn(needed: &str, free: &str) -> String,
    pub(crate) budget: fn(needed: &str, left: &str) -> String,
    pub(crate) engine: &'static str,
    pub(crate) before: &'static str,
    pub(crate) column: &'static str,
    pub(crate) yes: fn(distance: &str) -> String,
    pub(crate) no: &'static str,
}

/// English.
pub(super) const EN: GateWords = GateWords {
    passed: |positions, distance, limit, same| {
        let compared = en::counted(positions, "position", "positions");
        let [same, all] = [same, positions].map(en::count);
        format!(
            "Checked: on {compared} its logits are within {distance} of the plain computation's (limit {limit}); the most \
             likely token is the same at {same} of {all}."
        )
    },
    too_far: |positions, distance, limit| {
        let compared = en::counted(positions, "position", "positions");
        format!(
            "On {compared} its logits are {distance} away from the plain computation's, and rounding explains at most \
             {limit}. Nothing was measured: try another device or engine, or fetch the file again."
        )
    },
    not_finite: "Its logits, or their distance from the plain computation's, are no finite numbers. Nothing was measured: try \
                 another device or engine, or fetch the file again.",
    not_checked: |reason| format!("Not checked: {reason}."),
    memory: |needed, free| {
        format!("the plain computation needs about {needed} of memory, and {free} were free")
    },
    budget: |needed, left| {
        format!("the plain computation needs about {needed}, and {left} of the time budget were left")
    },
    engine: "this engine has no logits to show",
    before: "measured before there was such a check",
    column: "Checked",
    yes: |distance| format!("yes, within {distance}"),
    no: "no",
};

/// French.
pub(super) const FR: GateWords = GateWords {
    passed: |positions, distance, limit, same| {
        let compared = fr::counted(positions, "position", "positions");
        let same = fr::counted(same, "position", "positions");
        let all = fr::count(positions);
        format!(
            "Vérifié\u{a0}: sur {compared}, ses logits s’écartent de {distance} de ceux du calcul de référence (limite \
             {limit})\u{202f}; le token le plus probable est le même à {same} sur {all}."
        )
    },
    too_far: |positions, distance, limit| {
        let compared = fr::counted(positions, "position", "positions");
        format!(
            "Sur {compared}, ses logits s’écartent de {distance} de ceux du calcul de référence, et l’arrondi explique au \
             plus {limit}. Rien n’a été mesuré\u{a0}: essayez un autre appareil ou un autre moteur, ou téléchargez à nouveau \
             le fichier."
        )
    },
    not_finite: "Ses logits, ou leur écart à ceux du calcul de référence, ne sont pas des nombres finis. Rien n’a été \
                 mesuré\u{a0}: essayez un autre appareil ou un autre moteur, ou téléchargez à nouveau le fichier.",
    not_checked: |reason| format!("Non vérifié\u{a0}: {reason}."),
    memory: |needed, free| {
        format!("le calcul de référence demande environ {needed} de mémoire, et {free} étaient libres")
    },
    budget: |needed, left| {
        format!("le calcul de référence demande environ {needed}, et il restait {left} du temps accordé")
    },
    engine: "ce moteur n’a pas de logits à montrer",
    before: "mesuré avant que cette vérification n’existe",
    column: "Vérifié",
    yes: |distance| format!("oui, à {distance} près"),
    no: "non",
};
