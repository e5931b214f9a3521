//! A folder as on the hub: `config.json` for the shape, safetensors for the weights as plain floats.

#![expect(clippy::disallowed_methods, reason = "reads checkpoint files")]

mod wire;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::checkpoint::{CheckpointError, sha256};
use super::config::shape_of_config;
use super::precision::Precision;
use super::shape::{Attention, Family, FeedForward, Shape};
use crate::units::{Bytes, count_as_usize, hexadecimal, index_as_u64};

/// More than any head of a file has.
const LONGEST_HEAD: u64 = 100_000_000;

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
        let config = path.join("config.json");
        let text = fs::read_to_string(&config)
            .map_err(|error| folder(format!("config.json cannot be read ({error})")))?;
        let shape = shape_of_config(&text).map_err(|error| folder(error.to_string()))?;
        let files = weight_files(path).map_err(folder)?;
        let (mut tensors, mut total) = (BTreeMap::new(), 0);
        for file in &files {
            total += head(file, &mut tensors)
                .map_err(|problem| CheckpointError::Folder { path: file.clone(), problem })?;
        }
        if let Some(expected) = expected(&shape) {
            tensors = chosen(tensors, &expected).map_err(folder)?;
        }
        Ok(Self { shape, tensors, files, file_bytes: Bytes::new(total) })
    }

    /// Bytes of all tensors.
    pub fn tensor_bytes(&self) -> Bytes {
        Bytes::new(self.tensors.values().map(|tensor| tensor.bytes).sum())
    }

    /// Bytes of weights that one decode step of one sequence reads, as they are stored.
    pub fn read_bytes_per_step(&self) -> Bytes {
        let is_read = |name: &&String| self.shape.tied_embeddings || name.as_str() != EMBEDDING;
        Bytes::new(self.tensors.keys().filter(is_read).map(|name| self.tensors[name].bytes).sum())
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

const EMBEDDING: &str = "model.embed_tokens.weight";

fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let index = folder.join("model.safetensors.index.json");
    if index.exists() {
        let text = fs::read_to_string(index).map_err(|error| error.to_string())?;
        let names = wire::shards(&text)?;
        if let Some(name) = names.iter().find(|name| name.contains(['/', '\\'])) {
            return Err(format!("its index names `{name}`, which lies elsewhere"));
        }
        return Ok(names.into_iter().map(|name| folder.join(name)).collect());
    }
    let single = folder.join("model.safetensors");
    if single.exists() {
        Ok(vec![single])
    } else {
        Err("it has no model.safetensors and no index".to_owned())
    }
}

/// Adds the tensors of one file; its size.
fn head(path: &Path, tensors: &mut BTreeMap<String, StoredTensor>) -> Result<u64, String> {
    let text = |error: std::io::Error| error.to_string();
    let mut file = File::open(path).map_err(text)?;
    let size = file.metadata().map_err(text)?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(text)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEAD.min(size) {
        return Err("is no safetensors file".to_owned());
    }
    let mut head = vec![0; count_as_usize(length)];
    file.read_exact(&mut head).map_err(text)?;
    for (name, entry) in wire::tensors(&head)? {
        let [from, to] = entry.data_offsets;
        let (precision, width) = match entry.dtype.as_str() {
            "F32" => (Precision::F32, 4),
            "F16" => (Precision::F16, 2),
            "BF16" => (Precision::BF16, 2),
            other => {
                return Err(format!("`{name}` is stored as {other}; give F32, F16 or BF16, or a GGUF file"));
            }
        };
        let values = entry.shape.iter().fold(1_u64, |values, size| values.saturating_mul(*size));
        let offset = from.saturating_add(8 + length);
        let bytes = to.checked_sub(from).filter(|bytes| *bytes == values.saturating_mul(width));
        let bytes = bytes.ok_or_else(|| format!("`{name}` has not the size of its dimensions"))?;
        if offset.saturating_add(bytes) > size {
            return Err("was cut off on the way; fetch it again".to_owned());
        }
        let tensor =
            StoredTensor { file: path.to_owned(), offset, bytes, precision, dimensions: entry.shape };
        if tensors.insert(name.clone(), tensor).is_some() {
            return Err(format!("`{name}` stands twice"));
        }
    }
    Ok(size)
}

/// The tensors a dense Qwen2 or Llama model is made of, as the hub's libraries name them; `None` for other models.
fn expected(shape: &Shape) -> Option<BTreeMap<String, Vec<u64>>> {
    let (&Attention::Grouped { heads, kv_heads, head_dim }, &FeedForward::Dense { intermediate }) =
        (&shape.attention, &shape.feed_forward)
    else {
        return None;
    };
    if !matches!(shape.family, Family::Qwen2 | Family::Llama) {
        return None;
    }
    let (hidden, q, kv) = (shape.hidden, heads * head_dim, kv_heads * head_dim);
    let mut all = BTreeMap::from([
        (EMBEDDING.to_owned(), vec![shape.vocab, hidden]),
        ("model.norm.weight".to_owned(), vec![hidden]),
    ]);
    if !shape.tied_embeddings {
        all.insert("lm_head.weight".to_owned(), vec![shape.vocab, hidden]);
    }
    for layer in 0..shape.layers {
        let mut add = |name: &str, size: &[u64]| {
            all.insert(format!("model.layers.{layer}.{name}"), size.to_vec());
        };
        add("input_layernorm.weight", &[hidden]);
        add("post_attention_layernorm.weight", &[hidden]);
        for (part, rows) in [("q", q), ("k", kv), ("v", kv)] {
            add(&format!("self_attn.{part}_proj.weight"), &[rows, hidden]);
            if shape.family.has_attention_bias() {
                add(&format!("self_attn.{part}_proj.bias"), &[rows]);
            }
        }
        add("self_attn.o_proj.weight", &[hidden, q]);
        add("mlp.gate_proj.weight", &[intermediate, hidden]);
        add("mlp.up_proj.weight", &[intermediate, hidden]);
        add("mlp.down_proj.weight", &[hidden, intermediate]);
    }
    Some(all)
}

/// The expected ones among `tensors`. Others would be left out of the computation and change its answers, but for tables that
/// follow from the config, and the copy of a table that serves twice.
fn chosen(
    mut tensors: BTreeMap<String, StoredTensor>,
    expected: &BTreeMap<String, Vec<u64>>,
) -> Result<BTreeMap<String, StoredTensor>, String> {
    for (name, dimensions) in expected {
        match tensors.get(name) {
            None => return Err(format!("`{name}` is missing; fetch the folder again")),
            Some(tensor) if tensor.dimensions != *dimensions => {
                return Err(format!("`{name}` is {:?}, config.json says {dimensions:?}", tensor.dimensions));
            }
            Some(_) => {}
        }
    }
    tensors.retain(|name, _| {
        !name.ends_with("rotary_emb.inv_freq") && name != "lm_head.weight" || expected.contains_key(name)
    });
    match tensors.keys().find(|name| !expected.contains_key(*name)) {
        Some(name) => Err(format!("`{name}` is a tensor that its architecture has not; give another model")),
        None if tensors.is_empty() => Err("it has no tensors".to_owned()),
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
