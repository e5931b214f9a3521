//! The pages in French, in the order of `en.rs`.
//!
//! Spaces that must not break stand as escapes: U+00A0 before a colon, a per cent sign, a unit and inside guillemets,
//! U+202F before other double punctuation and between thousands. `typography_laws.rs` checks the pages for them.

use super::{
    CostWords, EnergyWords, IndexWords, LimitWords, NoticeWords, PageWords, ProvenanceWords, ScaleWords,
    VerdictWords, Words, answers, claims, conditions, engines, gate, measured, noise, numerals, roofline,
    speeds,
};
use crate::language::Language;
use crate::measurement::{Boundary, EnergyScope};
use crate::stats::NoInterval;

/// French.
pub(crate) static FR: Words = Words {
    language: Language::French,
    name: "Français",
    short_name: "FR",
    numerals: numerals::FR,
    page: PAGE,
    notice: NOTICE,
    verdict: VERDICT,
    scale: SCALE,
    cost: COST,
    measured: measured::FR,
    engines: engines::FR,
    noise: noise::FR,
    conditions: conditions::FR,
    roofline: roofline::FR,
    gate: gate::FR,
    answers: answers::FR,
    energy: ENERGY,
    claims: claims::FR,
    speeds: speeds::FR,
    limits: LIMITS,
    provenance: PROVENANCE,
    index: INDEX,
};

/// `1 280`.
pub(super) fn count(count: u64) -> String {
    numerals::FR.count(count)
}

/// `1 token`, `1 280 tokens`: the plural begins at two.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{}\u{a0}{}", count(number), if number < 2 { one } else { many })
}

const PAGE: PageWords = PageWords {
    brand: "Rapports claimbench",
    title: |date| format!("Ce que coûte ici un million de tokens\u{a0}: mesure du {date}"),
    description: "L’inférence locale d’un LLM mesurée sur une machine, en regard des coûts annoncés publiquement.",
    skip: "Aller au rapport",
    nav: "Rubriques",
    languages: "Langues",
    run_of: |date| format!("Mesure du {date}"),
    show_table: "Afficher ce graphique en tableau",
    chart_source: |run| format!("Source\u{a0}: mesure {run}, fichier run.json joint à cette page."),
    nav_cost: "Coût",
    nav_measured: "Mesures",
    nav_energy: "Énergie",
    nav_claims: "Affirmations",
    nav_data: "Données",
};

const NOTICE: NoticeWords = NoticeWords {
    label: "Avertissement",
    synthetic: "Poids synthétiques\u{a0}: des nombres tirés au hasard, dans la forme exacte du modèle. Valables pour la \
                vitesse et la mémoire\u{202f}; le texte produit n’a aucun sens.",
    test_shape: "Forme de test\u{a0}: un modèle minuscule qui ne sert qu’à éprouver l’outil. Rien ici ne décrit un vrai \
                 modèle.",
    debug_build: "Programme compilé sans optimisation\u{a0}: ces vitesses ne veulent rien dire.",
    failed: |failed, all| match failed {
        1 => format!(
            "1 cas sur {} n’a pas été mesuré comme demandé\u{202f}; la raison est indiquée.",
            count(all)
        ),
        _ => format!(
            "{} cas sur {} n’ont pas été mesurés comme demandé\u{202f}; la raison est indiquée.",
            count(failed),
            count(all)
        ),
    },
};

