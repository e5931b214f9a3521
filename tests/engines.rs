//! A run with two engines: the same case by each, one after the other, in rows that nothing confuses.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

mod home;

use std::fs;

use assert_cmd::assert::OutputAssertExt;
use claimbench::measurement::{CaseRecord, Failure, Measurement, Outcome, Stage};
use home::{Home, text, tiny};

const BOTH: [&str; 2] = ["--engine", "claimbench,candle-transformers"];

fn ids(rows: &[CaseRecord]) -> Vec<String> {
    rows.iter().map(|row| row.row_id().to_string()).collect()
}

/// Measured repetitions and process starts of every row.
fn counts(rows: &[CaseRecord]) -> Vec<(usize, usize)> {
    let count = |row: &CaseRecord| {
        assert!(matches!(row.outcome, Outcome::Measured(_)), "{:?}", row.outcome);
        let measurement = row.outcome.measurement();
        (measurement.measured().count(), measurement.process_starts())
    };
    rows.iter().map(count).collect()
}

/// When a row was under way in a process start: from its first load or repetition to its last.
fn span(row: &CaseRecord, process_start: u64) -> [u64; 2] {
    let measurement = row.outcome.measurement();
    let loads = measurement.loads.iter().map(|load| (load.process_start, load.started));
    let repetitions = measurement.repetitions.iter().map(|r| (r.process_start, r.started));
    let moments = loads.chain(repetitions).filter(|(start, _)| *start == process_start);
    let nanos: Vec<u64> = moments.map(|(_, moment)| moment.nanos()).collect();
    [*nanos.iter().min().unwrap(), *nanos.iter().max().unwrap()]
}

#[test]
fn two_engines_measure_one_checkpoint_one_after_the_other() {
    let home = Home::new();
    let output = home.command(&tiny(&[&BOTH[..], &["--repetitions", "6"]].concat())).output().unwrap();
    let said = text(&output.stderr);
    let run = home.run();
    let expected = ["tiny-qwen2/q4_k_m/tiny", "tiny-qwen2/q4_k_m/tiny/candle-transformers"];
    assert_eq!(ids(&run.cases), expected, "{said}");
    assert_eq!(counts(&run.cases), [(6, 3), (6, 3)]);
    assert_eq!(run.cases[0].observed, run.cases[1].observed, "the same file on the same device");
    assert!(run.provenance.command.ends_with("--engine claimbench,candle-transformers"));
    for start in 0..3 {
        let [[own_first, own_last], [other_first, other_last]] =
            [0, 1].map(|row| span(&run.cases[row], start));
        assert!(own_last < other_first || other_last < own_first, "both engines at once in start {start}");
    }
    assert!(said.contains("2 cases on cpu in 3 process starts"), "{said}");
    assert!(
        said.contains("\ntiny-qwen2/q4_k_m/tiny: claimbench over candle-transformers: decode "),
        "{said}"
    );
    let page = |name: &str| fs::read_to_string(home.run_folder().join(name)).unwrap();
    assert!(page("index.html").contains("two engines</h3>") && page("fr.html").contains("deux moteurs</h3>"));
    home.command(&["check", home.run_folder().to_str().unwrap()]).assert().success();
}

#[test]
fn more_process_starts_go_to_the_rows_of_both_engines() {
    let home = Home::new();
    home.command(&tiny(&[&BOTH[..], &["--repetitions", "6", "--starts", "1"]].concat())).output().unwrap();
    let folder = home.run_folder();
    home.command(&["run", "--resume", folder.to_str().unwrap(), "--starts", "3"]).output().unwrap();
    let rows = home.run().cases;
    assert_eq!(counts(&rows), [(10, 3), (10, 3)]);
}

#[test]
fn a_resumed_run_takes_up_the_row_that_is_open_and_leaves_the_other_alone() {
    let home = Home::new();
    home.command(&tiny(&[&BOTH[..], &["--repetitions", "6", "--starts", "1"]].concat())).output().unwrap();
    let whole = home.run();
    let mut cut = whole.clone();
    let not_begun = Failure::new(Stage::NotStarted, "the run ended before");
    cut.cases[1].outcome = Outcome::Failed(not_begun, Measurement::default());
    cut.cases[1].observed = None;
    cut.derive();
    let folder = home.run_folder();
    fs::write(folder.join("run.json"), claimbench::record::to_json(&cut)).unwrap();
    home.command(&["run", "--resume", folder.to_str().unwrap()]).output().unwrap();
    let resumed = home.run();
    assert_eq!(ids(&resumed.cases), ids(&whole.cases));
    assert_eq!(resumed.cases[0].outcome, whole.cases[0].outcome);
    assert_eq!(counts(&resumed.cases), [(6, 1), (6, 1)]);
    assert_eq!(resumed.cases[1].engine.id, "candle-transformers");
}

/// Names of the rows that a dry run announces, each with its engine and whether it will be skipped.
fn announced(more: &[&str]) -> (Vec<String>, serde_json::Value) {
    let output = Home::new().command(&[&["run", "--dry-run", "--json"], more].concat()).output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |row: &serde_json::Value| row["id"].as_str().unwrap().to_owned();
    (document["cases"].as_array().unwrap().iter().map(name).collect(), document)
}

#[test]
fn the_suite_has_one_second_row_and_whoever_names_something_gets_that_alone() {
    let (own, other) = ("r1-distill-qwen-1.5b/q4_k_m/short-chat", "mistral-7b-v0.3/q4_k_m/short-chat");
    let second = format!("{own}/candle-transformers");
    let (names, document) = announced(&[]);
    assert_eq!(names, [own, &second, other]);
    assert_eq!(document["cases"][1]["engine"], "candle-transformers");
    let sum: f64 =
        document["cases"].as_array().unwrap().iter().filter_map(|row| row["forecast_seconds"].as_f64()).sum();
    assert!(
        (document["forecast_seconds"].as_f64().unwrap() - sum).abs() < 1e-6,
        "it is part of the time announced"
    );
    assert_eq!(announced(&["--engine", "claimbench"]).0, [own, other]);
    assert_eq!(announced(&["--model", "r1-distill-qwen-1.5b"]).0, [own]);
    assert_eq!(announced(&["--workload", "short-chat"]).0, [own, other]);
    let only = announced(&["--engine", "candle-transformers", "--model", "r1-distill-qwen-1.5b"]).0;
    assert_eq!(only, std::slice::from_ref(&second));
    let repeated =
        ["--engine", "candle-transformers", "--engine", "claimbench", "--model", "r1-distill-qwen-1.5b"];
    assert_eq!(announced(&repeated).0, [second, own.to_owned()]);
}

#[test]
fn what_one_engine_lacks_is_skipped_for_it_alone() {
    let home = Home::new();
    let lacking = ["run", "--model", "tiny-qwen3", "--workload", "tiny", "--repetitions", "1"];
    home.command(&[&lacking[..], &BOTH].concat()).output().unwrap();
    let rows = home.run().cases;
    assert!(matches!(rows[0].outcome, Outcome::Measured(_)), "{:?}", rows[0].outcome);
    assert!(matches!(rows[1].outcome, Outcome::Skipped(_)), "{:?}", rows[1].outcome);
    let page = fs::read_to_string(home.run_folder().join("index.html")).unwrap();
    assert!(!page.contains("two engines</h3>") && page.contains(", candle-transformers</th>"));
}
