//! What the run file keeps, and what is refused.

#![expect(clippy::disallowed_methods, reason = "tests read and write files")]

use std::sync::LazyLock;

use proptest::prelude::*;

use super::digest::resealed;
use super::*;
use crate::measurement::{Energy, EnergyScope, Flag, Outcome, Skip, example_run};
use crate::provenance::METHOD_VERSION;
use crate::units::{Joules, Tokens, index_as_u64};

fn refused(change: impl Fn(&mut serde_json::Value)) -> String {
    let mut value: serde_json::Value = serde_json::from_str(&to_json(&example_run())).unwrap();
    change(&mut value);
    from_json(&resealed(&value)).unwrap_err().to_string()
}

#[test]
fn a_file_read_and_written_again_is_the_same_file() {
    let text = to_json(&example_run());
    assert_eq!(to_json(&from_json(&text).unwrap()), text);
}

#[test]
fn the_schema_in_the_repository_is_the_one_of_the_types() {
    let committed =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/run-1.json")).unwrap();
    assert!(committed == json_schema(), "run `just schema` and commit schema/run-1.json");
}

#[test]
fn figures_that_do_not_follow_from_the_samples_are_refused() {
    let message = refused(|run| run["cases"][0]["repetitions"][3]["first_token_seconds"] = 0.5.into());
    assert!(message.contains("do not follow from the samples"), "{message}");
}

#[test]
fn flags_that_were_taken_out_or_made_up_are_refused() {
    let without = refused(|run| run["cases"][0]["flags"] = serde_json::json!([]));
    let debug = refused(|run| run["provenance"]["profile"] = "debug".into());
    for message in [without, debug] {
        assert!(message.contains("flags: do not follow"), "{message}");
    }
    let made_up = refused(|run| run["cases"][0]["flags"][0] = "all-fine".into());
    assert!(made_up.contains("flags: `all-fine` is no flag known here (rule `values`)"), "{made_up}");
}

#[test]
fn impossible_values_are_refused_with_their_place() {
    let message = refused(|run| run["cases"][0]["repetitions"][3]["gap_seconds"][0] = (-0.1).into());
    assert!(message.contains("repetitions[3]: -0.1 s is not a finite amount"), "{message}");
    let message = refused(|run| run["cases"][0]["model"]["shape"]["layers"] = 0.into());
    assert!(message.contains("model.shape.layers: `layers` is 0"), "{message}");
    let message = refused(|run| run["run_id"] = "../up".into());
    assert_eq!(message, "run_id: `../up` is not a run id (rule `values`)");
    let message = refused(|run| run["machine"]["logical_cpus"] = 64.into());
    assert!(message.contains("does not follow from the machine"), "{message}");
}

#[test]
fn a_skipped_case_keeps_its_reason_and_has_no_samples() {
    let bytes = |gb: u64| crate::units::Bytes::new(gb * 1_000_000_000);
    let memory = Skip::Memory { needed: bytes(36), free: bytes(22) };
    let left = crate::units::Seconds::new(9.0).unwrap();
    let mut run = example_run();
    run.cases[1].observed = None;
    for skip in [memory, Skip::Budget { needed: left, left }] {
        run.cases[1].outcome = Outcome::Skipped(skip);
        let read = from_json(&to_json(&run)).unwrap();
        assert_eq!(
            (read.cases[1].outcome.clone(), to_json(&read)),
            (run.cases[1].outcome.clone(), to_json(&run))
        );
    }
    let reason = to_json(&run).replace("\"why\": \"budget\"", "\"why\": \"mood\"");
    assert!(from_json(&reason).unwrap_err().to_string().contains("mood"));
    let message = refused(|run| {
        run["cases"][0]["skipped"] = serde_json::json!({"why": "memory", "needed_bytes": 2, "free_bytes": 1});
    });
    assert!(message.contains("a skipped case has samples"), "{message}");
}

#[test]
fn unknown_keys_and_newer_formats_are_refused() {
    assert!(refused(|run| run["spede"] = 1.into()).contains("unknown field `spede`"));
    assert!(refused(|run| run["schema"] = 2.into()).contains("update claimbench"));
    assert!(refused(|run| run["schema"] = 0.into()).contains("never was a format 0"));
    assert!(from_json("{").unwrap_err().to_string().starts_with("not a run file"));
}

