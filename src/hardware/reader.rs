//! Reads the machine, its state, and this process's use of it. What cannot be read is `None`, never a guess.

#![expect(clippy::disallowed_methods, reason = "writes /proc/self/clear_refs")]

use std::fs;
use std::path::{Path, PathBuf};

use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid};

use super::control_groups::ControlGroups;
use super::counters::{CounterReader, Counters};
use super::environment::{Environment, clock_step};
use super::files::{first_field, trimmed};
use super::machine::{Gpu, Machine};
use super::probe::{ProcessProbe, ProcessUsage};
use super::topology::{allowed_cores, allowed_cpus, caches, physical_cores, present_cpus};
use crate::clock::SystemClock;
use crate::units::{Bytes, Seconds, count_as_f64, index_as_u64};

/// Instruction sets that decide which matrix kernel runs.
const KERNEL_FEATURES: [&str; 12] = [
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "avx",
    "avx2",
    "avx512_vnni",
    "avx512f",
    "avx_vnni",
    "f16c",
    "fma",
    "i8mm",
];

/// Reads the machine and the running process.
#[derive(Debug)]
pub struct SystemReader {
    root: PathBuf,
    system: System,
    counters: CounterReader,
}

impl Default for SystemReader {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemReader {
    /// A reader that has read nothing yet.
    pub fn new() -> Self {
        Self::below(Path::new("/"))
    }

    /// A reader of the files below `root`. What the system tells in other ways, such as the processor's name, is this
    /// machine's all the same.
    pub(super) fn below(root: &Path) -> Self {
        Self { root: root.to_owned(), system: System::new(), counters: CounterReader::below(root) }
    }

    /// The lasting hardware, without a label; `gpus` come from the engine, which alone can ask the driver.
    pub fn machine(&mut self, gpus: Vec<Gpu>) -> Machine {
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        self.system.refresh_cpu_all();
        let cpuinfo = self.cpuinfo();
        let field = |name: &str| cpuinfo.as_deref().and_then(|text| first_field(text, name));
        let brand = self.system.cpus().iter().map(|cpu| cpu.brand().trim().to_owned()).next();
        let running = index_as_u64(self.system.cpus().len());
        let cores = || System::physical_core_count().map(index_as_u64);
        Machine {
            cpu: brand.filter(|brand| !brand.is_empty()).unwrap_or_else(|| "unnamed CPU".into()),
            cpu_id: match (field("vendor_id"), field("cpu family"), field("model")) {
                (Some(vendor), Some(family), Some(model)) => Some(format!("{vendor}:{family}:{model}")),
                _ => None,
            },
            logical_cpus: present_cpus(&self.root).unwrap_or(running).max(1),
            physical_cores: physical_cores(&self.root).or_else(cores).filter(|&cores| cores > 0),
            caches: caches(&self.root),
            memory_class: Machine::class_of_memory(Bytes::new(self.system.total_memory())),
            gpus,
            label: None,
            stated_id: None,
        }
    }

