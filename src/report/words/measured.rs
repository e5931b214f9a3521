//! What was measured, in both languages side by side: figures, samples, failures, flags.

use super::{FigureWords, MeasuredWords, en, fr};
use crate::measurement::{EngineGap, Severity, Stage};
use crate::stats::IntervalMethod;

/// English.
pub(super) const EN: MeasuredWords = MeasuredWords {
    heading: "What was measured",
    sub: "Bars start at zero. Whiskers are intervals for the noise between repetitions on this machine, nothing else.",
    nothing: "No case was measured; see the failed or skipped cases.",
    workload: |workload| workload.title.clone(),
    decode_title: "Generation speed, tokens per second",
    prefill_title: "Reading the prompt, tokens per second",
    higher: "Higher is better.",
    lower: "Lower is better.",
    case_facts: |workload| {
        let context = match workload.context_depth {
            0 => "no context".to_owned(),
            depth => format!("{} of context", en::counted(depth, "token", "tokens")),
        };
        let [prompt, output] = [workload.prompt_tokens, workload.output_tokens].map(en::count);
        let batch = (en::VERDICT.batch)(workload.batch);
        format!("{prompt} prompt tokens, {output} output tokens, {batch}, {context} before the prompt.")
    },
    repetitions: |measured, warm_up| {
        let measured = en::counted(measured, "measured repetition", "measured repetitions");
        format!("{measured} after {} for warm-up.", en::count(warm_up))
    },
    engine: |engine, version, device| format!("Engine {engine} {version} on {device}."),
    cpu: |threads| format!("CPU, {}", en::counted(threads, "thread", "threads")),
    decode_samples: "Every repetition: generation speed",
    first_samples: "Every repetition: time to first token",
    samples_axis: "repetition, in the order they ran",
    samples_caption: "Line: median. Band: its interval. Hollow: warm-up, enters no figure. Mind the axis: it need not \
                      start at zero.",
    samples_desc: |median, interval, values| format!("Median {median}, {interval}. In order: {values}."),
    repetition: "Repetition",
    role: "Role",
    warm_up: "warm-up",
    entered: "measured",
    table: |case| format!("All figures of {case}"),
    columns: ["Figure", "Value", "Interval", "Coverage", "Method", "n"],
    figures: FigureWords {
        prefill: "Prefill speed",
        decode: "Generation speed",
        first_token: "Time to first token (TTFT)",
        per_token: "Time per output token (TPOT)",
        inter_p50: "Time between tokens, median",
        inter_p95: "Time between tokens, 95th percentile",
        inter_p99: "Time between tokens, 99th percentile",
        end_to_end: "Whole request",
        load: "Loading the model",
        memory: "Peak memory",
    },
    method: |method| match method {
        IntervalMethod::ClusterBootstrap => "cluster bootstrap",
        IntervalMethod::OrderStatistics => "order statistics",
    },
    no_memory: "not measured: the system did not tell it for every repetition",
    none: "none",
    case: "Case",
    value: "Value",
    failed_heading: "Cases that failed or were skipped",
    failed_columns: ["Case", "Stage", "Reason", "Kept"],
    stage: |stage| match stage {
        Stage::Prepare => "preparing the checkpoint",
        Stage::Load => "loading",
        Stage::Gate => "comparing with the plain computation",
        Stage::Generate => "generating",
        Stage::Interrupted => "interrupted",
        Stage::NotStarted => "not begun",
    },
    kept: |repetitions| match repetitions {
        0 => "nothing".to_owned(),
        _ => format!("{}, in run.json", en::counted(repetitions, "repetition", "repetitions")),
    },
    skipped: "skipped",
    skip_engine: EngineGap::reason,
    skip_memory: |needed, free| {
        format!(
            "Needs about {needed} of memory, and {free} were free. Close other programs or take a larger machine."
        )
    },
    skip_limit: |needed, limit| {
        format!(
            "Needs about {needed}, and a suite allows this workload {limit}. Name the workload to measure it all the same."
        )
    },
    skip_budget: |needed, left| {
        format!(
            "Needs about {needed} at least, and {left} of the time budget were left. Give a larger budget."
        )
    },
    no_percentile: |have, need| format!("too few times: {have}, and {need} are needed"),
    not_stated: "not stated by this method",
    no_figures: "The samples give no figures: a repetition or the loading time is missing.",
    flags_heading: "Before you trust these figures",
    severity: |severity| match severity {
        Severity::Note => "Note",
        Severity::Warning => "Warning",
        Severity::Untrustworthy => "Do not trust",
    },
};

