//! What the hub refuses, and what is said about it: one sentence, what to do, and no secret.

use std::net::TcpListener;
use std::time::Duration;

use crate::double::{COMMIT, Delivery, Double, Fault, LATER, SIGNATURE};
use crate::{FILE, REPO, body, fetch, files, gguf, hub, nothing_final, of, pull, serving, settings};
use claimbench::hub::{Hub, HubError, ModelsLock};
use claimbench::model::{HubContent, HubRepo};

fn other(repo: &str) -> claimbench::model::HubFile {
    of(repo, HubContent::Gguf(FILE.to_owned()), None)
}

#[test]
fn what_is_missing_is_named() {
    let server = serving(b"x");
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, cache.path());
    let file = fetch(&hub, &gguf("absent.gguf", Some(COMMIT))).unwrap_err();
    assert!(matches!(file, HubError::NoFile { .. }), "{file}");
    assert!(file.to_string().contains("correct its entry in models.toml"), "{file}");
    let revision = fetch(&hub, &gguf(FILE, Some(LATER))).unwrap_err();
    assert!(matches!(revision, HubError::NoRevision { .. }), "{revision}");
    assert!(revision.to_string().contains("--update"), "{revision}");
    let repo = fetch(&hub, &other("owner/absent")).unwrap_err();
    assert!(matches!(repo, HubError::NoRepo { .. }), "{repo}");
    let checkpoint = fetch(&hub, &of("owner/absent", HubContent::Safetensors, None)).unwrap_err();
    assert!(matches!(checkpoint, HubError::NoRepo { .. }), "{checkpoint}");
    assert!(nothing_final(cache.path()));
}

#[test]
fn a_gated_repository_opens_for_its_token_alone() {
    const TOKEN: &str = "hf_thetokenofthetest";
    let server = serving(b"gated content").deliver(Delivery::Content);
    server.gate(REPO, TOKEN);
    let cache = tempfile::tempdir().unwrap();
    let with = |token: Option<&str>| {
        let mut settings = settings(&server.endpoint(), cache.path());
        settings.token = token.map(str::to_owned);
        fetch(&Hub::new(settings).unwrap(), &gguf(FILE, None))
    };
    let stranger = with(None).unwrap_err();
    assert!(matches!(stranger, HubError::Denied { .. }), "{stranger}");
    assert!(stranger.to_string().contains("accept its terms") && stranger.to_string().contains("HF_TOKEN"));
    let wrong = with(Some("hf_wrong")).unwrap_err();
    assert!(!wrong.to_string().contains("hf_wrong"), "{wrong}");
    assert_eq!(std::fs::read(with(Some(TOKEN)).unwrap().path).unwrap(), b"gated content");
    // The content server is another address: it gets a signed link, and no token.
    for seen in server.seen().iter().filter(|seen| seen.content) {
        assert_eq!(seen.authorization, None, "{seen:?}");
        assert!(seen.path.contains(SIGNATURE));
    }
    let known = format!("Bearer {TOKEN}");
    assert!(server.seen().iter().any(|seen| seen.authorization.as_deref() == Some(&known)));
}

#[test]
fn a_refused_token_and_a_forbidden_repository_are_told_apart() {
    let server = serving(b"x");
    let cache = tempfile::tempdir().unwrap();
    let mut settings = settings(&server.endpoint(), cache.path());
    settings.token = Some("hf_expired".to_owned());
    let hub = Hub::new(settings).unwrap();
    server.refuse([(401, "")]);
    let error = fetch(&hub, &gguf(FILE, None)).unwrap_err();
    assert!(matches!(error, HubError::BadToken), "{error}");
    server.refuse([(403, "")]);
    let error = fetch(&hub, &gguf(FILE, None)).unwrap_err();
    assert!(matches!(error, HubError::Denied { .. }), "{error}");
}

#[test]
fn a_short_wait_is_sat_out_and_a_long_one_is_told() {
    let server = serving(b"x");
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, cache.path());
    server.refuse([(429, "Retry-After: 1\r\n")]);
    let mut said = Vec::new();
    pull(&hub, &gguf(FILE, None), &ModelsLock::default(), &mut said).unwrap();
    assert!(said[0].contains("asks for patience (429); trying again in 1 s"), "{said:?}");
    server.put(REPO, COMMIT, "other.gguf", b"y");
    server.fail([Fault::Status(429, "Retry-After: 3600\r\n")]);
    let error = fetch(&hub, &gguf("other.gguf", None)).unwrap_err();
    assert!(matches!(error, HubError::Busy { seconds: Some(3600) }), "{error}");
    assert!(error.to_string().contains("try again in 3600 s"), "{error}");
}

