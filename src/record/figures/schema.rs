//! The types of the figures in the run file. A new figure is one line here, and one each way in `mod.rs`.
//!
//! A figure that earlier methods did not have gets `#[serde(default)]` and is `Option`; one that a sample may be too small for
//! is `null`, with the reason in the key beside it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct FiguresFile {
    pub prefill_tokens_per_second: EstimateFile,
    pub decode_tokens_per_second: EstimateFile,
    pub time_to_first_token_seconds: EstimateFile,
    pub time_per_output_token_seconds: EstimateFile,
    pub inter_token_p50_seconds: EstimateFile,
    pub inter_token_p95_seconds: EstimateFile,
    pub end_to_end_seconds: EstimateFile,
    pub load_seconds: EstimateFile,
    /// `null` where the system does not tell.
    pub peak_memory_bytes: Option<EstimateFile>,
    pub machine_hours_per_mtok_output: EstimateFile,
    pub machine_hours_per_mtok_input: EstimateFile,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct EstimateFile {
    pub value: f64,
    pub observations: u64,
    pub interval: Option<IntervalFile>,
    /// Why there is no interval; `null` if there is one.
    pub no_interval: Option<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct IntervalFile {
    pub low: f64,
    pub high: f64,
    /// Probability with which the method encloses the true value; repetition noise only.
    pub coverage: f64,
    pub method: String,
}
