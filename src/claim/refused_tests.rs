//! What a ledger may not hold, each refused with its file, line and fix, several at once.

use super::shipped_tests::{CLAIMS, SOURCES};
use super::*;

const SMALL_SOURCES: &str = r#"schema = 1

[[source]]
id = "report"
publisher = "a laboratory"
title = "Report"
language = "en"
date = "2024-12"
address = "https://example.org/report"
level = "primary"
read = "original"
seen = { en = "read whole", fr = "read whole" }

[[source]]
id = "article"
publisher = "a newspaper"
title = "Article"
language = "en"
level = "quoted"
read = "original"
seen = { en = "read whole", fr = "read whole" }

[[constant]]
id = "hours"
title = { en = "GPU-hours", fr = "GPU-hours" }
value = 2_788_000
unit = "GPU*h"
as_of = "2024-12"
source = "report"
verified = true

[[constant]]
id = "rent"
title = { en = "rent", fr = "rent" }
low = 1.7
high = 2.99
unit = "USD/GPU/h"
as_of = "2024-12"
source = "report"
verified = false

[[constant]]
id = "none"
title = { en = "nothing at all", fr = "nothing at all" }
value = 0
unit = "GPU*h"
as_of = "2024-12"
source = "report"
verified = true
"#;

const SMALL_CLAIMS: &str = r#"schema = 1

[[claim]]
id = "run"
title = { en = "A run for 5 million", fr = "A run for 5 million" }
quote = "for 5 million"
language = "en"
quoted_in = "article"
speaker = { en = "somebody", fr = "somebody" }
said_on = "2025-02"
category = "training-cost"
counts = { en = "a run", fr = "a run" }
leaves_out = { en = "the rest", fr = "the rest" }
analysis = { en = "Open.", fr = "Open." }
sources = ["report"]

[claim.amount]
printed = "5.0 million"
low = 4_950_000
high = 5_050_000
unit = "USD"
bound = "about"

[claim.examined]
how = "recalculated"
formula = "hours * rent"
scope_matches = true
scope_reason = { en = "the same run", fr = "the same run" }

[[scale]]
id = "run"
label = { en = "the run", fr = "the run" }
kind = "quoted"
claim = "run"
"#;

fn parse(claims: &str, sources: &str) -> Result<Ledger, LedgerFaults> {
    Ledger::parse(&[("claims.toml", claims)], ("sources.toml", sources))
}

/// The faults as "line: problem".
fn faults(claims: &str, sources: &str) -> Vec<String> {
    let faults = parse(claims, sources).unwrap_err();
    faults
        .files()
        .iter()
        .flat_map(|file| file.iter().map(|(line, problem, _)| format!("{line}: {problem}")))
        .collect()
}

/// The faults of the small claims after one replacement, which has to be found.
#[track_caller]
fn after(old: &str, new: &str) -> Vec<String> {
    assert!(SMALL_CLAIMS.contains(old), "{old}");
    faults(&SMALL_CLAIMS.replacen(old, new, 1), SMALL_SOURCES)
}

#[test]
fn the_small_ledger_reads_and_stays_open_for_its_wide_rent() {
    let ledger = parse(SMALL_CLAIMS, SMALL_SOURCES).unwrap();
    let examined = ledger.get("run").unwrap().examine(&ledger);
    assert_eq!(examined.outcome, Outcome::Unresolved(Open::EvidenceOnBothSides));
    assert_eq!(examined.unverified, ["rent"]);
}

#[test]
fn a_measured_claim_waits_for_its_measurement() {
    let claims =
        SMALL_CLAIMS.replacen("how = \"recalculated\"\nformula = \"hours * rent\"", "how = \"measured\"", 1);
    let ledger = parse(&claims, SMALL_SOURCES).unwrap();
    let claim = ledger.get("run").unwrap();
    assert_eq!(claim.examine(&ledger).outcome, Outcome::Unresolved(Open::NotMeasured));
    let outcome =
        |low, high| claim.examine_measured(&ledger, Range::between(low, high).unwrap()).unwrap().outcome;
    assert_eq!(outcome(4.96e6, 5.04e6), Outcome::Upheld);
    assert_eq!(outcome(6e6, 7e6), Outcome::Refuted);
    assert_eq!(outcome(4e6, 5e6), Outcome::Unresolved(Open::EvidenceOnBothSides));
    let recalculated = parse(SMALL_CLAIMS, SMALL_SOURCES).unwrap();
    let claim = recalculated.get("run").unwrap();
    assert_eq!(claim.examine_measured(&recalculated, Range::exact(5e6).unwrap()), None);
}

