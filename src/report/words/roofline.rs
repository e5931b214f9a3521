//! Rooflines and the ceilings under them, in both languages side by side.

use super::{en, fr};
use crate::hardware::{CacheKind, ProductMethod, ReadMethod};
use crate::measurement::NoRoofline;

/// How near a case came to the machine's own limits, and those limits.
#[derive(Debug)]
pub(crate) struct RooflineWords {
    pub(crate) summary: fn(mbu: &str, mfu: &str) -> String,
    pub(crate) unknown: &'static str,
    pub(crate) table: fn(case: &str) -> String,
    pub(crate) step: fn(total: &str, weights: &str, read: &str, written: &str) -> String,
    pub(crate) no_step: fn(reason: &str) -> String,
    pub(crate) prompt: fn(operations: &str) -> String,
    pub(crate) mbu: fn(ceiling: Option<&str>) -> String,
    pub(crate) mfu: fn(ceiling: Option<&str>) -> String,
    pub(crate) because: fn(reason: &str) -> String,
    pub(crate) reason: fn(NoRoofline) -> &'static str,
    pub(crate) read: fn(rate: &str, way: &str) -> String,
    pub(crate) product: fn(rate: &str, precision: &str, way: &str) -> String,
    pub(crate) read_method: fn(ReadMethod) -> &'static str,
    pub(crate) product_method: fn(ProductMethod) -> &'static str,
    pub(crate) threads: fn(u64) -> String,
    pub(crate) working_set: fn(bytes: &str, passes: u64) -> String,
    pub(crate) sizes: fn(sizes: [u64; 3], passes: u64) -> String,
    pub(crate) bandwidth: &'static str,
    pub(crate) matrices: &'static str,
    pub(crate) measured_on: &'static str,
    pub(crate) measured_at: fn(newest: &str, oldest: Option<&str>, device: &str) -> String,
    pub(crate) tried: fn(tried: u64, left_out: u64) -> String,
    pub(crate) cores: &'static str,
    pub(crate) caches: &'static str,
    pub(crate) cache: fn(level: u64, kind: CacheKind, count: u64, size: &str) -> String,
    pub(crate) memory_class: &'static str,
    pub(crate) label: &'static str,
}

/// English.
pub(super) const EN: RooflineWords = RooflineWords {
    summary: |mbu, mfu| {
        format!(
            "Roofline: {mbu} of the measured read bandwidth (MBU), {mfu} of the measured matrix rate (MFU)"
        )
    },
    unknown: "an unknown share",
    table: |case| format!("Roofline of {case}"),
    step: |total, weights, read, written| {
        format!(
            "A decode step moves at least {total}: {weights} of weights, {read} of cache read, {written} of cache written."
        )
    },
    no_step: |reason| format!("What a decode step moves is unknown: {reason}."),
    prompt: |operations| {
        format!("Reading the prompts takes {operations}, a multiplication and an addition being 2.")
    },
    mbu: |ceiling| match ceiling {
        Some(ceiling) => format!("Decode, share of memory bandwidth (MBU), of {ceiling}"),
        None => "Decode, share of memory bandwidth (MBU)".to_owned(),
    },
    mfu: |ceiling| match ceiling {
        Some(ceiling) => format!("Prefill, share of arithmetic (MFU), of {ceiling}"),
        None => "Prefill, share of arithmetic (MFU)".to_owned(),
    },
    because: |reason| format!("unknown: {reason}"),
    reason: NoRoofline::reason,
    read: |rate, way| format!("{rate} measured read bandwidth ({way})"),
    product: |rate, precision, way| format!("{rate} measured in {precision} ({way})"),
    read_method: |method| match method {
        ReadMethod::Words => "sum of whole numbers, one stream per thread",
        ReadMethod::WordsTwoStreams => "sum of whole numbers, two streams per thread",
        ReadMethod::WordsFourStreams => "sum of whole numbers, four streams per thread",
        ReadMethod::Floats => "sum of floats",
        ReadMethod::TensorSum => "candle's sum of a tensor",
        ReadMethod::RowSums => "candle's sums of rows",
        ReadMethod::VectorF32 => "candle's product of a vector and a matrix, F32",
        ReadMethod::VectorF16 => "candle's product of a vector and a matrix, F16",
        ReadMethod::VectorBf16 => "candle's product of a vector and a matrix, BF16",
    },
    product_method: |method| match method {
        ProductMethod::Square => "candle's product of square matrices",
        ProductMethod::Stored => "the engine's own product with stored weights",
    },
    threads: |threads| en::counted(threads, "thread", "threads"),
    working_set: |bytes, passes| format!("{bytes}, shortest of {}", en::counted(passes, "pass", "passes")),
    sizes: |[m, n, k], passes| {
        let [m, n, k] = [m, n, k].map(en::count);
        format!("{m} × {k} by {k} × {n}, shortest of {}", en::counted(passes, "pass", "passes"))
    },
    bandwidth: "Read bandwidth, measured",
    matrices: "Products of matrices, measured",
    measured_on: "Ceilings",
    measured_at: |newest, oldest, device| match oldest {
        Some(oldest) => format!("measured on {device}, {newest}; the oldest rate {oldest}"),
        None => format!("measured on {device}, {newest}"),
    },
    tried: |tried, left_out| {
        let ways = en::counted(tried, "way", "ways");
        match left_out {
            0 => format!("the best of {ways}, all in run.json"),
            _ => format!("the best of {ways}, {} left out, all in run.json", en::count(left_out)),
        }
    },
    cores: "Cores",
    caches: "Caches",
    cache: |level, kind, count, size| {
        let kind = match kind {
            CacheKind::Data => " data",
            CacheKind::Instruction => " instructions",
            CacheKind::Unified => "",
        };
        format!("L{level}{kind}: {} × {size}", en::count(count))
    },
    memory_class: "Memory class",
    label: "Label, given by its user",
};

