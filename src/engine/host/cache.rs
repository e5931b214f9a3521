//! The KV cache: what attention keeps of earlier tokens, for all layers, with room for a request and no more.

use candle_core::Result;
use half::f16;

use crate::engine::kernels::{Cached, Head, KEY_BLOCK, Room};

/// Widths of what is kept per position and head, each a multiple of 16; what a model does not fill is zero.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Widths {
    pub(super) key: usize,
    pub(super) value: usize,
}

/// A cache in 16-bit floats, or in 32-bit floats for checkpoints that are.
#[derive(Debug)]
pub(super) enum Cache {
    Half(Slabs<f16>),
    Single(Slabs<f32>),
}

/// Keys and values, `[layer][sequence][head]` slabs of all positions each.
#[derive(Debug)]
pub(super) struct Slabs<V> {
    layers: usize,
    heads: usize,
    widths: Widths,
    batch: usize,
    /// Room, in whole blocks of positions.
    positions: usize,
    keys: Room<V>,
    values: Room<V>,
}

impl Cache {
    pub(super) fn new(layers: usize, heads: usize, widths: Widths, is_half: bool) -> Self {
        if is_half {
            Self::Half(Slabs::new(layers, heads, widths))
        } else {
            Self::Single(Slabs::new(layers, heads, widths))
        }
    }

    /// Becomes an empty cache for `batch` sequences of `positions`: what an earlier request took is given back first.
    pub(super) fn renew(&mut self, batch: usize, positions: usize) -> Result<()> {
        match self {
            Self::Half(slabs) => slabs.renew(batch, positions),
            Self::Single(slabs) => slabs.renew(batch, positions),
        }
    }

    /// Sequences that there is room for.
    pub(super) fn batch(&self) -> usize {
        match self {
            Self::Half(slabs) => slabs.batch,
            Self::Single(slabs) => slabs.batch,
        }
    }
}

impl<V: Cached> Slabs<V> {
    fn new(layers: usize, heads: usize, widths: Widths) -> Self {
        Self { layers, heads, widths, batch: 0, positions: 0, keys: Room::EMPTY, values: Room::EMPTY }
    }

    fn renew(&mut self, batch: usize, positions: usize) -> Result<()> {
        let positions = positions.next_multiple_of(KEY_BLOCK);
        if (self.batch, self.positions) == (batch, positions) {
            return Ok(());
        }
        (self.batch, self.positions) = (0, 0);
        (self.keys, self.values) = (Room::EMPTY, Room::EMPTY);
        let heads = self.layers * batch * self.heads;
        (self.keys, self.values) =
            (zeros(heads * positions * self.widths.key)?, zeros(heads * positions * self.widths.value)?);
        (self.batch, self.positions) = (batch, positions);
        Ok(())
    }

    pub(super) fn widths(&self) -> Widths {
        self.widths
    }

    pub(super) fn heads(&self) -> usize {
        self.heads
    }

    fn sizes(&self) -> [usize; 2] {
        [self.positions * self.widths.key, self.positions * self.widths.value]
    }

    /// The slabs of a layer, `[sequence][head]`, and the size of one: keys, then values.
    pub(super) fn layer(&mut self, layer: usize) -> [(&mut [V], usize); 2] {
        let heads = self.batch * self.heads;
        let [key, value] = self.sizes();
        [
            (&mut self.keys.as_mut_slice()[layer * heads * key..(layer + 1) * heads * key], key),
            (&mut self.values.as_mut_slice()[layer * heads * value..(layer + 1) * heads * value], value),
        ]
    }

    /// What one head of one sequence sees.
    pub(super) fn head(&self, layer: usize, sequence: usize, head: usize) -> Head<'_, V> {
        let slab = (layer * self.batch + sequence) * self.heads + head;
        let [key, value] = self.sizes();
        Head {
            keys: &self.keys.as_slice()[slab * key..(slab + 1) * key],
            values: &self.values.as_slice()[slab * value..(slab + 1) * value],
            key_width: self.widths.key,
            value_width: self.widths.value,
        }
    }
}

/// Zeros, or an error where there is no memory for them.
fn zeros<V: Cached>(count: usize) -> Result<Room<V>> {
    match Room::zeros(count) {
        Ok(room) => Ok(room),
        Err(error) => candle_core::bail!(
            "no memory for a KV cache of {count} values ({error}); ask for fewer tokens or a smaller batch"
        ),
    }
}
