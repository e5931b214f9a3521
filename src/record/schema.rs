//! The types of the run file. `schema/run-1.json` is generated from them; a test compares the two.
//!
//! Keys end in their unit. What is unknown is `null`, and the key beside it says why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answers::{AnswerFile, UnansweredFile};
use super::ceilings::CeilingsFile;
use super::figures::FiguresFile;
use super::gate::GateFile;
use super::machine::{EnvironmentFile, MachineFile};
use super::shape::ShapeFile;
use super::window::WindowFile;

/// Version of the run file. May still change until 0.1.0 is tagged.
pub const SCHEMA_VERSION: u32 = 1;

/// The JSON schema of a run file, as text ending in a newline.
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(RunFile);
    serde_json::to_string_pretty(&schema).expect("a schema is plain JSON") + "\n"
}

/// Everything one call of claimbench measured.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunFile {
    /// Version of this format.
    pub schema: u32,
    pub run_id: String,
    /// Start of the run, seconds of the Unix epoch (UTC).
    pub started_unix_seconds: i64,
    /// Every time another process took the run up again, seconds of the Unix epoch (UTC).
    #[serde(default)]
    pub resumed_unix_seconds: Vec<i64>,
    pub provenance: ProvenanceFile,
    pub machine: MachineFile,
    pub environment: EnvironmentFile,
    /// What the device does at its best; `null` if that was not measured.
    #[serde(default)]
    pub ceilings: Option<CeilingsFile>,
    /// Who chose the order of cases and repetitions.
    pub order: OrderFile,
    /// Of an interleaved order: the seed it was drawn from.
    #[serde(default)]
    pub order_seed: Option<u64>,
    /// Process starts that the repetitions of each case were to be spread over.
    #[serde(default = "one")]
    pub process_starts_asked: u64,
    pub cases: Vec<CaseFile>,
    /// Meters that could not be read, and why.
    pub meters_missing: Vec<MeterMissingFile>,
    /// SHA-256 of this file's bytes with 64 zeros in the place of these 64 digits; files before method 3 may have none.
    #[serde(default)]
    pub content_sha256: Option<String>,
}

