//! Synthetic checkpoints as others see them: read by candle, run by candle's model, compared with llama.cpp.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::num::NonZeroUsize;

use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen2};
use sha2::{Digest, Sha256};

use super::shape::tests::distill_1_5b;
use super::{
    FeedForward, Mixture, ModelSpec, Recipe, Registry, Shape, TensorRole, TensorSpec, synthetic_bytes,
    write_synthetic,
};
use crate::units::{count_as_f64, hexadecimal, index_as_u64};

/// SHA-256 of the tiny model's file for seed 1. If it changes, raise `GENERATOR` and run `proof/check_llama_cpp.py --write`.
const TINY_SHA256: &str = "e1e802351da8e2f8c15202879a361a212964e3440bdc0f6432f79577c312e628";

fn spec(id: &str) -> ModelSpec {
    let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
    registry.get(id).unwrap().clone()
}

fn file(spec: &ModelSpec, seed: u64, threads: usize) -> Vec<u8> {
    file_at(spec, Recipe::Q4KM, seed, threads)
}

fn file_at(spec: &ModelSpec, precision: Recipe, seed: u64, threads: usize) -> Vec<u8> {
    let (mut file, threads) = (Vec::new(), NonZeroUsize::new(threads).unwrap());
    let written = write_synthetic(&mut file, spec, precision, seed, threads).unwrap();
    assert_eq!(written, synthetic_bytes(spec, precision).unwrap());
    assert_eq!(written.count(), u64::try_from(file.len()).unwrap());
    file
}

fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Logits of the token after `ids`.
fn logits(file: &[u8], ids: &[u32]) -> Vec<f32> {
    let (mut reader, device) = (Cursor::new(file), Device::Cpu);
    let content = Content::read(&mut reader).unwrap();
    let ids = Tensor::new(ids, &device).unwrap().unsqueeze(0).unwrap();
    let logits = if content.metadata["general.architecture"].to_string().unwrap() == "llama" {
        let mut model = quantized_llama::ModelWeights::from_gguf(content, &mut reader, &device).unwrap();
        model.forward(&ids, 0).unwrap()
    } else {
        let mut model = quantized_qwen2::ModelWeights::from_gguf(content, &mut reader, &device).unwrap();
        model.forward(&ids, 0).unwrap()
    };
    logits.flatten_all().unwrap().to_vec1().unwrap()
}

