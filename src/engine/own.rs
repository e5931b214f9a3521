//! The project's own engine: [`Forward`] behind the trait that all engines share.

use std::path::{Path, PathBuf};

use super::checkpoint::Checkpoint;
use super::device::ComputeDevice;
use super::forward::{Forward, Ways};
use super::gate;
use super::host::HostDecoder;
use super::kernels::Level;
use super::{CANDLE_VERSION, Checked, Emit, Engine, EngineError, NOT_REPACKED, Request};
use crate::hardware::{Device, threads_to_compute_with};
use crate::measurement::{Boundary, EngineGap, EngineIdentity};
use crate::units::{Bytes, count_as_usize};
use crate::workload::Case;

/// Counts up with every change to the forward pass that can move a figure.
const FORWARD_PASS: u32 = 2;

/// Runs a checkpoint, GGUF or safetensors, through the project's own forward pass.
pub struct OwnEngine {
    path: PathBuf,
    device: ComputeDevice,
    memory_needed: Bytes,
    ways: Ways,
    forms: Forms,
    loaded: Option<Loaded>,
    held: Option<Held>,
}

/// A context in the KV cache, and the room that the cache has.
#[derive(Eq, PartialEq)]
struct Held {
    context: Vec<Vec<u32>>,
    batch: usize,
    positions: usize,
}

/// What a checkpoint makes of the engine: it stands in the identity before a model is loaded too.
#[derive(Clone, Copy, Debug)]
struct Forms {
    /// True if weights stay in the mapped file.
    is_host: bool,
    /// Bytes of one value in the KV cache.
    kv_value_bytes: u64,
}

impl Forms {
    fn of(checkpoint: &Checkpoint, ways: Ways, device: &ComputeDevice) -> Self {
        let is_host = ways.takes_host(checkpoint, &device.candle);
        let is_half = is_host && HostDecoder::has_half_cache(checkpoint);
        Self { is_host, kv_value_bytes: if is_half { 2 } else { 4 } }
    }
}

struct Loaded {
    checkpoint: Checkpoint,
    forward: Forward,
}

impl OwnEngine {
    /// An engine for the file or folder at `path`; nothing but its header is read before `load`. `memory_needed` is compared
    /// with what is free.
    pub fn new(path: PathBuf, device: ComputeDevice, memory_needed: Bytes) -> Self {
        let ways =
            Ways { level: Level::best(), threads: count_as_usize(threads_to_compute_with()), repacks: true };
        let forms = Checkpoint::open(&path).map(|checkpoint| Forms::of(&checkpoint, ways, &device));
        let forms = forms.unwrap_or(Forms { is_host: false, kv_value_bytes: 4 });
        Self { path, device, memory_needed, ways, forms, loaded: None, held: None }
    }

    /// The same without candle's second copy of quantised weights on a CPU: slower, and in less than half of the memory. It
    /// makes no difference where weights stay in their file.
    #[must_use]
    pub fn without_repacking(self) -> Self {
        Self { ways: Ways { repacks: false, ..self.ways }, ..self }
    }

    /// True if the weights of the checkpoint at `path` would stay in their mapped file, so that none is copied into memory.
    pub fn maps_weights(path: &Path, device: &ComputeDevice) -> bool {
        let ways = Ways { level: Level::best(), threads: 1, repacks: true };
        Checkpoint::open(path).is_ok_and(|checkpoint| ways.takes_host(&checkpoint, &device.candle))
    }

    /// True if checkpoints in the precisions of the list are mapped on this device.
    pub fn usually_maps_weights(device: &Device) -> bool {
        matches!(device, Device::Cpu { .. }) && Level::best().is_fast()
    }

    /// What keeps it from running a case rightly: it has code for every architecture of [`crate::model::Family`], so only
    /// a workload longer than the model was published for is left.
    pub fn gaps(case: &Case) -> Vec<EngineGap> {
        let is_longer = case.workload.positions() > case.model.shape.max_positions;
        is_longer.then_some(EngineGap::Context).into_iter().collect()
    }

