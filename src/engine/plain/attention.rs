//! Attention, head by head and position by position.

use candle_core::Result;

use super::matrix::Rows;
use super::{Plain, floats, normalise, softmax};
use crate::engine::checkpoint::Pairing;
use crate::model::{Attention, Family, RopeScaling, SlidingWindow};
use crate::units::{count_as_f64, count_as_usize, index_as_u64};

/// Keys and values of one head, a row per position.
struct Head {
    keys: Rows,
    values: Rows,
}

impl Plain<'_> {
    /// What one layer's attention adds, for all positions of the sequence.
    pub(super) fn attend(self, x: &Rows, layer: u64) -> Result<Rows> {
        match self.checkpoint.shape.attention {
            Attention::Grouped { heads, kv_heads, head_dim } => {
                self.attend_grouped(x, layer, [heads, kv_heads, head_dim].map(count_as_usize))
            }
            Attention::Latent { heads, kv_rank, nope_dim, rope_dim, value_dim } => self.attend_latent(
                x,
                layer,
                [heads, kv_rank, nope_dim, rope_dim, value_dim].map(count_as_usize),
            ),
        }
    }

    fn attend_grouped(self, x: &Rows, layer: u64, [heads, kv_heads, width]: [usize; 3]) -> Result<Rows> {
        let part = |name: &str| self.project(x, &format!("blk.{layer}.{name}"));
        let (mut queries, mut keys, values) = (part("attn_q")?, part("attn_k")?, part("attn_v")?);
        if self.checkpoint.shape.family.has_query_key_norm() {
            for (rows, name) in [(&mut queries, "attn_q_norm"), (&mut keys, "attn_k_norm")] {
                let weight = floats(self.checkpoint.get(&format!("blk.{layer}.{name}.weight"))?)?;
                let epsilon = self.checkpoint.shape.rms_norm_eps;
                rows.each(|row| {
                    row.chunks_exact_mut(width).for_each(|head| normalise(head, &weight, epsilon));
                });
            }
        }
        let frequencies = self.checkpoint.rotary_frequencies()?;
        let mut heads_out = Rows::zeros(x.count(), heads * width);
        for head in 0..heads {
            let group = head / (heads / kv_heads);
            let turned = |rows: &Rows, head: usize| {
                let mut own = columns(rows, head * width, width);
                self.turn(&mut own, &frequencies);
                own
            };
            let kept = Head { keys: turned(&keys, group), values: columns(&values, group * width, width) };
            let sums = self.weigh(&turned(&queries, head), &kept);
            put(&mut heads_out, head * width, &sums);
        }
        self.project(&heads_out, &format!("blk.{layer}.attn_output"))
    }

    /// Keys and values are expanded for each head, as the paper's equations have it.
    fn attend_latent(
        self,
        x: &Rows,
        layer: u64,
        [heads, rank, nope, rope, value]: [usize; 5],
    ) -> Result<Rows> {
        let queries = self.project(x, &format!("blk.{layer}.attn_q"))?;
        let latent = self.project(x, &format!("blk.{layer}.attn_kv_a_mqa"))?;
        let frequencies = self.checkpoint.rotary_frequencies()?;
        let mut shared_key = columns(&latent, rank, rope);
        self.turn(&mut shared_key, &frequencies);
        let latent = self.norm(&columns(&latent, 0, rank), &format!("blk.{layer}.attn_kv_a_norm"))?;
        let mut heads_out = Rows::zeros(x.count(), heads * value);
        for head in 0..heads {
            let mut rotated = columns(&queries, head * (nope + rope) + nope, rope);
            self.turn(&mut rotated, &frequencies);
            let query = beside(&columns(&queries, head * (nope + rope), nope), &rotated);
            let (key_part, values) = self.expand(&latent, layer, head, [nope, value])?;
            let sums = self.weigh(&query, &Head { keys: beside(&key_part, &shared_key), values });
            put(&mut heads_out, head * value, &sums);
        }
        self.project(&heads_out, &format!("blk.{layer}.attn_output"))
    }

    /// The key's part without position and the value of one head, from the latent vectors.
    fn expand(
        self,
        latent: &Rows,
        layer: u64,
        head: usize,
        [nope, value]: [usize; 2],
    ) -> Result<(Rows, Rows)> {
        if let Some(joined) = self.checkpoint.find(&format!("blk.{layer}.attn_kv_b.weight")) {
            let first = head * (nope + value);
            let key = joined.row_range(first..first + nope);
            let value = joined.row_range(first + nope..first + nope + value);
            let product = |matrix| super::matrix::multiply(latent, matrix, self.sums);
            return Ok((product(&key)?, product(&value)?));
        }
        let stack = |name: &str| -> Result<_> {
            Ok(self.checkpoint.get(&format!("blk.{layer}.{name}.weight"))?.slice(head))
        };
        let values = super::matrix::multiply(latent, &stack("attn_v_b")?, self.sums)?;
        // The key's matrix is stored turned round, `[rank, nope]`.
        let turned = floats(&stack("attn_k_b")?)?;
        let mut keys = Rows::zeros(latent.count(), nope);
        for position in 0..latent.count() {
            let row = keys.row_mut(position);
            for (latent, weights) in latent.row(position).iter().zip(turned.chunks_exact(nope)) {
                row.iter_mut().zip(weights).for_each(|(key, weight)| *key += latent * weight);
            }
        }
        Ok((keys, values))
    }

    /// Turns each row by the angles of its position.
    fn turn(self, rows: &mut Rows, frequencies: &[f64]) {
        let (magnitude, pairing) = (self.checkpoint.shape.rotary_magnitude(), self.checkpoint.pairing);
        for position in 0..rows.count() {
            let row = rows.row_mut(position);
            for (pair, frequency) in frequencies.iter().enumerate() {
                let (first, second) = match pairing {
                    Pairing::Neighbours => (2 * pair, 2 * pair + 1),
                    Pairing::Halves => (pair, pair + frequencies.len()),
                };
                let (sine, cosine) = (frequency * count_as_f64(index_as_u64(position))).sin_cos();
                let (a, b) = (row[first], row[second]);
                row[first] = magnitude * (a * cosine - b * sine);
                row[second] = magnitude * (b * cosine + a * sine);
            }
        }
    }

    /// For each query the sum of the values it sees, weighted by how well their keys fit.
    fn weigh(self, queries: &Rows, head: &Head) -> Rows {
        let shape = &self.checkpoint.shape;
        let window = match shape.sliding_window {
            SlidingWindow::On(positions) => count_as_usize(positions),
            SlidingWindow::None | SlidingWindow::Off(_) => usize::MAX,
        };
        let mut sums = Rows::zeros(queries.count(), head.values.row(0).len());
        for position in 0..queries.count() {
            let query_scale = match &shape.rope_scaling {
                RopeScaling::Yarn(yarn) if shape.family == Family::Mistral3 => {
                    yarn.query_scale(count_as_f64(index_as_u64(position)))
                }
                _ => 1.0,
            };
            let first = (position + 1).saturating_sub(window);
            let dot = |key: &[f64]| queries.row(position).iter().zip(key).map(|(a, b)| a * b).sum::<f64>();
            let scale = shape.attention_scale() * query_scale;
            let mut weights: Vec<f64> =
                (first..=position).map(|other| scale * dot(head.keys.row(other))).collect();
            softmax(&mut weights);
            let sum = sums.row_mut(position);
            for (weight, other) in weights.into_iter().zip(first..) {
                sum.iter_mut().zip(head.values.row(other)).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        sums
    }
}

/// Some columns of all rows.
fn columns(rows: &Rows, from: usize, width: usize) -> Rows {
    let mut own = Rows::new(width);
    (0..rows.count()).for_each(|index| own.push(&rows.row(index)[from..from + width]));
    own
}

/// Puts `part` into the columns from `from` on.
fn put(rows: &mut Rows, from: usize, part: &Rows) {
    for index in 0..part.count() {
        let part = part.row(index);
        rows.row_mut(index)[from..from + part.len()].copy_from_slice(part);
    }
}

/// The columns of both, side by side.
fn beside(left: &Rows, right: &Rows) -> Rows {
    let mut both = Rows::new(left.row(0).len() + right.row(0).len());
    (0..left.count()).for_each(|index| both.push(&[left.row(index), right.row(index)].concat()));
    both
}
