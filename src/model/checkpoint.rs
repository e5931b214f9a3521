//! What a GGUF file says of itself, for any file a user has: shape, storage types, and whether its weights are random.

#![expect(clippy::disallowed_methods, reason = "reads checkpoint files")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{Content, TensorInfo};
use sha2::{Digest, Sha256};

use super::file_shape::{self, Keys};
use super::file_type::FileType;
use super::shape::Shape;
use crate::units::{Bytes, hexadecimal, index_as_u64};

/// Why a file cannot be used as a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The system refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another kind of file.
    #[error("{} is no GGUF file: it starts with {found}, not with \"GGUF\"; give a model in GGUF format", path.display())]
    NotGguf {
        /// The file.
        path: PathBuf,
        /// Its first bytes, escaped.
        found: String,
    },
    /// A version of the format that is not known.
    #[error("{} is a GGUF file of version {version}; versions 2 and 3 are read: convert the model again", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it names.
        version: u32,
    },
    /// The header breaks off, contradicts itself, or uses a storage type that candle does not know.
    #[error("the header of {} cannot be read; fetch the file again, or choose another quantisation of it", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What candle's reader said.
        source: Box<candle_core::Error>,
    },
    /// One of several files that make a model together.
    #[error(
        "{} is one of {parts} parts of a model; join them first, for example with `llama-gguf-split --merge`",
        path.display()
    )]
    Part {
        /// The file.
        path: PathBuf,
        /// How many there are.
        parts: u64,
    },
    /// A folder that is no checkpoint.
    #[error("{}: {problem}", path.display())]
    Folder {
        /// The folder, or a file of it.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The file ends before its tensors do.
    #[error(
        "{} has {actual} where its tensors need {expected}: it was cut off on the way; fetch or generate it again",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Size by the header.
        expected: Bytes,
        /// Size on disk.
        actual: Bytes,
    },
    /// A key that every language model has is absent or of another kind.
    #[error("{} has no usable `{key}`: it holds no decoder that can be measured here; give another file", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The key of its metadata.
        key: String,
    },
    /// A key has a value that stands for something else than is known here.
    #[error("{} has `{key}` = `{value}`, which is not known here; give another file", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The key of its metadata.
        key: String,
        /// What it says.
        value: String,
    },
}

/// Where random weights come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SyntheticOrigin {
    /// The seed they were drawn from.
    pub seed: u64,
    /// The generator's version.
    pub generator: u32,
}

/// The header of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointHeader {
    /// The model's dimensions. What files do not hold is what llama.cpp takes where it is absent.
    pub shape: Shape,
    /// The name its author gave it, if any.
    pub name: Option<String>,
    /// Seed and generator if claimbench made it from random numbers; `None` for a file of any other origin.
    pub synthetic: Option<SyntheticOrigin>,
    /// How the file says its weights are stored; `None` if it does not.
    pub file_type: Option<FileType>,
    /// How many tensors there are of each storage type, by candle's name of the type (`Q4K`).
    pub tensor_types: BTreeMap<String, u64>,
    /// Bytes of all tensors, without header and padding.
    pub tensor_bytes: Bytes,
    /// Bytes of weights that one decode step of one sequence reads, by the types the file has.
    pub read_bytes_per_step: Bytes,
    /// Size of the file.
    pub file_bytes: Bytes,
}

impl CheckpointHeader {
    /// Where the file differs from `shape` in what decides speed and memory, as (name, in the file, in the shape); empty if
    /// nowhere. Positions and rotary scaling are not compared: publishers and converters change them.
    pub fn differences(&self, shape: &Shape) -> Vec<(&'static str, String, String)> {
        let of = |shape: &Shape| {
            [
                ("family", shape.family.id().to_owned()),
                ("layers", shape.layers.to_string()),
                ("hidden", shape.hidden.to_string()),
                ("attention", format!("{:?}", shape.attention)),
                ("feed_forward", format!("{:?}", shape.feed_forward)),
                ("vocab", shape.vocab.to_string()),
                ("tied_embeddings", shape.tied_embeddings.to_string()),
            ]
        };
        let pairs = of(&self.shape).into_iter().zip(of(shape));
        pairs
            .filter(|(file, shape)| file != shape)
            .map(|((name, file), (_, shape))| (name, file, shape))
            .collect()
    }
}

