//! A scripted run and price for the tests of the pages. Every measured number here is made up.

use crate::clock::Moment;
use crate::cost::{HourlyPrice, PriceBasis, PriceOrigin};
use crate::hardware::{Cache, CacheKind, Device, Environment, Label, Machine, Window, example_ceilings};
use crate::language::Language;
use crate::measurement::{
    Answer, AnswerEnd, Boundary, CaseRecord, Energy, EnergyScope, EngineIdentity, Failure, Figures, Flag,
    Gate, LoadSample, Measurement, Missing, ModelFile, NoAnswer, NotGated, OWN_ENGINE, Observed, Order,
    Outcome, PowerRange, Provenance, REFERENCE_ENGINE, Repetition, Role, Run, RunId, Sampling, Stage,
    Unanswered,
};
use crate::model::{Precision, Registry, Weights};
use crate::units::{Bytes, Ratio, Seconds, Tokens, UsdPerHour, Watts, count_as_f64};
use crate::workload::{Case, Workload, WorkloadBook};

fn seconds(value: f64) -> Seconds {
    Seconds::new(value).unwrap()
}

/// A repeatable wobble between -1 and 1.
fn wobble(place: u64) -> f64 {
    count_as_f64(place * 7_919 % 201) / 100.0 - 1.0
}

/// What a request is made of: tokens of prompt and answer, seconds to the first token and per token.
#[derive(Clone, Copy)]
struct Script {
    prompt: u64,
    output: u64,
    first: f64,
    gap: f64,
}

impl Script {
    /// A repetition that takes `tempo` times as long as scripted; the first of a process start is its warm-up.
    fn repetition(self, index: u64, (process_start, place): (u64, u64), tempo: f64) -> Repetition {
        let Self { prompt, output, first, gap } = self;
        let slow = if place == 0 { 1.06 } else { tempo * (1.0 + 0.012 * wobble(index)) };
        Repetition {
            index,
            role: if place == 0 { Role::WarmUp } else { Role::Measured },
            process_start,
            prompt: place,
            started: Moment::from_nanos(place * 1_000_000_000),
            first_token: seconds(first * slow * slow),
            gaps: (1..output).map(|i| seconds(gap * slow * (1.0 + 0.03 * wobble(index * 64 + i)))).collect(),
            prompt_tokens: Tokens::new(prompt),
            output_tokens: Tokens::new(output),
            batch: 1,
            output_digest: 7,
            cpu: None,
            energy: None,
            mean_power: None,
            peak_memory: Some(Bytes::new(1_412_000_000 + index * 40_000)),
            window: Window::default(),
        }
    }

    /// One process start that tells nothing of what else happened.
    fn repetitions(self, count: u64) -> Vec<Repetition> {
        (0..=count).map(|index| self.repetition(index, (0, index), 1.0)).collect()
    }

    /// Three process starts with five repetitions each, the fourth of the second far slower than the others. Two counters
    /// are not told, one of them for a single repetition.
    fn three_starts(self) -> Vec<Repetition> {
        let places = [1.0, 1.008, 0.994].into_iter().zip(0..).flat_map(|(tempo, start)| {
            (0..6).map(move |place| (start, place, if (start, place) == (1, 4) { 1.22 } else { tempo }))
        });
        let told = |(index, (start, place, tempo)): (u64, (u64, u64, f64))| Repetition {
            window: Window {
                steal: Some(seconds(0.02)),
                foreign_cpu: Some(seconds(0.11)),
                swapped: Some(Bytes::new(0)),
                memory_stall: Some(seconds(0.0)),
                quota_stall: (index != 3).then(|| seconds(0.03)),
                thermal_throttles: None,
                suspended: Some(seconds(0.0)),
                on_battery: Some(false),
            },
            ..self.repetition(index, (start, place), tempo)
        };
        (0..).zip(places).map(told).collect()
    }
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
            id: OWN_ENGINE.into(),
            version: "1, on candle-core 0.11.1".into(),
            boundary: Boundary::InProcess,
        },
        observed: Some(Observed {
            device: Device::Cpu { threads: 2 },
            file,
            output_tokens: Some(Tokens::new(64)),
        }),
        figures: Figures::new(outcome.measurement()),
        outcome,
        energy,
        flags,
    }
}

