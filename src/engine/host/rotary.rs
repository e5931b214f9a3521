//! Tables of rotary position embedding (Su and others 2021).

use candle_core::Result;

use crate::engine::checkpoint::{Checkpoint, Pairing};
use crate::engine::kernels::{Level, turn_halves, turn_neighbours};
use crate::units::{count_as_f64, index_as_u64, nearest_f32};

/// Positions that the tables grow by.
const STEP: usize = 256;

/// Cosines and sines of every position so far needed, `[position][pair]`.
#[derive(Debug)]
pub(super) struct Rotary {
    pairing: Pairing,
    /// Radians per position, pair by pair.
    frequencies: Vec<f64>,
    /// What cosines and sines are multiplied by (YaRN).
    magnitude: f64,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rotary {
    pub(super) fn new(checkpoint: &Checkpoint) -> Result<Self> {
        Ok(Self {
            pairing: checkpoint.pairing,
            frequencies: checkpoint.rotary_frequencies()?,
            magnitude: checkpoint.shape.rotary_magnitude(),
            cosines: Vec::new(),
            sines: Vec::new(),
        })
    }

    /// Makes the tables long enough. Angles are computed in 64 bits: in 32 bits the product of a frequency and a position of
    /// 100,000 is off by up to 0.004.
    pub(super) fn reserve(&mut self, positions: usize) {
        let pairs = self.frequencies.len().max(1);
        let known = self.cosines.len() / pairs;
        if known >= positions {
            return;
        }
        for position in known..positions.next_multiple_of(STEP) {
            let position = count_as_f64(index_as_u64(position));
            for frequency in &self.frequencies {
                let (sine, cosine) = (position * frequency).sin_cos();
                self.cosines.push(nearest_f32(self.magnitude * cosine));
                self.sines.push(nearest_f32(self.magnitude * sine));
            }
        }
    }

    /// Turns the values of one head, `2 pairs` of them, at a position.
    pub(super) fn turn(&self, level: Level, x: &mut [f32], position: usize) {
        let pairs = x.len() / 2;
        let row = position * pairs..(position + 1) * pairs;
        let (cosines, sines) = (&self.cosines[row.clone()], &self.sines[row]);
        match self.pairing {
            Pairing::Neighbours => turn_neighbours(level, x, cosines, sines),
            Pairing::Halves => turn_halves(level, x, cosines, sines),
        }
    }
}
