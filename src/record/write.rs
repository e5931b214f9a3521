//! From a run to its file.

use super::answers::{AnswerFile, UnansweredFile};
use super::ceilings::CeilingsFile;
use super::gate::GateFile;
use super::schema::{
    BoundaryFile, CaseFile, DeviceFile, EnergyFile, EngineFile, EnvironmentFile, EstimateFile, FailureFile,
    FiguresFile, GpuFile, IntervalFile, LoadFile, LocalFileWire, LocalFormatFile, MachineFile,
    MeterMissingFile, ModelFileWire, ModelRoleFile, ObservedFile, OrderFile, ProvenanceFile, RepetitionFile,
    RepetitionRoleFile, RunFile, SCHEMA_VERSION, ScopeFile, SkipFile, StageFile, WeightsFile, WorkloadFile,
};
use super::shape::ShapeFile;
use crate::hardware::{Device, Environment, Machine};
use crate::measurement::{
    Boundary, CaseRecord, Energy, EnergyScope, EngineIdentity, Failure, Figures, Missing, Observed, Order,
    Outcome, Provenance, Repetition, Role, Run, Skip, Stage,
};
use crate::model::{LocalFile, LocalFormat, ModelRole, ModelSpec, Weights};
use crate::stats::Estimate;
use crate::units::{Quantity, index_as_u64};
use crate::workload::{Workload, WorkloadRole};

impl From<&Run> for RunFile {
    fn from(run: &Run) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            run_id: run.id.to_string(),
            started_unix_seconds: run.started_unix_seconds,
            resumed_unix_seconds: run.resumed_unix_seconds.clone(),
            provenance: ProvenanceFile::from(&run.provenance),
            machine: MachineFile::from(&run.machine),
            environment: EnvironmentFile::from(&run.environment),
            ceilings: run.ceilings.as_ref().map(CeilingsFile::from),
            order: match run.order {
                Order::Sequential => OrderFile::Sequential,
            },
            cases: run.cases.iter().map(CaseFile::from).collect(),
            meters_missing: run.meters_missing.iter().map(MeterMissingFile::from).collect(),
        }
    }
}

impl From<&Provenance> for ProvenanceFile {
    fn from(provenance: &Provenance) -> Self {
        let Provenance { tool_version, git_revision, features, profile, command, method_version } =
            provenance.clone();
        Self { tool_version, git_revision, features, profile, command, method_version }
    }
}

impl From<&Machine> for MachineFile {
    fn from(machine: &Machine) -> Self {
        Self {
            machine_id: machine.id().to_string(),
            cpu: machine.cpu.clone(),
            cpu_id: machine.cpu_id.clone(),
            logical_cpus: machine.logical_cpus,
            cpu_features: machine.cpu_features.clone(),
            memory_bytes: machine.memory.map(crate::units::Bytes::count),
            gpus: machine
                .gpus
                .iter()
                .map(|gpu| GpuFile {
                    name: gpu.name.clone(),
                    memory_bytes: gpu.memory.count(),
                    compute_capability: gpu.compute_capability.clone(),
                })
                .collect(),
            virtual_machine: machine.virtual_machine,
        }
    }
}

impl From<&Environment> for EnvironmentFile {
    fn from(environment: &Environment) -> Self {
        let Environment { os, kernel, cpu_governor, cpu_quota_milli, gpu_driver } = environment.clone();
        Self { os, kernel, cpu_governor, cpu_quota_milli, gpu_driver }
    }
}

