//! The pages of a run beside its run file.

use std::path::PathBuf;

use super::prices::{Audience, price_of};
use super::{Catalog, PriceArgs, Session, Terminal, summary};
use crate::claim::Ledger;
use crate::cost::HourlyPrice;
use crate::measurement::Run;
use crate::record::RunStore;
use crate::report::{Page, run_pages};

/// Ends a run: writes its page at the user's price, and says what was measured and where the page is. Returns the price.
pub fn conclude(
    session: &Session,
    catalog: &Catalog,
    args: &PriceArgs,
    terminal: &mut Terminal,
) -> anyhow::Result<Option<HourlyPrice>> {
    let price = price_of(args, &catalog.prices, Some(session.device()), Audience::User)?;
    let page = write_page(session.store(), session.run(), &catalog.ledger, price.as_ref())?;
    terminal.say(&format!("\n{}", summary(session.run())));
    terminal.say(&format!("page: {}", page.display()));
    Ok(price)
}

/// Writes the pages of a run, in every language, into its folder, and returns the path of the first.
pub(super) fn write_page(
    store: &RunStore,
    run: &Run,
    ledger: &Ledger,
    price: Option<&HourlyPrice>,
) -> anyhow::Result<PathBuf> {
    write_pages(store, &run_pages(run, ledger, price))
}

/// Writes pages into one folder and returns the path of the first.
pub(super) fn write_pages(store: &RunStore, pages: &[Page]) -> anyhow::Result<PathBuf> {
    let mut paths = Vec::new();
    for page in pages {
        paths.push(store.write(page.name, &page.html)?);
    }
    Ok(paths.into_iter().next().expect("there is a page in every language"))
}
