//! Reads the machine, its state, and this process's use of it. What cannot be read is `None`, never a guess.

#![expect(clippy::disallowed_methods, reason = "reads /proc and /sys")]

use std::fs;

use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid};

use super::machine::{Environment, Gpu, Machine};
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
    system: System,
}

/// What this process has used so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessUsage {
    /// Processor time, all threads, user and system. Resolution about 10 ms.
    pub cpu: Option<Seconds>,
    /// Largest resident set since [`ProcessProbe::reset_peak`] last succeeded, or since the process began.
    pub peak_resident: Option<Bytes>,
}

impl Default for SystemReader {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemReader {
    /// A reader that has read nothing yet.
    pub fn new() -> Self {
        Self { system: System::new() }
    }

    /// The lasting hardware; `gpus` come from the engine, which alone can ask the driver.
    pub fn machine(&mut self, gpus: Vec<Gpu>) -> Machine {
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        self.system.refresh_cpu_all();
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").ok();
        let field = |name: &str| cpuinfo.as_deref().and_then(|text| first_field(text, name));
        let flags = field("flags").or_else(|| field("Features"));
        let brand = self.system.cpus().iter().map(|cpu| cpu.brand().trim().to_owned()).next();
        Machine {
            cpu: brand.filter(|brand| !brand.is_empty()).unwrap_or_else(|| "unnamed CPU".into()),
            cpu_id: match (field("vendor_id"), field("cpu family"), field("model")) {
                (Some(vendor), Some(family), Some(model)) => Some(format!("{vendor}:{family}:{model}")),
                _ => None,
            },
            logical_cpus: logical_cpus(),
            cpu_features: flags.as_deref().map(kernel_features).unwrap_or_default(),
            memory: known(self.system.total_memory()),
            gpus,
            virtual_machine: flags.map(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor")),
        }
    }

    /// The machine's present state.
    pub fn environment(&self) -> Environment {
        let trimmed = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
        Environment {
            os: System::long_os_version(),
            kernel: System::kernel_version(),
            cpu_governor: trimmed("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            cpu_quota_milli: trimmed("/sys/fs/cgroup/cpu.max").and_then(|text| quota_milli(&text)),
            gpu_driver: fs::read_to_string("/proc/driver/nvidia/version")
                .ok()
                .and_then(|text| nvidia_version(&text)),
        }
    }

    fn process(&mut self) -> ProcessUsage {
        let cpu = get_current_pid().ok().and_then(|pid| {
            let what = ProcessRefreshKind::nothing().with_cpu();
            self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
            let millis = self.system.process(pid)?.accumulated_cpu_time();
            Seconds::new(count_as_f64(millis) / 1e3).ok()
        });
        ProcessUsage { cpu, peak_resident: peak_resident() }
    }
}

/// Tells what this process uses.
pub trait ProcessProbe {
    /// Starts the peak of the resident set anew, where the system allows it (Linux 4.0 and later); elsewhere the peak
    /// stays the process's own since its start.
    fn reset_peak(&mut self);

    /// What this process has used so far.
    fn usage(&mut self) -> ProcessUsage;
}

impl ProcessProbe for SystemReader {
    fn reset_peak(&mut self) {
        // Refused in some containers: the peak then is an upper bound, as documented.
        let _ = fs::write("/proc/self/clear_refs", "5");
    }

    fn usage(&mut self) -> ProcessUsage {
        self.process()
    }
}

/// The twin for tests: every reading is one step of processor time after the last, the peak is always the same.
#[derive(Debug)]
pub struct ScriptedProbe {
    cpu: Seconds,
    step: Seconds,
    peak: Bytes,
}

impl ScriptedProbe {
    /// A probe that advances by `step` and always reports `peak`.
    pub fn new(step: Seconds, peak: Bytes) -> Self {
        Self { cpu: Seconds::ZERO, step, peak }
    }
}

impl ProcessProbe for ScriptedProbe {
    fn reset_peak(&mut self) {}

    fn usage(&mut self) -> ProcessUsage {
        self.cpu = self.cpu.plus(self.step).unwrap_or(self.cpu);
        ProcessUsage { cpu: Some(self.cpu), peak_resident: Some(self.peak) }
    }
}

/// Processors this process may run on, at least 1.
pub fn logical_cpus() -> u64 {
    index_as_u64(std::thread::available_parallelism().map_or(1, usize::from))
}

/// Memory a new allocation can take without swapping; `None` where the system does not tell.
pub fn available_memory() -> Option<Bytes> {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    known(system.available_memory())
}

/// The reader says 0 where the system does not tell.
fn known(bytes: u64) -> Option<Bytes> {
    (bytes > 0).then_some(Bytes::new(bytes))
}

fn peak_resident() -> Option<Bytes> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes: u64 = first_field(&status, "VmHWM")?.strip_suffix(" kB")?.trim().parse().ok()?;
    Some(Bytes::new(kibibytes * 1_024))
}

/// The first value of `name : value` in a file of /proc.
fn first_field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
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

/// `cpu.max` of a control group, "quota period" in microseconds, as thousandths of a processor; `max` is no limit.
pub(super) fn quota_milli(text: &str) -> Option<u64> {
    let (quota, period) = text.split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.trim().parse().ok()?);
    quota.checked_mul(1_000)?.checked_div(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_reads_as_thousandths_and_no_limit_as_none() {
        assert_eq!(quota_milli("150000 100000"), Some(1_500));
        assert_eq!(quota_milli("max 100000"), None);
        assert_eq!(quota_milli("150000 0"), None);
    }

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
    fn fields_are_found_by_their_whole_name() {
        let text = "model name\t: Some CPU\nmodel\t\t: 143\nVmHWM:\t   12 kB\n";
        assert_eq!(first_field(text, "model").as_deref(), Some("143"));
        assert_eq!(first_field(text, "VmHWM").as_deref(), Some("12 kB"));
    }

    #[test]
    fn this_machine_has_memory_and_a_processor() {
        let machine = SystemReader::new().machine(vec![]);
        assert!(machine.logical_cpus >= 1 && machine.memory.unwrap().count() > 1_000_000);
        assert!(available_memory().unwrap().count() > 0);
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
