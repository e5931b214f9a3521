//! `models.lock`: which files were fetched, at which commit, with which digest, so that a later run measures the same ones.
//!
//! It lies in claimbench's own folder (`CLAIMBENCH_CACHE`, or `claimbench` in the system's cache folder), once per user.
//! Beside the files themselves it would stand in a folder that belongs to all clients of the hub; in the folder the user
//! happens to work in it would protect the runs started there alone, and silently no others.

#![expect(clippy::disallowed_methods, reason = "reads and writes models.lock")]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::digest::{Promise, of_file};
use super::folder::folder_name;
use super::{Fetched, FetchedFile, wire};
use crate::faults::Faults;
use crate::model::{CacheError, CacheFolder, HubContent, HubFile};
use crate::units::Bytes;

/// What stands above the entries.
const HEAD: &str = "\
# What `claimbench pull` fetched. `pull` and `run` refuse a file that differs; `claimbench pull MODEL --update` takes what
# the hub has now. A copy of this file on another machine makes it fetch and measure the same bytes.
";

/// Why `models.lock` is no help, or what it forbids.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It has no place.
    #[error(transparent)]
    Folder(#[from] CacheError),
    /// It is not what it should be.
    #[error("{0}")]
    Faults(Faults),
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not the one that was locked.
    #[error(
        "{repo}/{file} has the SHA-256 {found}, and models.lock says {locked}: remove {} from the hub's cache and repeat \
         `claimbench pull` to have the locked file, or add --update to keep what is there",
        folder_name(repo)
    )]
    Differs {
        /// `owner/name`.
        repo: String,
        /// Its name there.
        file: String,
        /// As computed.
        found: String,
        /// As locked.
        locked: String,
    },
}

/// One file that was fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LockedFile {
    /// `owner/name`.
    pub repo: String,
    /// The commit it belongs to.
    pub commit: String,
    /// Its name there.
    pub file: String,
    /// Its size.
    pub bytes: Bytes,
    /// Its digest, in lower-case hexadecimal.
    pub sha256: String,
}

/// The whole of `models.lock`. One entry per repository and file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ModelsLock {
    files: Vec<LockedFile>,
}

impl ModelsLock {
    /// Where the user's own lies.
    pub fn path() -> Result<PathBuf, CacheError> {
        Ok(CacheFolder::locate()?.root().join("models.lock"))
    }

    /// The user's own; empty if there is none.
    pub fn of_user() -> Result<Self, LockError> {
        Self::read(&Self::path()?)
    }