/// Reads the header of a GGUF file and checks that all its data is there. Reads no tensor.
pub fn inspect(path: &Path) -> Result<CheckpointHeader, CheckpointError> {
    let io = |source| CheckpointError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let file_bytes = Bytes::new(file.metadata().map_err(io)?.len());
    let mut file = BufReader::new(file);
    check_magic(path, &mut file)?;
    file.rewind().map_err(io)?;
    let content = Content::read(&mut file)
        .map_err(|source| CheckpointError::Header { path: path.to_owned(), source: Box::new(source) })?;
    let (tensor_types, tensor_bytes) = check_data(path, &content, file_bytes)?;
    let keys = Keys::new(path, &content);
    if let Some(parts) = keys.count("split.count").filter(|parts| *parts > 1) {
        return Err(CheckpointError::Part { path: path.to_owned(), parts });
    }
    let shape = file_shape::shape(&keys, &mut file)?;
    Ok(CheckpointHeader {
        read_bytes_per_step: read_bytes(&content, &shape),
        shape,
        name: keys.text("general.name"),
        synthetic: synthetic_origin(&keys),
        file_type: keys.count("general.file_type").map(FileType::from_number),
        tensor_types,
        tensor_bytes,
        file_bytes,
    })
}

/// The SHA-256 of a file in lower-case hexadecimal, read in pieces.
pub fn sha256(path: &Path) -> Result<String, CheckpointError> {
    let io = |source| CheckpointError::Io { path: path.to_owned(), source };
    let mut hash = Sha256::new();
    let mut file = File::open(path).map_err(io)?;
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece).map_err(io)? {
            0 => break,
            read => hash.update(&piece[..read]),
        }
    }
    Ok(hexadecimal(&hash.finalize()))
}

/// Refuses what is no GGUF file with a message of its own: candle's names the magic as a number.
fn check_magic(path: &Path, file: &mut impl Read) -> Result<(), CheckpointError> {
    let (mut start, path) = (Vec::new(), path.to_owned());
    if let Err(source) = file.take(8).read_to_end(&mut start) {
        return Err(CheckpointError::Io { path, source });
    }
    let Some(version) = start.strip_prefix(b"GGUF") else {
        let found = format!("\"{}\"", start[..start.len().min(4)].escape_ascii());
        return Err(CheckpointError::NotGguf { path, found });
    };
    match version.try_into().map(u32::from_le_bytes) {
        Ok(2 | 3) => Ok(()),
        Ok(version) => Err(CheckpointError::Version { path, version }),
        Err(_) => {
            // No GGUF file has fewer bytes than magic, version and the two counts.
            let (expected, actual) = (Bytes::new(24), Bytes::new(index_as_u64(start.len())));
            Err(CheckpointError::Truncated { path, expected, actual })
        }
    }
}

/// Counts the tensors by type and adds up their bytes; refuses a file that ends before the last of them.
fn check_data(
    path: &Path,
    content: &Content,
    actual: Bytes,
) -> Result<(BTreeMap<String, u64>, Bytes), CheckpointError> {
    let (mut types, mut total, mut end) = (BTreeMap::new(), 0_u64, content.tensor_data_offset);
    for tensor in content.tensor_infos.values() {
        let bytes = stored_bytes(tensor);
        *types.entry(format!("{:?}", tensor.ggml_dtype)).or_default() += 1;
        total = total.saturating_add(bytes);
        end = end.max(content.tensor_data_offset.saturating_add(tensor.offset).saturating_add(bytes));
    }
    let expected = Bytes::new(end);
    if expected > actual {
        return Err(CheckpointError::Truncated { path: path.to_owned(), expected, actual });
    }
    Ok((types, Bytes::new(total)))
}

/// The bytes of one tensor. Sizes come from the file and may be absurd; then the file is too short for them as well.
fn stored_bytes(tensor: &TensorInfo) -> u64 {
    let values = tensor.shape.dims().iter().fold(1, |n: u64, &size| n.saturating_mul(index_as_u64(size)));
    let blocks = values.div_ceil(index_as_u64(tensor.ggml_dtype.block_size()));
    blocks.saturating_mul(index_as_u64(tensor.ggml_dtype.type_size()))
}

/// As [`Shape::read_bytes_per_step`], for the tensors a file has, whatever their recipe.
fn read_bytes(content: &Content, shape: &Shape) -> Bytes {
    let part = |(name, tensor): (&String, &TensorInfo)| match shape.mixture() {
        _ if name == "token_embd.weight" && !shape.tied_embeddings => 0,
        Some(mixture) if name.ends_with("_exps.weight") => {
            stored_bytes(tensor) / mixture.experts * mixture.experts_per_token.min(mixture.experts)
        }
        _ => stored_bytes(tensor),
    };
    Bytes::new(content.tensor_infos.iter().map(part).fold(0, u64::saturating_add))
}