    /// The machine's present state, and the limits of this process.
    pub fn environment(&mut self) -> Environment {
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let file = |path: &str| trimmed(&self.root.join(path));
        let cpuinfo = self.cpuinfo();
        let field = |name: &str| cpuinfo.as_deref().and_then(|text| first_field(text, name));
        let flags = field("flags").or_else(|| field("Features"));
        let groups = ControlGroups::find(&self.root);
        Environment {
            os: System::long_os_version(),
            kernel: System::kernel_version(),
            cpu_governor: file("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            cpu_features: flags.as_deref().map(kernel_features).unwrap_or_default(),
            virtual_machine: flags.map(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor")),
            allowed_cpus: allowed_cpus(&self.root),
            cpu_quota_milli: groups.cpu_limit_milli(),
            memory: known(self.system.total_memory()),
            memory_limit: groups.memory_limit(),
            gpu_driver: file("proc/driver/nvidia/version").and_then(|text| nvidia_version(&text)),
            clock_step_nanoseconds: clock_step(&SystemClock::new()),
        }
    }

    fn cpuinfo(&self) -> Option<String> {
        trimmed(&self.root.join("proc/cpuinfo"))
    }

    fn process(&mut self) -> ProcessUsage {
        let cpu = get_current_pid().ok().and_then(|pid| {
            let what = ProcessRefreshKind::nothing().with_cpu();
            self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
            let millis = self.system.process(pid)?.accumulated_cpu_time();
            Seconds::new(count_as_f64(millis) / 1e3).ok()
        });
        ProcessUsage { cpu, peak_resident: peak_resident(&self.root) }
    }
}

impl ProcessProbe for SystemReader {
    fn reset_peak(&mut self) {
        // Refused in some containers: the peak then is an upper bound, as documented.
        let _ = fs::write("/proc/self/clear_refs", "5");
    }

    fn usage(&mut self) -> ProcessUsage {
        self.process()
    }

    fn snapshot(&mut self) -> Counters {
        self.counters.read()
    }
}

/// Processors this process may run on within its quota, at least 1.
pub fn logical_cpus() -> u64 {
    index_as_u64(std::thread::available_parallelism().map_or(1, usize::from))
}

/// More threads than any machine has processors are a mistake.
const MOST_THREADS: u64 = 4_096;

/// Threads to compute with: one for each physical core that this process may use, since a second one on a core finds its
/// units busy; no more than its quota lets run at once. `RAYON_NUM_THREADS`, which candle reads too, says another number.
pub fn threads_to_compute_with() -> u64 {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|count| count.trim().parse().ok());
    if let Some(asked) = asked.filter(|count| (1..=MOST_THREADS).contains(count)) {
        return asked;
    }
    let at_once = std::thread::available_parallelism().map_or(1, |count| index_as_u64(count.get()));
    let cores = allowed_cores(Path::new("/")).or_else(|| System::physical_core_count().map(index_as_u64));
    cores.filter(|&cores| cores > 0).map_or(at_once, |cores| cores.min(at_once))
}

/// Memory a new allocation can take: what is free without swapping, or what the control groups leave of their limits,
/// whichever is smaller. `None` where the system does not tell.
pub fn available_memory() -> Option<Bytes> {
    available_memory_below(Path::new("/"))
}

/// The same, with the files of `/proc` and `/sys` below `root`.
pub fn available_memory_below(root: &Path) -> Option<Bytes> {
    let free = free_memory(root).or_else(|| {
        let mut system = System::new();
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        known(system.available_memory())
    });
    free.into_iter().chain(ControlGroups::find(root).memory_left()).min()
}

fn free_memory(root: &Path) -> Option<Bytes> {
    kibibytes(&trimmed(&root.join("proc/meminfo"))?, "MemAvailable")
}

/// The reader says 0 where the system does not tell.
fn known(bytes: u64) -> Option<Bytes> {
    (bytes > 0).then_some(Bytes::new(bytes))
}

fn peak_resident(root: &Path) -> Option<Bytes> {
    kibibytes(&trimmed(&root.join("proc/self/status"))?, "VmHWM")
}

fn kibibytes(text: &str, name: &str) -> Option<Bytes> {
    let number: u64 = first_field(text, name)?.strip_suffix(" kB")?.trim().parse().ok()?;
    number.checked_mul(1_024).map(Bytes::new)
}

fn kernel_features(flags: &str) -> Vec<String> {
    let mut found: Vec<_> =
        flags.split_whitespace().filter(|flag| KERNEL_FEATURES.contains(flag)).map(str::to_owned).collect();
    found.sort_unstable();
    found
}

/// The version in the first line of the NVIDIA driver's own file.
fn nvidia_version(text: &str) -> Option<String> {
    let is_version = |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    Some(format!("NVIDIA {}", text.lines().next()?.split_whitespace().find(is_version)?))
}

#[cfg(test)]
mod tests {
    use super::super::files::root_with;
    use super::*;

