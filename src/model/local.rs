//! A checkpoint that the user already has, as a model: what the file says of itself takes the place of the registry.

use std::path::{Path, PathBuf};

use super::checkpoint::{CheckpointError, inspect, sha256};
use super::file_type::FileType;
use super::precision::Precision;
use super::safetensors::CheckpointFolder;
use super::shape::Shape;
use super::spec::{Licence, LocalFile, LocalFormat, ModelId, ModelRole, ModelSpec, Weights};
use crate::units::Bytes;

/// Why a path gives no model.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Nothing there.
    #[error("there is no file or folder {}; give the path of a GGUF file or of a folder with safetensors", .0.display())]
    NotFound(PathBuf),
    /// The file cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// A model made from a file of the user, and where that lies.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalModel {
    /// What the file says of itself, as the registry would say it.
    pub spec: ModelSpec,
    /// Whether the weights are trained or random, by the file's own word.
    pub weights: Weights,
    /// Where it lies; for opening it and nothing else.
    pub path: PathBuf,
    /// Its size.
    pub bytes: Bytes,
}

impl LocalModel {
    /// Reads the header of the file at `path`. Its id is made from the file's name; `is_taken` says which ids others
    /// have.
    pub fn open(path: &Path, is_taken: impl Fn(&str) -> bool) -> Result<Self, LocalError> {
        if path.is_dir() {
            return Self::open_folder(path, is_taken);
        }
        if !path.exists() {
            return Err(LocalError::NotFound(path.to_owned()));
        }
        let header = inspect(path)?;
        let name = file_name(path);
        let stem = stem(&name);
        let weights = match header.synthetic {
            Some(origin) => Weights::Synthetic { seed: origin.seed },
            None => Weights::Local { name: name.clone() },
        };
        let local = LocalFile {
            format: LocalFormat::Gguf,
            tensor_bytes: header.tensor_bytes,
            read_bytes_per_step: header.read_bytes_per_step,
        };
        let precision = header.file_type.map_or(Precision::Unnamed, FileType::precision);
        let title = header.name.filter(|name| is_title(name));
        let title = title.unwrap_or_else(|| stem.to_owned());
        let spec = spec(free_id(stem, is_taken), title, header.shape, precision, local);
        Ok(Self { spec, weights, path: path.to_owned(), bytes: header.file_bytes })
    }

    fn open_folder(path: &Path, is_taken: impl Fn(&str) -> bool) -> Result<Self, LocalError> {
        let (folder, name) = (CheckpointFolder::inspect(path)?, file_name(path));
        let local = LocalFile {
            format: LocalFormat::Safetensors,
            tensor_bytes: folder.tensor_bytes(),
            read_bytes_per_step: folder.read_bytes_per_step(),
        };
        let (precision, bytes) = (folder.precision(), folder.file_bytes);
        let spec = spec(free_id(&name, is_taken), name.clone(), folder.shape, precision, local);
        Ok(Self { spec, weights: Weights::Local { name }, path: path.to_owned(), bytes })
    }

    /// The SHA-256 of the file, in hexadecimal; of a folder see [`CheckpointFolder::sha256`].
    pub fn sha256(&self) -> Result<String, LocalError> {
        match self.spec.local.map(|local| local.format) {
            Some(LocalFormat::Safetensors) => Ok(CheckpointFolder::inspect(&self.path)?.sha256()?),
            _ => Ok(sha256(&self.path)?),
        }
    }

    /// The name of the file, without the folder it lies in.
    pub fn file_name(&self) -> String {
        file_name(&self.path)
    }
}

fn spec(id: ModelId, name: String, shape: Shape, precision: Precision, local: LocalFile) -> ModelSpec {
    ModelSpec {
        id,
        name,
        publisher: "a file of the user".to_owned(),
        role: ModelRole::Measure,
        default: false,
        licence: Licence {
            name: "unknown".to_owned(),
            note: "a file of the user; its licence was not looked up".to_owned(),
            restricted: false,
            gated: false,
        },
        hub: None,
        shape,
        published: None,
        precisions: vec![precision],
        files: Vec::new(),
        local: Some(local),
    }
}

/// Whether a name can be printed. One that looks like a path may be one, and paths are nobody's business; one with control
/// characters may command a terminal.
fn is_title(name: &str) -> bool {
    const LONGEST: usize = 200;
    let refused = |c: char| matches!(c, '/' | '\\') || c.is_control();
    !name.trim().is_empty() && !name.contains(refused) && name.chars().nth(LONGEST).is_none()
}

