//! A folder as on the hub: `config.json` for the shape, safetensors for the weights as plain floats.

#![expect(clippy::disallowed_methods, reason = "reads checkpoint files")]

mod expected;
#[cfg(test)]
mod folder_tests;
mod head;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use candle_core::quantized::GgmlDType;
use sha2::{Digest, Sha256};

use super::checkpoint::{CheckpointError, sha256};
use super::config::shape_of_config;
use super::precision::Precision;
use super::regular_file::short_text;
use super::shape::Shape;
use super::shown::shown;
use crate::units::{Bytes, count_as_usize, hexadecimal, index_as_u64};
use expected::{EMBEDDING, HEAD};
use head::{Head, HeadTensor};

/// More bytes than any `config.json` or index has.
const LONGEST_TEXT: u64 = 16 << 20;

/// A tensor of a folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredTensor {
    /// The file that holds it.
    pub file: PathBuf,
    /// Its first byte there.
    pub offset: u64,
    /// Its size.
    pub bytes: u64,
    /// `F32`, `F16` or `BF16`.
    pub precision: Precision,
    /// Its dimensions, outermost first.
    pub dimensions: Vec<u64>,
}

impl StoredTensor {
    /// How its values are stored, as candle names it.
    pub fn kind(&self) -> GgmlDType {
        match self.precision {
            Precision::F16 => GgmlDType::F16,
            Precision::BF16 => GgmlDType::BF16,
            _ => GgmlDType::F32,
        }
    }
}

/// What a folder says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointFolder {
    /// The model's dimensions, from `config.json`.
    pub shape: Shape,
    /// The tensors that the model is made of; others that lie beside them are left out.
    pub tensors: BTreeMap<String, StoredTensor>,
    /// The weight files, in the order of their names.
    pub files: Vec<PathBuf>,
    /// The size of all weight files.
    pub file_bytes: Bytes,
}

impl CheckpointFolder {
    /// Reads `config.json` and the heads of the weight files at `path`; no tensor.
    pub fn inspect(path: &Path) -> Result<Self, CheckpointError> {
        let folder = |problem: String| CheckpointError::Folder { path: path.to_owned(), problem };
        let text = short_text(&path.join("config.json"), LONGEST_TEXT)
            .map_err(|error| folder(format!("config.json cannot be read ({error})")))?;
        let shape = shape_of_config(&text).map_err(|error| folder(error.to_string()))?;
        let index = index(path)?;
        let files: Vec<PathBuf> = match &index {
            Some(index) => {
                index.values().collect::<BTreeSet<_>>().into_iter().map(|name| path.join(name)).collect()
            }
            None => vec![path.join(SINGLE)],
        };
        let (mut found, mut total) = (BTreeMap::new(), 0);
        for (number, file) in files.iter().enumerate() {
            let fault = |problem: String| CheckpointError::Folder { path: file.clone(), problem };
            let head = Head::read(file).map_err(fault)?;
            total += head.file_bytes;
            for (name, tensor) in head.tensors {
                if found.contains_key(&name) {
                    return Err(fault(format!("holds `{}`, as another file does", shown(&name))));
                }
                found.insert(name, (number, tensor));
            }
        }
        if let Some(index) = &index {
            agree(index, &found, path, &files).map_err(folder)?;
        }
        let tensors = chosen(&shape, found, &files).map_err(folder)?;
        Ok(Self { shape, tensors, files, file_bytes: Bytes::new(total) })
    }

    /// Bytes of all tensors.
    pub fn tensor_bytes(&self) -> Bytes {
        Bytes::new(self.tensors.values().map(|tensor| tensor.bytes).sum())
    }

    /// Bytes of weights that one decode step of one sequence reads, as they are stored: of the routed experts those of one
    /// token, and of a table that only looks up rows nothing.
    pub fn read_bytes_per_step(&self) -> Bytes {
        let (mut always, mut routed) = (0, 0);
        for (name, tensor) in &self.tensors {
            if name.contains(".experts.") {
                routed += tensor.bytes;
            } else if self.shape.tied_embeddings || name != EMBEDDING {
                always += tensor.bytes;
            }
        }
        let of_one_token =
            self.shape.mixture().map_or(0, |mixture| routed / mixture.experts * mixture.experts_per_token);
        Bytes::new(always + of_one_token)
    }

    /// How the matrices are stored; `Unnamed` if not all in one way.
    pub fn precision(&self) -> Precision {
        let mut of_matrices =
            self.tensors.values().filter(|tensor| tensor.dimensions.len() > 1).map(|tensor| tensor.precision);
        let first = of_matrices.next().unwrap_or(Precision::Unnamed);
        if of_matrices.all(|other| other == first) { first } else { Precision::Unnamed }
    }

    /// The SHA-256 of the weight files' own digests in hexadecimal, one after the other in the order of the files' names; of
    /// a single file its own digest.
    pub fn sha256(&self) -> Result<String, CheckpointError> {
        if let [file] = self.files.as_slice() {
            return sha256(file);
        }
        let mut hash = Sha256::new();
        for file in &self.files {
            hash.update(sha256(file)?.as_bytes());
        }
        Ok(hexadecimal(&hash.finalize()))
    }
}

const SINGLE: &str = "model.safetensors";

/// What is in the files: the number of its file, and the tensor.
type Found = BTreeMap<String, (usize, HeadTensor)>;

