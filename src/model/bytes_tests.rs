//! The arithmetic of every shape against byte counts worked out apart from this program.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use super::{
    Attention, Family, FeedForward, GgufFile, Mixture, ModelRole, Recipe, Registry, RopeScaling, Shape,
    SlidingWindow, SyntheticPlan, shape_of,
};

const EXPECTED: &str = include_str!("../../tests/data/model-bytes.toml");

fn types(shape: &Shape) -> BTreeMap<String, u64> {
    let mut types = BTreeMap::new();
    for tensor in shape.tensors() {
        *types.entry(shape.tensor_type(&tensor, Recipe::Q4KM).label().to_owned()).or_default() += 1;
    }
    types
}

#[test]
fn every_model_has_the_bytes_worked_out_for_it() {
    let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
    let expected: toml::Table = EXPECTED.parse().unwrap();
    let rows = expected["model"].as_array().unwrap();
    let measured = registry.models().iter().filter(|model| model.role == ModelRole::Measure);
    assert_eq!(measured.count(), rows.len(), "each model of models.toml has its row");
    for row in rows {
        let id = row["id"].as_str().unwrap();
        let shape = &registry.get(id).unwrap().shape;
        assert!(!row["source"].as_str().unwrap().is_empty(), "{id}");
        let bytes = |precision| shape.bytes(precision).count();
        let read = |precision| shape.read_bytes_per_step(precision).count();
        for (key, derived) in [
            ("parameters", shape.parameters()),
            ("active_parameters", shape.active_parameters()),
            ("matrix_parameters", shape.matrix_parameters()),
            ("tensors", shape.tensors().len().try_into().unwrap()),
            ("bf16_bytes", 2 * shape.parameters()),
            ("q4_k_m_bytes", bytes(Recipe::Q4KM)),
            ("q6_k_bytes", bytes(Recipe::Q6K)),
            ("q8_0_bytes", bytes(Recipe::Q8_0)),
            ("bf16_file_bytes", bytes(Recipe::BF16)),
            ("q4_k_m_read_bytes", read(Recipe::Q4KM)),
            ("q6_k_read_bytes", read(Recipe::Q6K)),
            ("q8_0_read_bytes", read(Recipe::Q8_0)),
            ("bf16_read_bytes", read(Recipe::BF16)),
            ("kv_bytes_per_token", shape.kv_bytes_per_token(2).count()),
        ] {
            let expected = u64::try_from(row[key].as_integer().unwrap()).unwrap();
            assert_eq!(derived, expected, "{key} of {id}");
        }
        let expected = row["q4_k_m_types"].as_table().unwrap().iter();
        let expected: BTreeMap<String, u64> =
            expected.map(|(kind, n)| (kind.clone(), n.as_integer().unwrap().try_into().unwrap())).collect();
        assert_eq!(types(shape), expected, "{id}");
    }
}

fn llama(layers: u64, hidden: u64, heads: u64, vocab: u64, feed_forward: FeedForward) -> Shape {
    Shape {
        family: Family::Llama,
        layers,
        hidden,
        attention: Attention::Grouped { heads, kv_heads: 8, head_dim: 128 },
        feed_forward,
        vocab,
        tied_embeddings: false,
        rope_theta: 1e6,
        rope_scaling: RopeScaling::None,
        rms_norm_eps: 1e-5,
        max_positions: 32_768,
        sliding_window: SlidingWindow::None,
    }
}

/// Mixtral 8x7B: eight experts. Counted by hand of the same rules; its 46.7 and 12.9 billion are published.
#[test]
fn eight_experts_have_rules_of_their_own() {
    let mixture = Mixture {
        intermediate: 14_336,
        dense_layers: 0,
        experts: 8,
        experts_per_token: 2,
        shared_experts: 0,
        expert_intermediate: 14_336,
    };
    let shape = llama(32, 4_096, 32, 32_000, FeedForward::Mixture(mixture));
    assert_eq!(shape.problems(), []);
    assert_eq!((shape.parameters(), shape.active_parameters()), (46_702_792_704, 12_879_925_248));
    let expected = [("F32", 97), ("Q4_K", 113), ("Q5_K", 32), ("Q6_K", 17), ("Q8_0", 64)];
    assert_eq!(types(&shape), expected.map(|(kind, n)| (kind.to_owned(), n)).into());
    assert_eq!(shape.bytes(Recipe::Q4KM).count(), 28_447_727_616);
    assert_eq!(shape.read_bytes_per_step(Recipe::Q4KM).count(), 7_895_310_336);
}

/// Llama 3.3 70B and its distill: 80 layers with grouped heads.
#[test]
fn eighty_grouped_layers_have_a_rule_of_their_own() {
    let mut shape = llama(80, 8_192, 64, 128_256, FeedForward::Dense { intermediate: 28_672 });
    shape.rope_theta = 500_000.0;
    shape.rope_scaling = RopeScaling::Llama3 {
        factor: 8.0,
        low_frequency: 1.0,
        high_frequency: 4.0,
        original_positions: 8_192,
    };
    let expected = [("F32", 162), ("Q4_K", 441), ("Q5_K", 40), ("Q6_K", 81)];
    assert_eq!(types(&shape), expected.map(|(kind, n)| (kind.to_owned(), n)).into());
    assert_eq!((shape.parameters(), shape.bytes(Recipe::Q4KM).count()), (70_553_706_496, 42_512_531_712));
}

/// Keeps the beginning of a file and then refuses: the rest of it is many gigabytes.
struct Beginning {
    kept: Vec<u8>,
    room: usize,
}

impl Write for &mut Beginning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.kept.len() >= self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.kept.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_file_of_every_model_can_be_laid_out_and_gives_its_shape_back() {
    let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
    for (model, precision) in registry.models().iter().zip(Recipe::ALL.into_iter().cycle()) {
        let plan = SyntheticPlan::new(model, precision, 1).unwrap();
        let (file, tensors) = (plan.bytes().count(), model.shape.bytes(precision).count());
        assert!((tensors..tensors + 8_000_000).contains(&file), "{}: {file} bytes", model.id);
        let room = plan.header().len() + 1;
        let mut beginning = Beginning { kept: Vec::new(), room };
        plan.write(&mut beginning, NonZeroUsize::MIN).unwrap_err();
        let mut file = Cursor::new(beginning.kept);
        let path = Path::new("model.gguf");
        let shape = shape_of(&GgufFile::read(path, &mut file, plan.bytes().count()).unwrap(), path).unwrap();
        // Keys are 32-bit floats, so the keys are compared and not the numbers.
        assert_eq!(shape.metadata(), model.shape.metadata(), "{}", model.id);
        assert_eq!(shape.tensors(), model.shape.tensors(), "{}", model.id);
    }
}
