//! A repository's folder in the cache that all clients of the hub share, and what they expect to find in it.
//!
//! `models--owner--name/blobs/<etag>` holds contents, `snapshots/<commit>/<file>` points to them, `refs/<branch>` names a
//! commit. A content that is on its way is `blobs/<etag>.incomplete`, and `.locks/models--owner--name/<etag>.lock` is held
//! meanwhile; the Python client uses the same names, so either goes on where the other stopped.

#![expect(clippy::disallowed_methods, reason = "writes the hub's cache")]

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::error::HubError;

/// How often to look whether another process is done.
const LOOK: Duration = Duration::from_millis(200);

/// The folder of one repository.
#[derive(Clone, Debug)]
pub(super) struct RepoFolder {
    root: PathBuf,
    locks: PathBuf,
}

/// Held while a content is written; the system lets go of it if the process dies.
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "the lock ends with the file")] File);

impl RepoFolder {
    pub(super) fn new(cache: &Path, repo: &str) -> Self {
        let name = folder_name(repo);
        Self { root: cache.join(&name), locks: cache.join(".locks").join(name) }
    }

    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(etag)
    }

    pub(super) fn partial(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(format!("{etag}.incomplete"))
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// Waits until nobody else writes this content. `on_wait` is called once if there is a wait.
    pub(super) fn hold(&self, etag: &str, on_wait: &mut dyn FnMut()) -> Result<Held, HubError> {
        let path = self.locks.join(format!("{etag}.lock"));
        fs::create_dir_all(&self.locks).map_err(HubError::io("create", &self.locks))?;
        let file = File::create(&path).map_err(HubError::io("create", &path))?;
        let mut waits = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Held(file)),
                Err(TryLockError::Error(source)) => return Err(HubError::io("lock", &path)(source)),
                Err(TryLockError::WouldBlock) => {
                    if !waits {
                        on_wait();
                    }
                    waits = true;
                    std::thread::sleep(LOOK);
                }
            }
        }
    }

    /// Lets the file of a snapshot point to a content. What stands there and can be read is left as it is.
    pub(super) fn point(&self, commit: &str, file: &str, etag: &str) -> Result<PathBuf, HubError> {
        let (blob, pointer) = (self.blob(etag), self.snapshot(commit).join(file));
        if pointer.exists() {
            return Ok(pointer);
        }
        let folder = pointer.parent().expect("a file of a snapshot lies in a folder");
        fs::create_dir_all(folder).map_err(HubError::io("create", folder))?;
        let fresh = folder.join(format!(".claimbench-{}", std::process::id()));
        let placed =
            link(&relative(&blob, folder), &blob, &fresh).and_then(|()| fs::rename(&fresh, &pointer));
        placed.map_err(HubError::io("create", &pointer))?;
        Ok(pointer)
    }

    /// Notes which commit a branch stood for. A commit needs no note.
    pub(super) fn note(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if revision == commit {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        let folder = path.parent().expect("a reference lies in a folder");
        fs::create_dir_all(folder).map_err(HubError::io("create", folder))?;
        let fresh = folder.join(format!(".claimbench-{}", std::process::id()));
        let written = fs::write(&fresh, commit).and_then(|()| fs::rename(&fresh, &path));
        written.map_err(HubError::io("write", &path))
    }
}

/// The folder of a repository in the cache.
pub(super) fn folder_name(repo: &str) -> String {
    format!("models--{}", repo.replace('/', "--"))
}

/// True for a name that can stand in a folder without leaving it.
pub(super) fn is_plain(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() < 200 && !name.starts_with('.') && name.chars().all(good)
}

/// True for a commit in full.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The name of the content that a file of a snapshot points to.
pub(super) fn etag_of(pointer: &Path) -> Option<String> {
    fs::read_link(pointer).ok()?.file_name()?.to_str().map(str::to_owned)
}

/// `blob` as seen from `folder`; both lie in one repository's folder.
fn relative(blob: &Path, folder: &Path) -> PathBuf {
    let shared = blob.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(blob.components().skip(shared)).collect()
}

#[cfg(unix)]
fn link(relative: &Path, _: &Path, pointer: &Path) -> io::Result<()> {
    let _ = fs::remove_file(pointer);
    std::os::unix::fs::symlink(relative, pointer)
}

/// Links need rights that a user may lack.
#[cfg(not(unix))]
fn link(_: &Path, blob: &Path, pointer: &Path) -> io::Result<()> {
    fs::copy(blob, pointer).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_relative_and_leads_to_its_content_from_any_depth() {
        let cache = tempfile::tempdir().unwrap();
        let folder = RepoFolder::new(cache.path(), "owner/model");
        let blob = folder.blob("abc");
        fs::create_dir_all(blob.parent().unwrap()).unwrap();
        fs::write(&blob, "content").unwrap();
        for file in ["model.gguf", "sub/deep/model.gguf"] {
            let pointer = folder.point("c0", file, "abc").unwrap();
            assert_eq!(fs::read_to_string(&pointer).unwrap(), "content");
            assert!(pointer.ends_with(Path::new("models--owner--model/snapshots/c0").join(file)));
            #[cfg(unix)]
            assert!(fs::read_link(&pointer).unwrap().is_relative());
        }
        folder.note("main", "c0").unwrap();
        assert_eq!(fs::read_to_string(cache.path().join("models--owner--model/refs/main")).unwrap(), "c0");
    }

    #[test]
    fn a_name_that_leaves_its_folder_is_not_plain() {
        assert!(is_plain("0b6a5f") && is_plain("model-00001-of-00002.safetensors"));
        for name in ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a\0b", "ü"] {
            assert!(!is_plain(name), "{name:?}");
        }
    }

    #[test]
    fn a_content_is_held_by_one_at_a_time() {
        let cache = tempfile::tempdir().unwrap();
        let folder = RepoFolder::new(cache.path(), "owner/model");
        let held = folder.hold("abc", &mut || panic!("nobody else is there")).unwrap();
        let (begins, waits) = std::sync::mpsc::channel();
        let second = std::thread::spawn({
            let folder = folder.clone();
            move || folder.hold("abc", &mut || begins.send(()).unwrap()).unwrap()
        });
        folder.hold("other", &mut || panic!("another content")).unwrap();
        waits.recv().unwrap();
        drop(held);
        second.join().unwrap();
        assert!(waits.recv().is_err(), "told twice");
    }
}
