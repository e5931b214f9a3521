//! The types of the machine and of its environment in the run file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The lasting hardware.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct MachineFile {
    /// Digest of all that stands here; equal machines have equal ids. Of files before method 3 as it was then: over
    /// processor, instruction sets, memory and cards.
    pub machine_id: String,
    pub cpu: String,
    /// vendor:family:model as CPUID gives it.
    pub cpu_id: Option<String>,
    /// Processors that are there, each thread of a core for itself.
    pub logical_cpus: u64,
    #[serde(default)]
    pub physical_cores: Option<u64>,
    /// Empty where the system shows none, and in files before method 3.
    #[serde(default)]
    pub caches: Vec<CacheFile>,
    /// The smallest of 1, 1.5, 2, 3, 4, 6, 8, 12 GiB and so on that is not below what the kernel leaves to programs.
    #[serde(default)]
    pub memory_class_bytes: Option<u64>,
    pub gpus: Vec<GpuFile>,
    /// What the user calls the machine.
    #[serde(default)]
    pub label: Option<String>,
    /// Only in files before method 3: `environment` has it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_features: Option<Vec<String>>,
    /// Only in files before method 3: `environment` has it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Only in files before method 3: `environment` has it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_machine: Option<bool>,
}

/// Caches of one kind and size.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct CacheFile {
    /// 1 is the one nearest to the processor.
    pub level: u64,
    pub kind: CacheKindFile,
    /// Size of one.
    pub bytes: u64,
    /// One that several processors share is one.
    pub instances: u64,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::record) enum CacheKindFile {
    Data,
    Instruction,
    Unified,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct GpuFile {
    pub name: String,
    pub memory_bytes: u64,
    pub compute_capability: String,
}

/// The state the machine was in, and the limits of the process.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct EnvironmentFile {
    pub os: Option<String>,
    pub kernel: Option<String>,
    pub cpu_governor: Option<String>,
    /// Instruction sets that matter to a matrix kernel, sorted.
    #[serde(default)]
    pub cpu_features: Vec<String>,
    /// Whether a hypervisor announces itself.
    #[serde(default)]
    pub virtual_machine: Option<bool>,
    /// Processors this process may run on, as its affinity says.
    #[serde(default)]
    pub allowed_cpus: Option<u64>,
    /// The tightest processor limit of all control groups, in thousandths; `null` means no limit is known. Files before
    /// method 3 looked at one group only.
    pub cpu_quota_milli: Option<u64>,
    /// Main memory that the kernel leaves to programs.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// The tightest memory limit of all control groups; `null` means no limit is known.
    #[serde(default)]
    pub memory_limit_bytes: Option<u64>,
    pub gpu_driver: Option<String>,
    /// The smallest step that the clock was seen to make.
    #[serde(default)]
    pub clock_step_nanoseconds: Option<u64>,
}