#[test]
fn a_saved_run_is_loaded_from_its_folder_and_leaves_no_partial_file() {
    let parent = tempfile::tempdir().unwrap();
    let run = example_run();
    let store = RunStore::create(parent.path(), &run).unwrap();
    let path = store.save(&run).unwrap();
    assert_eq!(to_json(&load(store.folder()).unwrap()), to_json(&run));
    assert_eq!(to_json(&load(&path).unwrap()), to_json(&run));
    assert_eq!(std::fs::read_dir(store.folder()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_cannot_be_made_is_named_with_the_remedy() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    std::fs::write(&file, "").unwrap();
    let message = RunStore::create(&file, &example_run()).unwrap_err().to_string();
    assert!(message.starts_with("cannot create ") && message.contains("--out"), "{message}");
}

/// The example with as few samples as make figures, so that it is read a thousand times in little time.
fn short_run() -> Run {
    let mut run = example_run();
    let record = &mut run.cases[0];
    let Outcome::Measured(measurement) = &mut record.outcome else { panic!("it was measured") };
    measurement.repetitions.truncate(3);
    for repetition in &mut measurement.repetitions {
        repetition.gaps.truncate(3);
        repetition.output_tokens = Tokens::new(4);
    }
    record.observed.as_mut().unwrap().output_tokens = Some(Tokens::new(4));
    run.derive();
    run
}

/// Its file as a program of method 2 wrote it: without a digest.
fn of_method_2() -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_str(&to_json(&short_run())).unwrap();
    value.as_object_mut().unwrap().remove("content_sha256").unwrap();
    value["provenance"]["method_version"] = 2.into();
    value
}

fn broken(text: &str) -> Vec<Rule> {
    let examination = examine(text);
    let broken = |(rule, verdict): &(Rule, Verdict)| matches!(verdict, Verdict::Broken(_)).then_some(*rule);
    examination.verdicts().iter().filter_map(broken).collect()
}

#[test]
fn a_good_file_keeps_every_rule_in_their_order() {
    let examination = examine(&to_json(&short_run()));
    let rules: Vec<Rule> = examination.verdicts().iter().map(|(rule, _)| *rule).collect();
    assert_eq!(rules, Rule::ALL);
    assert!(examination.passes() && examination.method_version() == Some(METHOD_VERSION));
    let said = |rule: Rule| match &examination.verdicts().iter().find(|(other, _)| *other == rule).unwrap().1
    {
        Verdict::Holds { checked, what } => (*checked, what.clone()),
        other => panic!("{other:?}"),
    };
    let (count, figures) = said(Rule::Figures);
    assert!(count >= 11, "{count}");
    assert_eq!(figures, format!("{count} figures of 1 case derived again from 2 measured repetitions"));
    assert_eq!(said(Rule::Values).0, 9);
    assert_eq!(said(Rule::Cases), (2, "2 names and parameter counts follow".to_owned()));
    assert_eq!(said(Rule::Flags).0, index_as_u64(short_run().cases[0].flags.len()));
    assert_eq!(said(Rule::Totals).0, 1);
    assert_eq!(said(Rule::Gate).0, 1);
}

#[test]
fn every_rule_names_itself_where_it_is_broken() {
    let text = to_json(&short_run());
    let changed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = serde_json::from_str(&text).unwrap();
        change(&mut value);
        broken(&resealed(&value))
    };
    assert_eq!(changed(&|_| ()), []);
    assert_eq!(changed(&|run| run["spede"] = 1.into()), [Rule::Format]);
    assert_eq!(changed(&|run| run["run_id"] = "a b".into()), [Rule::Values]);
    assert_eq!(changed(&|run| run["machine"]["cpu"] = "another".into()), [Rule::Machine]);
    assert_eq!(changed(&|run| run["cases"][0]["case_id"] = "a/b/c".into()), [Rule::Cases]);
    assert_eq!(changed(&|run| run["cases"][0]["model"]["parameters"] = 7.into()), [Rule::Cases]);
    let again = |run: &mut serde_json::Value| {
        let row = run["cases"][0].clone();
        run["cases"].as_array_mut().unwrap().push(row);
    };
    assert_eq!(changed(&again), [Rule::Cases]);
    let by_another = |run: &mut serde_json::Value| {
        again(run);
        let rows = run["cases"].as_array_mut().unwrap();
        rows.last_mut().unwrap()["engine"]["id"] = "candle-transformers".into();
    };
    assert_eq!(changed(&by_another), []);
    let load = |run: &mut serde_json::Value| run["cases"][0]["loads"][0]["duration_seconds"] = 9.5.into();
    assert_eq!(changed(&load), [Rule::Figures]);
    assert_eq!(changed(&|run| run["cases"][0]["observed"]["output_tokens"] = 5.into()), [Rule::Totals]);
    assert_eq!(changed(&|run| run["cases"][0]["flags"] = serde_json::json!([])), [Rule::Flags]);
    assert_eq!(changed(&|run| run["cases"][0]["gate"] = serde_json::Value::Null), [Rule::Gate]);
    let reason = |run: &mut serde_json::Value| {
        run["cases"][0]["unanswered"] = serde_json::json!({"why": "not-asked"});
    };
    assert_eq!(changed(&reason), [Rule::Answers]);
    // The change alone, without a digest made anew, is told twice: that there is one, and where.
    let unsealed = text.replacen("\"duration_seconds\": 1.9", "\"duration_seconds\": 2.9", 1);
    assert_eq!(broken(&unsealed), [Rule::Digest, Rule::Figures]);
}

