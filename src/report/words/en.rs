//! The pages in English.

use super::{
    CostWords, EnergyWords, IndexWords, LimitWords, NoticeWords, PageWords, ProvenanceWords, ScaleWords,
    VerdictWords, Words, answers, claims, conditions, engines, gate, measured, noise, numerals, roofline,
    speeds,
};
use crate::language::Language;
use crate::measurement::{Boundary, EnergyScope};

/// English.
pub(crate) static EN: Words = Words {
    language: Language::English,
    name: "English",
    short_name: "EN",
    numerals: numerals::EN,
    page: PAGE,
    notice: NOTICE,
    verdict: VERDICT,
    scale: SCALE,
    cost: COST,
    measured: measured::EN,
    engines: engines::EN,
    noise: noise::EN,
    conditions: conditions::EN,
    roofline: roofline::EN,
    gate: gate::EN,
    answers: answers::EN,
    energy: ENERGY,
    claims: claims::EN,
    speeds: speeds::EN,
    limits: LIMITS,
    provenance: PROVENANCE,
    index: INDEX,
};

/// `1,280`.
pub(super) fn count(count: u64) -> String {
    numerals::EN.count(count)
}

/// `1 token`, `1,280 tokens`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

const PAGE: PageWords = PageWords {
    brand: "claimbench reports",
    title: |date| format!("What a million tokens costs here: run of {date}"),
    description: "Local LLM inference measured on one machine, set beside public cost claims.",
    skip: "Skip to the report",
    nav: "Sections",
    languages: "Languages",
    run_of: |date| format!("Run of {date}"),
    show_table: "Show this chart as a table",
    chart_source: |run| format!("Source: run {run}, run.json beside this page."),
    nav_cost: "Cost",
    nav_measured: "Measurements",
    nav_energy: "Energy",
    nav_claims: "Claims",
    nav_data: "Data",
};

const NOTICE: NoticeWords = NoticeWords {
    label: "Notice",
    synthetic: "Synthetic weights: random numbers in the model's exact shape. Right for speed and memory, meaningless \
                as text.",
    test_shape: "Test shape: a tiny model that only exercises the harness. Nothing here describes a real model.",
    debug_build: "Debug build: measured without optimisation, so these speeds mean nothing.",
    failed: |failed, all| {
        let were = if failed == 1 { "was" } else { "were" };
        let all = counted(all, "case", "cases");
        format!("{} of {all} {were} not measured as asked; see the reason.", count(failed))
    },
};

pub(super) const VERDICT: VerdictWords = VerdictWords {
    debate: |low, high| {
        format!("{low} and {high} answer different questions. Neither is the price of a token.")
    },
    no_debate: |hours| format!("A million output tokens take {hours} on this machine."),
    nothing_measured: "Nothing was measured in this run.",
    amount_counts: |amount, what| format!("{amount}: {what}."),
    here_before: "On the machine measured here, a million output tokens take",
    here_after: |note, batch| format!("({note}), {batch}."),
    dollars_before: |price| format!("At {price} that is"),
    dollars_after: |range| format!("({range})."),
    no_price: "What that is in dollars depends on the price of an hour of this machine, which only you know.",
    key_figures: "Key figures",
    output_hours: "Per million output tokens",
    decode: "Generation speed",
    first_token: "Time to first token",
    energy: "Energy per output token",
    not_measured: "not measured",
    estimated: "an estimated range, not a measurement",
    metered: "metered over whole requests, prefill included",
    interval: |coverage, range| format!("{coverage} interval {range}, measurement only"),
    no_interval: |reason| format!("no interval: {reason}"),
    no_interval_short: "no interval",
    too_few: |reason| reason.to_string(),
    batch: |batch| match batch {
        1 => "one request at a time (batch 1)".to_owned(),
        _ => format!("{batch} requests at a time (batch {batch})"),
    },
    distrust: "Do not use this figure:",
    no_trust: "The time per output token measured here deserves no trust.",
};

