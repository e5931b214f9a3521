//! Rotary position embedding (Su and others 2021): pairs of values of a head turn by an angle that grows with the position.

use candle_core::{Device, Result, Tensor};
use candle_nn::rotary_emb::{rope, rope_i};

use crate::engine::checkpoint::{Checkpoint, Pairing};
use crate::units::{count_as_f64, index_as_u64, nearest_f32};

/// Positions that a table grows by.
const STEP: usize = 256;

/// Cosines and sines for every position so far needed, `[positions, pairs]` each.
#[derive(Debug)]
pub(super) struct Rotary {
    pairing: Pairing,
    /// Radians per position, pair by pair.
    frequencies: Vec<f64>,
    /// What cosines and sines are multiplied by (YaRN).
    magnitude: f64,
    device: Device,
    cosines: Tensor,
    sines: Tensor,
}

impl Rotary {
    pub(super) fn new(checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        let empty = || Tensor::zeros((0, 0), candle_core::DType::F32, device);
        Ok(Self {
            pairing: checkpoint.pairing,
            frequencies: checkpoint.rotary_frequencies()?,
            magnitude: checkpoint.shape.rotary_magnitude(),
            device: device.clone(),
            cosines: empty()?,
            sines: empty()?,
        })
    }

    /// Makes the table long enough for `positions`. Angles are computed in 64 bits: in 32 bits the product of a frequency and a
    /// position of 100,000 is off by up to 0.004.
    pub(super) fn reserve(&mut self, positions: usize) -> Result<()> {
        if self.cosines.dim(0)? >= positions {
            return Ok(());
        }
        let (positions, pairs) = (positions.next_multiple_of(STEP), self.frequencies.len());
        let table = |function: fn(f64) -> f64| {
            let angles = (0..positions).flat_map(|position| {
                let position = count_as_f64(index_as_u64(position));
                self.frequencies.iter().map(move |frequency| position * frequency)
            });
            let values: Vec<f32> =
                angles.map(|angle| nearest_f32(self.magnitude * function(angle))).collect();
            Tensor::from_vec(values, (positions, pairs), &self.device)
        };
        (self.cosines, self.sines) = (table(f64::cos)?, table(f64::sin)?);
        Ok(())
    }

    /// Turns `x`, `[batch, heads, tokens, 2 pairs]`, whose first token stands at `position`.
    pub(super) fn turn(&self, x: &Tensor, position: usize) -> Result<Tensor> {
        let tokens = x.dim(2)?;
        let cosines = self.cosines.narrow(0, position, tokens)?;
        let sines = self.sines.narrow(0, position, tokens)?;
        match self.pairing {
            Pairing::Neighbours => rope_i(&x.contiguous()?, &cosines, &sines),
            Pairing::Halves => rope(&x.contiguous()?, &cosines, &sines),
        }
    }
}
