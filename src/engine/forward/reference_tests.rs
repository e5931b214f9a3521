//! Both forward passes against transformers: tiny random checkpoints of every architecture with what can go wrong switched
//! on, and the logits that transformers computes from them (`tests/reference/README.md`). Then eight planted faults, each of
//! which has to show.

#![expect(clippy::disallowed_methods, reason = "tests write the tensors they plant")]

use std::path::PathBuf;

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device};

use super::tests::{forward, logits, ways};
use crate::engine::checkpoint::{Checkpoint, Pairing, Stored};
use crate::engine::gate;
use crate::engine::plain::{Plain, Rows, Sums};
use crate::model::{Attention, RopeScaling, SlidingWindow};
use crate::units::count_as_usize;

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

    /// The smallest and the largest of the distances that the ways to compute give.
    fn forward_distances(&self, checkpoint: &Checkpoint) -> [f64; 2] {
        let distances = ways().into_iter().map(|ways| {
            let mut forward = forward(checkpoint, ways, 1, self.prompts[0].len());
            self.distance(|prompt| {
                forward.rewind(0);
                logits(&mut forward, prompt)
            })
        });
        distances
            .fold([f64::INFINITY, 0.0], |[least, most], distance| [least.min(distance), most.max(distance)])
    }
}

/// The fixtures whose weights are 32-bit floats.
const EXACT: [&str; 8] =
    ["qwen2", "qwen2-tied", "qwen3", "llama", "mistral", "mistral3", "ministral3", "deepseek_v2"];

#[test]
fn in_32_bit_floats_every_architecture_gives_the_logits_of_transformers() {
    for name in EXACT {
        let fixture = Fixture::open(name);
        let [_, distance] = fixture.forward_distances(&fixture.checkpoint);
        assert!(distance < TOLERANCE, "{name}: {distance:.2e}");
        let plain = fixture.distance(|prompt| {
            let rows = Plain::new(&fixture.checkpoint, Sums::F64).logits(prompt, 0..prompt.len()).unwrap();
            rows.to_floats()
        });
        assert!(plain < 1e-6, "{name}: the plain path {plain:.2e}");
    }
}

/// Rows of logits as the plain path's, to measure distances from.
fn rows(logits: &[Vec<f32>]) -> Rows {
    Rows::of(logits)
}

#[test]
fn a_prompt_at_once_in_portions_and_token_by_token_gives_the_same_logits() {
    for (name, ways) in EXACT.into_iter().flat_map(|name| ways().into_iter().map(move |ways| (name, ways))) {
        let fixture = Fixture::open(name);
        let prompt = &fixture.prompts[0];
        let mut forward = forward(&fixture.checkpoint, ways, 1, prompt.len());
        let at_once = rows(&logits(&mut forward, prompt));
        for portions in [vec![7, 16, 17], vec![1; 40], vec![39, 1]] {
            forward.rewind(0);
            let (mut found, mut start) = (Vec::new(), 0);
            for portion in portions {
                found.extend(logits(&mut forward, &prompt[start..start + portion]));
                start += portion;
            }
            let checked = gate::distance(&found, &at_once, 0.0);
            assert!(checked.distance < 1e-5, "{name} {}: {checked:?}", ways.level.id());
        }
    }
}

#[test]
fn a_cache_that_was_rewound_goes_on_as_if_it_had_never_been_further() {
    for (name, ways) in EXACT.into_iter().flat_map(|name| ways().into_iter().map(move |ways| (name, ways))) {
        let fixture = Fixture::open(name);
        let (prompt, other) = (&fixture.prompts[0], &fixture.prompts[1]);
        let mut forward = forward(&fixture.checkpoint, ways, 1, 12 + other.len());
        let straight = logits(&mut forward, prompt);
        forward.rewind(0);
        logits(&mut forward, &prompt[..12]);
        logits(&mut forward, other);
        forward.rewind(12);
        let found = logits(&mut forward, &prompt[12..]);
        let checked = gate::distance(&found, &rows(&straight[12..]), 0.0);
        assert!(checked.distance < 1e-5, "{name} {}: {checked:?}", ways.level.id());
    }
}

