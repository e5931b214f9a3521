//! A scripted run, ledger and price for the tests of the pages. Every measured number here is made up.

use super::ledger_view::{
    ClaimOutcome, ClaimView, Examination, LedgerView, PointKind, ScalePoint, SourceView,
};
use crate::clock::Moment;
use crate::cost::{HourlyPrice, PriceBasis, PriceOrigin};
use crate::hardware::{Device, Environment, Machine};
use crate::measurement::{
    Boundary, CaseRecord, Energy, EnergyScope, EngineIdentity, Failure, Flag, LoadSample, Measurement,
    Missing, ModelFile, Observed, Order, Outcome, PowerRange, Provenance, Repetition, Role, Run, RunId,
    Stage,
};
use crate::model::{Precision, Registry, Weights};
use crate::units::{Bytes, Seconds, Tokens, Usd, UsdPerHour, Watts, count_as_f64};
use crate::workload::{Case, Workload, WorkloadBook};

fn seconds(value: f64) -> Seconds {
    Seconds::new(value).unwrap()
}

/// A repeatable wobble between -1 and 1.
fn wobble(place: u64) -> f64 {
    count_as_f64(place * 7_919 % 201) / 100.0 - 1.0
}

fn repetitions(count: u64, prompt: u64, output: u64, first: f64, gap: f64) -> Vec<Repetition> {
    let repetition = |index: u64| {
        let slow = if index == 0 { 1.06 } else { 1.0 + 0.012 * wobble(index) };
        Repetition {
            index,
            role: if index == 0 { Role::WarmUp } else { Role::Measured },
            process_start: 0,
            started: Moment::from_nanos(index * 1_000_000_000),
            first_token: seconds(first * slow * slow),
            gaps: (1..output).map(|i| seconds(gap * slow * (1.0 + 0.03 * wobble(index * 64 + i)))).collect(),
            prompt_tokens: Tokens::new(prompt),
            output_tokens: Tokens::new(output),
            batch: 1,
            output_digest: 7,
            cpu: None,
            energy: None,
            peak_memory: Some(Bytes::new(1_412_000_000 + index * 40_000)),
        }
    };
    (0..=count).map(repetition).collect()
}

fn workload(book: &WorkloadBook) -> Workload {
    book.get("short-chat").unwrap().clone()
}

fn missing(reason: &str, remedy: &str) -> Missing {
    Missing { reason: reason.into(), remedy: remedy.into() }
}

fn record(case: Case, outcome: Outcome, energy: Energy, flags: Vec<Flag>) -> CaseRecord {
    let file = ModelFile {
        weights: Weights::Synthetic { seed: 42 },
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        bytes: Bytes::new(1_117_320_000),
    };
    CaseRecord {
        case,
        engine: EngineIdentity {
            id: "candle".into(),
            version: "0.11.0".into(),
            boundary: Boundary::InProcess,
        },
        observed: Some(Observed {
            device: Device::Cpu { threads: 2 },
            file,
            output_tokens: Some(Tokens::new(64)),
        }),
        outcome,
        energy,
        flags,
    }
}

/// Three cases: one with intervals and estimated energy, one with too few repetitions and no energy, one that failed.
pub(crate) fn run() -> Run {
    let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
    let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
    let case = |id: &str, title: &str, prompt: u64| Case {
        model: registry.get("r1-distill-qwen-1.5b").unwrap().clone(),
        precision: Precision::Q4KM,
        workload: Workload { id: id.into(), title: title.into(), prompt_tokens: prompt, ..workload(&book) },
    };
    let watts = |value: f64| Watts::new(value).unwrap();
    let estimated = Energy::Estimated {
        power: PowerRange { low: watts(9.0), central: watts(14.0), high: watts(26.0) },
        scope: EnergyScope::ServerShare,
        basis: "2 of 64 processors of a server rated 500 W, load 100 %".into(),
    };
    let measured = |repetitions: Vec<Repetition>| Measurement {
        loads: vec![LoadSample { process_start: 0, duration: seconds(0.913) }],
        repetitions,
    };
    let flags = vec![Flag::EnergyEstimated, Flag::SingleProcessStart, Flag::SyntheticWeights];
    let no_meter = missing(
        "no meter answered: RAPL is hidden from virtual machines",
        "run on bare metal, or use --meter-external",
    );
    let failure = Failure {
        stage: Stage::Generate,
        reason: "out of memory: 3.1 GB needed, 1.9 GB free; close other programs".into(),
    };
    Run {
        id: RunId::new("20261121T034000Z-3f2a9c01b7de").unwrap(),
        started_unix_seconds: 1_795_232_400,
        resumed_unix_seconds: vec![],
        provenance: Provenance {
            tool_version: "0.1.0".into(),
            git_revision: Some("151b8d9".into()),
            features: vec![],
            profile: "release".into(),
            command: "claimbench run --models r1-distill-qwen-1.5b --synthetic --seed 42".into(),
            method_version: 1,
        },
        machine: Machine {
            cpu: "Example Xeon 2.10 GHz".into(),
            cpu_id: Some("GenuineIntel:6:143".into()),
            logical_cpus: 2,
            cpu_features: vec!["avx2".into(), "avx512f".into(), "fma".into()],
            memory: Some(Bytes::new(24_000_000_000)),
            gpus: vec![],
            virtual_machine: Some(true),
        },
        environment: Environment {
            os: Some("Debian GNU/Linux 12".into()),
            kernel: Some("6.1.0".into()),
            cpu_governor: None,
            cpu_quota_milli: Some(2_000),
            gpu_driver: None,
        },
        order: Order::Sequential,
        cases: vec![
            record(
                case("short-chat", "Short chat turn", 128),
                Outcome::Measured(measured(repetitions(10, 128, 64, 2.04, 0.0699))),
                estimated,
                flags,
            ),
            record(
                case("summary", "Summary of a page", 512),
                Outcome::Measured(measured(repetitions(3, 512, 64, 8.61, 0.0741))),
                Energy::Missing(no_meter),
                vec![Flag::SingleProcessStart, Flag::SyntheticWeights, Flag::WideInterval],
            ),
            record(
                case("long-document", "Question on a long document", 8_192),
                Outcome::Failed(failure, measured(repetitions(0, 8_192, 4, 100.0, 0.1))),
                Energy::Missing(missing("the case failed", "see its reason")),
                vec![Flag::SyntheticWeights],
            ),
        ],
        meters_missing: vec![
            ("nvml".into(), missing("no NVIDIA driver", "install one, on a machine with such a card")),
            ("rapl".into(), missing("hidden from virtual machines", "run on bare metal")),
        ],
    }
}

