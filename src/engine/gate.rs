//! The gate: before a case is measured, its logits are compared with those of the plain path.
//!
//! The tolerance is derived, not tuned. A product of two rounded vectors is off by the relative rounding error `e` of the
//! coarser one, whatever their length; errors of different products are independent, so they add up as squares. A layer has
//! four products one after the other (into attention, out of it, into the feed-forward part, out of it), the output matrix is
//! one more, so `L` layers give `e sqrt(4 L + 1)`. The limit is four times that, since activations are not Gaussian.

use candle_core::Result;
use candle_core::quantized::GgmlDType;

use super::Checked;
use super::checkpoint::Checkpoint;
use super::plain::{Plain, Rows, Sums};
use crate::units::{count_as_f64, index_as_u64};

/// The first of them are computed at once, as a prompt is; the others one by one, as answers are.
const AT_ONCE: usize = 24;

/// How far logits may be off, in units of the expected error.
const MARGIN: f64 = 4.0;

/// The relative error of keys and values in a cache of 16-bit floats, which all checkpoints have but those of 32-bit floats: 11
/// bits are half a step of 2^-11, over `sqrt(3)`, on average over mantissas about 0.0002.
const CACHE_ROUNDING: f64 = 0.0002;

/// Compares one row of a batch. `measured` gives the logits of that row after each token of a portion of all rows.
pub(super) fn compare(
    checkpoint: &Checkpoint,
    rows: &[Vec<u32>],
    mut measured: impl FnMut(&[Vec<u32>]) -> Result<Vec<Vec<f32>>>,
) -> Result<Checked> {
    let length = rows.first().map_or(0, Vec::len);
    let part = |from: usize, to: usize| rows.iter().map(|row| row[from..to].to_vec()).collect::<Vec<_>>();
    let at_once = length.min(AT_ONCE);
    let mut found = measured(&part(0, at_once))?;
    for position in at_once..length {
        found.extend(measured(&part(position, position + 1))?);
    }
    // The last row: a mistake that mixes rows shows in any of them, and one costs the plain path a batch less.
    let plain = Plain::new(checkpoint, Sums::F32).logits(&rows[rows.len() - 1], 0..length)?;
    Ok(distance(&found, &plain, tolerance(checkpoint)))
}

/// The distance between logits and the plain path's, over all positions.
pub(super) fn distance(found: &[Vec<f32>], plain: &Rows, tolerance: f64) -> Checked {
    let (mut error, mut sum, mut squares, mut values, mut same_top) = (0.0, 0.0, 0.0, 0_u64, 0);
    for (position, found) in found.iter().enumerate() {
        let plain = plain.row(position);
        for (found, plain) in found.iter().zip(plain) {
            error += (f64::from(*found) - plain).powi(2);
            sum += plain;
            squares += plain * plain;
        }
        values += index_as_u64(plain.len());
        let found: Vec<f64> = found.iter().map(|value| f64::from(*value)).collect();
        same_top += u64::from(top(&found) == top(plain));
    }
    let values = count_as_f64(values);
    let variance = squares / values - (sum / values).powi(2);
    let finite = error.is_finite() && squares.is_finite();
    let positions = index_as_u64(found.len());
    Checked { positions, distance: (error / values / variance).sqrt(), tolerance, same_top, finite }
}

fn top(logits: &[f64]) -> Option<usize> {
    (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
}

/// How far the logits of a checkpoint may be from the plain path's, as [`Checked::distance`] counts.
pub(super) fn tolerance(checkpoint: &Checkpoint) -> f64 {
    let coarsest = checkpoint.tensors().map(|(_, stored)| rounding(stored.kind())).fold(0.0, f64::max);
    let is_exact = checkpoint.tensors().all(|(_, stored)| stored.kind() == GgmlDType::F32);
    let coarsest = if is_exact { coarsest } else { coarsest.max(CACHE_ROUNDING) };
    let products = count_as_f64(4 * checkpoint.shape.layers + 1);
    MARGIN * coarsest * products.sqrt()
}

/// The relative error of activations rounded for a product with weights of this kind.
///
/// Blocks of 256 (`K` types) meet activations in steps of the block's largest value / 127. The largest of 256 Gaussian values
/// is about 2.8 standard deviations, and rounding to steps of `s` is off by `s / sqrt(12)`: 2.8 / 127 / 3.46 = 0.0064. Blocks of
/// 32 have a largest value of about 2.1: 0.0047. BF16 keeps 8 bits: half a step of 2^-8, again over `sqrt(3)`, on average over
/// mantissas about 0.0016. F16 keeps 11 bits, F32 24, and there the order of the sums counts as much: 1e-5 covers both.
const fn rounding(kind: GgmlDType) -> f64 {
    match kind {
        GgmlDType::F32 | GgmlDType::F16 => 1e-5,
        GgmlDType::BF16 => 0.0016,
        GgmlDType::Q4_0
        | GgmlDType::Q4_1
        | GgmlDType::Q5_0
        | GgmlDType::Q5_1
        | GgmlDType::Q8_0
        | GgmlDType::Q8_1 => 0.0047,
        GgmlDType::Q2K
        | GgmlDType::Q3K
        | GgmlDType::Q4K
        | GgmlDType::Q5K
        | GgmlDType::Q6K
        | GgmlDType::Q8K => 0.0064,
    }
}
