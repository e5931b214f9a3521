//! Checkpoints with random weights in a model's exact shape and storage types.
//!
//! The time and memory of inference depend on the shape and the types of the weights, not on their values, so such a file
//! measures a model that nobody has downloaded. Its text is meaningless, and it says so in its own metadata.
//!
//! The values are scaled as at the start of a training run: every matrix has mean 0 and standard deviation
//! `1 / sqrt(fan_in)`, those that write to the residual stream a further `1 / sqrt(2 layers)`, so that activations stay
//! near 1 through all layers and no operation meets infinities or subnormal numbers.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::blocks::Draw;
use super::gguf::write::{self as gguf, DataWriter, Value};
use super::precision::Recipe;
use super::rotary::Llama3Factors;
use super::shape::{Shape, TensorRole, TensorSpec, TensorType};
use super::spec::ModelSpec;
use super::vocabulary::{LEAST_TOKENS, Vocabulary};
use crate::units::{Bytes, count_as_f64, count_as_usize, index_as_u64};

/// Version of the bytes that a seed gives. Raise it with every change to them: files of another version are written anew.
pub const GENERATOR: u32 = 1;

/// Blocks (or values) drawn from one seed of their own: a piece of 0.1 to 1 MB, and of 16 kB for the few tensors of F32.
const fn blocks_per_chunk(kind: TensorType) -> u64 {
    match kind {
        TensorType::BF16 => 1 << 19,
        _ => 4_096,
    }
}

/// Chunks that a thread may be ahead of the writer.
const CHUNKS_AHEAD: usize = 2;

/// Standard deviation of the logits: a random model as sure of its next token as an untrained one is expected to be.
const LOGIT_STD: f64 = 2.0;

/// Why no synthetic checkpoint came about.
#[derive(Debug, thiserror::Error)]
pub enum SyntheticError {
    /// The model cannot exist, so neither can its file.
    #[error("model `{model}` cannot be made: {problem}; {fix}")]
    Shape {
        /// The model's id.
        model: String,
        /// What is wrong with its shape.
        problem: String,
        /// What to change in `models.toml`.
        fix: String,
    },
    /// Too few embedding rows for a vocabulary that can encode any text.
    #[error(
        "model `{model}` has {vocab} tokens, and a synthetic vocabulary needs {LEAST_TOKENS}; raise `vocab` in models.toml"
    )]
    Vocabulary {
        /// The model's id.
        model: String,
        /// Rows of its embedding table.
        vocab: u64,
    },
    /// The recipe wants a type whose random blocks are not drawn.
    #[error(
        "model `{model}` needs {kind} blocks, which cannot be drawn at random yet; measure it with real weights"
    )]
    Blocks {
        /// The model's id.
        model: String,
        /// The type.
        kind: &'static str,
    },
    /// The receiver of the bytes refused them.
    #[error("cannot write the synthetic checkpoint ({})", reason(source))]
    Write {
        /// What the operating system said; [`io::ErrorKind::StorageFull`] when the disk is full.
        #[from]
        source: io::Error,
    },
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        _ => error.to_string(),
    }
}

/// A synthetic checkpoint that is not written yet: its header, its tensors and its exact size.
#[derive(Clone, Debug)]
pub struct SyntheticPlan {
    header: Vec<u8>,
    tensors: Vec<(TensorSpec, TensorType)>,
    shape: Shape,
    seed: u64,
}

impl SyntheticPlan {
    /// Lays out the file of `spec` at `precision` with weights drawn from `seed`.
    pub fn new(spec: &ModelSpec, precision: Recipe, seed: u64) -> Result<Self, SyntheticError> {
        let model = || spec.id.as_str().to_owned();
        let shape = spec.shape.clone();
        if let Some((_, problem, fix)) = shape.problems().into_iter().next() {
            return Err(SyntheticError::Shape { model: model(), problem, fix });
        }
        let Some(vocabulary) = Vocabulary::new(shape.vocab) else {
            return Err(SyntheticError::Vocabulary { model: model(), vocab: shape.vocab });
        };
        let tensors: Vec<_> = shape
            .tensors()
            .into_iter()
            .map(|tensor| {
                let kind = shape.tensor_type(&tensor, precision);
                (tensor, kind)
            })
            .collect();
        if let Some((_, kind)) = tensors.iter().find(|(_, kind)| Draw::gaussian(*kind, 1.0).is_none()) {
            return Err(SyntheticError::Blocks { model: model(), kind: kind.label() });
        }
        let mut metadata = general(spec, precision, seed);
        metadata.extend(shape.metadata());
        metadata.extend(vocabulary.metadata());
        Ok(Self { header: gguf::header(&metadata, &tensors), tensors, shape, seed })
    }

