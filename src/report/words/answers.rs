//! What a model wrote, in both languages side by side.

use super::{en, fr};

/// Around the words of a model.
#[derive(Debug)]
pub(crate) struct AnswersWords {
    pub(crate) heading: &'static str,
    pub(crate) intro: fn(limit: u64) -> String,
    pub(crate) random: &'static str,
    pub(crate) none: &'static str,
    pub(crate) left_out: &'static str,
    pub(crate) thinking: fn(tokens: u64) -> String,
    pub(crate) prompt: fn(tokens: u64) -> String,
    pub(crate) thought: fn(thinking: u64, answer: u64) -> String,
    pub(crate) wrote: fn(tokens: u64) -> String,
    pub(crate) stop: &'static str,
    pub(crate) length: &'static str,
    pub(crate) times: fn(first: &str, whole: &str) -> String,
    pub(crate) times_with_thinking: fn(first: &str, answer: &str, whole: &str) -> String,
    pub(crate) still_thinking: &'static str,
    pub(crate) empty: &'static str,
    pub(crate) not_asked: &'static str,
    pub(crate) other_case: &'static str,
    pub(crate) budget: fn(needed: &str, left: &str) -> String,
    pub(crate) memory: fn(needed: &str, free: &str) -> String,
}

/// English.
pub(super) const EN: AnswersWords = AnswersWords {
    heading: "What it wrote",
    intro: |limit| {
        let limit = en::counted(limit, "token", "tokens");
        format!(
            "Each prompt was answered once, alone, after everything that was measured: the most likely token every time, and \
             at most {limit}. Its times enter no figure, and a time seen once has no interval. The words are the model's; \
             nobody checked them."
        )
    },
    random: "Nothing that it wrote is shown: its weights are random, and so are its words.",
    none: "It was not asked anything.",
    left_out: "Why not everything was asked:",
    thinking: |tokens| format!("Its thinking, {}", en::counted(tokens, "token", "tokens")),
    prompt: |tokens| format!("Prompt: {}.", en::counted(tokens, "token", "tokens")),
    thought: |thinking, answer| {
        let thinking = en::counted(thinking, "token", "tokens");
        format!("It thought for {thinking} and answered in {}.", en::count(answer))
    },
    wrote: |tokens| format!("It answered in {}.", en::counted(tokens, "token", "tokens")),
    stop: "It ended by itself.",
    length: "It was cut off at the limit.",
    times: |first, whole| format!("First token after {first}, last after {whole}."),
    times_with_thinking: |first, answer, whole| {
        format!("First token after {first}, first token of the answer after {answer}, last after {whole}.")
    },
    still_thinking: "No answer: the output ended before its thinking did.",
    empty: "No answer: nothing visible came.",
    not_asked: "the run was to do without.",
    other_case: "another case of the same weights has the answers.",
    budget: |needed, left| {
        format!("the next one may take {needed}, and {left} of the time budget were left.")
    },
    memory: |needed, free| format!("the longest takes {needed} of memory, and {free} were free."),
};

/// French.
pub(super) const FR: AnswersWords = AnswersWords {
    heading: "Ce qu’il a écrit",
    intro: |limit| {
        let limit = fr::counted(limit, "token", "tokens");
        format!(
            "Chaque question a été posée une fois, seule, après toutes les mesures\u{a0}: à chaque pas le token le plus \
             probable, et {limit} au plus. Ces temps n’entrent dans aucun chiffre, et un temps relevé une seule fois n’a pas \
             d’intervalle. Les mots sont ceux du modèle\u{202f}; personne ne les a vérifiés."
        )
    },
    random: "Rien de ce qu’il a écrit n’est montré\u{a0}: ses poids sont tirés au hasard, et ses mots aussi.",
    none: "Aucune question ne lui a été posée.",
    left_out: "Pourquoi tout n’a pas été demandé\u{a0}:",
    thinking: |tokens| format!("Sa réflexion, {}", fr::counted(tokens, "token", "tokens")),
    prompt: |tokens| format!("Question\u{a0}: {}.", fr::counted(tokens, "token", "tokens")),
    thought: |thinking, answer| {
        let thinking = fr::counted(thinking, "token", "tokens");
        format!("Il a réfléchi pendant {thinking} et répondu en {}.", fr::count(answer))
    },
    wrote: |tokens| format!("Il a répondu en {}.", fr::counted(tokens, "token", "tokens")),
    stop: "Il s’est arrêté de lui-même.",
    length: "Il a été coupé à la limite.",
    times: |first, whole| format!("Premier token après {first}, dernier après {whole}."),
    times_with_thinking: |first, answer, whole| {
        format!(
            "Premier token après {first}, premier token de la réponse après {answer}, dernier après {whole}."
        )
    },
    still_thinking: "Pas de réponse\u{a0}: le texte s’est arrêté avant la fin de la réflexion.",
    empty: "Pas de réponse\u{a0}: rien de visible n’est venu.",
    not_asked: "la mesure devait s’en passer.",
    other_case: "un autre cas des mêmes poids porte les réponses.",
    budget: |needed, left| {
        format!("la suivante peut demander {needed}, et il restait {left} du temps accordé.")
    },
    memory: |needed, free| format!("la plus longue demande {needed} de mémoire, et {free} étaient libres."),
};