fn mean_and_std(values: &[f32]) -> (f64, f64) {
    let n = count_as_f64(values.len().try_into().unwrap());
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    (mean, (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt())
}

#[test]
fn a_seed_gives_the_same_bytes_everywhere() {
    let spec = spec("tiny-qwen2");
    let one = file(&spec, 1, 1);
    assert_eq!(digest(&one), TINY_SHA256);
    assert!(file(&spec, 1, 3) == one, "the number of threads changes the bytes");
    assert!(file(&spec, 2, 1) != one, "the seed does not change the bytes");
}

#[test]
fn candle_reads_every_tensor_of_every_family_with_the_type_of_the_recipe() {
    let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
    for spec in registry.test_shapes() {
        for precision in Recipe::ALL {
            let mut reader = Cursor::new(file_at(spec, precision, 1, 2));
            let content = Content::read(&mut reader).unwrap();
            let tensors = spec.shape.tensors();
            for tensor in &tensors {
                let read = content.tensor(&mut reader, &tensor.name, &Device::Cpu).unwrap();
                let kind = spec.shape.tensor_type(tensor, precision);
                assert_eq!(format!("{:?}", read.dtype()), format!("{kind:?}"), "{} {}", spec.id, tensor.name);
                let sizes: Vec<u64> = read.shape().dims().iter().rev().map(|&n| index_as_u64(n)).collect();
                assert_eq!(sizes, tensor.dimensions, "{} {}", spec.id, tensor.name);
                let values = read.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
                check_statistics(&spec.shape, tensor, &values);
            }
            assert_eq!(content.tensor_infos.len(), tensors.len(), "{}", spec.id);
            let description = content.metadata["general.description"].to_string().unwrap();
            assert!(description.contains("meaningless as text"));
        }
    }
}

#[test]
fn the_types_of_the_first_tiny_file_are_those_of_a_real_one() {
    let shape = spec("tiny-qwen2").shape;
    let mut types = BTreeMap::<_, usize>::new();
    for tensor in shape.tensors() {
        *types.entry(shape.tensor_type(&tensor, Recipe::Q4KM).label()).or_default() += 1;
    }
    assert_eq!(types, [("F32", 21), ("Q4_K", 25), ("Q6_K", 5)].into());
}

#[test]
fn a_recipe_with_blocks_that_are_not_drawn_is_refused() {
    let mut spec = spec("tiny-llama");
    spec.shape.feed_forward = FeedForward::Mixture(Mixture {
        intermediate: 512,
        dense_layers: 0,
        experts: 8,
        experts_per_token: 2,
        shared_experts: 0,
        expert_intermediate: 512,
    });
    let error = synthetic_bytes(&spec, Recipe::Q4KM).unwrap_err().to_string();
    assert!(error.starts_with("model `tiny-llama` needs Q5_K blocks"), "{error}");
    assert!(synthetic_bytes(&spec, Recipe::Q8_0).is_ok());
}

fn check_statistics(shape: &Shape, tensor: &TensorSpec, values: &[f32]) {
    let (mean, std) = mean_and_std(values);
    let residual = count_as_f64(2 * shape.layers).sqrt();
    let scale = match tensor.role {
        TensorRole::Norm => return assert!(values.iter().all(|v| v.to_bits() == 1.0_f32.to_bits())),
        TensorRole::Bias => return assert!(mean.abs() < 0.05 && (0.07..0.13).contains(&std), "{std}"),
        TensorRole::RotaryFactors => return assert!(values.iter().all(|v| (1.0..=8.0).contains(v))),
        TensorRole::Embedding if !shape.tied_embeddings => count_as_f64(shape.hidden).sqrt(),
        TensorRole::Embedding | TensorRole::Output => 2.0,
        TensorRole::Projection
        | TensorRole::AttentionKey
        | TensorRole::AttentionValue
        | TensorRole::LatentValue
        | TensorRole::Router => 1.0,
        TensorRole::LatentKey => (count_as_f64(tensor.columns()) / count_as_f64(tensor.dimensions[1])).sqrt(),
        TensorRole::AttentionOutput | TensorRole::FeedForwardDown => 1.0 / residual,
    };
    let target = scale / count_as_f64(tensor.columns()).sqrt();
    // Five standard errors of a standard deviation, and the rounding of the steps.
    let tolerance = 0.02 + 5.0 / (2.0 * count_as_f64(tensor.values())).sqrt();
    assert!((std / target - 1.0).abs() < tolerance, "{}: {std}, not {target}", tensor.name);
    let error = target / count_as_f64(tensor.values()).sqrt();
    assert!(mean.abs() < 5.0 * error, "{}: mean {mean}", tensor.name);
}

#[test]
fn activations_stay_sane() {
    let file = file(&spec("tiny-qwen2"), 1, 2);
    for ids in [vec![509], (0..100).collect(), vec![65; 64]] {
        let (mean, std) = mean_and_std(&logits(&file, &ids));
        assert!(mean.abs() < 0.5 && (1.5..2.5).contains(&std), "logits of mean {mean}, std {std}");
    }
}

/// llama.cpp's answers for the same file; `proof/README.md` says how they were made.
const LLAMA_CPP: &str = include_str!("../../tests/data/llama-cpp-tiny.json");

/// Largest relative distance (root mean square) to llama.cpp's logits. Both round activations to 8 bits on the way through
/// every matrix, each in its own way; 0.011 was observed.
const LLAMA_CPP_TOLERANCE: f64 = 0.025;

#[test]
fn candle_and_llama_cpp_agree_on_the_logits() {
    let fixture: serde_json::Value = serde_json::from_str(LLAMA_CPP).unwrap();
    assert_eq!(fixture["file_sha256"], TINY_SHA256, "run proof/check_llama_cpp.py --write");
    let list = |key: &str| fixture[key].as_array().unwrap();
    let tokens: Vec<u32> = list("tokens").iter().map(|t| t.as_u64().unwrap().try_into().unwrap()).collect();
    let theirs: Vec<_> = list("last_logits").iter().map(|logit| logit.as_f64().unwrap()).collect();
    let file = file(&spec("tiny-qwen2"), 1, 2);
    let ours = logits(&file, &tokens);
    assert_eq!(ours.len(), theirs.len());
    let gap: f64 = ours.iter().zip(&theirs).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum();
    let distance = (gap / theirs.iter().map(|b| b * b).sum::<f64>()).sqrt();
    assert!(distance < LLAMA_CPP_TOLERANCE, "relative distance {distance}");
    for (end, top) in (1..).zip(list("top_tokens")) {
        let ours = logits(&file, &tokens[..end]);
        let best = (0_u32..).zip(ours).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0;
        assert_eq!(u64::from(best), top.as_u64().unwrap(), "after {end} tokens");
    }
}

/// llama.cpp's most likely tokens for the tiny Llama, which it was asked for as a server.
const LLAMA_CPP_LLAMA: &str = include_str!("../../tests/data/llama-cpp-tiny-llama.json");

/// Largest distance of a log-probability to llama.cpp's; the logits have standard deviation 2, of which 0.1 is a twentieth.
const LOG_PROBABILITY_TOLERANCE: f64 = 0.1;

#[test]
fn candle_and_llama_cpp_agree_on_the_likely_tokens_of_a_llama() {
    let fixture: serde_json::Value = serde_json::from_str(LLAMA_CPP_LLAMA).unwrap();
    let tokens: Vec<u32> = serde_json::from_value(fixture["tokens"].clone()).unwrap();
    let mut compared = 0;
    for precision in Recipe::ALL {
        let file = file_at(&spec("tiny-llama"), precision, 1, 2);
        let theirs = &fixture["files"][precision.id()];
        assert_eq!(theirs["sha256"], digest(&file), "{precision:?}");
        let top: Vec<Option<Vec<(usize, f64)>>> = serde_json::from_value(theirs["top"].clone()).unwrap();
        for (end, top) in (1..).zip(top) {
            let ours = logits(&file, &tokens[..end]);
            let sum: f64 = ours.iter().map(|&logit| f64::from(logit).exp()).sum();
            for (token, expected) in top.unwrap_or_default() {
                let found = f64::from(ours[token]) - sum.ln();
                let gap = (found - expected).abs();
                assert!(gap < LOG_PROBABILITY_TOLERANCE, "{precision:?}, {end} tokens: {found}, {expected}");
                compared += 1;
            }
        }
    }
    // Three for each of ten prefixes of four files, less the one where the server printed none.
    assert_eq!(compared, 117);
}

#[test]
fn a_tied_table_serves_as_output_with_the_same_logits_scale() {
    let mut spec = spec("tiny-qwen2");
    spec.shape.tied_embeddings = true;
    let (_, std) = mean_and_std(&logits(&file(&spec, 1, 2), &[509, 300, 301]));
    assert!((1.5..2.5).contains(&std), "logits of std {std}");
}

#[test]
fn the_full_size_is_known_without_writing() {
    let spec = spec("r1-distill-qwen-1.5b");
    assert_eq!(spec.shape, distill_1_5b());
    assert_eq!(synthetic_bytes(&spec, Recipe::Q4KM).unwrap().count(), 1_114_408_224);
}

/// Takes 1.1 GB of memory for the file and 2.4 GB for the model; run it in release mode.
#[test]
#[ignore = "writes and runs the 1.1 GB file: cargo test --release --lib -- --ignored full_shape"]
fn activations_of_the_full_shape_stay_sane() {
    let file = file(&spec("r1-distill-qwen-1.5b"), 1, 2);
    let (mean, std) = mean_and_std(&logits(&file, &[151_646, 151_644, 300, 4_000, 100_000, 151_645]));
    assert!(mean.abs() < 0.1 && (1.8..2.2).contains(&std), "logits of mean {mean}, std {std}");
}