/// Five rows: a case with three process starts, intervals and estimated energy, one with real weights, too few repetitions, no energy and no
/// check, one that failed in the middle, one whose check failed,
/// and the first again by candle-transformers.
fn cases() -> Vec<CaseRecord> {
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
    let by_reference = |mut record: CaseRecord| {
        (record.engine.id, record.engine.version) = (REFERENCE_ENGINE.into(), "0.11.1".into());
        record
    };
    let measured = |repetitions: Vec<Repetition>, gate: Gate| Measurement {
        loads: vec![LoadSample { process_start: 0, started: Moment::ORIGIN, duration: seconds(0.913) }],
        repetitions,
        gate: Some(gate),
        ..Measurement::default()
    };
    let compared = |same_top: u64, distance: f64| {
        Gate::compared(32, same_top, distance, Ratio::new(0.091).unwrap()).unwrap()
    };
    let gigabytes = |count: u64| Bytes::new(count * 1_000_000_000);
    let no_memory = NotGated::Memory { needed: gigabytes(9), free: gigabytes(2) };
    let Gate::Failed(too_far) = compared(3, 0.42) else { panic!("it passed") };
    let flags = vec![Flag::EnergyEstimated, Flag::SyntheticWeights];
    let script = |prompt, output, first, gap| Script { prompt, output, first, gap };
    let no_meter = missing(
        "no meter answered: RAPL is hidden from virtual machines",
        "run on bare metal, or use --meter-external",
    );
    let failure = Failure {
        stage: Stage::Generate,
        reason: "out of memory: 3.1 GB needed, 1.9 GB free; close other programs".into(),
    };
    vec![
        record(
            case("short-chat", "Short chat turn", 128),
            Outcome::Measured(measured(script(128, 64, 2.04, 0.0699).three_starts(), compared(31, 0.0123))),
            estimated.clone(),
            flags.clone(),
        ),
        trained(record(
            case("summary", "Summary of a page", 512),
            Outcome::Measured(measured(
                script(512, 64, 8.61, 0.0741).repetitions(3),
                Gate::NotComputed(no_memory),
            )),
            Energy::Missing(no_meter),
            vec![Flag::NotGated, Flag::SingleProcessStart, Flag::SyntheticWeights, Flag::WideInterval],
        )),
        record(
            case("long-document", "Question on a long document", 8_192),
            Outcome::Failed(
                failure,
                measured(script(8_192, 4, 100.0, 0.1).repetitions(0), compared(32, 0.0117)),
            ),
            Energy::Missing(missing("the case failed", "see its reason")),
            vec![Flag::SyntheticWeights],
        ),
        record(
            case("many-answers", "Many short answers", 32),
            Outcome::Failed(
                Failure { stage: Stage::Gate, reason: too_far.reason() },
                measured(vec![], Gate::Failed(too_far)),
            ),
            Energy::Missing(missing("the case failed", "see its reason")),
            vec![Flag::SyntheticWeights],
        ),
        by_reference(record(
            case("short-chat", "Short chat turn", 128),
            Outcome::Measured(measured(script(128, 64, 2.91, 0.118).three_starts(), compared(30, 0.0131))),
            estimated,
            flags,
        )),
    ]
}

/// Of two processors: their own first and second levels, and a third for both.
fn caches() -> Vec<Cache> {
    let cache = |level, kind, kibibytes: u64, instances| Cache {
        level,
        kind,
        bytes: Bytes::new(kibibytes << 10),
        instances,
    };
    vec![
        cache(1, CacheKind::Data, 48, 2),
        cache(1, CacheKind::Instruction, 32, 2),
        cache(2, CacheKind::Unified, 2_048, 2),
        cache(3, CacheKind::Unified, 107_520, 1),
    ]
}