/// Ten cents to twenty cents an hour, rented.
pub(crate) fn price() -> HourlyPrice {
    HourlyPrice {
        low: UsdPerHour::new(0.08).unwrap(),
        high: UsdPerHour::new(0.12).unwrap(),
        basis: PriceBasis::Rent,
        origin: PriceOrigin::User,
        as_of: "2026-11-21".into(),
    }
}

/// A few claims of the debate, one per outcome.
pub(crate) fn ledger() -> LedgerView {
    let source = |title: &str, url: &str| SourceView { title: title.into(), url: Some(url.into()) };
    let report =
        || source("DeepSeek-V3 Technical Report, table 1, 2024-12-27", "https://arxiv.org/abs/2412.19437");
    let estimate = || {
        source(
            "SemiAnalysis, DeepSeek Debates, 2025-01-31",
            "https://semianalysis.com/2025/01/31/deepseek-debates/",
        )
    };
    let base = ClaimView {
        id: "deepseek-5-6m".into(),
        title: "A DeepSeek model for only 5-6 million dollars".into(),
        quote: "pour seulement 5-6 millions de dollars".into(),
        language: "fr".into(),
        speaker: "Author of a French article, reporting".into(),
        said_on: "2025".into(),
        amount: "$5 M – $6 M".into(),
        counts: "rent of the GPUs of one final training run, at an assumed $2 per hour".into(),
        leaves_out: "Earlier research, failed runs, data, salaries, the purchase of the machines".into(),
        how: Examination::Recalculated,
        outcome: ClaimOutcome::Upheld,
        evidence: "The multiplication is right, and the report itself lists what it leaves out.".into(),
        steps: "2,788,000 h × 2 USD/h = 5,576,000 USD\n[5 M, 6 M] holds 5.576 M".into(),
        inputs: vec![
            "2,788,000 H800-hours (table 1)".into(),
            "2 USD per H800-hour (assumed in the report)".into(),
        ],
        sources: vec![report()],
    };
    let claims = vec![
        base.clone(),
        ClaimView {
            id: "deepseek-total-1-6b".into(),
            title: "DeepSeek's total spending would reach 1.6 billion dollars".into(),
            quote: "les dépenses totales de DeepSeek atteindraient 1,6 milliard de dollars".into(),
            amount: "about $1.6 B".into(),
            counts: "purchase of the servers of a whole fleet, an analyst's estimate".into(),
            leaves_out: "$944 M of operating cost, and which share of the fleet served which model".into(),
            how: Examination::Sourced,
            outcome: ClaimOutcome::DiffersFromItsSource,
            evidence:
                "The source says server purchase, not total spending. Its own estimate has no public invoice."
                    .into(),
            steps: "1.6e9 USD / 5.576e6 USD = 287\n1.6e9 USD / 50,000 GPU = 32,000 USD per GPU".into(),
            inputs: vec!["50,000 GPU (estimate)".into()],
            sources: vec![estimate(), report()],
            ..base.clone()
        },
        ClaimView {
            id: "deepseek-10000-h800".into(),
            title: "10,000 H800 cards among 50,000".into(),
            quote: "dont 10 000 H800 et 10 000 H100".into(),
            amount: "about 10,000 cards".into(),
            counts: "cards of one kind".into(),
            leaves_out: "who else uses them".into(),
            how: Examination::NotCheckable,
            outcome: ClaimOutcome::Unresolved,
            evidence: "It would take purchase records that are not public.".into(),
            steps: String::new(),
            inputs: vec![],
            sources: vec![estimate()],
            ..base
        },
    ];
    let usd = |value: f64| Usd::new(value).unwrap();
    let point =
        |label: &str, [low, central, high]: [f64; 3], kind: PointKind, claim: Option<&str>| ScalePoint {
            label: label.into(),
            low: usd(low),
            central: usd(central),
            high: usd(high),
            kind,
            claim_id: claim.map(str::to_owned),
        };
    let points = vec![
        point("One training run, as published", [5.576e6; 3], PointKind::Quoted, Some("deepseek-5-6m")),
        point(
            "Same run at rents of $1 to $4 an hour",
            [2.788e6, 5.576e6, 11.152e6],
            PointKind::Recalculated,
            None,
        ),
        point(
            "2,048 GPUs bought outright, $25,000 to $40,000 each",
            [51.2e6, 61.44e6, 81.92e6],
            PointKind::Recalculated,
            None,
        ),
        point("Fleet running costs, analyst estimate", [944e6; 3], PointKind::CannotBeChecked, None),
        point(
            "Fleet purchase, analyst estimate",
            [1.6e9; 3],
            PointKind::CannotBeChecked,
            Some("deepseek-total-1-6b"),
        ),
    ];
    LedgerView { claims, points }
}
