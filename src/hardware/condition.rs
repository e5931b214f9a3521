//! The condition the machine is in before a run: what slows it, what limits it, which energy counters it shows.
//!
//! All of it comes from files under `/proc` and `/sys`, below a root that tests choose.

#![expect(clippy::disallowed_methods, reason = "reads /proc and /sys below a given root")]

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::reader::quota_milli;
use crate::units::Bytes;

/// A limit at or above this is no limit: version 1 of control groups writes a number near 2^63 for "none".
const NO_MEMORY_LIMIT: u64 = 1 << 60;

/// Where the NVIDIA management library lies on common systems.
const NVML_FILES: [&str; 5] = [
    "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
    "usr/lib/aarch64-linux-gnu/libnvidia-ml.so.1",
    "usr/lib64/libnvidia-ml.so.1",
    "usr/lib/libnvidia-ml.so.1",
    "usr/lib/wsl/lib/libnvidia-ml.so.1",
];

/// What the machine draws its power from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PowerSource {
    /// The system lists no battery of its own.
    NoBattery,
    /// A battery that is not being drained.
    Mains,
    /// A battery that is being drained.
    Battery,
}

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
        let groups = control_groups(root);
        Self {
            governors: governors(root),
            power: power_source(root),
            load: load(root),
            cpu_limit_milli: groups.iter().filter_map(|folder| cpu_limit(folder)).min(),
            memory_limit: groups.iter().filter_map(|folder| memory_limit(folder)).min(),
            rapl: rapl(root),
            has_nvml: NVML_FILES.iter().any(|file| root.join(file).exists()),
        }
    }
}

fn governors(root: &Path) -> Vec<String> {
    let found: BTreeSet<String> = entries(&root.join("sys/devices/system/cpu"))
        .iter()
        .filter_map(|cpu| trimmed(&cpu.join("cpufreq/scaling_governor")))
        .collect();
    found.into_iter().collect()
}

fn power_source(root: &Path) -> Option<PowerSource> {
    let folder = root.join("sys/class/power_supply");
    folder.is_dir().then(|| {
        let supplies = entries(&folder);
        // Mice and pens list their batteries here too; they say that their scope is a device.
        let is_own_battery = |supply: &&PathBuf| {
            trimmed(&supply.join("type")).as_deref() == Some("Battery")
                && trimmed(&supply.join("scope")).as_deref() != Some("Device")
        };
        let mut batteries = supplies.iter().filter(is_own_battery).peekable();
        if batteries.peek().is_none() {
            PowerSource::NoBattery
        } else if batteries.any(|supply| trimmed(&supply.join("status")).as_deref() == Some("Discharging")) {
            PowerSource::Battery
        } else {
            PowerSource::Mains
        }
    })
}

fn load(root: &Path) -> Option<f64> {
    let load: f64 = trimmed(&root.join("proc/loadavg"))?.split_whitespace().next()?.parse().ok()?;
    (load.is_finite() && load >= 0.0).then_some(load)
}

/// The folders of the control groups that bind this process: its own and every one above, in all hierarchies.
fn control_groups(root: &Path) -> Vec<PathBuf> {
    let top = root.join("sys/fs/cgroup");
    let mut folders = vec![top.clone(), top.join("cpu"), top.join("memory")];
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    for line in text.lines() {
        // `0::/path` is version 2, `4:memory:/path` is version 1.
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
        let hierarchy = match controllers {
            "" => top.clone(),
            "memory" => top.join("memory"),
            cpu if cpu.split(',').any(|name| name == "cpu") => top.join("cpu"),
            _ => continue,
        };
        let mut group = Path::new(group.trim_start_matches('/'));
        while group.components().next().is_some() {
            folders.push(hierarchy.join(group));
            group = group.parent().unwrap_or(Path::new(""));
        }
    }
    folders
}

fn cpu_limit(folder: &Path) -> Option<u64> {
    if let Some(text) = trimmed(&folder.join("cpu.max")) {
        return quota_milli(&text);
    }
    let field = |name: &str| trimmed(&folder.join(name));
    quota_milli(&format!("{} {}", field("cpu.cfs_quota_us")?, field("cpu.cfs_period_us")?))
}

fn memory_limit(folder: &Path) -> Option<Bytes> {
    let text =
        trimmed(&folder.join("memory.max")).or_else(|| trimmed(&folder.join("memory.limit_in_bytes")))?;
    let bytes: u64 = text.parse().ok()?;
    (bytes < NO_MEMORY_LIMIT).then_some(Bytes::new(bytes))
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

/// The paths in a folder; none where it cannot be listed.
fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map_or_else(|_| Vec::new(), |entries| entries.flatten().map(|e| e.path()).collect())
}

fn trimmed(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The condition of a machine whose files are these.
    fn of(files: &[(&str, &str)]) -> Condition {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
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
    fn the_tightest_limit_of_nested_groups_counts_in_version_2() {
        let condition = of(&[
            ("proc/self/cgroup", "0::/outer/inner\n"),
            ("sys/fs/cgroup/outer/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/outer/memory.max", "max\n"),
            ("sys/fs/cgroup/outer/inner/memory.max", "4000000000\n"),
        ]);
        assert_eq!(condition.cpu_limit_milli, Some(1_500));
        assert_eq!(condition.memory_limit, Some(Bytes::new(4_000_000_000)));
    }

    #[test]
    fn limits_of_version_1_are_read_too_and_its_huge_number_is_none() {
        let groups = ("proc/self/cgroup", "4:memory:/a\n1:cpu,cpuacct:/a\n");
        let condition = of(&[
            groups,
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "2000000000\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n"),
            ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!(
            (condition.cpu_limit_milli, condition.memory_limit),
            (Some(500), Some(Bytes::new(2_000_000_000)))
        );
        let free = of(&[
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!((free.cpu_limit_milli, free.memory_limit), (None, None));
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
