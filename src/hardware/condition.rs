//! The condition the machine is in before a run: what slows it, what limits it, which energy counters it shows.
//!
//! All of it comes from files under `/proc` and `/sys`, below a root that tests choose.

#![expect(clippy::disallowed_methods, reason = "reads /proc and /sys below a given root")]

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::control_groups::ControlGroups;
use super::files::{entries, processors, trimmed};
use super::power::{PowerSource, power_source};
use crate::units::Bytes;

/// Where the NVIDIA management library lies on common systems.
const NVML_FILES: [&str; 5] = [
    "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    "usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1",
    "usr/lib64/libnvidia-ml.so.1",
    "usr/lib/libnvidia-ml.so.1",
    "usr/lib/wsl/lib/libnvidia-ml.so.1",
];

/// Whether the processor's energy counters can be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RaplAccess {
    /// The system shows none.
    Absent,
    /// They are there, and this user may not read them.
    Denied,
    /// They are there, and reading fails otherwise.
    Failed(String),
    /// This many can be read.
    Readable(usize),
}

/// The condition of the machine; what cannot be read is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Frequency governors in use, sorted, each once; empty where the system shows none.
    pub governors: Vec<String>,
    /// Mains or battery; `None` where the system lists no supplies at all.
    pub power: Option<PowerSource>,
    /// Processes that ran or waited, averaged over the last minute, on the whole machine.
    pub load: Option<f64>,
    /// The tightest processor limit of the control groups of this process, in thousandths of a processor.
    pub cpu_limit_milli: Option<u64>,
    /// The tightest memory limit of the control groups of this process.
    pub memory_limit: Option<Bytes>,
    /// The processor's energy counters.
    pub rapl: RaplAccess,
    /// True if the NVIDIA management library is installed.
    pub has_nvml: bool,
}

impl Condition {
    /// Reads the files below `root`, which is `/` outside tests.
    pub fn read(root: &Path) -> Self {
        let groups = ControlGroups::find(root);
        Self {
            governors: governors(root),
            power: power_source(root),
            load: load(root),
            cpu_limit_milli: groups.cpu_limit_milli(),
            memory_limit: groups.memory_limit(),
            rapl: rapl(root),
            has_nvml: NVML_FILES.iter().any(|file| root.join(file).exists()),
        }
    }
}

fn governors(root: &Path) -> Vec<String> {
    let found: BTreeSet<String> =
        processors(root).iter().filter_map(|cpu| trimmed(&cpu.join("cpufreq/scaling_governor"))).collect();
    found.into_iter().collect()
}

fn load(root: &Path) -> Option<f64> {
    let load: f64 = trimmed(&root.join("proc/loadavg"))?.split_whitespace().next()?.parse().ok()?;
    (load.is_finite() && load >= 0.0).then_some(load)
}

fn rapl(root: &Path) -> RaplAccess {
    let counters: Vec<_> = entries(&root.join("sys/class/powercap"))
        .into_iter()
        .map(|zone| zone.join("energy_uj"))
        .filter(|counter| counter.exists())
        .collect();
    let readings: Vec<_> = counters.iter().map(fs::read_to_string).collect();
    let count = readings.iter().filter(|reading| reading.is_ok()).count();
    match readings.into_iter().find_map(Result::err) {
        None if count == 0 => RaplAccess::Absent,
        None => RaplAccess::Readable(count),
        Some(error) if error.kind() == ErrorKind::PermissionDenied => RaplAccess::Denied,
        Some(error) => RaplAccess::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The condition of a machine whose files are these.
    fn of(files: &[(&str, &str)]) -> Condition {
        let root = super::super::files::root_with(files);
        Condition::read(root.path())
    }

    #[test]
    fn a_system_that_shows_nothing_is_unknown_and_not_zero() {
        let nothing = Condition {
            governors: vec![],
            power: None,
            load: None,
            cpu_limit_milli: None,
            memory_limit: None,
            rapl: RaplAccess::Absent,
            has_nvml: false,
        };
        assert_eq!(of(&[]), nothing);
    }

    #[test]
    fn the_governors_of_all_processors_are_named_once() {
        let file = |cpu: u32| format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
        let (first, second, third) = (file(0), file(1), file(2));
        let condition = of(&[(&first, "powersave\n"), (&second, "performance\n"), (&third, "powersave\n")]);
        assert_eq!(condition.governors, ["performance", "powersave"]);
    }

    #[test]
    fn a_battery_counts_only_if_it_is_the_machines_own() {
        let supply = |files: &[(&str, &str)]| of(files).power;
        let (kind, status) = ("sys/class/power_supply/BAT0/type", "sys/class/power_supply/BAT0/status");
        assert_eq!(supply(&[(kind, "Battery\n"), (status, "Discharging\n")]), Some(PowerSource::Battery));
        assert_eq!(supply(&[(kind, "Battery\n"), (status, "Charging\n")]), Some(PowerSource::Mains));
        let scope = "sys/class/power_supply/BAT0/scope";
        let mouse = [(kind, "Battery\n"), (status, "Discharging\n"), (scope, "Device\n")];
        assert_eq!(supply(&mouse), Some(PowerSource::NoBattery));
    }

    #[test]
    fn the_limits_are_those_of_the_control_groups() {
        let condition =
            of(&[("sys/fs/cgroup/cpu.max", "150000 100000\n"), ("sys/fs/cgroup/memory.max", "4000000000\n")]);
        assert_eq!(condition.cpu_limit_milli, Some(1_500));
        assert_eq!(condition.memory_limit, Some(Bytes::new(4_000_000_000)));
    }

    #[test]
    fn energy_counters_are_counted_and_a_failing_one_is_told() {
        let counter = "sys/class/powercap/intel-rapl:0/energy_uj";
        assert_eq!(of(&[(counter, "262143\n")]).rapl, RaplAccess::Readable(1));
        // A folder in the counter's place: it is there, and cannot be read.
        assert!(matches!(of(&[(&format!("{counter}/x"), "")]).rapl, RaplAccess::Failed(_)));
    }

    #[test]
    fn the_load_is_that_of_the_last_minute() {
        assert_eq!(of(&[("proc/loadavg", "2.19 2.01 1.82 3/113 3905\n")]).load, Some(2.19));
        assert_eq!(of(&[("proc/loadavg", "-1 0 0\n")]).load, None);
    }
}