/// Which file holds each tensor, if there are several; `None` for a folder with a single file.
fn index(folder: &Path) -> Result<Option<BTreeMap<String, String>>, CheckpointError> {
    let fault = |problem: String| CheckpointError::Folder { path: folder.to_owned(), problem };
    let path = folder.join("model.safetensors.index.json");
    if !path.exists() {
        if folder.join(SINGLE).exists() {
            return Ok(None);
        }
        if let Some(path) = pickle_in(folder) {
            return Err(CheckpointError::Pickle { path });
        }
        return Err(fault("it has no model.safetensors and no index; give a folder that has".to_owned()));
    }
    let index = short_text(&path, LONGEST_TEXT)
        .map_err(|error| error.to_string())
        .and_then(|text| wire::index(&text))
        .map_err(|error| fault(format!("its index cannot be read ({error}); fetch it again")))?;
    if index.is_empty() {
        return Err(fault("its index names no tensor; fetch it again".to_owned()));
    }
    let is_plain = |name: &str| name.ends_with(".safetensors") && !name.contains(['/', '\\', ':', '\0']);
    match index.values().find(|name| !is_plain(name)) {
        Some(name) => {
            let name = shown(name);
            Err(fault(format!("its index names `{name}`, which is no safetensors file of the folder itself")))
        }
        None => Ok(Some(index)),
    }
}

/// A file of the folder that holds weights as `PyTorch` saves them.
fn pickle_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.into_iter().find(|path| has_pickle_name(path))
}

/// True for the endings of files that `PyTorch` saves.
pub(super) fn has_pickle_name(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    matches!(ending.as_deref(), Some("bin" | "pt" | "pth" | "ckpt" | "pkl" | "pickle"))
}

/// Refuses files that do not hold what the index says, and tensors that the index does not name.
fn agree(
    index: &BTreeMap<String, String>,
    found: &Found,
    folder: &Path,
    files: &[PathBuf],
) -> Result<(), String> {
    for (name, file) in index {
        let holder = found.get(name).map(|(number, _)| &files[*number]);
        if holder != Some(&folder.join(file)) {
            let name = shown(name);
            return Err(format!(
                "its index says that {file} holds `{name}`, and it does not; fetch the folder again"
            ));
        }
    }
    match found.keys().find(|name| !index.contains_key(*name)) {
        Some(name) => {
            Err(format!("its files hold `{}`, which its index does not name; fetch it again", shown(name)))
        }
        None => Ok(()),
    }
}

/// The name a tensor has in a model without vision; `None` for the parts that see. There are two ways to tell them apart: all
/// names of the language model begin with its name, or those of its layers do.
fn name_in_language_model(name: &str) -> Option<String> {
    const SEEING: [&str; 4] =
        ["vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."];
    if let Some(rest) = name.strip_prefix("language_model.") {
        return Some(rest.to_owned());
    }
    if let Some(rest) = name.strip_prefix("model.language_model.") {
        return Some(format!("model.{rest}"));
    }
    (!SEEING.iter().any(|start| name.starts_with(start))).then(|| name.to_owned())
}

/// The tensors of the model among those found, under the names they have in a model without vision. Others would be left out
/// of the computation and change its answers, but for tables that follow from the config, and the copy of a table that
/// serves twice.
fn chosen(shape: &Shape, found: Found, files: &[PathBuf]) -> Result<BTreeMap<String, StoredTensor>, String> {
    let mut rest = BTreeMap::new();
    for (name, tensor) in found {
        let Some(plain) = name_in_language_model(&name) else { continue };
        if rest.contains_key(&plain) {
            return Err(format!(
                "`{}` stands twice, once for a model that sees; fetch it again",
                shown(&plain)
            ));
        }
        rest.insert(plain, tensor);
    }
    let mut tensors = BTreeMap::new();
    expected::for_each(shape, &mut |name, dimensions| {
        let Some((file, tensor)) = rest.remove(&name) else {
            return Err(format!("`{name}` is missing; fetch the folder again"));
        };
        if tensor.dimensions != dimensions {
            return Err(format!("`{name}` is {:?}, config.json says {dimensions:?}", tensor.dimensions));
        }
        let precision = match tensor.dtype.as_str() {
            "F32" => Precision::F32,
            "F16" => Precision::F16,
            "BF16" => Precision::BF16,
            other => {
                return Err(format!("`{name}` is stored as {other}; give F32, F16 or BF16, or a GGUF file"));
            }
        };
        let HeadTensor { offset, bytes, dimensions, .. } = tensor;
        let file = files[file].clone();
        tensors.insert(name, StoredTensor { file, offset, bytes, precision, dimensions });
        Ok(())
    })?;
    let is_harmless =
        |name: &str| name.ends_with("rotary_emb.inv_freq") || shape.tied_embeddings && name == HEAD;
    match rest.keys().find(|name| !is_harmless(name)) {
        Some(name) => {
            Err(format!("`{}` is a tensor that its architecture has not; give another model", shown(name)))
        }
        None => Ok(tensors),
    }
}

/// The bytes of a tensor, as they are stored.
pub fn tensor_bytes(tensor: &StoredTensor) -> std::io::Result<Vec<u8>> {
    use std::io::{Seek, SeekFrom};
    let mut file = File::open(&tensor.file)?;
    file.seek(SeekFrom::Start(tensor.offset))?;
    let mut bytes = vec![0; count_as_usize(tensor.bytes)];
    file.read_exact(&mut bytes)?;
    debug_assert_eq!(index_as_u64(bytes.len()), tensor.bytes);
    Ok(bytes)
}
