//! `Q8_0` on a CPU by candle's plain product, past its repacked one.
//!
//! On processors with AVX-512 or VNNI candle copies these blocks of 32 into a layout of its own and rounds activations in blocks
//! of 256: the logits are then 1.4 to 1.6 times as far from the exact ones as llama.cpp's (`llama_cpp_tests`). The plain product
//! rounds in blocks of 32, as the format means it, and needs no second copy of the weights.

use std::borrow::Cow;
use std::fmt;

use candle_core::quantized::{GgmlDType, QuantizedType};
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};

use crate::engine::checkpoint::Stored;

/// A matrix `[rows, columns]` in main memory.
pub(in crate::engine) struct PlainBlocks {
    blocks: Box<dyn QuantizedType>,
    rows: usize,
    columns: usize,
}

impl PlainBlocks {
    pub(super) fn load(stored: &Stored) -> Result<Self> {
        Ok(Self::new(stored.kind(), stored.bytes()?, [stored.rows(), stored.columns()]))
    }

    /// A matrix `[rows, columns]` whose blocks are these bytes.
    pub(super) fn new(kind: GgmlDType, bytes: Vec<u8>, [rows, columns]: [usize; 2]) -> Self {
        Self { blocks: kind.from_data(Cow::Owned(bytes)), rows, columns }
    }

    /// The rows of these numbers: `ids` of any shape `[..]` in `u32` gives `[.., columns]`.
    pub(super) fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        let mut dimensions = ids.dims().to_vec();
        dimensions.push(self.columns);
        let ids: Vec<u32> = ids.flatten_all()?.to_vec1()?;
        let values = self.blocks.embedding(&ids, self.rows, self.columns)?;
        Tensor::from_slice(values.as_slice::<f32>()?, dimensions, &Device::Cpu)
    }
}

impl fmt::Debug for PlainBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} [{}, {}]", self.blocks.dtype(), self.rows, self.columns)
    }
}

impl CustomOp1 for PlainBlocks {
    fn name(&self) -> &'static str {
        "plain-block-product"
    }

    /// `x W^T` for a contiguous `x`, `[.., columns]`, in 32-bit floats.
    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut dimensions = layout.dims().to_vec();
        let Some((from, to)) = layout.contiguous_offsets() else {
            candle_core::bail!("the rows of a product must be contiguous");
        };
        if dimensions.pop() != Some(self.columns) {
            candle_core::bail!("a matrix of {} columns for rows of {:?}", self.columns, layout.dims());
        }
        dimensions.push(self.rows);
        let x = &storage.as_slice::<f32>()?[from..to];
        let count = x.len() / self.columns;
        let mut product = vec![0.0_f32; count * self.rows];
        self.blocks.matmul_t((count, self.columns, self.rows), x, &mut product)?;
        Ok((CpuStorage::F32(product), Shape::from(dimensions)))
    }
}
