//! The engines that a run can be made with: what each lacks, what it takes in memory, and making one.

use std::path::PathBuf;

use crate::engine::{ComputeDevice, Engine, OwnEngine, ReferenceEngine, Scripted, ScriptedEngine};
use crate::hardware::{Device, Machine};
use crate::measurement::{EngineGap, Skip};
use crate::model::LocalFormat;
use crate::units::Bytes;
use crate::workload::{Case, CaseForecast, Footprint};

/// Which engine computes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum EngineChoice {
    /// The project's own forward pass on candle-core.
    Claimbench,
    /// candle-transformers' ready models: a second opinion where they compute the same.
    CandleTransformers,
    /// The twin that computes nothing; for tests.
    #[value(hide = true)]
    Scripted,
}

impl EngineChoice {
    /// The name on the command line.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Claimbench => "claimbench",
            Self::CandleTransformers => "candle-transformers",
            Self::Scripted => "scripted",
        }
    }

    /// True if it reads checkpoints.
    pub(super) fn is_real(self) -> bool {
        self != Self::Scripted
    }

    /// What keeps it from running a case rightly.
    pub(in crate::cli) fn gaps(self, case: &Case) -> Vec<EngineGap> {
        match self {
            Self::Claimbench => OwnEngine::gaps(case),
            Self::CandleTransformers => ReferenceEngine::gaps(case),
            Self::Scripted => Vec::new(),
        }
    }

    /// The same as a reason not to try.
    pub(super) fn lacks(self, case: &Case) -> Option<Skip> {
        let gaps = self.gaps(case);
        (!gaps.is_empty()).then_some(Skip::Engine { gaps })
    }

    /// An engine for a checkpoint.
    pub(super) fn make(self, path: PathBuf, device: ComputeDevice, memory: Bytes) -> Box<dyn Engine> {
        let format = if path.is_dir() { LocalFormat::Safetensors } else { LocalFormat::Gguf };
        match self {
            Self::Claimbench => Box::new(OwnEngine::new(path, device, memory)),
            Self::CandleTransformers => Box::new(ReferenceEngine::new(path, device, memory).of(format)),
            Self::Scripted => Box::new(ScriptedEngine::new(Scripted::default())),
        }
    }

    /// The memory a case needs on a device. How often weights are repacked depends on the processor.
    pub(in crate::cli) fn memory(self, case: &Case, device: &Device, machine: &Machine) -> Bytes {
        let has_amx = machine.cpu_features.iter().any(|feature| feature == "amx_int8");
        let repacked_copies = match device {
            Device::Cuda { .. } => 0,
            Device::Cpu { .. } => 1 + u64::from(has_amx),
        };
        let is_own = self == Self::Claimbench;
        CaseForecast::memory(case, &Footprint { repacked_copies, widens: !is_own })
    }
}
