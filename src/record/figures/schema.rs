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
    pub inter_token_p95_seconds: Option<EstimateFile>,
    /// Why there is none; `null` if there is.
    #[serde(default)]
    pub no_inter_token_p95: Option<String>,
    /// `null` in files before method 3, too.
    #[serde(default)]
    pub inter_token_p99_seconds: Option<EstimateFile>,
    #[serde(default)]
    pub no_inter_token_p99: Option<String>,
    pub end_to_end_seconds: EstimateFile,
    pub load_seconds: EstimateFile,
    /// `null` where the system does not tell.
    pub peak_memory_bytes: Option<EstimateFile>,
    pub machine_hours_per_mtok_output: EstimateFile,
    pub machine_hours_per_mtok_input: EstimateFile,
    /// How much the repetitions differ; `null` in files before method 3.
    #[serde(default)]
    pub noise: Option<NoiseFile>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct NoiseFile {
    pub time_per_output_token: SpreadFile,
    pub time_to_first_token: SpreadFile,
    /// Repetitions whose time per output token lies beyond Tukey's fences.
    pub outliers: OutliersFile,
    pub process_starts: u64,
    /// Standard deviation of the medians of the process starts over their mean; `null` for a single start.
    pub between_starts_ratio: Option<f64>,
    /// The smallest slowdown that a comparison would have found with 90 % power; `null` for fewer than six repetitions.
    pub smallest_difference_ratio: Option<f64>,
    /// True where the spread between starts is not known.
    pub smallest_difference_is_lower_bound: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "keys end in their unit")]
pub(in crate::record) struct SpreadFile {
    /// 1.4826 times the median absolute deviation.
    pub scaled_mad_seconds: f64,
    pub first_quartile_seconds: f64,
    pub third_quartile_seconds: f64,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct OutliersFile {
    pub low_severe: u64,
    pub low_mild: u64,
    pub high_mild: u64,
    pub high_severe: u64,
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
