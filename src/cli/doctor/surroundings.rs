//! What surrounds a measurement: governor, power, other work, limits, virtual machine, energy counters.

use super::checks::{Check, gb};
use crate::hardware::{Condition, PowerSource, RaplAccess};
use crate::meter::missing_meters;
use crate::units::{Bytes, count_as_f64};

/// Work of other programs above this share of the processors disturbs a measurement.
const MOST_LOAD_PER_CPU: f64 = 0.5;

pub(super) fn examine(condition: &Condition, cpus: u64, is_virtual: Option<bool>) -> Vec<Check> {
    vec![
        governor(&condition.governors),
        power(condition.power),
        load(condition.load, cpus),
        cpu_limit(condition.cpu_limit_milli, cpus),
        memory_limit(condition.memory_limit),
        virtual_machine(is_virtual),
        rapl(&condition.rapl),
        nvml(condition.has_nvml),
    ]
}

fn governor(governors: &[String]) -> Check {
    if governors.is_empty() {
        return Check::ok("governor", "unknown: the system shows none, as is common in virtual machines");
    }
    let finding = governors.join(", ");
    if governors.iter().any(|governor| governor == "powersave") {
        let finding = format!("{finding}: the processor may stay below its full speed");
        return Check::warning("governor", finding, "sudo cpupower frequency-set -g performance");
    }
    Check::ok("governor", finding)
}

fn power(source: Option<PowerSource>) -> Check {
    match source {
        None => Check::ok("power", "unknown: the system lists no power supplies"),
        Some(PowerSource::NoBattery) => Check::ok("power", "no battery"),
        Some(PowerSource::Mains) => Check::ok("power", "on mains"),
        Some(PowerSource::Battery) => Check::warning(
            "power",
            "on battery: the system may slow the processor down",
            "plug the machine in",
        ),
    }
}

fn load(load: Option<f64>, cpus: u64) -> Check {
    let Some(load) = load else { return Check::ok("load", "unknown: the system does not tell") };
    let finding = format!("{load:.2} over the last minute, {:.2} per CPU", load / count_as_f64(cpus.max(1)));
    if load / count_as_f64(cpus.max(1)) > MOST_LOAD_PER_CPU {
        let finding = format!("{finding}: other programs would disturb a measurement");
        return Check::warning("load", finding, "close them, or wait until they are done; `top` names them");
    }
    Check::ok("load", finding)
}

fn cpu_limit(milli: Option<u64>, cpus: u64) -> Check {
    let Some(milli) = milli else { return Check::ok("cpu-limit", "no control group limits the processor") };
    let limit = count_as_f64(milli) / 1e3;
    let finding = format!("a control group allows {limit:.2} CPUs");
    if milli < cpus.saturating_mul(1_000) {
        let finding = format!("{finding} and {cpus} are seen: threads are stopped in the middle of a step");
        return Check::warning("cpu-limit", finding, "raise the container's CPU limit to whole CPUs");
    }
    Check::ok("cpu-limit", finding)
}

fn memory_limit(limit: Option<Bytes>) -> Check {
    let finding = match limit {
        None => "no control group limits the memory".to_owned(),
        Some(limit) => format!("a control group allows {}", gb(limit)),
    };
    Check::ok("memory-limit", finding)
}

fn virtual_machine(is_virtual: Option<bool>) -> Check {
    let finding = match is_virtual {
        None => "unknown: the system does not tell",
        Some(true) => "yes: neighbours may share the processor, and its name may be masked",
        Some(false) => "no hypervisor announces itself",
    };
    Check::ok("virtual-machine", finding)
}

/// The processor's energy counters. A warning only where something can be done: most virtual machines have none.
fn rapl(access: &RaplAccess) -> Check {
    let reading = not_read("rapl");
    match access {
        RaplAccess::Absent => Check::ok("rapl", format!("no energy counters are shown here; {reading}")),
        RaplAccess::Readable(1) => Check::ok("rapl", format!("1 energy counter answers; {reading}")),
        RaplAccess::Readable(count) => {
            Check::ok("rapl", format!("{count} energy counters answer; {reading}"))
        }
        RaplAccess::Denied => Check::warning(
            "rapl",
            format!("energy counters are there, but permission to read them is denied; {reading}"),
            "sudo chmod a+r /sys/class/powercap/*/energy_uj (until the next start; lets all users read them)",
        ),
        RaplAccess::Failed(problem) => {
            Check::ok("rapl", format!("energy counters are there and do not answer ({problem}); {reading}"))
        }
    }
}

fn nvml(is_there: bool) -> Check {
    let found = if is_there { "the library is installed" } else { "no library was found" };
    Check::ok("nvml", format!("{found}; {}", not_read("nvml")))
}

/// Why this version does not read a meter, in the words of the run file.
fn not_read(meter: &str) -> String {
    let missing = missing_meters().into_iter().find(|(id, _)| id == meter);
    missing.map_or_else(String::new, |(_, missing)| missing.reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::CheckStatus;

    #[test]
    fn powersave_and_a_battery_are_warnings_and_the_unknown_is_not() {
        let governors = |names: &[&str]| governor(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(governors(&["performance", "powersave"]).status, CheckStatus::Warning);
        assert_eq!(governors(&["schedutil"]).status, CheckStatus::Ok);
        assert!(governors(&[]).finding.starts_with("unknown"));
        assert_eq!(power(Some(PowerSource::Battery)).status, CheckStatus::Warning);
        assert_eq!(power(Some(PowerSource::Mains)).status, CheckStatus::Ok);
    }

    #[test]
    fn load_is_judged_per_processor() {
        assert_eq!(load(Some(2.0), 4).status, CheckStatus::Ok);
        assert_eq!(load(Some(2.1), 4).status, CheckStatus::Warning);
        assert_eq!(load(None, 4).status, CheckStatus::Ok);
    }

    #[test]
    fn a_limit_below_the_processors_seen_is_a_warning() {
        assert_eq!(cpu_limit(Some(1_500), 2).status, CheckStatus::Warning);
        assert_eq!(cpu_limit(Some(1_500), 1).status, CheckStatus::Ok);
        assert_eq!(cpu_limit(None, 8).status, CheckStatus::Ok);
    }

    #[test]
    fn denied_counters_come_with_the_command_that_opens_them() {
        let denied = rapl(&RaplAccess::Denied);
        assert_eq!(denied.status, CheckStatus::Warning);
        assert!(denied.remedy.unwrap().starts_with("sudo chmod a+r /sys/class/powercap/"));
        for access in [RaplAccess::Absent, RaplAccess::Readable(2), RaplAccess::Failed("x".into())] {
            let check = rapl(&access);
            assert_eq!(check.status, CheckStatus::Ok);
            assert!(check.finding.ends_with("this version does not read the processor's energy counters"));
        }
    }
}