#[test]
fn eight_sequences_together_give_what_each_gives_alone() {
    for (name, ways) in EXACT.into_iter().flat_map(|name| ways().into_iter().map(move |ways| (name, ways))) {
        let fixture = Fixture::open(name);
        let both = fixture.prompts.concat();
        let sequences: Vec<Vec<u32>> = (0..8).map(|row| both[row * 5..row * 5 + 24].to_vec()).collect();
        let mut alone = forward(&fixture.checkpoint, ways, 1, 24);
        let mut together = forward(&fixture.checkpoint, ways, 8, 24);
        // The logits of a batch are given for its last sequence: each takes that place once.
        for row in 0..8 {
            let mut turned = sequences.clone();
            turned.rotate_left(row + 1);
            alone.rewind(0);
            together.rewind(0);
            let expected = rows(&logits(&mut alone, &sequences[row]));
            let part =
                |from: usize, to: usize| turned.iter().map(|row| row[from..to].to_vec()).collect::<Vec<_>>();
            let mut found = together.logits(&part(0, 23)).unwrap();
            found.extend(together.logits(&part(23, 24)).unwrap());
            let checked = gate::distance(&found, &expected, 0.0);
            assert!(checked.distance < 1e-5, "{name} {}, row {row}: {checked:?}", ways.level.id());
        }
    }
}

/// BF16 weights meet activations that are rounded to BF16 too, F16 weights are widened; both within what the gate allows.
#[test]
fn in_16_bit_floats_the_logits_are_as_near_as_the_rounding_of_activations_explains() {
    for (name, least) in [("qwen2", 1e-4), ("llama", 1e-4), ("deepseek_v2", 1e-4)] {
        let narrow = Fixture::open(&format!("{name}-bf16"));
        let limit = gate::tolerance(&narrow.checkpoint);
        let [_, distance] = narrow.forward_distances(&narrow.checkpoint);
        // Were it smaller, nothing would be rounded, and this limit be of no use.
        assert!((least..limit).contains(&distance), "{name}: {distance:.2e} of {limit:.2e}");
        let half = Fixture::open(&format!("{name}-f16"));
        let [_, distance] = half.forward_distances(&half.checkpoint);
        assert!(distance < gate::tolerance(&half.checkpoint), "{name}: {distance:.2e}");
    }
}

/// A checkpoint in which one tensor has other values.
fn planted(
    checkpoint: &Checkpoint,
    name: &str,
    change: impl FnOnce(Vec<Vec<f32>>) -> Vec<Vec<f32>>,
) -> Planted {
    let stored = checkpoint.get(name).unwrap();
    let rows =
        stored.floats(&Device::Cpu).unwrap().reshape(((), stored.columns())).unwrap().to_vec2().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tensor");
    let bytes: Vec<u8> = change(rows).into_iter().flatten().flat_map(f32::to_le_bytes).collect();
    std::fs::write(&path, bytes).unwrap();
    let mut checkpoint = checkpoint.clone();
    let other = Stored::new(path.into(), 0, GgmlDType::F32, stored.dimensions().to_vec());
    checkpoint.replace(name, other);
    Planted { checkpoint, _folder: folder }
}

struct Planted {
    checkpoint: Checkpoint,
    _folder: tempfile::TempDir,
}

/// The fixture with another shape or pairing.
fn changed(fixture: &Fixture, change: impl FnOnce(&mut Checkpoint)) -> Checkpoint {
    let mut checkpoint = fixture.checkpoint.clone();
    change(&mut checkpoint);
    checkpoint
}

/// Every planted fault has to put the logits a hundred times further away than is allowed.
fn assert_shows(fault: &str, fixture: &Fixture, faulty: &Checkpoint) {
    let [distance, _] = fixture.forward_distances(faulty);
    assert!(distance > 100.0 * TOLERANCE, "{fault}: {distance:.2e}");
}

