//! Reads and checks the header of a GGUF file, versions 2 and 3, before anything relies on it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use candle_core::quantized::GgmlDType;

use super::bytes::Source;
use super::kind::{foreign_name, kind};
use super::value::Value;
use crate::model::checkpoint::CheckpointError;
use crate::model::regular_file;
use crate::model::safetensors::has_pickle_name;
use crate::model::shown::shown;
use crate::units::{Bytes, count_as_usize, index_as_u64};

/// What a header may take in memory: the largest published vocabularies, 260,000 tokens with 510,000 merges, take 50 MB.
pub(super) const MOST_KEPT: u64 = 64 << 20;

/// Where data starts is a multiple of this many bytes, unless the file states another number.
const DEFAULT_ALIGNMENT: u64 = 32;

/// The rotary factors of Llama 3: the one number of the shape's that files hold as a tensor and not as a key.
const ROTARY_FACTORS: &str = "rope_freqs.weight";

/// The header of a GGUF file. All of its tensors lie inside the file, each in its own place.
#[derive(Clone, Debug, PartialEq)]
pub struct GgufFile {
    metadata: BTreeMap<String, Value>,
    tensors: BTreeMap<String, GgufTensor>,
    rotary_factors: Option<Vec<f32>>,
    bytes: Bytes,
}

/// Where a tensor lies and how it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GgufTensor {
    /// The storage type.
    pub kind: GgmlDType,
    /// One to four sizes, none of them zero; values that lie side by side come first, as in the file.
    pub dimensions: Vec<u64>,
    /// The first byte, counted from the start of the file.
    pub offset: u64,
    /// How many bytes there are.
    pub bytes: u64,
}

impl GgufFile {
    /// Reads the header of the file at `path`, no tensor but the rotary factors, and checks that all of its data is there.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let io = |source| CheckpointError::Io { path: path.to_owned(), source };
        let (mut file, length) = regular_file::open(path).map_err(io)?;
        Self::read(path, &mut file, length)
    }

    /// The same for a file of `length` bytes that is open already; `path` is for messages.
    pub(in crate::model) fn read(
        path: &Path,
        file: &mut (impl Read + Seek),
        length: u64,
    ) -> Result<Self, CheckpointError> {
        let mut source = Source::new(path, &mut *file, length);
        let (tensor_count, key_count) = preamble(path, &mut source)?;
        let metadata = keys(&mut source, key_count)?;
        let alignment = alignment(&source, &metadata)?;
        let entries = entries(&mut source, tensor_count)?;
        source.enter("the places of its tensors");
        let start = source.position().next_multiple_of(alignment);
        let tensors = placed(path, &source, entries, Data { start, alignment, length })?;
        drop(source);
        let mut whole = Self { metadata, tensors, rotary_factors: None, bytes: Bytes::new(length) };
        whole.rotary_factors = whole
            .read_rotary_factors(file)
            .map_err(|source| CheckpointError::Io { path: path.to_owned(), source })?;
        Ok(whole)
    }

    /// The text of a key; `None` if it is absent or no text. So too for the other kinds.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number of any width that is not negative.
    pub fn count(&self, key: &str) -> Option<u64> {
        match *self.metadata.get(key)? {
            Value::Unsigned(value) => Some(value),
            Value::Signed(value) => u64::try_from(value).ok(),
            _ => None,
        }
    }

    /// True or false.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match *self.metadata.get(key)? {
            Value::Flag(value) => Some(value),
            _ => None,
        }
    }

    /// A number with a fraction; infinite or not a number if the file says so.
    pub fn real(&self, key: &str) -> Option<f64> {
        match *self.metadata.get(key)? {
            Value::Real(value) => Some(value),
            _ => None,
        }
    }

    /// A list of texts.
    pub fn texts(&self, key: &str) -> Option<&[String]> {
        match self.metadata.get(key)? {
            Value::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    /// A list of 32-bit floats.
    pub fn reals(&self, key: &str) -> Option<&[f32]> {
        match self.metadata.get(key)? {
            Value::Reals(values) => Some(values),
            _ => None,
        }
    }

    /// A list of 32-bit whole numbers with signs.
    pub fn integers(&self, key: &str) -> Option<&[i32]> {
        match self.metadata.get(key)? {
            Value::Integers(values) => Some(values),
            _ => None,
        }
    }

    /// What kind of value a key has, in words; `None` if the file has no such key.
    pub fn kind_of(&self, key: &str) -> Option<&'static str> {
        self.metadata.get(key).map(Value::kind)
    }

    /// The tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<&GgufTensor> {
        self.tensors.get(name)
    }

    /// All tensors in the order of their names.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &GgufTensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The values of `rope_freqs.weight`, one for each pair of a head's rotated values: what its frequency is divided by.
    /// `None` if the file has no such tensor, or one that holds no F32 vector of a head's size.
    pub fn rotary_factors(&self) -> Option<&[f32]> {
        self.rotary_factors.as_deref()
    }

    /// The size of the file.
    pub const fn bytes(&self) -> Bytes {
        self.bytes
    }

    fn read_rotary_factors(&self, file: &mut (impl Read + Seek)) -> io::Result<Option<Vec<f32>>> {
        const MOST_BYTES: u64 = 4 << 16;
        let Some(tensor) = self.tensor(ROTARY_FACTORS) else { return Ok(None) };
        if tensor.kind != GgmlDType::F32 || tensor.dimensions.len() != 1 || tensor.bytes > MOST_BYTES {
            return Ok(None);
        }
        let mut bytes = vec![0; count_as_usize(tensor.bytes)];
        file.seek(SeekFrom::Start(tensor.offset))?;
        file.read_exact(&mut bytes)?;
        Ok(Some(bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect()))
    }
}

