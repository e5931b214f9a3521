//! The types of a device's rates in the run file, and in the file that keeps them between runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::schema::DeviceFile;

/// What the device does at its best: every way that was tried. The fastest is the ceiling; docs/METHODOLOGY.md, "Rooflines".
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct CeilingsFile {
    pub device: DeviceFile,
    /// Version of the kernels and of the rule that picks sizes and passes.
    pub kernels: u32,
    /// `release` or `debug`; rates of a debug build mean nothing.
    pub profile: String,
    /// When a rate was measured last, seconds of the Unix epoch (UTC).
    pub measured_unix_seconds: i64,
    /// When the oldest rate that was kept was measured.
    pub oldest_unix_seconds: i64,
    pub reads: Vec<ReadRateFile>,
    pub products: Vec<MatrixRateFile>,
    pub not_tried: Vec<NotTriedFile>,
}

/// One way to read memory.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct ReadRateFile {
    pub method: String,
    /// `null` on a card.
    pub threads: Option<u64>,
    /// Read by a pass, each byte once.
    pub working_set_bytes: u64,
    pub passes: u64,
    /// The working set over the shortest pass.
    pub bytes_per_second: f64,
}

/// One way to multiply matrices.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct MatrixRateFile {
    pub precision: String,
    /// `square`: two matrices of plain floats; `stored`: activations with weights as a checkpoint stores them.
    pub method: String,
    /// Rows of the activations, rows of the matrix, columns of both.
    pub sizes: [u64; 3],
    pub passes: u64,
    /// 2 m n k over the shortest pass.
    pub flop_per_second: f64,
}

/// A way that was left out, or failed.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::record) struct NotTriedFile {
    pub what: String,
    pub reason: String,
}
