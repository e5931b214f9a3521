//! From a run to its file.

use super::answers::{AnswerFile, UnansweredFile};
use super::ceilings::CeilingsFile;
use super::figures::FiguresFile;
use super::gate::GateFile;
use super::machine::{EnvironmentFile, MachineFile};
use super::schema::{
    BoundaryFile, CaseFile, DeviceFile, EnergyFile, EngineFile, FailureFile, LoadFile, LocalFileWire,
    LocalFormatFile, MeterMissingFile, ModelFileWire, ModelRoleFile, ObservedFile, OrderFile, ProvenanceFile,
    RepetitionFile, RepetitionRoleFile, RunFile, SCHEMA_VERSION, ScopeFile, SkipFile, StageFile, WeightsFile,
    WorkloadFile,
};
use super::shape::ShapeFile;
use super::window::WindowFile;
use crate::hardware::Device;
use crate::measurement::{
    Boundary, CaseRecord, Energy, EnergyScope, EngineIdentity, Failure, Missing, Observed, Order, Outcome,
    Provenance, Repetition, Role, Run, Skip, Stage,
};
use crate::model::{LocalFile, LocalFormat, ModelRole, ModelSpec, Weights};
use crate::units::Watts;
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
                Order::Interleaved { .. } => OrderFile::Interleaved,
            },
            order_seed: match run.order {
                Order::Sequential => None,
                Order::Interleaved { seed } => Some(seed),
            },
            process_starts_asked: run.process_starts_asked,
            cases: run.cases.iter().map(CaseFile::from).collect(),
            meters_missing: run.meters_missing.iter().map(MeterMissingFile::from).collect(),
            content_sha256: Some(super::digest::UNSEALED.to_owned()),
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
            figures: record.figures.as_ref().map(FiguresFile::from),
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
            most_repetitions: workload.most_repetitions,
            limit_seconds: workload.limit_seconds,
        }
    }
}

impl From<&EngineIdentity> for EngineFile {
    fn from(engine: &EngineIdentity) -> Self {
        let boundary = match engine.boundary {
            Boundary::InProcess => BoundaryFile::InProcess,
        };
        Self {
            id: engine.id.clone(),
            version: engine.version.clone(),
            boundary,
            kv_value_bytes: engine.kv_value_bytes,
        }
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
            Skip::Limit { needed, limit } => {
                Self::Limit { needed_seconds: needed.value(), limit_seconds: limit.value() }
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
            mean_power_watts: repetition.mean_power.map(Watts::value),
            peak_memory_bytes: repetition.peak_memory.map(crate::units::Bytes::count),
            window: Some(WindowFile::from(&repetition.window)),
        }
    }
}

impl From<&Energy> for EnergyFile {
    fn from(energy: &Energy) -> Self {
        match energy {
            Energy::Measured { joules, scope, meter, mean_power, power_limit } => Self::Measured {
                energy_joules: joules.value(),
                scope: (*scope).into(),
                meter: meter.clone(),
                mean_power_watts: mean_power.map(Watts::value),
                power_limit_watts: power_limit.map(Watts::value),
            },
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