/// What tells whether the rest can be read at all; everything else is passed over.
#[derive(Debug, Deserialize)]
pub(super) struct VersionFile {
    pub schema: Option<u64>,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProvenanceFile {
    pub tool_version: String,
    /// `null` outside a git checkout.
    pub git_revision: Option<String>,
    pub features: Vec<String>,
    /// `release` or `debug`.
    pub profile: String,
    /// The command that repeats the run, without paths and hosts.
    pub command: String,
    /// See docs/METHOD-CHANGES.md.
    pub method_version: u32,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OrderFile {
    /// One case after the other.
    Sequential,
    /// Cases of one checkpoint take turns.
    Interleaved,
}

/// Files before method 3 do not say; theirs was one.
const fn one() -> u64 {
    1
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    /// model/precision/workload; two rows of one case have different engines.
    pub case_id: String,
    pub model: ModelFileWire,
    /// `q4_k_m` or `q8_0`; more for a file of the user, and `unnamed` where that does not say.
    pub precision: String,
    pub workload: WorkloadFile,
    pub engine: EngineFile,
    /// What was found, as opposed to what was asked for; `null` if the case failed before its checkpoint was there.
    pub observed: Option<ObservedFile>,
    /// `null` if the case was measured, or skipped.
    pub failure: Option<FailureFile>,
    /// Why the case was not tried; `null` if it was.
    #[serde(default)]
    pub skipped: Option<SkipFile>,
    /// `null` if the case never came so far, and in runs of method 1, which had no gate.
    #[serde(default)]
    pub gate: Option<GateFile>,
    pub loads: Vec<LoadFile>,
    pub repetitions: Vec<RepetitionFile>,
    /// Follow from the samples above; `null` if nothing was measured. Files before method 3 are taken at their word.
    pub figures: Option<FiguresFile>,
    pub energy: EnergyFile,
    /// What the model wrote; only where its weights are real. Absent in files of earlier versions.
    #[serde(default)]
    pub answers: Vec<AnswerFile>,
    /// Why it was not asked, or not everything; `null` if it was, or if its weights are random.
    #[serde(default)]
    pub unanswered: Option<UnansweredFile>,
    /// Stable codes; docs/METHODOLOGY.md explains each.
    pub flags: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelFileWire {
    pub id: String,
    pub name: String,
    pub publisher: String,
    pub role: ModelRoleFile,
    pub licence: String,
    pub licence_note: String,
    /// Absent in files of earlier versions, whose models had no restricted licence.
    #[serde(default)]
    pub licence_restricted: bool,
    pub licence_gated: bool,
    pub parameters: u64,
    pub shape: ShapeFile,
    /// What a file of the user says of itself; `null` for a model of the registry.
    #[serde(default)]
    pub local: Option<LocalFileWire>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LocalFileWire {
    pub format: LocalFormatFile,
    /// All tensors, without header and padding.
    pub tensor_bytes: u64,
    /// Weights that one decode step of one sequence reads.
    pub read_bytes_per_step: u64,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LocalFormatFile {
    Gguf,
    Safetensors,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ModelRoleFile {
    Measure,
    Test,
}

/// What was asked for.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadFile {
    pub id: String,
    pub title: String,
    pub role: ModelRoleFile,
    pub prompt_tokens: u64,
    pub output_tokens: u64,
    pub batch: u64,
    pub context_depth: u64,
    pub loads: u64,
    pub warm_up: u64,
    /// The fewest that are measured.
    pub repetitions: u64,
    /// The most; 0 in files before method 3, where it was the same number.
    #[serde(default)]
    pub most_repetitions: u64,
    /// After which no repetition beyond the fewest was begun; 0 in files before method 3, which had no such limit.
    #[serde(default)]
    pub limit_seconds: u64,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EngineFile {
    pub id: String,
    pub version: String,
    /// Where the stopwatch stood.
    pub boundary: BoundaryFile,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum BoundaryFile {
    InProcess,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ObservedFile {
    pub device: DeviceFile,
    pub weights: WeightsFile,
    /// SHA-256 of the checkpoint, hexadecimal; of a folder, see docs/METHODOLOGY.md.
    pub model_sha256: String,
    pub model_bytes: u64,
    pub output_tokens: Option<u64>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub(super) enum DeviceFile {
    Cpu { threads: u64 },
    Cuda { index: u32, name: String },
}

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub(super) enum WeightsFile {
    Hub {
        repo: String,
        commit: String,
    },
    /// A file or folder of the user.
    Local {
        /// Its name, without the folder it lies in.
        name: String,
    },
    /// Random weights in the model's exact shape: valid for speed and memory, meaningless as text.
    Synthetic {
        seed: u64,
    },
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailureFile {
    pub stage: StageFile,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StageFile {
    Prepare,
    Load,
    /// Comparing with the plain computation.
    Gate,
    Generate,
    Interrupted,
    NotStarted,
}

/// Known beforehand: the case cannot be measured here.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "why")]
pub(super) enum SkipFile {
    /// The engine lacks something that the model needs; docs/METHODOLOGY.md explains each code.
    Engine { gaps: Vec<String> },
    /// It needs more memory than was free.
    Memory { needed_bytes: u64, free_bytes: u64 },
    /// It was expected to need more time than its workload allows a case of a suite.
    Limit { needed_seconds: f64, limit_seconds: f64 },
    /// The time budget had no room left for its shortest form.
    Budget { needed_seconds: f64, left_seconds: f64 },
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadFile {
    /// The process that loaded: 0 began the run, each resumption counts one up.
    #[serde(default)]
    pub process_start: u64,
    /// On the monotonic clock of its process; 0 in files before method 3, which did not keep it.
    #[serde(default)]
    pub started_nanoseconds: u64,
    pub duration_seconds: f64,
}

/// One request.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RepetitionFile {
    pub index: u64,
    pub role: RepetitionRoleFile,
    /// The process it ran in: 0 began the run, each resumption counts one up.
    #[serde(default)]
    pub process_start: u64,
    /// Which prompt was asked: equal numbers are equal prompts. 0 throughout in files before method 3, which asked the same each
    /// time.
    #[serde(default)]
    pub prompt: u64,
    /// On the monotonic clock of its process.
    pub started_nanoseconds: u64,
    /// From the request to its first output token: prefill and one sampling.
    pub first_token_seconds: f64,
    /// Between consecutive output tokens.
    pub gap_seconds: Vec<f64>,
    pub prompt_tokens: u64,
    pub output_tokens: u64,
    pub batch: u64,
    /// FNV-1a of the output token ids, 16 hexadecimal digits.
    pub output_digest: String,
    /// Processor time of the process during the request; `null` where it cannot be read.
    pub cpu_seconds: Option<f64>,
    /// Counted by a meter during the request; `null` without one.
    pub energy_joules: Option<f64>,
    /// Read by that meter apart from its counter; `null` where it has no such reading.
    #[serde(default)]
    pub mean_power_watts: Option<f64>,
    /// Largest resident set during the request, or device memory in use after it; `null` where it cannot be read.
    pub peak_memory_bytes: Option<u64>,
    /// What else happened on the machine meanwhile; absent in files before method 3.
    #[serde(default)]
    pub window: Option<WindowFile>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RepetitionRoleFile {
    WarmUp,
    Measured,
}

/// Energy of the measured repetitions together.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "basis")]
pub(super) enum EnergyFile {
    /// Read from a meter, idle power included.
    Measured {
        energy_joules: f64,
        scope: ScopeFile,
        meter: String,
        /// Read apart from the counter of the energy; `null` where the meter has no such reading.
        #[serde(default)]
        mean_power_watts: Option<f64>,
        /// What the device is allowed to draw; `null` where the meter does not tell.
        #[serde(default)]
        power_limit_watts: Option<f64>,
    },
    /// A range from the processor's load and rating; the power while requests ran.
    Estimated {
        power_watts_low: f64,
        power_watts_central: f64,
        power_watts_high: f64,
        scope: ScopeFile,
        inputs: String,
    },
    /// No figure.
    Missing { reason: String, remedy: String },
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScopeFile {
    CpuPackage,
    ServerShare,
}

#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MeterMissingFile {
    pub meter: String,
    pub reason: String,
    pub remedy: String,
}
