//! The two JSON texts of a safetensors checkpoint: the head of a file, and the index of several.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Entry {
    pub(super) dtype: String,
    pub(super) shape: Vec<u64>,
    pub(super) data_offsets: [u64; 2],
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// What the head of a file says of each tensor.
pub(super) fn tensors(head: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let text = |error: serde_json::Error| error.to_string();
    let mut entries: BTreeMap<String, serde_json::Value> = serde_json::from_slice(head).map_err(text)?;
    entries.remove("__metadata__");
    let entry = |(name, value)| Ok((name, serde_json::from_value(value).map_err(text)?));
    entries.into_iter().map(entry).collect()
}

/// The files that an index names, in the order of their names.
pub(super) fn shards(index: &str) -> Result<BTreeSet<String>, String> {
    let index: Index = serde_json::from_str(index).map_err(|error| error.to_string())?;
    Ok(index.weight_map.into_values().collect())
}
