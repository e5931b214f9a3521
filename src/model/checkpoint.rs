//! What a GGUF file says of itself, for any file a user has: shape, storage types, and whether its weights are random.

#![expect(clippy::disallowed_methods, reason = "reads checkpoint files")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::file_shape::{self, Keys};
use super::file_type::FileType;
use super::gguf::GgufFile;
use super::shape::Shape;
use crate::units::{Bytes, hexadecimal};

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
    #[error("{} is no GGUF file: it starts with {found}, not with \"GGUF\"; {fix}", path.display())]
    NotGguf {
        /// The file.
        path: PathBuf,
        /// Its first bytes, escaped.
        found: String,
        /// What to give instead.
        fix: &'static str,
    },
    /// Weights as `PyTorch` saves them. Reading them means running what they say.
    #[error("{} is a pickle, and pickles run code; give safetensors or GGUF", path.display())]
    Pickle {
        /// The file.
        path: PathBuf,
    },
    /// A version of the format that is not known.
    #[error("{} is a GGUF file of version {version}; versions 2 and 3 are read: convert the model again", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it names.
        version: u32,
    },
    /// The header breaks off, contradicts itself, or holds what no reader here can use.
    #[error("{} is no sound GGUF file: {place}, read up to byte {at}: {problem}; {fix}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What was being read.
        place: String,
        /// How far the reader had come.
        at: u64,
        /// What is wrong.
        problem: String,
        /// What to do about it.
        fix: &'static str,
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
    /// A key that every language model has is absent.
    #[error("{} has no usable `{key}`: it holds no decoder that can be measured here; give another file", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The key of its metadata.
        key: String,
    },
    /// A key has a value of another kind than the format says.
    #[error("{} has {found} as `{key}`, where {wanted} belongs; convert the model anew, or give another file", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The key of its metadata.
        key: String,
        /// What stands there.
        found: &'static str,
        /// What should.
        wanted: &'static str,
    },
    /// A tensor that should not be there, should be, or has another size.
    #[error("{}: the tensor `{name}` {problem}; give another file of the model, or convert it anew", path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Dimensions that do not fit each other.
    #[error("{} makes no model: {problem}; give another file", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong with its shape.
        problem: String,
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

impl CheckpointError {
    /// The message with the name of the file in place of its path, for what others will read: folders are nobody's business.
    pub fn without_folder(&self) -> String {
        let path = match self {
            Self::Io { path, .. }
            | Self::NotGguf { path, .. }
            | Self::Pickle { path }
            | Self::Version { path, .. }
            | Self::Header { path, .. }
            | Self::Part { path, .. }
            | Self::Folder { path, .. }
            | Self::Truncated { path, .. }
            | Self::Key { path, .. }
            | Self::Kind { path, .. }
            | Self::Tensor { path, .. }
            | Self::Shape { path, .. }
            | Self::Unknown { path, .. } => path,
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let message = self.to_string().replace(&path.display().to_string(), &name);
        match self {
            Self::Io { source, .. } => format!("{message}: {source}"),
            _ => message,
        }
    }
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

/// Reads the header of a GGUF file and checks that all its data is there. Reads no tensor.
pub fn inspect(path: &Path) -> Result<CheckpointHeader, CheckpointError> {
    let file = GgufFile::open(path)?;
    let keys = Keys::new(path, &file);
    if let Some(parts) = keys.count("split.count")?.filter(|parts| *parts > 1) {
        return Err(CheckpointError::Part { path: path.to_owned(), parts });
    }
    let shape = file_shape::shape_of(&file, path)?;
    let mut tensor_types = BTreeMap::new();
    for (_, tensor) in file.tensors() {
        *tensor_types.entry(format!("{:?}", tensor.kind)).or_default() += 1;
    }
    Ok(CheckpointHeader {
        read_bytes_per_step: read_bytes(&file, &shape),
        shape,
        name: keys.text("general.name")?,
        synthetic: synthetic_origin(&keys)?,
        file_type: keys.count("general.file_type")?.map(FileType::from_number),
        tensor_types,
        tensor_bytes: Bytes::new(file.tensors().map(|(_, tensor)| tensor.bytes).sum()),
        file_bytes: file.bytes(),
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

/// As [`Shape::read_bytes_per_step`], for the tensors a file has, whatever their recipe.
fn read_bytes(file: &GgufFile, shape: &Shape) -> Bytes {
    let (mut always, mut routed) = (0, 0);
    for (name, tensor) in file.tensors() {
        if is_routed(name) {
            routed += tensor.bytes;
        } else if shape.tied_embeddings || name != "token_embd.weight" {
            always += tensor.bytes;
        }
    }
    let of_one_token =
        shape.mixture().map_or(0, |mixture| routed / mixture.experts * mixture.experts_per_token);
    Bytes::new(always + of_one_token)
}

/// True for the matrices of routed experts, stacked or, as in files from before 2024, one for each: `blk.0.ffn_up.7.weight`.
fn is_routed(name: &str) -> bool {
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let one = name.strip_suffix(".weight").and_then(|name| name.rsplit_once('.'));
    name.ends_with("_exps.weight") || one.is_some_and(|(_, expert)| is_number(expert))
}

fn synthetic_origin(keys: &Keys<'_>) -> Result<Option<SyntheticOrigin>, CheckpointError> {
    let marked = keys.flag("claimbench.synthetic")?.unwrap_or(false);
    let (seed, generator) = (keys.count("claimbench.seed")?, keys.count("claimbench.generator")?);
    let generator = generator.and_then(|generator| u32::try_from(generator).ok());
    Ok(seed.zip(generator).filter(|_| marked).map(|(seed, generator)| SyntheticOrigin { seed, generator }))
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
                assert_eq!(header.shape.differences(shape), [], "{}", spec.id);
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
        assert_eq!(header.shape.differences(&fewer), [("layers", "4".to_owned(), "3".to_owned())]);
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
            message(b"\x7fELF........"),
            "model.gguf is no GGUF file: it starts with \"\\x7fELF\", not with \"GGUF\"; give a model in GGUF format"
        );
        let pickle = "model.gguf is a pickle, and pickles run code; give safetensors or GGUF";
        assert_eq!((message(b"PK\x03\x04....").as_str(), message(b"\x80\x02}q").as_str()), (pickle, pickle));
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
