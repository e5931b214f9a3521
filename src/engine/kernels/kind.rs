//! The ways of storing weights that there are kernels for.

use candle_core::quantized::GgmlDType;

use super::Level;

/// How the weights of a matrix are stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::engine) enum Kind {
    /// 256 values in 144 bytes: eight sub-blocks of 32 codes of 4 bits, each with a scale and a minimum of 6 bits.
    Q4K,
    /// 256 values in 210 bytes: 16 sub-blocks of 16 codes of 6 bits, each with a scale of 8 bits.
    Q6K,
    /// 32 values in 34 bytes: codes of 8 bits with one scale.
    Q8_0,
    /// 32 values in 22 bytes: codes of 5 bits with one scale.
    Q5_0,
    /// 32-bit floats.
    F32,
    /// 16-bit floats of IEEE 754.
    F16,
    /// The upper half of 32-bit floats.
    BF16,
}

/// The form of activations that weights of a kind are multiplied with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::engine) enum InputKind {
    /// 8 bits, one scale for 256 values.
    Blocks256,
    /// 8 bits, one scale for 32 values.
    Blocks32,
    /// 32-bit floats.
    Floats,
    /// BF16.
    Halves,
}

impl Kind {
    /// Every kind.
    #[cfg(test)]
    pub(in crate::engine) const ALL: [Self; 7] =
        [Self::Q4K, Self::Q6K, Self::Q8_0, Self::Q5_0, Self::F32, Self::F16, Self::BF16];

    /// The kind of a tensor in a file; `None` where there is no kernel for it.
    pub(in crate::engine) const fn of(kind: GgmlDType) -> Option<Self> {
        match kind {
            GgmlDType::Q4K => Some(Self::Q4K),
            GgmlDType::Q6K => Some(Self::Q6K),
            GgmlDType::Q8_0 => Some(Self::Q8_0),
            GgmlDType::Q5_0 => Some(Self::Q5_0),
            GgmlDType::F32 => Some(Self::F32),
            GgmlDType::F16 => Some(Self::F16),
            GgmlDType::BF16 => Some(Self::BF16),
            _ => None,
        }
    }

    /// Values of a block; 1 for plain floats.
    pub(in crate::engine) const fn block_values(self) -> usize {
        match self {
            Self::Q4K | Self::Q6K => 256,
            Self::Q8_0 | Self::Q5_0 => 32,
            Self::F32 | Self::F16 | Self::BF16 => 1,
        }
    }

    /// Bytes of a block.
    pub(in crate::engine) const fn block_bytes(self) -> usize {
        match self {
            Self::Q4K => 144,
            Self::Q6K => 210,
            Self::Q8_0 => 34,
            Self::Q5_0 => 22,
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    /// The form of activations that it is multiplied with. Blocks of 32 meet activations rounded in blocks of 32: with one
    /// scale for 256 the logits are 1.5 times as far from the exact ones.
    pub(in crate::engine) const fn input(self) -> InputKind {
        match self {
            Self::Q4K | Self::Q6K => InputKind::Blocks256,
            Self::Q8_0 | Self::Q5_0 => InputKind::Blocks32,
            Self::F32 | Self::F16 | Self::BF16 => InputKind::Floats,
        }
    }

    /// The form that is fastest on a processor: BF16 where it multiplies BF16 itself, which is what `PyTorch` does there.
    pub(in crate::engine) const fn input_for(self, level: Level) -> InputKind {
        if matches!(self, Self::BF16) && level.has_bf16() { InputKind::Halves } else { self.input() }
    }
}
