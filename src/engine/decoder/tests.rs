//! The forward pass against the plain path on quantised files.

use candle_core::{Device, Tensor};

use super::Decoder;
use crate::engine::checkpoint::Checkpoint;
use crate::engine::gate;
use crate::engine::plain::{Plain, Sums};
use crate::model::{Recipe, Registry, ensure_synthetic};

/// The tiny shapes as files of one recipe.
fn tiny(recipe: Recipe) -> (tempfile::TempDir, Vec<(String, Checkpoint)>) {
    let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let open = |model: &crate::model::ModelSpec| {
        let file = ensure_synthetic(folder.path(), model, recipe, 1, &mut |_| {}).unwrap();
        (model.id.to_string(), Checkpoint::open(&file.path).unwrap())
    };
    let opened = registry.test_shapes().map(open).collect();
    (folder, opened)
}

fn tokens(count: u32) -> Vec<u32> {
    (0..count).map(|index| (index * 37 + 11) % 500).collect()
}

/// The logits after each token of one sequence.
pub(super) fn logits(decoder: &mut Decoder, tokens: &[u32]) -> Vec<Vec<f32>> {
    let tokens = Tensor::new(tokens, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let hidden = decoder.advance(&tokens).unwrap();
    decoder.logits(&hidden).unwrap().squeeze(0).unwrap().to_vec2().unwrap()
}

/// Quantised files of every family and recipe: the distance is what the rounding of activations explains.
#[test]
fn every_family_agrees_with_the_plain_path_in_every_precision() {
    for recipe in Recipe::ALL {
        let (_folder, checkpoints) = tiny(recipe);
        for (id, checkpoint) in &checkpoints {
            let tokens = tokens(20);
            let plain = Plain::new(checkpoint, Sums::F32).logits(&tokens, 0..20).unwrap();
            let mut decoder = Decoder::load(checkpoint, &Device::Cpu, true).unwrap();
            let checked = gate::distance(&logits(&mut decoder, &tokens), &plain, gate::tolerance(checkpoint));
            assert!(
                checked.finite && checked.distance < checked.tolerance,
                "{id} {}: {checked:?}",
                recipe.id()
            );
        }
    }
}
