//! What the device of a run can do: measured before the first case, and once more where a case seems to exceed it.

use super::{EngineChoice, Session};
use crate::cli::Terminal;
use crate::cli::ceilings::FoundCeilings;
use crate::engine::CeilingsError;
use crate::measurement::{CaseRecord, Flag};
use crate::record::CeilingsStore;

impl Session {
    /// Puts the rates of the device into the run, unless an earlier process did: kept ones, or measured now. Without them the
    /// run has no place under a roofline, and goes on.
    pub fn find_ceilings(&mut self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let is_scripted =
            |row: &CaseRecord| EngineChoice::from_id(&row.engine.id) == Some(EngineChoice::Scripted);
        // `cargo bench` has no rows yet.
        let none_computes = !self.run.cases.is_empty() && self.run.cases.iter().all(is_scripted);
        if self.run.ceilings.is_some() || none_computes {
            return Ok(());
        }
        terminal.progress("measuring how fast this device reads memory and multiplies");
        self.take_ceilings(false, terminal)
    }

    /// Measures the rates anew if a case seems to exceed them, since they may have been measured at a busy moment, and derives
    /// every flag from the better ones.
    pub fn settle(&mut self, terminal: &mut Terminal) -> anyhow::Result<()> {
        let exceeds = self.run.cases.iter().any(|record| record.flags.contains(&Flag::Implausible));
        if exceeds && !self.is_stopped() {
            terminal.progress("a case exceeds the memory's measured rate: measuring that again");
            self.take_ceilings(true, terminal)?;
            self.run.derive();
            self.store.save(&self.run)?;
        }
        Ok(())
    }

    fn take_ceilings(&mut self, anew: bool, terminal: &mut Terminal) -> anyhow::Result<()> {
        let store = CeilingsStore::of_user()?;
        let (machine, cache) = (self.run.machine.id(), self.run.machine.last_level_cache());
        match FoundCeilings::of(&self.device, &machine, cache, &self.clock, Some(&store), anew) {
            Ok(found) => {
                if let Some(read) = found.ceilings.read() {
                    let kept = if found.was_kept { " (measured before)" } else { "" };
                    terminal.note(&format!("this device reads {:.1} GB/s{kept}", read.rate.value() / 1e9));
                }
                if let Some(note) = found.note {
                    terminal.say(&note);
                }
                self.run.ceilings = Some(found.ceilings);
            }
            Err(error @ CeilingsError::NotOptimised) => {
                terminal.note(&format!("no rates of the device: {error}"));
            }
            Err(error) => terminal.say(&format!("no rates of the device: {error}")),
        }
        Ok(())
    }
}