const SCALE: ScaleWords = ScaleWords {
    heading: "One scale for all the numbers in the debate",
    sub: "Each gridline is ten times more money than the one before.",
    quoted: "Quoted claim",
    ours: "Our arithmetic",
    unchecked: "Cannot be checked from outside",
    range: "Range of the inputs",
    abbreviations: "M: million dollars; B: billion dollars, a thousand million.",
    apart: |factor| format!("× {factor} apart"),
    apart_unlike: |factor| format!("× {factor} apart: they do not count the same thing"),
    title: "Public claims on one logarithmic dollar scale",
    columns: ["What it counts", "Amount", "What stands behind it"],
    source: "Source: claims ledger below; each amount is examined there.",
};

const COST: CostWords = CostWords {
    heading: "What a million tokens costs here",
    sub: "Machine time is measured. Its price is an assumption, so it stays apart.",
    per_output: |note| format!("per million output tokens, before any price is named; {note}."),
    formula: "Multiply by what one hour of this machine costs you. Output tokens are charged with the time they are \
              generated in, input tokens with the time to the first token.",
    table: "Cost per million tokens",
    case_and_tokens: "Tokens and case",
    machine_hours: "Machine-hours",
    interval: "Interval, measurement only",
    at_price: |price| format!("At {price}"),
    at_one_dollar: "Per 1\u{a0}$/h",
    cost_range: "Range of price and measurement",
    price_range_only: |range, reason| format!("{range}, price alone; {reason}"),
    output: "Output",
    input: "Input",
    per_hour: |amount| format!("{amount} per hour"),
    price_heading: "The price used",
    rent: |price| format!("{price} per hour, rented."),
    own: |price, purchase, years| {
        format!("{price} per hour: {purchase} spread over {years}\u{a0}years of 8,760 hours.")
    },
    from_user: "Given by the user.",
    from_ledger: |ids| format!("From the ledger: {ids}."),
    as_of: |date| format!("As of {date}."),
    contains_rent: "Contains: the machine, its electricity, its hosting and the provider's margin.",
    contains_own: "Contains: the purchase only, as if the machine worked every hour of its life. Electricity, cooling \
                   and space come on top.",
    leaves_out: "Leaves out: idle hours, staff, network, taxes, and the training of the model.",
    give_heading: "How to give a price",
    give_intro: "This run names no hourly price, so the table stays per 1 $/h: multiply by your own.",
    give_rent: "rented, in dollars per hour; electricity is then contained",
    give_own: "bought, spread evenly over its years",
    give_file: "the price of this machine, kept beside the checkout and never published",
    batch_heading: "Do not compare with an API price list",
    batch: |batch| {
        format!(
            "Measured with {batch}. An API serves many requests on one machine at once, which divides the cost of a \
             token by the size of the batch; its price also holds margin, idle capacity and subsidy."
        )
    },
};

const ENERGY: EnergyWords = EnergyWords {
    heading: "Energy",
    sub: "A meter's reading, a range with its basis, or no figure with the reason. Never a zero that stands for “unknown”.",
    measured: "Metered energy of whole requests, idle power included",
    measured_columns: ["Case", "All repetitions", "Per output token", "Covers", "Meter"],
    table: "Estimated energy of decode, at the mean power of whole requests",
    columns: [
        "Case",
        "Power while it ran",
        "Per output token",
        "Per million output tokens",
        "Covers",
        "Basis",
    ],
    scope: |scope| match scope {
        EnergyScope::CpuPackage => "processor package only: no memory modules, no power supply",
        EnergyScope::ServerShare => "this virtual machine's share of a server, power supply included",
    },
    central: |value| format!("most plausible {value}"),
    missing: "Energy not measured",
    missing_columns: ["Case", "Why", "What would give it"],
    meters: "Meters that do not exist here",
    meters_columns: ["Meter", "Why", "What would give it"],
};

