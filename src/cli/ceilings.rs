//! The rates of the device of a run: those that were kept, or measured now and kept.

use crate::clock::Clock;
use crate::engine::{CeilingsError, ComputeDevice};
use crate::hardware::{Ceilings, MachineId};
use crate::provenance;
use crate::record::CeilingsStore;
use crate::units::Bytes;

/// Rates, and how they came.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundCeilings {
    /// The rates.
    pub ceilings: Ceilings,
    /// True if nothing was measured now.
    pub was_kept: bool,
    /// Why they could not be kept; a warning and no failure.
    pub note: Option<String>,
}

impl FoundCeilings {
    /// The rates of `device`: kept ones, where they still stand; otherwise they are measured now, in about three seconds on a
    /// processor. With `anew` they are measured in any case, and of each way the better of both rates counts. `cache` is the
    /// size of the last-level cache. Without a store nothing is kept.
    pub fn of(
        device: &ComputeDevice,
        machine: &MachineId,
        cache: Option<Bytes>,
        clock: &dyn Clock,
        store: Option<&CeilingsStore>,
        anew: bool,
    ) -> Result<Self, CeilingsError> {
        let now = clock.unix_seconds();
        let kept = store.and_then(|s| s.load(machine, device.device(), provenance::profile(), now));
        found(
            kept,
            anew,
            || device.measure_ceilings(clock, cache),
            |ceilings| {
                let saved = store.map(|store| store.save(machine, ceilings))?;
                saved.err().map(|error| error.to_string())
            },
        )
    }
}

fn found(
    kept: Option<Ceilings>,
    anew: bool,
    measure: impl FnOnce() -> Result<Ceilings, CeilingsError>,
    keep: impl FnOnce(&Ceilings) -> Option<String>,
) -> Result<FoundCeilings, CeilingsError> {
    let ceilings = match kept {
        Some(ceilings) if !anew => return Ok(FoundCeilings { ceilings, was_kept: true, note: None }),
        Some(earlier) => measure()?.or_better(&earlier),
        None => measure()?,
    };
    let note = keep(&ceilings);
    Ok(FoundCeilings { ceilings, was_kept: false, note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::hardware::{example_ceilings, example_machine};
    use crate::units::BytesPerSecond;
    use crate::workload::DeviceChoice;

    fn slower() -> Ceilings {
        let mut ceilings = example_ceilings();
        ceilings.reads[1].rate = BytesPerSecond::new(3.5e10).unwrap();
        ceilings
    }

    #[test]
    fn kept_rates_save_the_measurement() {
        let measure = || panic!("measured all the same");
        let found = found(Some(slower()), false, measure, |_| panic!("kept again")).unwrap();
        assert_eq!((found.ceilings, found.was_kept), (slower(), true));
    }

    #[test]
    fn without_kept_rates_they_are_measured_and_kept() {
        let mut saved = None;
        let keep = |ceilings: &Ceilings| {
            saved = Some(ceilings.clone());
            Some("the disk is full".to_owned())
        };
        let found = found(None, false, || Ok(slower()), keep).unwrap();
        assert_eq!((saved, found.was_kept), (Some(found.ceilings), false));
        assert_eq!(found.note.as_deref(), Some("the disk is full"));
    }

    #[test]
    fn measured_anew_the_better_rate_counts() {
        for (kept, measured) in [(slower(), example_ceilings()), (example_ceilings(), slower())] {
            let found = found(Some(kept), true, || Ok(measured), |_| None).unwrap();
            assert_eq!(found.ceilings.reads, example_ceilings().reads);
            assert!(!found.was_kept);
        }
        let failed = found(Some(slower()), true, || Err(CeilingsError::NotOptimised), |_| None);
        assert_eq!(failed, Err(CeilingsError::NotOptimised));
    }

    #[test]
    fn a_store_hands_out_what_it_holds_of_the_device() {
        let folder = tempfile::tempdir().unwrap();
        let (store, machine) = (CeilingsStore::at(folder.path()), example_machine().id());
        let (device, clock) = (ComputeDevice::open(DeviceChoice::Cpu).unwrap(), SystemClock::new());
        let now = clock.unix_seconds();
        let kept = Ceilings {
            device: device.device().clone(),
            profile: provenance::profile().to_owned(),
            measured_unix_seconds: now,
            oldest_unix_seconds: now,
            ..example_ceilings()
        };
        store.save(&machine, &kept).unwrap();
        let found = FoundCeilings::of(&device, &machine, None, &clock, Some(&store), false).unwrap();
        assert_eq!((found.ceilings, found.was_kept), (kept, true));
    }
}
