//! `claimbench clean`: give the disk back.

use super::{Status, Terminal};
use crate::model::{CacheFolder, total_bytes};

pub(super) fn execute(dry_run: bool, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let cache = CacheFolder::locate()?;
    let entries = if dry_run { cache.list()? } else { cache.clean()? };
    for entry in &entries {
        terminal.data(&entry.path.display().to_string())?;
    }
    let size = total_bytes(&entries).as_f64() / 1e9;
    let verb = if dry_run { "would be removed" } else { "removed" };
    terminal.say(&format!("{} synthetic checkpoints, {size:.2} GB, {verb}", entries.len()));
    Ok(Status::Good)
}
