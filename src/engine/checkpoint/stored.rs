//! One tensor as it lies in a file: where, how large, stored how. Read in whole or by rows, so that a matrix larger than
//! memory can still be worked through.

#![expect(clippy::disallowed_methods, reason = "reads the tensors of a checkpoint")]

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Result, Tensor};

use crate::units::{count_as_usize, index_as_u64};

/// A tensor in a file.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Stored {
    file: Arc<Path>,
    offset: u64,
    kind: GgmlDType,
    /// Outermost first; the last one is contiguous.
    dimensions: Vec<usize>,
}

impl Stored {
    /// A tensor of these dimensions, outermost first, from byte `offset` of `file` on.
    pub(in crate::engine) fn new(
        file: Arc<Path>,
        offset: u64,
        kind: GgmlDType,
        dimensions: Vec<usize>,
    ) -> Self {
        Self { file, offset, kind, dimensions }
    }

    /// Its dimensions, outermost first.
    pub(in crate::engine) fn dimensions(&self) -> &[usize] {
        &self.dimensions
    }

    /// How its values are stored.
    pub(in crate::engine) fn kind(&self) -> GgmlDType {
        self.kind
    }

    /// Values of a row.
    pub(in crate::engine) fn columns(&self) -> usize {
        self.dimensions.last().copied().unwrap_or(1)
    }

    /// Rows of a matrix; a vector is one row, and a stack of matrices the rows of all.
    pub(in crate::engine) fn rows(&self) -> usize {
        self.dimensions.iter().rev().skip(1).product()
    }

    /// Some of the rows, as a matrix.
    pub(in crate::engine) fn row_range(&self, rows: Range<usize>) -> Self {
        let offset = self.offset + index_as_u64(rows.start * self.bytes_of_row());
        Self { offset, dimensions: vec![rows.len(), self.columns()], ..self.clone() }
    }

    /// One matrix of a stack.
    pub(in crate::engine) fn slice(&self, index: usize) -> Self {
        let dimensions = self.dimensions[1..].to_vec();
        let rows = dimensions.iter().rev().skip(1).product::<usize>();
        let offset = self.offset + index_as_u64(index * rows * self.bytes_of_row());
        Self { offset, dimensions, ..self.clone() }
    }

    fn bytes_of_row(&self) -> usize {
        self.columns() / self.kind.block_size() * self.kind.type_size()
    }

    /// Its file, and which bytes of it.
    pub(in crate::engine) fn place(&self) -> (&Arc<Path>, Range<usize>) {
        let start = count_as_usize(self.offset);
        (&self.file, start..start + self.rows() * self.bytes_of_row())
    }

    /// Its bytes.
    pub(in crate::engine) fn bytes(&self) -> Result<Vec<u8>> {
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = vec![0; self.rows() * self.bytes_of_row()];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The tensor as it is stored, on a device.
    pub(in crate::engine) fn blocks(&self, device: &Device) -> Result<QTensor> {
        let storage = QStorage::from_data(Cow::Owned(self.bytes()?), device, self.kind)?;
        QTensor::new(storage, self.dimensions.as_slice())
    }

    /// The tensor's values as 32-bit floats, on a device.
    pub(in crate::engine) fn floats(&self, device: &Device) -> Result<Tensor> {
        self.blocks(&Device::Cpu)?.dequantize(&Device::Cpu)?.to_device(device)
    }
}
