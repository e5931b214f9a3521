//! The texts of the hub and of `models.lock`, and their way into domain types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::lock::LockedFile;
use crate::faults::{Faults, Reader};
use crate::units::Bytes;

/// Version of the format of `models.lock`.
const SCHEMA: u64 = 1;

#[derive(Deserialize)]
struct WireRevision {
    sha: String,
    #[serde(default)]
    siblings: Vec<WireSibling>,
}

#[derive(Deserialize)]
struct WireSibling {
    rfilename: String,
}

/// The commit of a revision and the names of its files, from the hub's answer.
pub(super) fn revision(text: &str) -> Result<(String, Vec<String>), String> {
    let wire: WireRevision =
        serde_json::from_str(text).map_err(|error| format!("it is no revision of a repository ({error})"))?;
    Ok((wire.sha, wire.siblings.into_iter().map(|sibling| sibling.rfilename).collect()))
}

#[derive(Deserialize)]
struct WireIndex {
    weight_map: BTreeMap<String, String>,
}

/// The weight files that a `model.safetensors.index.json` names, each once, in order.
pub(super) fn shards(text: &str) -> Result<Vec<String>, String> {
    let wire: WireIndex =
        serde_json::from_str(text).map_err(|error| format!("its index cannot be read ({error})"))?;
    let mut names: Vec<String> = wire.weight_map.into_values().collect();
    names.sort();
    names.dedup();
    Ok(names)
}

#[derive(Deserialize)]
struct WireLock {
    schema: Spanned<u64>,
    #[serde(default, rename = "file")]
    files: Vec<WireFile>,
}

#[derive(Deserialize)]
struct WireFile {
    repo: Spanned<String>,
    commit: Spanned<String>,
    file: Spanned<String>,
    bytes: u64,
    sha256: Spanned<String>,
}

#[derive(Serialize)]
struct WrittenLock<'a> {
    schema: u64,
    file: Vec<WrittenFile<'a>>,
}

#[derive(Serialize)]
struct WrittenFile<'a> {
    repo: &'a str,
    commit: &'a str,
    file: &'a str,
    bytes: u64,
    sha256: &'a str,
}

/// Reads a `models.lock`; `name` is printed in errors.
pub(super) fn read_lock(name: &str, text: &str) -> Result<Vec<LockedFile>, Faults> {
    let mut reader = Reader::new(name, text);
    let wire: WireLock = reader.read()?;
    reader.schema(&wire.schema, SCHEMA);
    let files = wire.files.into_iter().map(|file| file.check(&mut reader)).collect();
    reader.finish(Some(files))
}

impl WireFile {
    fn check(self, reader: &mut Reader<'_>) -> LockedFile {
        let fix = "remove the entry and repeat `claimbench pull`";
        for (text, digits, what) in [(&self.commit, 40, "commit"), (&self.sha256, 64, "SHA-256")] {
            let is_hex = text.get_ref().bytes().all(|byte| byte.is_ascii_hexdigit());
            if text.get_ref().len() != digits || !is_hex {
                reader.at(text.span(), format!("`{}` is no {what}", text.get_ref()), fix);
            }
        }
        LockedFile {
            repo: reader.filled("repo", &self.repo),
            commit: self.commit.into_inner(),
            file: reader.filled("file", &self.file),
            bytes: Bytes::new(self.bytes),
            sha256: self.sha256.into_inner().to_ascii_lowercase(),
        }
    }
}

/// The text of a `models.lock`.
pub(super) fn write_lock(files: &[LockedFile]) -> String {
    let file = files.iter().map(|file| WrittenFile {
        repo: &file.repo,
        commit: &file.commit,
        file: &file.file,
        bytes: file.bytes.count(),
        sha256: &file.sha256,
    });
    let lock = WrittenLock { schema: SCHEMA, file: file.collect() };
    toml::to_string(&lock).expect("strings and numbers are good in TOML")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_gives_its_commit_and_its_files() {
        let text = r#"{"_id": "x", "sha": "0123", "siblings": [{"rfilename": "a"}, {"rfilename": "b/c"}], "gated": false}"#;
        assert_eq!(revision(text).unwrap(), ("0123".to_owned(), vec!["a".to_owned(), "b/c".to_owned()]));
        assert!(revision("<html>sign in</html>").unwrap_err().contains("no revision"));
    }

    #[test]
    fn an_index_names_each_shard_once() {
        let text = r#"{"metadata": {}, "weight_map": {"x": "b", "y": "a", "z": "b"}}"#;
        assert_eq!(shards(text).unwrap(), ["a", "b"]);
        assert!(shards("{}").is_err());
    }
}
