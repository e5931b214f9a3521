//! `claimbench claims`: what is claimed, and what the ledger makes of it.

use serde_json::{Value, json};

use super::arguments::ClaimsArgs;
use super::locale::user_language;
use super::{Catalog, Status, Terminal, speeds};
use crate::claim::{Category, Claim, Constant, Examined, Ledger, Reading, Source};
use crate::language::{Bilingual, Language};

pub(super) fn execute(args: &ClaimsArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let ledger = Catalog::shipped()?.ledger;
    let language = args.lang.unwrap_or_else(user_language);
    if args.speeds {
        return show_speeds(args, &ledger, language, terminal);
    }
    let chosen = choose(args, &ledger)?;
    if args.json.json {
        let claims: Vec<Value> = chosen.iter().map(|claim| claim_json(claim, &ledger)).collect();
        terminal.data(&serde_json::to_string_pretty(&claims)?)?;
    } else if args.id.is_some() {
        for claim in chosen {
            terminal.data(&whole(claim, &ledger, language))?;
        }
    } else {
        for line in table(&chosen, &ledger, language) {
            terminal.data(&line)?;
        }
        terminal.note(&format!(
            "{} of {} claims; one of them whole: claimbench claims ID; {} cited speeds: claimbench claims --speeds",
            chosen.len(),
            ledger.claims().len(),
            ledger.speeds().speeds().len()
        ));
    }
    Ok(Status::Good)
}

fn show_speeds(
    args: &ClaimsArgs,
    ledger: &Ledger,
    language: Language,
    terminal: &mut Terminal,
) -> anyhow::Result<Status> {
    if args.json.json {
        terminal.data(&serde_json::to_string_pretty(&speeds::document(ledger))?)?;
    } else {
        for line in speeds::table(ledger, language) {
            terminal.data(&line)?;
        }
    }
    Ok(Status::Good)
}

/// The claims that all the filters let through.
fn choose<'a>(args: &ClaimsArgs, ledger: &'a Ledger) -> anyhow::Result<Vec<&'a Claim>> {
    if let Some(id) = &args.id {
        let known = || ledger.claims().iter().map(|claim| claim.id.as_str()).collect::<Vec<_>>().join(", ");
        let claim =
            ledger.get(id).ok_or_else(|| anyhow::anyhow!("no claim `{id}`; known are {}", known()))?;
        return Ok(vec![claim]);
    }
    let examined = |claim: &Claim| claim.examine(ledger);
    let keeps = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
    for (flag, wanted, value) in [
        ("category", &args.category, (|claim, _| claim.category.id().to_owned()) as Key),
        ("outcome", &args.outcome, |_, examined| examined.outcome.id().to_owned()),
        ("examined", &args.examined, |_, examined| examined.examination.id().to_owned()),
        ("article", &args.article, |claim, _| claim.quote.source.clone()),
    ] {
        let mut known: Vec<String> = ledger.claims().iter().map(|c| value(c, &examined(c))).collect();
        known.sort();
        known.dedup();
        anyhow::ensure!(
            wanted.as_ref().is_none_or(|wanted| known.contains(wanted)),
            "no claim has the {flag} `{}`; there are {}",
            wanted.as_deref().unwrap_or_default(),
            known.join(", ")
        );
    }
    let chosen = ledger.claims().iter().filter(|claim| {
        let examined = examined(claim);
        keeps(&args.category, claim.category.id())
            && keeps(&args.outcome, examined.outcome.id())
            && keeps(&args.examined, examined.examination.id())
            && keeps(&args.article, &claim.quote.source)
    });
    Ok(chosen.collect())
}

/// What a filter looks at.
type Key = fn(&Claim, &Examined) -> String;

