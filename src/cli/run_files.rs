//! Finds run files below a folder.

#![expect(clippy::disallowed_methods, reason = "looks for run files below the given folders")]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Every `run.json` below a folder, in the order of their paths. Links are not followed, so that the search ends.
pub(super) fn below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let listed = || format!("cannot list {}; give a folder with runs, such as reports", folder.display());
        for entry in fs::read_dir(&folder).with_context(listed)? {
            let entry = entry.with_context(listed)?;
            let kind = entry.file_type().with_context(listed)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && entry.file_name() == "run.json" {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_files_are_found_at_any_depth_and_other_files_are_not() {
        let home = tempfile::tempdir().unwrap();
        let deep = home.path().join("one/two");
        fs::create_dir_all(&deep).unwrap();
        for file in ["run.json", "other.json"] {
            fs::write(deep.join(file), "").unwrap();
        }
        fs::write(home.path().join("run.json"), "").unwrap();
        let found = below(home.path()).unwrap();
        assert_eq!(found, [deep.join("run.json"), home.path().join("run.json")]);
        assert!(below(&home.path().join("run.json")).unwrap_err().to_string().contains("such as reports"));
    }
}
