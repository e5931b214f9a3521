//! The rows of a run: which cases are measured, and with which engines.

use super::EngineChoice;
use crate::measurement::RowId;
use crate::workload::Case;

/// One row of a run: a case, and the engine that computes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What is asked.
    pub case: Case,
    /// Who answers.
    pub engine: EngineChoice,
}

impl Row {
    /// Every case with each of these engines, the rows of a case beside each other.
    pub fn of(cases: &[Case], engines: &[EngineChoice]) -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        for case in cases {
            for &engine in engines {
                let row = Self { case: case.clone(), engine };
                // Whoever names an engine twice gets it once.
                if !rows.iter().any(|earlier| earlier.id() == row.id()) {
                    rows.push(row);
                }
            }
        }
        rows
    }

    /// The cases of a suite with the project's own engine, and one of them with candle-transformers too: the first default
    /// model that it computes, in its first precision and under a default workload. One is enough to show what Candle gives
    /// out of the box, and the models come in the order of their size, so it is the one that costs the least time.
    pub fn of_suite(cases: &[Case]) -> Vec<Self> {
        let second = EngineChoice::CandleTransformers;
        let is_default = |case: &&Case| {
            let precision = case.model.default_precision();
            case.model.default && case.workload.default && precision == Some(case.precision)
        };
        let shown = cases.iter().filter(is_default).find(|case| second.gaps(case).is_empty());
        let rows = |case| {
            let engines = [EngineChoice::Claimbench, second];
            Self::of(std::slice::from_ref(case), if Some(case) == shown { &engines } else { &engines[..1] })
        };
        cases.iter().flat_map(rows).collect()
    }

    /// The row's name.
    pub fn id(&self) -> RowId {
        RowId::new(self.case.id(), self.engine.id())
    }

    /// True if both are measured with one loaded model: the same checkpoint in the same engine.
    pub fn shares_model(&self, other: &Self) -> bool {
        self.engine == other.engine && self.case.shares_checkpoint(&other.case)
    }

    /// What keeps the engine from running the case rightly, as a reason not to try.
    pub(super) fn lacks(&self) -> Option<crate::measurement::Skip> {
        self.engine.lacks(&self.case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Catalog;
    use crate::workload::{Plan, Selection, Suite};

    fn cases(selection: &Selection) -> Vec<Case> {
        let catalog = Catalog::shipped().unwrap();
        Plan::new(&catalog.models, &catalog.workloads, selection).unwrap().cases().to_vec()
    }

    fn ids(rows: &[Row]) -> Vec<String> {
        rows.iter().map(|row| row.id().to_string()).collect()
    }

    #[test]
    fn the_default_suite_shows_candle_transformers_beside_the_smaller_model() {
        assert_eq!(
            ids(&Row::of_suite(&cases(&Selection::default()))),
            [
                "r1-distill-qwen-1.5b/q4_k_m/short-chat",
                "r1-distill-qwen-1.5b/q4_k_m/short-chat/candle-transformers",
                "mistral-7b-v0.3/q4_k_m/short-chat"
            ]
        );
    }

    #[test]
    fn the_full_suite_has_the_same_second_row_and_no_other() {
        let cases = cases(&Selection { suite: Suite::Full, ..Selection::default() });
        let rows = Row::of_suite(&cases);
        assert_eq!(rows.len(), cases.len() + 1);
        let second: Vec<String> =
            ids(&rows).into_iter().filter(|id| id.ends_with("/candle-transformers")).collect();
        assert_eq!(second, ["r1-distill-qwen-1.5b/q4_k_m/short-chat/candle-transformers"]);
    }

    #[test]
    fn a_model_that_candle_transformers_cannot_compute_makes_way_for_the_next() {
        let mut cases = cases(&Selection::default());
        cases[0].model.shape.rope_scaling =
            Catalog::shipped().unwrap().models.get("r1-distill-llama-8b").unwrap().shape.rope_scaling;
        let rows = Row::of_suite(&cases);
        assert_eq!(
            ids(&rows)[1..],
            ["mistral-7b-v0.3/q4_k_m/short-chat", "mistral-7b-v0.3/q4_k_m/short-chat/candle-transformers"]
        );
    }

    #[test]
    fn engines_that_are_asked_for_get_every_case_and_each_once() {
        let two =
            [EngineChoice::CandleTransformers, EngineChoice::Scripted, EngineChoice::CandleTransformers];
        let rows = Row::of(&cases(&Selection::default()), &two);
        assert_eq!(rows.len(), 4);
        assert!(!rows[0].shares_model(&rows[1]), "each engine loads for itself");
        assert_eq!(rows[0].case, rows[1].case);
    }
}
