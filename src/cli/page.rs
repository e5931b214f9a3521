//! The page of a run beside its run file.

use std::path::PathBuf;

use crate::claim::Ledger;
use crate::cost::HourlyPrice;
use crate::measurement::Run;
use crate::record::RunStore;
use crate::report::{LedgerView, RunPage};

/// Writes `index.html` into the run's folder and returns its path.
pub fn write_page(
    store: &RunStore,
    run: &Run,
    ledger: &Ledger,
    price: Option<&HourlyPrice>,
) -> anyhow::Result<PathBuf> {
    let html = RunPage { run, ledger: &LedgerView::from(ledger), price }.render();
    Ok(store.write("index.html", &html)?)
}
