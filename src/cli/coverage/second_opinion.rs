//! Which models candle-transformers computes as well, and what it lacks for the others.

use crate::cli::list::gaps;
use crate::cli::{Catalog, EngineChoice};
use crate::model::ModelRole;

/// A section of Markdown, ending in a newline.
pub(super) fn section(catalog: &Catalog) -> String {
    let mut lines = vec![
        "\n## Second opinion\n".to_owned(),
        "Where candle-transformers 0.11.1 computes the same (`--engine candle-transformers`), from GGUF files and under the shortest \
         workload; what it lacks otherwise is explained in \
         [Engines, and a second opinion](METHODOLOGY.md#engines-and-a-second-opinion).\n"
            .to_owned(),
        "| Model | Second opinion |\n| --- | --- |".to_owned(),
    ];
    for model in catalog.models.models().iter().filter(|model| model.role == ModelRole::Measure) {
        let lacking = gaps(EngineChoice::CandleTransformers, model, catalog.workloads.workloads());
        let ids: Vec<String> = lacking.iter().map(|gap| format!("`{}`", gap.id())).collect();
        let told = if ids.is_empty() { "yes".to_owned() } else { format!("no: {}", ids.join(", ")) };
        lines.push(format!("| {} | {told} |", model.name));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_model_has_a_row_that_says_yes_or_what_is_lacking() {
        let catalog = Catalog::shipped().unwrap();
        let section = section(&catalog);
        assert!(section.contains("| DeepSeek-R1-Distill-Qwen-7B | yes |"), "{section}");
        assert!(section.contains("| Mistral-Nemo-Instruct-2407 | no: `head-size` |"), "{section}");
        assert!(!section.contains("tiny"), "{section}");
    }
}
