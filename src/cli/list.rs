//! `claimbench list`: what can be measured, and what is by default.

use serde_json::json;

use super::{Catalog, EngineChoice, Row, Status, Terminal};
use crate::measurement::EngineGap;
use crate::model::{HubFile, ModelSpec, Precision};
use crate::units::{Bytes, count_as_f64};
use crate::workload::{Case, Plan, Selection, Workload};

pub(super) fn execute(json: bool, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let catalog = Catalog::shipped()?;
    let (models, workloads) = (catalog.models.models(), catalog.workloads.workloads());
    let plan = Plan::new(&catalog.models, &catalog.workloads, &Selection::default())?;
    let rows = Row::of_suite(plan.cases());
    if json {
        let document = json!({
            "models": models.iter().map(|model| model_json(model, workloads, &rows)).collect::<Vec<_>>(),
            "workloads": workloads.iter().map(workload_json).collect::<Vec<_>>(),
        });
        terminal.data(&serde_json::to_string_pretty(&document)?)?;
        return Ok(Status::Good);
    }
    terminal.data("models (* is measured by default, at the first precision)")?;
    let mut lacking = Vec::new();
    for model in models {
        let own = gaps(EngineChoice::Claimbench, model, workloads);
        let second = gaps(EngineChoice::CandleTransformers, model, workloads);
        let is_shown = default_engines(model, &rows).contains(&EngineChoice::CandleTransformers.id());
        let beside = if is_shown { ", measured with it by default too" } else { "" };
        terminal.data(&model_line(model, &format!("{}{beside}", runs(&own, &second))))?;
        lacking.extend(own.into_iter().chain(second));
    }
    terminal.data("second opinion: candle-transformers computes the same; where not, it lacks:")?;
    for gap in EngineGap::ALL.iter().filter(|gap| lacking.contains(gap)) {
        terminal.data(&format!("  {:<22} {}", gap.id(), gap.reason()))?;
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

fn model_line(model: &ModelSpec, engine: &str) -> String {
    let size = |precision: &Precision| {
        let bytes = model.tensor_bytes(*precision).as_f64();
        let (amount, unit) = if bytes < 1e8 { (bytes / 1e6, "MB") } else { (bytes / 1e9, "GB") };
        format!("{} {amount:.2} {unit}", precision.id())
    };
    let licence = &model.licence;
    let bonds = [(licence.restricted, " (restricted)"), (licence.gated, " (gated)")];
    let bonds: String = bonds.into_iter().filter_map(|(holds, text)| holds.then_some(text)).collect();
    format!(
        "{} {:<22} {:>6.2} B parameters, {}, licence {}{bonds}, {engine}",
        mark(model.default),
        model.id.as_str(),
        count_as_f64(model.shape.parameters()) / 1e9,
        model.precisions.iter().map(size).collect::<Vec<_>>().join(", "),
        licence.name
    )
}

/// What an engine lacks for a model under the shortest workload; a longer one may lack more.
pub(super) fn gaps(engine: EngineChoice, model: &ModelSpec, workloads: &[Workload]) -> Vec<EngineGap> {
    let shortest = workloads.iter().min_by_key(|workload| workload.positions());
    let case = shortest.zip(model.default_precision()).map(|(workload, precision)| Case {
        model: model.clone(),
        precision,
        workload: workload.clone(),
    });
    case.map(|case| engine.gaps(&case)).unwrap_or_default()
}

/// The engines that the default suite measures a model with.
fn default_engines(model: &ModelSpec, rows: &[Row]) -> Vec<&'static str> {
    let mut engines = Vec::new();
    for row in rows.iter().filter(|row| row.case.model.id == model.id) {
        if !engines.contains(&row.engine.id()) {
            engines.push(row.engine.id());
        }
    }
    engines
}

fn runs(own: &[EngineGap], second: &[EngineGap]) -> String {
    let listed = |gaps: &[EngineGap]| gaps.iter().map(|gap| gap.id()).collect::<Vec<_>>().join(", ");
    match (own, second) {
        ([], []) => "runs, with a second opinion".to_owned(),
        ([], second) => format!("runs, no second opinion: {}", listed(second)),
        (own, _) => format!("not run: {}", listed(own)),
    }
}

fn workload_line(workload: &Workload) -> String {
    format!(
        "{} {:<22} prompt {}, output {}, batch {}, depth {}, {} to {} repetitions\n{:27}{}",
        mark(workload.default),
        workload.id,
        workload.prompt_tokens,
        workload.output_tokens,
        workload.batch,
        workload.context_depth,
        workload.repetitions,
        workload.most_repetitions,
        "",
        workload.why
    )
}

fn model_json(model: &ModelSpec, workloads: &[Workload], rows: &[Row]) -> serde_json::Value {
    let listed = |engine| {
        let gaps = gaps(engine, model, workloads).into_iter();
        gaps.map(|gap| json!({ "id": gap.id(), "reason": gap.reason() })).collect::<Vec<_>>()
    };
    let (own, second) = (listed(EngineChoice::Claimbench), listed(EngineChoice::CandleTransformers));
    let precision = |precision: &Precision| {
        let file = model.file(*precision);
        json!({
            "id": precision.id(),
            "tensor_bytes": model.tensor_bytes(*precision).count(),
            "read_bytes_per_step": model.read_bytes_per_step(*precision).count(),
            "file": file.map(HubFile::label),
            "file_bytes": file.and_then(|file| file.bytes).map(Bytes::count),
        })
    };
    json!({
        "id": model.id.as_str(),
        "name": model.name,
        "publisher": model.publisher,
        "family": model.shape.family.id(),
        "default": model.default,
        "default_engines": default_engines(model, rows),
        "parameters": model.shape.parameters(),
        "active_parameters": model.shape.active_parameters(),
        "kv_bytes_per_token": model.shape.kv_bytes_per_token(2).count(),
        "precisions": model.precisions.iter().map(precision).collect::<Vec<_>>(),
        "default_precision": model.default_precision().map(Precision::id),
        "licence": model.licence.name,
        "licence_note": model.licence.note,
        "licence_restricted": model.licence.restricted,
        "licence_gated": model.licence.gated,
        "hub_repo": model.hub.as_ref().map(|hub| hub.repo.clone()),
        "runs": own.is_empty(),
        "gaps": own,
        "second_opinion": second.is_empty(),
        "second_opinion_gaps": second,
    })
}

fn workload_json(workload: &Workload) -> serde_json::Value {
    json!({
        "id": workload.id,
        "title": workload.title,
        "why": workload.why,
        "default": workload.default,
        "prompt_tokens": workload.prompt_tokens,
        "output_tokens": workload.output_tokens,
        "batch": workload.batch,
        "context_depth": workload.context_depth,
        "warm_up": workload.warm_up,
        "loads": workload.loads,
        "repetitions": workload.repetitions,
        "most_repetitions": workload.most_repetitions,
        "limit_seconds": workload.limit_seconds,
    })
}
