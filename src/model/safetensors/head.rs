//! The head of a safetensors file: which tensors it holds, where, and that they fill it without overlap or hole.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::wire;
use crate::model::regular_file;
use crate::model::shown::shown;
use crate::units::count_as_usize;

/// More bytes than any head has: those of published models stay below one million.
const LONGEST_HEAD: u64 = 16 << 20;

/// A tensor as the head of its file describes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct HeadTensor {
    /// The name of its storage type.
    pub(super) dtype: String,
    /// Its dimensions, outermost first.
    pub(super) dimensions: Vec<u64>,
    /// Its first byte, counted from the start of the file.
    pub(super) offset: u64,
    /// Its size.
    pub(super) bytes: u64,
}

/// The tensors of a file, and its size.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) tensors: BTreeMap<String, HeadTensor>,
    pub(super) file_bytes: u64,
}

/// The bytes of a value; from the description of the format (`Dtype` of the safetensors library).
fn width(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" => 1,
        "U16" | "I16" | "F16" | "BF16" => 2,
        "U32" | "I32" | "F32" => 4,
        "U64" | "I64" | "F64" => 8,
        _ => return None,
    })
}

impl Head {
    /// Reads and checks the head of the file at `path`; what is wrong with it otherwise, without the path.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = |error: std::io::Error| format!("cannot be read ({error})");
        let (mut file, file_bytes) = regular_file::open(path).map_err(text)?;
        let mut length = [0; 8];
        if file_bytes < 8 {
            return Err("is too short for a safetensors file; fetch it again".to_owned());
        }
        file.read_exact(&mut length).map_err(text)?;
        let length = u64::from_le_bytes(length);
        let data = file_bytes - 8;
        if length > LONGEST_HEAD {
            return Err(format!(
                "is no safetensors file: its head would have {length} bytes; fetch it again"
            ));
        }
        let Some(data) = data.checked_sub(length) else {
            return Err("was cut off in its head; fetch it again".to_owned());
        };
        let mut head = vec![0; count_as_usize(length)];
        file.read_exact(&mut head).map_err(text)?;
        Self::parse(&head, data, file_bytes)
    }

    /// `data` is the number of bytes after the head.
    pub(super) fn parse(head: &[u8], data: u64, file_bytes: u64) -> Result<Self, String> {
        let entries = wire::tensors(head)
            .map_err(|error| format!("has a head that is no list of tensors ({error}); fetch it again"))?;
        let start = file_bytes - data;
        let (mut tensors, mut places) = (BTreeMap::new(), Vec::with_capacity(entries.len()));
        for (name, entry) in entries {
            let fault = |problem: String| format!("holds `{}`, {problem}; fetch it again", shown(&name));
            let [from, to] = entry.data_offsets;
            let dtype = entry.dtype.clone();
            let width =
                width(&dtype).ok_or_else(|| fault(format!("whose type `{}` is not known", shown(&dtype))))?;
            let dimensions = entry.dimensions();
            if dimensions.contains(&0) {
                return Err(fault(format!("whose dimensions {dimensions:?} hold a zero")));
            }
            let bytes = dimensions.iter().try_fold(width, |bytes, size| bytes.checked_mul(*size));
            if bytes.is_none_or(|bytes| from.checked_add(bytes) != Some(to)) {
                let problem =
                    format!("whose bytes {from} to {to} are not the size of {dimensions:?} {dtype}");
                return Err(fault(problem));
            }
            if to > data {
                return Err(format!(
                    "was cut off on the way: `{}` ends at byte {to} of its data, which has {data}; fetch it again",
                    shown(&name)
                ));
            }
            places.push((from, to));
            let tensor = HeadTensor { dtype, dimensions, offset: start + from, bytes: to - from };
            tensors.insert(name, tensor);
        }
        filled(places, data)?;
        Ok(Self { tensors, file_bytes })
    }
}

/// The format leaves no byte of the data to nobody, and none to two.
fn filled(mut places: Vec<(u64, u64)>, data: u64) -> Result<(), String> {
    places.sort_unstable();
    let mut end = 0;
    for (from, to) in places {
        if from < end {
            return Err(format!("has two tensors that overlap at byte {from} of its data; fetch it again"));
        }
        if from > end {
            return Err(format!("has a hole from byte {end} to {from} of its data; fetch it again"));
        }
        end = to;
    }
    if end < data {
        return Err(format!("has {} bytes after its last tensor; fetch it again", data - end));
    }
    Ok(())
}
