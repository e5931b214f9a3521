//! From a selection to an ordered list of cases, with a forecast of how long they take.

use super::case::Case;
use super::spec::{Workload, WorkloadBook, WorkloadRole};
use crate::model::{ModelRole, ModelSpec, Precision, Registry};
use crate::units::{Bytes, Seconds, Tokens, count_as_f64};

/// What somebody asked for; an empty list means the defaults.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Selection {
    /// Model ids.
    pub models: Vec<String>,
    /// Workload ids.
    pub workloads: Vec<String>,
    /// Precisions; empty means the default of each model.
    pub precisions: Vec<Precision>,
    /// Takes the place of every workload's own number of repetitions.
    pub repetitions: Option<u64>,
}

/// A selection that gives no plan.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// No such model.
    #[error("no model `{asked}`; known are {known}")]
    UnknownModel {
        /// What was asked for.
        asked: String,
        /// The ids there are.
        known: String,
    },
    /// No such workload.
    #[error("no workload `{asked}`; known are {known}")]
    UnknownWorkload {
        /// What was asked for.
        asked: String,
        /// The ids there are.
        known: String,
    },
    /// The model has not the precision asked for.
    #[error("{model} has no {precision}; see `claimbench list`")]
    NoPrecision {
        /// The model.
        model: String,
        /// What was asked for.
        precision: &'static str,
    },
    /// The workload is longer than the model's context.
    #[error(
        "workload `{workload}` needs {needed} positions, {model} has {available}; choose a shorter workload"
    )]
    TooLong {
        /// The workload.
        workload: String,
        /// Positions it needs.
        needed: u64,
        /// The model.
        model: String,
        /// Positions the model has.
        available: u64,
    },
    /// Nothing was selected.
    #[error("nothing to measure: no model or no workload is a default; name one with --model and --workload")]
    Nothing,
}

/// The cases of a run, in the order they are measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    cases: Vec<Case>,
}

impl Plan {
    /// Expands a selection: models outermost, in the order of the files.
    pub fn new(registry: &Registry, book: &WorkloadBook, selection: &Selection) -> Result<Self, PlanError> {
        let models = choose_models(registry, &selection.models)?;
        let workloads = choose_workloads(book, &selection.workloads)?;
        let mut cases = Vec::new();
        for model in models {
            for precision in choose_precisions(model, &selection.precisions)? {
                for workload in &workloads {
                    cases.push(case(model, precision, workload, selection.repetitions)?);
                }
            }
        }
        if cases.is_empty() { Err(PlanError::Nothing) } else { Ok(Self { cases }) }
    }

    /// The first tiny shape under the tiny workload, one repetition: exercises the whole path in a second.
    pub fn smoke_test(registry: &Registry, book: &WorkloadBook) -> Result<Self, PlanError> {
        let models = registry.test_shapes().take(1).map(|model| model.id.to_string()).collect();
        let tests = book.workloads().iter().filter(|workload| workload.role == WorkloadRole::Test);
        let workloads = tests.map(|workload| workload.id.clone()).collect();
        let selection = Selection { models, workloads, precisions: vec![], repetitions: Some(1) };
        Self::new(registry, book, &selection)
    }

    /// The cases, in order.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }
}

fn choose_models<'a>(registry: &'a Registry, asked: &[String]) -> Result<Vec<&'a ModelSpec>, PlanError> {
    if asked.is_empty() {
        return Ok(registry.defaults().filter(|model| model.role == ModelRole::Measure).collect());
    }
    let known = || registry.ids().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    asked
        .iter()
        .map(|id| {
            registry.get(id).ok_or_else(|| PlanError::UnknownModel { asked: id.clone(), known: known() })
        })
        .collect()
}

fn choose_workloads<'a>(book: &'a WorkloadBook, asked: &[String]) -> Result<Vec<&'a Workload>, PlanError> {
    if asked.is_empty() {
        return Ok(book.workloads().iter().filter(|workload| workload.default).collect());
    }
    let known = || book.workloads().iter().map(|w| w.id.clone()).collect::<Vec<_>>().join(", ");
    asked
        .iter()
        .map(|id| {
            book.get(id).ok_or_else(|| PlanError::UnknownWorkload { asked: id.clone(), known: known() })
        })
        .collect()
}

fn choose_precisions(model: &ModelSpec, asked: &[Precision]) -> Result<Vec<Precision>, PlanError> {
    if asked.is_empty() {
        return Ok(model.default_precision().into_iter().collect());
    }
    match asked.iter().find(|precision| !model.precisions.contains(precision)) {
        Some(missing) => Err(PlanError::NoPrecision { model: model.id.to_string(), precision: missing.id() }),
        None => Ok(asked.to_vec()),
    }
}

fn case(
    model: &ModelSpec,
    precision: Precision,
    workload: &Workload,
    repetitions: Option<u64>,
) -> Result<Case, PlanError> {
    let mut workload = workload.clone();
    if let Some(repetitions) = repetitions {
        workload.repetitions = repetitions;
    }
    if workload.positions() > model.shape.max_positions {
        return Err(PlanError::TooLong {
            workload: workload.id.clone(),
            needed: workload.positions(),
            model: model.id.to_string(),
            available: model.shape.max_positions,
        });
    }
    Ok(Case { model: model.clone(), precision, workload })
}

/// A rough forecast, for the announcement only; it never enters a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CaseForecast {
    /// Time of one request.
    pub request: Seconds,
    /// Time of the whole case: loads, warm-up and repetitions.
    pub case: Seconds,
}

