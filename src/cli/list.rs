//! `claimbench list`: what can be measured, and what is by default.

use serde_json::json;

use super::{Catalog, Status, Terminal};
use crate::model::ModelSpec;
use crate::workload::Workload;

pub(super) fn execute(json: bool, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let catalog = Catalog::shipped()?;
    let (models, workloads) = (catalog.models.models(), catalog.workloads.workloads());
    if json {
        let document = json!({
            "models": models.iter().map(model_json).collect::<Vec<_>>(),
            "workloads": workloads.iter().map(workload_json).collect::<Vec<_>>(),
        });
        terminal.data(&serde_json::to_string_pretty(&document)?)?;
        return Ok(Status::Good);
    }
    terminal.data("models (* is measured by default)")?;
    for model in models {
        terminal.data(&model_line(model))?;
    }
    terminal.data("workloads (* is run by default)")?;
    for workload in workloads {
        terminal.data(&workload_line(workload))?;
    }
    Ok(Status::Good)
}

fn mark(is_default: bool) -> char {
    if is_default { '*' } else { ' ' }
}

fn model_line(model: &ModelSpec) -> String {
    let precisions: Vec<_> = model.precisions.iter().map(|precision| precision.id()).collect();
    format!(
        "{} {:<22} {:>6.2} B parameters, {}, {:.2} GB, licence {}",
        mark(model.default),
        model.id.as_str(),
        crate::units::count_as_f64(model.shape.parameters()) / 1e9,
        precisions.join(" "),
        model.shape.q4_k_m_bytes().as_f64() / 1e9,
        model.licence.name
    )
}

fn workload_line(workload: &Workload) -> String {
    format!(
        "{} {:<22} prompt {}, output {}, batch {}, {} repetitions",
        mark(workload.default),
        workload.id,
        workload.prompt_tokens,
        workload.output_tokens,
        workload.batch,
        workload.repetitions
    )
}

fn model_json(model: &ModelSpec) -> serde_json::Value {
    json!({
        "id": model.id.as_str(),
        "name": model.name,
        "default": model.default,
        "parameters": model.shape.parameters(),
        "precisions": model.precisions.iter().map(|precision| precision.id()).collect::<Vec<_>>(),
        "q4_k_m_bytes": model.shape.q4_k_m_bytes().count(),
        "licence": model.licence.name,
        "licence_gated": model.licence.gated,
        "hub_repo": model.hub.as_ref().map(|hub| hub.repo.clone()),
    })
}

fn workload_json(workload: &Workload) -> serde_json::Value {
    json!({
        "id": workload.id,
        "title": workload.title,
        "default": workload.default,
        "prompt_tokens": workload.prompt_tokens,
        "output_tokens": workload.output_tokens,
        "batch": workload.batch,
        "context_depth": workload.context_depth,
        "warm_up": workload.warm_up,
        "repetitions": workload.repetitions,
    })
}
