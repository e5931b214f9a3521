//! The storage types of GGUF files by their numbers.

use candle_core::quantized::GgmlDType;

/// The type with this number (`ggml_type` in `ggml.h` of the ggml repository), if candle can compute with it.
pub(super) const fn kind(number: u32) -> Option<GgmlDType> {
    Some(match number {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        9 => GgmlDType::Q8_1,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        15 => GgmlDType::Q8K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
}

/// The name of a type that llama.cpp has and candle has not.
pub(super) const fn foreign_name(number: u32) -> Option<&'static str> {
    Some(match number {
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        29 => "IQ1_M",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TensorType;

    #[test]
    fn the_types_we_write_are_read_with_the_same_blocks() {
        for written in TensorType::ALL {
            let read = kind(written.ggml_id()).unwrap();
            let block = (read.block_size().try_into().unwrap(), read.type_size().try_into().unwrap());
            assert_eq!(written.block(), block, "{written:?}");
        }
        assert!((0..100).all(|number| kind(number).is_none() || foreign_name(number).is_none()));
    }
}
