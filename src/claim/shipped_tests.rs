//! The shipped ledger: it reads clean, its outcomes follow from its data, and its formulas give the known values.

use super::*;
use crate::cost::PriceBook;

pub(super) const CLAIMS: &str = include_str!("../../ledger/claims/deepseek.toml");
pub(super) const SOURCES: &str = include_str!("../../ledger/sources.toml");
const PRICES: &str = include_str!("../../ledger/prices.toml");
const DERIVED: &str = include_str!("../../tests/data/derived.toml");

fn ledger() -> Ledger {
    Ledger::parse(&crate::cli::CLAIM_FILES, ("sources.toml", SOURCES))
        .unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn every_outcome_follows_from_the_data() {
    let ledger = ledger();
    let table: Vec<String> = ledger
        .claims()
        .iter()
        .map(|claim| {
            let examined = claim.examine(&ledger);
            format!("{} | {} | {}", claim.id, examined.examination.id(), examined.outcome.id())
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn the_recalculations_print_as_a_reader_would_write_them() {
    let ledger = ledger();
    let steps = |id: &str| ledger.get(id).unwrap().examine(&ledger).steps;
    assert_eq!(steps("deepseek-5-6m"), "2,788,000 GPU*h x 2 USD/GPU/h = 5.576 M USD");
    assert_eq!(
        steps("day6-daily-cost"),
        "226.75 node x 8 GPU/node x 24 h/day x 2 USD/GPU/h = 87,072 USD/day"
    );
    assert_eq!(steps("deepseek-total-1-6b"), "1.6 bn USD");
    assert_eq!(steps("deepseek-944m"), "");
    let cheaper = ledger.get("deepseek-usage-cheaper").unwrap().examine(&ledger);
    assert_eq!(cheaper.steps, "0.6 USD/Mtok / 1.1 USD/Mtok to 60 USD/Mtok / 2.19 USD/Mtok = 0.5455 to 27.4");
    assert_eq!(cheaper.outcome, Outcome::Unresolved(Open::EvidenceOnBothSides));
}

#[test]
fn an_examination_names_all_its_sources_and_what_nobody_verified() {
    let ledger = ledger();
    let examined = ledger.get("deepseek-pretraining-only").unwrap().examine(&ledger);
    assert_eq!(examined.unverified, ["nature-r1"]);
    let inputs: Vec<_> = examined.inputs.iter().map(|input| input.constant.as_str()).collect();
    assert_eq!(inputs, ["v3-pretraining-gpu-hours", "rent-h800-assumed"]);
    for claim in ledger.claims() {
        let examined = claim.examine(&ledger);
        assert!(examined.sources.iter().all(|id| ledger.source(id).is_some()), "{}", claim.id);
    }
}

#[test]
fn quotations_stand_in_articles_or_in_the_source_itself() {
    let ledger = ledger();
    for claim in ledger.claims() {
        let source = ledger.source(&claim.quote.source).unwrap();
        let is_own_source = claim.sources.contains(&source.id);
        assert!(source.level == Level::Quoted || is_own_source, "{}", claim.id);
        assert!(
            claim.sources.iter().all(|id| ledger.source(id).unwrap().level != Level::Quoted),
            "{}",
            claim.id
        );
    }
}

#[test]
fn the_five_articles_hold_seventy_seven_claims_each_with_all_it_needs() {
    let ledger = ledger();
    let article = |claim: &&Claim| ledger.source(&claim.quote.source).unwrap().level == Level::Quoted;
    let quoted: Vec<&Claim> = ledger.claims().iter().filter(article).collect();
    assert_eq!(quoted.len(), 77);
    let mut articles: Vec<&str> = quoted.iter().map(|claim| claim.quote.source.as_str()).collect();
    articles.sort_unstable();
    articles.dedup();
    assert_eq!(articles.len(), 5, "{articles:?}");
    for claim in ledger.claims() {
        let examined = claim.examine(&ledger);
        assert!(!examined.sources.is_empty(), "{}: no source", claim.id);
        for source in examined.sources.iter().map(|id| ledger.source(id).unwrap()) {
            let by_whom = matches!(&source.reading, Reading::AsQuoted { by } if !by.is_empty());
            assert!(by_whom || matches!(source.reading, Reading::Original | Reading::NotVerified));
        }
        let mut texts = vec![&claim.title, &claim.speaker, &claim.counts, &claim.leaves_out, &claim.analysis];
        texts.extend(&claim.disagreement);
        texts.extend(claim.proportions.iter().map(|proportion| &proportion.label));
        for text in texts {
            assert!(!text.en.trim().is_empty() && !text.fr.trim().is_empty(), "{}", claim.id);
            assert!(!text.en.to_lowercase().contains("seed "), "{}: {}", claim.id, text.en);
        }
        let disagrees = claim.disagreement.is_some();
        assert!(!disagrees || claim.quote.source.starts_with("article-"), "{}", claim.id);
    }
}

#[test]
fn nothing_in_the_source_file_is_left_unused() {
    let ledger = crate::cli::Catalog::shipped().unwrap().ledger;
    let prices = PriceBook::parse("prices.toml", PRICES).unwrap();
    let book = ledger.speeds();
    let of_cards = book.cards().iter().map(|card| &card.sources);
    let of_speeds: Vec<&String> =
        of_cards.chain(book.speeds().iter().map(|speed| &speed.sources)).flatten().collect();
    let uses = |id: &str| {
        of_speeds.iter().any(|source| *source == id)
            || ledger
                .claims()
                .iter()
                .any(|claim| claim.quote.source == id || claim.sources.iter().any(|s| s == id))
            || ledger.facts().constants().iter().any(|constant| constant.source == id)
            || prices.rents.iter().any(|rent| rent.source == id)
    };
    let unused: Vec<_> = ledger.facts().sources().iter().map(|s| &s.id).filter(|id| !uses(id)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn the_sources_of_prices_are_known_and_prices_agree_with_the_constants() {
    let ledger = ledger();
    let prices = PriceBook::parse("prices.toml", PRICES).unwrap();
    let sources =
        prices.rents.iter().map(|rent| &rent.source).chain(prices.api.iter().map(|api| &api.source));
    for source in sources {
        assert!(ledger.source(source).is_some(), "{source}");
    }
    let mut shared = 0;
    for api in &prices.api {
        let sides = [("input", api.usd_per_mtok_input), ("output", api.usd_per_mtok_output)];
        for (side, price) in sides {
            if let Some(constant) = ledger.constant(&format!("{}-{side}", api.id)) {
                assert_eq!(constant.figure.range.central(), Some(price.value()), "{}", constant.id);
                shared += 1;
            }
        }
    }
    assert!(shared >= 3, "{shared}");
}

#[test]
fn the_scale_spans_the_debate() {
    let ledger = ledger();
    let points: Vec<String> = ledger
        .scale_points()
        .iter()
        .map(|point| {
            let (low, high) = (point.low.value(), point.high.value());
            format!(
                "{} | {} | {low:.0} to {high:.0} | {:?}",
                point.id,
                point.kind.id(),
                point.central.map(crate::units::Usd::value)
            )
        })
        .collect();
    let expected = [
        "run-published | quoted | 5576000 to 5576000 | Some(5576000.0)",
        "run-at-rents | recalculated | 4739600 to 8336120 | None",
        "cluster-bought | recalculated | 51200000 to 61440000 | None",
        "operating-944m | cannot-be-checked | 943500000 to 944500000 | Some(944000000.0)",
        "capex-1-6b | cannot-be-checked | 1550000000 to 1650000000 | Some(1600000000.0)",
    ];
    assert_eq!(points, expected);
}

#[test]
fn derived_values_come_out_as_computed_by_hand() {
    let ledger = ledger();
    let table: toml::Table = DERIVED.parse().unwrap();
    let rows = table["derived"].as_array().unwrap();
    assert!(rows.len() >= 45, "{}", rows.len());
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap();
        let figure = |id: &str| ledger.constant(id).map(|constant| constant.figure.clone());
        let worked = Formula::parse(text("formula")).unwrap().work_out(figure);
        let figure = worked.unwrap_or_else(|error| panic!("{}: {error}", text("id"))).figure;
        let (value, expected) = (figure.range.central().unwrap(), row["expected"].as_float().unwrap());
        assert!((value / expected - 1.0).abs() < 1e-9, "{}: {value} is not {expected}", text("id"));
        assert_eq!(figure.unit, Unit::parse(text("unit")).unwrap(), "{}", text("id"));
    }
}
