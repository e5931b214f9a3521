//! The engines that a run can be made with: what each lacks, what it takes in memory, and making one.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::engine::{ComputeDevice, Engine, OwnEngine, ReferenceEngine, Scripted, ScriptedEngine};
use crate::hardware::{Device, Environment};
use crate::measurement::{EngineGap, OWN_ENGINE, REFERENCE_ENGINE, Skip};
use crate::model::LocalFormat;
use crate::units::Bytes;
use crate::workload::{Case, Footprint};

/// Which engine computes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
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
            Self::Claimbench => OWN_ENGINE,
            Self::CandleTransformers => REFERENCE_ENGINE,
            Self::Scripted => "scripted",
        }
    }

    /// The engine with this [`Self::id`].
    pub(super) fn from_id(id: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|engine| engine.id() == id)
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

    /// True if its weights usually stay in their mapped file on a device.
    pub(super) fn maps_weights(self, device: &Device) -> bool {
        self == Self::Claimbench && OwnEngine::usually_maps_weights(device)
    }

    /// The same as a reason not to try.
    pub(super) fn lacks(self, case: &Case) -> Option<Skip> {
        let gaps = self.gaps(case);
        (!gaps.is_empty()).then_some(Skip::Engine { gaps })
    }

    /// An engine for the checkpoint of `cases`, at least one, with memory for the largest of them. The own engine goes without
    /// repacked weights where memory is short, or where `repacks` is false since it did so when the cases were begun.
    pub(super) fn make(
        self,
        cases: &[Case],
        path: PathBuf,
        device: ComputeDevice,
        environment: &Environment,
        repacks: bool,
    ) -> Box<dyn Engine> {
        let format = if path.is_dir() { LocalFormat::Safetensors } else { LocalFormat::Gguf };
        let maps = self == Self::Claimbench && OwnEngine::maps_weights(&path, &device);
        let [most, least] = [Repacking::Yes, Repacking::No]
            .map(|repacking| Footprint { maps, ..self.footprint(repacking, device.device(), environment) })
            .map(|footprint| cases.iter().map(|case| footprint.memory(case)).max().unwrap_or_default());
        match self {
            Self::Claimbench if repacks && device.free_memory().is_none_or(|free| free >= most) => {
                Box::new(OwnEngine::new(path, device, most))
            }
            Self::Claimbench => Box::new(OwnEngine::new(path, device, least).without_repacking()),
            Self::CandleTransformers => Box::new(ReferenceEngine::new(path, device, most).of(format)),
            Self::Scripted => Box::new(ScriptedEngine::new(Scripted::default())),
        }
    }

    /// The least memory that a case can be measured in on a device.
    pub(in crate::cli) fn memory(self, case: &Case, device: &Device, environment: &Environment) -> Bytes {
        self.footprint(Repacking::No, device, environment).memory(case)
    }

    /// How often weights are repacked depends on the processor; candle-transformers always has them repacked.
    fn footprint(self, repacking: Repacking, device: &Device, environment: &Environment) -> Footprint {
        let is_own = self == Self::Claimbench;
        let has_amx = environment.cpu_features.iter().any(|feature| feature == "amx_int8");
        let repacked_copies = match (device, repacking) {
            (Device::Cuda { .. }, _) => 0,
            (Device::Cpu { .. }, Repacking::No) if is_own => 0,
            (Device::Cpu { .. }, _) => 1 + u64::from(has_amx),
        };
        Footprint { repacked_copies, widens: !is_own, maps: self.maps_weights(device) }
    }
}

/// Whether quantised weights are held a second time, in the processor's own layout.
#[derive(Clone, Copy)]
enum Repacking {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::Environment;
    use crate::workload::{DeviceChoice, Plan};

    /// Rows are found again by these names.
    #[test]
    fn every_engine_names_itself_as_the_command_line_does() {
        let catalog = crate::cli::Catalog::shipped().unwrap();
        let plan = Plan::smoke_test(&catalog.models, &catalog.workloads).unwrap();
        for &choice in EngineChoice::value_variants() {
            let device = ComputeDevice::open(DeviceChoice::Cpu).unwrap();
            let engine = choice.make(plan.cases(), PathBuf::new(), device, &Environment::default(), true);
            assert_eq!(engine.identity().id, choice.id());
            assert_eq!(EngineChoice::from_id(choice.id()), Some(choice));
            assert_eq!(choice.to_possible_value().unwrap().get_name(), choice.id());
        }
        assert_eq!(EngineChoice::from_id("candle"), None);
    }
}