    #[test]
    fn the_driver_version_is_found_among_the_words() {
        let text = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\nGCC version: 12.3.0";
        assert_eq!(nvidia_version(text).as_deref(), Some("NVIDIA 580.95.05"));
    }

    #[test]
    fn features_are_filtered_and_sorted() {
        assert_eq!(kernel_features("fpu fma avx2 hypervisor avx"), ["avx", "avx2", "fma"]);
    }

    #[test]
    fn the_environment_has_the_limits_and_what_a_hypervisor_shows() {
        let root = root_with(&[
            (
                "proc/cpuinfo",
                "vendor_id\t: X\ncpu family\t: 6\nmodel\t\t: 143\nflags\t\t: fma hypervisor avx2\n",
            ),
            ("proc/self/status", "Cpus_allowed_list:\t0,2\n"),
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/a/b/cpu.max", "400000 100000\n"),
            ("sys/fs/cgroup/a/memory.max", "4000000000\n"),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n"),
            ("sys/devices/system/cpu/present", "0-3\n"),
            ("sys/devices/system/cpu/cpu0/topology/core_cpus_list", "0-3\n"),
        ]);
        let mut reader = SystemReader::below(root.path());
        let environment = reader.environment();
        assert_eq!(environment.cpu_features, ["avx2", "fma"]);
        assert_eq!(environment.virtual_machine, Some(true));
        assert_eq!((environment.allowed_cpus, environment.cpu_quota_milli), (Some(2), Some(1_500)));
        assert_eq!(environment.memory_limit, Some(Bytes::new(4_000_000_000)));
        assert_eq!(environment.cpu_governor.as_deref(), Some("schedutil"));
        let machine = reader.machine(vec![]);
        assert_eq!((machine.logical_cpus, machine.physical_cores), (4, Some(1)));
        assert_eq!(machine.cpu_id.as_deref(), Some("X:6:143"));
    }

    #[test]
    fn a_system_without_files_has_no_limits_and_an_unknown_hypervisor() {
        let root = root_with(&[]);
        let environment = SystemReader::below(root.path()).environment();
        assert_eq!((environment.cpu_features.len(), environment.virtual_machine), (0, None));
        assert_eq!((environment.cpu_quota_milli, environment.memory_limit), (None, None));
    }

    #[test]
    fn memory_is_free_within_the_containers_limit_only() {
        let free = ("proc/meminfo", "MemTotal: 64000000 kB\nMemAvailable:   8000000 kB\n");
        let available = |files: &[(&str, &str)]| available_memory_below(root_with(files).path());
        assert_eq!(available(&[free]), Some(Bytes::new(8_192_000_000)));
        let limit = ("sys/fs/cgroup/memory.max", "4000000000\n");
        let used = ("sys/fs/cgroup/memory.current", "3000000000\n");
        assert_eq!(available(&[free, limit, used]), Some(Bytes::new(1_000_000_000)));
        let wide = ("sys/fs/cgroup/memory.max", "90000000000\n");
        assert_eq!(available(&[free, wide, used]), Some(Bytes::new(8_192_000_000)));
    }

    #[test]
    fn this_machine_can_be_read_and_is_the_same_when_read_again() {
        let mut reader = SystemReader::new();
        let machine = reader.machine(vec![]);
        assert!(machine.logical_cpus >= 1 && machine.memory_class.unwrap().count() > 1_000_000);
        assert_eq!(SystemReader::new().machine(vec![]), machine);
        assert!(available_memory().unwrap().count() > 0);
        let environment = reader.environment();
        assert!(environment.memory.unwrap() <= machine.memory_class.unwrap());
        assert!(environment.clock_step_nanoseconds.is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_reset_peak_is_not_above_the_old_one() {
        let mut reader = SystemReader::new();
        let ballast = vec![1_u8; 64 << 20];
        let with = reader.process().peak_resident.unwrap();
        drop(ballast);
        reader.reset_peak();
        assert!(reader.process().peak_resident.unwrap() <= with);
    }
}