pub(super) const VERDICT: VerdictWords = VerdictWords {
    debate: |low, high| {
        // "5,6 millions et 1,6 milliard de dollars": the currency is said once.
        let low = low.strip_suffix(" de dollars").unwrap_or(low);
        format!(
            "{low} et {high} ne répondent pas à la même question. Aucun des deux n’est le prix d’un token (jeton)."
        )
    },
    no_debate: |hours| format!("Sur cette machine, produire un million de tokens (jetons) prend {hours}."),
    nothing_measured: "Rien n’a été mesuré cette fois\u{a0}: aucun token (jeton) produit.",
    amount_counts: |amount, what| format!("{amount}\u{a0}: {what}."),
    here_before: "Sur la machine mesurée ici, produire un million de tokens prend",
    here_after: |note, batch| format!("({note}), {batch}."),
    dollars_before: |price| format!("À {price}, cela fait"),
    dollars_after: |range| format!("({range})."),
    no_price: "Ce que cela représente en dollars dépend du prix d’une heure de cette machine, que vous seul connaissez.",
    key_figures: "Chiffres clés",
    output_hours: "Par million de tokens produits",
    decode: "Vitesse de génération",
    first_token: "Délai du premier token",
    energy: "Énergie par token produit",
    not_measured: "non mesurée",
    estimated: "fourchette estimée, pas une mesure",
    metered: "relevée au compteur sur des requêtes entières, lecture comprise",
    interval: |coverage, range| format!("intervalle à {coverage}\u{a0}: {range}, mesure seule"),
    no_interval: |reason| format!("pas d’intervalle\u{a0}: {reason}"),
    no_interval_short: "sans intervalle",
    too_few: |reason| match reason {
        NoInterval::TooFewObservations { have, need } => {
            let [have, need] = [have, need].map(crate::units::index_as_u64);
            format!("{}, il en faut\u{a0}{}", counted(have, "observation", "observations"), count(need))
        }
    },
    batch: |batch| match batch {
        1 => "une requête à la fois (lot de 1)".to_owned(),
        _ => format!("{batch}\u{a0}requêtes à la fois (lot de {batch})"),
    },
    distrust: "N’utilisez pas ce chiffre\u{a0}:",
    no_trust: "Le temps par token (jeton) mesuré ici ne mérite pas confiance.",
};

const SCALE: ScaleWords = ScaleWords {
    heading: "Tous les chiffres du débat sur une même échelle",
    sub: "D’un trait vertical au suivant, la somme est dix fois plus grande.",
    quoted: "Chiffre cité",
    ours: "Recalculé",
    unchecked: "Invérifiable de l’extérieur",
    range: "Fourchette des données d’entrée",
    abbreviations: "M$\u{a0}: million de dollars\u{202f}; Md$\u{a0}: milliard de dollars, soit mille millions.",
    apart: |factor| format!("Un écart de {factor}\u{a0}fois"),
    apart_unlike: |factor| format!("Un écart de {factor}\u{a0}fois\u{a0}: ils ne comptent pas la même chose"),
    title: "Les affirmations publiques sur une échelle logarithmique en dollars",
    columns: ["Ce qui est compté", "Montant", "Ce qui l’étaye"],
    source: "Source\u{a0}: le registre des affirmations, plus bas, où chaque montant est examiné.",
};

const COST: CostWords = CostWords {
    heading: "Ce que coûte ici un million de tokens",
    sub: "Le temps de machine est mesuré. Son prix est une hypothèse\u{202f}; il reste donc à part.",
    per_output: |note| format!("par million de tokens produits, avant tout prix\u{202f}; {note}."),
    formula: "À multiplier par ce que vous coûte une heure de cette machine. Les tokens produits sont comptés au temps de \
              leur génération, les tokens lus au délai du premier token.",
    table: "Coût par million de tokens",
    case_and_tokens: "Tokens et cas",
    machine_hours: "Heures\u{2011}machine",
    interval: "Intervalle, mesure seule",
    at_price: |price| format!("À {price}"),
    at_one_dollar: "À 1\u{a0}$/h",
    cost_range: "Fourchette du prix et de la mesure",
    price_range_only: |range, reason| format!("{range}, prix seul\u{202f}; {reason}"),
    output: "Produits",
    input: "Lus",
    per_hour: |amount| format!("{amount} l’heure"),
    price_heading: "Le prix retenu",
    rent: |price| format!("{price} l’heure, en location."),
    own: |price, purchase, years| {
        let unit = if years.starts_with("1,") || years == "1" { "an" } else { "ans" };
        format!(
            "{price} l’heure\u{a0}: {purchase} répartis sur {years}\u{a0}{unit} de 8\u{202f}760\u{a0}heures."
        )
    },
    from_user: "Indiqué par l’utilisateur.",
    from_ledger: |ids| format!("Tiré du registre\u{a0}: {ids}."),
    as_of: |date| format!("Date du prix\u{a0}: {date}."),
    contains_rent: "Comprend\u{a0}: la machine, son électricité, son hébergement et la marge du loueur.",
    contains_own: "Comprend\u{a0}: l’achat seul, comme si la machine travaillait à chaque heure de sa vie. L’électricité, le \
                   refroidissement et les locaux s’y ajoutent.",
    leaves_out: "Ne compte pas\u{a0}: les heures creuses, le personnel, le réseau, les taxes et l’entraînement du modèle.",
    give_heading: "Comment indiquer un prix",
    give_intro: "Aucun prix horaire n’est joint à cette mesure\u{202f}; le tableau reste donc à 1\u{a0}$/h\u{a0}: multipliez par le \
                 vôtre.",
    give_rent: "en location, en dollars par heure\u{202f}; l’électricité est alors comprise",
    give_own: "à l’achat, réparti également sur les années d’usage",
    give_file: "le prix de cette machine, gardé à côté du code et jamais publié",
    batch_heading: "À ne pas comparer au tarif d’une API",
    batch: |batch| {
        format!(
            "Mesuré avec {batch}. Une API sert de nombreuses requêtes en même temps sur une machine, ce qui divise le \
             coût d’un token par la taille du lot\u{202f}; son tarif contient aussi la marge, les capacités inemployées et \
             d’éventuelles subventions."
        )
    },
};