    /// Exact size of the file. DeepSeek-R1-Distill-Qwen-1.5B at `Q4_K_M` makes 1,114,408,224 bytes.
    pub fn bytes(&self) -> Bytes {
        let data: u64 =
            self.tensors.iter().map(|(tensor, kind)| gguf::aligned(tensor.bytes(*kind).count())).sum();
        Bytes::new(index_as_u64(self.header.len()) + data)
    }

    /// Everything before the tensor data. It names model, shape, seed and generator, so two files with the same header
    /// hold the same weights.
    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    /// Writes the file to `out`, drawing on `threads` threads. The bytes do not depend on their number. At most a few
    /// megabytes per thread are held in memory; returns the bytes written.
    pub fn write(&self, out: impl Write, threads: NonZeroUsize) -> Result<Bytes, SyntheticError> {
        let chunks = self.chunks();
        let mut writer = DataWriter::new(out, &self.header)?;
        let written: io::Result<u64> = thread::scope(|scope| {
            // Thread t draws chunks t, t + n, t + 2n, ... of n threads, so taking turns gives them back in order.
            let pieces: Vec<Receiver<Vec<u8>>> = (0..threads.get())
                .map(|turn| {
                    let (sender, receiver) = sync_channel(CHUNKS_AHEAD);
                    let own = chunks.iter().skip(turn).step_by(threads.get());
                    scope.spawn(move || draw(own, &sender));
                    receiver
                })
                .collect();
            for (chunk, receiver) in chunks.iter().zip(pieces.iter().cycle()) {
                let piece = receiver.recv().expect("a drawing thread sends each of its chunks");
                writer.write(&piece)?;
                if chunk.ends_tensor {
                    writer.end_tensor()?;
                }
            }
            writer.finish()
        });
        Ok(Bytes::new(written?))
    }

    fn chunks(&self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for (tensor, kind) in &self.tensors {
            let (values, bytes) = kind.block();
            let (blocks, draw) = (tensor.values() / values, draw_of(tensor, *kind, &self.shape));
            let per_chunk = blocks_per_chunk(*kind);
            for (index, first) in (0..blocks).step_by(count_as_usize(per_chunk)).enumerate() {
                let size = per_chunk.min(blocks - first);
                chunks.push(Chunk {
                    draw,
                    seed: chunk_seed(self.seed, &tensor.name, index_as_u64(index)),
                    bytes: count_as_usize(size * bytes),
                    ends_tensor: first + size == blocks,
                });
            }
        }
        chunks
    }
}

/// Writes the synthetic checkpoint of `spec` to `out`: [`SyntheticPlan::new`] and [`SyntheticPlan::write`] in one.
pub fn write_checkpoint(
    out: impl Write,
    spec: &ModelSpec,
    precision: Recipe,
    seed: u64,
    threads: NonZeroUsize,
) -> Result<Bytes, SyntheticError> {
    SyntheticPlan::new(spec, precision, seed)?.write(out, threads)
}

/// The exact size of a synthetic checkpoint, before anything is drawn.
pub fn file_bytes(spec: &ModelSpec, precision: Recipe) -> Result<Bytes, SyntheticError> {
    Ok(SyntheticPlan::new(spec, precision, 0)?.bytes())
}

