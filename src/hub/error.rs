//! What can go wrong between the hub and this disk, each in one sentence that ends in what to do.

use std::io;
use std::path::PathBuf;

use crate::units::Bytes;

/// A download that failed. No message holds an address: it may contain a password or a signed link. Hosts are named.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The environment names a hub that cannot be used.
    #[error("the hub's settings cannot be used: {0}; check HF_ENDPOINT and HF_HOME")]
    Settings(String),
    /// The user forbade the network.
    #[error(
        "HF_HUB_OFFLINE is set and {what} is not in the cache; unset it, or copy the cache of a machine that has the file"
    )]
    Offline {
        /// Repository and file.
        what: String,
    },
    /// No such repository, or none for this user: the hub does not tell the two apart.
    #[error(
        "the hub shows no repository {repo}: it is missing, renamed or private; correct its entry in models.toml, or set \
         HF_TOKEN if it is private"
    )]
    NoRepo {
        /// `owner/name`.
        repo: String,
    },
    /// No such commit or branch.
    #[error(
        "{repo} has no revision {revision}; correct its commit in models.toml, or repeat with --update if it is the one of \
         models.lock"
    )]
    NoRevision {
        /// `owner/name`.
        repo: String,
        /// Commit or branch asked for.
        revision: String,
    },
    /// The repository has no such file.
    #[error("{repo} has no `{file}` at {revision}; correct its entry in models.toml")]
    NoFile {
        /// `owner/name`.
        repo: String,
        /// The file asked for.
        file: String,
        /// Commit or branch asked for.
        revision: String,
    },
    /// The hub wants to know who asks, or has not let this user in.
    #[error(
        "{repo} is gated or private; accept its terms on the hub with your account, and set HF_TOKEN to a token of it"
    )]
    Denied {
        /// `owner/name`.
        repo: String,
    },
    /// The hub does not know the token.
    #[error(
        "the hub refuses the token of HF_TOKEN or the token file; make a new one in the settings of your account"
    )]
    BadToken,
    /// Too many requests, and a wait too long to sit out.
    #[error("the hub allows no more requests for now; {}", again(*.seconds))]
    Busy {
        /// How long to wait, where the hub says so.
        seconds: Option<u64>,
    },
    /// The hub answers with another error.
    #[error("{host} answers {what} with error {status}; nothing is wrong here, so try again later")]
    Server {
        /// Who answered.
        host: String,
        /// Repository and file.
        what: String,
        /// HTTP status.
        status: u16,
    },
    /// Nobody answers.
    #[error(
        "{host} cannot be reached ({problem}); check the network, the proxy and HF_ENDPOINT, then try again"
    )]
    Unreachable {
        /// Who was asked.
        host: String,
        /// What the system said.
        problem: String,
    },
    /// The connection was open and brought nothing.
    #[error(
        "{host} sent nothing of {what} for {seconds} s; {} try again, it goes on where it stopped", kept(*.came)
    )]
    Stalled {
        /// Who was silent.
        host: String,
        /// Repository and file.
        what: String,
        /// The patience it had.
        seconds: u64,
        /// Bytes that are here.
        came: Bytes,
    },
    /// The connection broke, again and again.
    #[error(
        "the connection to {host} broke while it sent {what} ({problem}); {} try again, it goes on where it stopped",
        kept(*.came)
    )]
    Dropped {
        /// Who sent.
        host: String,
        /// Repository and file.
        what: String,
        /// What the system said.
        problem: String,
        /// Bytes that are here.
        came: Bytes,
    },
    /// Whole, and not what was promised.
    #[error(
        "{what} came with the digest {found} and should have {expected}; nothing was kept, so try again, and distrust the \
         network or the mirror if it comes back"
    )]
    WrongDigest {
        /// Repository and file.
        what: String,
        /// As the hub or the lock names it.
        expected: String,
        /// As computed.
        found: String,
    },
    /// The hub announces one size and sends another.
    #[error("{what} should have {expected} and {found} were offered; nothing was kept, so try again later")]
    WrongSize {
        /// Repository and file.
        what: String,
        /// As announced.
        expected: Bytes,
        /// As sent.
        found: Bytes,
    },
    /// A file of the cache is not what its name or the lock says.
    #[error(
        "{} has the digest {found}, and {by} says {expected}: remove the file and repeat `claimbench pull`", path.display()
    )]
    Damaged {
        /// Where it lies.
        path: PathBuf,
        /// Who says so.
        by: &'static str,
        /// As it should be.
        expected: String,
        /// As computed.
        found: String,
    },
    /// An answer that no hub gives.
    #[error("the answer of {host} about {what} cannot be used: {problem}; check HF_ENDPOINT")]
    Answer {
        /// Who answered.
        host: String,
        /// Repository and file.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Files are missing that a checkpoint needs.
    #[error(
        "{repo} at {revision} is no checkpoint that can be used: {problem}; correct its entry in models.toml"
    )]
    Unfit {
        /// `owner/name`.
        repo: String,
        /// Commit or branch asked for.
        revision: String,
        /// What is missing.
        problem: String,
    },
    /// The disk is full.
    #[error("the disk of {} filled up; free some space and try again, it goes on where it stopped", folder.display())]
    Full {
        /// Where the file was to go.
        folder: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} {}: {source}; check who may write there, or set HF_HOME to another folder", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl HubError {
    /// True if nobody answered at all, so that what is here may serve.
    pub const fn is_silence(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Stalled { .. })
    }

    /// Wraps what the system said about `path`; a full disk has a message of its own.
    pub(super) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { folder: path.parent().unwrap_or(&path).to_owned() }
            }
            _ => Self::Io { action, path, source },
        }
    }
}

fn again(seconds: Option<u64>) -> String {
    match seconds {
        Some(seconds) => format!("try again in {seconds} s, or set HF_TOKEN, which allows more"),
        None => "try again in some minutes, or set HF_TOKEN, which allows more".to_owned(),
    }
}

fn kept(came: Bytes) -> String {
    match came.count() {
        0 => String::new(),
        _ => format!("{came} are here;"),
    }
}