const ENERGY: EnergyWords = EnergyWords {
    heading: "Énergie",
    sub: "Le relevé d’un compteur, une fourchette avec ce qui la fonde, ou aucun chiffre et la raison. Jamais un zéro mis \
          pour «\u{a0}inconnu\u{a0}».",
    measured: "Énergie relevée sur des requêtes entières, puissance au repos comprise",
    measured_columns: ["Cas", "Toutes les répétitions", "Par token produit", "Périmètre", "Compteur"],
    table: "Énergie estimée de la génération, à la puissance moyenne de requêtes entières",
    columns: [
        "Cas",
        "Puissance pendant la mesure",
        "Par token produit",
        "Par million de tokens produits",
        "Périmètre",
        "Fondement",
    ],
    scope: |scope| match scope {
        EnergyScope::CpuPackage => "le processeur seul\u{a0}: ni barrettes de mémoire, ni alimentation",
        EnergyScope::ServerShare => {
            "la part du serveur qui revient à cette machine virtuelle, alimentation comprise"
        }
    },
    central: |value| format!("valeur la plus plausible\u{a0}: {value}"),
    missing: "Énergie non mesurée",
    missing_columns: ["Cas", "Pourquoi", "Ce qui la donnerait"],
    meters: "Les compteurs absents ici",
    meters_columns: ["Compteur", "Pourquoi", "Ce qui le donnerait"],
};

const LIMITS: LimitWords = LimitWords {
    heading: "Ce que cette page ne peut pas dire",
    always: &[
        "Ce que coûte l’entraînement. Il n’a pas été mesuré\u{202f}; les affirmations publiques sont seulement citées et \
         recalculées.",
        "Ce que dépense un fournisseur. Personne, à l’extérieur, n’a les factures.",
        "La qualité. Un token moins cher d’un modèle plus petit n’est pas le même produit.",
        "Les autres machines. Les intervalles couvrent la variation d’une répétition à l’autre sur celle-ci\u{202f}; les écarts \
         entre machines, jours et versions de logiciels n’y sont pas.",
        "Le service à grande échelle. Peu de requêtes ont tourné à la fois\u{202f}; servies par lots, elles coûtent moins cher \
         par token et vont moins vite pour chacun.",
        "Votre prix. Un prix horaire est une hypothèse, et son incertitude n’est pas dans l’intervalle de la mesure.",
    ],
    synthetic: "Ce que répond le modèle. Ses poids sont aléatoires\u{a0}: seules la vitesse et la mémoire sont réelles.",
    energy: "L’énergie. Pour un cas au moins, aucun compteur n’a été lu\u{202f}; voir les raisons plus haut.",
    not_checked: "Si chaque modèle a été bien calculé. Un cas au moins n’a pas été comparé au calcul de référence\u{202f}; il en donne \
                  la raison.",
    single_start: "L’écart entre lancements du programme. Toutes les répétitions d’un cas viennent d’un seul lancement.",
};

