//! Writes GGUF files, version 3, as a stream.
//!
//! candle has a writer too, but it takes every tensor in memory; ours holds a header of a few megabytes and passes the
//! data on in pieces, so a file may be larger than the machine's memory. The layout, in little-endian: magic, version,
//! number of tensors and of metadata keys; the keys with their values; one entry per tensor (name, dimensions, type,
//! offset); then the data, each tensor at a multiple of 32 bytes. Source: `docs/gguf.md` of the ggml repository.

use std::io::{self, Write};

use crate::model::shape::{TensorSpec, TensorType};
use crate::units::index_as_u64;

/// Every tensor starts at a multiple of this many bytes, counted from the start of the file.
pub(in crate::model) const ALIGNMENT: u32 = 32;

/// Version of the file format.
const VERSION: u32 = 3;

/// A metadata value; the kinds a language model's header needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    U32(u32),
    U64(u64),
    F32(f32),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Ints(Vec<i32>),
}

impl Value {
    /// The kind's number in the file (`gguf_metadata_value_type`).
    const fn type_id(&self) -> u32 {
        match self {
            Self::U32(_) => 4,
            Self::F32(_) => 6,
            Self::Bool(_) => 7,
            Self::Text(_) => 8,
            Self::Texts(_) | Self::Ints(_) => 9,
            Self::U64(_) => 10,
        }
    }

