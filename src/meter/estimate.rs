//! Power of a processor nobody meters, as a range from its load and its rating.

use super::rating::Ratings;
use crate::hardware::{Environment, Machine};
use crate::measurement::{Energy, EnergyScope, Missing, PowerRange};
use crate::units::{Ratio, Watts, count_as_f64};

/// Estimates the power behind `utilisation` (busy processors over all processors, 0 to 1).
///
/// In this order: a rated power the user states (`assume_watts`); a known name, on a virtual machine in proportion to its
/// share of the threads; a known family of nameless processors; else nothing, with the reason. The central value is
/// `rating x f(load)`; the ends are that times and over the curve's spread, widened to a lower rating and to the
/// processor's turbo power where the tables have them.
///
/// An AMD EPYC 7763 (280 W, 128 threads), 4 of whose threads a virtual machine keeps busy, has a share of 8.75 W rated:
/// 6.6 W, between 3.3 and 13.1 W.
pub fn estimate(
    machine: &Machine,
    environment: &Environment,
    utilisation: Ratio,
    ratings: &Ratings,
    assume_watts: Option<Watts>,
) -> Energy {
    let load = utilisation.value().min(1.0);
    let (f, spread) = ratings.curve.at(load);
    let scope = EnergyScope::CpuPackage;
    if let Some(rated) = assume_watts {
        let basis = format!("{rated} assumed by the user, at {:.0} % load", load * 100.0);
        return ranged(rated.value() * f, spread, spread, scope, basis);
    }
    if let Some(cpu) = ratings.cpu(&machine.cpu) {
        let share = share_of(machine, environment, cpu.threads);
        let low_spread = spread * cpu.rated.value() / cpu.rated_low.unwrap_or(cpu.rated).value();
        let turbo = cpu.turbo.map_or(0.0, Watts::value) / (cpu.rated.value() * f);
        let basis = format!(
            "{} rated {} ({}){}, at {:.0} % load",
            cpu.name,
            cpu.rated,
            cpu.source,
            if share < 1.0 { ", share of the virtual machine" } else { "" },
            load * 100.0
        );
        return ranged(cpu.rated.value() * share * f, low_spread, spread.max(turbo), scope, basis);
    }
    match machine.cpu_id.as_deref().and_then(|id| ratings.family(id)) {
        Some(family) => {
            let (idle, busy) = (ratings.curve.at(0.0).0, ratings.curve.at(1.0).0);
            let shape = (f - idle) / (busy - idle);
            let per_cpu = family.idle.value() + (family.busy.value() - family.idle.value()) * shape;
            let watts = per_cpu * count_as_f64(machine.logical_cpus);
            let basis = format!("{} family ({}), at {:.0} % load", family.name, family.source, load * 100.0);
            let spread = ratings.curve.family_spread;
            ranged(watts, spread, spread, EnergyScope::ServerShare, basis)
        }
        None => Energy::Missing(unknown_processor(machine)),
    }
}

/// Why there is no estimate for this machine.
pub fn unknown_processor(machine: &Machine) -> Missing {
    Missing {
        reason: format!("no meter is read, and the power of this processor (`{}`) is not known", machine.cpu),
        remedy: "give its rated power with --assume-tdp WATTS for an estimate, or read a wall meter"
            .to_owned(),
    }
}

/// The part of a processor that this machine may use: all of it, unless it is a virtual machine with fewer threads.
fn share_of(machine: &Machine, environment: &Environment, threads: u64) -> f64 {
    let virtual_share = count_as_f64(machine.logical_cpus) / count_as_f64(threads);
    if environment.virtual_machine == Some(true) { virtual_share.min(1.0) } else { 1.0 }
}

fn ranged(central: f64, below: f64, above: f64, scope: EnergyScope, basis: String) -> Energy {
    let watts = |value: f64| Watts::new(value).expect("a product of finite ratings and factors");
    let power =
        PowerRange { low: watts(central / below), central: watts(central), high: watts(central * above) };
    Energy::Estimated { power, scope, basis }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::example_machine;

    fn ratings() -> Ratings {
        Ratings::parse("hardware.toml", include_str!("../../ledger/hardware.toml")).unwrap()
    }

    fn machine(cpu: &str, cpu_id: &str, logical_cpus: u64, is_virtual: bool) -> (Machine, Environment) {
        let machine =
            Machine { cpu: cpu.into(), cpu_id: Some(cpu_id.into()), logical_cpus, ..example_machine() };
        (machine, Environment { virtual_machine: Some(is_virtual), ..Environment::default() })
    }

    /// What the shipped ratings give.
    fn shipped(
        (machine, environment): &(Machine, Environment),
        load: Ratio,
        assume_watts: Option<Watts>,
    ) -> Energy {
        estimate(machine, environment, load, &ratings(), assume_watts)
    }

    fn watts(energy: &Energy) -> [f64; 3] {
        match energy {
            Energy::Estimated { power, .. } => [power.low.value(), power.central.value(), power.high.value()],
            other => panic!("{other:?}"),
        }
    }

    fn full() -> Ratio {
        Ratio::new(1.0).unwrap()
    }

    #[test]
    fn the_worked_example_of_the_docstring() {
        let vm = machine("AMD EPYC 7763 64-Core Processor", "AuthenticAMD:25:1", 4, true);
        let [low, central, high] = watts(&shipped(&vm, full(), None));
        assert!(
            (central - 6.5625).abs() < 1e-9 && (low - 3.281_25).abs() < 1e-9 && (high - 13.125).abs() < 1e-9
        );
    }

    #[test]
    fn a_turbo_power_widens_the_upper_end() {
        let desktop = machine("13th Gen Intel(R) Core(TM) i9-13900K", "GenuineIntel:6:183", 32, false);
        let [_, central, high] = watts(&shipped(&desktop, full(), None));
        assert!((central - 93.75).abs() < 1e-9);
        assert!((high - 253.0).abs() < 1e-9, "{high}");
    }

    #[test]
    fn a_masked_name_falls_back_to_its_family_and_says_the_scope() {
        let vm = machine("AMD EPYC Processor", "AuthenticAMD:25:1", 2, true);
        let energy = shipped(&vm, full(), None);
        let [low, central, high] = watts(&energy);
        assert!((central - 4.038).abs() < 1e-9 && (low - 2.019).abs() < 1e-9 && (high - 8.076).abs() < 1e-9);
        assert!(matches!(energy, Energy::Estimated { scope: EnergyScope::ServerShare, .. }));
    }

    #[test]
    fn an_unknown_processor_is_missing_with_a_remedy_and_never_zero() {
        let vm = machine("Intel(R) Xeon(R) Processor", "GenuineIntel:6:999", 2, true);
        match shipped(&vm, full(), None) {
            Energy::Missing(missing) => assert!(missing.remedy.contains("--assume-tdp")),
            other => panic!("{other:?}"),
        }
        let assumed = shipped(&vm, full(), Watts::new(100.0).ok());
        let [low, central, high] = watts(&assumed);
        assert!((low - 37.5).abs() < 1e-9 && (central - 75.0).abs() < 1e-9 && (high - 150.0).abs() < 1e-9);
    }

    #[test]
    fn power_grows_with_load() {
        let host = machine("AMD EPYC 7763 64-Core Processor", "AuthenticAMD:25:1", 128, false);
        let at = |load: f64| watts(&shipped(&host, Ratio::new(load).unwrap(), None))[1];
        assert!(at(0.0) < at(0.3) && at(0.3) < at(0.9) && at(0.9) < at(1.0));
        assert!((at(5.0) - at(1.0)).abs() < 1e-9, "load is capped at all processors busy");
    }
}