impl From<&CaseRecord> for CaseFile {
    fn from(record: &CaseRecord) -> Self {
        let measurement = record.outcome.measurement();
        Self {
            case_id: record.id().to_string(),
            model: ModelFileWire::from(&record.case.model),
            precision: record.case.precision.id().to_owned(),
            workload: WorkloadFile::from(&record.case.workload),
            engine: EngineFile::from(&record.engine),
            observed: record.observed.as_ref().map(ObservedFile::from),
            failure: match &record.outcome {
                Outcome::Measured(_) | Outcome::Skipped(_) => None,
                Outcome::Failed(failure, _) => Some(FailureFile::from(failure)),
            },
            skipped: match &record.outcome {
                Outcome::Measured(_) | Outcome::Failed(..) => None,
                Outcome::Skipped(skip) => Some(SkipFile::from(skip)),
            },
            gate: measurement.gate.map(GateFile::from),
            loads: measurement
                .loads
                .iter()
                .map(|l| LoadFile {
                    process_start: l.process_start,
                    started_nanoseconds: l.started.nanos(),
                    duration_seconds: l.duration.value(),
                })
                .collect(),
            repetitions: measurement.repetitions.iter().map(RepetitionFile::from).collect(),
            figures: Figures::new(measurement).as_ref().map(FiguresFile::from),
            energy: EnergyFile::from(&record.energy),
            answers: measurement.answers.iter().map(AnswerFile::from).collect(),
            unanswered: measurement.unanswered.as_ref().map(UnansweredFile::from),
            flags: record.flags.iter().map(|flag| flag.id().to_owned()).collect(),
        }
    }
}

impl From<&ModelSpec> for ModelFileWire {
    fn from(model: &ModelSpec) -> Self {
        Self {
            id: model.id.to_string(),
            name: model.name.clone(),
            publisher: model.publisher.clone(),
            role: match model.role {
                ModelRole::Measure => ModelRoleFile::Measure,
                ModelRole::Test => ModelRoleFile::Test,
            },
            licence: model.licence.name.clone(),
            licence_note: model.licence.note.clone(),
            licence_restricted: model.licence.restricted,
            licence_gated: model.licence.gated,
            parameters: model.shape.parameters(),
            shape: ShapeFile::from(&model.shape),
            local: model.local.map(LocalFileWire::from),
        }
    }
}

impl From<LocalFile> for LocalFileWire {
    fn from(local: LocalFile) -> Self {
        Self {
            format: match local.format {
                LocalFormat::Gguf => LocalFormatFile::Gguf,
                LocalFormat::Safetensors => LocalFormatFile::Safetensors,
            },
            tensor_bytes: local.tensor_bytes.count(),
            read_bytes_per_step: local.read_bytes_per_step.count(),
        }
    }
}

impl From<&Workload> for WorkloadFile {
    fn from(workload: &Workload) -> Self {
        Self {
            id: workload.id.clone(),
            title: workload.title.clone(),
            role: match workload.role {
                WorkloadRole::Measure => ModelRoleFile::Measure,
                WorkloadRole::Test => ModelRoleFile::Test,
            },
            prompt_tokens: workload.prompt_tokens,
            output_tokens: workload.output_tokens,
            batch: workload.batch,
            context_depth: workload.context_depth,
            loads: workload.loads,
            warm_up: workload.warm_up,
            repetitions: workload.repetitions,
        }
    }
}

impl From<&EngineIdentity> for EngineFile {
    fn from(engine: &EngineIdentity) -> Self {
        let boundary = match engine.boundary {
            Boundary::InProcess => BoundaryFile::InProcess,
        };
        Self { id: engine.id.clone(), version: engine.version.clone(), boundary }
    }
}

impl From<&Observed> for ObservedFile {
    fn from(observed: &Observed) -> Self {
        Self {
            device: match observed.device.clone() {
                Device::Cpu { threads } => DeviceFile::Cpu { threads },
                Device::Cuda { index, name } => DeviceFile::Cuda { index, name },
            },
            weights: match observed.file.weights.clone() {
                Weights::Hub { repo, commit } => WeightsFile::Hub { repo, commit },
                Weights::Local { name } => WeightsFile::Local { name },
                Weights::Synthetic { seed } => WeightsFile::Synthetic { seed },
            },
            model_sha256: observed.file.sha256.clone(),
            model_bytes: observed.file.bytes.count(),
            output_tokens: observed.output_tokens.map(crate::units::Tokens::count),
        }
    }
}

impl From<&Failure> for FailureFile {
    fn from(failure: &Failure) -> Self {
        let stage = match failure.stage {
            Stage::Prepare => StageFile::Prepare,
            Stage::Load => StageFile::Load,
            Stage::Gate => StageFile::Gate,
            Stage::Generate => StageFile::Generate,
            Stage::Interrupted => StageFile::Interrupted,
            Stage::NotStarted => StageFile::NotStarted,
        };
        Self { stage, reason: failure.reason.clone() }
    }
}

