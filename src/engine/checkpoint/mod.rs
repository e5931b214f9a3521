//! The tensors of a checkpoint under one set of names, whatever file they come from. Both forward passes read from here.
//!
//! The names are llama.cpp's (`blk.0.attn_q.weight`). Experts have a number each, also where a file stacks them in one
//! tensor: `blk.1.ffn_up_exps.5.weight`.

mod gguf;
mod names;
mod stored;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::model::{CheckpointFolder, Family, RopeScaling, Shape};
use crate::units::count_as_usize;

pub(super) use stored::Stored;

/// Which two values of a head turn together as a pair.
///
/// The papers pair neighbours. Checkpoints on the hub of Llama and Qwen hold rows in an order that pairs value `i` with
/// value `i + d/2`; llama.cpp's converter puts those of Llama back, and leaves those of Qwen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pairing {
    /// Values `2i` and `2i + 1`.
    Neighbours,
    /// Values `i` and `i + d/2`.
    Halves,
}

/// A checkpoint that was opened: its shape, and where its tensors lie.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    pub(super) shape: Shape,
    pub(super) pairing: Pairing,
    tensors: BTreeMap<String, Stored>,
}

impl Checkpoint {
    /// Opens a GGUF file, or a folder with `config.json` and safetensors. Reads no more than headers; their readers refuse what
    /// lacks a tensor of its architecture, has one of another size, or one that would be left out of the computation.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        if path.is_dir() { Self::open_folder(path) } else { Self::open_gguf(path) }
    }

    fn open_folder(path: &Path) -> Result<Self, String> {
        let folder = CheckpointFolder::inspect(path).map_err(|error| error.to_string())?;
        let mut tensors = BTreeMap::new();
        for (name, tensor) in &folder.tensors {
            let dimensions = tensor.dimensions.iter().map(|size| count_as_usize(*size)).collect();
            let stored =
                Stored::new(Arc::from(tensor.file.as_path()), tensor.offset, tensor.kind(), dimensions);
            tensors.insert(names::canonical(name), stored);
        }
        let pairing = match folder.shape.family {
            Family::DeepSeek2 => Pairing::Neighbours,
            _ => Pairing::Halves,
        };
        Ok(Self { shape: folder.shape, pairing, tensors })
    }

    /// The tensor of this name, if there is one.
    pub(super) fn find(&self, name: &str) -> Option<&Stored> {
        self.tensors.get(name)
    }

    /// The tensor of this name.
    pub(super) fn get(&self, name: &str) -> candle_core::Result<&Stored> {
        match self.find(name) {
            Some(stored) => Ok(stored),
            None => candle_core::bail!("`{name}` is missing; fetch the checkpoint again"),
        }
    }

    /// Puts another tensor in the place of one.
    #[cfg(test)]
    pub(super) fn replace(&mut self, name: &str, other: Stored) {
        self.tensors.insert(name.to_owned(), other);
    }

    /// How far each pair of a head's values turns per position, in radians. Where the file holds factors of its own, these
    /// count: they are what the shape's were read from.
    pub(super) fn rotary_frequencies(&self) -> candle_core::Result<Vec<f64>> {
        let Some(factors) = self.find(ROTARY_FACTORS) else { return Ok(self.shape.rotary_frequencies()) };
        let factors: Vec<f32> = factors.floats(&candle_core::Device::Cpu)?.flatten_all()?.to_vec1()?;
        let plain = Shape { rope_scaling: RopeScaling::None, ..self.shape.clone() };
        let pairs = plain.rotary_frequencies().into_iter().zip(factors);
        Ok(pairs.map(|(frequency, factor)| frequency / f64::from(factor)).collect())
    }

    /// Every tensor, with its name.
    pub(super) fn tensors(&self) -> impl Iterator<Item = (&str, &Stored)> {
        self.tensors.iter().map(|(name, stored)| (name.as_str(), stored))
    }
}

/// The one tensor that follows from the config: divisors of Llama 3's rotary frequencies.
const ROTARY_FACTORS: &str = "rope_freqs.weight";
