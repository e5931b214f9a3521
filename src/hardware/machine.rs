//! What a machine is: its lasting hardware, and the id that follows from it.

use std::fmt;

use sha2::{Digest, Sha256};

use super::label::Label;
use super::memory_class;
use super::topology::{Cache, last_level};
use crate::units::{Bytes, hexadecimal};

/// Hexadecimal digits of a machine id.
const ID_DIGITS: usize = 12;

/// A graphics card, as its driver names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gpu {
    /// The driver's name, for example `NVIDIA H200`.
    pub name: String,
    /// Memory on the card, as the driver tells.
    pub memory: Bytes,
    /// Compute capability, for example `9.0`.
    pub compute_capability: String,
}

/// The lasting hardware: what another system on the same machine would find too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Machine {
    /// The processor's own name. Virtual machines often mask it.
    pub cpu: String,
    /// `vendor:family:model` as CPUID gives it, where it can be read.
    pub cpu_id: Option<String>,
    /// Processors that are there, each thread of a core for itself.
    pub logical_cpus: u64,
    /// Cores, where the system tells.
    pub physical_cores: Option<u64>,
    /// Caches of all processors; empty where the system shows none.
    pub caches: Vec<Cache>,
    /// The class of main memory, see [`Self::class_of_memory`]; `None` where the system does not tell.
    pub memory_class: Option<Bytes>,
    /// Cards that answered, in their order.
    pub gpus: Vec<Gpu>,
    /// What the user calls it.
    pub label: Option<Label>,
    /// The id that a run file of a method before the third states, whose digest was taken of other things. `None` for
    /// every other machine: its id follows from the fields above.
    pub stated_id: Option<MachineId>,
}

/// A short digest of the lasting hardware: equal machines have equal ids, and nothing identifies one box among equals.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MachineId(String);