#[test]
fn a_hub_in_trouble_is_asked_a_few_times_and_then_left_alone() {
    let server = serving(b"x");
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, cache.path());
    server.refuse([(500, ""), (502, "")]);
    assert!(fetch(&hub, &gguf(FILE, None)).is_ok());
    let before = server.seen().len();
    server.refuse([(503, ""); 10]);
    let error = fetch(&hub, &gguf("other.gguf", None)).unwrap_err();
    assert!(matches!(error, HubError::Server { status: 503, .. }), "{error}");
    assert!(error.to_string().contains("try again later"), "{error}");
    assert_eq!(server.seen().len() - before, 3, "three tries, as the patience of the test says");
}

#[test]
fn nobody_at_the_door_is_told_at_once_and_no_password_is_shown() {
    let cache = tempfile::tempdir().unwrap();
    for endpoint in ["http://127.0.0.1:9", "http://user:letmein@127.0.0.1:9/mirror?key=letmein"] {
        let error = fetch(&Hub::new(settings(endpoint, cache.path())).unwrap(), &gguf(FILE, None));
        let error = error.unwrap_err();
        assert!(matches!(error, HubError::Unreachable { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("127.0.0.1:9 cannot be reached") && text.contains("HF_ENDPOINT"), "{text}");
        assert!(!text.contains("letmein") && !format!("{error:?}").contains("letmein"), "{error:?}");
    }
    let error = Hub::new(settings("letmein in", cache.path())).err().unwrap();
    assert!(!error.to_string().contains("letmein"), "{error}");
    assert_eq!(files(cache.path()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_password_in_the_endpoint_is_used_and_not_shown() {
    let server = serving(b"x");
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::new(settings(&server.endpoint_with_password("letmein"), cache.path())).unwrap();
    fetch(&hub, &gguf(FILE, None)).unwrap();
    // `user:letmein` as basic authentication writes it.
    assert_eq!(server.seen()[0].authorization.as_deref(), Some("Basic dXNlcjpsZXRtZWlu"));
    server.refuse([(418, "")]);
    let error = fetch(&hub, &gguf("other.gguf", None)).unwrap_err().to_string();
    assert!(!error.contains("letmein") && error.contains("127.0.0.1"), "{error}");
}

#[test]
fn answers_that_no_hub_gives_are_refused() {
    let cache = tempfile::tempdir().unwrap();
    for (headers, part) in [
        ("ETag: \"abc\"\r\n", "no commit"),
        ("X-Repo-Commit: main\r\nETag: \"abc\"\r\n", "no commit"),
        ("X-Repo-Commit: 0123456789abcdef0123456789abcdef01234567\r\n", "no content"),
        ("X-Repo-Commit: 0123456789abcdef0123456789abcdef01234567\r\nETag: \"../../x\"\r\n", "no content"),
    ] {
        let server = serving(b"x");
        server.refuse([(200, headers)]);
        let error = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap_err();
        assert!(matches!(error, HubError::Answer { .. }), "{error}");
        assert!(error.to_string().contains(part), "no {part} in {error}");
    }
    let server = serving(b"x");
    server.refuse([(302, "Location: /owner/model/resolve/main/model.gguf\r\n"); 20]);
    let error = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap_err();
    assert!(error.to_string().contains("redirects without end"), "{error}");
    assert_eq!(files(cache.path()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_commit_that_changes_between_requests_never_mixes_files() {
    let (old, new) = (body(30_000), body(40_000));
    let server = Double::start();
    server.put(REPO, LATER, FILE, &new);
    server.put(REPO, COMMIT, FILE, &old);
    server.moves_after(1, LATER);
    let cache = tempfile::tempdir().unwrap();
    let fetched = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap();
    assert_eq!((fetched.commit.as_str(), std::fs::read(&fetched.path).unwrap()), (COMMIT, old));
    let fetched = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap();
    assert_eq!((fetched.commit.as_str(), std::fs::read(&fetched.path).unwrap()), (LATER, new));
    // A hub that sends another commit than asked for is not believed.
    let server = serving(b"x");
    server.fail([Fault::Moved]);
    let cache = tempfile::tempdir().unwrap();
    let error = fetch(&hub(&server, cache.path()), &gguf(FILE, None)).unwrap_err();
    assert!(error.to_string().contains("another commit"), "{error}");
    assert!(nothing_final(cache.path()));
}

#[test]
fn a_hub_answers_even_if_it_refuses_and_a_dead_or_silent_one_does_not() {
    let server = serving(b"x");
    server.gate("owner/gated", "t");
    let cache = tempfile::tempdir().unwrap();
    let at = |endpoint: &str| Hub::new(settings(endpoint, cache.path())).unwrap();
    let patience = Duration::from_secs(1);
    for name in [REPO, "owner/gated"] {
        let repo = HubRepo { repo: name.to_owned(), commit: None };
        assert_eq!(at(&server.endpoint()).answers(&repo, patience), Ok(()));
    }
    let repo = HubRepo { repo: REPO.to_owned(), commit: None };
    let dead = at("http://127.0.0.1:9").answers(&repo, Duration::from_secs(20));
    assert_eq!(dead, Err("no connection".to_owned()));
    // It takes the connection, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    assert_eq!(at(&endpoint).answers(&repo, patience), Err("no answer within 1 s".to_owned()));
}
