//! What has to be brought for a model, and what of it is here: decided before the first byte of a weight comes.

#![expect(clippy::disallowed_methods, reason = "looks into the hub's cache")]

use std::fs;
use std::path::{Path, PathBuf};

use super::asked::Asked;
use super::error::HubError;
use super::folder::{RepoFolder, etag_of, is_commit, is_plain};
use super::http::{Head, Trouble};
use super::lock::ModelsLock;
use super::patience::Tries;
use super::{Event, Fetched, FetchedFile, Hub, wire};
use crate::model::{HubContent, HubFile};
use crate::units::Bytes;

/// Of a checkpoint in safetensors: what the shape is read from.
pub(super) const CONFIG: &str = "config.json";
/// Text to tokens. Without it speed can be measured, and no text can be read.
const TOKENIZER: &str = "tokenizer.json";
/// Taken where they are there. Everything else stays where it is, such as the same weights once more in another layout
/// (`consolidated.safetensors`).
const COMPANIONS: [&str; 4] =
    [TOKENIZER, "tokenizer_config.json", "chat_template.jinja", "generation_config.json"];
/// Names the shards, where there are several.
const INDEX: &str = "model.safetensors.index.json";
/// The weights, where they are in one file.
const SINGLE: &str = "model.safetensors";
/// More than an answer or an index has.
const LONGEST_TEXT: u64 = 64 << 20;

/// Where the content of one file is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Under its final name.
    Cache(PathBuf),
    /// On the hub, under this name; so many bytes of it are here already.
    Hub { etag: String, here: u64 },
}

/// One file of a plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) place: Place,
}

/// Every file that a model's weights at one precision are made of, with sizes, before any of them is fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PullPlan {
    pub(super) file: HubFile,
    /// What was asked for: the commit, or the branch it was the head of.
    pub(super) revision: String,
    pub(super) commit: String,
    pub(super) items: Vec<Item>,
}

impl PullPlan {
    /// The commit that all files belong to.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// Size of all files.
    pub fn bytes(&self) -> Bytes {
        Bytes::new(self.items.iter().map(|item| item.bytes).sum())
    }

    /// What is not here yet.
    pub fn missing(&self) -> Bytes {
        let missing = |item: &Item| match &item.place {
            Place::Cache(_) => 0,
            Place::Hub { here, .. } => item.bytes.saturating_sub(*here),
        };
        Bytes::new(self.items.iter().map(missing).sum())
    }

    /// Names and sizes, in the order they come.
    pub fn files(&self) -> impl Iterator<Item = (&str, Bytes)> {
        self.items.iter().map(|item| (item.name.as_str(), Bytes::new(item.bytes)))
    }
}

/// The branch that is taken where no commit is named.
const BRANCH: &str = "main";

impl Hub {
    /// The files in the cache, if all are there; never touches the network. Where no commit is named, the one that the
    /// cache last knew of the default branch.
    pub fn cached(&self, file: &HubFile) -> Option<Fetched> {
        let name = match &file.content {
            HubContent::Gguf(name) => name,
            HubContent::Safetensors => CONFIG,
        };
        let (owner, repo) = hf_hub::split_id(&file.repo.repo);
        let repository = self.client.model(owner, repo);
        let found = repository.download_file().filename(name).maybe_revision(file.repo.commit.clone());
        let path = found.local_files_only(true).send().ok()?;
        let commit = commit_of(&path)?;
        let Some(folder) = snapshot_of(&path, name).filter(|_| file.content == HubContent::Safetensors)
        else {
            return Some(Fetched { commit, files: vec![fetched(name, path.clone())?], path });
        };
        let there = |name: &str| fetched(name, folder.join(name));
        let mut files = vec![there(CONFIG)?];
        files.extend(COMPANIONS.into_iter().filter_map(there));
        match there(INDEX) {
            Some(index) => {
                let names = wire::shards(&fs::read_to_string(&index.path).ok()?).ok()?;
                files.push(index);
                for name in names.iter().filter(|name| is_plain(name)) {
                    files.push(there(name)?);
                }
            }
            None => files.push(there(SINGLE)?),
        }
        Some(Fetched { path: folder, commit, files })
    }