/// French.
pub(super) const FR: RooflineWords = RooflineWords {
    summary: |mbu, mfu| {
        format!(
            "Plafonds (roofline)\u{a0}: {mbu} de la bande passante en lecture mesurée (MBU), {mfu} de la vitesse de calcul \
             mesurée (MFU)"
        )
    },
    unknown: "part inconnue",
    table: |case| format!("Plafonds\u{a0}: {case}"),
    step: |total, weights, read, written| {
        format!(
            "Une étape de génération déplace au moins {total}\u{a0}: {weights} de poids, {read} de cache lus, {written} de \
             cache écrits."
        )
    },
    no_step: |reason| format!("Ce que déplace une étape de génération est inconnu\u{a0}: {reason}."),
    prompt: |operations| {
        format!("Lire la requête demande {operations}, une multiplication et une addition comptant pour 2.")
    },
    mbu: |ceiling| match ceiling {
        Some(ceiling) => format!("Génération, part de la bande passante (MBU), sur {ceiling}"),
        None => "Génération, part de la bande passante (MBU)".to_owned(),
    },
    mfu: |ceiling| match ceiling {
        Some(ceiling) => format!("Lecture, part de la vitesse de calcul (MFU), sur {ceiling}"),
        None => "Lecture, part de la vitesse de calcul (MFU)".to_owned(),
    },
    because: |reason| format!("inconnue\u{a0}: {reason}"),
    reason: |reason| match reason {
        NoRoofline::NoCeilings => "les plafonds de l’appareil n’ont pas été mesurés",
        NoRoofline::NotOptimised => {
            "les plafonds de l’appareil ont été mesurés par un programme compilé sans optimisation"
        }
        NoRoofline::ExpertsOfAFile => {
            "on ne sait pas combien d’octets de ce fichier reviennent aux experts, ni donc ce que lisent plusieurs séquences"
        }
        NoRoofline::NoMatrixRate => "aucun produit de matrices n’a pu être mesuré à cette précision",
        NoRoofline::NoTime => "un temps est trop court pour servir de diviseur",
    },
    read: |rate, way| format!("{rate} de bande passante mesurée en lecture ({way})"),
    product: |rate, precision, way| format!("{rate} mesurés en {precision} ({way})"),
    read_method: |method| match method {
        ReadMethod::Words => "somme d’entiers, un flux par fil",
        ReadMethod::WordsTwoStreams => "somme d’entiers, deux flux par fil",
        ReadMethod::WordsFourStreams => "somme d’entiers, quatre flux par fil",
        ReadMethod::Floats => "somme de nombres à virgule",
        ReadMethod::TensorSum => "somme d’un tenseur par candle",
        ReadMethod::RowSums => "sommes de lignes par candle",
        ReadMethod::VectorF32 => "produit d’un vecteur et d’une matrice par candle, F32",
        ReadMethod::VectorF16 => "produit d’un vecteur et d’une matrice par candle, F16",
        ReadMethod::VectorBf16 => "produit d’un vecteur et d’une matrice par candle, BF16",
    },
    product_method: |method| match method {
        ProductMethod::Square => "produit de matrices carrées par candle",
        ProductMethod::Stored => "produit du moteur avec des poids tels qu’ils sont stockés",
    },
    threads: |threads| fr::counted(threads, "fil d’exécution", "fils d’exécution"),
    working_set: |bytes, passes| {
        format!("{bytes}, le plus court de {}", fr::counted(passes, "passage", "passages"))
    },
    sizes: |[m, n, k], passes| {
        let [m, n, k] = [m, n, k].map(fr::count);
        format!("{m} × {k} par {k} × {n}, le plus court de {}", fr::counted(passes, "passage", "passages"))
    },
    bandwidth: "Bande passante en lecture, mesurée",
    matrices: "Produits de matrices, mesurés",
    measured_on: "Plafonds",
    measured_at: |newest, oldest, device| match oldest {
        Some(oldest) => format!("mesurés sur {device}, {newest}\u{202f}; le plus ancien\u{a0}: {oldest}"),
        None => format!("mesurés sur {device}, {newest}"),
    },
    tried: |tried, left_out| {
        let ways = fr::counted(tried, "procédé", "procédés");
        let out = if left_out == 1 { "écarté" } else { "écartés" };
        match left_out {
            0 => format!("le meilleur de {ways}, tous dans run.json"),
            _ => format!("le meilleur de {ways}, {} {out}, tous dans run.json", fr::count(left_out)),
        }
    },
    cores: "Cœurs",
    caches: "Caches",
    cache: |level, kind, count, size| {
        let kind = match kind {
            CacheKind::Data => " données",
            CacheKind::Instruction => " instructions",
            CacheKind::Unified => "",
        };
        format!("L{level}{kind}\u{a0}: {} × {size}", fr::count(count))
    },
    memory_class: "Classe de mémoire",
    label: "Nom donné par l’utilisateur",
};
