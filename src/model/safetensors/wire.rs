//! The two JSON texts of a safetensors checkpoint: the head of a file, and the index of several.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
pub(super) struct Entry {
    pub(super) dtype: String,
    pub(super) shape: Vec<u64>,
    pub(super) data_offsets: [u64; 2],
}

#[derive(Deserialize)]
struct Head {
    #[serde(default, rename = "__metadata__")]
    _metadata: IgnoredAny,
    #[serde(flatten)]
    tensors: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// What the head of a file says of each tensor.
pub(super) fn tensors(head: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let head: Head = serde_json::from_slice(head).map_err(|error| error.to_string())?;
    Ok(head.tensors)
}

/// The files that an index names, in the order of their names.
pub(super) fn shards(index: &str) -> Result<BTreeSet<String>, String> {
    let index: Index = serde_json::from_str(index).map_err(|error| error.to_string())?;
    Ok(index.weight_map.into_values().collect())
}