#[test]
fn a_metered_energy_is_the_sum_over_the_repetitions() {
    let mut run = short_run();
    let record = &mut run.cases[0];
    let Outcome::Measured(measurement) = &mut record.outcome else { panic!("it was measured") };
    let joules = |value| Joules::new(value).unwrap();
    for repetition in &mut measurement.repetitions {
        repetition.energy = Some(joules(1.5));
    }
    let measured = |sum| Energy::Measured {
        joules: joules(sum),
        scope: EnergyScope::CpuPackage,
        meter: "m".into(),
        mean_power: None,
        power_limit: None,
    };
    record.energy = measured(3.0);
    record.flags.retain(|flag| *flag != Flag::EnergyEstimated);
    assert_eq!(broken(&to_json(&run)), []);
    run.cases[0].energy = measured(4.5);
    let message = from_json(&to_json(&run)).unwrap_err().to_string();
    assert!(
        message.contains("energy: 4.5 J is stated, and the repetitions sum up to 3 J (rule `totals`)"),
        "{message}"
    );
}

#[test]
fn a_file_of_an_older_method_is_shown_with_the_figures_and_flags_it_states() {
    let mut value = of_method_2();
    // Figures that this version would not get, and flags that it would not raise.
    value["cases"][0]["figures"]["load_seconds"]["value"] = 77.5.into();
    value["cases"][0]["flags"] = serde_json::json!(["output-differs"]);
    value["machine"]["machine_id"] = "0123456789ab".into();
    let text = value.to_string();
    let examination = examine(&text);
    let older: Vec<Rule> = examination
        .verdicts()
        .iter()
        .filter_map(|(rule, verdict)| matches!(verdict, Verdict::Older { .. }).then_some(*rule))
        .collect();
    assert_eq!(older, [Rule::Digest, Rule::Machine, Rule::Figures, Rule::Totals, Rule::Flags]);
    let run = examination.into_run().unwrap();
    let record = &run.cases[0];
    assert!((record.figures.as_ref().unwrap().load.value().value() - 77.5).abs() < 1e-12);
    assert_eq!(record.flags, [Flag::OutputDiffers]);
    assert_eq!(run.provenance.method_version, 2);
    // What it states must still be possible, and the names known.
    for (key, change) in
        [("figures.load_seconds", serde_json::json!(-1.0)), ("flags", serde_json::json!("all-fine"))]
    {
        let mut value = value.clone();
        if key == "flags" {
            value["cases"][0]["flags"][0] = change;
        } else {
            value["cases"][0]["figures"]["load_seconds"]["value"] = change;
        }
        let message = from_json(&value.to_string()).unwrap_err().to_string();
        assert!(message.contains(key) && message.ends_with("(rule `values`)"), "{message}");
    }
}

#[test]
fn a_digest_is_asked_of_new_files_and_checked_where_an_old_one_has_it() {
    let mut value = of_method_2();
    assert_eq!(broken(&value.to_string()), []);
    value["provenance"]["method_version"] = 3.into();
    let message = from_json(&value.to_string()).unwrap_err().to_string();
    assert!(
        message.starts_with("content_sha256: it is missing, and files of method 3 have one"),
        "{message}"
    );
    value["provenance"]["method_version"] = 2.into();
    value["content_sha256"] = "0".repeat(64).into();
    assert_eq!(broken(&serde_json::to_string_pretty(&value).unwrap()), [Rule::Digest]);
    assert_eq!(broken(&resealed(&value)), []);
    // Formatted anew: the content is the same, its bytes are not.
    let text = to_json(&short_run());
    let compact = serde_json::from_str::<serde_json::Value>(&text).unwrap().to_string();
    for other in [compact, text.replace('\n', "\r\n"), text.clone() + "\n"] {
        assert_eq!(broken(&other), [Rule::Digest]);
    }
}

#[test]
fn methods_that_are_not_known_here_are_refused() {
    let newer = refused(|run| run["provenance"]["method_version"] = 99.into());
    let expected = format!("measured by method 99, this version knows {METHOD_VERSION}; update claimbench");
    assert_eq!(newer, expected);
    assert!(refused(|run| run["provenance"]["method_version"] = 0.into()).contains("never was a method 0"));
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let text = to_json(&short_run());
    let twice = text.replacen(
        "\"order\": \"interleaved\",",
        "\"order\": \"interleaved\",\n\"order\": \"interleaved\",",
        1,
    );
    assert!(from_json(&twice).unwrap_err().to_string().contains("duplicate field `order`"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Wherever a byte is changed, lost or put in, the file is refused, and nothing panics.
    #[test]
    fn a_changed_byte_anywhere_is_noticed(place: prop::sample::Index, byte: u8, how in 0..3) {
        static GOOD: LazyLock<String> = LazyLock::new(|| to_json(&short_run()));
        let mut bytes = GOOD.clone().into_bytes();
        let place = place.index(bytes.len());
        match how {
            0 if bytes[place] == byte => bytes[place] ^= 1,
            0 => bytes[place] = byte,
            1 => { bytes.remove(place); }
            _ => bytes.insert(place, byte),
        }
        if let Ok(text) = String::from_utf8(bytes) {
            let error = from_json(&text).unwrap_err();
            prop_assert!(matches!(error.rule(), Rule::Format | Rule::Digest), "{}", error);
        }
    }
}
