//! What else happened while it was measured, in both languages side by side.

use super::{en, fr};

/// The conditions of a case.
#[derive(Debug)]
pub(crate) struct ConditionWords {
    pub(crate) summary: fn(steal: &str, foreign: &str, unknown: u64, all: u64) -> String,
    pub(crate) table: fn(case: &str) -> String,
    pub(crate) columns: [&'static str; 3],
    pub(crate) unknown: &'static str,
    pub(crate) lacking: fn(lacking: u64, all: u64) -> String,
    pub(crate) of_processors: fn(amount: &str, share: &str) -> String,
    pub(crate) of_time: fn(amount: &str, share: &str) -> String,
    pub(crate) times: fn(u64) -> String,
    pub(crate) steal: [&'static str; 2],
    pub(crate) foreign: [&'static str; 2],
    pub(crate) swapped: [&'static str; 2],
    pub(crate) memory: [&'static str; 2],
    pub(crate) quota: [&'static str; 2],
    pub(crate) thermal: [&'static str; 2],
    pub(crate) suspended: [&'static str; 2],
    pub(crate) battery: [&'static str; 2],
    pub(crate) on_battery: fn(repetitions: u64, all: u64) -> String,
    pub(crate) on_battery_at_least: fn(repetitions: u64, all: u64) -> String,
    pub(crate) not_on_battery: &'static str,
    pub(crate) clock: [&'static str; 2],
    pub(crate) limits: [&'static str; 2],
    pub(crate) processors: fn(&str) -> String,
    pub(crate) of_memory: fn(&str) -> String,
    pub(crate) no_limit: &'static str,
    pub(crate) governor: [&'static str; 2],
}

/// English.
pub(super) const EN: ConditionWords = ConditionWords {
    summary: |steal, foreign, unknown, all| {
        let unknown = match unknown {
            0 => String::new(),
            _ => format!("; {} of {} conditions unknown", en::count(unknown), en::count(all)),
        };
        format!(
            "Conditions while it was measured: processor time stolen {steal}, taken by other programs {foreign}{unknown}"
        )
    },
    table: |case| format!("Conditions of {case}"),
    columns: ["Condition", "Over the measured repetitions", "What it is"],
    unknown: "unknown",
    lacking: |lacking, all| {
        if lacking == all {
            "unknown: the system does not tell".to_owned()
        } else {
            let all = en::counted(all, "repetition", "repetitions");
            format!("unknown: not told for {} of {all}", en::count(lacking))
        }
    },
    of_processors: |amount, share| format!("{amount}, {share} of the processors' time"),
    of_time: |amount, share| format!("{amount}, {share} of the time"),
    times: |times| match times {
        0 => "never".to_owned(),
        _ => en::counted(times, "time", "times"),
    },
    steal: ["Steal", "processor time that a hypervisor gave to others while it was wanted here"],
    foreign: ["Other programs", "processor time of all other processes and of the kernel's own work"],
    swapped: ["Swap", "memory moved to or from swap, by any program"],
    memory: ["Waiting for memory", "time in which at least one program waited for memory"],
    quota: ["Held back by a quota", "time a control group's limit held processors back, over all processors"],
    thermal: ["Slowed by heat", "how often a processor was slowed because of its heat"],
    suspended: ["Suspended", "time the whole machine slept"],
    battery: ["On battery", "whether a battery was being drained"],
    on_battery: |repetitions, all| {
        format!("yes, in {} of {}", en::count(repetitions), en::counted(all, "repetition", "repetitions"))
    },
    on_battery_at_least: |repetitions, all| {
        format!(
            "yes, in at least {} of {}",
            en::count(repetitions),
            en::counted(all, "repetition", "repetitions")
        )
    },
    not_on_battery: "no",
    clock: ["Step of the clock", "the smallest step the clock was seen to make: an upper bound"],
    limits: ["Limits of the container", "the tightest of all control groups around the program"],
    processors: |processors| format!("{processors} processors"),
    of_memory: |bytes| format!("{bytes} of memory"),
    no_limit: "none found",
    governor: ["Frequency governor", "of the first processor"],
};

/// French.
pub(super) const FR: ConditionWords = ConditionWords {
    summary: |steal, foreign, unknown, all| {
        let unknown = if unknown == 0 {
            String::new()
        } else {
            let unknown = fr::counted(unknown, "condition inconnue", "conditions inconnues");
            format!("\u{202f}; {unknown} sur {}", fr::count(all))
        };
        format!(
            "Conditions pendant la mesure\u{a0}: temps de processeur volé\u{a0}: {steal}, pris par d’autres \
             programmes\u{a0}: {foreign}{unknown}"
        )
    },
    table: |case| format!("Conditions de la mesure\u{a0}: {case}"),
    columns: ["Condition", "Pendant les répétitions mesurées", "Ce que c’est"],
    unknown: "inconnu",
    lacking: |lacking, all| {
        if lacking == all {
            "inconnu\u{a0}: le système ne l’indique pas".to_owned()
        } else {
            let all = fr::counted(all, "répétition", "répétitions");
            format!("inconnu\u{a0}: pas indiqué pour {} sur {all}", fr::count(lacking))
        }
    },
    of_processors: |amount, share| format!("{amount}, soit {share} du temps des processeurs"),
    of_time: |amount, share| format!("{amount}, soit {share} du temps"),
    times: |times| match times {
        0 => "jamais".to_owned(),
        _ => format!("{}\u{a0}fois", fr::count(times)),
    },
    steal: [
        "Temps volé",
        "le temps de processeur que l’hyperviseur a donné à d’autres alors qu’on en voulait ici",
    ],
    foreign: [
        "Autres programmes",
        "le temps de processeur de tous les autres processus et du noyau lui-même",
    ],
    swapped: [
        "Mémoire d’échange",
        "ce qui est passé de la mémoire au disque ou en est revenu, pour tout programme",
    ],
    memory: ["Attente de mémoire", "le temps où au moins un programme attendait de la mémoire"],
    quota: [
        "Retenu par un quota",
        "le temps où la limite d’un groupe de contrôle a retenu des processeurs, sur tous les processeurs",
    ],
    thermal: ["Ralenti par la chaleur", "combien de fois un processeur a été ralenti parce qu’il chauffait"],
    suspended: ["Mise en veille", "le temps où toute la machine dormait"],
    battery: ["Sur batterie", "si une batterie se vidait"],
    on_battery: |repetitions, all| {
        format!(
            "oui, {}\u{a0}fois sur {}",
            fr::count(repetitions),
            fr::counted(all, "répétition", "répétitions")
        )
    },
    on_battery_at_least: |repetitions, all| {
        let all = fr::counted(all, "répétition", "répétitions");
        format!("oui, au moins {}\u{a0}fois sur {all}", fr::count(repetitions))
    },
    not_on_battery: "non",
    clock: [
        "Pas de l’horloge",
        "le plus petit pas qu’on ait vu faire à l’horloge\u{a0}: une borne supérieure",
    ],
    limits: ["Limites du conteneur", "les plus strictes des groupes de contrôle qui entourent le programme"],
    processors: |processors| format!("{processors}\u{a0}processeurs"),
    of_memory: |bytes| format!("{bytes} de mémoire"),
    no_limit: "aucune trouvée",
    governor: ["Gouverneur de fréquence", "celui du premier processeur"],
};
