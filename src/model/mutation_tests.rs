//! Thousands of files that are nearly right: no reader panics, and what one takes is sound.
//!
//! In a debug build, as tests are, arithmetic that overflows panics, so these runs look for that too. The seed is fixed: the same
//! files every time.

use std::io::Cursor;
use std::path::Path;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

use super::gguf::write::{Value, header};
use super::{GgufFile, Recipe, Registry, Shape, shape_of, shape_of_config};
use crate::units::{count_as_usize, index_as_u64};

/// Changes bytes at random, from a fixed seed.
pub(super) struct Mutator(Xoshiro256PlusPlus);

impl Mutator {
    pub(super) fn new() -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(4))
    }

    fn below(&mut self, bound: usize) -> usize {
        count_as_usize(self.0.next_u64() % index_as_u64(bound.max(1)))
    }

    /// The same bytes but for one to three changes.
    pub(super) fn changed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        const NUMBERS: [u64; 9] = [0, 1, 31, 32, 1 << 24, 1 << 32, 1 << 60, u64::MAX - 31, u64::MAX];
        const DIGITS: [&[u8]; 6] = [b"0", b"-1", b"1e300", b"18446744073709551615", b"null", b"\"\""];
        if bytes.is_empty() {
            bytes.push(b'0');
        }
        let at = self.below(bytes.len());
        let random = self.0.next_u64().to_le_bytes();
        let length = self.below(64).min(bytes.len() - at);
        match self.below(8) {
            0 => bytes[at] ^= 1 << (random[0] & 7),
            1 => bytes[at] = random[0],
            2 => drop(bytes.splice(at..at, random)),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let again = bytes[at..at + length].to_vec();
                bytes.splice(at..at, again);
            }
            5 => bytes.truncate(at.max(1)),
            6 => {
                let number = NUMBERS[self.below(NUMBERS.len())].to_le_bytes();
                let end = (at + 8).min(bytes.len());
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
            _ => {
                // A number in a text, where there is one.
                let start = bytes[at..].iter().position(u8::is_ascii_digit).map(|more| at + more);
                if let Some(start) = start {
                    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
                    let end = bytes[start..].iter().take_while(|byte| is_part(byte)).count();
                    let other = DIGITS[self.below(DIGITS.len())];
                    bytes.splice(start..start + end, other.iter().copied());
                }
            }
        }
    }
}

fn registry() -> Registry {
    Registry::parse("models.toml", include_str!("../../models.toml")).unwrap()
}

/// Everything that is worked out for a shape before anything is loaded.
fn work_out(shape: &Shape) {
    assert_eq!(shape.contradictions(), []);
    assert!(shape.active_parameters() <= shape.parameters());
    assert!(shape.kv_bytes_per_token(2).count() > 0);
    for recipe in Recipe::ALL {
        assert!(shape.read_bytes_per_step(recipe) <= shape.bytes(recipe));
    }
}

#[test]
fn no_gguf_header_that_is_nearly_right_panics() {
    const EACH: usize = 2_000;
    let (mut mutator, mut taken, mut refused) = (Mutator::new(), 0, 0);
    for model in registry().test_shapes() {
        let kinds = |recipe| {
            let tensors = model.shape.tensors().into_iter();
            tensors.map(move |tensor| (model.shape.tensor_type(&tensor, recipe), tensor))
        };
        let tensors: Vec<_> = kinds(Recipe::Q4KM).map(|(kind, tensor)| (tensor, kind)).collect();
        let mut metadata =
            vec![("general.architecture".to_owned(), Value::Text(model.shape.family.id().to_owned()))];
        metadata.extend(model.shape.metadata());
        metadata.push(("texts".to_owned(), Value::Texts(vec!["a".to_owned(), "b".to_owned()])));
        let mut sound = header(&metadata, &tensors);
        let head = sound.len();
        // The rotary factors come first where there are any, and are read.
        sound.resize(head + 4 * 32, 0x40);
        let data: u64 = tensors.iter().map(|(tensor, kind)| tensor.bytes(*kind).count() + 32).sum();
        for _ in 0..EACH {
            let bytes = mutator.changed(&sound);
            let length = index_as_u64(bytes.len()) + data;
            let path = Path::new("m.gguf");
            let read = GgufFile::read(path, &mut Cursor::new(&bytes), length)
                .and_then(|file| shape_of(&file, path).map(|shape| (file, shape)));
            match read {
                Ok((file, shape)) => {
                    taken += 1;
                    let mut places: Vec<_> = file
                        .tensors()
                        .map(|(_, tensor)| (tensor.offset, tensor.offset + tensor.bytes))
                        .collect();
                    places.sort_unstable();
                    assert!(places.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{places:?}");
                    assert!(places.last().is_none_or(|(_, end)| *end <= length));
                    work_out(&shape);
                }
                Err(error) => {
                    refused += 1;
                    let message = error.to_string();
                    assert!(message.len() < 1_000 && message.contains("m.gguf"), "{message}");
                }
            }
        }
    }
    // A change of a value or of the data leaves a file sound; most changes do not.
    assert!(taken > 100 && refused > taken, "{taken} taken, {refused} refused");
}

#[test]
fn no_config_that_is_nearly_right_panics() {
    let all: serde_json::Value = serde_json::from_str(include_str!("../../tests/data/configs.json")).unwrap();
    let (mut mutator, mut taken, mut refused) = (Mutator::new(), 0, 0);
    for config in all.as_object().unwrap().values() {
        let sound = config.to_string().into_bytes();
        for _ in 0..500 {
            let bytes = mutator.changed(&sound);
            match shape_of_config(&String::from_utf8_lossy(&bytes)) {
                Ok(shape) => {
                    taken += 1;
                    // Not worked out further: how many layers there are is settled by the tensors beside the config.
                    assert_eq!(shape.contradictions(), []);
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().len() < 1_000, "{error}");
                }
            }
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
}
