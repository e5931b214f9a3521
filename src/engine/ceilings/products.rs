//! Multiplies matrices: squares of plain floats through candle, and weights in the blocks of a checkpoint as the engine does.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Result, Tensor};

use super::timing::{Stopwatch, leaves_room};
use super::{Effort, first_line, not_tried, value_at};
use crate::engine::decoder::Matrix;
use crate::engine::host::{TOKENS_OF_A_PASS, Trial};
use crate::engine::kernels::{Kind, Level};
use crate::hardware::{MatrixPrecision, MatrixRate, NotTried, ProductMethod};
use crate::units::{Flop, count_as_f64, index_as_u64};

/// Rows of activations for stored weights: as many tokens of a prompt as the engine computes at once.
const ROWS: usize = TOKENS_OF_A_PASS;
/// A square of twice the side takes eight times as long; it is tried if that is less than so many seconds.
const LONGEST: f64 = 0.3;

/// The rates of all ways, and those that were left out.
pub(super) fn rates(watch: &Stopwatch<'_>, effort: Effort) -> (Vec<MatrixRate>, Vec<NotTried>) {
    let (mut rates, mut left_out) = (Vec::new(), Vec::new());
    let mut keep = |precision: MatrixPrecision, method: ProductMethod, rate| match rate {
        Ok(rate) => rates.push(rate),
        Err(reason) => left_out.push(not_tried(format!("{} {}", method.id(), precision.id()), reason)),
    };
    let floats = [
        (MatrixPrecision::F32, DType::F32),
        (MatrixPrecision::F16, DType::F16),
        (MatrixPrecision::BF16, DType::BF16),
    ];
    for (precision, dtype) in floats {
        keep(precision, ProductMethod::Square, squares(watch, effort.squares, (precision, dtype)));
    }
    let blocks = [
        (MatrixPrecision::Q4K, GgmlDType::Q4K),
        (MatrixPrecision::Q6K, GgmlDType::Q6K),
        (MatrixPrecision::Q8_0, GgmlDType::Q8_0),
        (MatrixPrecision::BF16, GgmlDType::BF16),
        (MatrixPrecision::F32, GgmlDType::F32),
    ];
    for (precision, kind) in blocks {
        // A card multiplies plain floats as such, which the square of them is.
        if watch.device.is_cpu() || !matches!(kind, GgmlDType::BF16 | GgmlDType::F32) {
            keep(precision, ProductMethod::Stored, growing(watch, effort.stored, (precision, kind)));
        }
    }
    (rates, left_out)
}

/// The fastest of growing squares; a side that fails ends the growth.
fn squares(
    watch: &Stopwatch<'_>,
    [smallest, largest]: [usize; 2],
    (precision, dtype): (MatrixPrecision, DType),
) -> std::result::Result<MatrixRate, String> {
    let mut best: std::result::Result<MatrixRate, String> = Err("no size was tried".to_owned());
    let mut side = smallest;
    while side <= largest {
        let time = match square(watch, side, dtype) {
            Ok((shortest, time)) => {
                let found = rate(precision, ProductMethod::Square, [side; 3], shortest, time)?;
                if best.as_ref().map_or(true, |best| best.rate < found.rate) {
                    best = Ok(found);
                }
                time
            }
            Err(reason) => return best.map_err(|_| reason),
        };
        if !leaves_room(time, 8, LONGEST) {
            break;
        }
        side *= 2;
    }
    best
}

/// Passes and time of a product of squares.
fn square(
    watch: &Stopwatch<'_>,
    side: usize,
    dtype: DType,
) -> std::result::Result<(u64, crate::units::Seconds), String> {
    let made = floats(side, side, watch.device).and_then(|matrix| matrix.to_dtype(dtype));
    let matrix = made.map_err(|error| first_line(&error))?;
    let shortest = watch.shortest(|| matrix.matmul(&matrix.t()?).map(drop))?;
    Ok((shortest.passes, shortest.time))
}

/// The fastest of the engine's products with growing matrices in blocks: those of large models are multiplied faster than those
/// of small ones. A side that fails, or takes long, ends the growth.
fn growing(
    watch: &Stopwatch<'_>,
    smallest: usize,
    stored_as: (MatrixPrecision, GgmlDType),
) -> std::result::Result<MatrixRate, String> {
    let mut best = stored(watch, smallest, stored_as)?;
    for side in [2 * smallest, 4 * smallest] {
        let [rows, columns, inner] = best.sizes.map(count_as_f64);
        let time = crate::units::Seconds::new(2.0 * rows * columns * inner / best.rate.value());
        if !time.is_ok_and(|time| leaves_room(time, 16, LONGEST)) {
            break;
        }
        match stored(watch, side, stored_as) {
            Ok(found) if found.rate > best.rate => best = found,
            Ok(_) | Err(_) => break,
        }
    }
    Ok(best)
}

