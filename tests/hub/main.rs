//! The real download code against a real HTTP server on loopback: what comes, what is kept, what is said.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

mod cache;
mod checkpoint;
mod double;
mod pull;
mod refusals;
mod transfer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use claimbench::hub::{Event, Fetched, Hub, HubError, HubSettings, LockedFile, ModelsLock, Patience};
use claimbench::model::{HubContent, HubFile, HubRepo, Precision};
use double::{COMMIT, Double};

const REPO: &str = "owner/model";
const FILE: &str = "model.gguf";

/// Waits that suit a server next door.
fn patience() -> Patience {
    Patience {
        connect: Duration::from_secs(5),
        stall: Duration::from_millis(400),
        failures: 3,
        pause: Duration::from_millis(1),
        longest_wait: Duration::from_secs(1),
        progress: 1024,
    }
}

fn settings(endpoint: &str, cache: &Path) -> HubSettings {
    HubSettings { patience: patience(), ..HubSettings::at(endpoint, cache) }
}

fn hub(server: &Double, cache: &Path) -> Hub {
    Hub::new(settings(&server.endpoint(), cache)).unwrap()
}

fn gguf(name: &str, commit: Option<&str>) -> HubFile {
    of(REPO, HubContent::Gguf(name.to_owned()), commit)
}

fn of(repo: &str, content: HubContent, commit: Option<&str>) -> HubFile {
    HubFile {
        repo: HubRepo { repo: repo.to_owned(), commit: commit.map(str::to_owned) },
        content,
        precision: Precision::Q4KM,
        bytes: None,
    }
}

/// Plans and fetches; what was said on the way is kept in `said`.
fn pull(
    hub: &Hub,
    file: &HubFile,
    lock: &ModelsLock,
    said: &mut Vec<String>,
) -> Result<(Fetched, Vec<LockedFile>), HubError> {
    let mut watch = |event: Event<'_>| {
        if let Event::Note(text) = event {
            said.push(text.to_owned());
        }
    };
    let plan = hub.plan(file, lock, &mut watch)?;
    hub.fetch(&plan, lock, &mut watch)
}

fn fetch(hub: &Hub, file: &HubFile) -> Result<Fetched, HubError> {
    pull(hub, file, &ModelsLock::default(), &mut Vec::new()).map(|(fetched, _)| fetched)
}

/// Bytes that look like weights: no two pieces are alike.
fn body(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Every file below `folder`, links as they are, without the locks.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else if !entry.path().components().any(|part| part.as_os_str() == ".locks") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// True if nothing in the cache has a final name: what is there is on its way.
fn nothing_final(cache: &Path) -> bool {
    files(cache).iter().all(|path| path.extension().is_some_and(|end| end == "incomplete"))
}

/// A server with one file at one commit.
fn serving(body: &[u8]) -> Double {
    let server = Double::start();
    server.put(REPO, COMMIT, FILE, body);
    server
}
