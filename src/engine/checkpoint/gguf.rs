//! Opening a GGUF file as a [`Checkpoint`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::{Checkpoint, Pairing, Stored, names};
use crate::model::{Family, GgufFile, shape_of};
use crate::units::count_as_usize;

impl Checkpoint {
    pub(super) fn open_gguf(path: &Path) -> Result<Self, String> {
        let header = GgufFile::open(path).map_err(|error| error.to_string())?;
        let shape = shape_of(&header, path).map_err(|error| error.to_string())?;
        let (mut tensors, path) = (BTreeMap::new(), Arc::<Path>::from(path));
        for (name, tensor) in header.tensors() {
            let dimensions = tensor.dimensions.iter().rev().map(|size| count_as_usize(*size)).collect();
            let stored = Stored::new(Arc::clone(&path), tensor.offset, tensor.kind, dimensions);
            if name.ends_with("_exps.weight") && stored.dimensions().len() == 3 {
                for expert in 0..stored.dimensions()[0] {
                    tensors.insert(names::expert(name, expert), stored.slice(expert));
                }
            } else {
                tensors.insert(names::of_gguf(name), stored);
            }
        }
        let pairing = match shape.family {
            Family::Qwen2 | Family::Qwen3 => Pairing::Halves,
            Family::Llama | Family::Mistral3 | Family::DeepSeek2 => Pairing::Neighbours,
        };
        Ok(Self { shape, pairing, tensors })
    }
}
