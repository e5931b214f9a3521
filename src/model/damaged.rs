//! Looks through a checkpoint for weights that are infinite or no numbers: a model that has one computes nothing.

#![expect(clippy::disallowed_methods, reason = "reads checkpoint files")]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use candle_core::quantized::GgmlDType;

use super::checkpoint::CheckpointError;
use super::gguf::GgufFile;
use super::non_finite::has_non_finite;
use super::safetensors::CheckpointFolder;
use crate::units::{count_as_usize, index_as_u64};

/// Bytes that are read at a time, about.
const PIECE: u64 = 1 << 20;

/// Where a tensor lies, for a scan.
struct Part<'a> {
    name: &'a str,
    file: &'a Path,
    kind: GgmlDType,
    offset: u64,
    bytes: u64,
}

/// The first tensor of a GGUF file or a folder that holds infinite values or NaN. Reads all of it, a megabyte at a time.
pub fn damaged_tensor(path: &Path) -> Result<Option<String>, CheckpointError> {
    if path.is_dir() {
        let folder = CheckpointFolder::inspect(path)?;
        let parts = folder.tensors.iter().map(|(name, tensor)| Part {
            name,
            file: &tensor.file,
            kind: tensor.kind(),
            offset: tensor.offset,
            bytes: tensor.bytes,
        });
        return first_damaged(parts);
    }
    let file = GgufFile::open(path)?;
    first_damaged(file.tensors().map(|(name, tensor)| Part {
        name,
        file: path,
        kind: tensor.kind,
        offset: tensor.offset,
        bytes: tensor.bytes,
    }))
}

fn first_damaged<'a>(parts: impl Iterator<Item = Part<'a>>) -> Result<Option<String>, CheckpointError> {
    for part in parts {
        let io = |source| CheckpointError::Io { path: part.file.to_owned(), source };
        if is_damaged(&part).map_err(io)? {
            return Ok(Some(part.name.to_owned()));
        }
    }
    Ok(None)
}

fn is_damaged(part: &Part<'_>) -> std::io::Result<bool> {
    let mut file = File::open(part.file)?;
    file.seek(SeekFrom::Start(part.offset))?;
    let block = index_as_u64(part.kind.type_size());
    let step = (PIECE / block).max(1) * block;
    let mut piece = vec![0; count_as_usize(step.min(part.bytes))];
    let mut left = part.bytes;
    while left > 0 {
        piece.truncate(count_as_usize(step.min(left)));
        file.read_exact(&mut piece)?;
        if has_non_finite(part.kind, &piece) {
            return Ok(true);
        }
        left -= index_as_u64(piece.len());
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::model::{Recipe, Registry, write_synthetic};

    #[test]
    fn one_weight_that_is_no_number_is_found_and_its_tensor_named() {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        for (recipe, name) in
            [(Recipe::Q4KM, "blk.1.ffn_up.weight"), (Recipe::Q8_0, "blk.2.attn_norm.weight")]
        {
            let mut bytes = Vec::new();
            let tiny = registry.get("tiny-llama").unwrap();
            write_synthetic(&mut bytes, tiny, recipe, 1, NonZeroUsize::MIN).unwrap();
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(damaged_tensor(&path).unwrap(), None);
            let tensor = GgufFile::open(&path).unwrap().tensor(name).unwrap().clone();
            // The last block's scale stands first in it; of a float all bytes count.
            let last = count_as_usize(tensor.offset + tensor.bytes) - tensor.kind.type_size();
            bytes[last..last + 2].copy_from_slice(&[0xff, 0x7f]);
            if tensor.kind == GgmlDType::F32 {
                bytes[last..last + 4].copy_from_slice(&f32::NAN.to_le_bytes());
            }
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(damaged_tensor(&path).unwrap().as_deref(), Some(name));
        }
    }
}
