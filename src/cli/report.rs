//! `claimbench report`: the page of a run again, with another price or for everybody.

#![expect(clippy::disallowed_methods, reason = "lists the folder of published runs")]

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::arguments::ReportArgs;
use super::page::{write_page, write_pages};
use super::prices::{Audience, price_of};
use super::{Catalog, Status, Terminal};
use crate::measurement::{Run, RunId};
use crate::model::ModelRole;
use crate::record::{self, CHECKED_SINCE_METHOD, RunStore};
use crate::report::{IndexEntry, index_pages};
use crate::stats::FEWEST_STARTS;

pub(super) fn execute(args: &ReportArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let catalog = Catalog::shipped()?;
    let (run, text) = record::load_with_text(&args.run)?;
    let device =
        run.cases.iter().find_map(|record| record.observed.as_ref()).map(|observed| &observed.device);
    let audience = if args.publish { Audience::Public } else { Audience::User };
    let price = price_of(&args.price, &catalog.prices, device, audience)?;
    let store = if args.publish {
        publish(&args.reports, &run, &text)?
    } else {
        RunStore::open(if args.run.is_dir() {
            &args.run
        } else {
            args.run.parent().unwrap_or(Path::new("."))
        })
    };
    let page = write_page(&store, &run, &catalog.ledger, price.as_ref())?;
    if args.publish {
        let index = write_index(&args.reports)?;
        terminal.note(&format!("list of runs: {}", index.display()));
    }
    terminal.data(&page.display().to_string())?;
    Ok(Status::Good)
}

/// Copies the run into the folder of published runs, its file to the byte. A run file there never changes.
fn publish(reports: &Path, run: &Run, text: &str) -> anyhow::Result<RunStore> {
    let is_test = run.cases.iter().any(|record| record.case.model.role == ModelRole::Test);
    anyhow::ensure!(
        !is_test,
        "this run measured a shape of the test suite; it says nothing worth publishing"
    );
    ensure_spread(run)?;
    let folder = reports.join(run.id.as_str());
    if !folder.join("run.json").is_file() {
        return Ok(RunStore::create_with(reports, &run.id, text)?);
    }
    let (_, there) = record::read_text(&folder)?;
    anyhow::ensure!(
        there == text,
        "{} holds another run of this name; run files never change",
        folder.display()
    );
    Ok(RunStore::open(&folder))
}

/// Refuses a run whose cases come from too few process starts to know how much these differ. Runs of earlier methods had one,
/// and are shown as they are.
fn ensure_spread(run: &Run) -> anyhow::Result<()> {
    let needed = FEWEST_STARTS;
    let few = run.cases.iter().find(|record| {
        let samples = record.outcome.measurement();
        samples.measured().next().is_some() && samples.process_starts() < needed
    });
    match few.filter(|_| run.provenance.method_version >= CHECKED_SINCE_METHOD) {
        Some(record) => anyhow::bail!(
            "{} was measured in {} process {}, and publishing takes {needed}: what differs between starts would be unknown; \
             spread it over more with claimbench run --resume RUN --starts {needed}",
            record.row_id(),
            record.outcome.measurement().process_starts(),
            if record.outcome.measurement().process_starts() == 1 { "start" } else { "starts" },
        ),
        None => Ok(()),
    }
}

/// Writes the list of all runs in the folder, in every language.
fn write_index(reports: &Path) -> anyhow::Result<std::path::PathBuf> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(reports).with_context(|| format!("cannot list {}", reports.display()))? {
        let entry = entry?;
        let is_run = RunId::new(&entry.file_name().to_string_lossy()).is_ok();
        if is_run && entry.path().join("run.json").is_file() {
            entries.push(IndexEntry::of(&record::load(&entry.path())?));
        }
    }
    write_pages(&RunStore::open(reports), &index_pages(&entries))
}
