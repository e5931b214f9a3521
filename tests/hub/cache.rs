//! The cache that all clients of the hub share: theirs is taken, ours is found, nobody's is believed unseen.

use std::path::Path;
use std::sync::Arc;

use hf_hub::HFClient;

use crate::double::{COMMIT, Delivery, LATER, etag};
use crate::{FILE, REPO, body, fetch, files, gguf, hub, pull, serving, settings};
use claimbench::hub::{Hub, HubError, ModelsLock};

/// Fetches with hf-hub's own download.
fn other_tool(endpoint: &str, cache: &Path) -> std::path::PathBuf {
    let client = HFClient::builder().endpoint(endpoint).cache_dir(cache).build_sync().unwrap();
    client.model("owner", "model").download_file().filename(FILE).send().unwrap()
}

#[test]
fn what_another_tool_fetched_is_taken_and_what_we_fetched_is_found_by_it() {
    let body = body(80_000);
    for ours_first in [true, false] {
        let server = serving(&body).deliver(Delivery::Content);
        let cache = tempfile::tempdir().unwrap();
        let hub = hub(&server, cache.path());
        let ours = || fetch(&hub, &gguf(FILE, None)).unwrap().path;
        let theirs = || other_tool(&server.endpoint(), cache.path());
        let (first, second) = if ours_first { (ours(), theirs()) } else { (theirs(), ours()) };
        assert_eq!(first, second);
        assert_eq!(std::fs::read(&first).unwrap(), body);
        let brought = server.bodies().into_iter().filter(|seen| seen.content).count();
        assert_eq!(brought, 1, "ours first: {ours_first}");
    }
}

#[test]
fn a_part_that_another_tool_left_is_gone_on_with() {
    let body = body(80_000);
    let server = serving(&body);
    let cache = tempfile::tempdir().unwrap();
    let blobs = cache.path().join("models--owner--model/blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    let part = blobs.join(format!("{}.incomplete", etag(FILE, &body)));
    std::fs::write(part, &body[..60_000]).unwrap();
    fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap();
    assert_eq!(server.bodies()[0].range.as_deref(), Some("bytes=60000-"));
}

#[test]
fn nothing_is_asked_once_all_is_here() {
    let server = serving(b"content");
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, cache.path());
    assert_eq!(hub.cached(&gguf(FILE, Some(COMMIT))), None);
    let mut said = Vec::new();
    let (fetched, entries) = pull(&hub, &gguf(FILE, None), &ModelsLock::default(), &mut said).unwrap();
    let before = server.seen().len();
    assert_eq!(fetch(&hub, &gguf(FILE, Some(COMMIT))).unwrap(), fetched);
    assert_eq!(hub.cached(&gguf(FILE, None)), Some(fetched.clone()));
    let place = tempfile::tempdir().unwrap();
    let lock = ModelsLock::keep(&place.path().join("models.lock"), &entries).unwrap();
    assert_eq!(pull(&hub, &gguf(FILE, None), &lock, &mut said).unwrap(), (fetched, entries));
    assert_eq!(server.seen().len(), before, "the hub was asked");
}

#[test]
fn a_locked_commit_is_kept_when_the_branch_moves_on() {
    let server = serving(b"old content");
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, cache.path());
    let mut said = Vec::new();
    let (_, entries) = pull(&hub, &gguf(FILE, None), &ModelsLock::default(), &mut said).unwrap();
    let place = tempfile::tempdir().unwrap();
    let lock = ModelsLock::keep(&place.path().join("models.lock"), &entries).unwrap();
    server.put(REPO, LATER, FILE, b"new content");
    for (lock, commit) in [(&lock, COMMIT), (&ModelsLock::default(), LATER)] {
        assert_eq!(pull(&hub, &gguf(FILE, None), lock, &mut said).unwrap().0.commit, commit);
    }
    // Another machine with the same lock takes the same commit.
    let cache = tempfile::tempdir().unwrap();
    let hub = crate::hub(&server, cache.path());
    let (fetched, _) = pull(&hub, &gguf(FILE, None), &lock, &mut said).unwrap();
    assert_eq!(std::fs::read(fetched.path).unwrap(), b"old content");
}

