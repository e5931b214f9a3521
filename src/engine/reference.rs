//! candle-transformers' own quantised qwen2, as it is: the baseline every later engine is measured against.
//!
//! Known of it (`docs/PERFORMANCE.md`): on AVX2 it repacks weights at first use, its KV cache is concatenated at
//! every step, and its embedding table is dequantised whole.

#![expect(clippy::disallowed_methods, reason = "opens the checkpoint")]

use std::fs::File;
use std::path::PathBuf;

use candle_core::Tensor;
use candle_core::quantized::gguf_file::Content;
use candle_transformers::models::quantized_qwen2::ModelWeights;

use super::device::ComputeDevice;
use super::{Emit, Engine, EngineError, Request};
use crate::hardware::Device;
use crate::measurement::{Boundary, EngineIdentity};
use crate::units::{Bytes, count_as_usize};

/// The version of candle-transformers in `Cargo.lock`; a test compares the two.
const CANDLE_VERSION: &str = "0.11.1";

/// Runs a GGUF file through candle-transformers.
pub struct ReferenceEngine {
    path: PathBuf,
    device: ComputeDevice,
    memory_needed: Bytes,
    model: Option<ModelWeights>,
    position: usize,
}

impl ReferenceEngine {
    /// An engine for the file at `path`; nothing is read before `load`. `memory_needed` is compared with what is free.
    pub fn new(path: PathBuf, device: ComputeDevice, memory_needed: Bytes) -> Self {
        Self { path, device, memory_needed, model: None, position: 0 }
    }

    fn checkpoint_error(&self, problem: &impl ToString) -> EngineError {
        let file = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let problem = problem.to_string();
        EngineError::Checkpoint { file, problem: problem.lines().next().unwrap_or_default().to_owned() }
    }

    fn check_memory(&self) -> Result<(), EngineError> {
        let place = if self.device.candle.is_cuda() { "device" } else { "main" };
        match self.device.free_memory() {
            Some(free) if free < self.memory_needed => {
                Err(EngineError::Memory { needed: self.memory_needed, free, place })
            }
            _ => Ok(()),
        }
    }

    /// One forward pass over `rows` (shape `[batch, tokens]`); the next token of each row, on the host.
    fn step(&mut self, rows: &[Vec<u32>]) -> Result<Vec<u32>, EngineError> {
        let model = self.model.as_mut().ok_or(EngineError::NotLoaded)?;
        let width = rows.first().map_or(0, Vec::len);
        let mut run = || -> candle_core::Result<Vec<u32>> {
            let flat: Vec<u32> = rows.concat();
            let input = Tensor::from_vec(flat, (rows.len(), width), &self.device.candle)?;
            let logits = model.forward(&input, self.position)?;
            let next = logits.argmax(candle_core::D::Minus1)?.to_vec1()?;
            self.device.candle.synchronize()?;
            Ok(next)
        };
        let next = run().map_err(|error| EngineError::Compute(error.to_string()))?;
        self.position += width;
        Ok(next)
    }
}

impl Engine for ReferenceEngine {
    fn identity(&self) -> EngineIdentity {
        EngineIdentity {
            id: "candle-transformers".into(),
            version: CANDLE_VERSION.into(),
            boundary: Boundary::InProcess,
        }
    }

    fn device(&self) -> Device {
        self.device.device().clone()
    }

    fn unload(&mut self) {
        self.model = None;
    }

    fn load(&mut self) -> Result<(), EngineError> {
        self.check_memory()?;
        let mut file = File::open(&self.path).map_err(|error| self.checkpoint_error(&error))?;
        let content = Content::read(&mut file).map_err(|error| self.checkpoint_error(&error))?;
        let model = ModelWeights::from_gguf(content, &mut file, &self.device.candle)
            .map_err(|error| self.checkpoint_error(&error))?;
        self.device.candle.synchronize().map_err(|error| EngineError::Compute(error.to_string()))?;
        self.model = Some(model);
        Ok(())
    }

    fn begin(&mut self, context: &[Vec<u32>]) -> Result<(), EngineError> {
        self.model.as_mut().ok_or(EngineError::NotLoaded)?.clear_kv_cache();
        self.position = 0;
        if context.iter().any(|row| !row.is_empty()) {
            self.step(context)?;
        }
        Ok(())
    }

    fn generate(&mut self, request: &Request, emit: &mut Emit<'_>) -> Result<(), EngineError> {
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

    fn device_memory_in_use(&self) -> Option<Bytes> {
        self.device.memory_in_use()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::DeviceChoice;

    fn engine(path: &str, needed: u64) -> ReferenceEngine {
        let device = ComputeDevice::open(DeviceChoice::Cpu).unwrap();
        ReferenceEngine::new(path.into(), device, Bytes::new(needed))
    }

    #[test]
    fn the_version_is_the_one_in_the_lock_file() {
        let lock = include_str!("../../Cargo.lock");
        let entry =
            lock.split("[[package]]").find(|entry| entry.contains("name = \"candle-transformers\"")).unwrap();
        assert!(entry.contains(&format!("version = \"{CANDLE_VERSION}\"")), "{entry}");
    }

    #[test]
    fn a_missing_file_is_named_without_its_folder() {
        let error = engine("/no/such/folder/model.gguf", 0).load().unwrap_err().to_string();
        assert!(error.starts_with("checkpoint model.gguf: "), "{error}");
        assert!(!error.contains("/no/such"), "{error}");
    }

    #[test]
    fn a_model_larger_than_memory_is_refused_before_it_is_read() {
        let error = engine("model.gguf", u64::MAX).load().unwrap_err();
        assert!(matches!(error, EngineError::Memory { place: "main", .. }), "{error}");
    }

    #[test]
    fn nothing_is_computed_before_load() {
        let mut engine = engine("model.gguf", 0);
        assert_eq!(engine.begin(&[]), Err(EngineError::NotLoaded));
    }
}