#[test]
fn wrong_rotary_angles_show() {
    for name in EXACT {
        let fixture = Fixture::open(name);
        let theta = changed(&fixture, |checkpoint| checkpoint.shape.rope_theta *= 1.1);
        assert_shows(&format!("{name}: theta times 1.1"), &fixture, &theta);
        let pairing = changed(&fixture, |checkpoint| {
            checkpoint.pairing = match checkpoint.pairing {
                Pairing::Halves => Pairing::Neighbours,
                Pairing::Neighbours => Pairing::Halves,
            };
        });
        assert_shows(&format!("{name}: wrong pairs"), &fixture, &pairing);
        if fixture.checkpoint.shape.rope_scaling != RopeScaling::None {
            let dropped = changed(&fixture, |checkpoint| checkpoint.shape.rope_scaling = RopeScaling::None);
            assert_shows(&format!("{name}: rotary scaling dropped"), &fixture, &dropped);
        }
    }
}

#[test]
fn a_window_that_is_one_position_off_shows() {
    let fixture = Fixture::open("mistral");
    let SlidingWindow::On(window) = fixture.checkpoint.shape.sliding_window else { panic!("no window") };
    for wrong in [SlidingWindow::On(window - 1), SlidingWindow::On(window + 1), SlidingWindow::None] {
        let faulty = changed(&fixture, |checkpoint| checkpoint.shape.sliding_window = wrong);
        assert_shows(&format!("{wrong:?} for {window}"), &fixture, &faulty);
    }
}

#[test]
fn swapped_key_and_value_heads_show() {
    for name in ["qwen2", "llama", "mistral"] {
        let fixture = Fixture::open(name);
        let Attention::Grouped { head_dim, .. } = fixture.checkpoint.shape.attention else {
            panic!("latent")
        };
        let half = count_as_usize(head_dim);
        let swap = |mut rows: Vec<Vec<f32>>| {
            rows[..2 * half].rotate_left(half);
            rows
        };
        let keys = planted(&fixture.checkpoint, "blk.1.attn_k.weight", swap);
        let both = planted(&keys.checkpoint, "blk.1.attn_v.weight", swap);
        assert_shows(&format!("{name}: heads swapped"), &fixture, &both.checkpoint);
    }
}

#[test]
fn a_bias_left_out_shows() {
    let fixture = Fixture::open("qwen2");
    for part in ["attn_q", "attn_k", "attn_v"] {
        let zeros = |rows: Vec<Vec<f32>>| rows.into_iter().map(|row| vec![0.0; row.len()]).collect();
        let faulty = planted(&fixture.checkpoint, &format!("blk.0.{part}.bias"), zeros);
        assert_shows(part, &fixture, &faulty.checkpoint);
    }
}

#[test]
fn a_tenfold_epsilon_shows() {
    for name in EXACT {
        let fixture = Fixture::open(name);
        let faulty = changed(&fixture, |checkpoint| checkpoint.shape.rms_norm_eps *= 10.0);
        assert_shows(&format!("{name}: epsilon times 10"), &fixture, &faulty);
    }
}

#[test]
fn a_tied_head_that_is_not_tied_shows() {
    let fixture = Fixture::open("llama");
    assert!(fixture.checkpoint.shape.tied_embeddings);
    let rotated = |mut rows: Vec<Vec<f32>>| {
        rows.rotate_left(1);
        rows
    };
    let mut faulty = planted(&fixture.checkpoint, "token_embd.weight", rotated);
    let other = faulty.checkpoint.get("token_embd.weight").unwrap().clone();
    let own = fixture.checkpoint.get("token_embd.weight").unwrap().clone();
    faulty.checkpoint.replace("token_embd.weight", own);
    faulty.checkpoint.replace("output.weight", other);
    faulty.checkpoint.shape.tied_embeddings = false;
    assert_shows("untied", &fixture, &faulty.checkpoint);
}
