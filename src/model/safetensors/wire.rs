//! The two JSON texts of a safetensors checkpoint: the head of a file, and the index of several.
//!
//! Both are maps whose keys come from anywhere, so neither is read into a map of any value: a name that stands twice is refused
//! (the format forbids it, and serde's maps keep the last one), and nothing is kept beyond what a model can have.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::shown::shown;

/// Published models that are read here have under 6,000 tensors.
const MOST_TENSORS: usize = 1 << 16;

/// More sizes than any tensor has.
const MOST_DIMENSIONS: usize = 8;

/// What the head of a file says of one tensor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) dtype: String,
    shape: Dimensions,
    pub(super) data_offsets: [u64; 2],
}

impl Entry {
    /// The tensor's sizes, outermost first.
    pub(super) fn dimensions(self) -> Vec<u64> {
        self.shape.0
    }
}

/// What the head of a file says of each tensor.
pub(super) fn tensors(head: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let entries: Distinct<Entry> = serde_json::from_slice(head).map_err(|error| text(&error))?;
    Ok(entries.0)
}

/// The file that holds each tensor, as an index says.
pub(super) fn index(index: &str) -> Result<BTreeMap<String, String>, String> {
    let index: Index = serde_json::from_str(index).map_err(|error| text(&error))?;
    Ok(index.weight_map.0)
}

/// An error may quote what stands in the file.
fn text(error: &serde_json::Error) -> String {
    shown(&error.to_string())
}

#[derive(Deserialize)]
struct Index {
    weight_map: Distinct<String>,
}

/// A map in which no key stands twice. `__metadata__` is passed over: it names no tensor.
struct Distinct<V>(BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Distinct<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DistinctVisitor(std::marker::PhantomData)).map(Self)
    }
}

struct DistinctVisitor<V>(std::marker::PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for DistinctVisitor<V> {
    type Value = BTreeMap<String, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by their names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = BTreeMap::new();
        let mut has_metadata = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                if std::mem::replace(&mut has_metadata, true) {
                    return Err(A::Error::custom("`__metadata__` stands twice"));
                }
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if all.len() == MOST_TENSORS {
                return Err(A::Error::custom(format!("more than {MOST_TENSORS} tensors")));
            }
            match all.entry(name) {
                Slot::Occupied(slot) => {
                    return Err(A::Error::custom(format!("`{}` stands twice", shown(slot.key()))));
                }
                Slot::Vacant(slot) => slot.insert(map.next_value()?),
            };
        }
        Ok(all)
    }
}

#[derive(Debug)]
struct Dimensions(Vec<u64>);

impl<'de> Deserialize<'de> for Dimensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(DimensionsVisitor).map(Self)
    }
}

struct DimensionsVisitor;

impl<'de> Visitor<'de> for DimensionsVisitor {
    type Value = Vec<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sizes of a tensor")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sizes: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(size) = sizes.next_element()? {
            if all.len() == MOST_DIMENSIONS {
                return Err(A::Error::custom(format!("more than {MOST_DIMENSIONS} dimensions")));
            }
            all.push(size);
        }
        Ok(all)
    }
}
