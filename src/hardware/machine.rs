//! What a machine is (lasting) and the state it is in (passing).

use std::fmt;

use sha2::{Digest, Sha256};

use crate::units::{Bytes, hexadecimal};

/// A graphics card, as its driver names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gpu {
    /// The driver's name, for example `NVIDIA H200`.
    pub name: String,
    /// Memory on the card.
    pub memory: Bytes,
    /// Compute capability, for example `9.0`.
    pub compute_capability: String,
}

/// The lasting hardware.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Machine {
    /// The processor's own name. Virtual machines often mask it.
    pub cpu: String,
    /// `vendor:family:model` as CPUID gives it, where it can be read.
    pub cpu_id: Option<String>,
    /// Processors the system offers.
    pub logical_cpus: u64,
    /// Instruction sets that matter to a matrix kernel, sorted.
    pub cpu_features: Vec<String>,
    /// Main memory, where the system tells.
    pub memory: Option<Bytes>,
    /// Cards that answered.
    pub gpus: Vec<Gpu>,
    /// True if a hypervisor announces itself.
    pub virtual_machine: Option<bool>,
}

/// A short digest of the lasting hardware: equal machines have equal ids, and nothing identifies one box among equals.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MachineId(String);

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Machine {
    /// The machine's id: the first 12 hexadecimal digits of a SHA-256 over its inventory.
    ///
    /// Memory is rounded to whole GB first, since kernels of one machine reserve slightly different amounts.
    pub fn id(&self) -> MachineId {
        let mut digest = Sha256::new();
        let mut add = |text: &str| {
            digest.update(text.as_bytes());
            digest.update([0]);
        };
        add(&self.cpu);
        add(self.cpu_id.as_deref().unwrap_or(""));
        add(&self.logical_cpus.to_string());
        add(&self.cpu_features.join(","));
        add(&self.memory.map(gigabytes).unwrap_or_default());
        for gpu in &self.gpus {
            add(&gpu.name);
            add(&gpu.compute_capability);
            add(&gigabytes(gpu.memory));
        }
        MachineId(hexadecimal(&digest.finalize()[..6]))
    }

    /// One line for people: processor or card, processors, memory.
    pub fn summary(&self) -> String {
        let memory = self
            .memory
            .map_or_else(|| "unknown memory".to_owned(), |bytes| format!("{} GB", gigabytes(bytes)));
        let cpus = if self.logical_cpus == 1 { "CPU" } else { "CPUs" };
        let host = format!("{}, {} {cpus}, {memory}", self.cpu, self.logical_cpus);
        let cards: Vec<_> = self.gpus.iter().map(|gpu| gpu.name.as_str()).collect();
        if cards.is_empty() { host } else { format!("{} on {host}", cards.join(" + ")) }
    }
}

fn gigabytes(bytes: Bytes) -> String {
    format!("{:.0}", bytes.as_f64() / 1e9)
}

/// The state the machine is in while it is measured.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Environment {
    /// Operating system and version.
    pub os: Option<String>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Frequency governor of the first processor.
    pub cpu_governor: Option<String>,
    /// Processors this process may use, from its control group, in thousandths.
    pub cpu_quota_milli: Option<u64>,
    /// Driver of the graphics cards.
    pub gpu_driver: Option<String>,
}

/// The device a measurement ran on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Device {
    /// The processor, with the number of threads the engine used.
    Cpu {
        /// Threads of the engine.
        threads: u64,
    },
    /// A CUDA device.
    Cuda {
        /// Its number.
        index: u32,
        /// The driver's name for it.
        name: String,
    },
}

impl Device {
    /// `cpu` or `cuda`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Cpu { .. } => "cpu",
            Self::Cuda { .. } => "cuda",
        }
    }

    /// The name a rent price would be quoted for; the processor of a machine is not rented by name.
    pub fn price_name(&self) -> Option<&str> {
        match self {
            Self::Cpu { .. } => None,
            Self::Cuda { name, .. } => Some(name),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example() -> Machine {
        Machine {
            cpu: "Example CPU".into(),
            cpu_id: Some("GenuineIntel:6:143".into()),
            logical_cpus: 2,
            cpu_features: vec!["avx2".into(), "fma".into()],
            memory: Some(Bytes::new(24_000_000_000)),
            gpus: vec![],
            virtual_machine: Some(true),
        }
    }

    #[test]
    fn equal_hardware_has_one_id_whatever_the_kernel_reserves() {
        let other = Machine { memory: Some(Bytes::new(24_100_000_000)), ..example() };
        assert_eq!(other.id(), example().id());
        assert_eq!(example().id().to_string().len(), 12);
    }

    #[test]
    fn another_processor_or_card_is_another_machine() {
        let gpu = Gpu { name: "NVIDIA H200".into(), memory: Bytes::new(1), compute_capability: "9.0".into() };
        assert_ne!(Machine { gpus: vec![gpu], ..example() }.id(), example().id());
        assert_ne!(Machine { logical_cpus: 4, ..example() }.id(), example().id());
    }

    #[test]
    fn the_summary_names_what_a_reader_knows() {
        assert_eq!(example().summary(), "Example CPU, 2 CPUs, 24 GB");
    }
}