/// The last part of a path, as the user wrote it: in the hub's cache a link has the name and its target a digest.
fn file_name(path: &Path) -> String {
    let written = path.file_name().map(ToOwned::to_owned);
    let name = written.or_else(|| path.canonicalize().ok()?.file_name().map(ToOwned::to_owned));
    name.map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn stem(name: &str) -> &str {
    let cut = name.len().saturating_sub(".gguf".len());
    match name.get(cut..) {
        Some(end) if cut > 0 && end.eq_ignore_ascii_case(".gguf") => &name[..cut],
        _ => name,
    }
}

/// An id that nobody has yet: the name in lower case with hyphens for what an id cannot hold, and `-file` if that is
/// taken.
fn free_id(name: &str, is_taken: impl Fn(&str) -> bool) -> ModelId {
    let fitting = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().map(fitting).collect();
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    let text = words.join("-");
    let text = text.trim_matches(['.', '-']);
    let base = if text.is_empty() { "model" } else { text };
    let numbered = (2..).map(|number| format!("{base}-file-{number}"));
    let candidates = [base.to_owned(), format!("{base}-file")].into_iter().chain(numbered);
    let free = candidates.into_iter().find(|id| !is_taken(id)).expect("numbers do not end");
    ModelId::new(&free).expect("lower-case letters, digits, dots and hyphens, and no hyphen or dot first")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write the files they read")]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::model::{Recipe, Registry, write_synthetic};

    fn registry() -> Registry {
        Registry::parse("models.toml", include_str!("../../models.toml")).unwrap()
    }

    #[test]
    fn ids_follow_from_names_and_are_nobody_elses() {
        let registry = registry();
        let id = |name: &str| free_id(stem(name), |id| registry.get(id).is_some()).to_string();
        assert_eq!(id("Mistral-7B-Instruct-v0.3.Q5_K_M.gguf"), "mistral-7b-instruct-v0.3.q5-k-m");
        assert_eq!(id("mistral-7b-v0.3.gguf"), "mistral-7b-v0.3-file");
        assert_eq!(id("mon modèle (été).GGUF"), "mon-mod-le-t");
        assert_eq!(id("...gguf"), "model");
        assert_eq!(id(".gguf"), "gguf");
        assert_eq!(free_id("a", |id| id != "a-file-3").as_str(), "a-file-3");
    }

    #[test]
    fn a_file_says_what_the_registry_would_and_random_weights_stay_random() {
        let (registry, folder) = (registry(), tempfile::tempdir().unwrap());
        let tiny = registry.get("tiny-qwen2").unwrap();
        let path = folder.path().join("My Qwen.gguf");
        let file = std::fs::File::create(&path).unwrap();
        write_synthetic(file, tiny, Recipe::Q8_0, 7, NonZeroUsize::MIN).unwrap();
        let model = LocalModel::open(&path, |_| false).unwrap();
        assert_eq!((model.spec.id.as_str(), model.file_name().as_str()), ("my-qwen", "My Qwen.gguf"));
        assert_eq!(model.spec.name, format!("{} (synthetic)", tiny.name));
        assert_eq!(model.spec.precisions, [Precision::Q8_0]);
        assert_eq!(model.weights, Weights::Synthetic { seed: 7 });
        assert_eq!(model.spec.tensor_bytes(Precision::Q8_0), tiny.tensor_bytes(Precision::Q8_0));
        assert_eq!(
            model.spec.read_bytes_per_step(Precision::Q8_0),
            tiny.read_bytes_per_step(Precision::Q8_0)
        );
        assert_eq!(model.bytes.count(), std::fs::metadata(&path).unwrap().len());
        assert!(!format!("{:?}", model.spec).contains(folder.path().to_str().unwrap()));
    }

    #[test]
    fn what_is_no_model_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = |name: &str| {
            let path = folder.path().join(name);
            LocalModel::open(&path, |_| false).unwrap_err().to_string()
        };
        std::fs::write(folder.path().join("a.gguf"), "no model").unwrap();
        assert!(error("none.gguf").contains("there is no file or folder"), "{}", error("none.gguf"));
        assert!(error("a.gguf").contains("is no GGUF file"), "{}", error("a.gguf"));
        assert!(error("").contains("config.json cannot be read"), "{}", error(""));
    }
}
