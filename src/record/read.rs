//! From a run file back to a run. What cannot be is refused, with its place.

use super::figures::FiguresFile;
use super::rule::{RecordError, Rule};
use super::schema::{
    BoundaryFile, CaseFile, DeviceFile, EnergyFile, LocalFileWire, LocalFormatFile, ModelFileWire,
    ModelRoleFile, ObservedFile, OrderFile, ProvenanceFile, RepetitionFile, RepetitionRoleFile, RunFile,
    ScopeFile, SkipFile, StageFile, WeightsFile, WorkloadFile,
};
use crate::clock::Moment;
use crate::hardware::Device;
use crate::measurement::{
    Boundary, CaseRecord, Energy, EnergyScope, EngineGap, EngineIdentity, Failure, Figures, Flag, LoadSample,
    Measurement, Missing, ModelFile, Observed, Order, Outcome, PowerRange, Provenance, Repetition, Role, Run,
    RunId, Skip, Stage,
};
use crate::model::{Licence, LocalFile, LocalFormat, ModelId, ModelRole, ModelSpec, Precision, Weights};
use crate::units::{Bytes, Joules, Seconds, Tokens, Watts};
use crate::workload::{Case, Workload, WorkloadRole};

fn bad(place: impl std::fmt::Display, problem: impl std::fmt::Display) -> RecordError {
    RecordError::value(Rule::Values, place, problem)
}

/// The run as the file states it, but for the figures of a method that derives them. Whether the rest follows is asked in
/// `examine.rs`.
pub(super) fn run(file: &RunFile) -> Result<Run, RecordError> {
    let provenance = &file.provenance;
    let cases = file.cases.iter().map(|file| case(file, provenance)).collect::<Result<_, _>>()?;
    let (machine, environment) =
        super::machine::read(&file.machine, &file.environment, provenance.method_version)
            .map_err(|(place, problem)| bad(place, problem))?;
    Ok(Run {
        id: RunId::new(&file.run_id).map_err(|problem| bad("run_id", problem))?,
        started_unix_seconds: file.started_unix_seconds,
        resumed_unix_seconds: file.resumed_unix_seconds.clone(),
        provenance: Provenance {
            tool_version: provenance.tool_version.clone(),
            git_revision: provenance.git_revision.clone(),
            features: provenance.features.clone(),
            profile: provenance.profile.clone(),
            command: provenance.command.clone(),
            method_version: provenance.method_version,
        },
        machine,
        environment,
        ceilings: file
            .ceilings
            .clone()
            .map(|ceilings| ceilings.ceilings().map_err(|problem| bad("ceilings", problem)))
            .transpose()?,
        order: match (file.order, file.order_seed) {
            (OrderFile::Sequential, None) => Order::Sequential,
            (OrderFile::Interleaved, Some(seed)) => Order::Interleaved { seed },
            _ => return Err(bad("order_seed", "an interleaved order has one, and no other has")),
        },
        process_starts_asked: file.process_starts_asked,
        cases,
        meters_missing: file
            .meters_missing
            .iter()
            .map(|m| (m.meter.clone(), Missing { reason: m.reason.clone(), remedy: m.remedy.clone() }))
            .collect(),
    })
}

fn case(file: &CaseFile, provenance: &ProvenanceFile) -> Result<CaseRecord, RecordError> {
    let at = |key: &str| format!("case {}: {key}", file.case_id);
    let known = |precision: &Precision| precision.recipe().is_some() || file.model.local.is_some();
    let precision = Precision::from_id(&file.precision).filter(known);
    let precision =
        precision.ok_or_else(|| bad(at("precision"), format!("`{}` is not known here", file.precision)))?;
    let case =
        Case { model: model(&file.model, precision, &at)?, precision, workload: workload(&file.workload) };
    let outcome = outcome(file, measurement(file, &at)?).map_err(|problem| bad(at("skipped"), problem))?;
    let flag = |id: &String| {
        Flag::from_id(id).ok_or_else(|| bad(at("flags"), format!("`{id}` is no flag known here")))
    };
    Ok(CaseRecord {
        case,
        engine: EngineIdentity {
            id: file.engine.id.clone(),
            version: file.engine.version.clone(),
            boundary: match file.engine.boundary {
                BoundaryFile::InProcess => Boundary::InProcess,
            },
            kv_value_bytes: match file.engine.kv_value_bytes {
                bytes @ 1..=8 => bytes,
                other => {
                    return Err(bad(at("engine.kv_value_bytes"), format!("{other} is not within 1 to 8")));
                }
            },
        },
        observed: file.observed.as_ref().map(observed),
        figures: figures(file, provenance.method_version, outcome.measurement(), &at)?,
        outcome,
        energy: energy(&file.energy).map_err(|problem| bad(at("energy"), problem))?,
        flags: file.flags.iter().map(flag).collect::<Result<_, _>>()?,
    })
}

