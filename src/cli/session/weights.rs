//! Where the weights of a case are: real ones in the hub's cache, or random ones in ours.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Row, Settings, WeightsChoice};
use crate::cli::Terminal;
use crate::hub::{Fetched, FetchedFile, Hub, ModelsLock};
use crate::measurement::ModelFile;
use crate::model::{
    CacheFolder, CheckpointFolder, LocalModel, Shape, Weights, damaged_tensor, ensure_synthetic, inspect,
    sha256, synthetic_bytes, synthetic_file_name,
};
use crate::units::Bytes;
use crate::workload::Case;

/// The checkpoint of a case, with where its weights come from and its digest. Random weights are written if need be.
pub(super) fn checkpoint(
    case: &Case,
    settings: &Settings,
    terminal: &mut Terminal,
) -> anyhow::Result<(PathBuf, ModelFile)> {
    let model = &case.model;
    if let Some(local) = local(case, settings) {
        let (weights, sha256) = (local.weights.clone(), local.sha256()?);
        refuse_damaged(&local.path)?;
        return Ok((local.path.clone(), ModelFile { weights, sha256, bytes: local.bytes }));
    }
    let real = real(case, settings.weights)?;
    let (path, weights) = match &real {
        Some((repo, fetched)) => {
            let (repo, commit) = (repo.clone(), fetched.commit.clone());
            (fetched.path.clone(), Weights::Hub { repo, commit })
        }
        None => (synthetic(case, settings, terminal)?, Weights::Synthetic { seed: settings.seed }),
    };
    let sha256 = if path.is_dir() { folder_sha256(&path)? } else { sha256(&path)? };
    // Before anything is read of it: a file that is another one need not be looked at.
    if let Some((repo, fetched)) = &real {
        hold_to_lock(repo, fetched, &sha256)?;
    }
    let (shape, bytes) = inspected(&path)?;
    if real.is_some() {
        refuse_damaged(&path)?;
    }
    if let Some((name, found, expected)) = shape.differences(&model.shape).first() {
        anyhow::bail!("the file's {name} is {found}, models.toml says {expected} for {}", model.id);
    }
    Ok((path, ModelFile { weights, sha256, bytes }))
}

/// Refuses weights that are infinite or no numbers. Random ones are drawn finite.
fn refuse_damaged(path: &Path) -> anyhow::Result<()> {
    match damaged_tensor(path)? {
        Some(name) => anyhow::bail!(
            "`{name}` holds infinite values or NaN: the file is damaged or was converted wrongly; fetch it again, or give \
             another one"
        ),
        None => Ok(()),
    }
}

fn folder_sha256(path: &Path) -> anyhow::Result<String> {
    Ok(CheckpointFolder::inspect(path)?.sha256()?)
}

/// What a checkpoint says of itself, and its size.
fn inspected(path: &Path) -> anyhow::Result<(Shape, Bytes)> {
    if path.is_dir() {
        let folder = CheckpointFolder::inspect(path)?;
        return Ok((folder.shape, folder.file_bytes));
    }
    let header = inspect(path)?;
    Ok((header.shape, header.file_bytes))
}

/// Refuses files that are not the ones in `models.lock`. The digest of a single file is at hand; those of a folder are computed.
fn hold_to_lock(repo: &str, fetched: &Fetched, sha256: &str) -> anyhow::Result<()> {
    let lock = ModelsLock::of_user()?;
    match fetched.files.as_slice() {
        [FetchedFile { name, .. }] => lock.check(repo, &fetched.commit, name, sha256)?,
        _ => lock.verify(repo, fetched)?,
    }
    Ok(())
}

/// The size of the checkpoint that a case still has to write; `None` if there is nothing to write, or if that cannot be
/// told: it serves a forecast.
pub(super) fn to_write(row: &Row, settings: &Settings) -> Option<Bytes> {
    if !row.engine.is_real() || local(&row.case, settings).is_some() {
        return None;
    }
    checkpoint_to_write(&row.case, settings.weights, settings.seed)
}

/// True if a case is measured with trained weights; false also where that cannot be told: it serves a forecast.
pub(super) fn are_real(row: &Row, settings: &Settings) -> bool {
    match local(&row.case, settings) {
        _ if !row.engine.is_real() => false,
        Some(local) => !local.weights.is_synthetic(),
        None => real(&row.case, settings.weights).is_ok_and(|found| found.is_some()),
    }
}

/// The same for an engine that reads checkpoints and a model of the registry.
pub(in crate::cli) fn checkpoint_to_write(case: &Case, weights: WeightsChoice, seed: u64) -> Option<Bytes> {
    if real(case, weights).ok()?.is_some() {
        return None;
    }
    let recipe = case.precision.recipe()?;
    let name = synthetic_file_name(&case.model.id, recipe, seed);
    let is_there = CacheFolder::locate().ok()?.synthetic().join(name).exists();
    if is_there { None } else { synthetic_bytes(&case.model, recipe).ok() }
}

/// The file of the user that the case is about.
fn local<'a>(case: &Case, settings: &'a Settings) -> Option<&'a LocalModel> {
    case.model.local?;
    settings.local.iter().find(|local| local.spec.id == case.model.id)
}

/// The repository and file of real weights, if they are wanted and in the cache.
fn real(case: &Case, weights: WeightsChoice) -> anyhow::Result<Option<(String, Fetched)>> {
    let model = &case.model;
    let insists = weights == WeightsChoice::Real;
    if weights == WeightsChoice::Synthetic {
        return Ok(None);
    }
    let Some(file) = model.file(case.precision) else {
        anyhow::ensure!(
            !insists,
            "models.toml names no real weights of {} as {}",
            model.id,
            case.precision.id()
        );
        return Ok(None);
    };
    let cached = Hub::from_environment()?.cached(&ModelsLock::of_user()?.pinned(file));
    if cached.is_none() && insists {
        anyhow::bail!("the real weights are not in the cache; `claimbench pull {}` fetches them", model.id);
    }
    Ok(cached.map(|fetched| (file.repo.repo.clone(), fetched)))
}

fn synthetic(case: &Case, settings: &Settings, terminal: &mut Terminal) -> anyhow::Result<PathBuf> {
    let folder = CacheFolder::locate()?.synthetic();
    let model = &case.model;
    let recipe = case.precision.recipe().filter(|_| model.local.is_none());
    let recipe =
        recipe.with_context(|| format!("{} is a file of the user, which was not given", model.id))?;
    if settings.weights == WeightsChoice::Auto && model.file(case.precision).is_some() {
        terminal.note(&format!(
            "weights: synthetic, as the real ones are not in the cache; `claimbench pull {}` fetches them",
            model.id
        ));
    }
    let mut announce = |bytes: Bytes| {
        let (size, folder) = (bytes.as_f64() / 1e6, folder.display());
        terminal.note(&format!("writing {size:.0} MB of random weights to {folder}"));
    };
    Ok(ensure_synthetic(&folder, model, recipe, settings.seed, &mut announce)?.path)
}

/// The text without the home folder, whose name may hold spaces that hide the rest of a path.
pub(in crate::cli) fn without_home(text: &str) -> String {
    match dirs::home_dir() {
        Some(home) if home.components().count() > 1 => text.replace(&home.display().to_string(), "~"),
        _ => text.to_owned(),
    }
}
