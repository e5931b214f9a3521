//! What `claimbench doctor` looks at, as data, and the reading of it.

#![expect(clippy::disallowed_methods, reason = "tries the cache folder")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::EngineChoice;
use crate::cli::session::{checkpoint_to_write, without_home};
use crate::cli::{Catalog, SEED, WeightsChoice};
use crate::engine::{ComputeDevice, DeviceError};
use crate::hardware::{Condition, Device, Environment, Machine, SystemReader, available_memory_below};
use crate::hub::{Hub, HubSettings};
use crate::model::{CacheFolder, HubRepo, synthetic_file_name, total_bytes};
use crate::provenance;
use crate::units::Bytes;
use crate::workload::{Case, DeviceChoice, Plan, Selection};

/// How long the hub may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything the checks judge.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) profile: &'static str,
    pub(super) machine: Machine,
    pub(super) environment: Environment,
    pub(super) condition: Condition,
    pub(super) cuda: Cuda,
    /// Free where a run would put the weights: on the card if one answers, else within the control groups' limits.
    pub(super) free_memory: Option<Bytes>,
    /// One per default case.
    pub(super) memory_needs: Vec<Need>,
    pub(super) cache: Result<CacheFacts, String>,
    pub(super) free_disk: Option<Bytes>,
    /// One per checkpoint that a default case has yet to write.
    pub(super) disk_needs: Vec<Need>,
    pub(super) hub: HubFacts,
    pub(super) has_token: bool,
}

/// What something needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Need {
    pub(super) what: String,
    pub(super) bytes: Bytes,
}

/// The first CUDA device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Cuda {
    NotCompiled,
    Silent(String),
    Answers(String),
}

/// The cache folder, found and writable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct CacheFacts {
    /// As printed, the home folder as `~`.
    pub(super) folder: String,
    pub(super) checkpoints: usize,
    pub(super) bytes: Bytes,
}

/// The model hub.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum HubFacts {
    NotAsked,
    /// The environment forbids the network.
    Offline,
    Answers,
    Silent(String),
}

impl Facts {
    /// Reads them; the files of `/proc` and `/sys` below `root`.
    pub(super) fn read(root: &Path, offline: bool) -> anyhow::Result<Self> {
        let catalog = Catalog::shipped()?;
        let plan = Plan::new(&catalog.models, &catalog.workloads, &Selection::default())?;
        // A case that the engine cannot run is skipped whatever the machine is.
        let runs = |case: &&Case| EngineChoice::Claimbench.gaps(case).is_empty();
        let cases: Vec<Case> = plan.cases().iter().filter(runs).cloned().collect();
        let mut reader = SystemReader::new();
        let (device, cuda) = device()?;
        let machine = reader.machine(device.gpu().cloned().into_iter().collect());
        let environment = reader.environment();
        let memory_needs = cases
            .iter()
            .map(|case| Need {
                what: case.id().to_string(),
                bytes: EngineChoice::Claimbench.memory(case, device.device(), &environment),
            })
            .collect();
        Ok(Self {
            profile: provenance::profile(),
            condition: Condition::read(root),
            cuda,
            free_memory: match device.device() {
                Device::Cpu { .. } => available_memory_below(root),
                Device::Cuda { .. } => device.free_memory(),
            },
            memory_needs,
            cache: cache(),
            free_disk: CacheFolder::locate().ok().and_then(|cache| free_disk(cache.root())),
            disk_needs: disk_needs(&cases),
            hub: if offline { HubFacts::NotAsked } else { hub(&cases) },
            has_token: HubSettings::has_token(),
            machine,
            environment,
        })
    }
}

/// The device that `--device auto` takes.
fn device() -> Result<(ComputeDevice, Cuda), DeviceError> {
    match ComputeDevice::open(DeviceChoice::Cuda(0)) {
        Ok(device) => {
            let name = device.gpu().map_or_else(String::new, |gpu| gpu.name.clone());
            Ok((device, Cuda::Answers(name)))
        }
        Err(DeviceError::NotCompiled) => Ok((ComputeDevice::open(DeviceChoice::Cpu)?, Cuda::NotCompiled)),
        Err(silent) => Ok((ComputeDevice::open(DeviceChoice::Cpu)?, Cuda::Silent(silent.to_string()))),
    }
}

/// Cases of one model share a checkpoint, which is written once.
fn disk_needs(cases: &[Case]) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for case in cases {
        let Some(recipe) = case.precision.recipe() else { continue };
        let what = synthetic_file_name(&case.model.id, recipe, SEED);
        if needs.iter().all(|need| need.what != what)
            && let Some(bytes) = checkpoint_to_write(case, WeightsChoice::Auto, SEED)
        {
            needs.push(Need { what, bytes });
        }
    }
    needs
}

fn cache() -> Result<CacheFacts, String> {
    let cache = CacheFolder::locate().map_err(|error| without_home(&error.to_string()))?;
    let folder = without_home(&cache.root().display().to_string());
    let refused = |error: std::io::Error| format!("{folder} cannot be written to: {error}");
    if let Some(there) = nearest_folder(cache.root()) {
        // Nothing but trying tells whether a folder takes files; the file is gone before anybody looks.
        let probe = there.join(format!(".claimbench-doctor-{}", std::process::id()));
        fs::write(&probe, b"").map_err(refused)?;
        fs::remove_file(&probe).map_err(refused)?;
    }
    let entries = cache.list().map_err(|error| without_home(&format!("{:#}", anyhow::Error::new(error))))?;
    Ok(CacheFacts { folder, checkpoints: entries.len(), bytes: total_bytes(&entries) })
}

/// The path itself, or whatever stands in its place or above it.
fn nearest_folder(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|folder| folder.exists()).map(Path::to_owned)
}

fn free_disk(folder: &Path) -> Option<Bytes> {
    crate::model::free_disk(&nearest_folder(folder)?)
}

fn hub(cases: &[Case]) -> HubFacts {
    let named = cases.iter().find_map(|case| case.model.file(case.precision));
    let repo = named.map(|file| file.repo.clone());
    // Any name does, as a refusal is an answer too.
    let repo = repo.unwrap_or_else(|| HubRepo { repo: "claimbench/claimbench".to_owned(), commit: None });
    // The client's own words may repeat an address with a password in it.
    let asked = Hub::from_environment().map_err(|_| "its client cannot start".to_owned());
    if asked.as_ref().is_ok_and(Hub::is_offline) {
        return HubFacts::Offline;
    }
    match asked.and_then(|hub| hub.answers(&repo, PATIENCE)) {
        Ok(()) => HubFacts::Answers,
        Err(reason) => HubFacts::Silent(reason),
    }
}
