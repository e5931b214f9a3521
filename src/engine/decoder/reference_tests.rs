//! Both forward passes against transformers: tiny random checkpoints of every architecture with what can go wrong switched
//! on, and the logits that transformers computes from them (`tests/reference/README.md`). Then eight planted faults, each of
//! which has to show.

use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};

use super::Decoder;
use crate::engine::checkpoint::{Checkpoint, Pairing};
use crate::engine::gate;
use crate::engine::plain::{Plain, Rows, Sums};
use crate::model::{RopeScaling, SlidingWindow};

/// How far logits in 32-bit floats may be from the reference's, over their standard deviation.
const TOLERANCE: f64 = 1e-4;

/// A checkpoint and what is expected of it.
struct Fixture {
    checkpoint: Checkpoint,
    prompts: Vec<Vec<u32>>,
    /// One matrix of logits per prompt.
    logits: Vec<Rows>,
}

impl Fixture {
    fn open(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/reference").join(name);
        let expected =
            candle_core::safetensors::load(folder.join("expected.safetensors"), &Device::Cpu).unwrap();
        let tokens: Vec<Vec<i64>> = expected["tokens"].to_vec2().unwrap();
        let row = |row: Vec<i64>| row.into_iter().map(|token| u32::try_from(token).unwrap()).collect();
        let logits: Vec<Vec<Vec<f32>>> = expected["logits"].to_dtype(DType::F32).unwrap().to_vec3().unwrap();
        Self {
            checkpoint: Checkpoint::open(&folder).unwrap(),
            prompts: tokens.into_iter().map(row).collect(),
            logits: logits.iter().map(|prompt| Rows::of(prompt)).collect(),
        }
    }

    /// The largest distance over the prompts, of logits that `computed` gives for each.
    fn distance(&self, mut computed: impl FnMut(&[u32]) -> Vec<Vec<f32>>) -> f64 {
        let distances = self.prompts.iter().zip(&self.logits).map(|(prompt, expected)| {
            let checked = gate::distance(&computed(prompt), expected, 0.0);
            assert!(checked.finite);
            checked.distance
        });
        distances.fold(0.0, f64::max)
    }

    fn decoder_distance(&self, checkpoint: &Checkpoint) -> f64 {
        let mut decoder = Decoder::load(checkpoint, &Device::Cpu).unwrap();
        self.distance(|prompt| {
            decoder.rewind(0);
            logits(&mut decoder, prompt)
        })
    }
}

fn logits(decoder: &mut Decoder, tokens: &[u32]) -> Vec<Vec<f32>> {
    let tokens = Tensor::new(tokens, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let hidden = decoder.advance(&tokens).unwrap();
    decoder.logits(&hidden).unwrap().squeeze(0).unwrap().to_vec2().unwrap()
}

/// The fixtures whose weights are 32-bit floats.
const EXACT: [&str; 3] = ["qwen2", "llama", "mistral"];

#[test]
fn in_32_bit_floats_every_architecture_gives_the_logits_of_transformers() {
    for name in EXACT {
        let fixture = Fixture::open(name);
        let distance = fixture.decoder_distance(&fixture.checkpoint);
        println!("{name}: {distance:.2e}");
        assert!(distance < TOLERANCE, "{name}: {distance:.2e}");
        let plain = fixture.distance(|prompt| {
            let rows = Plain::new(&fixture.checkpoint, Sums::F64).logits(prompt, 0..prompt.len()).unwrap();
            rows.to_floats()
        });
        println!("{name} plain: {plain:.2e}");
        assert!(plain < 1e-6, "{name}: the plain path {plain:.2e}");
    }
}
