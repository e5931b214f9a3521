//! A checkpoint of several files: those that make it, at one commit, and no others.

use crate::double::{COMMIT, Delivery, Double, Fault, LATER};
use crate::{REPO, body, fetch, hub, nothing_final, of, pull};
use claimbench::hub::{HubError, ModelsLock};
use claimbench::model::{HubContent, HubFile};

fn checkpoint(commit: Option<&str>) -> HubFile {
    of(REPO, HubContent::Safetensors, commit)
}

const SMALL: [&str; 4] = ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"];

/// A repository as publishers keep them: two shards, the same weights once more, and a page.
fn sharded(server: &Double, commit: &str, salt: &str) {
    for name in SMALL {
        server.put(REPO, commit, name, format!("{{\"{name}\": \"{salt}\"}}").as_bytes());
    }
    let index = r#"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"#;
    server.put(REPO, commit, "model.safetensors.index.json", index.as_bytes());
    for (name, size) in
        [("model-00001-of-00002.safetensors", 50_000), ("model-00002-of-00002.safetensors", 30_000)]
    {
        server.put(REPO, commit, name, &[salt.as_bytes(), &body(size)].concat());
    }
    server.put(REPO, commit, "consolidated.safetensors", &body(80_000));
    server.put(REPO, commit, "README.md", b"a page");
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_checkpoint_is_a_folder_with_what_it_needs_and_nothing_twice() {
    let server = Double::start().deliver(Delivery::Content);
    sharded(&server, COMMIT, "one");
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, cache.path());
    let fetched = fetch(&hub, &checkpoint(None)).unwrap();
    assert!(fetched.path.ends_with(format!("models--owner--model/snapshots/{COMMIT}")));
    let mut expected: Vec<_> = SMALL.map(str::to_owned).into();
    expected.extend(
        [
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
        ]
        .map(str::to_owned),
    );
    expected.sort();
    assert_eq!(names(&fetched.path), expected);
    assert_eq!(fetched.files.len(), expected.len());
    assert_eq!(hub.cached(&checkpoint(None)), Some(fetched));
    assert!(!server.seen().iter().any(|seen| seen.path.contains("consolidated")), "{:?}", server.seen());
}

#[test]
fn one_file_of_weights_is_enough_and_none_is_not() {
    let server = Double::start();
    server.put(REPO, COMMIT, "config.json", b"{}");
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, cache.path());
    let error = fetch(&hub, &checkpoint(None)).unwrap_err();
    assert!(matches!(error, HubError::Unfit { .. }), "{error}");
    assert!(error.to_string().contains("neither model.safetensors nor"), "{error}");
    server.put(REPO, COMMIT, "model.safetensors", &body(1000));
    let mut said = Vec::new();
    let (fetched, entries) = pull(&hub, &checkpoint(None), &ModelsLock::default(), &mut said).unwrap();
    assert_eq!(names(&fetched.path), ["config.json", "model.safetensors"]);
    assert_eq!(entries.iter().map(|entry| entry.file.as_str()).collect::<Vec<_>>(), names(&fetched.path));
    assert!(said[0].contains("has no tokenizer.json"), "{said:?}");
    let place = tempfile::tempdir().unwrap();
    let lock = ModelsLock::keep(&place.path().join("models.lock"), &entries).unwrap();
    lock.verify(REPO, &fetched).unwrap();
    std::fs::write(std::fs::canonicalize(&fetched.files[1].path).unwrap(), body(999)).unwrap();
    let error = lock.verify(REPO, &fetched).unwrap_err().to_string();
    assert!(error.contains("owner/model/model.safetensors has the SHA-256"), "{error}");
}

#[test]
fn an_index_that_names_what_is_not_there_or_elsewhere_is_refused() {
    for shard in ["model-00003-of-00002.safetensors", "../../../evil.safetensors", "sub/x.safetensors"] {
        let server = Double::start();
        sharded(&server, COMMIT, "one");
        let index = format!(r#"{{"weight_map": {{"a": "{shard}"}}}}"#);
        server.put(REPO, COMMIT, "model.safetensors.index.json", index.as_bytes());
        let cache = tempfile::tempdir().unwrap();
        let error = fetch(&hub(&server, cache.path()), &checkpoint(None)).unwrap_err();
        assert!(matches!(error, HubError::Unfit { .. }), "{error}");
        assert!(nothing_final(cache.path()));
    }
}

#[test]
fn all_files_are_of_one_commit_though_the_branch_moves_meanwhile() {
    let server = Double::start();
    sharded(&server, LATER, "two");
    sharded(&server, COMMIT, "one");
    server.moves_after(1, LATER);
    let cache = tempfile::tempdir().unwrap();
    let fetched = fetch(&hub(&server, cache.path()), &checkpoint(None)).unwrap();
    assert_eq!(fetched.commit, COMMIT);
    for file in &fetched.files {
        let text = String::from_utf8_lossy(&std::fs::read(&file.path).unwrap()).into_owned();
        assert!(!text.contains("two"), "{} is of the later commit", file.name);
    }
}

#[test]
fn a_checkpoint_that_broke_off_goes_on_with_the_file_that_broke() {
    let server = Double::start();
    sharded(&server, COMMIT, "one");
    // The index is read once to know the shards; then come four small files and the index again.
    server.fail((0..6).map(|_| Fault::None).chain((0..3).map(|_| Fault::Cut(500))));
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, cache.path());
    assert!(fetch(&hub, &checkpoint(None)).is_err());
    assert_eq!(hub.cached(&checkpoint(None)), None, "half a checkpoint is none");
    let before = server.bodies().len();
    let plan = hub.plan(&checkpoint(None), &ModelsLock::default(), &mut |_| {}).unwrap();
    let missing = plan.missing().count();
    assert!(missing < 80_006 && missing > 70_000, "{missing}");
    hub.fetch(&plan, &ModelsLock::default(), &mut |_| {}).unwrap();
    let after: Vec<_> = server.bodies().into_iter().skip(before).collect();
    assert_eq!(after.len(), 3, "the index to plan, and two shards: {after:?}");
    assert!(after[1].range.is_some() && after[2].range.is_none(), "{after:?}");
}
