//! The forward pass against the plain path on quantised files.

use candle_core::Device;

use super::{Forward, Ways};
use crate::engine::checkpoint::Checkpoint;
use crate::engine::gate;
use crate::engine::kernels::Level;
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

/// Every way in which this machine can compute: candle's tensors, and each set of instructions that there are kernels for.
pub(super) fn ways() -> Vec<Ways> {
    Level::all().into_iter().map(|level| Ways { level, threads: 3, repacks: true }).collect()
}

/// A forward pass with room for `batch` sequences of `positions`.
pub(super) fn forward(checkpoint: &Checkpoint, ways: Ways, batch: usize, positions: usize) -> Forward {
    let mut forward = Forward::load(checkpoint, &Device::Cpu, ways).unwrap();
    assert_eq!(matches!(forward, Forward::Host(_)), ways.level.is_fast());
    forward.renew(batch, positions).unwrap();
    forward
}

/// The logits after each token of one sequence.
pub(super) fn logits(forward: &mut Forward, tokens: &[u32]) -> Vec<Vec<f32>> {
    forward.logits(&[tokens.to_vec()]).unwrap()
}

/// Quantised files of every family and recipe: the distance is what the rounding of activations explains.
#[test]
fn every_family_agrees_with_the_plain_path_in_every_precision() {
    for recipe in Recipe::ALL {
        let (_folder, checkpoints) = tiny(recipe);
        for (id, checkpoint) in &checkpoints {
            let tokens = tokens(20);
            let plain = Plain::new(checkpoint, Sums::F32).logits(&tokens, 0..20).unwrap();
            for ways in ways() {
                let mut forward = forward(checkpoint, ways, 1, 20);
                let logits = logits(&mut forward, &tokens);
                let checked = gate::distance(&logits, &plain, gate::tolerance(checkpoint));
                let level = ways.level.id();
                assert!(
                    checked.finite && checked.distance < checked.tolerance,
                    "{id} {} {level}: {checked:?}",
                    recipe.id()
                );
            }
        }
    }
}

#[test]
fn what_does_not_fit_the_cache_or_the_vocabulary_is_refused() {
    let (_folder, checkpoints) = tiny(Recipe::Q8_0);
    let (_, checkpoint) = &checkpoints[0];
    let ways = Ways { level: Level::best(), threads: 2, repacks: true };
    let mut forward = Forward::load(checkpoint, &Device::Cpu, ways).unwrap();
    let refused =
        |forward: &mut Forward, tokens: &[u32]| forward.take_in(&[tokens.to_vec()]).unwrap_err().to_string();
    assert!(refused(&mut forward, &[]).contains("without tokens"));
    if let Forward::Host(_) = forward {
        assert!(refused(&mut forward, &[1]).contains("no room for 1 tokens"));
        forward.renew(1, 4).unwrap();
        assert!(refused(&mut forward, &[1, 2, 3, 4, 5]).contains("no room for 5 tokens"));
        assert!(refused(&mut forward, &[9_999_999]).contains("beyond the vocabulary"));
        forward.take_in(&[vec![1, 2, 3, 4]]).unwrap();
        assert!(refused(&mut forward, &[5]).contains("no room for 1 tokens of 1 sequences after 4"));
    }
}