/// One line per claim under a line per category, no wider than its titles.
fn table(claims: &[&Claim], ledger: &Ledger, language: Language) -> Vec<String> {
    let width = claims.iter().map(|claim| claim.id.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for category in Category::ALL {
        let own: Vec<_> = claims.iter().filter(|claim| claim.category == category).collect();
        if !own.is_empty() {
            lines.push(category.id().to_owned());
        }
        lines.extend(own.iter().map(|claim| {
            let outcome = claim.examine(ledger).outcome.id();
            format!("  {:<width$}  {outcome:<23}  {}", claim.id, claim.title.get(language))
        }));
    }
    lines
}

fn whole(claim: &Claim, ledger: &Ledger, language: Language) -> String {
    let examined = claim.examine(ledger);
    let text = |text: &Bilingual| text.get(language).to_owned();
    let quoted_in = ledger.source(&claim.quote.source).map(named).unwrap_or_default();
    let mut lines = vec![
        text(&claim.title),
        format!("  quote      \"{}\"", claim.quote.text),
        format!("  said       {}, {}, in {quoted_in}", text(&claim.speaker), claim.said_on.as_str()),
        format!("  counts     {}", text(&claim.counts)),
        format!("  leaves out {}", text(&claim.leaves_out)),
        format!("  examined   {}: {}", examined.examination.id(), examined.outcome.id()),
    ];
    if !examined.steps.is_empty() {
        lines.push(format!("  steps      {}", examined.steps));
    }
    for proportion in &claim.proportions {
        lines.push(format!("  beside     {}: {}", text(&proportion.label), proportion.worked.steps));
    }
    lines.push(format!("  analysis   {}", text(&claim.analysis)));
    lines.extend(claim.disagreement.iter().map(|words| format!("  disputed   {}", text(words))));
    for source in examined.sources.iter().filter_map(|id| ledger.source(id)) {
        let address = source.address.as_deref().unwrap_or("no public address");
        lines.push(format!("  source     {}, {address} ({})", named(source), read(source)));
    }
    if !claim.related.is_empty() {
        lines.push(format!("  see also   {}", claim.related.join(", ")));
    }
    lines.join("\n")
}

fn named(source: &Source) -> String {
    let publisher = source.publisher.as_deref().unwrap_or("publisher unknown");
    let date = source.date.as_ref().map(|date| format!(", {}", date.as_str())).unwrap_or_default();
    format!("{}, {publisher}{date}", source.title)
}

fn read(source: &Source) -> String {
    match &source.reading {
        Reading::Original => "read in the original".to_owned(),
        Reading::AsQuoted { by } => format!("read as quoted by {by}"),
        Reading::NotVerified => "not verified".to_owned(),
    }
}

pub(super) fn both(text: &Bilingual) -> Value {
    json!({ "en": text.en, "fr": text.fr })
}

fn claim_json(claim: &Claim, ledger: &Ledger) -> Value {
    let examined = claim.examine(ledger);
    let amount = claim.amount.as_ref().map(|amount| {
        json!({
            "printed": amount.printed,
            "reading": amount.reading.as_ref().map(both),
            "low": amount.figure.range.low(),
            "high": amount.figure.range.high(),
            "unit": amount.figure.unit.to_string(),
        })
    });
    let beside = claim
        .proportions
        .iter()
        .map(|proportion| json!({ "label": both(&proportion.label), "steps": proportion.worked.steps }));
    let own = examined.inputs.iter();
    let inputs = own.chain(claim.proportions.iter().flat_map(|proportion| &proportion.worked.inputs));
    let mut constants: Vec<&Constant> = inputs.filter_map(|i| ledger.constant(&i.constant)).collect();
    constants.sort_by(|a, b| a.id.cmp(&b.id));
    constants.dedup_by(|a, b| a.id == b.id);
    json!({
        "id": claim.id,
        "title": both(&claim.title),
        "category": claim.category.id(),
        "quote": claim.quote.text,
        "quote_language": claim.quote.language.id(),
        "quoted_in": claim.quote.source,
        "speaker": both(&claim.speaker),
        "said_on": claim.said_on.as_str(),
        "amount": amount,
        "counts": both(&claim.counts),
        "leaves_out": both(&claim.leaves_out),
        "examination": examined.examination.id(),
        "outcome": examined.outcome.id(),
        "steps": if examined.steps.is_empty() { None } else { Some(&examined.steps) },
        "beside": beside.collect::<Vec<_>>(),
        "analysis": both(&claim.analysis),
        "disagreement": claim.disagreement.as_ref().map(both),
        "related": claim.related,
        "constants": constants.into_iter().map(constant_json).collect::<Vec<_>>(),
        "sources": examined.sources.iter().filter_map(|id| ledger.source(id)).map(source_json).collect::<Vec<_>>(),
        "unverified": examined.unverified,
    })
}

fn constant_json(constant: &Constant) -> Value {
    json!({
        "id": constant.id,
        "title": both(&constant.title),
        "low": constant.figure.range.low(),
        "central": constant.figure.range.central(),
        "high": constant.figure.range.high(),
        "unit": constant.figure.unit.to_string(),
        "as_of": constant.as_of.as_str(),
        "source": constant.source,
        "verified": constant.verified,
    })
}

pub(super) fn source_json(source: &Source) -> Value {
    let quoted_by = match &source.reading {
        Reading::AsQuoted { by } => Some(by),
        Reading::Original | Reading::NotVerified => None,
    };
    json!({
        "id": source.id,
        "title": source.title,
        "publisher": source.publisher,
        "date": source.date.as_ref().map(crate::date::Date::as_str),
        "address": source.address,
        "level": source.level.id(),
        "read": source.reading.id(),
        "quoted_by": quoted_by,
    })
}