const PROVENANCE: ProvenanceWords = ProvenanceWords {
    heading: "D’où viennent ces chiffres",
    run: "Mesure",
    resumed: "Autres démarrages du programme",
    tool: "Outil",
    tool_text: |version, profile| format!("claimbench {version}, profil de compilation {profile}"),
    revision: "Révision git",
    no_revision: "inconnue\u{a0}: compilé hors d’un dépôt",
    features: "Options de compilation",
    no_features: "aucune (processeur seul)",
    method: "Méthode",
    method_text: |version| format!("version {version}"),
    check: "Vérification",
    check_text: "Avant de mesurer un cas, ses logits sont comparés à ceux d’un calcul de référence sur les mêmes poids\u{202f}; au-delà de \
                 ce que l’arrondi explique, il n’y a pas de chiffre. Comment\u{a0}: docs/METHODOLOGY.md.",
    model: "Modèle",
    weights: "Poids",
    synthetic: |seed| format!("synthétiques, graine {seed}"),
    hub: |repo, commit| format!("{repo}@{commit}"),
    local: |name| format!("fichier de l’utilisateur\u{a0}: {name}"),
    file: "Fichier du modèle, SHA-256",
    size: "Fichier du modèle, taille",
    machine: "Machine",
    processors: |count| counted(count, "processeur", "processeurs"),
    unknown_memory: "mémoire inconnue",
    cards_in: |cards, host| format!("{cards} sur {host}"),
    virtual_machine: "machine virtuelle",
    machine_id: "Identifiant de la machine",
    instructions: "Jeux d’instructions",
    environment: "Environnement",
    unknown: "inconnu",
    governor: |name| format!("gouverneur {name}"),
    quota: |processors| format!("limitée à {processors}\u{a0}processeurs"),
    driver: |version| format!("pilote GPU {version}"),
    device: "Calculé sur",
    engine: "Moteur",
    boundary: |boundary| match boundary {
        Boundary::InProcess => "chronomètre dans le processus qui calcule",
    },
    order: "Ordre",
    sequential: "un cas après l’autre",
    interleaved: |seed| {
        format!("les cas d’un même fichier à tour de rôle, dans un ordre tiré au sort (graine {seed})")
    },
    statistics: "Statistique",
    statistics_text: "Médianes des répétitions mesurées, avec la plus étroite paire de statistiques d’ordre qui couvre \
                      95\u{a0}%. Centiles des écarts mis en commun\u{a0}: bootstrap sur des répétitions entières, graine fixe.",
    rules: "Règles, exemples calculés et simulations (en anglais)\u{a0}:",
    reproduce: "Reproduire",
    licence: "Licence",
    licence_text: "Textes et données sous CC BY 4.0\u{202f}; code sous MIT ou Apache-2.0",
    data: "Données",
    data_text: "chaque échantillon, en JSON",
    mlcommons: "Non vérifié par MLCommons. Sans lien avec aucune des entreprises nommées ici.",
};

const INDEX: IndexWords = IndexWords {
    title: "Mesures publiées",
    heading: "Ce que coûte un million de tokens (jetons), mesure par mesure",
    sub: "Heures\u{2011}machine par million de tokens produits, avec leur intervalle pour la variation d’une répétition à \
          l’autre. Les plus récentes d’abord.",
    empty: "Aucune mesure n’a encore été publiée.",
    table: "Mesures publiées, les plus récentes d’abord",
    columns: ["Mesure", "Machine", "Modèle", "Par million de tokens produits"],
    synthetic: "poids synthétiques",
    not_checked: "non vérifié",
    untrustworthy: "à ne pas utiliser",
    nothing: "rien de mesuré",
    footer: "Textes et données sous CC BY 4.0\u{202f}; code sous MIT ou Apache-2.0. Non vérifié par MLCommons.",
};