/// Seed and generator of a file that claimbench made.
fn synthetic_origin(keys: &Keys<'_>) -> Option<SyntheticOrigin> {
    let marked = keys.flag("claimbench.synthetic")?;
    let generator = u32::try_from(keys.count("claimbench.generator")?).ok()?;
    marked.then_some(SyntheticOrigin { seed: keys.count("claimbench.seed")?, generator })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroUsize;

    use super::*;
    use crate::model::{Recipe, Registry, write_synthetic};

    /// What `inspect` says of a file with these bytes, without the folder's name.
    fn inspected(bytes: &[u8]) -> Result<CheckpointHeader, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        fs::write(&path, bytes).unwrap();
        inspect(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "model.gguf"))
    }

    fn tiny() -> (Shape, Vec<u8>) {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let (spec, mut file) = (registry.get("tiny-qwen2").unwrap(), Vec::new());
        write_synthetic(&mut file, spec, Recipe::Q4KM, 5, NonZeroUsize::MIN).unwrap();
        (spec.shape.clone(), file)
    }

    #[test]
    fn the_header_of_our_own_file_gives_the_shape_back() {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        for spec in registry.test_shapes() {
            for precision in Recipe::ALL {
                let (shape, mut file) = (&spec.shape, Vec::new());
                write_synthetic(&mut file, spec, precision, 5, NonZeroUsize::MIN).unwrap();
                let header = inspected(&file).unwrap();
                assert_eq!(header.differences(shape), [], "{}", spec.id);
                // Keys are 32-bit floats, so the keys are compared and not the numbers.
                assert_eq!(header.shape.metadata(), shape.metadata(), "{}", spec.id);
                assert_eq!(header.shape.tensors(), shape.tensors(), "{}", spec.id);
                assert_eq!(header.synthetic, Some(SyntheticOrigin { seed: 5, generator: 1 }));
                assert_eq!(header.file_type.map(FileType::precision), Some(precision.precision()));
                assert_eq!(header.tensor_bytes, shape.bytes(precision), "{}", spec.id);
                assert_eq!(header.read_bytes_per_step, shape.read_bytes_per_step(precision), "{}", spec.id);
                assert_eq!(header.file_bytes, Bytes::new(file.len().try_into().unwrap()));
            }
        }
    }

    #[test]
    fn differences_are_named() {
        let (shape, file) = tiny();
        let header = inspected(&file).unwrap();
        let fewer = Shape { layers: 3, ..shape };
        assert_eq!(header.differences(&fewer), [("layers", "4".to_owned(), "3".to_owned())]);
        let types: Vec<_> = header.tensor_types.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        assert_eq!(types, [("F32", 21), ("Q4K", 25), ("Q6K", 5)]);
    }

    #[test]
    fn a_file_that_was_cut_off_is_refused_at_every_length() {
        let (_, file) = tiny();
        let (all, cut) = (file.len(), file.len() - 1);
        let message = inspected(&file[..cut]).unwrap_err();
        let sizes = format!("model.gguf has {cut} bytes where its tensors need {all} bytes: it was cut off");
        assert!(message.starts_with(&sizes), "{message}");
        for length in [4, 7, 8, 23, 24, 100, 5_000, 10_000] {
            let message = inspected(&file[..length]).unwrap_err();
            assert!(message.contains("again"), "{length}: {message}");
        }
    }

    #[test]
    fn foreign_files_are_named_as_such() {
        let message = |bytes: &[u8]| inspected(bytes).unwrap_err();
        assert_eq!(
            message(b"PK\x03\x04........"),
            "model.gguf is no GGUF file: it starts with \"PK\\x03\\x04\", not with \"GGUF\"; give a model in GGUF format"
        );
        assert!(message(b"").contains("no GGUF file"));
        assert!(message(b"GGUF\x01\x00\x00\x00").contains("version 1; versions 2 and 3"));
        let empty = [&b"GGUF\x03\x00\x00\x00"[..], &[0; 24]].concat();
        assert!(message(&empty).contains("no usable `general.architecture`"), "{}", message(&empty));
        let error = inspect(Path::new("no/such/file.gguf")).unwrap_err();
        assert_eq!(error.to_string().replace('\\', "/"), "cannot read no/such/file.gguf");
    }

    #[test]
    fn the_digest_is_that_of_the_standard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, "abc").unwrap();
        // FIPS 180-4, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&path).unwrap(), expected);
    }
}
