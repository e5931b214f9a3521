//! The weights of a checkpoint where they lie in its files, mapped into memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Result};

use crate::engine::checkpoint::{Checkpoint, Stored};
use crate::engine::kernels::{Bytes, Kind, ROWS, RowBlock, to_floats};

/// A matrix `[rows, columns]`.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Matrix {
    pub(super) kind: Kind,
    bytes: Bytes,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Matrix {
    /// A matrix whose rows lie in `bytes` one after the other.
    pub(in crate::engine) fn new(kind: Kind, bytes: Bytes, [rows, columns]: [usize; 2]) -> Result<Self> {
        let matrix = Self { kind, bytes, rows, columns };
        let held = matrix.bytes.as_slice().len();
        if rows == 0
            || columns == 0
            || !columns.is_multiple_of(kind.block_values())
            || held != rows * matrix.row_bytes()
        {
            candle_core::bail!("{held} bytes are no matrix of {rows} rows of {columns} values as {kind:?}");
        }
        Ok(matrix)
    }

    fn row_bytes(&self) -> usize {
        self.columns / self.kind.block_values() * self.kind.block_bytes()
    }

    /// Panels of [`ROWS`] rows, a started one counted whole.
    pub(super) fn panels(&self) -> usize {
        self.rows.div_ceil(ROWS)
    }

    /// Bytes of a whole panel.
    pub(super) fn panel_bytes(&self) -> usize {
        ROWS * self.row_bytes()
    }

    /// The rows of a panel.
    pub(super) fn panel(&self, panel: usize) -> &[u8] {
        let (from, to) = (panel * ROWS, (panel * ROWS + ROWS).min(self.rows));
        &self.bytes.as_slice()[from * self.row_bytes()..to * self.row_bytes()]
    }

    /// A panel for the kernels; `next` is what is read after it.
    pub(super) fn block<'a>(&'a self, panel: usize, next: &'a [u8]) -> RowBlock<'a> {
        RowBlock { bytes: self.panel(panel), row_bytes: self.row_bytes(), columns: self.columns, next }
    }

    /// The bytes of one row.
    pub(super) fn row_bytes_of(&self, row: usize) -> &[u8] {
        &self.bytes.as_slice()[row * self.row_bytes()..(row + 1) * self.row_bytes()]
    }

    /// One row as floats; `out` has as many as there are columns.
    pub(super) fn row(&self, row: usize, out: &mut [f32]) {
        to_floats(self.kind, self.row_bytes_of(row), out);
    }
}

/// A matrix and, where the checkpoint has one, the bias that is added after it.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Linear {
    pub(super) matrix: Matrix,
    pub(super) bias: Option<Vec<f32>>,
}

impl From<Matrix> for Linear {
    fn from(matrix: Matrix) -> Self {
        Self { matrix, bias: None }
    }
}

/// Finds the tensors of a checkpoint; each of its files is mapped once.
#[derive(Debug)]
pub(super) struct Loader<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    files: RefCell<BTreeMap<Arc<Path>, Bytes>>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(checkpoint: &'a Checkpoint) -> Self {
        Self { checkpoint, files: RefCell::default() }
    }

    /// The bytes of a tensor.
    pub(super) fn bytes(&self, stored: &Stored) -> Result<Bytes> {
        let (path, range) = stored.place();
        let mut files = self.files.borrow_mut();
        if let Some(file) = files.get(path) {
            return Ok(file.part(range)?);
        }
        let file = Bytes::map(path)?;
        files.insert(Arc::clone(path), file.clone());
        Ok(file.part(range)?)
    }

    /// A tensor as a matrix; a stack of matrices is one of all their rows.
    pub(super) fn stored_matrix(&self, stored: &Stored) -> Result<Matrix> {
        let Some(kind) = Kind::of(stored.kind()) else {
            candle_core::bail!("there is no kernel for {:?}", stored.kind())
        };
        Matrix::new(kind, self.bytes(stored)?, [stored.rows(), stored.columns()])
    }

    /// The matrix of this name, its ending included.
    pub(super) fn matrix(&self, name: &str) -> Result<Matrix> {
        self.stored_matrix(self.checkpoint.get(name)?)
    }

    /// The matrix `NAME.weight`, and `NAME.bias` where there is one.
    pub(super) fn linear(&self, name: &str) -> Result<Linear> {
        let bias = self.checkpoint.find(&format!("{name}.bias")).map(floats).transpose()?;
        Ok(Linear { matrix: self.matrix(&format!("{name}.weight"))?, bias })
    }

    /// The vector `NAME.weight` of a norm.
    pub(super) fn norm(&self, name: &str) -> Result<Vec<f32>> {
        floats(self.checkpoint.get(&format!("{name}.weight"))?)
    }
}

fn floats(stored: &Stored) -> Result<Vec<f32>> {
    stored.floats(&Device::Cpu)?.flatten_all()?.to_vec1()
}
