//! What the files of speeds may not hold, and what the shipped ones give.

use super::*;
use crate::claim::ledger::LedgerFaults;
use crate::claim::{Facts, Ledger};
use crate::cli::Catalog;
use crate::model::Registry;

const CARDS: &str = r#"schema = 1

[[card]]
id = "small"
name = "Small"
bandwidth_bytes_per_second = 448e9
memory_gb = 16
board_watts = 180.0
sources = ["report"]
"#;

const SPEEDS: &str = r#"schema = 1

[[speed]]
id = "fast"
statement = { en = "It is fast", fr = "Il est rapide" }
tokens_per_second = 115.0
sequences = 1
speculation = "not-stated"
model = "A model"
weights = "FP8"
engine = "An engine"
card = "small"
said_on = "2026-01"
sources = ["report"]

[speed.read]
bytes = 7_600_000_000
why = { en = "its size", fr = "sa taille" }
"#;

const SOURCES: &str = r#"schema = 1

[[source]]
id = "report"
publisher = "a laboratory"
title = "Report"
language = "en"
address = "https://example.org/report"
level = "primary"
read = "original"
seen = { en = "read whole", fr = "lu en entier" }
"#;

const CLAIM: &str = r#"schema = 1

[[claim]]
id = "context"
title = { en = "A title", fr = "Un titre" }
quote = "words"
language = "en"
quoted_in = "report"
speaker = { en = "somebody", fr = "quelqu’un" }
said_on = "2025-02"
category = "training-cost"
counts = { en = "a run", fr = "un entraînement" }
leaves_out = { en = "the rest", fr = "le reste" }
analysis = { en = "Open.", fr = "Ouvert." }
sources = ["report"]

[claim.examined]
how = "context"
"#;

fn models() -> Registry {
    Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap()
}

fn facts() -> Facts {
    Ledger::parse(&[("claims.toml", CLAIM)], ("sources.toml", SOURCES)).unwrap().facts().clone()
}

fn parse(cards: &str, speeds: &str) -> Result<SpeedBook, LedgerFaults> {
    SpeedBook::parse(("cards.toml", cards), ("speeds.toml", speeds), &facts(), &models())
}

/// The faults as "line: problem".
fn faults(cards: &str, speeds: &str) -> Vec<String> {
    let faults = parse(cards, speeds).unwrap_err();
    let lines = |file: &crate::faults::Faults| -> Vec<String> {
        file.iter().map(|(line, problem, _)| format!("{line}: {problem}")).collect()
    };
    faults.files().iter().flat_map(lines).collect()
}

/// A text after replacements, each of which has to be found.
#[track_caller]
fn after(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old}");
        text.replacen(old, new, 1)
    })
}

#[test]
fn the_small_files_read() {
    let book = parse(CARDS, SPEEDS).unwrap();
    let speed = &book.speeds()[0];
    assert_eq!(Some(&speed.card), book.card("small"));
    assert_eq!((speed.bytes_per_step, &speed.bytes_from), (Bytes::new(7_600_000_000), &BytesFrom::Stated));
    assert_eq!(speed.check().id(), "implausible");
}

#[test]
fn what_is_left_out_stays_unknown() {
    let cards = after(CARDS, &[("memory_gb = 16\n", ""), ("board_watts = 180.0\n", "")]);
    let speeds = after(
        SPEEDS,
        &[("sequences = 1\n", ""), ("engine = \"An engine\"\n", ""), ("said_on = \"2026-01\"\n", "")],
    );
    let book = parse(&cards, &speeds).unwrap();
    let speed = &book.speeds()[0];
    assert_eq!((speed.card.memory_gb, speed.card.board_power), (None, None));
    assert_eq!((speed.sequences, &speed.engine, &speed.said_on), (None, &None, &None));
    assert_eq!(speed.check(), Plausibility::NotJudged(NotJudged::SequencesNotStated));
}

