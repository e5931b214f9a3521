//! Engines: they compute and emit tokens; the runner stamps them. One piece of code times all engines.

mod ceilings;
mod checkpoint;
mod decoder;
mod device;
mod floats;
mod forward;
mod gaps;
mod gate;
mod host;
mod kernels;
mod own;
mod plain;
mod reference;
mod scripted;

use std::ops::ControlFlow;
use std::path::Path;

use crate::hardware::Device;
use crate::measurement::EngineIdentity;
use crate::units::Bytes;

pub use ceilings::CeilingsError;
pub use device::{ComputeDevice, DeviceError};
pub use own::OwnEngine;
pub use reference::ReferenceEngine;
pub use scripted::{Scripted, ScriptedEngine};

/// What the runner asks of an engine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// Token ids of the prompt, one row per sequence of the batch, all of one length.
    pub prompts: Vec<Vec<u32>>,
    /// Output tokens per sequence; the end-of-sequence token is ignored.
    pub output_tokens: u64,
}

/// Receives the tokens of one step, one per sequence; answers whether to go on.
pub type Emit<'a> = dyn FnMut(&[u32]) -> ControlFlow<()> + 'a;

/// Something that turns tokens into tokens.
///
/// The contract that makes its timing honest: whatever `load`, `begin` and each emitted step started is finished on
/// the device before the call returns or the tokens are emitted.
pub trait Engine {
    /// Name, version and boundary.
    fn identity(&self) -> EngineIdentity;

    /// The device that computes.
    fn device(&self) -> Device;

    /// Drops the model, if one is loaded.
    fn unload(&mut self);

    /// Loads the model.
    fn load(&mut self) -> Result<(), EngineError>;

    /// Forgets earlier requests, makes room for `request` and no more, and fills the KV cache with `context`, one row per
    /// sequence; not timed. A context that is in the cache already may stay there.
    fn begin(&mut self, context: &[Vec<u32>], request: &Request) -> Result<(), EngineError>;

    /// Computes the prompt and then one step after the other, greedily, emitting each step's tokens.
    fn generate(&mut self, request: &Request, emit: &mut Emit<'_>) -> Result<(), EngineError>;

    /// Compares the engine's logits after every token of the last of `rows` (one per sequence, all of one length) with those of
    /// the plain path, and forgets the tokens again. `None` where there is no plain path to compare with.
    fn check(&mut self, rows: &[Vec<u32>]) -> Result<Option<Checked>, EngineError>;

    /// Device memory in use by anyone; `None` on the CPU, where the process's own memory is read instead.
    fn device_memory_in_use(&self) -> Option<Bytes>;
}

/// What a comparison with the plain path gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checked {
    /// Positions compared.
    pub positions: u64,
    /// Root mean square of the difference of all logits, over the standard deviation of the plain path's.
    pub distance: f64,
    /// The largest distance that the rounding of weights and activations explains (see `gate.rs`).
    pub tolerance: f64,
    /// Positions where both find the same token the most likely.
    pub same_top: u64,
    /// False if a logit was NaN or infinite; the distance is meaningless then.
    pub finite: bool,
}

/// The version of candle's crates in `Cargo.lock`; a test compares the two.
const CANDLE_VERSION: &str = "0.11.1";

/// In the version of an engine that held quantised weights as they are stored, though it could hold them in a faster layout too.
pub const NOT_REPACKED: &str = "weights not repacked";

/// Why an engine could not go on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// The checkpoint cannot be used.
    #[error("checkpoint {file}: {problem}")]
    Checkpoint {
        /// File name, without its folder.
        file: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The model needs more memory than is free.
    #[error(
        "needs about {:.1} GB of {place} memory and {:.1} GB are free; close other programs or choose a smaller model",
        .needed.as_f64() / 1e9, .free.as_f64() / 1e9
    )]
    Memory {
        /// Needed for weights, cache and the engine's own copies.
        needed: Bytes,
        /// Free now.
        free: Bytes,
        /// `main` or `device`.
        place: &'static str,
    },
    /// A call came before `load`.
    #[error("no model is loaded")]
    NotLoaded,
    /// The computation failed.
    #[error("computation failed: {0}")]
    Compute(String),
}

impl EngineError {
    /// A checkpoint that cannot be used, told by its name: the folder it lies in is nobody's business.
    fn checkpoint(path: &Path, problem: &str) -> Self {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let problem = problem.lines().next().unwrap_or_default().replace(&path.display().to_string(), &file);
        Self::Checkpoint { file, problem }
    }
}