/// The scripted run of these cases.
pub(crate) fn run() -> Run {
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
            method_version: 3,
        },
        machine: Machine {
            cpu: "Example Xeon 2.10 GHz".into(),
            cpu_id: Some("GenuineIntel:6:143".into()),
            logical_cpus: 2,
            physical_cores: Some(2),
            caches: caches(),
            memory_class: Machine::class_of_memory(Bytes::new(24_000_000_000)),
            gpus: vec![],
            label: Label::new("atelier-1").ok(),
            stated_id: None,
        },
        environment: Environment {
            os: Some("Debian GNU/Linux 12".into()),
            kernel: Some("6.1.0".into()),
            cpu_features: vec!["avx2".into(), "avx512f".into(), "fma".into()],
            virtual_machine: Some(true),
            cpu_quota_milli: Some(2_000),
            memory_limit: Some(Bytes::new(8_000_000_000)),
            clock_step_nanoseconds: Some(42),
            memory: Some(Bytes::new(24_000_000_000)),
            ..Environment::default()
        },
        ceilings: Some(example_ceilings()),
        order: Order::Interleaved { seed: 1 },
        process_starts_asked: 3,
        cases: cases(),
        meters_missing: vec![
            ("nvml".into(), missing("no NVIDIA driver", "install one, on a machine with such a card")),
            ("rapl".into(), missing("hidden from virtual machines", "run on bare metal")),
        ],
    }
}

/// Three answers: after thinking, without it, and cut in the thinking; then the budget was used up.
fn answers() -> (Vec<Answer>, Unanswered) {
    let thoughtful = Answer {
        prompt: "short-question-en".into(),
        language: Language::English,
        question: "Why is the sky blue?".into(),
        prompt_tokens: Tokens::new(11),
        sampling: Sampling::Greedy,
        limit: Tokens::new(1_024),
        end: AnswerEnd::Stop,
        thinking: Some("Blue light is scattered more.\n\nSo the answer is scattering.".into()),
        thinking_tokens: Tokens::new(160),
        text: "Because air scatters blue light more than red.".into(),
        text_tokens: Tokens::new(12),
        first_token: seconds(0.25),
        first_answer_token: Ok(seconds(12.25)),
        whole: seconds(13.5),
    };
    let direct = Answer {
        prompt: "short-question-fr".into(),
        language: Language::French,
        question: "Pourquoi le ciel est-il bleu ?".into(),
        thinking: None,
        thinking_tokens: Tokens::new(0),
        text: "L'air diffuse le bleu : c'est tout !".into(),
        first_answer_token: Ok(seconds(0.25)),
        whole: seconds(1.5),
        ..thoughtful
    };
    let cut = Answer {
        prompt: "puzzle-en".into(),
        question: "Who has the hen?".into(),
        end: AnswerEnd::Length,
        thinking: Some("Anna, or Bert, or".into()),
        thinking_tokens: Tokens::new(1_024),
        text: String::new(),
        text_tokens: Tokens::new(0),
        first_answer_token: Err(NoAnswer::Thinking),
        whole: seconds(76.0),
        ..thoughtful
    };
    (vec![thoughtful, direct, cut], Unanswered::Budget { needed: seconds(76.1), left: seconds(20.0) })
}

/// The case with the weights of somebody, who could be asked.
fn trained(mut record: CaseRecord) -> CaseRecord {
    record.flags.retain(|flag| *flag != Flag::SyntheticWeights);
    let (given, why) = answers();
    if let (Some(observed), Outcome::Measured(measurement)) = (&mut record.observed, &mut record.outcome) {
        observed.file.weights = Weights::Local { name: "example.gguf".into() };
        (measurement.answers, measurement.unanswered) = (given, Some(why));
    }
    record
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
