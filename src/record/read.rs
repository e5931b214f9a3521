//! From a run file back to a run. Whatever does not hold is refused, with its place.

use super::schema::{
    BoundaryFile, CaseFile, DeviceFile, EnergyFile, FailureFile, LocalFileWire, LocalFormatFile, MachineFile,
    ModelFileWire, ModelRoleFile, ObservedFile, OrderFile, ProvenanceFile, RepetitionFile,
    RepetitionRoleFile, RunFile, SCHEMA_VERSION, ScopeFile, SkipFile, StageFile, WeightsFile, WorkloadFile,
};
use crate::clock::Moment;
use crate::hardware::{Device, Environment, Gpu, Machine};
use crate::measurement::{
    Boundary, CaseRecord, Energy, EnergyScope, EngineGap, EngineIdentity, Failure, Flag, LoadSample,
    Measurement, Missing, ModelFile, Observed, Order, Outcome, PowerRange, Provenance, Repetition, Role, Run,
    RunId, Skip, Stage,
};
use crate::model::{Licence, LocalFile, LocalFormat, ModelId, ModelRole, ModelSpec, Precision, Weights};
use crate::units::{Bytes, Joules, Seconds, Tokens, Watts};
use crate::workload::{Case, Workload, WorkloadRole};

/// A text that is no run file this version can read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// Not JSON, or not of this format.
    #[error("not a run file: {0}; give the run.json that `claimbench run` wrote, or its folder")]
    Format(String),
    /// Written by a newer version.
    #[error("written in run format {found}, this version reads {SCHEMA_VERSION}; update claimbench")]
    Newer {
        /// The format of the file.
        found: u64,
    },
    /// A value that cannot be.
    #[error("{place}: {problem}")]
    Value {
        /// The key, with its case.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

fn bad(place: impl Into<String>, problem: impl std::fmt::Display) -> RecordError {
    RecordError::Value { place: place.into(), problem: problem.to_string() }
}

pub(super) fn from_json(text: &str) -> Result<Run, RecordError> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|e| RecordError::Format(e.to_string()))?;
    let found = value.get("schema").and_then(serde_json::Value::as_u64);
    let found = found.ok_or_else(|| RecordError::Format("no `schema` number".to_owned()))?;
    if found > SCHEMA_VERSION.into() {
        return Err(RecordError::Newer { found });
    }
    if found < SCHEMA_VERSION.into() {
        return Err(RecordError::Format(format!("there never was a format {found}")));
    }
    let file: RunFile = serde_json::from_value(value).map_err(|e| RecordError::Format(e.to_string()))?;
    run(file)
}

fn run(file: RunFile) -> Result<Run, RecordError> {
    let machine = machine(&file.machine)?;
    if machine.id().to_string() != file.machine.machine_id {
        return Err(bad("machine.machine_id", "does not follow from the machine's inventory"));
    }
    let provenance = file.provenance;
    let cases = file.cases.into_iter().map(|file| case(file, &provenance)).collect::<Result<_, _>>()?;
    let environment = file.environment;
    Ok(Run {
        id: RunId::new(&file.run_id).map_err(|problem| bad("run_id", problem))?,
        started_unix_seconds: file.started_unix_seconds,
        resumed_unix_seconds: file.resumed_unix_seconds,
        provenance: Provenance {
            tool_version: provenance.tool_version,
            git_revision: provenance.git_revision,
            features: provenance.features,
            profile: provenance.profile,
            command: provenance.command,
            method_version: provenance.method_version,
        },
        machine,
        environment: Environment {
            os: environment.os,
            kernel: environment.kernel,
            cpu_governor: environment.cpu_governor,
            cpu_quota_milli: environment.cpu_quota_milli,
            gpu_driver: environment.gpu_driver,
        },
        ceilings: file
            .ceilings
            .map(|ceilings| ceilings.ceilings().map_err(|problem| bad("ceilings", problem)))
            .transpose()?,
        order: match file.order {
            OrderFile::Sequential => Order::Sequential,
        },
        cases,
        meters_missing: file
            .meters_missing
            .into_iter()
            .map(|m| (m.meter, Missing { reason: m.reason, remedy: m.remedy }))
            .collect(),
    })
}