    /// What a reader must know of how it computes.
    fn version(&self) -> String {
        if self.forms.is_host {
            return format!("{FORWARD_PASS}, own kernels ({})", self.ways.level.id());
        }
        let layout = if self.ways.repacks { String::new() } else { format!(", {NOT_REPACKED}") };
        format!("{FORWARD_PASS}, on candle-core {CANDLE_VERSION}{layout}")
    }

    fn checkpoint_error(&self, problem: &str) -> EngineError {
        EngineError::checkpoint(&self.path, problem)
    }

    fn loaded(&mut self) -> Result<&mut Loaded, EngineError> {
        self.loaded.as_mut().ok_or(EngineError::NotLoaded)
    }
}

fn compute_error(error: &candle_core::Error) -> EngineError {
    EngineError::Compute(error.to_string().lines().next().unwrap_or_default().to_owned())
}

impl Engine for OwnEngine {
    fn identity(&self) -> EngineIdentity {
        EngineIdentity {
            id: "claimbench".into(),
            version: self.version(),
            boundary: Boundary::InProcess,
            kv_value_bytes: self.forms.kv_value_bytes,
        }
    }

    fn device(&self) -> Device {
        if self.forms.is_host { self.device.device().clone() } else { self.device.device_of_candle() }
    }

    fn unload(&mut self) {
        self.loaded = None;
        self.held = None;
    }

    fn load(&mut self) -> Result<(), EngineError> {
        self.device.check_memory(self.memory_needed)?;
        let checkpoint = Checkpoint::open(&self.path).map_err(|problem| self.checkpoint_error(&problem))?;
        self.forms = Forms::of(&checkpoint, self.ways, &self.device);
        let forward = Forward::load(&checkpoint, &self.device.candle, self.ways)
            .map_err(|error| self.checkpoint_error(&error.to_string()))?;
        self.loaded = Some(Loaded { checkpoint, forward });
        Ok(())
    }

    fn begin(&mut self, context: &[Vec<u32>], request: &Request) -> Result<(), EngineError> {
        let (batch, depth) = (request.prompts.len(), context.first().map_or(0, Vec::len));
        let positions = depth + request.prompts.first().map_or(0, Vec::len);
        let positions = positions + count_as_usize(request.output_tokens);
        let held = Held { context: context.to_vec(), batch, positions };
        let is_held = self.held.take().is_some_and(|earlier| earlier == held);
        let forward = &mut self.loaded()?.forward;
        if is_held {
            forward.rewind(depth);
        } else {
            let mut fill = || {
                forward.renew(batch, positions)?;
                if depth > 0 { forward.take_in(context) } else { Ok(()) }
            };
            fill().map_err(|error| compute_error(&error))?;
        }
        self.held = Some(held);
        Ok(())
    }

    fn generate(&mut self, request: &Request, emit: &mut Emit<'_>) -> Result<(), EngineError> {
        let forward = &mut self.loaded()?.forward;
        let mut tokens = Vec::with_capacity(request.prompts.len());
        let mut rows: Vec<Vec<u32>> = Vec::new();
        forward.step(&request.prompts, &mut tokens).map_err(|error| compute_error(&error))?;
        for produced in 1..=count_as_usize(request.output_tokens) {
            if emit(&tokens).is_break() || produced == count_as_usize(request.output_tokens) {
                break;
            }
            rows.resize_with(tokens.len(), || Vec::with_capacity(1));
            for (row, token) in rows.iter_mut().zip(&tokens) {
                row.clear();
                row.push(*token);
            }
            forward.step(&rows, &mut tokens).map_err(|error| compute_error(&error))?;
        }
        Ok(())
    }

