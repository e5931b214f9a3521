//! What the hub was asked for, and what its refusal means for that.

use super::error::HubError;
use super::http::{Door, Trouble};
use super::patience::Patience;
use crate::units::Bytes;

/// A file of a repository at a revision; an empty file name asks for the revision itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) repo: &'a str,
    /// Commit or branch.
    pub(super) revision: &'a str,
    pub(super) file: &'a str,
}

impl Asked<'_> {
    /// Repository and file, as messages name them.
    pub(super) fn what(&self) -> String {
        if self.file.is_empty() { self.repo.to_owned() } else { format!("{}/{}", self.repo, self.file) }
    }

    /// The message of a request that was given up with `came` bytes here.
    pub(super) fn failed(&self, door: &Door, patience: Patience, trouble: Trouble, came: Bytes) -> HubError {
        let (host, what) = (door.host(), self.what());
        match trouble {
            Trouble::Refused { status, code, wait } => {
                let seconds = wait.map(|wait| wait.as_secs());
                self.refused(status, code.as_deref(), seconds, door)
            }
            Trouble::Unreachable(problem) if came.count() == 0 => HubError::Unreachable { host, problem },
            Trouble::Unreachable(problem) | Trouble::Dropped(problem) => {
                HubError::Dropped { host, what, problem, came }
            }
            Trouble::Stalled => HubError::Stalled { host, what, seconds: patience.stall.as_secs(), came },
            Trouble::Answer(problem) => HubError::Answer { host, what, problem },
        }
    }

    /// The hub answers 401 for a repository that is not there, to one it does not know; so its own word comes first.
    fn refused(&self, status: u16, code: Option<&str>, seconds: Option<u64>, door: &Door) -> HubError {
        let repo = self.repo.to_owned();
        let revision = self.revision.to_owned();
        match (status, code) {
            (401 | 403, Some("GatedRepo")) | (403, _) => HubError::Denied { repo },
            (401 | 404, Some("RepoNotFound")) => HubError::NoRepo { repo },
            (401, _) if door.has_token() => HubError::BadToken,
            (401, _) => HubError::Denied { repo },
            (404, Some("RevisionNotFound")) => HubError::NoRevision { repo, revision },
            (404, None) if self.file.is_empty() => HubError::NoRepo { repo },
            (404, _) => HubError::NoFile { repo, file: self.file.to_owned(), revision },
            (429, _) => HubError::Busy { seconds },
            _ => HubError::Server { host: door.host(), what: self.what(), status },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(status: u16, code: Option<&str>, token: Option<&str>) -> String {
        let token = token.map(str::to_owned);
        let door = Door::new("https://me:secret@hub.example/prefix", token, Patience::default()).unwrap();
        let asked = Asked { repo: "owner/model", revision: "main", file: "x.gguf" };
        let trouble = Trouble::Refused { status, code: code.map(str::to_owned), wait: None };
        let text = asked.failed(&door, Patience::default(), trouble, Bytes::new(0)).to_string();
        assert!(!text.contains("secret") && !text.contains("hf_token_text"), "{text}");
        text
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        for (status, code, token, part) in [
            (401, Some("GatedRepo"), None, "accept its terms"),
            (403, Some("GatedRepo"), Some("hf_token_text"), "accept its terms"),
            (403, None, Some("hf_token_text"), "accept its terms"),
            (401, Some("RepoNotFound"), None, "missing, renamed or private"),
            (404, Some("RepoNotFound"), None, "missing, renamed or private"),
            (401, None, Some("hf_token_text"), "refuses the token"),
            (401, None, None, "set HF_TOKEN"),
            (404, Some("RevisionNotFound"), None, "no revision main"),
            (404, Some("EntryNotFound"), None, "no `x.gguf` at main"),
            (404, None, None, "no `x.gguf` at main"),
            (429, None, None, "in some minutes"),
            (503, None, None, "hub.example answers owner/model/x.gguf with error 503"),
            (418, None, None, "error 418"),
        ] {
            let text = message(status, code, token);
            assert!(text.contains(part), "{status} {code:?}: no `{part}` in {text}");
        }
    }
}