/// The name of a synthetic checkpoint in the cache; all that its bytes depend on is part of it.
///
/// ```
/// # use claimbench::model::{ModelId, Recipe, synthetic_file_name};
/// let name = synthetic_file_name(&ModelId::new("tiny-qwen2").unwrap(), Recipe::Q4KM, 1);
/// assert_eq!(name, "tiny-qwen2-q4_k_m-seed1-gen1.gguf");
/// ```
pub fn file_name(model: &super::spec::ModelId, precision: Recipe, seed: u64) -> String {
    format!("{model}-{}-seed{seed}-gen{GENERATOR}.gguf", precision.id())
}

/// A piece of a tensor, drawn from a seed of its own.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    draw: Draw,
    seed: u64,
    bytes: usize,
    ends_tensor: bool,
}

fn draw<'a>(chunks: impl Iterator<Item = &'a Chunk>, sender: &SyncSender<Vec<u8>>) {
    for chunk in chunks {
        let mut piece = vec![0; chunk.bytes];
        chunk.draw.fill(chunk.seed, &mut piece);
        // The writer hangs up when it fails; then there is nothing left to draw for.
        if sender.send(piece).is_err() {
            return;
        }
    }
}

/// How a tensor's values are drawn: see the head of this file.
fn draw_of(tensor: &TensorSpec, kind: TensorType, shape: &Shape) -> Draw {
    let fan_in = count_as_f64(tensor.columns()).sqrt();
    let residual = count_as_f64(2 * shape.layers).sqrt();
    let std = match tensor.role {
        TensorRole::Norm => return Draw::Ones,
        TensorRole::RotaryFactors => {
            return Draw::Rotary(
                Llama3Factors::new(shape).expect("the tensor exists for llama3 scaling alone"),
            );
        }
        TensorRole::Bias => return Draw::SmallBias,
        TensorRole::Embedding if !shape.tied_embeddings => 1.0,
        TensorRole::Embedding | TensorRole::Output => LOGIT_STD / fan_in,
        TensorRole::Projection
        | TensorRole::AttentionKey
        | TensorRole::AttentionValue
        | TensorRole::LatentValue
        | TensorRole::Router => 1.0 / fan_in,
        // Stored the other way round: its rows are what a key is made of, its second dimension what it is made from.
        TensorRole::LatentKey => 1.0 / count_as_f64(tensor.dimensions[1]).sqrt(),
        TensorRole::AttentionOutput | TensorRole::FeedForwardDown => 1.0 / fan_in / residual,
    };
    Draw::gaussian(kind, std).expect("the plan holds only types that are drawn")
}

/// The seed of one chunk: 64-bit FNV-1a of the tensor's name, mixed with the file's seed and the chunk's index.
fn chunk_seed(seed: u64, tensor: &str, index: u64) -> u64 {
    let name = tensor.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mixed(mixed(mixed(seed) ^ name).wrapping_add(index))
}

/// One step of `SplitMix64` (Steele, Lea and Flood 2014): every input bit reaches every output bit.
fn mixed(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The keys that say what the file is.
fn general(spec: &ModelSpec, precision: Recipe, seed: u64) -> Vec<(String, Value)> {
    let file_type = match precision {
        // llama.cpp's `LLAMA_FTYPE_MOSTLY_Q4_K_M` and so on.
        Recipe::Q4KM => 15,
        Recipe::Q6K => 18,
        Recipe::Q8_0 => 7,
        Recipe::BF16 => 32,
    };
    let description = format!(
        "random weights in the shape of {} (seed {seed}): valid for speed and memory, meaningless as text",
        spec.name
    );
    [
        ("general.architecture", Value::Text(spec.shape.family.id().to_owned())),
        ("general.type", Value::Text("model".to_owned())),
        ("general.name", Value::Text(format!("{} (synthetic)", spec.name))),
        ("general.description", Value::Text(description)),
        ("general.file_type", Value::U32(file_type)),
        ("general.quantization_version", Value::U32(2)),
        ("general.alignment", Value::U32(gguf::ALIGNMENT)),
        ("claimbench.synthetic", Value::Bool(true)),
        ("claimbench.model", Value::Text(spec.id.as_str().to_owned())),
        ("claimbench.seed", Value::U64(seed)),
        ("claimbench.generator", Value::U32(GENERATOR)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}