/// Magic, version, and the two counts: of tensors and of keys.
fn preamble<R: Read + Seek>(path: &Path, source: &mut Source<'_, R>) -> Result<(u64, u64), CheckpointError> {
    let start = source.take_many(source.left().min(4))?;
    if start != b"GGUF" {
        return Err(no_gguf(path, &start));
    }
    let version = source.take_u32()?;
    if !matches!(version, 2 | 3) {
        return Err(CheckpointError::Version { path: path.to_owned(), version });
    }
    source.enter("its two counts");
    let (tensors, keys) = (source.take_u64()?, source.take_u64()?);
    // A tensor has the length of a name, one dimension, type and offset; a key a length, a kind and one byte.
    source.check_count(tensors, 32, "tensors")?;
    source.check_count(keys, 13, "keys")?;
    Ok((tensors, keys))
}

/// Why a file that starts so is none: some kinds of files are met often.
fn no_gguf(path: &Path, start: &[u8]) -> CheckpointError {
    // PyTorch saves pickles, today inside a zip archive.
    let is_pickle = start.starts_with(b"PK\x03\x04") || matches!(start, [0x80, 2..=5, ..]);
    let path = path.to_owned();
    if is_pickle || has_pickle_name(&path) {
        return CheckpointError::Pickle { path };
    }
    let is_safetensors = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"));
    let fix = if is_safetensors {
        "give the folder in which it lies with its config.json"
    } else {
        "give a model in GGUF format"
    };
    CheckpointError::NotGguf { path, found: format!("\"{}\"", start.escape_ascii()), fix }
}

fn keys<R: Read + Seek>(
    source: &mut Source<'_, R>,
    count: u64,
) -> Result<BTreeMap<String, Value>, CheckpointError> {
    // Both from the description of the format.
    const LONGEST_KEY: u64 = 65_535;
    const BESIDE: u64 = 128;
    let mut keys = BTreeMap::new();
    for number in 1..=count {
        source.enter(format!("the name of key {number} of {count}"));
        source.keep(BESIDE)?;
        let key = source.take_text(LONGEST_KEY)?;
        source.enter(format!("the key `{}`", shown(&key)));
        match keys.entry(key) {
            Entry::Occupied(_) => return Err(source.fault("it stands twice")),
            Entry::Vacant(entry) => entry.insert(Value::read(source)?),
        };
    }
    Ok(keys)
}

fn alignment<R: Read + Seek>(
    source: &Source<'_, R>,
    keys: &BTreeMap<String, Value>,
) -> Result<u64, CheckpointError> {
    match keys.get("general.alignment") {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(&Value::Unsigned(alignment)) if alignment.is_power_of_two() && alignment <= 1 << 20 => {
            Ok(alignment)
        }
        Some(value) => {
            let found = match value {
                Value::Unsigned(alignment) => alignment.to_string(),
                other => other.kind().to_owned(),
            };
            let problem = format!("`general.alignment` is {found}, and a power of two is needed");
            Err(source.fault(problem))
        }
    }
}

/// A tensor as its entry in the header describes it: its offset counts from the start of the data.
struct Described {
    name: String,
    tensor: GgufTensor,
}

fn entries<R: Read + Seek>(
    source: &mut Source<'_, R>,
    count: u64,
) -> Result<Vec<Described>, CheckpointError> {
    // What an entry takes in the list, in the map, and in the list that is sorted by places.
    const BESIDE: u64 = 320;
    // Published models have under 2,000; with one tensor for each of 256 experts it would be 50,000.
    const MOST: u64 = 1 << 16;
    source.enter("the number of its tensors");
    source.check_count(count, 32, "tensors")?;
    if count > MOST {
        return Err(source.fault(format!("it states {count} tensors, and no model has more than {MOST}")));
    }
    source.keep(count.saturating_mul(BESIDE))?;
    let mut entries = Vec::with_capacity(count_as_usize(count));
    for number in 1..=count {
        entries.push(entry(source, number, count)?);
    }
    Ok(entries)
}

