//! `claimbench pull` as a user calls it, against the double and an empty cache, with nobody at the terminal.

use std::path::Path;

use crate::double::{Double, etag};
use crate::{COMMIT, body};

const REPO: &str = "bartowski/Mistral-7B-Instruct-v0.3-GGUF";
const FILE: &str = "Mistral-7B-Instruct-v0.3-Q4_K_M.gguf";

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn lock(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("cache/models.lock")).unwrap()
    }

    fn command(&self, endpoint: &str) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::cargo_bin("claimbench").unwrap();
        command.env("HF_ENDPOINT", endpoint).env("HF_HOME", self.folder.path().join("hub"));
        command.env("CLAIMBENCH_CACHE", self.folder.path().join("cache")).current_dir(self.folder.path());
        for variable in ["HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN", "HF_TOKEN_PATH"] {
            command.env_remove(variable);
        }
        command
    }

    fn pull(&self, server: &Double, arguments: &[&str]) -> (Option<i32>, String) {
        outcome(self.command(&server.endpoint()).arg("pull").args(arguments))
    }
}

fn outcome(command: &mut assert_cmd::Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn hub_with_a_file() -> (Double, Vec<u8>) {
    let (server, body) = (Double::start(), body(5000));
    server.put(REPO, COMMIT, FILE, &body);
    (server, body)
}

#[test]
fn a_restricted_licence_is_shown_and_nothing_is_asked_of_the_hub_until_it_is_accepted() {
    let (server, home) = (Double::start(), Home::new());
    let (code, said) = home.pull(&server, &["ministral-8b-2410"]);
    assert_eq!(code, Some(1), "{said}");
    for words in ["licence Mistral Research License", "restricted: ", "--accept-licence", "about 4.90 GB"] {
        assert!(said.contains(words), "no {words} in {said}");
    }
    assert_eq!(server.seen().len(), 0, "the hub was asked before the licence was accepted");
    // This hub has no such repository, which it can only say once it is asked.
    let (code, said) = home.pull(&server, &["ministral-8b-2410", "--accept-licence"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no repository bartowski/Ministral-8B-Instruct-2410-GGUF"), "{said}");
    assert!(!server.seen().is_empty());
}

#[test]
fn a_dry_pull_shows_terms_and_sizes_of_the_default_models_and_asks_nothing_of_the_hub() {
    let (server, home) = (Double::start(), Home::new());
    let (code, said) = home.pull(&server, &["--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Mistral-7B-Instruct-v0.3 by Mistral AI: licence Apache-2.0"), "{said}");
    assert!(
        said.contains("Q4_K_M.gguf, 4.37 GB") && said.contains("DeepSeek-R1-Distill-Qwen-1.5B"),
        "{said}"
    );
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_file_is_fetched_verified_and_locked_and_one_of_another_model_is_refused() {
    let ((server, body), home) = (hub_with_a_file(), Home::new());
    let (code, said) = home.pull(&server, &["mistral-7b-v0.3"]);
    // The bytes came, and are no model.
    assert_eq!(code, Some(1), "{said}");
    for words in
        ["1 file, 5.00 kB, 5.00 kB to fetch", "models.toml was written for a file of 4.37 GB", "GGUF"]
    {
        assert!(said.contains(words), "no {words} in {said}");
    }
    assert!(said.contains(&format!("fetching {FILE}, 5.00 kB")), "{said}");
    let lock = home.lock();
    for words in [REPO, FILE, COMMIT, "bytes = 5000", &etag(FILE, &body)] {
        assert!(lock.contains(words), "no {words} in {lock}");
    }
    let file =
        home.folder.path().join(format!("hub/hub/models--{}/snapshots/{COMMIT}", REPO.replace('/', "--")));
    assert_eq!(std::fs::read(file.join(FILE)).unwrap(), body);
}

#[test]
fn a_file_that_differs_from_the_lock_is_refused_by_pull_and_by_run() {
    let ((server, body), home) = (hub_with_a_file(), Home::new());
    home.pull(&server, &["mistral-7b-v0.3"]);
    let path = home.folder.path().join("cache/models.lock");
    let wrong = home.lock().replace(&etag(FILE, &body), &"0".repeat(64));
    std::fs::write(&path, &wrong).unwrap();
    let (code, said) = home.pull(&server, &["mistral-7b-v0.3"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("models.lock says 000000") && said.contains("repeat `claimbench pull`"), "{said}");
    assert_eq!(home.lock(), wrong);
    let run = ["run", "--weights", "real", "--model", "mistral-7b-v0.3"];
    let (code, text) = outcome(home.command(&server.endpoint()).args(run));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("models.lock says 000000") && text.contains("--update"), "{text}");
    home.pull(&server, &["mistral-7b-v0.3", "--update"]);
    assert!(home.lock().contains(&etag(FILE, &body)));
}

#[test]
fn what_the_disk_has_no_room_for_is_not_begun() {
    let ((server, _), home) = (hub_with_a_file(), Home::new());
    server.announce(1_000_000_000_000_000_000);
    let (code, said) = home.pull(&server, &["mistral-7b-v0.3"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("nothing was downloaded: 1000000000.00 GB are to fetch"), "{said}");
    assert!(said.contains("are missing; free some space"), "{said}");
    assert_eq!(server.bodies().len(), 0);
}

#[test]
fn offline_and_secrets_are_kept() {
    let ((server, _), home) = (hub_with_a_file(), Home::new());
    let (code, text) = outcome(
        home.command(&server.endpoint()).env("HF_HUB_OFFLINE", "1").args(["pull", "mistral-7b-v0.3"]),
    );
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("HF_HUB_OFFLINE is set"), "{text}");
    assert_eq!(server.seen().len(), 0);
    let endpoint = server.endpoint_with_password("letmein");
    let mut command = home.command(&endpoint);
    let (_, text) = outcome(command.env("HF_TOKEN", "hf_secret").args(["pull", "mistral-nemo-2407"]));
    assert!(!text.contains("letmein") && !text.contains("hf_secret"), "{text}");
    // A token goes before a password, as with the other clients of the hub.
    assert_eq!(server.seen()[0].authorization.as_deref(), Some("Bearer hf_secret"));
    // The token of a file, where the other clients keep it.
    let file = home.folder.path().join("hub/token");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "hf_of_file\n").unwrap();
    home.pull(&server, &["mistral-nemo-2407"]);
    let last = server.seen().pop().unwrap();
    assert_eq!(last.authorization.as_deref(), Some("Bearer hf_of_file"));
}

#[test]
fn quiet_leaves_the_terms_and_the_failure() {
    let ((server, _), home) = (hub_with_a_file(), Home::new());
    let (_, said) = home.pull(&server, &["mistral-7b-v0.3", "--quiet"]);
    assert!(said.contains("licence Apache-2.0") && said.contains("error:"), "{said}");
    assert!(!said.contains("fetching") && !said.contains("to fetch"), "{said}");
    assert!(Path::new(&home.folder.path().join("cache/models.lock")).exists());
}
