//! Real weights: found in the hub's cache on this machine, or downloaded into it.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use hf_hub::{HFClient, HFClientSync, HFError};

use super::spec::{HubFile, HubRepo};

/// A file of real weights on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchedFile {
    /// Where it is.
    pub path: PathBuf,
    /// The commit it belongs to.
    pub commit: String,
}

/// A download that failed.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The client cannot be set up.
    #[error("the hub client cannot start: {0}; check HF_ENDPOINT and HF_HOME")]
    Client(String),
    /// The repository has no such file, or there is no such repository or commit.
    #[error("{repo} has no `{file}` at {revision}: {problem}; correct its entry in models.toml")]
    NotFound {
        /// `owner/name`.
        repo: String,
        /// The file asked for.
        file: String,
        /// Commit or branch asked for.
        revision: String,
        /// What the hub said.
        problem: String,
    },
    /// The hub wants to know who asks.
    #[error("{repo} is gated or private: {problem}; accept its terms on the hub and set HF_TOKEN")]
    Denied {
        /// `owner/name`.
        repo: String,
        /// What the hub said.
        problem: String,
    },
    /// Anything else: the network, the disk.
    #[error(
        "{repo}/{file} was not downloaded: {problem}; check the network and the free space, then try again"
    )]
    Transfer {
        /// `owner/name`.
        repo: String,
        /// The file asked for.
        file: String,
        /// What went wrong.
        problem: String,
    },
}

/// The model hub and its cache. `HF_ENDPOINT`, `HF_TOKEN` and `HF_HOME` are honoured as every client of the hub does.
pub struct Hub {
    client: HFClientSync,
}

impl Hub {
    /// The hub the environment names.
    pub fn from_environment() -> Result<Self, HubError> {
        HFClient::builder().build_sync().map(|client| Self { client }).map_err(|error| client_error(&error))
    }

    /// A hub at `endpoint` with its cache in `cache`; for mirrors and tests.
    pub fn at(endpoint: &str, cache: &Path) -> Result<Self, HubError> {
        let builder = HFClient::builder().endpoint(endpoint).cache_dir(cache).retry_max_attempts(1);
        builder.build_sync().map(|client| Self { client }).map_err(|error| client_error(&error))
    }

    /// The file if it is in the cache; never touches the network.
    pub fn cached(&self, file: &HubFile) -> Option<FetchedFile> {
        self.get(file, true).ok()
    }

    /// The file, downloaded if it is not in the cache.
    pub fn fetch(&self, file: &HubFile) -> Result<FetchedFile, HubError> {
        self.get(file, false).map_err(|error| describe(file, &error))
    }

    /// Asks the hub about `repo`, and waits for at most `patience`. Any answer is good, a refusal too: only silence,
    /// or an answer that is no hub's, is an error, told without the hub's address, which may hold a password.
    pub fn answers(&self, repo: &HubRepo, patience: Duration) -> Result<(), String> {
        let (owner, name) = hf_hub::split_id(&repo.repo);
        let repository = self.client.model(owner, name);
        let (sender, receiver) = mpsc::channel();
        // The thread may outlast the patience; the end of the program ends it.
        thread::spawn(move || sender.send(repository.exists().send()));
        match receiver.recv_timeout(patience) {
            Err(_) => Err(format!("no answer within {} s", patience.as_secs())),
            Ok(Err(HFError::Request { .. })) => Err("no connection".to_owned()),
            Ok(Err(HFError::Http { .. })) => Err("it answers with an error".to_owned()),
            Ok(_) => Ok(()),
        }
    }

    fn get(&self, file: &HubFile, only_cached: bool) -> Result<FetchedFile, HFError> {
        let (owner, name) = hf_hub::split_id(&file.repo.repo);
        let path = self
            .client
            .model(owner, name)
            .download_file()
            .filename(file.file.clone())
            .maybe_revision(file.repo.commit.clone())
            .local_files_only(only_cached)
            .send()?;
        let commit =
            commit_of(&path).or_else(|| file.repo.commit.clone()).unwrap_or_else(|| "unknown".to_owned());
        Ok(FetchedFile { path, commit })
    }
}

/// The cache keeps files under `snapshots/<commit>/`.
fn commit_of(path: &Path) -> Option<String> {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let at = parts.iter().rposition(|part| part == "snapshots")?;
    parts.get(at + 1).map(ToString::to_string)
}

fn client_error(error: &HFError) -> HubError {
    HubError::Client(error.to_string())
}

fn describe(file: &HubFile, error: &HFError) -> HubError {
    let (repo, problem) = (file.repo.repo.clone(), error.to_string());
    match error {
        HFError::RepoNotFound { .. } | HFError::RevisionNotFound { .. } | HFError::EntryNotFound { .. } => {
            let revision = file.repo.commit.clone().unwrap_or_else(|| "the default branch".to_owned());
            HubError::NotFound { repo, file: file.file.clone(), revision, problem }
        }
        HFError::AuthRequired { .. } | HFError::Forbidden { .. } => HubError::Denied { repo, problem },
        _ => HubError::Transfer { repo, file: file.file.clone(), problem },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_read_from_the_cache_path() {
        let path = Path::new("/c/models--a--b/snapshots/0123abcd/sub/model.gguf");
        assert_eq!(commit_of(path).as_deref(), Some("0123abcd"));
        assert_eq!(commit_of(Path::new("/c/model.gguf")), None);
    }
}