/// Names of the workloads of `workloads.toml`.
const WORKLOADS: [(&str, &str); 16] = [
    ("short-chat", "échange court"),
    ("long-chat", "suite d’un long échange"),
    ("summarise", "résumé d’un long document"),
    ("write-code", "écriture de code"),
    ("reason", "raisonnement long"),
    ("depth-0", "génération sans contexte"),
    ("depth-1k", "génération après 1\u{202f}024 tokens"),
    ("depth-4k", "génération après 4\u{202f}096 tokens"),
    ("depth-16k", "génération après 16\u{202f}384 tokens"),
    ("batch-1", "1 séquence à la fois"),
    ("batch-2", "2 séquences à la fois"),
    ("batch-4", "4 séquences à la fois"),
    ("batch-8", "8 séquences à la fois"),
    ("batch-16", "16 séquences à la fois"),
    ("batch-32", "32 séquences à la fois"),
    ("batch-64", "64 séquences à la fois"),
];

/// French.
pub(super) const FR: MeasuredWords = MeasuredWords {
    heading: "Ce qui a été mesuré",
    sub: "Les barres partent de zéro. Les moustaches sont des intervalles pour la seule variation d’une répétition à \
          l’autre sur cette machine.",
    nothing: "Aucun cas n’a été mesuré\u{202f}; voir les cas en échec ou écartés.",
    workload: |workload| {
        let named = WORKLOADS.iter().find(|(id, _)| *id == workload.id);
        // Without a French name it is described by its lengths, never by its English title.
        named.map_or_else(
            || {
                let [read, written] = [workload.prompt_tokens, workload.output_tokens].map(fr::count);
                format!("{read}\u{a0}tokens lus, {written}\u{a0}produits")
            },
            |(_, name)| (*name).to_owned(),
        )
    },
    decode_title: "Vitesse de génération, tokens par seconde",
    prefill_title: "Lecture de la requête, tokens par seconde",
    higher: "Plus haut = mieux.",
    lower: "Plus bas = mieux.",
    case_facts: |workload| {
        let context = match workload.context_depth {
            0 => "sans contexte préalable".to_owned(),
            depth => format!("après {} de contexte", fr::counted(depth, "token", "tokens")),
        };
        let [read, written] = [workload.prompt_tokens, workload.output_tokens].map(fr::count);
        let batch = (fr::VERDICT.batch)(workload.batch);
        format!("{read}\u{a0}tokens lus, {written}\u{a0}tokens produits, {batch}, {context}.")
    },
    repetitions: |measured, warm_up| {
        let measured = fr::counted(measured, "répétition mesurée", "répétitions mesurées");
        format!("{measured} après {} d’échauffement.", fr::count(warm_up))
    },
    engine: |engine, version, device| format!("Moteur {engine} {version}, sur {device}."),
    cpu: |threads| format!("processeur, {}", fr::counted(threads, "fil d’exécution", "fils d’exécution")),
    decode_samples: "Chaque répétition\u{a0}: vitesse de génération",
    first_samples: "Chaque répétition\u{a0}: délai du premier token",
    samples_axis: "répétitions, dans l’ordre d’exécution",
    samples_caption: "Trait\u{a0}: médiane. Bande\u{a0}: son intervalle. Point creux\u{a0}: échauffement, n’entre dans aucun chiffre. \
                      Attention à l’axe\u{a0}: il ne part pas forcément de zéro.",
    samples_desc: |median, interval, values| {
        format!("Médiane {median}, {interval}. Dans l’ordre\u{a0}: {values}.")
    },
    repetition: "Répétition",
    role: "Rôle",
    warm_up: "échauffement",
    entered: "mesurée",
    table: |case| format!("Tous les chiffres\u{a0}: {case}"),
    columns: ["Grandeur", "Valeur", "Intervalle", "Couverture", "Méthode", "n"],
    figures: FigureWords {
        prefill: "Vitesse de lecture (prefill)",
        decode: "Vitesse de génération (decode)",
        first_token: "Délai du premier token (TTFT)",
        per_token: "Temps par token produit (TPOT)",
        inter_p50: "Temps entre deux tokens, médiane",
        inter_p95: "Temps entre deux tokens, 95e\u{a0}centile",
        inter_p99: "Temps entre deux tokens, 99e\u{a0}centile",
        end_to_end: "Requête entière",
        load: "Chargement du modèle",
        memory: "Pic de mémoire",
    },
    method: |method| match method {
        IntervalMethod::ClusterBootstrap => "bootstrap par grappes",
        IntervalMethod::OrderStatistics => "statistiques d’ordre",
    },
    no_memory: "non mesuré\u{a0}: le système ne l’a pas indiqué pour chaque répétition",
    none: "néant",
    case: "Cas",
    value: "Valeur",
    failed_heading: "Cas en échec ou écartés",
    failed_columns: ["Cas", "Étape", "Raison", "Conservé"],
    stage: |stage| match stage {
        Stage::Prepare => "préparation du fichier du modèle",
        Stage::Load => "chargement",
        Stage::Gate => "comparaison au calcul de référence",
        Stage::Generate => "génération",
        Stage::Interrupted => "interruption",
        Stage::NotStarted => "pas commencé",
    },
    kept: |repetitions| match repetitions {
        0 => "rien".to_owned(),
        _ => format!("{}, dans run.json", fr::counted(repetitions, "répétition", "répétitions")),
    },
    skipped: "écarté",
    skip_engine: |gap| match gap {
        EngineGap::Architecture => "le moteur n’a pas de code pour les fichiers de cette architecture",
        EngineGap::HeadSize => {
            "le moteur prend la largeur du modèle divisée par le nombre de têtes pour largeur d’une tête, et celles de ce \
             modèle en ont une autre"
        }
        EngineGap::RopeScaling => {
            "le moteur omet la mise à l’échelle des angles rotatifs de ce modèle, à toutes les positions et sans le dire"
        }
        EngineGap::QueryKeyNorm => {
            "le moteur n’a pas de code pour les normes des têtes de requêtes et de clés avec des angles rotatifs assez précis"
        }
        EngineGap::LatentAttention => "le moteur n’a pas d’attention latente pour des poids quantifiés",
        EngineGap::Experts => {
            "le moteur ne sait pas lire des experts empilés dans un seul tenseur, comme les fichiers d’aujourd’hui"
        }
        EngineGap::Context => {
            "le moteur n’a d’angles rotatifs que pour 4\u{202f}096\u{a0}positions, et cette tâche en demande davantage"
        }
        EngineGap::SlidingWindow => {
            "le moteur n’a pas de fenêtre d’attention, et cette tâche est plus longue que celle du modèle"
        }
        EngineGap::Batch => {
            "le moteur échoue sur des questions de plus d’un token pour plusieurs séquences à la fois"
        }
    },
    skip_memory: |needed, free| {
        format!(
            "Demande environ {needed} de mémoire, et {free} étaient libres. Fermez d’autres programmes ou prenez une \
             machine plus grande."
        )
    },
    skip_limit: |needed, limit| {
        format!(
            "Demande environ {needed}, et une série complète accorde {limit} à cette tâche. Nommez la tâche pour la mesurer \
             malgré tout."
        )
    },
    skip_budget: |needed, left| {
        format!(
            "Demande au moins {needed} environ, et il restait {left} du temps accordé. Accordez davantage de temps."
        )
    },
    no_percentile: |have, need| {
        format!("trop peu de temps mesurés\u{a0}: {}, il en faut {}", fr::count(have), fr::count(need))
    },
    not_stated: "non indiqué par cette méthode",
    no_figures: "Les échantillons ne donnent aucun chiffre\u{a0}: il manque une répétition ou le temps de chargement.",
    flags_heading: "Avant de vous fier à ces chiffres",
    severity: |severity| match severity {
        Severity::Note => "Remarque",
        Severity::Warning => "Attention",
        Severity::Untrustworthy => "Ne pas s’y fier",
    },
};
