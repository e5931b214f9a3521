//! Quantised files against llama.cpp: this program may be at most one and a half times as far from the exact logits of a file as
//! llama.cpp is. The exact ones are transformers' in 64-bit floats (`tests/reference/README.md`).

#![expect(clippy::disallowed_methods, reason = "tests read what is kept")]

use std::path::PathBuf;

use candle_core::{Device, Tensor};

use super::tests::{forward, logits, ways};
use crate::engine::checkpoint::Checkpoint;
use crate::engine::gate;
use crate::engine::plain::{Plain, Rows, Sums};
use crate::model::{Recipe, Registry, ensure_synthetic, sha256};

/// What this program's distance may be, in llama.cpp's.
const ALLOWANCE: f64 = 1.5;

struct Kept {
    tokens: Vec<u32>,
    positions: Vec<usize>,
    llama_cpp: Vec<Vec<f32>>,
    exact: Vec<Vec<f32>>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/reference/llama-cpp")
}

/// Numbers of any width as they are used to index.
fn indices(tensor: &Tensor) -> Vec<u32> {
    tensor.to_dtype(candle_core::DType::U32).unwrap().to_vec1().unwrap()
}

fn kept(model: &str, recipe: Recipe) -> Kept {
    let path = folder().join(format!("{model}.{}.safetensors", recipe.id()));
    let file = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
    Kept {
        tokens: indices(&file["tokens"]),
        positions: indices(&file["positions"]).iter().map(|index| usize::try_from(*index).unwrap()).collect(),
        llama_cpp: file["llama_cpp"].to_vec2().unwrap(),
        exact: file["float64"].to_vec2().unwrap(),
    }
}

#[test]
fn quantised_weights_are_computed_as_exactly_as_llama_cpp_does() {
    let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
    let digests = std::fs::read_to_string(folder().join("files.toml")).unwrap();
    let (cache, mut compared) = (tempfile::tempdir().unwrap(), 0);
    for model in registry.test_shapes() {
        for recipe in Recipe::ALL {
            let name = format!("{}.{}", model.id, recipe.id());
            if !folder().join(format!("{name}.safetensors")).exists() {
                continue;
            }
            let file = ensure_synthetic(cache.path(), model, recipe, 1, &mut |_| {}).unwrap();
            assert!(
                digests.contains(&sha256(&file.path).unwrap()),
                "{name}: another file than llama.cpp read"
            );
            let kept = kept(model.id.as_str(), recipe);
            let checkpoint = Checkpoint::open(&file.path).unwrap();
            let exact = Rows::of(&kept.exact);
            let distance = |logits: &[Vec<f32>]| gate::distance(logits, &exact, 0.0).distance;
            let theirs = distance(&kept.llama_cpp);
            for ways in ways() {
                let mut forward = forward(&checkpoint, ways, 1, kept.tokens.len());
                let all = logits(&mut forward, &kept.tokens);
                let own: Vec<Vec<f32>> =
                    kept.positions.iter().map(|&position| all[position].clone()).collect();
                let (own, level) = (distance(&own), ways.level.id());
                assert!(own < ALLOWANCE * theirs, "{name} {level}: ours {own:.4}, llama.cpp's {theirs:.4}");
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 18, "six shapes, three recipes");
}

/// The yardstick itself: the plain path reads the same weights and gives transformers' logits.
#[test]
fn the_plain_path_gives_the_exact_logits_of_quantised_files() {
    let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
    let cache = tempfile::tempdir().unwrap();
    for id in ["tiny-llama3", "tiny-deepseek2"] {
        let model = registry.get(id).unwrap();
        let file = ensure_synthetic(cache.path(), model, Recipe::Q4KM, 1, &mut |_| {}).unwrap();
        let (kept, checkpoint) = (kept(id, Recipe::Q4KM), Checkpoint::open(&file.path).unwrap());
        // The first positions tell, and a debug build is slow.
        let plain = Plain::new(&checkpoint, Sums::F64).logits(&kept.tokens[..9], 0..9).unwrap();
        let positions: Vec<usize> = kept.positions.iter().copied().filter(|position| *position < 9).collect();
        let logits = plain.to_floats();
        let own: Vec<Vec<f32>> = positions.iter().map(|&position| logits[position].clone()).collect();
        let checked = gate::distance(&own, &Rows::of(&kept.exact[..own.len()]), 0.0);
        assert!(checked.distance < 1e-5, "{id}: {checked:?}");
    }
}