fn machine(file: &MachineFile) -> Result<Machine, RecordError> {
    if file.logical_cpus == 0 {
        return Err(bad("machine.logical_cpus", "is 0"));
    }
    Ok(Machine {
        cpu: file.cpu.clone(),
        cpu_id: file.cpu_id.clone(),
        logical_cpus: file.logical_cpus,
        cpu_features: file.cpu_features.clone(),
        memory: file.memory_bytes.map(Bytes::new),
        gpus: file
            .gpus
            .iter()
            .map(|gpu| Gpu {
                name: gpu.name.clone(),
                memory: Bytes::new(gpu.memory_bytes),
                compute_capability: gpu.compute_capability.clone(),
            })
            .collect(),
        virtual_machine: file.virtual_machine,
    })
}

fn case(file: CaseFile, provenance: &ProvenanceFile) -> Result<CaseRecord, RecordError> {
    let id = file.case_id.clone();
    let at = |key: &str| format!("case {id}: {key}");
    let known = |precision: &Precision| precision.recipe().is_some() || file.model.local.is_some();
    let precision = Precision::from_id(&file.precision).filter(known);
    let precision =
        precision.ok_or_else(|| bad(at("precision"), format!("`{}` is not known here", file.precision)))?;
    let case =
        Case { model: model(&file.model, precision, &at)?, precision, workload: workload(&file.workload) };
    if case.id().to_string() != id {
        return Err(bad(
            at("case_id"),
            format!("does not follow from model, precision and workload: {}", case.id()),
        ));
    }
    let measurement = measurement(&file, &at)?;
    let figures = crate::measurement::Figures::new(&measurement);
    let stated = serde_json::to_value(&file.figures).map_err(|error| bad(at("figures"), error))?;
    let derived = figures.as_ref().map(super::schema::FiguresFile::from);
    let derived = serde_json::to_value(&derived).map_err(|error| bad(at("figures"), error))?;
    if !agree(&stated, &derived) {
        return Err(bad(at("figures"), "do not follow from the samples; one of the two was changed"));
    }
    let energy = energy(file.energy).map_err(|problem| bad(at("energy"), problem))?;
    let observed = file.observed.map(observed);
    if let Some(problem) = super::answers::contradiction(&measurement, observed.as_ref()) {
        return Err(bad(at("answers"), problem));
    }
    let flags = Flag::raised(&case, observed.as_ref(), &measurement, &energy, &provenance.profile);
    let stated: Vec<Option<Flag>> = file.flags.iter().map(|flag| Flag::from_id(flag)).collect();
    if stated != flags.iter().copied().map(Some).collect::<Vec<_>>() {
        return Err(bad(at("flags"), "do not follow from the build, the weights and the samples"));
    }
    let outcome =
        outcome(file.failure, file.skipped, measurement).map_err(|problem| bad(at("skipped"), problem))?;
    if let Some(problem) = super::gate::contradiction(&outcome, provenance.method_version) {
        return Err(bad(at("gate"), problem));
    }
    Ok(CaseRecord {
        case,
        engine: EngineIdentity {
            id: file.engine.id,
            version: file.engine.version,
            boundary: match file.engine.boundary {
                BoundaryFile::InProcess => Boundary::InProcess,
            },
        },
        observed,
        outcome,
        energy,
        flags,
    })
}