/// Derived from the samples, or as the file states them if it is of an older method.
fn figures(
    file: &CaseFile,
    method_version: u32,
    samples: &Measurement,
    at: &impl Fn(&str) -> String,
) -> Result<Option<Figures>, RecordError> {
    if method_version >= Rule::Figures.since_method() {
        return Ok(Figures::new(samples));
    }
    let stated = file.figures.as_ref().map(FiguresFile::stated).transpose();
    stated.map_err(|(key, problem)| bad(at(&format!("figures.{key}")), problem))
}

fn outcome(file: &CaseFile, measurement: Measurement) -> Result<Outcome, String> {
    match (&file.failure, &file.skipped) {
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
                    Skip::Memory { needed: Bytes::new(*needed_bytes), free: Bytes::new(*free_bytes) }
                }
                SkipFile::Limit { needed_seconds, limit_seconds } => {
                    Skip::Limit { needed: seconds(*needed_seconds)?, limit: seconds(*limit_seconds)? }
                }
                SkipFile::Budget { needed_seconds, left_seconds } => {
                    Skip::Budget { needed: seconds(*needed_seconds)?, left: seconds(*left_seconds)? }
                }
            }))
        }
        (None, Some(_)) => Err("a skipped case has samples".to_owned()),
        (Some(_), Some(_)) => Err("a case cannot both fail and be skipped".to_owned()),
    }
}

fn model(
    file: &ModelFileWire,
    precision: Precision,
    at: &impl Fn(&str) -> String,
) -> Result<ModelSpec, RecordError> {
    let shape =
        file.shape.shape().map_err(|(key, problem)| bad(at(&format!("model.shape.{key}")), problem))?;
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
        why: String::new(),
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
        most_repetitions: file.most_repetitions,
        limit_seconds: file.limit_seconds,
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
        mean_power: file
            .mean_power_watts
            .map(|w| Watts::new(w).map_err(|error| error.to_string()))
            .transpose()?,
        peak_memory: file.peak_memory_bytes.map(Bytes::new),
        window: file.window.map(super::window::WindowFile::window).transpose()?.unwrap_or_default(),
    })
}

fn observed(file: &ObservedFile) -> Observed {
    Observed {
        device: match file.device.clone() {
            DeviceFile::Cpu { threads } => Device::Cpu { threads },
            DeviceFile::Cuda { index, name } => Device::Cuda { index, name },
        },
        file: ModelFile {
            weights: match file.weights.clone() {
                WeightsFile::Hub { repo, commit } => Weights::Hub { repo, commit },
                WeightsFile::Local { name } => Weights::Local { name },
                WeightsFile::Synthetic { seed } => Weights::Synthetic { seed },
            },
            sha256: file.model_sha256.clone(),
            bytes: Bytes::new(file.model_bytes),
        },
        output_tokens: file.output_tokens.map(Tokens::new),
    }
}

fn energy(file: &EnergyFile) -> Result<Energy, String> {
    let watts = |value: &f64| Watts::new(*value).map_err(|error| error.to_string());
    let covered = |scope: &ScopeFile| match scope {
        ScopeFile::CpuPackage => EnergyScope::CpuPackage,
        ScopeFile::ServerShare => EnergyScope::ServerShare,
    };
    Ok(match file {
        EnergyFile::Measured { energy_joules, scope, meter, mean_power_watts, power_limit_watts } => {
            Energy::Measured {
                mean_power: mean_power_watts.as_ref().map(watts).transpose()?,
                power_limit: power_limit_watts.as_ref().map(watts).transpose()?,
                joules: Joules::new(*energy_joules).map_err(|error| error.to_string())?,
                scope: covered(scope),
                meter: meter.clone(),
            }
        }
        EnergyFile::Estimated { power_watts_low, power_watts_central, power_watts_high, scope, inputs } => {
            let power = PowerRange {
                low: watts(power_watts_low)?,
                central: watts(power_watts_central)?,
                high: watts(power_watts_high)?,
            };
            if !(power.low <= power.central && power.central <= power.high) {
                return Err("the power range does not rise".to_owned());
            }
            Energy::Estimated { power, scope: covered(scope), basis: inputs.clone() }
        }
        EnergyFile::Missing { reason, remedy } => {
            Energy::Missing(Missing { reason: reason.clone(), remedy: remedy.clone() })
        }
    })
}