#[test]
fn the_bytes_of_a_model_are_those_of_its_shape() {
    let speeds =
        after(SPEEDS, &[("bytes = 7_600_000_000", "model = \"r1-distill-qwen-7b\"\nprecision = \"q8_0\"")]);
    let book = parse(CARDS, &speeds).unwrap();
    let speed = &book.speeds()[0];
    assert_eq!(speed.bytes_per_step, Bytes::new(7_513_511_936), "as tests/data/model-bytes.toml has it");
    assert_eq!(
        speed.bytes_from,
        BytesFrom::Model { id: "r1-distill-qwen-7b".into(), precision: Precision::Q8_0 }
    );
}

#[test]
fn all_faults_of_both_files_come_at_once() {
    let cards = after(
        CARDS,
        &[
            ("name = \"Small\"", "name = \" \""),
            ("448e9", "448.0"),
            ("memory_gb = 16", "memory_gb = 0\ncolour = \"red\""),
            ("180.0", "nan"),
            ("[\"report\"]", "[\"nobody\"]"),
        ],
    );
    let speeds = after(
        SPEEDS,
        &[
            ("id = \"fast\"", "id = \"Fast\""),
            (", fr = \"Il est rapide\"", ""),
            ("115.0", "-inf"),
            ("sequences = 1", "sequences = 0\nverdict = \"plausible\""),
            ("card = \"small\"", "card = \"large\""),
            ("2026-01", "2026-13"),
            ("[\"report\"]", "[]"),
            ("bytes = 7_600_000_000", "bytes = 7\nmodle = \"x\""),
        ],
    );
    assert_eq!(
        faults(&cards, &speeds),
        [
            "5: `name` is empty",
            "6: `bandwidth_bytes_per_second = 448` cannot be",
            "7: `memory_gb = 0` cannot be",
            "8: unknown key `card.0.colour`",
            "9: `board_watts = NaN` cannot be",
            "10: no source is called `nobody`",
            "4: `Fast` is not an id",
            "4: `Fast` has no source",
            "5: `statement.fr` is missing",
            "6: `tokens_per_second = -inf` cannot be",
            "7: `sequences = 0` cannot be",
            "8: unknown key `speed.0.verdict`",
            "13: no card is called `large`",
            "14: `2026-13` is not a date",
            "18: `bytes = 7` cannot be",
            "19: unknown key `speed.0.read.modle`",
        ]
    );
}

#[test]
fn a_card_with_a_fault_is_still_a_card() {
    assert_eq!(faults(&after(CARDS, &[("448e9", "0.0")]), SPEEDS).len(), 1);
    assert_eq!(faults("schema = 1\n[[card]\n", SPEEDS).len(), 1, "a file that cannot be read may hold it");
    assert_eq!(faults("schema = 1\n", SPEEDS), ["12: no card is called `small`"]);
}

#[test]
fn what_a_step_reads_is_said_once() {
    let with = |read: &str| faults(CARDS, &after(SPEEDS, &[("bytes = 7_600_000_000", read)]));
    for read in [
        "",
        "precision = \"q8_0\"",
        "model = \"r1-distill-qwen-7b\"",
        "bytes = 7_600_000_000\nmodel = \"r1-distill-qwen-7b\"\nprecision = \"q8_0\"",
    ] {
        assert_eq!(with(read), ["4: speed `fast` does not say once what a step reads"], "{read}");
    }
    assert_eq!(
        with("model = \"gpt-2\"\nprecision = \"q4_0\""),
        ["17: no model is called `gpt-2`", "18: the bytes of `q4_0` cannot be worked out"]
    );
}

#[test]
fn ids_stand_once_and_the_schema_is_known() {
    let twice = format!("{SPEEDS}{}", SPEEDS.trim_start_matches("schema = 1\n"));
    assert_eq!(faults(CARDS, &twice).len(), 1);
    let cards = format!("{CARDS}{}", CARDS.trim_start_matches("schema = 1\n"));
    assert_eq!(faults(&cards, SPEEDS), ["12: id `small` stands twice"]);
    let changed = |text: &str| text.replacen("schema = 1", "schema = 2", 1);
    assert_eq!(
        faults(&changed(CARDS), &changed(SPEEDS)),
        ["1: schema 2 is not known", "1: schema 2 is not known"]
    );
}

