//! `claimbench list --coverage`: which model was run in which precision on which device, and what was checked.

#![expect(clippy::disallowed_methods, reason = "looks for run files below the given folders")]

mod cell;
mod markdown;
mod second_opinion;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Catalog, Status, Terminal};
use crate::measurement::Run;
use crate::record;

/// Prints the table as Markdown.
pub(super) fn execute(folders: &[PathBuf], terminal: &mut Terminal) -> anyhow::Result<Status> {
    let catalog = Catalog::shipped()?;
    let mut files = Vec::new();
    for folder in folders {
        run_files(folder, &mut files)?;
    }
    let runs = files.iter().map(|file| record::load(file)).collect::<Result<Vec<Run>, _>>()?;
    let names: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let document = markdown::document(&catalog.models, &distinct(runs), &names.join(" "));
    terminal.data(format!("{document}{}", second_opinion::section(&catalog)).trim_end())?;
    Ok(Status::Good)
}

/// In the order of their names, which is that of their dates; a run that lies in two folders is one run.
fn distinct(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort_by(|a, b| a.id.cmp(&b.id));
    runs.dedup_by(|a, b| a.id == b.id);
    runs
}

/// Every `run.json` below a folder. Links are not followed, so that the search ends.
fn run_files(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let listed = || format!("cannot list {}; give a folder with runs, such as reports", folder.display());
    for entry in fs::read_dir(folder).with_context(listed)? {
        let entry = entry.with_context(listed)?;
        let kind = entry.file_type().with_context(listed)?;
        if kind.is_dir() {
            run_files(&entry.path(), found)?;
        } else if kind.is_file() && entry.file_name() == "run.json" {
            found.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{RunId, example_run};

    #[test]
    fn a_run_that_lies_in_two_folders_is_counted_once() {
        let named = |id: &str| Run { id: RunId::new(id).unwrap(), ..example_run() };
        let runs = distinct(["b", "a", "b"].map(named).to_vec());
        let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
    }

    #[test]
    fn run_files_are_found_at_any_depth_and_other_files_are_not() {
        let home = tempfile::tempdir().unwrap();
        let deep = home.path().join("one/two");
        fs::create_dir_all(&deep).unwrap();
        for file in ["run.json", "other.json"] {
            fs::write(deep.join(file), "").unwrap();
        }
        let mut found = Vec::new();
        run_files(home.path(), &mut found).unwrap();
        assert_eq!(found, [deep.join("run.json")]);
    }
}