    /// What has to be fetched for `file`, and what is here. The commit is that of `models.toml`, else that of `lock`, else
    /// the head of the default branch.
    ///
    /// The hub is not asked if all is here: a file at a known commit, or a checkpoint that the lock knows (of others the
    /// cache cannot tell whether a small file is missing). If nobody answers, the cache serves.
    pub fn plan(
        &self,
        file: &HubFile,
        lock: &ModelsLock,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<PullPlan, HubError> {
        let file = lock.pinned(file);
        let cached = self.cached(&file);
        let is_whole = |found: &Fetched| match &file.content {
            HubContent::Gguf(_) => file.repo.commit.is_some(),
            HubContent::Safetensors => lock.get(&file.repo.repo, &found.commit, CONFIG).is_some(),
        };
        if let Some(found) = cached.as_ref().filter(|found| self.is_offline || is_whole(found)) {
            return Ok(of_cache(&file, found));
        }
        if self.is_offline {
            return Err(HubError::Offline { what: file.label() });
        }
        match (self.of_hub(&file, watch), cached) {
            (Err(error), Some(found)) if error.is_silence() => {
                watch(Event::Note(&format!("{error}; taking what the cache has")));
                Ok(of_cache(&file, &found))
            }
            (plan, _) => plan,
        }
    }

    fn of_hub(&self, file: &HubFile, watch: &mut dyn FnMut(Event<'_>)) -> Result<PullPlan, HubError> {
        let revision = file.repo.commit.clone().unwrap_or_else(|| BRANCH.to_owned());
        let repo = file.repo.repo.as_str();
        let (commit, names) = match &file.content {
            HubContent::Gguf(name) => {
                let head = self.head(Asked { repo, revision: &revision, file: name }, watch)?;
                (head.0, vec![name.clone()])
            }
            HubContent::Safetensors => self.checkpoint(repo, &revision, watch)?,
        };
        let folder = RepoFolder::new(self.cache(), repo);
        let mut items = Vec::new();
        for name in names {
            // By commit from here on: the branch may move between two requests.
            let asked = Asked { repo, revision: &commit, file: &name };
            let (told, etag, bytes) = self.head(asked, watch)?;
            if told != commit {
                return Err(self.unusable(asked, format!("it is of commit {told}, not of {commit}")));
            }
            let path = folder.snapshot(&commit).join(&name);
            let place = if path.exists() {
                Place::Cache(path)
            } else {
                Place::Hub { here: here(&folder, &etag, bytes), etag }
            };
            items.push(Item { name, bytes, place });
        }
        Ok(PullPlan { file: file.clone(), revision, commit, items })
    }

    /// Commit, name in the cache and size of a file.
    fn head(
        &self,
        asked: Asked<'_>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<(String, String, u64), HubError> {
        let url = self.door.file(asked.repo, asked.revision, asked.file);
        let head: Head = self.patiently(asked, watch, || self.door.head(&url))?;
        let missing = |what: &str| self.unusable(asked, format!("it names no {what}"));
        let commit = head.commit.filter(|commit| is_commit(commit)).ok_or_else(|| missing("commit"))?;
        let etag = head.etag.filter(|etag| is_plain(etag)).ok_or_else(|| missing("content (ETag)"))?;
        Ok((commit, etag, head.bytes.ok_or_else(|| missing("size"))?))
    }

    /// Commit of a revision, and the files there that make a checkpoint.
    fn checkpoint(
        &self,
        repo: &str,
        revision: &str,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<(String, Vec<String>), HubError> {
        let asked = Asked { repo, revision, file: "" };
        let url = self.door.revision(repo, revision);
        let text = self.patiently(asked, watch, || self.door.text(&url, LONGEST_TEXT))?;
        let (commit, there) = wire::revision(&text).map_err(|problem| self.unusable(asked, problem))?;
        if !is_commit(&commit) {
            return Err(self.unusable(asked, "it names no commit".to_owned()));
        }
        if is_commit(revision) && commit != revision {
            return Err(self.unusable(asked, format!("it is of commit {commit}, not of {revision}")));
        }
        let is_there = |name: &str| there.iter().any(|file| file == name);
        let unfit = |problem: String| HubError::Unfit {
            repo: repo.to_owned(),
            revision: revision.to_owned(),
            problem,
        };
        if !is_there(CONFIG) {
            return Err(unfit(format!("it has no {CONFIG}")));
        }
        if !is_there(TOKENIZER) {
            watch(Event::Note(&format!("{repo} has no {TOKENIZER}: its text will not be readable")));
        }
        let companions = COMPANIONS.into_iter().filter(|name| is_there(name));
        let mut names: Vec<String> = [CONFIG].into_iter().chain(companions).map(str::to_owned).collect();
        if is_there(INDEX) {
            let asked = Asked { repo, revision: &commit, file: INDEX };
            let url = self.door.file(repo, &commit, INDEX);
            let text = self.patiently(asked, watch, || self.door.text(&url, LONGEST_TEXT))?;
            let shards = wire::shards(&text).map_err(&unfit)?;
            if let Some(name) = shards.iter().find(|name| !is_plain(name) || !is_there(name)) {
                return Err(unfit(format!("its index names `{name}`, which is not there")));
            }
            names.push(INDEX.to_owned());
            names.extend(shards);
        } else if is_there(SINGLE) {
            names.push(SINGLE.to_owned());
        } else {
            return Err(unfit(format!("it has neither {SINGLE} nor {INDEX}")));
        }
        Ok((commit, names))
    }

    /// Asks again while the trouble may pass. Nobody at all at the door is told at once.
    fn patiently<T>(
        &self,
        asked: Asked<'_>,
        watch: &mut dyn FnMut(Event<'_>),
        ask: impl Fn() -> Result<T, Trouble>,
    ) -> Result<T, HubError> {
        let mut tries = Tries::new(self.patience);
        loop {
            let trouble = match ask() {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            let pause = if matches!(trouble, Trouble::Unreachable(_)) { None } else { tries.next(&trouble) };
            let Some(pause) = pause else {
                return Err(asked.failed(&self.door, self.patience, trouble, Bytes::new(0)));
            };
            let (what, seconds) = (asked.what(), pause.as_secs_f64());
            watch(Event::Note(&format!("{what}: {}; trying again in {seconds:.0} s", trouble.words())));
            std::thread::sleep(pause);
        }
    }

    fn unusable(&self, asked: Asked<'_>, problem: String) -> HubError {
        HubError::Answer { host: self.door.host(), what: asked.what(), problem }
    }
}

/// A plan of files that are all here.
fn of_cache(file: &HubFile, found: &Fetched) -> PullPlan {
    let item = |file: &FetchedFile| Item {
        name: file.name.clone(),
        bytes: file.bytes.count(),
        place: Place::Cache(file.path.clone()),
    };
    let (commit, items) = (found.commit.clone(), found.files.iter().map(item).collect());
    PullPlan { file: file.clone(), revision: commit.clone(), commit, items }
}

/// Bytes of a content that need not be fetched: all of it under its name, or what came before.
fn here(folder: &RepoFolder, etag: &str, bytes: u64) -> u64 {
    if folder.blob(etag).exists() {
        return bytes;
    }
    let length = fs::metadata(folder.partial(etag)).map_or(0, |metadata| metadata.len());
    if length > bytes { 0 } else { length }
}

fn fetched(name: &str, path: PathBuf) -> Option<FetchedFile> {
    let bytes = Bytes::new(fs::metadata(&path).ok().filter(fs::Metadata::is_file)?.len());
    Some(FetchedFile { name: name.to_owned(), etag: etag_of(&path), path, bytes })
}

/// The folder that a file's name is relative to.
fn snapshot_of(path: &Path, name: &str) -> Option<PathBuf> {
    path.ancestors().nth(name.split('/').count()).map(Path::to_owned)
}

/// The cache keeps files under `snapshots/<commit>/`.
fn commit_of(path: &Path) -> Option<String> {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let at = parts.iter().rposition(|part| part == "snapshots")?;
    parts.get(at + 1).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_read_from_the_cache_path() {
        let path = Path::new("/c/models--a--b/snapshots/0123abcd/sub/model.gguf");
        assert_eq!(commit_of(path).as_deref(), Some("0123abcd"));
        assert_eq!(commit_of(Path::new("/c/model.gguf")), None);
        let folder = snapshot_of(path, "sub/model.gguf").unwrap();
        assert_eq!(folder, Path::new("/c/models--a--b/snapshots/0123abcd"));
    }
}
