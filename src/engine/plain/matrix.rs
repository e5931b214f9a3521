//! Rows of numbers, and their product with a stored matrix that is dequantised a piece at a time.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use candle_core::{Device, Result, Tensor};

use crate::engine::checkpoint::Stored;
use crate::units::nearest_f32;

/// Values of a matrix that a thread holds as floats at a time: 16 MB.
const PIECE: usize = 1 << 22;

/// What a product of an activation and a weight is added up in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::engine) enum Sums {
    /// 32-bit floats, by candle's product of float matrices: for checking at full size.
    F32,
    /// 64-bit floats, one after the other: the exact answer for small models, which tests hold everything against.
    #[cfg(test)]
    F64,
}

/// A matrix of activations, one row per token.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::engine) struct Rows {
    width: usize,
    values: Vec<f64>,
}

impl Rows {
    pub(super) const fn new(width: usize) -> Self {
        Self { width, values: Vec::new() }
    }

    pub(super) fn zeros(rows: usize, width: usize) -> Self {
        Self { width, values: vec![0.0; rows * width] }
    }

    pub(super) fn push(&mut self, row: &[f64]) {
        debug_assert_eq!(row.len(), self.width);
        self.values.extend_from_slice(row);
    }

    #[cfg(test)]
    pub(in crate::engine) fn of(rows: &[Vec<f32>]) -> Self {
        let values = rows.iter().flatten().map(|value| f64::from(*value)).collect();
        Self { width: rows[0].len(), values }
    }

    #[cfg(test)]
    pub(in crate::engine) fn to_floats(&self) -> Vec<Vec<f32>> {
        let rows = self.values.chunks_exact(self.width);
        rows.map(|row| row.iter().map(|value| nearest_f32(*value)).collect()).collect()
    }

    pub(in crate::engine) fn count(&self) -> usize {
        self.values.len() / self.width
    }

    pub(in crate::engine) fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    pub(super) fn row_mut(&mut self, index: usize) -> &mut [f64] {
        &mut self.values[index * self.width..(index + 1) * self.width]
    }

    /// Some of the rows.
    pub(super) fn some(&self, rows: Range<usize>) -> Self {
        let values = self.values[rows.start * self.width..rows.end * self.width].to_vec();
        Self { width: self.width, values }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.values.iter_mut().zip(&other.values).for_each(|(value, other)| *value += other);
    }

    pub(super) fn each(&mut self, change: impl FnMut(&mut [f64])) {
        self.values.chunks_exact_mut(self.width).for_each(change);
    }
}

/// `x W^T`: `x` has one row per token, `matrix` one row per output. Pieces of the matrix are shared out to all processors.
pub(super) fn multiply(x: &Rows, matrix: &Stored, sums: Sums) -> Result<Rows> {
    let (rows, columns) = (matrix.rows(), matrix.columns());
    if columns != x.width {
        candle_core::bail!("a matrix of {columns} columns for rows of {}", x.width);
    }
    let step = (PIECE / columns).max(1);
    let pieces: Vec<Range<usize>> =
        (0..rows.div_ceil(step)).map(|piece| piece * step..rows.min((piece + 1) * step)).collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Rows)>> {
        let mut done = Vec::new();
        while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((piece.start, piece_product(x, &matrix.row_range(piece.clone()), sums)?));
        }
        Ok(done)
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(pieces.len());
    let parts = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined =
            handles.into_iter().map(|handle| handle.join().expect("a piece's product does not panic"));
        joined.collect::<Result<Vec<_>>>()
    })?;
    let mut product = Rows::zeros(x.count(), rows);
    for (start, part) in parts.into_iter().flatten() {
        for token in 0..x.count() {
            product.row_mut(token)[start..start + part.width].copy_from_slice(part.row(token));
        }
    }
    Ok(product)
}

fn piece_product(x: &Rows, piece: &Stored, sums: Sums) -> Result<Rows> {
    let weights = piece.floats(&Device::Cpu)?;
    let values = match sums {
        Sums::F32 => {
            let x32: Vec<f32> = x.values.iter().map(|value| nearest_f32(*value)).collect();
            let x32 = Tensor::from_vec(x32, (x.count(), x.width), &Device::Cpu)?;
            let product: Vec<f32> = x32.matmul(&weights.t()?)?.flatten_all()?.to_vec1()?;
            product.into_iter().map(f64::from).collect()
        }
        #[cfg(test)]
        Sums::F64 => {
            let weights: Vec<f32> = weights.flatten_all()?.to_vec1()?;
            let dot = |row: &[f64], weights: &[f32]| {
                row.iter().zip(weights).map(|(value, weight)| value * f64::from(*weight)).sum::<f64>()
            };
            let rows = x.values.chunks_exact(x.width);
            rows.flat_map(|row| weights.chunks_exact(x.width).map(move |weights| dot(row, weights))).collect()
        }
    };
    Ok(Rows { width: piece.rows(), values })
}
