//! The forward pass against the plain path, and against itself in other portions.

use candle_core::{Device, Tensor};

use super::Decoder;
use crate::engine::checkpoint::Checkpoint;
use crate::engine::plain::{Plain, Rows, Sums};
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

fn forward(decoder: &mut Decoder, rows: &[Vec<u32>]) -> Vec<Vec<Vec<f32>>> {
    let flat = Tensor::from_vec(rows.concat(), (rows.len(), rows[0].len()), &Device::Cpu).unwrap();
    let hidden = decoder.advance(&flat).unwrap();
    decoder.logits(&hidden).unwrap().to_vec3().unwrap()
}

/// Root mean square of the difference over that of the plain logits.
fn distance(found: &[Vec<f32>], plain: &Rows) -> f64 {
    let (mut error, mut all) = (0.0, 0.0);
    assert_eq!(found.len(), plain.count());
    for (index, found) in found.iter().enumerate() {
        for (found, plain) in found.iter().zip(plain.row(index)) {
            error += (f64::from(*found) - plain).powi(2);
            all += plain.powi(2);
        }
    }
    (error / all).sqrt()
}

#[test]
fn every_family_agrees_with_the_plain_path() {
    for recipe in Recipe::ALL {
        let (_folder, checkpoints) = tiny(recipe);
        for (id, checkpoint) in &checkpoints {
            let tokens = tokens(80);
            let plain = Plain::new(checkpoint, Sums::F64).logits(&tokens, 0..80).unwrap();
            let mut decoder = Decoder::load(checkpoint, &Device::Cpu).unwrap();
            let found = forward(&mut decoder, &[tokens]);
            let distance = distance(&found[0], &plain);
            println!("{id} {}: {distance}", recipe.id());
            assert!(distance < 0.06, "{id} {}: {distance}", recipe.id());
        }
    }
}