#[test]
fn a_claim_needs_its_sources() {
    assert_eq!(after("sources = [\"report\"]\n", ""), ["4: claim `run` has no source"]);
    assert_eq!(
        after("quoted_in = \"article\"\n", ""),
        ["4: claim `run` does not say where its quotation stands"]
    );
    assert_eq!(after("fr = \"A run for 5 million\"", "fr = \"\""), ["5: `title.fr` is empty"]);
    assert_eq!(after(", fr = \"A run for 5 million\"", ""), ["5: `title.fr` is missing"]);
    assert_eq!(
        after("sources = [\"report\"]", "sources = [\"report\"]\nrelated = [\"walk\"]"),
        ["16: no claim is called `walk`"]
    );
    assert_eq!(after("[\"report\"]", "[\"reprot\"]"), ["15: no source is called `reprot`"]);
}

#[test]
fn a_formula_must_have_a_value_in_the_unit_of_the_claim() {
    assert_eq!(after("hours * rent", "hours * rnet"), ["26: no constant is called `rnet`"]);
    assert_eq!(after("hours * rent", "hours"), ["26: the formula gives GPU*h, not USD"]);
    assert_eq!(after("hours * rent", "hours + rent"), ["26: GPU*h and USD/GPU/h do not add or compare"]);
    assert_eq!(
        after("hours * rent", "hours * rent / none * hours"),
        ["26: `4.74 M to 8.336 M USD / 0 GPU*h` divides by zero, or by a range that includes it"]
    );
    assert_eq!(after("hours * rent", "hours *"), ["26: `hours *` cannot be read at `the end`"]);
}

#[test]
fn amounts_are_finite_and_match_their_digits() {
    assert_eq!(after("low = 4_950_000", "low = -1"), ["19: `low = -1` is not an amount"]);
    assert_eq!(after("high = 5_050_000", "high = inf"), ["20: `high = inf` is not an amount"]);
    assert_eq!(after("high = 5_050_000", "high = nan"), ["20: `high = NaN` is not an amount"]);
    assert_eq!(after("low = 4_950_000", "low = 9_000_000"), ["19: `low` is above `high`"]);
    assert_eq!(after("low = 4_950_000", "low = 4_900_000"), ["19: `5.0 million` is 4950000.0 to 5050000.0"]);
    assert_eq!(after("5.0 million", "five"), ["18: `five` is no printed number that can be read"]);
    assert_eq!(
        after("printed = \"5.0 million\"\n", ""),
        ["18: the amount needs one of `printed` and `reading`"]
    );
    assert_eq!(
        after("unit = \"USD\"", "unit = \"XAU\""),
        ["21: `XAU` is not a unit: `XAU` is not one of its symbols"]
    );
}

#[test]
fn an_examination_holds_what_it_needs_and_no_more() {
    let scope = "scope_matches = true\nscope_reason = { en = \"the same run\", fr = \"the same run\" }\n";
    assert_eq!(after(scope, ""), ["25: the examination does not state its scope"]);
    assert_eq!(after("formula = \"hours * rent\"\n", ""), ["25: `formula` is missing"]);
    assert_eq!(
        after("how = \"recalculated\"\nformula = \"hours * rent\"", "how = \"sourced\""),
        ["25: `source_figure` is missing"]
    );
    let amount = SMALL_CLAIMS.find("[claim.amount]").unwrap()..SMALL_CLAIMS.find("[claim.examined]").unwrap();
    assert_eq!(
        faults(&SMALL_CLAIMS.replacen(&SMALL_CLAIMS[amount], "", 1), SMALL_SOURCES)[0],
        "18: nothing to compare: the claim states no amount"
    );
    assert_eq!(
        after("formula = \"hours * rent\"", "formula = \"hours * rent\"\nsource_figure = \"rent\""),
        ["27: `source_figure` has no use in this examination"]
    );
}