/// The engine's product of 256 rows of activations with a square matrix in blocks.
fn stored(
    watch: &Stopwatch<'_>,
    side: usize,
    (precision, kind): (MatrixPrecision, GgmlDType),
) -> std::result::Result<MatrixRate, String> {
    let own = Kind::of(kind).filter(|_| watch.device.is_cpu() && Level::best().is_fast());
    let shortest = if let Some(own) = own {
        let made = || Trial::new(watch.threads, (own, blocks(side, kind)?), [side, side], ROWS, spread);
        let mut trial = made().map_err(|error| first_line(&error))?;
        watch.shortest(|| {
            trial.multiply();
            Ok(())
        })?
    } else {
        let made = || -> Result<(Tensor, Matrix)> {
            let matrix = Matrix::from_blocks(kind, blocks(side, kind)?, [side, side], watch.device)?;
            Ok((floats(ROWS, side, watch.device)?, matrix))
        };
        let (rows, matrix) = made().map_err(|error| first_line(&error))?;
        watch.shortest(|| matrix.multiply(&rows).map(drop))?
    };
    rate(precision, ProductMethod::Stored, [ROWS, side, side], shortest.passes, shortest.time)
}

/// Bytes of a square matrix in blocks. A few rows are quantised and repeated, since making blocks from floats is slow.
fn blocks(side: usize, kind: GgmlDType) -> Result<Vec<u8>> {
    const DISTINCT: usize = 16;
    let few = QTensor::quantize(&floats(DISTINCT, side, &Device::Cpu)?, kind)?;
    let row = few.data()?.len() / DISTINCT;
    Ok(few.data()?.iter().copied().cycle().take(side * row).collect())
}

/// A matrix of values between -1 and 1.
fn floats(rows: usize, columns: usize, device: &Device) -> Result<Tensor> {
    let values = (0..rows).flat_map(|row| (0..columns).map(move |column| spread(row, column)));
    Tensor::from_vec(values.collect(), (rows, columns), device)
}

/// A value between -1 and 1; the multipliers spread neighbours over all of them.
fn spread(row: usize, column: usize) -> f32 {
    let index = row.wrapping_mul(40_503).wrapping_add(column);
    2.0 * value_at(index.wrapping_mul(2_654_435_769) >> 8) - 3.0
}

fn rate(
    precision: MatrixPrecision,
    method: ProductMethod,
    sizes: [usize; 3],
    passes: u64,
    time: crate::units::Seconds,
) -> std::result::Result<MatrixRate, String> {
    let sizes = sizes.map(index_as_u64);
    let [m, n, k] = sizes.map(count_as_f64);
    let rate = Flop::new(2.0 * m * n * k).ok().and_then(|flop| flop.per(time));
    let rate = rate.ok_or_else(|| "no rate follows from its time".to_owned())?;
    Ok(MatrixRate { precision, method, sizes, passes, rate })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ScriptedClock;
    use crate::engine::ceilings::timing::Passes;

    #[test]
    fn squares_grow_while_a_larger_one_fits_the_time() {
        let best = |step_millis: u64| {
            let clock = ScriptedClock::new([], step_millis * 1_000_000, 0);
            let passes = Passes { least: 1, enough: 0.0, shortest: 0.0 };
            let watch = Stopwatch { clock: &clock, device: &Device::Cpu, threads: 1, passes };
            squares(&watch, [8, 32], (MatrixPrecision::F32, DType::F32)).unwrap()
        };
        // Every product takes 1 ms, so the largest is the fastest: 2 x 32^3 operations.
        assert_eq!(best(1).sizes, [32; 3]);
        assert!((best(1).rate.value() - 65_536_000.0).abs() < 1e-3);
        // At 40 ms eight times as long would be too long.
        assert_eq!(best(40).sizes, [8; 3]);
    }

    #[test]
    fn repeated_blocks_are_a_matrix_of_the_asked_size() {
        for (kind, bytes) in [(GgmlDType::Q4K, 144), (GgmlDType::Q6K, 210), (GgmlDType::BF16, 512)] {
            assert_eq!(blocks(256, kind).unwrap().len(), 256 * bytes, "{kind:?}");
        }
    }
}
