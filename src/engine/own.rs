//! The project's own engine: [`Decoder`] behind the trait that all engines share.

use std::path::PathBuf;

use candle_core::{D, IndexOp, Tensor};

use super::checkpoint::Checkpoint;
use super::decoder::Decoder;
use super::device::ComputeDevice;
use super::gate;
use super::{CANDLE_VERSION, Checked, Emit, Engine, EngineError, Request};
use crate::hardware::Device;
use crate::measurement::{Boundary, EngineGap, EngineIdentity};
use crate::units::{Bytes, count_as_usize};
use crate::workload::Case;

/// Counts up with every change to the forward pass that can move a figure.
const FORWARD_PASS: u32 = 1;

/// Tokens of a prompt that are computed at once: the scores of attention take `heads x portion x positions` floats.
const PORTION: usize = 256;

/// Runs a checkpoint, GGUF or safetensors, through the project's own forward pass.
pub struct OwnEngine {
    path: PathBuf,
    device: ComputeDevice,
    memory_needed: Bytes,
    loaded: Option<Loaded>,
}

struct Loaded {
    checkpoint: Checkpoint,
    decoder: Decoder,
}

impl OwnEngine {
    /// An engine for the file or folder at `path`; nothing is read before `load`. `memory_needed` is compared with what is
    /// free.
    pub fn new(path: PathBuf, device: ComputeDevice, memory_needed: Bytes) -> Self {
        Self { path, device, memory_needed, loaded: None }
    }

    /// What keeps it from running a case rightly: it has code for every architecture of [`crate::model::Family`], so only
    /// a workload longer than the model was published for is left.
    pub fn gaps(case: &Case) -> Vec<EngineGap> {
        let is_longer = case.workload.positions() > case.model.shape.max_positions;
        is_longer.then_some(EngineGap::Context).into_iter().collect()
    }

    fn checkpoint_error(&self, problem: &str) -> EngineError {
        EngineError::checkpoint(&self.path, problem)
    }

    fn loaded(&mut self) -> Result<&mut Loaded, EngineError> {
        self.loaded.as_mut().ok_or(EngineError::NotLoaded)
    }

    /// The next token of each row after `rows`, on the host.
    fn step(&mut self, rows: &[Vec<u32>]) -> Result<Vec<u32>, EngineError> {
        let device = self.device.candle.clone();
        let decoder = &mut self.loaded()?.decoder;
        let mut run = || -> candle_core::Result<Vec<u32>> {
            let hidden = decoder.take_in(rows, &device)?;
            let last = hidden.dim(1)? - 1;
            let logits = decoder.logits(&hidden.narrow(1, last, 1)?)?;
            let next = logits.i((.., 0))?.argmax(D::Minus1)?.to_vec1()?;
            device.synchronize()?;
            Ok(next)
        };
        run().map_err(|error| compute_error(&error))
    }
}

impl Decoder {
    /// Takes in `rows`, one per sequence, all of one length, in portions; the hidden states of the last portion.
    fn take_in(&mut self, rows: &[Vec<u32>], device: &candle_core::Device) -> candle_core::Result<Tensor> {
        let length = rows.first().map_or(0, Vec::len);
        let mut hidden = None;
        for start in (0..length).step_by(PORTION) {
            let end = length.min(start + PORTION);
            let flat: Vec<u32> = rows.iter().flat_map(|row| row[start..end].iter().copied()).collect();
            hidden = Some(self.advance(&Tensor::from_vec(flat, (rows.len(), end - start), device)?)?);
        }
        hidden.ok_or_else(|| candle_core::Error::Msg("a request without tokens".to_owned()))
    }
}

fn compute_error(error: &candle_core::Error) -> EngineError {
    EngineError::Compute(error.to_string().lines().next().unwrap_or_default().to_owned())
}

impl Engine for OwnEngine {
    fn identity(&self) -> EngineIdentity {
        EngineIdentity {
            id: "claimbench".into(),
            version: format!("{FORWARD_PASS}, on candle-core {CANDLE_VERSION}"),
            boundary: Boundary::InProcess,
        }
    }

    fn device(&self) -> Device {
        self.device.device().clone()
    }

    fn unload(&mut self) {
        self.loaded = None;
    }

    fn load(&mut self) -> Result<(), EngineError> {
        self.device.check_memory(self.memory_needed)?;
        let checkpoint = Checkpoint::open(&self.path).map_err(|problem| self.checkpoint_error(&problem))?;
        let decoder = Decoder::load(&checkpoint, &self.device.candle)
            .map_err(|error| self.checkpoint_error(&error.to_string()))?;
        self.loaded = Some(Loaded { checkpoint, decoder });
        self.device.candle.synchronize().map_err(|error| compute_error(&error))
    }

    fn begin(&mut self, context: &[Vec<u32>]) -> Result<(), EngineError> {
        let device = self.device.candle.clone();
        let decoder = &mut self.loaded()?.decoder;
        decoder.rewind(0);
        if context.iter().any(|row| !row.is_empty()) {
            decoder.take_in(context, &device).map_err(|error| compute_error(&error))?;
            device.synchronize().map_err(|error| compute_error(&error))?;
        }
        Ok(())
    }

    fn generate(&mut self, request: &Request, emit: &mut Emit<'_>) -> Result<(), EngineError> {
        let (batch, prompt) = (request.prompts.len(), request.prompts.first().map_or(0, Vec::len));
        let decoder = &mut self.loaded()?.decoder;
        let positions = decoder.position() + prompt + count_as_usize(request.output_tokens);
        decoder.reserve(batch, positions).map_err(|error| compute_error(&error))?;
        let mut tokens = self.step(&request.prompts)?;
        for produced in 1..=count_as_usize(request.output_tokens) {
            if emit(&tokens).is_break() || produced == count_as_usize(request.output_tokens) {
                break;
            }
            let rows: Vec<Vec<u32>> = tokens.iter().map(|&token| vec![token]).collect();
            tokens = self.step(&rows)?;
        }
        Ok(())
    }

    fn check(&mut self, rows: &[Vec<u32>]) -> Result<Option<Checked>, EngineError> {
        self.begin(&[])?;
        let device = self.device.candle.clone();
        let Loaded { checkpoint, decoder } = self.loaded()?;
        let logits = |portion: &[Vec<u32>]| {
            let hidden = decoder.take_in(portion, &device)?;
            decoder.logits(&hidden)?.i(portion.len() - 1)?.to_vec2()
        };
        let checked = gate::compare(checkpoint, rows, logits);
        decoder.rewind(0);
        checked.map(Some).map_err(|error| compute_error(&error))
    }

    fn device_memory_in_use(&self) -> Option<Bytes> {
        self.device.memory_in_use()
    }
}
