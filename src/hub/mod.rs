//! Real weights from the model hub: found in its cache on this machine, or fetched into it, whole and verified.
//!
//! `hf-hub` 1.0 knows where the cache is, which hub the environment names, and how to look a file up; that is what it is
//! used for, and for the question of `doctor` whether the hub answers. As read in its source it does not:
//!
//! - resume: a download that breaks begins anew, and its `.incomplete` file is overwritten;
//! - verify: neither digest nor size is checked before a content gets its name;
//! - read `HF_HUB_OFFLINE`;
//! - give up on a silent connection: it has no timeout;
//! - do without Xet: its ranged stream takes the hub's other protocol wherever the hub offers it, hides whether a server
//!   heeded the range, and its token is not to be had from outside.
//!
//! So the bytes are fetched here (`transfer.rs`), by plain HTTP with ranges, which the hub serves for every file, over the
//! same `reqwest` that `hf-hub` uses. Names, places and locks are those of the other clients (`folder.rs`): a file that one of
//! them fetched is taken, and ours are found by them.

mod asked;
mod contents;
mod digest;
mod error;
mod folder;
mod http;
mod lock;
mod patience;
mod settings;
mod transfer;
mod wire;

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use hf_hub::{HFClient, HFClientSync, HFError};

pub use contents::PullPlan;
pub use error::HubError;
pub use lock::{LockError, LockedFile, ModelsLock};
pub use patience::Patience;
pub use settings::HubSettings;

use asked::Asked;
use contents::Place;
use digest::{Expectation, Promise};
use folder::RepoFolder;
use http::Door;
use transfer::Wanted;

use crate::model::HubRepo;
use crate::units::Bytes;

/// Real weights on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fetched {
    /// The GGUF file, or the folder of a checkpoint in safetensors.
    pub path: PathBuf,
    /// The commit they belong to.
    pub commit: String,
    /// Every file.
    pub files: Vec<FetchedFile>,
}

/// One file of real weights on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchedFile {
    /// Its name in the repository.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: Bytes,
    /// The name of its content in the cache, where the cache uses links.
    etag: Option<String>,
}

/// What happens during a download, as it happens.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A file begins.
    Starts {
        /// Its name in the repository.
        file: &'a str,
        /// Its size.
        bytes: Bytes,
        /// What of it is here from an earlier try.
        here: Bytes,
    },
    /// So many bytes of it are here.
    Here(Bytes),
    /// It is whole and verified.
    Ends {
        /// Its name in the repository.
        file: &'a str,
    },
    /// A file that is here is read for its digest.
    Checks {
        /// Its name in the repository.
        file: &'a str,
    },
    /// Something that a user who waits wants to know.
    Note(&'a str),
}

/// The model hub and its cache.
pub struct Hub {
    client: HFClientSync,
    cache: PathBuf,
    door: Door,
    patience: Patience,
    is_offline: bool,
}

impl Hub {
    /// The hub the environment names.
    pub fn from_environment() -> Result<Self, HubError> {
        Self::new(HubSettings::from_environment())
    }

    /// The hub of `settings`.
    pub fn new(settings: HubSettings) -> Result<Self, HubError> {
        let HubSettings { endpoint, cache, token, is_offline, patience } = settings;
        let mut builder = HFClient::builder().retry_max_attempts(1);
        if let Some(endpoint) = endpoint {
            builder = builder.endpoint(endpoint);
        }
        if let Some(cache) = cache {
            builder = builder.cache_dir(cache);
        }
        if let Some(token) = &token {
            builder = builder.token(token);
        }
        // The client's own words may repeat an address with a password in it.
        let refused = |_| HubError::Settings("no client for this address".to_owned());
        let client = builder.build().map_err(refused)?;
        let door = Door::new(client.endpoint(), token, patience)?;
        let cache = client.cache_dir().to_owned();
        let client = HFClientSync::from_inner(client).map_err(refused)?;
        Ok(Self { client, cache, door, patience, is_offline })
    }

    /// Where files are kept.
    pub fn cache(&self) -> &std::path::Path {
        &self.cache
    }

    /// True if the network is forbidden.
    pub const fn is_offline(&self) -> bool {
        self.is_offline
    }

    /// Fetches what is missing of `plan`, verifies all of it, and returns it with an entry for `models.lock` per file. A
    /// file that `lock` knows has to be the locked one.
    pub fn fetch(
        &self,
        plan: &PullPlan,
        lock: &ModelsLock,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<(Fetched, Vec<LockedFile>), HubError> {
        let (repo, commit) = (plan.file.repo.repo.as_str(), plan.commit.as_str());
        let folder = RepoFolder::new(self.cache(), repo);
        let mut entries = Vec::new();
        for item in &plan.items {
            let file = item.name.as_str();
            let locked = lock.get(repo, commit, file).map(|locked| locked.sha256.clone());
            let digests = match &item.place {
                Place::Cache(path) => {
                    watch(Event::Checks { file });
                    let promise =
                        folder::etag_of(path).map_or(Promise::Nothing, |etag| Promise::of_etag(&etag));
                    transfer::verified(path, &Expectation { promise, locked })?
                }
                Place::Hub { etag, .. } => {
                    let asked = Asked { repo, revision: commit, file };
                    let wanted = Wanted { asked, etag, bytes: item.bytes, locked: locked.as_deref() };
                    let digests = transfer::bring(&self.door, &folder, self.patience, &wanted, watch)?;
                    folder.point(commit, file, etag)?;
                    digests
                }
            };
            entries.push(LockedFile {
                repo: repo.to_owned(),
                commit: commit.to_owned(),
                file: file.to_owned(),
                bytes: Bytes::new(item.bytes),
                sha256: digests.sha256,
            });
        }
        folder.note(&plan.revision, commit)?;
        let mut at_commit = plan.file.clone();
        at_commit.repo.commit = Some(commit.to_owned());
        let fetched = self.cached(&at_commit).ok_or_else(|| HubError::Unfit {
            repo: repo.to_owned(),
            revision: commit.to_owned(),
            problem: "its files do not make a checkpoint together".to_owned(),
        })?;
        Ok((fetched, entries))
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
}
