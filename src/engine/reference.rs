//! candle-transformers' own quantised qwen2 and llama, as they are: the baseline every later engine is measured against.
//!
//! What they cannot run rightly is listed by [`ReferenceEngine::gaps`] and not run. Known of them (`docs/PERFORMANCE.md`): on AVX2 it repacks weights at first use, its KV cache is concatenated at
//! every step, and its embedding table is dequantised whole.

#![expect(clippy::disallowed_methods, reason = "opens the checkpoint")]

use std::fs::File;
use std::path::PathBuf;

use candle_core::quantized::gguf_file::Content;
use candle_core::{DType, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen2};

use super::checkpoint::Checkpoint;
use super::device::ComputeDevice;
use super::floats::FloatModel;
use super::gaps::{gaps, shape_gaps};
use super::gate;
use super::{CANDLE_VERSION, Checked, Emit, Engine, EngineError, Request};
use crate::hardware::Device;
use crate::measurement::{Boundary, EngineGap, EngineIdentity};
use crate::model::{Family, GgufFile, LocalFormat, shape_of};
use crate::units::{Bytes, count_as_usize};
use crate::workload::Case;

/// Runs a GGUF file through candle-transformers.
pub struct ReferenceEngine {
    path: PathBuf,
    device: ComputeDevice,
    memory_needed: Bytes,
    format: LocalFormat,
    model: Option<Model>,
    position: usize,
}

/// The code for one architecture.
enum Model {
    Llama(quantized_llama::ModelWeights),
    Qwen2(quantized_qwen2::ModelWeights),
    Floats(FloatModel),
}

impl Model {
    fn load(
        family: Family,
        content: Content,
        file: &mut File,
        device: &candle_core::Device,
    ) -> candle_core::Result<Self> {
        match family {
            Family::Llama => quantized_llama::ModelWeights::from_gguf(content, file, device).map(Self::Llama),
            Family::Qwen2 => quantized_qwen2::ModelWeights::from_gguf(content, file, device).map(Self::Qwen2),
            other => candle_core::bail!("no code for the architecture `{}`", other.id()),
        }
    }

    fn clear_kv_cache(&mut self) {
        match self {
            Self::Llama(model) => model.clear_kv_cache(),
            Self::Qwen2(model) => model.clear_kv_cache(),
            Self::Floats(model) => model.clear_kv_cache(),
        }
    }

    /// Logits of the last position of each row.
    fn forward(&mut self, input: &Tensor, position: usize) -> candle_core::Result<Tensor> {
        match self {
            Self::Llama(model) => model.forward(input, position),
            Self::Qwen2(model) => model.forward(input, position),
            Self::Floats(model) => model.forward(input, position),
        }
    }
}

impl ReferenceEngine {
    /// An engine for the file at `path`; nothing is read before `load`. `memory_needed` is compared with what is free.
    pub fn new(path: PathBuf, device: ComputeDevice, memory_needed: Bytes) -> Self {
        Self { path, device, memory_needed, format: LocalFormat::Gguf, model: None, position: 0 }
    }

    /// The same for a checkpoint of this format; without it, for a GGUF file.
    #[must_use]
    pub fn of(self, format: LocalFormat) -> Self {
        Self { format, ..self }
    }

    /// What the engine lacks to run a case rightly; a case with gaps is not run.
    pub fn gaps(case: &Case) -> Vec<EngineGap> {
        gaps(case)
    }

    fn checkpoint_error(&self, problem: &impl ToString) -> EngineError {
        EngineError::checkpoint(&self.path, &problem.to_string())
    }