    /// Reads the file at `path`; empty if there is none.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            text => text.map_err(at("read", path))?,
        };
        // A run file may quote the message, and says of no file where it lies.
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let files = wire::read_lock(&name, &text).map_err(LockError::Faults)?;
        Ok(Self { files })
    }

    /// The entries, by repository and file.
    pub fn files(&self) -> &[LockedFile] {
        &self.files
    }

    /// The entry of a file at a commit. One of another commit says nothing about this one.
    pub fn get(&self, repo: &str, commit: &str, file: &str) -> Option<&LockedFile> {
        self.files.iter().find(|locked| locked.repo == repo && locked.commit == commit && locked.file == file)
    }

    /// `file` at the commit that was locked, where `models.toml` names none.
    #[must_use]
    pub fn pinned(&self, file: &HubFile) -> HubFile {
        let name = match &file.content {
            HubContent::Gguf(name) => name,
            HubContent::Safetensors => "config.json",
        };
        let mut pinned = file.clone();
        if pinned.repo.commit.is_none() {
            let locked =
                self.files.iter().find(|locked| locked.repo == file.repo.repo && locked.file == name);
            pinned.repo.commit = locked.map(|locked| locked.commit.clone());
        }
        pinned
    }

    /// Refuses a file whose digest is not the locked one; a file that was never locked is let through.
    pub fn check(&self, repo: &str, commit: &str, file: &str, sha256: &str) -> Result<(), LockError> {
        match self.get(repo, commit, file) {
            Some(locked) if locked.sha256 != sha256 => Err(LockError::Differs {
                repo: repo.to_owned(),
                file: file.to_owned(),
                found: sha256.to_owned(),
                locked: locked.sha256.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Reads every file that the lock knows of `fetched`, and refuses one that is not the locked one.
    pub fn verify(&self, repo: &str, fetched: &Fetched) -> Result<(), LockError> {
        for FetchedFile { name, path, .. } in &fetched.files {
            if self.get(repo, &fetched.commit, name).is_some() {
                let digests = of_file(path, &Promise::Nothing).map_err(at("read", path))?;
                self.check(repo, &fetched.commit, name, &digests.sha256)?;
            }
        }
        Ok(())
    }

    /// Writes `files` into the lock at `path`, each in place of an older entry of the same repository and file. Several
    /// processes may do so at once.
    pub fn keep(path: &Path, files: &[LockedFile]) -> Result<Self, LockError> {
        let folder = path.parent().expect("a file lies in a folder");
        fs::create_dir_all(folder).map_err(at("create", folder))?;
        let guard = path.with_extension("lock.guard");
        let held = File::create(&guard).map_err(at("create", &guard))?;
        held.lock().map_err(at("lock", &guard))?;
        let mut lock = Self::read(path)?;
        lock.files.retain(|old| !files.iter().any(|new| new.repo == old.repo && new.file == old.file));
        lock.files.extend_from_slice(files);
        lock.files.sort_by(|a, b| (&a.repo, &a.file).cmp(&(&b.repo, &b.file)));
        let fresh = path.with_extension(format!("lock.{}", std::process::id()));
        let text = format!("{HEAD}{}", wire::write_lock(&lock.files));
        let written = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path));
        written.map_err(at("write", path))?;
        Ok(lock)
    }
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LockError {
    let path = path.to_owned();
    move |source| LockError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HubRepo, Precision};

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn locked(file: &str, digit: char) -> LockedFile {
        LockedFile {
            repo: "owner/model".to_owned(),
            commit: COMMIT.to_owned(),
            file: file.to_owned(),
            bytes: Bytes::new(7),
            sha256: std::iter::repeat_n(digit, 64).collect(),
        }
    }

    #[test]
    fn what_is_kept_is_read_back_and_replaces_what_stood_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/models.lock");
        assert_eq!(ModelsLock::read(&path).unwrap(), ModelsLock::default());
        ModelsLock::keep(&path, &[locked("b\"\\.gguf", 'b')]).unwrap();
        let kept = ModelsLock::keep(&path, &[locked("b\"\\.gguf", 'c'), locked("a.gguf", 'a')]).unwrap();
        assert_eq!(ModelsLock::read(&path).unwrap(), kept);
        assert_eq!(kept.files(), [locked("a.gguf", 'a'), locked("b\"\\.gguf", 'c')]);
        assert!(fs::read_to_string(&path).unwrap().starts_with("# What `claimbench pull`"));
    }

    #[test]
    fn a_digest_that_differs_is_refused_with_both_ways_out() {
        let lock = ModelsLock { files: vec![locked("a.gguf", 'a')] };
        let check = |commit: &str, digit: char| {
            lock.check("owner/model", commit, "a.gguf", &locked("", digit).sha256)
        };
        assert!(check(COMMIT, 'a').is_ok());
        assert!(check(&COMMIT.replace('0', "9"), 'b').is_ok(), "another commit is another file");
        let error = check(COMMIT, 'b').unwrap_err().to_string();
        for part in ["owner/model/a.gguf", "models--owner--model", "--update", "remove"] {
            assert!(error.contains(part), "no {part} in {error}");
        }
    }

    #[test]
    fn the_locked_commit_fills_in_where_none_is_named() {
        let lock = ModelsLock { files: vec![locked("a.gguf", 'a'), locked("config.json", 'c')] };
        let file = |content: HubContent, commit: Option<&str>| HubFile {
            repo: HubRepo { repo: "owner/model".to_owned(), commit: commit.map(str::to_owned) },
            content,
            precision: Precision::Q4KM,
            bytes: None,
        };
        let pinned = |content, commit| lock.pinned(&file(content, commit)).repo.commit;
        assert_eq!(pinned(HubContent::Gguf("a.gguf".to_owned()), None).as_deref(), Some(COMMIT));
        assert_eq!(pinned(HubContent::Safetensors, None).as_deref(), Some(COMMIT));
        assert_eq!(pinned(HubContent::Gguf("b.gguf".to_owned()), None), None);
        assert_eq!(pinned(HubContent::Safetensors, Some("f00")).as_deref(), Some("f00"));
    }

    #[test]
    fn a_damaged_lock_says_which_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.lock");
        ModelsLock::keep(&path, &[locked("a.gguf", 'a')]).unwrap();
        let text = fs::read_to_string(&path).unwrap().replace(COMMIT, "main");
        fs::write(&path, text).unwrap();
        let error = ModelsLock::read(&path).unwrap_err().to_string();
        assert!(error.contains("models.lock:7: `main` is no commit; remove the entry"), "{error}");
    }
}
