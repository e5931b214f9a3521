//! `claimbench list --coverage`: which model was run in which precision on which device, and what was checked.

mod cell;
mod markdown;
mod second_opinion;

use std::path::PathBuf;

use super::{Catalog, Status, Terminal, run_files};
use crate::measurement::Run;
use crate::record;

/// Prints the table as Markdown.
pub(super) fn execute(folders: &[PathBuf], terminal: &mut Terminal) -> anyhow::Result<Status> {
    let catalog = Catalog::shipped()?;
    let mut files = Vec::new();
    for folder in folders {
        files.extend(run_files::below(folder)?);
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
}