impl From<&Skip> for SkipFile {
    fn from(skip: &Skip) -> Self {
        match skip {
            Skip::Engine { gaps } => {
                Self::Engine { gaps: gaps.iter().map(|gap| gap.id().to_owned()).collect() }
            }
            Skip::Memory { needed, free } => {
                Self::Memory { needed_bytes: needed.count(), free_bytes: free.count() }
            }
            Skip::Budget { needed, left } => {
                Self::Budget { needed_seconds: needed.value(), left_seconds: left.value() }
            }
        }
    }
}

impl From<&Repetition> for RepetitionFile {
    fn from(repetition: &Repetition) -> Self {
        Self {
            index: repetition.index,
            role: match repetition.role {
                Role::WarmUp => RepetitionRoleFile::WarmUp,
                Role::Measured => RepetitionRoleFile::Measured,
            },
            process_start: repetition.process_start,
            prompt: repetition.prompt,
            started_nanoseconds: repetition.started.nanos(),
            first_token_seconds: repetition.first_token.value(),
            gap_seconds: repetition.gaps.iter().map(|gap| gap.value()).collect(),
            prompt_tokens: repetition.prompt_tokens.count(),
            output_tokens: repetition.output_tokens.count(),
            batch: repetition.batch,
            output_digest: format!("{:016x}", repetition.output_digest),
            cpu_seconds: repetition.cpu.map(crate::units::Seconds::value),
            energy_joules: repetition.energy.map(crate::units::Joules::value),
            peak_memory_bytes: repetition.peak_memory.map(crate::units::Bytes::count),
        }
    }
}

impl From<&Figures> for FiguresFile {
    fn from(figures: &Figures) -> Self {
        Self {
            prefill_tokens_per_second: estimate(&figures.prefill_tokens_per_second),
            decode_tokens_per_second: estimate(&figures.decode_tokens_per_second),
            time_to_first_token_seconds: estimate(&figures.time_to_first_token),
            time_per_output_token_seconds: estimate(&figures.time_per_output_token),
            inter_token_p50_seconds: estimate(&figures.inter_token_p50),
            inter_token_p95_seconds: estimate(&figures.inter_token_p95),
            end_to_end_seconds: estimate(&figures.end_to_end),
            load_seconds: estimate(&figures.load),
            peak_memory_bytes: figures.peak_memory.as_ref().map(estimate),
            machine_hours_per_mtok_output: estimate(&figures.machine_hours_per_mtok_output),
            machine_hours_per_mtok_input: estimate(&figures.machine_hours_per_mtok_input),
        }
    }
}

fn estimate<Q: Quantity>(estimate: &Estimate<Q>) -> EstimateFile {
    let interval = estimate.interval();
    EstimateFile {
        value: estimate.value().value(),
        observations: index_as_u64(estimate.observations()),
        interval: interval.ok().map(|interval| IntervalFile {
            low: interval.low().value(),
            high: interval.high().value(),
            coverage: interval.coverage(),
            method: interval.method().id().to_owned(),
        }),
        no_interval: interval.err().map(|reason| reason.to_string()),
    }
}

impl From<&Energy> for EnergyFile {
    fn from(energy: &Energy) -> Self {
        match energy {
            Energy::Measured { joules, scope, meter } => {
                Self::Measured { energy_joules: joules.value(), scope: (*scope).into(), meter: meter.clone() }
            }
            Energy::Estimated { power, scope, basis } => Self::Estimated {
                power_watts_low: power.low.value(),
                power_watts_central: power.central.value(),
                power_watts_high: power.high.value(),
                scope: (*scope).into(),
                inputs: basis.clone(),
            },
            Energy::Missing(Missing { reason, remedy }) => {
                Self::Missing { reason: reason.clone(), remedy: remedy.clone() }
            }
        }
    }
}

impl From<EnergyScope> for ScopeFile {
    fn from(scope: EnergyScope) -> Self {
        match scope {
            EnergyScope::CpuPackage => Self::CpuPackage,
            EnergyScope::ServerShare => Self::ServerShare,
        }
    }
}

impl From<&(String, Missing)> for MeterMissingFile {
    fn from((meter, missing): &(String, Missing)) -> Self {
        Self { meter: meter.clone(), reason: missing.reason.clone(), remedy: missing.remedy.clone() }
    }
}