#[test]
fn a_claim_is_not_compared_with_the_page_it_stands_on() {
    let claims = SMALL_CLAIMS
        .replacen(
            "how = \"recalculated\"\nformula = \"hours * rent\"",
            "how = \"sourced\"\nsource_figure = \"cost\"",
            1,
        )
        .replacen("quoted_in = \"article\"", "quoted_in = \"report\"", 1);
    let cost = "\n[[constant]]\nid = \"cost\"\ntitle = { en = \"cost\", fr = \"coût\" }\nvalue = 5_000_000\nunit = \"USD\"\nas_of = \"2024\"\nsource = \"report\"\nverified = true\n";
    let sources = format!("{SMALL_SOURCES}{cost}");
    assert_eq!(faults(&claims, &sources), ["26: `cost` is no figure of another source"]);
    let quoted = claims.replacen("quoted_in = \"report\"", "quoted_in = \"article\"", 1);
    let ledger = parse(&quoted, &sources).unwrap();
    assert_eq!(ledger.get("run").unwrap().examine(&ledger).outcome, Outcome::AsSourced);
}

#[test]
fn the_scale_shows_dollars_of_known_claims() {
    assert_eq!(after("claim = \"run\"", "claim = \"walk\""), ["34: no claim is called `walk`"]);
    assert_eq!(
        after("claim = \"run\"", "claim = \"run\"\nformula = \"hours\""),
        ["35: the formula gives GPU*h, not USD"]
    );
}

#[test]
fn the_faults_of_both_files_come_at_once() {
    let claims = SMALL_CLAIMS
        .replacen("fr = \"A run for 5 million\"", "fr = \" \", de = \"A run\"", 1)
        .replacen("said_on = \"2025-02\"", "said_on = \"2025-02-30\"", 1)
        .replacen("[[scale]]\nid = \"run\"", "[[scale]]\nid = \"Run\"", 1);
    let sources = SMALL_SOURCES
        .replacen("value = 2_788_000", "value = -2", 1)
        .replacen("low = 1.7", "low = 3.7", 1)
        .replacen(
            "source = \"report\"\nverified = true\n\n[[constant]]\nid = \"rent\"",
            "verified = true\n\n[[constant]]\nid = \"rent\"",
            1,
        )
        .replacen("id = \"article\"", "id = \"report\"", 1)
        .replacen("https://example.org", "example.org", 1);
    assert_eq!(
        faults(&claims, &sources),
        [
            "5: unknown key `claim.0.title.de`",
            "5: `title.fr` is empty",
            "8: no source is called `article`",
            "10: `2025-02-30` is not a date",
            "31: `Run` is not an id",
            "9: `example.org/report` is no address",
            "15: id `report` stands twice",
            "24: constant `hours` has no source",
            "26: `value = -2` is not an amount",
            "34: `low`, `value` and `high` do not rise",
        ]
    );
}

#[test]
fn a_fault_is_printed_with_file_line_and_fix() {
    let text = parse(&SMALL_CLAIMS.replacen("hours * rent", "hours / none", 1), "schema = ")
        .unwrap_err()
        .to_string();
    assert!(text.starts_with("1 fault in sources.toml\n  sources.toml:1: "), "{text}");
    let text = parse(&SMALL_CLAIMS.replacen("rent\"", "rnet\"", 1), SMALL_SOURCES).unwrap_err().to_string();
    assert_eq!(
        text,
        "1 fault in claims.toml\n  claims.toml:26: no constant is called `rnet`; add a [[constant]] of that id to \
         the sources, or correct it; a minus needs a space before or after it"
    );
}

#[test]
fn duplicates_and_unknown_schemas_are_refused_in_the_shipped_files_too() {
    let claims = CLAIMS.replacen("id = \"deepseek-frugal\"", "id = \"deepseek-5-6m\"", 1);
    let all = faults(&claims, SOURCES);
    assert!(all.iter().any(|fault| fault.ends_with("id `deepseek-5-6m` stands twice")), "{all:?}");
    let old = faults(
        &CLAIMS.replacen("schema = 1", "schema = 7", 1),
        &SOURCES.replacen("schema = 1", "schema = 0", 1),
    );
    for schema in [7, 0] {
        assert!(old.iter().any(|fault| fault.ends_with(&format!("schema {schema} is not known"))), "{old:?}");
    }
}