const LIMITS: LimitWords = LimitWords {
    heading: "What this page cannot tell you",
    always: &[
        "What training costs. It was not measured; only the public claims are repeated and recalculated.",
        "What any provider spends. Nobody outside has the invoices.",
        "Quality. A cheaper token of a smaller model is not the same product.",
        "Other machines. Intervals cover the noise between repetitions on this one; the spread between machines, days \
         and software versions is not in them.",
        "Serving at scale. Few requests ran at once; batched serving is cheaper per token and slower per user.",
        "Your price. An hourly price is an assumption, and its uncertainty is not in the measurement's interval.",
    ],
    synthetic: "The answers of the model. Its weights are random, so only speed and memory are real.",
    energy: "Energy. No meter was read for at least one case; see the reasons above.",
    not_checked: "Whether every model was computed rightly. At least one case was not compared with the plain computation; it says why.",
    single_start: "The spread between starts of the program. All repetitions of a case come from one start.",
};

const PROVENANCE: ProvenanceWords = ProvenanceWords {
    heading: "Where this comes from",
    run: "Run",
    resumed: "Further process starts",
    tool: "Tool",
    tool_text: |version, profile| format!("claimbench {version}, {profile} build"),
    revision: "Git revision",
    no_revision: "unknown: built outside a checkout",
    features: "Features",
    no_features: "none (CPU only)",
    method: "Method",
    method_text: |version| format!("version {version}"),
    check: "Check",
    check_text: "Before a case is measured, its logits are compared with those of a plain computation of the same weights; one \
                 that is further off than rounding explains gets no figure. How: docs/METHODOLOGY.md.",
    model: "Model",
    weights: "Weights",
    synthetic: |seed| format!("synthetic, seed {seed}"),
    hub: |repo, commit| format!("{repo}@{commit}"),
    local: |name| format!("file of the user: {name}"),
    file: "Model file, SHA-256",
    size: "Model file, size",
    machine: "Machine",
    processors: |count| counted(count, "CPU", "CPUs"),
    unknown_memory: "unknown memory",
    cards_in: |cards, host| format!("{cards} on {host}"),
    virtual_machine: "virtual machine",
    machine_id: "Machine id",
    instructions: "Instruction sets",
    environment: "Environment",
    unknown: "unknown",
    governor: |name| format!("governor {name}"),
    quota: |processors| format!("limited to {processors} processors"),
    driver: |version| format!("GPU driver {version}"),
    device: "Device",
    engine: "Engine",
    boundary: |boundary| match boundary {
        Boundary::InProcess => "stopwatch in the process that computes",
    },
    order: "Order",
    sequential: "one case after the other",
    interleaved: |seed| format!("cases of one checkpoint in turns, in a random order from seed {seed}"),
    statistics: "Statistics",
    statistics_text: "Medians over the measured repetitions, with the narrowest pair of order statistics that covers \
                      95 %. Percentiles of pooled gaps: bootstrap over whole repetitions, fixed seed.",
    rules: "Rules, worked examples and simulations:",
    reproduce: "Reproduce",
    licence: "Licence",
    licence_text: "Text and data CC BY 4.0; code MIT OR Apache-2.0",
    data: "Data",
    data_text: "every sample, as JSON",
    mlcommons: "Not verified by MLCommons. Not affiliated with any company named here.",
};

const INDEX: IndexWords = IndexWords {
    title: "Published runs",
    heading: "What a million tokens costs, run by run",
    sub: "Machine-hours per million output tokens, with their intervals for the noise between repetitions. Newest \
          first.",
    empty: "No run has been published yet.",
    table: "Published runs, newest first",
    columns: ["Run", "Machine", "Model", "Per million output tokens"],
    synthetic: "synthetic weights",
    not_checked: "not checked",
    untrustworthy: "do not use",
    nothing: "nothing measured",
    footer: "Text and data CC BY 4.0; code MIT OR Apache-2.0. Not verified by MLCommons.",
};