fn outcome(
    failure: Option<FailureFile>,
    skipped: Option<SkipFile>,
    measurement: Measurement,
) -> Result<Outcome, String> {
    match (failure, skipped) {
        (None, None) => Ok(Outcome::Measured(measurement)),
        (Some(failure), None) => {
            let stage = match failure.stage {
                StageFile::Prepare => Stage::Prepare,
                StageFile::Load => Stage::Load,
                StageFile::Gate => Stage::Gate,
                StageFile::Generate => Stage::Generate,
                StageFile::Interrupted => Stage::Interrupted,
                StageFile::NotStarted => Stage::NotStarted,
            };
            Ok(Outcome::Failed(Failure::new(stage, &failure.reason), measurement))
        }
        (None, Some(skipped)) if measurement == Measurement::default() => {
            let seconds = |value: f64| Seconds::new(value).map_err(|error| error.to_string());
            Ok(Outcome::Skipped(match skipped {
                SkipFile::Engine { gaps } => Skip::Engine {
                    gaps: gaps
                        .iter()
                        .map(|id| EngineGap::from_id(id).ok_or_else(|| format!("`{id}` is no engine gap")))
                        .collect::<Result<_, _>>()?,
                },
                SkipFile::Memory { needed_bytes, free_bytes } => {
                    Skip::Memory { needed: Bytes::new(needed_bytes), free: Bytes::new(free_bytes) }
                }
                SkipFile::Budget { needed_seconds, left_seconds } => {
                    Skip::Budget { needed: seconds(needed_seconds)?, left: seconds(left_seconds)? }
                }
            }))
        }
        (None, Some(_)) => Err("a skipped case has samples".to_owned()),
        (Some(_), Some(_)) => Err("a case cannot both fail and be skipped".to_owned()),
    }
}

/// Equal, but for the last digits of floating-point numbers: another platform may round them differently.
fn agree(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| agree(value, other)))
        }
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
            _ => a == b,
        },
        _ => a == b,
    }
}

fn model(
    file: &ModelFileWire,
    precision: Precision,
    at: &impl Fn(&str) -> String,
) -> Result<ModelSpec, RecordError> {
    let shape =
        file.shape.shape().map_err(|(key, problem)| bad(at(&format!("model.shape.{key}")), problem))?;
    if shape.parameters() != file.parameters {
        return Err(bad(at("model.parameters"), format!("the shape has {}", shape.parameters())));
    }
    Ok(ModelSpec {
        id: ModelId::new(&file.id).map_err(|problem| bad(at("model.id"), problem))?,
        name: file.name.clone(),
        publisher: file.publisher.clone(),
        role: match file.role {
            ModelRoleFile::Measure => ModelRole::Measure,
            ModelRoleFile::Test => ModelRole::Test,
        },
        default: false,
        licence: Licence {
            name: file.licence.clone(),
            note: file.licence_note.clone(),
            restricted: file.licence_restricted,
            gated: file.licence_gated,
        },
        hub: None,
        shape,
        published: None,
        precisions: vec![precision],
        files: vec![],
        local: file.local.map(LocalFile::from),
    })
}

impl From<LocalFileWire> for LocalFile {
    fn from(file: LocalFileWire) -> Self {
        Self {
            format: match file.format {
                LocalFormatFile::Gguf => LocalFormat::Gguf,
                LocalFormatFile::Safetensors => LocalFormat::Safetensors,
            },
            tensor_bytes: Bytes::new(file.tensor_bytes),
            read_bytes_per_step: Bytes::new(file.read_bytes_per_step),
        }
    }
}

fn workload(file: &WorkloadFile) -> Workload {
    Workload {
        id: file.id.clone(),
        title: file.title.clone(),
        role: match file.role {
            ModelRoleFile::Measure => WorkloadRole::Measure,
            ModelRoleFile::Test => WorkloadRole::Test,
        },
        default: false,
        prompt_tokens: file.prompt_tokens,
        output_tokens: file.output_tokens,
        batch: file.batch,
        context_depth: file.context_depth,
        loads: file.loads,
        warm_up: file.warm_up,
        repetitions: file.repetitions,
    }
}

fn measurement(file: &CaseFile, at: &impl Fn(&str) -> String) -> Result<Measurement, RecordError> {
    let loads = file.loads.iter().map(|load| {
        let duration = Seconds::new(load.duration_seconds).map_err(|problem| bad(at("loads"), problem))?;
        let started = Moment::from_nanos(load.started_nanoseconds);
        Ok(LoadSample { process_start: load.process_start, started, duration })
    });
    let repetitions = file
        .repetitions
        .iter()
        .map(|r| repetition(r).map_err(|problem| bad(at(&format!("repetitions[{}]", r.index)), problem)));
    let answers = file.answers.iter().map(|answer| {
        let place = format!("answers[{}]", answer.prompt);
        answer.clone().answer().map_err(|problem| bad(at(&place), problem))
    });
    let unanswered = file.unanswered.clone();
    let unanswered = unanswered.map(|why| why.reason().map_err(|problem| bad(at("unanswered"), problem)));
    Ok(Measurement {
        loads: loads.collect::<Result<_, _>>()?,
        repetitions: repetitions.collect::<Result<_, _>>()?,
        gate: file.gate.map(|gate| gate.gate().map_err(|problem| bad(at("gate"), problem))).transpose()?,
        answers: answers.collect::<Result<_, _>>()?,
        unanswered: unanswered.transpose()?,
    })
}