    fn synchronize(&self) -> Result<(), EngineError> {
        self.device.candle.synchronize().map_err(|error| EngineError::Compute(error.to_string()))
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
            version: match self.format {
                LocalFormat::Gguf => CANDLE_VERSION.into(),
                LocalFormat::Safetensors => format!("{CANDLE_VERSION}, computed in f32"),
            },
            boundary: Boundary::InProcess,
        }
    }

    fn device(&self) -> Device {
        self.device.device_of_candle()
    }

    fn unload(&mut self) {
        self.model = None;
    }

    fn load(&mut self) -> Result<(), EngineError> {
        self.device.check_memory(self.memory_needed)?;
        if self.format == LocalFormat::Safetensors {
            let model = FloatModel::load(&self.path, &self.device.candle);
            self.model = Some(Model::Floats(model.map_err(|problem| self.checkpoint_error(&problem))?));
            return self.synchronize();
        }
        // A file that is not the registry's may hold what the plan of the run did not know, and its header comes from
        // anywhere: our own reader judges it before candle's sees it.
        let shape = GgufFile::open(&self.path)
            .and_then(|header| shape_of(&header, &self.path))
            .map_err(|error| self.checkpoint_error(&error.without_folder()))?;
        if let Some(gap) = shape_gaps(&shape).first() {
            let problem = format!("{}; choose a model that `claimbench list` says runs", gap.reason());
            return Err(self.checkpoint_error(&problem));
        }
        let mut file = File::open(&self.path).map_err(|error| self.checkpoint_error(&error))?;
        let content = Content::read(&mut file).map_err(|error| self.checkpoint_error(&error))?;
        let model = Model::load(shape.family, content, &mut file, &self.device.candle)
            .map_err(|error| self.checkpoint_error(&error))?;
        self.model = Some(model);
        self.synchronize()
    }

    fn begin(&mut self, context: &[Vec<u32>], _request: &Request) -> Result<(), EngineError> {
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

    fn check(&mut self, rows: &[Vec<u32>]) -> Result<Option<Checked>, EngineError> {
        self.begin(&[], &Request { prompts: rows.to_vec(), output_tokens: 0 })?;
        let (candle, start) = (self.device.candle.clone(), std::cell::Cell::new(0));
        let checkpoint = Checkpoint::open(&self.path).map_err(|problem| self.checkpoint_error(&problem))?;
        let model = self.model.as_mut().ok_or(EngineError::NotLoaded)?;
        // This code gives the last position alone, so all tokens go through one by one.
        let measured = |portion: &[Vec<u32>]| {
            let mut all = Vec::new();
            for column in 0..portion[0].len() {
                let tokens: Vec<u32> = portion.iter().map(|row| row[column]).collect();
                let input = Tensor::from_vec(tokens, (portion.len(), 1), &candle)?;
                let logits = model.forward(&input, start.replace(start.get() + 1))?;
                all.push(logits.get(portion.len() - 1)?.to_dtype(DType::F32)?.to_vec1()?);
            }
            Ok(all)
        };
        let checked = gate::compare(&checkpoint, rows, measured);
        model.clear_kv_cache();
        checked.map(Some).map_err(|error| EngineError::Compute(error.to_string()))
    }

    fn device_memory_in_use(&self) -> Option<Bytes> {
        self.device.memory_in_use()
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::model::{Recipe, Registry, ensure_synthetic};
    use crate::workload::{DeviceChoice, WorkloadBook};

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

    /// The tokens of one request, step by step, after a context.
    fn tokens(
        engine: &mut ReferenceEngine,
        prompts: Vec<Vec<u32>>,
        context: &[u32],
    ) -> Result<Vec<Vec<u32>>, EngineError> {
        let mut steps = Vec::new();
        let request = Request { prompts, output_tokens: 12 };
        engine.begin(&vec![context.to_vec(); request.prompts.len()], &request)?;
        let mut emit = |tokens: &[u32]| {
            steps.push(tokens.to_vec());
            ControlFlow::Continue(())
        };
        engine.generate(&request, &mut emit)?;
        Ok(steps)
    }

    #[test]
    fn every_tiny_shape_without_gaps_gives_the_same_tokens_to_the_same_request() {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
        let (folder, mut run) = (tempfile::tempdir().unwrap(), 0);
        for model in registry.test_shapes() {
            for recipe in Recipe::ALL {
                let workload = book.get("tiny").unwrap().clone();
                let case = Case { model: model.clone(), precision: recipe.precision(), workload };
                if !ReferenceEngine::gaps(&case).is_empty() {
                    continue;
                }
                let file = ensure_synthetic(folder.path(), model, recipe, 1, &mut |_| {}).unwrap();
                let mut engine = engine(file.path.to_str().unwrap(), 0);
                engine.load().unwrap();
                let context: Vec<u32> = (256..320).collect();
                let prompt = || vec![vec![507, 72, 105, 256]];
                let first = tokens(&mut engine, prompt(), &[]).unwrap();
                assert_eq!(first.len(), 12);
                let after_context = tokens(&mut engine, prompt(), &context).unwrap();
                assert_ne!(after_context, first, "{}: the context is read", model.id);
                assert_eq!(tokens(&mut engine, prompt(), &[]).unwrap(), first, "{}: and forgotten", model.id);
                let alone = tokens(&mut engine, vec![vec![70]], &[300]).unwrap();
                let three = tokens(&mut engine, vec![vec![70]; 3], &[300]).unwrap();
                for (alone, three) in alone.iter().zip(&three) {
                    assert_eq!(*three, vec![alone[0]; 3], "{}: equal rows, equal tokens", model.id);
                }
                // The reason for `EngineGap::Batch`: once this succeeds, the gap can go. Matrices of plain floats are multiplied
                // by other code, which takes such rows.
                let rows = tokens(&mut engine, vec![vec![70, 71]; 3], &[]);
                if recipe != Recipe::BF16 {
                    let refused = rows.unwrap_err().to_string();
                    assert!(refused.contains("not contiguous"), "{refused}");
                }
                run += 1;
            }
        }
        assert_eq!(run, 8, "two shapes at four precisions");
    }

    #[test]
    fn a_file_that_would_be_computed_wrongly_is_refused_with_the_reason() {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for id in ["tiny-llama3", "tiny-qwen3", "tiny-mistral3", "tiny-deepseek2"] {
            let model = registry.get(id).unwrap();
            let file = ensure_synthetic(folder.path(), model, Recipe::Q8_0, 1, &mut |_| {}).unwrap();
            let error = engine(file.path.to_str().unwrap(), 0).load().unwrap_err().to_string();
            let reason = shape_gaps(&model.shape)[0].reason();
            assert!(error.contains(reason) && error.contains("claimbench list"), "{error}");
        }
    }

    #[test]
    fn nothing_is_computed_before_load() {
        let mut engine = engine("model.gguf", 0);
        let nothing = Request { prompts: vec![], output_tokens: 0 };
        assert_eq!(engine.begin(&[], &nothing), Err(EngineError::NotLoaded));
    }
}