fn entry<R: Read + Seek>(
    source: &mut Source<'_, R>,
    number: u64,
    count: u64,
) -> Result<Described, CheckpointError> {
    // From the description of the format, as the most dimensions are.
    const LONGEST_NAME: u64 = 64;
    source.enter(format!("the name of tensor {number} of {count}"));
    let name = source.take_text(LONGEST_NAME)?;
    source.enter(format!("the tensor `{}`", shown(&name)));
    let rank = source.take_u32()?;
    if !(1..=4).contains(&rank) {
        return Err(source.fault(format!("it has {rank} dimensions, and 1 to 4 are possible")));
    }
    let mut dimensions = Vec::with_capacity(4);
    for _ in 0..rank {
        dimensions.push(source.take_u64()?);
    }
    let number = source.take_u32()?;
    let Some(kind) = kind(number) else {
        let name = foreign_name(number).map_or(String::new(), |name| format!(" ({name})"));
        let fix = "choose another quantisation of the model, such as Q4_K_M or Q8_0";
        return Err(source.fault_with(format!("its storage type {number}{name} is not known here"), fix));
    };
    let bytes = stored_bytes(kind, &dimensions).map_err(|problem| source.fault(problem))?;
    let offset = source.take_u64()?;
    Ok(Described { name, tensor: GgufTensor { kind, dimensions, offset, bytes } })
}

/// The bytes of a tensor, if there can be one of these dimensions.
fn stored_bytes(kind: GgmlDType, dimensions: &[u64]) -> Result<u64, String> {
    let [row, ..] = *dimensions else { return Err("it has no dimensions".to_owned()) };
    if dimensions.contains(&0) {
        return Err(format!("its dimensions {dimensions:?} hold a zero"));
    }
    let block = index_as_u64(kind.block_size());
    if !row.is_multiple_of(block) {
        return Err(format!("its rows of {row} values are no whole number of {kind:?} blocks of {block}"));
    }
    let values = dimensions.iter().try_fold(1_u64, |values, size| values.checked_mul(*size));
    values
        .and_then(|values| (values / block).checked_mul(index_as_u64(kind.type_size())))
        .ok_or_else(|| format!("its dimensions {dimensions:?} are larger than any file"))
}

/// Where the tensors' data may lie.
#[derive(Clone, Copy)]
struct Data {
    start: u64,
    alignment: u64,
    length: u64,
}

/// The tensors by name, with offsets from the start of the file; each at the alignment, in the file, and apart from all others.
fn placed<R: Read + Seek>(
    path: &Path,
    source: &Source<'_, R>,
    entries: Vec<Described>,
    data: Data,
) -> Result<BTreeMap<String, GgufTensor>, CheckpointError> {
    let fault =
        |name: &str, problem: String| Err(source.fault(format!("the tensor `{}` {problem}", shown(name))));
    // As much as all tensors take one after the other: nothing sound starts later.
    let padded = |tensor: &GgufTensor| tensor.bytes.saturating_add(data.alignment);
    let packed = entries.iter().fold(0, |sum: u64, entry| sum.saturating_add(padded(&entry.tensor)));
    let (mut tensors, mut places) = (BTreeMap::new(), Vec::with_capacity(entries.len()));
    for Described { name, mut tensor } in entries {
        if !tensor.offset.is_multiple_of(data.alignment) {
            return fault(&name, format!("starts at {}, no multiple of {}", tensor.offset, data.alignment));
        }
        if tensor.offset > packed {
            let problem = format!("starts at {}, and all tensors together take {packed}", tensor.offset);
            return fault(&name, problem);
        }
        let start = data.start.checked_add(tensor.offset);
        let Some((start, end)) = start.and_then(|start| Some((start, start.checked_add(tensor.bytes)?)))
        else {
            return fault(&name, "ends beyond any file".to_owned());
        };
        tensor.offset = start;
        places.push((start, end));
        match tensors.entry(name) {
            Entry::Occupied(entry) => return fault(entry.key(), "stands twice".to_owned()),
            Entry::Vacant(entry) => entry.insert(tensor),
        };
    }
    places.sort_unstable();
    if let Some(pair) = places.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        let at = pair[1].0;
        let mut both =
            tensors.iter().filter(|(_, tensor)| (tensor.offset..tensor.offset + tensor.bytes).contains(&at));
        let names: Vec<String> =
            both.by_ref().take(2).map(|(name, _)| format!("`{}`", shown(name))).collect();
        return Err(source.fault(format!("the tensors {} overlap at byte {at}", names.join(" and "))));
    }
    let end = places.iter().map(|(_, end)| *end).max().unwrap_or(0);
    if end > data.length {
        let (path, expected, actual) = (path.to_owned(), Bytes::new(end), Bytes::new(data.length));
        return Err(CheckpointError::Truncated { path, expected, actual });
    }
    Ok(tensors)
}
