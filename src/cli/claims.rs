//! `claimbench claims`: what is claimed, and what the ledger makes of it.

use serde_json::json;

use super::arguments::ClaimsArgs;
use super::{Catalog, Status, Terminal};
use crate::claim::{Claim, Ledger};

pub(super) fn execute(args: &ClaimsArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let ledger = Catalog::shipped()?.ledger;
    let chosen: Vec<&Claim> = match &args.id {
        None => ledger.claims().iter().collect(),
        Some(id) => {
            let known =
                || ledger.claims().iter().map(|claim| claim.id.as_str()).collect::<Vec<_>>().join(", ");
            vec![ledger.get(id).ok_or_else(|| anyhow::anyhow!("no claim `{id}`; known are {}", known()))?]
        }
    };
    if args.json.json {
        let document: Vec<_> = chosen.iter().map(|claim| claim_json(claim, &ledger)).collect();
        terminal.data(&serde_json::to_string_pretty(&document)?)?;
    } else if args.id.is_some() {
        for claim in chosen {
            terminal.data(&whole(claim, &ledger))?;
        }
    } else {
        for claim in chosen {
            let examined = claim.examine(&ledger);
            terminal.data(&format!("{:<30} {:<24} {}", claim.id, examined.outcome.id(), claim.title))?;
        }
        terminal.say("one claim whole: claimbench claims ID");
    }
    Ok(Status::Good)
}

fn whole(claim: &Claim, ledger: &Ledger) -> String {
    let examined = claim.examine(ledger);
    let mut lines = vec![
        claim.title.clone(),
        format!("  quote      \"{}\" ({}, {})", claim.quote.text, claim.speaker, claim.said_on.as_str()),
        format!("  counts     {}", claim.counts),
        format!("  leaves out {}", claim.leaves_out),
        format!("  examined   {}: {}", examined.examination.id(), examined.outcome.id()),
    ];
    if !examined.steps.is_empty() {
        lines.push(format!("  steps      {}", examined.steps));
    }
    for proportion in &claim.proportions {
        lines.push(format!("  beside     {}: {}", proportion.label, proportion.worked.steps));
    }
    lines.push(format!("  analysis   {}", claim.analysis));
    for id in &examined.sources {
        if let Some(source) = ledger.source(id) {
            let verified = if source.verified { "" } else { " (not verified)" };
            let address = source.address.as_deref().unwrap_or("no public address");
            lines.push(format!("  source     {}, {}, {address}{verified}", source.title, source.publisher));
        }
    }
    lines.join("\n")
}

fn claim_json(claim: &Claim, ledger: &Ledger) -> serde_json::Value {
    let examined = claim.examine(ledger);
    json!({
        "id": claim.id,
        "title": claim.title,
        "quote": claim.quote.text,
        "quote_language": claim.quote.language.id(),
        "speaker": claim.speaker,
        "said_on": claim.said_on.as_str(),
        "amount_printed": claim.amount.printed,
        "counts": claim.counts,
        "leaves_out": claim.leaves_out,
        "examination": examined.examination.id(),
        "outcome": examined.outcome.id(),
        "steps": if examined.steps.is_empty() { None } else { Some(&examined.steps) },
        "inputs": examined.inputs.iter().map(|input| &input.constant).collect::<Vec<_>>(),
        "sources": examined.sources,
        "unverified": examined.unverified,
    })
}
