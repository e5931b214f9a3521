//! The machine and its environment in the run file: their types, and the way there and back.
//!
//! Files before method 3 had instruction sets, memory and virtualisation under `machine`, and no caches. They are read into
//! the same types, and keep the machine id that they state: its digest was of another inventory.

mod schema;

pub(super) use schema::{EnvironmentFile, MachineFile};

use crate::hardware::{Cache, CacheKind, Environment, Gpu, Label, Machine, MachineId};
use crate::units::Bytes;
use schema::{CacheFile, CacheKindFile, GpuFile};

/// The first method whose machine ids follow from the inventory in the run file.
const IDS_SINCE_METHOD: u32 = 3;

/// A key, and what is wrong with its value.
type Problem = (&'static str, String);

/// Machine and environment of a file of this method, or what about them cannot be.
pub(super) fn read(
    machine: &MachineFile,
    environment: &EnvironmentFile,
    method_version: u32,
) -> Result<(Machine, Environment), Problem> {
    let wrong = |key, problem: &str| Err((key, problem.to_owned()));
    let follows = method_version >= IDS_SINCE_METHOD;
    if follows {
        let moved = [
            ("machine.cpu_features", machine.cpu_features.is_some()),
            ("machine.memory_bytes", machine.memory_bytes.is_some()),
            ("machine.virtual_machine", machine.virtual_machine.is_some()),
        ];
        if let Some((key, _)) = moved.into_iter().find(|(_, is_there)| *is_there) {
            return wrong(key, "stands under `environment` since method 3");
        }
    }
    let Some(id) = MachineId::new(&machine.machine_id) else {
        return wrong("machine.machine_id", "is not 12 hexadecimal digits");
    };
    let (machine, environment) = (machine.clone(), environment.clone());
    let memory = environment.memory_bytes.or(machine.memory_bytes).map(Bytes::new);
    let environment = Environment {
        os: environment.os,
        kernel: environment.kernel,
        cpu_governor: environment.cpu_governor,
        cpu_features: machine.cpu_features.clone().unwrap_or(environment.cpu_features),
        virtual_machine: environment.virtual_machine.or(machine.virtual_machine),
        allowed_cpus: environment.allowed_cpus,
        cpu_quota_milli: environment.cpu_quota_milli,
        memory,
        memory_limit: environment.memory_limit_bytes.map(Bytes::new),
        gpu_driver: environment.gpu_driver,
        clock_step_nanoseconds: environment.clock_step_nanoseconds,
    };
    let mut inventory = inventory(machine)?;
    if !follows {
        inventory.stated_id = Some(id);
    }
    Ok((inventory, environment))
}

fn inventory(file: MachineFile) -> Result<Machine, Problem> {
    if file.logical_cpus == 0 {
        return Err(("machine.logical_cpus", "is 0".to_owned()));
    }
    if file.physical_cores == Some(0) {
        return Err(("machine.physical_cores", "is 0".to_owned()));
    }
    if file.caches.iter().any(|cache| [cache.level, cache.bytes, cache.instances].contains(&0)) {
        return Err(("machine.caches", "one has a level, a size or a number of 0".to_owned()));
    }
    let class = file.memory_class_bytes.map(Bytes::new);
    if class.is_some_and(|class| Machine::class_of_memory(class) != Some(class)) {
        return Err(("machine.memory_class_bytes", "is no class of memory".to_owned()));
    }
    let label = file.label.as_deref().map(Label::new).transpose();
    let left_by_the_kernel = file.memory_bytes.map(Bytes::new);
    Ok(Machine {
        cpu: file.cpu,
        cpu_id: file.cpu_id,
        logical_cpus: file.logical_cpus,
        physical_cores: file.physical_cores,
        caches: file.caches.into_iter().map(Cache::from).collect(),
        memory_class: class.or_else(|| left_by_the_kernel.and_then(Machine::class_of_memory)),
        gpus: file.gpus.into_iter().map(Gpu::from).collect(),
        label: label.map_err(|problem| ("machine.label", problem.to_string()))?,
        stated_id: None,
    })
}

impl From<&Machine> for MachineFile {
    fn from(machine: &Machine) -> Self {
        Self {
            machine_id: machine.id().to_string(),
            cpu: machine.cpu.clone(),
            cpu_id: machine.cpu_id.clone(),
            logical_cpus: machine.logical_cpus,
            physical_cores: machine.physical_cores,
            caches: machine.caches.iter().map(CacheFile::from).collect(),
            memory_class_bytes: machine.memory_class.map(Bytes::count),
            gpus: machine.gpus.iter().map(GpuFile::from).collect(),
            label: machine.label.as_ref().map(ToString::to_string),
            cpu_features: None,
            memory_bytes: None,
            virtual_machine: None,
        }
    }
}

impl From<&Environment> for EnvironmentFile {
    fn from(environment: &Environment) -> Self {
        let Environment {
            os,
            kernel,
            cpu_governor,
            cpu_features,
            virtual_machine,
            allowed_cpus,
            cpu_quota_milli,
            memory,
            memory_limit,
            gpu_driver,
            clock_step_nanoseconds,
        } = environment.clone();
        Self {
            os,
            kernel,
            cpu_governor,
            cpu_features,
            virtual_machine,
            allowed_cpus,
            cpu_quota_milli,
            memory_bytes: memory.map(Bytes::count),
            memory_limit_bytes: memory_limit.map(Bytes::count),
            gpu_driver,
            clock_step_nanoseconds,
        }
    }
}

impl From<&Cache> for CacheFile {
    fn from(cache: &Cache) -> Self {
        let kind = match cache.kind {
            CacheKind::Data => CacheKindFile::Data,
            CacheKind::Instruction => CacheKindFile::Instruction,
            CacheKind::Unified => CacheKindFile::Unified,
        };
        Self { level: cache.level, kind, bytes: cache.bytes.count(), instances: cache.instances }
    }
}

impl From<CacheFile> for Cache {
    fn from(file: CacheFile) -> Self {
        let kind = match file.kind {
            CacheKindFile::Data => CacheKind::Data,
            CacheKindFile::Instruction => CacheKind::Instruction,
            CacheKindFile::Unified => CacheKind::Unified,
        };
        Self { level: file.level, kind, bytes: Bytes::new(file.bytes), instances: file.instances }
    }
}

impl From<&Gpu> for GpuFile {
    fn from(gpu: &Gpu) -> Self {
        Self {
            name: gpu.name.clone(),
            memory_bytes: gpu.memory.count(),
            compute_capability: gpu.compute_capability.clone(),
        }
    }
}

impl From<GpuFile> for Gpu {
    fn from(file: GpuFile) -> Self {
        Self {
            name: file.name,
            memory: Bytes::new(file.memory_bytes),
            compute_capability: file.compute_capability,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::record::digest::resealed;
    use serde_json::{Value, json};

    use super::super::{from_json, to_json};
    use crate::hardware::{Environment, Gpu, Label};
    use crate::measurement::{Run, example_run};
    use crate::units::Bytes;

    /// A run whose machine and environment have every field filled.
    fn full() -> Run {
        let mut run = example_run();
        run.machine.label = Label::new("office PC").ok();
        run.machine.gpus = vec![Gpu {
            name: "NVIDIA H200".into(),
            memory: Bytes::new(150_111_000_000),
            compute_capability: "9.0".into(),
        }];
        run.environment = Environment {
            os: Some("Linux".into()),
            kernel: Some("6.1".into()),
            cpu_governor: Some("performance".into()),
            cpu_features: vec!["avx2".into(), "fma".into()],
            virtual_machine: Some(false),
            allowed_cpus: Some(1),
            cpu_quota_milli: Some(1_500),
            memory: Some(Bytes::new(24_000_000_000)),
            memory_limit: Some(Bytes::new(4_000_000_000)),
            gpu_driver: Some("NVIDIA 580.95.05".into()),
            clock_step_nanoseconds: Some(31),
        };
        run.derive();
        run
    }

    fn changed(change: impl Fn(&mut Value)) -> String {
        let mut value: Value = serde_json::from_str(&to_json(&full())).unwrap();
        change(&mut value);
        resealed(&value)
    }

    /// The same file as method 2 wrote it.
    fn of_method_2(run: &mut Value) {
        run["provenance"]["method_version"] = 2.into();
        run["environment"] = json!({
            "os": "Linux", "kernel": "6.1", "cpu_governor": null, "cpu_quota_milli": null, "gpu_driver": null
        });
        run["machine"] = json!({
            "machine_id": "f87b3e008db9", "cpu": "Intel(R) Xeon(R) Processor", "cpu_id": "GenuineIntel:6:167",
            "logical_cpus": 2, "cpu_features": ["amx_int8", "avx2"], "memory_bytes": 25_276_502_016_u64,
            "gpus": [], "virtual_machine": true
        });
    }

    #[test]
    fn every_field_comes_back_from_its_file() {
        let run = full();
        let read = from_json(&to_json(&run)).unwrap();
        assert_eq!((read.machine, read.environment), (run.machine, run.environment));
    }

    #[test]
    fn a_file_of_an_earlier_method_keeps_its_id_and_its_facts_move() {
        let run = from_json(&changed(of_method_2)).unwrap();
        assert_eq!(run.machine.id().to_string(), "f87b3e008db9");
        assert_eq!(run.machine.summary(), "Intel(R) Xeon(R) Processor, 2 CPUs, 24 GiB");
        assert_eq!(run.environment.memory, Some(Bytes::new(25_276_502_016)));
        assert_eq!(run.environment.cpu_features, ["amx_int8", "avx2"]);
        assert_eq!(
            (run.environment.virtual_machine, run.environment.clock_step_nanoseconds),
            (Some(true), None)
        );
        assert!(run.machine.caches.is_empty());
        // Written again it stands in the new places, says the same, and has the same id.
        let again = from_json(&to_json(&run)).unwrap();
        assert_eq!((again.machine, again.environment), (run.machine, run.environment));
    }

    #[test]
    fn an_id_that_does_not_follow_is_refused_since_method_3() {
        for (key, value) in [
            ("logical_cpus", json!(64)),
            ("physical_cores", json!(1)),
            ("caches", json!([])),
            ("memory_class_bytes", json!(34_359_738_368_u64)),
            ("label", json!("home PC")),
            ("machine_id", json!("f87b3e008db9")),
        ] {
            let message =
                from_json(&changed(|run| run["machine"][key] = value.clone())).unwrap_err().to_string();
            assert!(message.starts_with("machine.machine_id: does not follow"), "{key}: {message}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        for (key, value, expected) in [
            ("logical_cpus", json!(0), "machine.logical_cpus: is 0"),
            ("physical_cores", json!(0), "machine.physical_cores: is 0"),
            ("memory_class_bytes", json!(25_276_502_016_u64), "machine.memory_class_bytes: is no class"),
            ("memory_bytes", json!(1), "machine.memory_bytes: stands under `environment` since method 3"),
            ("cpu_features", json!([]), "machine.cpu_features: stands under `environment`"),
            ("machine_id", json!("../up"), "machine.machine_id: is not 12 hexadecimal digits"),
            ("label", json!("a\nb"), "machine.label: a label has printable characters only"),
            (
                "caches",
                json!([{"level": 1, "kind": "data", "bytes": 0, "instances": 1}]),
                "machine.caches: one has",
            ),
            ("caches", json!([{"level": 1, "kind": "trace", "bytes": 1, "instances": 1}]), "unknown variant"),
        ] {
            let message =
                from_json(&changed(|run| run["machine"][key] = value.clone())).unwrap_err().to_string();
            assert!(message.contains(expected), "{key}: {message}");
        }
    }
}
