//! GGUF headers written by hand, as no writer would; and what candle's reader makes of them.

use std::io::Cursor;

use candle_core::quantized::gguf_file::{Content, Value};

use crate::units::index_as_u64;

/// A header by hand.
#[derive(Clone, Default)]
pub(super) struct Raw {
    pub(super) keys: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data: usize,
}

pub(super) fn text(text: &[u8]) -> Vec<u8> {
    [&index_as_u64(text.len()).to_le_bytes()[..], text].concat()
}

impl Raw {
    pub(super) fn key(mut self, name: &str, kind: u32, value: &[u8]) -> Self {
        self.keys.push([&text(name.as_bytes())[..], &kind.to_le_bytes(), value].concat());
        self
    }

    pub(super) fn tensor(mut self, name: &str, dimensions: &[u64], kind: u32, offset: u64) -> Self {
        let mut entry = text(name.as_bytes());
        entry.extend(u32::try_from(dimensions.len()).unwrap().to_le_bytes());
        entry.extend(dimensions.iter().flat_map(|size| size.to_le_bytes()));
        entry.extend(kind.to_le_bytes());
        entry.extend(offset.to_le_bytes());
        self.tensors.push(entry);
        self
    }

    pub(super) fn data(self, data: usize) -> Self {
        Self { data, ..self }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.stating(index_as_u64(self.tensors.len()), index_as_u64(self.keys.len()))
    }

    pub(super) fn stating(&self, tensors: u64, keys: u64) -> Vec<u8> {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(tensors.to_le_bytes());
        bytes.extend(keys.to_le_bytes());
        bytes.extend(self.keys.concat());
        bytes.extend(self.tensors.concat());
        bytes.resize(bytes.len().next_multiple_of(32) + self.data, 0);
        bytes
    }
}

/// An array's value: its kind, its length, and what it holds.
pub(super) fn array(kind: u32, count: u64, elements: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &count.to_le_bytes(), elements].concat()
}

/// What the documentation of this module says of candle's reader. If this fails after an update, correct it there.
#[test]
fn candles_reader_does_what_is_said_of_it() {
    let read = |bytes: Vec<u8>| Content::read(&mut Cursor::new(bytes));
    // What it refuses.
    assert!(read(Raw::default().stating(1 << 60, 1 << 60)).is_err());
    assert!(read(Raw::default().key("k", 9, &array(8, 1 << 60, &[])).bytes()).is_err());
    let nested = |levels| (0..levels).fold(array(0, 0, &[]), |inner, _| array(9, 1, &inner));
    assert!(read(Raw::default().key("k", 9, &nested(60)).bytes()).is_ok());
    assert!(read(Raw::default().key("k", 9, &nested(1_000)).bytes()).is_err());
    // What it does not.
    let aligned = Raw::default().key("general.alignment", 4, &0_u32.to_le_bytes()).bytes();
    std::panic::catch_unwind(|| read(aligned).is_ok()).expect_err("a division by zero");
    assert_eq!(size_of::<Value>(), 32, "bytes for each element of an array");
    let twice =
        Raw::default().key("k", 0, &[1]).key("k", 0, &[2]).tensor("t", &[8], 0, 0).tensor("t", &[8], 0, 32);
    let twice = read(twice.data(64).bytes()).unwrap();
    assert_eq!(
        (twice.metadata["k"].to_u8().unwrap(), twice.tensor_infos["t"].offset),
        (2, 32),
        "the last counts"
    );
    let broken = read(Raw::default().key("k", 8, &text(b"\xffa\0\0")).bytes()).unwrap();
    assert_eq!(broken.metadata["k"].to_string().unwrap(), "\u{fffd}a");
    let unlikely =
        Raw::default().tensor("zero", &[0], 0, 0).tensor("part", &[33], 8, 0).tensor("far", &[8], 0, 1 << 60);
    let unlikely = unlikely.tensor("huge", &[1 << 62, 1 << 62], 0, 1);
    assert_eq!(read(unlikely.bytes()).unwrap().tensor_infos.len(), 4);
}
