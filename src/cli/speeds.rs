//! `claimbench claims --speeds`: speeds that others published, beside the bandwidth of the card they were seen on.

use serde_json::{Value, json};

use super::claims::{both, source_json};
use crate::claim::{BytesFrom, Card, CitedSpeed, Ledger, NotJudged, Plausibility};
use crate::language::Language;

/// Decimal, as the makers of cards write it.
const GIGABYTE: f64 = 1e9;

/// Three lines per speed: what is said, what it needs, and its first source.
pub(super) fn table(ledger: &Ledger, language: Language) -> Vec<String> {
    ledger.speeds().speeds().iter().flat_map(|speed| lines(speed, ledger, language)).collect()
}

fn lines(speed: &CitedSpeed, ledger: &Ledger, language: Language) -> [String; 3] {
    let found = speed.check();
    let published = speed.card.bandwidth.value() / GIGABYTE;
    let seen_on = format!("{} gives {published} GB/s", speed.card.name);
    let read = format!("{:.2} GB a step", speed.bytes_per_step.as_f64() / GIGABYTE);
    let needs = match (found, found.needed()) {
        (Plausibility::NotJudged(reason), _) => because(reason).to_owned(),
        (_, Some(needed)) => format!(
            "needs {:.0} GB/s, {:.0} % of it",
            needed.bandwidth.value() / GIGABYTE,
            needed.share.value() * 100.0
        ),
        (_, None) => String::new(),
    };
    let address = ledger.source(&speed.sources[0]).and_then(|source| source.address.as_deref());
    [
        format!("{}  {}: {}", speed.id, found.id(), speed.statement.get(language)),
        format!("  {}, {read}; {seen_on}; {needs}", speed.weights),
        format!("  {}", address.unwrap_or("no public address")),
    ]
}

const fn because(reason: NotJudged) -> &'static str {
    match reason {
        NotJudged::SequencesNotStated => "the source does not say for how many sequences",
        NotJudged::SpeculationUsed => "several tokens were guessed and checked in one step",
        NotJudged::OutOfRange => "its amounts cannot be set in proportion",
    }
}

/// Every speed with what follows from it, as data.
pub(super) fn document(ledger: &Ledger) -> Value {
    let speeds = ledger.speeds().speeds().iter().map(|speed| speed_json(speed, ledger));
    Value::Array(speeds.collect())
}

fn speed_json(speed: &CitedSpeed, ledger: &Ledger) -> Value {
    let found = speed.check();
    let not_judged = match found {
        Plausibility::NotJudged(reason) => Some(reason.id()),
        Plausibility::Plausible(_) | Plausibility::Implausible(_) => None,
    };
    let (model, precision) = match &speed.bytes_from {
        BytesFrom::Model { id, precision } => (Some(id), Some(precision.id())),
        BytesFrom::Stated => (None, None),
    };
    json!({
        "id": speed.id,
        "statement": both(&speed.statement),
        "tokens_per_second": speed.tokens_per_second.value(),
        "sequences": speed.sequences,
        "speculation": speed.speculation.id(),
        "model": speed.model,
        "weights": speed.weights,
        "engine": speed.engine,
        "said_on": speed.said_on.as_ref().map(crate::date::Date::as_str),
        "read_bytes_per_step": speed.bytes_per_step.count(),
        "read_bytes_of_model": model,
        "read_bytes_of_precision": precision,
        "read_bytes_why": both(&speed.bytes_why),
        "card": card_json(&speed.card, ledger),
        "verdict": found.id(),
        "not_judged": not_judged,
        "needed_bytes_per_second": found.needed().map(|needed| needed.bandwidth.value()),
        "share": found.needed().map(|needed| needed.share.value()),
        "sources": sources_json(&speed.sources, ledger),
    })
}

fn card_json(card: &Card, ledger: &Ledger) -> Value {
    json!({
        "id": card.id,
        "name": card.name,
        "bandwidth_bytes_per_second": card.bandwidth.value(),
        "memory_gb": card.memory_gb,
        "board_watts": card.board_power.map(crate::units::Watts::value),
        "sources": sources_json(&card.sources, ledger),
    })
}

fn sources_json(ids: &[String], ledger: &Ledger) -> Vec<Value> {
    ids.iter().filter_map(|id| ledger.source(id)).map(source_json).collect()
}