/// Bytes of weights a core streams per second while it decodes, as seen with this engine on the machines of `docs/PERFORMANCE.md`.
const BYTES_PER_CORE_SECOND: f64 = 6e9;
/// More cores than this add no bandwidth on common machines.
const CORES_THAT_COUNT: u64 = 8;
/// Multiply-adds a core does per second in a quantised prefill.
const MULTIPLY_ADDS_PER_CORE_SECOND: f64 = 50e9;
/// Bytes loaded and repacked per second.
const LOADED_BYTES_PER_SECOND: f64 = 5e8;

impl CaseForecast {
    /// From the shape and the number of cores: bytes read per step over an assumed bandwidth, multiply-adds over an
    /// assumed rate. Off by a factor of two or more where the machine is unlike those the constants come from.
    pub fn new(case: &Case, cores: u64) -> Self {
        let cores = count_as_f64(cores.clamp(1, CORES_THAT_COUNT));
        let shape = &case.model.shape;
        let workload = &case.workload;
        let step = shape.read_bytes_per_step(case.precision).as_f64() / (BYTES_PER_CORE_SECOND * cores);
        let decode = Tokens::new(workload.output_tokens).as_f64() * step;
        let multiply_adds = Tokens::new(workload.prompt_tokens + workload.context_depth).as_f64()
            * count_as_f64(shape.active_parameters());
        let prefill = multiply_adds / (MULTIPLY_ADDS_PER_CORE_SECOND * cores);
        let request = prefill + decode;
        let load =
            count_as_f64(workload.loads) * shape.bytes(case.precision).as_f64() / LOADED_BYTES_PER_SECOND;
        let repetitions = count_as_f64(workload.warm_up + workload.repetitions);
        let seconds = |value| Seconds::new(value).expect("a sum of finite positive products");
        Self { request: seconds(request), case: seconds(load + repetitions * request) }
    }

    /// The memory a case needs before it is loaded: weights, the cache, and what this engine adds: a dequantised
    /// embedding table, rotary tables for every position, and `repacked_copies` of the weights at 4/3 of their size
    /// (none on a GPU, one on a CPU, two on a CPU with AMX). An upper bound: not every type is repacked.
    pub fn memory(case: &Case, repacked_copies: u64) -> Bytes {
        let shape = &case.model.shape;
        let weights = shape.bytes(case.precision).count();
        let repacked = repacked_copies * weights * 4 / 3;
        let embedding = shape.vocab * shape.hidden * 4;
        let rotary = shape.max_positions * shape.rope_dim() * 4;
        let cache = case.workload.batch * case.workload.positions() * shape.kv_bytes_per_token(4).count();
        Bytes::new(weights + repacked + embedding + rotary + 2 * cache)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> (Registry, WorkloadBook) {
        (
            Registry::parse("models.toml", include_str!("../../models.toml")).unwrap(),
            WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap(),
        )
    }

    fn select(models: &[&str], workloads: &[&str]) -> Result<Plan, PlanError> {
        let (registry, book) = shipped();
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        let selection = Selection { models: own(models), workloads: own(workloads), ..Selection::default() };
        Plan::new(&registry, &book, &selection)
    }

    #[test]
    fn the_default_plan_is_the_distill_and_mistral_7b_under_a_short_chat() {
        let plan = select(&[], &[]).unwrap();
        let ids: Vec<_> = plan.cases().iter().map(|case| case.id().to_string()).collect();
        assert_eq!(ids, ["r1-distill-qwen-1.5b/q4_k_m/short-chat", "mistral-7b-v0.3/q4_k_m/short-chat"]);
    }

    #[test]
    fn the_smoke_test_never_touches_a_real_shape() {
        let (registry, book) = shipped();
        let plan = Plan::smoke_test(&registry, &book).unwrap();
        assert!(plan.cases().iter().all(|case| case.model.role == ModelRole::Test));
        assert!(plan.cases().iter().all(|case| case.workload.repetitions == 1));
    }

    #[test]
    fn unknown_names_are_answered_with_the_known_ones() {
        let error = select(&["mistral-8x7b"], &[]).unwrap_err().to_string();
        assert!(error.starts_with("no model `mistral-8x7b`; known are r1-distill-qwen-1.5b, "), "{error}");
        assert!(error.ends_with("tiny-deepseek2"), "{error}");
        let error = select(&[], &["chat"]).unwrap_err().to_string();
        assert_eq!(error, "no workload `chat`; known are short-chat, tiny");
    }

    #[test]
    fn a_workload_longer_than_the_context_is_refused() {
        let (registry, book) = shipped();
        let mut long = book.get("tiny").unwrap().clone();
        long.prompt_tokens = 600;
        let book = WorkloadBook::new(vec![long]);
        let selection = Selection {
            models: vec!["tiny-qwen2".into()],
            workloads: vec!["tiny".into()],
            ..Default::default()
        };
        let error = Plan::new(&registry, &book, &selection).unwrap_err();
        assert!(matches!(error, PlanError::TooLong { needed: 604, available: 512, .. }), "{error}");
    }

    #[test]
    fn the_forecast_is_of_the_right_order_for_two_cores() {
        let plan = select(&[], &[]).unwrap();
        let forecast = CaseForecast::new(&plan.cases()[0], 2);
        assert!((3.0..20.0).contains(&forecast.request.value()), "{:?}", forecast.request);
        assert!(forecast.case.value() < 300.0, "{:?}", forecast.case);
    }

    #[test]
    fn the_memory_needed_covers_the_peak_seen() {
        let plan = select(&[], &[]).unwrap();
        let memory = |copies| CaseForecast::memory(&plan.cases()[0], copies).count();
        // Seen: 2.95 GB with AVX2, 4.51 GB with AMX (docs/PERFORMANCE.md).
        assert!((2_950_000_000..4_000_000_000).contains(&memory(1)), "{}", memory(1));
        assert!((4_510_000_000..5_500_000_000).contains(&memory(2)), "{}", memory(2));
        assert!(memory(0) < memory(1));
    }
}