impl MachineId {
    /// Takes 12 lower-case hexadecimal digits.
    pub fn new(text: &str) -> Option<Self> {
        let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        (text.len() == ID_DIGITS && text.chars().all(is_digit)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Machine {
    /// The machine's id: the first 12 hexadecimal digits of a SHA-256 over every field, or the stated one.
    ///
    /// Each field is its text and a zero byte, in the order they have above; a list has its length before it, what is
    /// unknown is empty. Of a card its name, its compute capability and the class of its memory are taken.
    pub fn id(&self) -> MachineId {
        let Self { cpu, cpu_id, logical_cpus, physical_cores, caches, memory_class, gpus, label, stated_id } =
            self;
        if let Some(stated) = stated_id {
            return stated.clone();
        }
        let known = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        let mut digest = Sha256::new();
        let mut add = |text: &str| {
            digest.update(text.as_bytes());
            digest.update([0]);
        };
        add(cpu);
        add(cpu_id.as_deref().unwrap_or_default());
        add(&logical_cpus.to_string());
        add(&known(*physical_cores));
        add(&caches.len().to_string());
        for cache in caches {
            add(&cache.level.to_string());
            add(cache.kind.id());
            add(&cache.bytes.count().to_string());
            add(&cache.instances.to_string());
        }
        add(&known(memory_class.map(Bytes::count)));
        add(&gpus.len().to_string());
        for gpu in gpus {
            add(&gpu.name);
            add(&gpu.compute_capability);
            add(&known(memory_class::card(gpu.memory).map(Bytes::count)));
        }
        add(label.as_ref().map_or("", Label::as_str));
        MachineId(hexadecimal(&digest.finalize()[..ID_DIGITS / 2]))
    }

    /// The class of an amount of main memory: the smallest of 1, 1.5, 2, 3, 4, 6, 8, 12 GiB and so on that is not below.
    /// Kernels keep different amounts for themselves, and leave the class as it is. `None` for no memory.
    pub fn class_of_memory(left_by_the_kernel: Bytes) -> Option<Bytes> {
        memory_class::main_memory(left_by_the_kernel)
    }

    /// All caches of the largest level together; `None` where the system shows none.
    pub fn last_level_cache(&self) -> Option<Bytes> {
        last_level(&self.caches)
    }

    /// One line for people: label, processor or card, processors, memory.
    pub fn summary(&self) -> String {
        let memory = self.memory_class.map_or_else(
            || "unknown memory".to_owned(),
            |class| format!("{} GiB", class.as_f64() / 1_073_741_824.0),
        );
        let cpus = if self.logical_cpus == 1 { "CPU" } else { "CPUs" };
        let host = format!("{}, {} {cpus}, {memory}", self.cpu, self.logical_cpus);
        let cards: Vec<_> = self.gpus.iter().map(|gpu| gpu.name.as_str()).collect();
        let machine = if cards.is_empty() { host } else { format!("{} on {host}", cards.join(" + ")) };
        self.label.as_ref().map_or(machine.clone(), |label| format!("{label}: {machine}"))
    }
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
    use super::super::topology::CacheKind;
    use super::*;

    fn cache(level: u64, kind: CacheKind, kibibytes: u64, instances: u64) -> Cache {
        Cache { level, kind, bytes: Bytes::new(kibibytes << 10), instances }
    }

    /// A processor of two cores in a virtual machine, without a card.
    pub(crate) fn example() -> Machine {
        Machine {
            cpu: "Example CPU".into(),
            cpu_id: Some("GenuineIntel:6:143".into()),
            logical_cpus: 2,
            physical_cores: Some(2),
            caches: vec![
                cache(1, CacheKind::Data, 48, 2),
                cache(1, CacheKind::Instruction, 32, 2),
                cache(2, CacheKind::Unified, 2_048, 2),
                cache(3, CacheKind::Unified, 32_768, 1),
            ],
            memory_class: Machine::class_of_memory(Bytes::new(24_000_000_000)),
            gpus: vec![],
            label: None,
            stated_id: None,
        }
    }

    fn gpu(memory: u64) -> Gpu {
        Gpu { name: "NVIDIA H200".into(), memory: Bytes::new(memory), compute_capability: "9.0".into() }
    }

    #[test]
    fn equal_hardware_has_one_id_whatever_kernel_and_driver_keep_for_themselves() {
        let other = Machine::class_of_memory(Bytes::new(25_100_000_000));
        assert_eq!(Machine { memory_class: other, ..example() }.id(), example().id());
        let with = |memory| Machine { gpus: vec![gpu(memory)], ..example() }.id();
        assert_eq!(with(150_111_000_000), with(149_900_000_000));
        assert_eq!(example().id().to_string().len(), ID_DIGITS);
    }

    #[test]
    fn every_field_is_in_the_id() {
        let mut smaller = example();
        smaller.caches[3].instances = 2;
        let mut kind = example();
        kind.caches[0].kind = CacheKind::Unified;
        let machines = [
            example(),
            smaller,
            kind,
            Machine { cpu: "Another CPU".into(), ..example() },
            Machine { cpu_id: None, ..example() },
            Machine { logical_cpus: 4, ..example() },
            Machine { physical_cores: None, ..example() },
            Machine { physical_cores: Some(1), ..example() },
            Machine { caches: vec![], ..example() },
            Machine { memory_class: None, ..example() },
            Machine { memory_class: Some(Bytes::new(32 << 30)), ..example() },
            Machine { gpus: vec![gpu(150_111_000_000)], ..example() },
            Machine { gpus: vec![gpu(80_000_000_000)], ..example() },
            Machine { gpus: vec![gpu(150_111_000_000), gpu(150_111_000_000)], ..example() },
            Machine { label: Label::new("office PC").ok(), ..example() },
        ];
        let ids: std::collections::BTreeSet<_> = machines.iter().map(Machine::id).collect();
        assert_eq!(ids.len(), machines.len());
    }

    #[test]
    fn an_id_that_an_old_file_states_is_kept() {
        let stated = MachineId::new("f87b3e008db9");
        assert_eq!(Machine { stated_id: stated.clone(), ..example() }.id(), stated.unwrap());
        for bad in ["f87b3e008db", "F87B3E008DB9", "../../../up1", ""] {
            assert_eq!(MachineId::new(bad), None);
        }
    }

    #[test]
    fn the_summary_names_what_a_reader_knows() {
        assert_eq!(example().summary(), "Example CPU, 2 CPUs, 24 GiB");
        let labelled = Machine { label: Label::new("office PC").ok(), ..example() };
        assert_eq!(labelled.summary(), "office PC: Example CPU, 2 CPUs, 24 GiB");
        assert_eq!(example().last_level_cache(), Some(Bytes::new(32 << 20)));
    }
}
