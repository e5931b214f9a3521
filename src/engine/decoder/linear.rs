//! Matrices as they are stored, and the products with them.

use std::borrow::Cow;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{DType, Device, Result, Tensor};

use super::plain_blocks::PlainBlocks;
use crate::engine::checkpoint::{Checkpoint, Stored};

/// Where weights come from, where they go, and how they may be held there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loader<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) device: &'a Device,
    /// True if quantised weights may be copied into a layout of the processor's own, at 4/3 of their size: candle's faster
    /// product on a CPU.
    pub(super) repacks: bool,
}

impl Loader<'_> {
    /// The matrix of this name, its ending included.
    pub(super) fn matrix(&self, name: &str) -> Result<Matrix> {
        Matrix::load(self.checkpoint.get(name)?, self)
    }

    /// The matrix `NAME.weight`, and `NAME.bias` where there is one.
    pub(super) fn linear(&self, name: &str) -> Result<Linear> {
        let bias = self.checkpoint.find(&format!("{name}.bias"));
        let bias = bias.map(|stored| stored.floats(self.device)).transpose()?;
        Ok(Linear { matrix: self.matrix(&format!("{name}.weight"))?, bias })
    }

    /// The norm `NAME.weight`.
    pub(super) fn norm(&self, name: &str) -> Result<RmsNorm> {
        let weight = self.checkpoint.get(&format!("{name}.weight"))?.floats(self.device)?;
        Ok(RmsNorm { weight, epsilon: crate::units::nearest_f32(self.checkpoint.shape.rms_norm_eps) })
    }
}

/// A matrix on the device that computes, `[rows, columns]`.
#[derive(Debug)]
pub(in crate::engine) enum Matrix {
    /// In the blocks of its file. Activations are rounded to the type that candle multiplies these blocks with: 8-bit
    /// blocks, and 16-bit floats for BF16 on a CPU.
    Blocks(QTensor),
    /// The same on a CPU, by candle's plain product.
    Plain(PlainBlocks),
    /// As floats: F32 everywhere, F16 as F32 on a CPU (whose activations could leave its range), BF16 and F16 on a card.
    Floats(Tensor),
}

impl Matrix {
    pub(super) fn load(stored: &Stored, loader: &Loader<'_>) -> Result<Self> {
        let (kind, device) = (stored.kind(), loader.device);
        match (kind, device.is_cpu()) {
            (GgmlDType::F32, _) | (GgmlDType::F16, true) => stored.floats(device).map(Self::Floats),
            (GgmlDType::F16 | GgmlDType::BF16, false) => {
                let dtype = if kind == GgmlDType::F16 { DType::F16 } else { DType::BF16 };
                Ok(Self::Floats(stored.floats(&Device::Cpu)?.to_dtype(dtype)?.to_device(device)?))
            }
            (GgmlDType::Q8_0, true) => PlainBlocks::load(stored).map(Self::Plain),
            (_, true) if !loader.repacks => PlainBlocks::load(stored).map(Self::Plain),
            _ => stored.blocks(device).map(Self::Blocks),
        }
    }

    /// A quantised matrix `[rows, columns]` whose blocks are these bytes, held as [`Self::load`] holds one of a file.
    pub(in crate::engine) fn from_blocks(
        kind: GgmlDType,
        bytes: Vec<u8>,
        [rows, columns]: [usize; 2],
        device: &Device,
    ) -> Result<Self> {
        if kind == GgmlDType::Q8_0 && device.is_cpu() {
            return Ok(Self::Plain(PlainBlocks::new(kind, bytes, [rows, columns])));
        }
        let storage = QStorage::from_data(Cow::Owned(bytes), device, kind)?;
        QTensor::new(storage, (rows, columns)).map(Self::Blocks)
    }

    /// `x W^T` for `x` of shape `[.., columns]` in 32-bit floats: `[.., rows]`, in 32-bit floats again.
    pub(in crate::engine) fn multiply(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Blocks(matrix) => x.contiguous()?.apply_op1_no_bwd(matrix),
            Self::Plain(matrix) => x.contiguous()?.apply_op1_no_bwd(matrix),
            Self::Floats(matrix) => {
                let mut dimensions = x.dims().to_vec();
                let columns = dimensions.pop().unwrap_or(0);
                dimensions.push(matrix.dim(0)?);
                let flat = x.reshape(((), columns))?.to_dtype(matrix.dtype())?;
                flat.matmul(&matrix.t()?)?.to_dtype(DType::F32)?.reshape(dimensions)
            }
        }
    }

    /// The rows of these numbers: `ids` of any shape `[..]` in `u32` gives `[.., columns]` in 32-bit floats.
    pub(super) fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        match self {
            Self::Blocks(matrix) => matrix.embedding(ids),
            Self::Plain(matrix) => matrix.rows(ids),
            Self::Floats(matrix) => {
                let mut dimensions = ids.dims().to_vec();
                dimensions.push(matrix.dim(1)?);
                matrix.index_select(&ids.flatten_all()?, 0)?.to_dtype(DType::F32)?.reshape(dimensions)
            }
        }
    }
}

/// A matrix and, where the checkpoint has one, the bias that is added after it.
#[derive(Debug)]
pub(super) struct Linear {
    matrix: Matrix,
    bias: Option<Tensor>,
}

impl Linear {
    /// `x W^T + b` for `x` of shape `[.., columns]`: `[.., rows]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let product = self.matrix.multiply(x)?;
        match &self.bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }
}

/// Root-mean-square norm (Zhang and Sennrich 2019): `x / sqrt(mean(x^2) + epsilon) * weight`.
#[derive(Debug)]
pub(super) struct RmsNorm {
    weight: Tensor,
    epsilon: f32,
}

impl RmsNorm {
    /// Normalises the last dimension.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        candle_nn::ops::rms_norm(&x.contiguous()?, &self.weight, self.epsilon)
    }
}