#[test]
fn a_file_that_changed_is_refused_by_its_name_or_by_the_lock() {
    let server = serving(b"content");
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, cache.path());
    let mut said = Vec::new();
    let (fetched, mut entries) = pull(&hub, &gguf(FILE, None), &ModelsLock::default(), &mut said).unwrap();
    let blob = std::fs::canonicalize(&fetched.path).unwrap();
    let place = tempfile::tempdir().unwrap();
    entries[0].sha256 = "0".repeat(64);
    let lock = ModelsLock::keep(&place.path().join("models.lock"), &entries).unwrap();
    let error = pull(&hub, &gguf(FILE, None), &lock, &mut said).unwrap_err();
    assert!(matches!(error, HubError::Damaged { by: "models.lock", .. }), "{error}");
    std::fs::write(&blob, b"contenT").unwrap();
    let error = fetch(&hub, &gguf(FILE, Some(COMMIT))).unwrap_err();
    assert!(matches!(error, HubError::Damaged { by: "the hub", .. }), "{error}");
    assert!(error.to_string().contains(&format!("{}", blob.display())), "{error}");
    // As the message says.
    std::fs::remove_file(&blob).unwrap();
    let fetched = fetch(&hub, &gguf(FILE, Some(COMMIT))).unwrap();
    assert_eq!(std::fs::read(fetched.path).unwrap(), b"content");
    // A file that comes anew has to be the locked one too.
    let cache = tempfile::tempdir().unwrap();
    let error = pull(&crate::hub(&server, cache.path()), &gguf(FILE, None), &lock, &mut said).unwrap_err();
    assert!(matches!(error, HubError::WrongDigest { .. }), "{error}");
    assert_eq!(files(cache.path()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn offline_nothing_is_asked_and_the_cache_serves() {
    let server = serving(b"content");
    let cache = tempfile::tempdir().unwrap();
    let mut settings = settings(&server.endpoint(), cache.path());
    settings.is_offline = true;
    let offline = Hub::new(settings).unwrap();
    let error = fetch(&offline, &gguf(FILE, None)).unwrap_err();
    assert!(matches!(error, HubError::Offline { .. }), "{error}");
    assert!(error.to_string().contains("HF_HUB_OFFLINE is set and owner/model/model.gguf is not"), "{error}");
    assert_eq!(server.seen().len(), 0);
    let there = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap();
    let before = server.seen().len();
    assert_eq!(fetch(&offline, &gguf(FILE, None)).unwrap(), there);
    assert_eq!(server.seen().len(), before);
}

#[test]
fn a_hub_out_of_reach_is_no_loss_if_the_cache_has_the_file() {
    let server = serving(b"content");
    let cache = tempfile::tempdir().unwrap();
    let there = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap();
    let dead = Hub::new(settings("http://127.0.0.1:9", cache.path())).unwrap();
    let mut said = Vec::new();
    let (found, _) = pull(&dead, &gguf(FILE, None), &ModelsLock::default(), &mut said).unwrap();
    assert_eq!(found, there);
    assert!(said[0].contains("taking what the cache has"), "{said:?}");
}

#[test]
fn two_who_fetch_the_same_file_do_so_once() {
    let body = body(400_000);
    let server = serving(&body);
    // Long enough on its way for the second to come.
    server.fail([crate::double::Fault::Stall(100_000)]);
    let cache = Arc::new(tempfile::tempdir().unwrap());
    let endpoint = server.endpoint();
    let both: Vec<_> = (0..2)
        .map(|_| {
            let (cache, endpoint) = (Arc::clone(&cache), endpoint.clone());
            std::thread::spawn(move || {
                let hub = Hub::new(settings(&endpoint, cache.path())).unwrap();
                let mut said = Vec::new();
                let (fetched, _) = pull(&hub, &gguf(FILE, None), &ModelsLock::default(), &mut said).unwrap();
                (fetched.path, said)
            })
        })
        .collect();
    let both: Vec<_> = both.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(both[0].0, both[1].0);
    assert_eq!(std::fs::read(&both[0].0).unwrap(), body);
    assert_eq!(server.bodies().len(), 2, "one broken, one taken up: {:?}", server.bodies());
    let waited = both.iter().filter(|(_, said)| said.iter().any(|line| line.contains("another process")));
    assert_eq!(waited.count(), 1, "{both:?}");
}
