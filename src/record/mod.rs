//! The run file, version 1: its schema, its way to and from a [`Run`], and its store.

mod answers;
mod ceilings;
mod gate;
mod read;
mod schema;
mod shape;
mod store;
mod write;

pub use ceilings::{CeilingsStore, CeilingsStoreError};
pub use read::RecordError;
pub use schema::{SCHEMA_VERSION, json_schema};
pub use store::{RunStore, StoreError, load};

use crate::measurement::Run;

/// A run as the JSON text of a run file, ending in a newline. The same run gives the same bytes.
pub fn to_json(run: &Run) -> String {
    let file = schema::RunFile::from(run);
    serde_json::to_string_pretty(&file).expect("a run holds strings and finite numbers only") + "\n"
}

/// A run from the text of a run file.
///
/// Unknown keys, impossible amounts, a newer schema and figures that do not follow from the samples are refused.
pub fn from_json(text: &str) -> Result<Run, RecordError> {
    read::from_json(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests read and write files")]

    use super::*;
    use crate::measurement::{Outcome, Skip, example_run};

    fn refused(change: impl Fn(&mut serde_json::Value)) -> String {
        let mut value: serde_json::Value = serde_json::from_str(&to_json(&example_run())).unwrap();
        change(&mut value);
        from_json(&value.to_string()).unwrap_err().to_string()
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
        let made_up = refused(|run| run["cases"][0]["flags"][0] = "all-fine".into());
        let debug = refused(|run| run["provenance"]["profile"] = "debug".into());
        for message in [without, made_up, debug] {
            assert!(message.contains("flags: do not follow"), "{message}");
        }
    }

    #[test]
    fn impossible_values_are_refused_with_their_place() {
        let message = refused(|run| run["cases"][0]["repetitions"][3]["gap_seconds"][0] = (-0.1).into());
        assert!(message.contains("repetitions[3]: -0.1 s is not a finite amount"), "{message}");
        let message = refused(|run| run["cases"][0]["model"]["shape"]["layers"] = 0.into());
        assert!(message.contains("model.shape.layers: `layers` is 0"), "{message}");
        let message = refused(|run| run["run_id"] = "../up".into());
        assert_eq!(message, "run_id: `../up` is not a run id");
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
            run["cases"][0]["skipped"] =
                serde_json::json!({"why": "memory", "needed_bytes": 2, "free_bytes": 1});
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
}
