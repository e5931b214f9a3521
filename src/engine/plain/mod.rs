//! The plain path: the same model computed the slow, obvious way, to check the fast way against.
//!
//! It shares the file reader and the shape's arithmetic with [`super::decoder`] and nothing else: activations are 64-bit
//! floats, weights are dequantised a few rows at a time, there is no cache, no batch, no kernel of blocks. One matrix or less
//! is in memory at any time, so a model that fits nowhere else can still be checked.

mod attention;
mod feed_forward;
mod matrix;

use std::ops::Range;

use candle_core::Result;

use super::checkpoint::{Checkpoint, Stored};
use crate::units::index_as_u64;

pub(super) use matrix::{Rows, Sums};

/// The plain computation of one checkpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain<'a> {
    checkpoint: &'a Checkpoint,
    sums: Sums,
}

impl<'a> Plain<'a> {
    pub(super) const fn new(checkpoint: &'a Checkpoint, sums: Sums) -> Self {
        Self { checkpoint, sums }
    }

    /// The logits after each of the tokens in `wanted`, of one sequence: one row per position, as wide as the vocabulary.
    pub(super) fn logits(self, tokens: &[u32], wanted: Range<usize>) -> Result<Rows> {
        let mut x = self.embed(tokens)?;
        for layer in 0..self.checkpoint.shape.layers {
            let normed = self.norm(&x, &format!("blk.{layer}.attn_norm"))?;
            x.add(&self.attend(&normed, layer)?);
            let normed = self.norm(&x, &format!("blk.{layer}.ffn_norm"))?;
            x.add(&self.feed_forward(&normed, layer)?);
        }
        let x = self.norm(&x.some(wanted), "output_norm")?;
        let tied = self.checkpoint.shape.tied_embeddings;
        self.multiply(&x, if tied { "token_embd.weight" } else { "output.weight" })
    }

    fn embed(self, tokens: &[u32]) -> Result<Rows> {
        let table = self.checkpoint.get("token_embd.weight")?;
        let mut x = Rows::new(table.columns());
        for &token in tokens {
            let token = usize::try_from(token).unwrap_or(usize::MAX);
            if token >= table.rows() {
                candle_core::bail!("token {token} is beyond the vocabulary of {}", table.rows());
            }
            x.push(&floats(&table.row_range(token..token + 1))?);
        }
        Ok(x)
    }

    /// `x / sqrt(mean(x^2) + epsilon) * weight`, row by row.
    fn norm(self, x: &Rows, name: &str) -> Result<Rows> {
        let weight = floats(self.checkpoint.get(&format!("{name}.weight"))?)?;
        let mut normed = x.clone();
        normed.each(|row| normalise(row, &weight, self.checkpoint.shape.rms_norm_eps));
        Ok(normed)
    }

    /// `x W^T`, and the bias of that name where there is one.
    fn project(self, x: &Rows, name: &str) -> Result<Rows> {
        let mut product = self.multiply(x, &format!("{name}.weight"))?;
        if let Some(bias) = self.checkpoint.find(&format!("{name}.bias")) {
            let bias = floats(bias)?;
            product.each(|row| row.iter_mut().zip(&bias).for_each(|(value, bias)| *value += bias));
        }
        Ok(product)
    }

    fn multiply(self, x: &Rows, name: &str) -> Result<Rows> {
        matrix::multiply(x, self.checkpoint.get(name)?, self.sums)
    }
}

/// A tensor's values.
fn floats(stored: &Stored) -> Result<Vec<f64>> {
    let values: Vec<f32> = stored.floats(&candle_core::Device::Cpu)?.flatten_all()?.to_vec1()?;
    Ok(values.into_iter().map(f64::from).collect())
}

fn normalise(row: &mut [f64], weight: &[f64], epsilon: f64) {
    let count = crate::units::count_as_f64(index_as_u64(row.len()));
    let mean = row.iter().map(|value| value * value).sum::<f64>() / count;
    let factor = (mean + epsilon).sqrt().recip();
    row.iter_mut().zip(weight).for_each(|(value, weight)| *value *= factor * weight);
}

/// `exp(x) / sum(exp(x))`.
fn softmax(scores: &mut [f64]) {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for score in scores.iter_mut() {
        *score = (*score - largest).exp();
    }
    let sum: f64 = scores.iter().sum();
    for score in scores.iter_mut() {
        *score /= sum;
    }
}