#[test]
fn hostile_texts_are_faults_and_never_a_panic() {
    let deep = format!("x = {}", "[".repeat(20_000));
    let huge = after(SPEEDS, &[("7_600_000_000", "99999999999999999999999")]);
    let negative = after(SPEEDS, &[("sequences = 1", "sequences = -1")]);
    let word = after(SPEEDS, &[("\"not-stated\"", "\"maybe\"")]);
    for text in ["", "\u{0}", "schema", "schema = \"1\"", "speed = 3\nschema = 1", "[[speed]]", &deep, &huge]
        .into_iter()
        .chain([negative.as_str(), word.as_str()])
    {
        assert!(!faults(CARDS, text).is_empty(), "{text:.60}");
        assert!(!faults(text, SPEEDS).is_empty(), "{text:.60}");
    }
    for bytes in ["18_446_744_073_709_551_615", "9_223_372_036_854_775_807", "0"] {
        assert!(!faults(CARDS, &after(SPEEDS, &[("7_600_000_000", bytes)])).is_empty(), "{bytes}");
    }
}

#[test]
fn every_verdict_follows_from_the_shipped_data() {
    let ledger = Catalog::shipped().unwrap().ledger;
    let table: Vec<String> = ledger
        .speeds()
        .speeds()
        .iter()
        .map(|speed| {
            let found = speed.check();
            let needed = found.needed().map_or_else(
                || "-".to_owned(),
                |needed| {
                    let gigabytes = needed.bandwidth.value() / 1e9;
                    format!("{gigabytes:.1} GB/s, share {:.3}", needed.share.value())
                },
            );
            format!("{} | {} | {needed}", speed.id, found.id())
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn the_rows_that_were_known_to_fail_do_and_no_others() {
    let ledger = Catalog::shipped().unwrap().ledger;
    let with = |verdict: &str| -> Vec<String> {
        let speeds = ledger.speeds().speeds().iter();
        speeds.filter(|speed| speed.check().id() == verdict).map(|speed| speed.id.clone()).collect()
    };
    let known = ["gigagpu-r1-qwen-1.5b-fp16", "gigagpu-r1-qwen-7b-fp8", "gigagpu-r1-qwen-7b-fp8-8"];
    assert_eq!(with("implausible"), known);
    assert_eq!(with("not-judged"), ["gigagpu-mistral-7b-fp16"]);
    assert_eq!(with("plausible").len(), ledger.speeds().speeds().len() - 4);
}

#[test]
fn no_verdict_hangs_on_the_embedding_table() {
    let ledger = Catalog::shipped().unwrap().ledger;
    // One byte for every parameter that a step reads: all but the table of 152,064 x 3,584.
    let least = Bytes::new(7_615_616_512 - 152_064 * 3_584);
    let sevens = ledger.speeds().speeds().iter().filter(|speed| speed.weights == "FP8");
    let shares: Vec<String> = sevens
        .map(|seven| {
            let found = CitedSpeed { bytes_per_step: least, ..seven.clone() }.check();
            format!("{} {:.2}", found.id(), found.needed().unwrap().share.value())
        })
        .collect();
    assert_eq!(shares, ["implausible 1.82", "implausible 1.36"]);
}

#[test]
fn every_row_has_a_source_that_was_read() {
    let ledger = Catalog::shipped().unwrap().ledger;
    let book = ledger.speeds();
    let cards = book.cards().iter().map(|card| (&card.id, &card.sources));
    for (id, sources) in cards.chain(book.speeds().iter().map(|speed| (&speed.id, &speed.sources))) {
        assert!(ledger.source(&sources[0]).unwrap().is_verified(), "{id}");
    }
    assert!(book.speeds().len() >= 6 && book.cards().len() >= 8);
}