    fn append_to(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::U32(value) => bytes.extend(value.to_le_bytes()),
            Self::U64(value) => bytes.extend(value.to_le_bytes()),
            Self::F32(value) => bytes.extend(value.to_le_bytes()),
            Self::Bool(value) => bytes.push(u8::from(*value)),
            Self::Text(text) => append_text(bytes, text),
            Self::Texts(texts) => {
                bytes.extend(Self::Text(String::new()).type_id().to_le_bytes());
                append_length(bytes, texts.len());
                for text in texts {
                    append_text(bytes, text);
                }
            }
            Self::Ints(values) => {
                const INT32: u32 = 5;
                bytes.extend(INT32.to_le_bytes());
                append_length(bytes, values.len());
                bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
    }
}

/// Everything before the tensor data, padded to the alignment: the data starts where these bytes end.
pub(crate) fn header(metadata: &[(String, Value)], tensors: &[(TensorSpec, TensorType)]) -> Vec<u8> {
    let mut bytes = Vec::from(*b"GGUF");
    bytes.extend(VERSION.to_le_bytes());
    append_length(&mut bytes, tensors.len());
    append_length(&mut bytes, metadata.len());
    for (key, value) in metadata {
        append_text(&mut bytes, key);
        bytes.extend(value.type_id().to_le_bytes());
        value.append_to(&mut bytes);
    }
    let mut offset = 0_u64;
    for (tensor, kind) in tensors {
        append_text(&mut bytes, &tensor.name);
        let rank = u32::try_from(tensor.dimensions.len()).expect("at most three dimensions");
        bytes.extend(rank.to_le_bytes());
        bytes.extend(tensor.dimensions.iter().flat_map(|size| size.to_le_bytes()));
        bytes.extend(kind.ggml_id().to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        offset += aligned(tensor.bytes(*kind).count());
    }
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    bytes
}

/// The bytes a tensor takes in the file: its own, and zeros up to the alignment.
pub(in crate::model) fn aligned(bytes: u64) -> u64 {
    bytes.next_multiple_of(u64::from(ALIGNMENT))
}

/// Takes the tensors' data in the header's order, in pieces of any size, and sets the zeros between them.
#[derive(Debug)]
pub(in crate::model) struct DataWriter<W> {
    out: W,
    written: u64,
}

impl<W: Write> DataWriter<W> {
    /// Writes the header; the data comes next.
    pub(in crate::model) fn new(mut out: W, header: &[u8]) -> io::Result<Self> {
        out.write_all(header)?;
        Ok(Self { out, written: index_as_u64(header.len()) })
    }

    /// Writes one piece of the current tensor.
    pub(in crate::model) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.out.write_all(piece)?;
        self.written += index_as_u64(piece.len());
        Ok(())
    }

    /// Ends the current tensor: the next one starts at the alignment.
    pub(in crate::model) fn end_tensor(&mut self) -> io::Result<()> {
        let gap = aligned(self.written) - self.written;
        let zeros = [0; 32];
        self.write(&zeros[..crate::units::count_as_usize(gap)])
    }

    /// Flushes, and says how many bytes the file has.
    pub(in crate::model) fn finish(mut self) -> io::Result<u64> {
        self.out.flush()?;
        Ok(self.written)
    }
}

fn append_text(bytes: &mut Vec<u8>, text: &str) {
    append_length(bytes, text.len());
    bytes.extend(text.as_bytes());
}

fn append_length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend(index_as_u64(length).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use candle_core::quantized::gguf_file::Content;

    use super::*;
    use crate::model::TensorRole;

    fn vector(name: &str, values: u64) -> (TensorSpec, TensorType) {
        let (name, role) = (name.to_owned(), TensorRole::Bias);
        let spec = TensorSpec { name, dimensions: vec![values], role, layer: None };
        (spec, TensorType::F32)
    }

    #[test]
    fn every_kind_of_value_is_read_back_by_candle() {
        let metadata = [
            ("a.u32".to_owned(), Value::U32(7)),
            ("a.u64".to_owned(), Value::U64(u64::MAX)),
            ("a.f32".to_owned(), Value::F32(0.5)),
            ("a.bool".to_owned(), Value::Bool(true)),
            ("a.text".to_owned(), Value::Text("Ġx".to_owned())),
            ("a.texts".to_owned(), Value::Texts(vec!["a b".to_owned(), String::new()])),
            ("a.ints".to_owned(), Value::Ints(vec![1, -4])),
        ];
        let content = Content::read(&mut Cursor::new(header(&metadata, &[]))).unwrap();
        let get = |key: &str| &content.metadata[key];
        assert_eq!(get("a.u32").to_u32().unwrap(), 7);
        assert_eq!(get("a.u64").to_u64().unwrap(), u64::MAX);
        assert_eq!(get("a.f32").to_f32().unwrap().to_bits(), 0.5_f32.to_bits());
        assert!(get("a.bool").to_bool().unwrap());
        assert_eq!(get("a.text").to_string().unwrap(), "Ġx");
        let texts: Vec<_> = get("a.texts").to_vec().unwrap().iter().map(|t| t.to_string().unwrap()).collect();
        assert_eq!(texts, ["a b", ""]);
        let ints: Vec<_> = get("a.ints").to_vec().unwrap().iter().map(|v| v.to_i32().unwrap()).collect();
        assert_eq!(ints, [1, -4]);
    }

    #[test]
    fn tensors_start_at_the_alignment() {
        let tensors = [vector("first", 3), vector("second", 1)];
        let header = header(&[], &tensors);
        let mut file = Vec::new();
        let mut writer = DataWriter::new(&mut file, &header).unwrap();
        for values in [&[1.0_f32, 2.0, 3.0][..], &[4.0]] {
            for value in values {
                writer.write(&value.to_le_bytes()).unwrap();
            }
            writer.end_tensor().unwrap();
        }
        let bytes = writer.finish().unwrap();
        assert_eq!(bytes, u64::try_from(file.len()).unwrap());
        assert_eq!(bytes % 32, 0);
        let mut file = Cursor::new(file);
        let content = Content::read(&mut file).unwrap();
        assert_eq!(content.tensor_infos["second"].offset, 32);
        let second = content.tensor(&mut file, "second", &candle_core::Device::Cpu).unwrap();
        let values = second.dequantize(&candle_core::Device::Cpu).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), [4.0_f32.to_bits()]);
    }
}
