//! The real download code against a real HTTP server on loopback, with small files made here.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use claimbench::model::{Hub, HubError, HubFile, HubRepo, Precision};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const BODY: &[u8] = b"GGUF, or so it says";

/// A hub that holds one file of one public repository and one gated repository.
struct LoopbackHub {
    endpoint: String,
    /// Everything that was asked.
    requests: Arc<AtomicUsize>,
    /// What was asked for with its body.
    downloads: Arc<AtomicUsize>,
}

impl LoopbackHub {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (requests, downloads) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (asked, counter) = (Arc::clone(&requests), Arc::clone(&downloads));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                asked.fetch_add(1, Ordering::SeqCst);
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || answer(stream, &counter));
            }
        });
        Self { endpoint, requests, downloads }
    }
}

fn answer(stream: TcpStream, downloads: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut request = String::new();
    reader.read_line(&mut request).unwrap();
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        line.clear();
    }
    let path = request.split_whitespace().nth(1).unwrap_or_default();
    let known = format!("/owner/model/resolve/{COMMIT}/model.gguf");
    let (status, headers, body): (_, _, &[u8]) =
        if path == known || path == "/owner/model/resolve/main/model.gguf" {
            ("200 OK", format!("X-Repo-Commit: {COMMIT}\r\nETag: \"e7a6\"\r\n"), BODY)
        } else if path.starts_with("/owner/gated/") {
            ("401 Unauthorized", "X-Error-Code: GatedRepo\r\n".to_owned(), b"")
        } else {
            ("404 Not Found", "X-Error-Code: EntryNotFound\r\n".to_owned(), b"")
        };
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let mut stream = stream;
    stream.write_all(head.as_bytes()).unwrap();
    if !request.starts_with("HEAD") {
        downloads.fetch_add(1, Ordering::SeqCst);
        stream.write_all(body).unwrap();
    }
}

fn file(repo: &str, name: &str, commit: Option<&str>) -> HubFile {
    HubFile {
        repo: HubRepo { repo: repo.to_owned(), commit: commit.map(str::to_owned) },
        file: name.to_owned(),
        precision: Precision::Q4KM,
        bytes: None,
    }
}

#[test]
fn a_file_is_downloaded_once_and_then_found_in_the_cache_with_its_commit() {
    let server = LoopbackHub::start();
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::at(&server.endpoint, cache.path()).unwrap();
    for wanted in [file("owner/model", "model.gguf", Some(COMMIT)), file("owner/model", "model.gguf", None)] {
        let fetched = hub.fetch(&wanted).unwrap();
        assert_eq!(std::fs::read(&fetched.path).unwrap(), BODY);
        assert_eq!(fetched.commit, COMMIT);
        assert_eq!(hub.cached(&wanted), Some(fetched));
    }
    assert_eq!(server.downloads.load(Ordering::SeqCst), 1);
}

#[test]
fn nothing_is_cached_before_it_is_fetched_and_looking_needs_no_network() {
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::at("http://127.0.0.1:9", cache.path()).unwrap();
    assert_eq!(hub.cached(&file("owner/model", "model.gguf", Some(COMMIT))), None);
}

#[test]
fn a_missing_file_a_gated_repository_and_a_dead_hub_are_told_apart() {
    let server = LoopbackHub::start();
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::at(&server.endpoint, cache.path()).unwrap();
    let missing = hub.fetch(&file("owner/model", "absent.gguf", Some(COMMIT))).unwrap_err();
    assert!(matches!(missing, HubError::NotFound { .. }), "{missing}");
    assert!(missing.to_string().contains("models.toml"), "{missing}");
    let gated = hub.fetch(&file("owner/gated", "model.gguf", Some(COMMIT))).unwrap_err();
    assert!(matches!(gated, HubError::Denied { .. }), "{gated}");
    assert!(gated.to_string().contains("HF_TOKEN"), "{gated}");
    let dead = Hub::at("http://127.0.0.1:9", cache.path()).unwrap();
    let unreachable = dead.fetch(&file("owner/model", "other.gguf", Some(COMMIT))).unwrap_err();
    assert!(matches!(unreachable, HubError::Transfer { .. }), "{unreachable}");
}

#[test]
fn a_hub_answers_even_if_it_refuses_and_a_dead_or_silent_one_does_not() {
    let server = LoopbackHub::start();
    let cache = tempfile::tempdir().unwrap();
    let (patience, at) = (Duration::from_secs(1), |endpoint: &str| Hub::at(endpoint, cache.path()).unwrap());
    for name in ["owner/model", "owner/gated"] {
        let repo = HubRepo { repo: name.to_owned(), commit: None };
        assert_eq!(at(&server.endpoint).answers(&repo, patience), Ok(()));
    }
    let repo = HubRepo { repo: "owner/model".to_owned(), commit: None };
    assert_eq!(
        at("http://127.0.0.1:9").answers(&repo, Duration::from_secs(20)),
        Err("no connection".to_owned())
    );
    // It takes the connection, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    assert_eq!(at(&endpoint).answers(&repo, patience), Err("no answer within 1 s".to_owned()));
}

/// `claimbench pull` against a hub and an empty cache, with nobody at the terminal.
fn pull(server: &LoopbackHub, cache: &std::path::Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = assert_cmd::Command::cargo_bin("claimbench").unwrap();
    command.env("HF_ENDPOINT", &server.endpoint).env("HF_HOME", cache).env_remove("HF_HUB_OFFLINE");
    let output = command.arg("pull").args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_restricted_licence_is_shown_and_nothing_is_asked_of_the_hub_until_it_is_accepted() {
    let server = LoopbackHub::start();
    let cache = tempfile::tempdir().unwrap();
    let (code, said) = pull(&server, cache.path(), &["ministral-8b-2410"]);
    assert_eq!(code, Some(1), "{said}");
    for words in ["licence Mistral Research License", "restricted: ", "--accept-licence", "about 4.90 GB"] {
        assert!(said.contains(words), "no {words} in {said}");
    }
    assert_eq!(
        server.requests.load(Ordering::SeqCst),
        0,
        "the hub was asked before the licence was accepted"
    );
    // This hub has no such file, which it can only say once it is asked.
    let (code, said) = pull(&server, cache.path(), &["ministral-8b-2410", "--accept-licence"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("has no `Ministral-8B-Instruct-2410-Q4_K_M.gguf`"), "{said}");
    assert!(server.requests.load(Ordering::SeqCst) > 0);
}

#[test]
fn a_dry_pull_shows_the_terms_and_the_size_somebody_read_and_asks_nothing_of_the_hub() {
    let server = LoopbackHub::start();
    let cache = tempfile::tempdir().unwrap();
    let (code, said) = pull(&server, cache.path(), &["mistral-7b-v0.3", "--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("licence Apache-2.0") && said.contains("Q4_K_M.gguf, 4.37 GB"), "{said}");
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
    // An open licence needs no consent: the hub is asked at once.
    let (code, said) = pull(&server, cache.path(), &["mistral-7b-v0.3", "--precision", "q8_0"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("has no `Mistral-7B-Instruct-v0.3-Q8_0.gguf`"), "{said}");
    assert!(server.requests.load(Ordering::SeqCst) > 0);
}
