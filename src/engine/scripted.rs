//! The twin for tests: emits what its script says, computes nothing, and fails where it is told to.

use super::{Checked, Emit, Engine, EngineError, Request};
use crate::hardware::Device;
use crate::measurement::{Boundary, EngineIdentity};
use crate::units::{Bytes, count_as_usize, index_as_u64};

/// What a [`ScriptedEngine`] does.
#[derive(Clone, Debug, Default)]
pub struct Scripted {
    /// Fails every load with this error.
    pub load_error: Option<EngineError>,
    /// Fails the request with this number, counted from 0, with this error.
    pub generate_error: Option<(u64, EngineError)>,
    /// What its comparison with the plain path says; it has no plain path otherwise.
    pub checked: Option<Result<Checked, EngineError>>,
    /// Changes its answer with every request.
    pub answers_differ: bool,
}

/// An engine without a model.
#[derive(Debug, Default)]
pub struct ScriptedEngine {
    script: Scripted,
    requests: u64,
    loaded: bool,
}

impl ScriptedEngine {
    /// An engine that follows `script`.
    pub fn new(script: Scripted) -> Self {
        Self { script, requests: 0, loaded: false }
    }
}

impl Engine for ScriptedEngine {
    fn identity(&self) -> EngineIdentity {
        EngineIdentity {
            id: "scripted".into(),
            version: "1".into(),
            boundary: Boundary::InProcess,
            kv_value_bytes: 4,
        }
    }

    fn device(&self) -> Device {
        Device::Cpu { threads: 1 }
    }

    fn unload(&mut self) {
        self.loaded = false;
    }

    fn load(&mut self) -> Result<(), EngineError> {
        if let Some(error) = &self.script.load_error {
            return Err(error.clone());
        }
        self.loaded = true;
        Ok(())
    }

    fn begin(&mut self, _context: &[Vec<u32>], _request: &Request) -> Result<(), EngineError> {
        if self.loaded { Ok(()) } else { Err(EngineError::NotLoaded) }
    }

    fn generate(&mut self, request: &Request, emit: &mut Emit<'_>) -> Result<(), EngineError> {
        let number = self.requests;
        self.requests += 1;
        if let Some((at, error)) = &self.script.generate_error
            && *at == number
        {
            return Err(error.clone());
        }
        let offset = if self.script.answers_differ { count_as_usize(number) } else { 0 };
        for step in 0..count_as_usize(request.output_tokens) {
            let token = u32::try_from(index_as_u64(step + offset) % 1_000).unwrap_or(0);
            if emit(&vec![token; request.prompts.len()]).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn check(&mut self, _rows: &[Vec<u32>]) -> Result<Option<Checked>, EngineError> {
        self.script.checked.clone().transpose()
    }

    fn device_memory_in_use(&self) -> Option<Bytes> {
        None
    }
}