    fn check(&mut self, rows: &[Vec<u32>]) -> Result<Option<Checked>, EngineError> {
        self.begin(&[], &Request { prompts: rows.to_vec(), output_tokens: 0 })?;
        self.held = None;
        let Loaded { checkpoint, forward } = self.loaded()?;
        let checked = gate::compare(checkpoint, rows, |portion| forward.logits(portion));
        forward.rewind(0);
        checked.map(Some).map_err(|error| compute_error(&error))
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
    use crate::workload::DeviceChoice;

    fn engine(path: &Path, needed: u64) -> OwnEngine {
        OwnEngine::new(path.to_owned(), ComputeDevice::open(DeviceChoice::Cpu).unwrap(), Bytes::new(needed))
    }

    /// The tokens of one request after a context, step by step.
    fn tokens(engine: &mut OwnEngine, prompts: &[Vec<u32>], context: &[u32]) -> Vec<Vec<u32>> {
        let mut steps = Vec::new();
        let request = Request { prompts: prompts.to_vec(), output_tokens: 8 };
        engine.begin(&vec![context.to_vec(); prompts.len()], &request).unwrap();
        let mut emit = |tokens: &[u32]| {
            steps.push(tokens.to_vec());
            ControlFlow::Continue(())
        };
        engine.generate(&request, &mut emit).unwrap();
        steps
    }

    #[test]
    fn every_family_runs_passes_the_gate_and_gives_equal_tokens_to_equal_requests() {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for model in registry.test_shapes() {
            let file = ensure_synthetic(folder.path(), model, Recipe::Q8_0, 1, &mut |_| {}).unwrap();
            let mut engine = engine(&file.path, 0);
            engine.load().unwrap();
            let (context, prompt): (Vec<u32>, _) = ((256..280).collect(), vec![vec![70, 71, 72, 73]]);
            let first = tokens(&mut engine, &prompt, &[]);
            let after_context = tokens(&mut engine, &prompt, &context);
            assert_ne!(after_context, first, "{}: the context is read", model.id);
            assert_eq!(tokens(&mut engine, &prompt, &context), after_context, "{}: and kept", model.id);
            assert_eq!(tokens(&mut engine, &prompt, &[]), first, "{}: and forgotten", model.id);
            // A context and a prompt give what both give in one piece.
            let whole = vec![[context.as_slice(), &prompt[0]].concat()];
            assert_eq!(tokens(&mut engine, &whole, &[]), after_context, "{}", model.id);
            let three = tokens(&mut engine, &vec![prompt[0].clone(); 3], &context);
            for (alone, three) in after_context.iter().zip(&three) {
                assert_eq!(*three, vec![alone[0]; 3], "{}: equal rows, equal tokens", model.id);
            }
            let rows: Vec<Vec<u32>> =
                (0..3).map(|row| (0..28).map(|i| (i * 31 + row) % 500).collect()).collect();
            let checked = engine.check(&rows).unwrap().unwrap();
            assert!(checked.finite && checked.distance < checked.tolerance, "{}: {checked:?}", model.id);
            assert_eq!(checked.positions, 28);
            assert_eq!(
                tokens(&mut engine, &prompt, &[]),
                first,
                "{}: the gate leaves nothing behind",
                model.id
            );
        }
    }

    #[test]
    fn what_cannot_be_loaded_says_why_without_the_folder() {
        let error = engine(Path::new("/no/such/folder/model.gguf"), 0).load().unwrap_err().to_string();
        assert!(error.starts_with("checkpoint model.gguf: ") && !error.contains("/no/such"), "{error}");
        let error = engine(Path::new("model.gguf"), u64::MAX).load().unwrap_err();
        assert!(matches!(error, EngineError::Memory { place: "main", .. }), "{error}");
        let nothing = Request { prompts: vec![], output_tokens: 0 };
        assert_eq!(engine(Path::new("model.gguf"), 0).begin(&[], &nothing), Err(EngineError::NotLoaded));
    }
}
