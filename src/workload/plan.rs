//! From a selection to an ordered list of cases.

use super::case::Case;
use super::spec::{Workload, WorkloadBook, WorkloadRole};
use crate::model::{ModelRole, ModelSpec, Precision, Registry};

/// What stands for everything that was not named.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Suite {
    /// What `models.toml` and `workloads.toml` mark as default.
    #[default]
    Default,
    /// Every published model in every precision it can be measured in, under every workload of reports.
    Full,
}

/// What somebody asked for; an empty list means what the suite names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Selection {
    /// Fills the lists that are empty.
    pub suite: Suite,
    /// Model ids.
    pub models: Vec<String>,
    /// Workload ids.
    pub workloads: Vec<String>,
    /// Precisions; empty means the default of each model.
    pub precisions: Vec<Precision>,
    /// Takes the place of every workload's own fewest and most repetitions.
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
        let models = choose_models(registry, selection)?;
        let workloads = choose_workloads(book, selection)?;
        let mut cases = Vec::new();
        for model in models {
            for precision in choose_precisions(model, selection)? {
                for workload in &workloads {
                    let case = case(model, precision, workload, selection)?;
                    // Whoever names a model twice gets it once: a case is a row of the run.
                    if !cases.iter().any(|earlier: &Case| earlier.id() == case.id()) {
                        cases.push(case);
                    }
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
        let selection = Selection { models, workloads, repetitions: Some(1), ..Selection::default() };
        Self::new(registry, book, &selection)
    }

    /// The cases, in order.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }
}

fn choose_models<'a>(registry: &'a Registry, selection: &Selection) -> Result<Vec<&'a ModelSpec>, PlanError> {
    if selection.models.is_empty() {
        let of_reports = registry.models().iter().filter(|model| model.role == ModelRole::Measure);
        return Ok(of_reports.filter(|model| model.default || selection.suite == Suite::Full).collect());
    }
    let known = || registry.ids().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let find = |id: &String| {
        registry.get(id).ok_or_else(|| PlanError::UnknownModel { asked: id.clone(), known: known() })
    };
    selection.models.iter().map(find).collect()
}

fn choose_workloads<'a>(
    book: &'a WorkloadBook,
    selection: &Selection,
) -> Result<Vec<&'a Workload>, PlanError> {
    if selection.workloads.is_empty() {
        let of_reports = book.workloads().iter().filter(|workload| workload.role == WorkloadRole::Measure);
        return Ok(of_reports
            .filter(|workload| workload.default || selection.suite == Suite::Full)
            .collect());
    }
    let known = || book.workloads().iter().map(|w| w.id.clone()).collect::<Vec<_>>().join(", ");
    let find = |id: &String| {
        book.get(id).ok_or_else(|| PlanError::UnknownWorkload { asked: id.clone(), known: known() })
    };
    selection.workloads.iter().map(find).collect()
}

fn choose_precisions(model: &ModelSpec, selection: &Selection) -> Result<Vec<Precision>, PlanError> {
    if selection.precisions.is_empty() {
        // The registry's reader admits no model without a precision; the first is the one to measure by default.
        let count = if selection.suite == Suite::Full { model.precisions.len() } else { 1 };
        return Ok(model.precisions.iter().copied().take(count).collect());
    }
    match selection.precisions.iter().find(|precision| !model.precisions.contains(precision)) {
        Some(missing) => Err(PlanError::NoPrecision { model: model.id.to_string(), precision: missing.id() }),
        None => Ok(selection.precisions.clone()),
    }
}

fn case(
    model: &ModelSpec,
    precision: Precision,
    workload: &Workload,
    selection: &Selection,
) -> Result<Case, PlanError> {
    let mut workload = workload.clone();
    if let Some(repetitions) = selection.repetitions {
        (workload.repetitions, workload.most_repetitions) = (repetitions, repetitions);
    }
    // Of a suite, what is too long for a model is a row that says so (`EngineGap::Context`).
    if !selection.workloads.is_empty() && workload.positions() > model.shape.max_positions {
        return Err(PlanError::TooLong {
            workload: workload.id.clone(),
            needed: workload.positions(),
            model: model.id.to_string(),
            available: model.shape.max_positions,
        });
    }
    Ok(Case { model: model.clone(), precision, workload })
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
        assert_eq!(
            error,
            "no workload `chat`; known are short-chat, long-chat, summarise, write-code, reason, depth-0, depth-1k, depth-4k, depth-16k, batch-1, \
             batch-2, batch-4, batch-8, batch-16, batch-32, batch-64, tiny"
        );
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
}
