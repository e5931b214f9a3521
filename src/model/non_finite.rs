//! Whether stored weights hold infinities or what is no number, without turning them into floats.

use candle_core::quantized::GgmlDType;

/// The floats of a block: all else in it is whole numbers, which are finite whatever their bits.
enum Floats {
    /// 32-bit ones, at these bytes of a block of so many.
    Single(&'static [usize], usize),
    /// 16-bit ones of IEEE 754.
    Half(&'static [usize], usize),
    /// 16-bit ones with the exponent of 32-bit ones, side by side.
    Brain,
}

/// Where the floats of each type stand. Source: the structures of `ggml-common.h` of the ggml repository.
const fn floats(kind: GgmlDType) -> Floats {
    match kind {
        GgmlDType::F32 => Floats::Single(&[0], 4),
        GgmlDType::F16 => Floats::Half(&[0], 2),
        GgmlDType::BF16 => Floats::Brain,
        GgmlDType::Q4_0 => Floats::Half(&[0], 18),
        GgmlDType::Q4_1 => Floats::Half(&[0, 2], 20),
        GgmlDType::Q5_0 => Floats::Half(&[0], 22),
        GgmlDType::Q5_1 => Floats::Half(&[0, 2], 24),
        GgmlDType::Q8_0 => Floats::Half(&[0], 34),
        GgmlDType::Q8_1 => Floats::Half(&[0, 2], 36),
        GgmlDType::Q2K => Floats::Half(&[80, 82], 84),
        GgmlDType::Q3K => Floats::Half(&[108], 110),
        GgmlDType::Q4K => Floats::Half(&[0, 2], 144),
        GgmlDType::Q5K => Floats::Half(&[0, 2], 176),
        GgmlDType::Q6K => Floats::Half(&[208], 210),
        GgmlDType::Q8K => Floats::Single(&[0], 292),
    }
}

/// True if a weight is infinite or no number: of a quantised block, if a scale or a minimum is. `bytes` are the whole tensor, or
/// any whole number of its blocks.
///
/// A scan and no conversion: of a quantised tensor it looks at two or four bytes of each block.
pub fn has_non_finite(kind: GgmlDType, bytes: &[u8]) -> bool {
    match floats(kind) {
        Floats::Single(_, 4) => any_of_plain(bytes, is_single_beyond),
        Floats::Single(at, block) => any_of_blocks(bytes, at, block, is_single_beyond),
        Floats::Half(_, 2) => any_of_plain(bytes, is_half_beyond),
        Floats::Half(at, block) => any_of_blocks(bytes, at, block, is_half_beyond),
        Floats::Brain => any_of_plain(bytes, is_brain_beyond),
    }
}

/// An exponent of ones alone, here and below: infinite, or no number.
const fn is_single_beyond(float: [u8; 4]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    u32::from_le_bytes(float) & EXPONENT == EXPONENT
}

const fn is_half_beyond(float: [u8; 2]) -> bool {
    const EXPONENT: u16 = 0x7c00;
    u16::from_le_bytes(float) & EXPONENT == EXPONENT
}

const fn is_brain_beyond(float: [u8; 2]) -> bool {
    const EXPONENT: u16 = 0x7f80;
    u16::from_le_bytes(float) & EXPONENT == EXPONENT
}

/// Floats side by side. Nothing ends the inner loop early, so that it compiles to wide instructions.
fn any_of_plain<const N: usize>(bytes: &[u8], is_beyond: impl Fn([u8; N]) -> bool) -> bool {
    let (floats, _) = bytes.as_chunks::<N>();
    floats.chunks(4_096).any(|part| part.iter().fold(false, |found, float| found | is_beyond(*float)))
}

/// The floats at these bytes of each block.
fn any_of_blocks<const N: usize>(
    bytes: &[u8],
    at: &[usize],
    block: usize,
    is_beyond: impl Fn([u8; N]) -> bool,
) -> bool {
    let float = |block: &[u8], at: usize| block[at..].first_chunk().is_some_and(|float| is_beyond(*float));
    bytes.chunks_exact(block).any(|block| at.iter().any(|&at| float(block, at)))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use candle_core::Device;
    use candle_core::quantized::{QStorage, QTensor};

    use super::*;

    const KINDS: [GgmlDType; 15] = [
        GgmlDType::F32,
        GgmlDType::F16,
        GgmlDType::BF16,
        GgmlDType::Q4_0,
        GgmlDType::Q4_1,
        GgmlDType::Q5_0,
        GgmlDType::Q5_1,
        GgmlDType::Q8_0,
        GgmlDType::Q8_1,
        GgmlDType::Q2K,
        GgmlDType::Q3K,
        GgmlDType::Q4K,
        GgmlDType::Q5K,
        GgmlDType::Q6K,
        GgmlDType::Q8K,
    ];

    /// Blocks whose codes are all ones and whose floats are one, and where the floats stand.
    fn blocks(kind: GgmlDType, count: usize) -> (Vec<u8>, &'static [usize], usize) {
        let (at, size, one): (_, _, &[u8]) = match floats(kind) {
            Floats::Single(at, size) => (at, size, &[0, 0, 0x80, 0x3f]),
            Floats::Half(at, size) => (at, size, &[0, 0x3c]),
            Floats::Brain => (&[0], 2, &[0x80, 0x3f]),
        };
        assert_eq!(size, kind.type_size(), "{kind:?}");
        let mut bytes = vec![0xff; size * count];
        for block in bytes.chunks_mut(size) {
            for &at in at {
                block[at..at + one.len()].copy_from_slice(one);
            }
        }
        (bytes, at, size)
    }

    /// What candle makes of the same bytes.
    fn dequantises_to_finite(kind: GgmlDType, bytes: &[u8]) -> bool {
        let count = bytes.len() / kind.type_size() * kind.block_size();
        let storage = QStorage::from_data(Cow::Borrowed(bytes), &Device::Cpu, kind).unwrap();
        let tensor = QTensor::new(storage, count).unwrap().dequantize(&Device::Cpu).unwrap();
        tensor.to_vec1::<f32>().unwrap().iter().all(|value| value.is_finite())
    }

    #[test]
    fn every_float_of_every_type_is_looked_at_and_nothing_else() {
        for kind in KINDS {
            // More than one part, and a last one that is not full.
            let count = 2_050;
            let (good, at, size) = blocks(kind, count);
            assert!(!has_non_finite(kind, &good), "{kind:?}");
            // candle has no code that turns these into floats.
            let comparable = kind != GgmlDType::Q8_1;
            assert!(!comparable || dequantises_to_finite(kind, &good), "{kind:?}");
            for block in [0, 1_023, 1_024, count - 1] {
                for &at in at {
                    for beyond in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN] {
                        let float: Vec<u8> = match floats(kind) {
                            Floats::Single(..) => beyond.to_le_bytes().into(),
                            Floats::Half(..) => half::f16::from_f32(beyond).to_le_bytes().into(),
                            Floats::Brain => half::bf16::from_f32(beyond).to_le_bytes().into(),
                        };
                        let mut bad = good.clone();
                        let at = block * size + at;
                        bad[at..at + float.len()].copy_from_slice(&float);
                        assert!(has_non_finite(kind, &bad), "{kind:?}, block {block}, {beyond}");
                        let last = &bad[block * size..(block + 1) * size];
                        assert!(!comparable || !dequantises_to_finite(kind, last), "{kind:?}, {beyond}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_largest_and_smallest_numbers_are_finite() {
        for value in [f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45, -0.0] {
            assert!(!has_non_finite(GgmlDType::F32, &value.to_le_bytes()), "{value}");
        }
        for value in [half::f16::MAX, half::f16::MIN, half::f16::MIN_POSITIVE_SUBNORMAL] {
            assert!(!has_non_finite(GgmlDType::F16, &value.to_le_bytes()), "{value}");
        }
        for value in [half::bf16::MAX, half::bf16::MIN, half::bf16::MIN_POSITIVE_SUBNORMAL] {
            assert!(!has_non_finite(GgmlDType::BF16, &value.to_le_bytes()), "{value}");
        }
        assert!(!has_non_finite(GgmlDType::Q4K, &[]));
    }
}