fn repetition(file: &RepetitionFile) -> Result<Repetition, String> {
    let seconds = |value: f64| Seconds::new(value).map_err(|error| error.to_string());
    if file.batch == 0 || file.prompt_tokens == 0 {
        return Err("batch or prompt_tokens is 0".to_owned());
    }
    if crate::units::index_as_u64(file.gap_seconds.len()) + 1 != file.output_tokens {
        return Err(format!(
            "{} gaps do not fit {} output tokens",
            file.gap_seconds.len(),
            file.output_tokens
        ));
    }
    Ok(Repetition {
        index: file.index,
        role: match file.role {
            RepetitionRoleFile::WarmUp => Role::WarmUp,
            RepetitionRoleFile::Measured => Role::Measured,
        },
        process_start: file.process_start,
        prompt: file.prompt,
        started: Moment::from_nanos(file.started_nanoseconds),
        first_token: seconds(file.first_token_seconds)?,
        gaps: file.gap_seconds.iter().map(|&gap| seconds(gap)).collect::<Result<_, _>>()?,
        prompt_tokens: Tokens::new(file.prompt_tokens),
        output_tokens: Tokens::new(file.output_tokens),
        batch: file.batch,
        output_digest: u64::from_str_radix(&file.output_digest, 16).map_err(|error| error.to_string())?,
        cpu: file.cpu_seconds.map(seconds).transpose()?,
        energy: file.energy_joules.map(|j| Joules::new(j).map_err(|error| error.to_string())).transpose()?,
        peak_memory: file.peak_memory_bytes.map(Bytes::new),
        window: crate::hardware::Window::default(),
    })
}

fn observed(file: ObservedFile) -> Observed {
    Observed {
        device: match file.device {
            DeviceFile::Cpu { threads } => Device::Cpu { threads },
            DeviceFile::Cuda { index, name } => Device::Cuda { index, name },
        },
        file: ModelFile {
            weights: match file.weights {
                WeightsFile::Hub { repo, commit } => Weights::Hub { repo, commit },
                WeightsFile::Local { name } => Weights::Local { name },
                WeightsFile::Synthetic { seed } => Weights::Synthetic { seed },
            },
            sha256: file.model_sha256,
            bytes: Bytes::new(file.model_bytes),
        },
        output_tokens: file.output_tokens.map(Tokens::new),
    }
}

fn energy(file: EnergyFile) -> Result<Energy, String> {
    let watts = |value: f64| Watts::new(value).map_err(|error| error.to_string());
    let scope = |scope| match scope {
        ScopeFile::CpuPackage => EnergyScope::CpuPackage,
        ScopeFile::ServerShare => EnergyScope::ServerShare,
    };
    Ok(match file {
        EnergyFile::Measured { energy_joules, scope: covered, meter } => Energy::Measured {
            joules: Joules::new(energy_joules).map_err(|error| error.to_string())?,
            scope: scope(covered),
            meter,
        },
        EnergyFile::Estimated {
            power_watts_low,
            power_watts_central,
            power_watts_high,
            scope: covered,
            inputs,
        } => {
            let power = PowerRange {
                low: watts(power_watts_low)?,
                central: watts(power_watts_central)?,
                high: watts(power_watts_high)?,
            };
            if !(power.low <= power.central && power.central <= power.high) {
                return Err("the power range does not rise".to_owned());
            }
            Energy::Estimated { power, scope: scope(covered), basis: inputs }
        }
        EnergyFile::Missing { reason, remedy } => Energy::Missing(Missing { reason, remedy }),
    })
}
