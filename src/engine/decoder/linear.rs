//! Matrices as they are stored, and the products with them.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Result, Tensor};

use super::plain_blocks::PlainBlocks;
use crate::engine::checkpoint::{Checkpoint, Stored};

/// A matrix on the device that computes, `[rows, columns]`.
#[derive(Debug)]
pub(super) enum Matrix {
    /// In the blocks of its file. Activations are rounded to the type that candle multiplies these blocks with: 8-bit
    /// blocks, and 16-bit floats for BF16 on a CPU.
    Blocks(QTensor),
    /// The same on a CPU, by candle's plain product.
    Plain(PlainBlocks),
    /// As floats: F32 everywhere, F16 as F32 on a CPU (whose activations could leave its range), BF16 and F16 on a card.
    Floats(Tensor),
}

impl Matrix {
    pub(super) fn load(stored: &Stored, device: &Device) -> Result<Self> {
        match (stored.kind(), device.is_cpu()) {
            (GgmlDType::F32, _) | (GgmlDType::F16, true) => stored.floats(device).map(Self::Floats),
            (GgmlDType::F16, false) => Ok(Self::Floats(stored.floats(&Device::Cpu)?.to_dtype(DType::F16)?.to_device(device)?)),
            (GgmlDType::BF16, false) => Ok(Self::Floats(stored.floats(&Device::Cpu)?.to_dtype(DType::BF16)?.to_device(device)?)),
            (GgmlDType::Q8_0, true) => PlainBlocks::load(stored).map(Self::Plain),
            _ => stored.blocks(device).map(Self::Blocks),
        }
    }

    /// `x W^T` for `x` of shape `[.., columns]` in 32-bit floats: `[.., rows]`, in 32-bit floats again.
    pub(super) fn multiply(&self, x: &Tensor) -> Result<Tensor> {
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
    /// `name` is without its ending: `blk.0.attn_q`.
    pub(super) fn load(checkpoint: &Checkpoint, name: &str, device: &Device) -> Result<Self> {
        let matrix = Matrix::load(checkpoint.get(&format!("{name}.weight"))?, device)?;
        let bias = checkpoint.find(&format!("{name}.bias"));
        Ok(Self { matrix, bias: bias.map(|stored| stored.floats(device)).transpose()? })
    }

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
    pub(super) fn load(checkpoint: &Checkpoint, name: &str, device: &Device) -> Result<Self> {
        let weight = checkpoint.get(&format!("{name}.weight"))?.floats(device)?;
        Ok(Self { weight, epsilon: crate::units::nearest_f32(checkpoint.shape.rms_norm_eps) })
    }

    /// Normalises the last dimension.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        candle_nn::ops::rms_norm(&x.contiguous()?, &self.weight, self.epsilon)
    }
}
