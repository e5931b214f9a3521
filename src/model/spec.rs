//! A model as the registry knows it: identity, licence, shape, files.

use std::fmt;

use super::precision::{Precision, Recipe};
use super::shape::Shape;
use crate::units::Bytes;

/// A model's key in `models.toml`: lower-case letters, digits, dots and hyphens.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ModelId(String);

impl ModelId {
    /// Takes an id, or says why it is none.
    pub fn new(text: &str) -> Result<Self, String> {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if !text.is_empty() && text.chars().all(good) && !text.starts_with(['-', '.']) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is not a model id"))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a model is in the registry for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ModelRole {
    /// A published model, to be measured and reported.
    Measure,
    /// A tiny shape that exists only to exercise the harness; never part of a report.
    Test,
}

/// The terms the weights come under.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Licence {
    /// SPDX expression, or the licence's own name.
    pub name: String,
    /// What a user has to know before downloading, such as the licence of the base model.
    pub note: String,
    /// True if the terms forbid some uses, such as commercial ones.
    pub restricted: bool,
    /// True if the hub asks for consent or an account first.
    pub gated: bool,
}

impl Licence {
    /// True if somebody has to agree before the weights are fetched.
    pub const fn needs_consent(&self) -> bool {
        self.restricted || self.gated
    }
}

/// A parameter count that somebody published, to check the shape against.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublishedParameters {
    /// The published number.
    pub count: u64,
    /// The step it is printed in, where that is coarser than 0.5 %.
    pub rounded_to: Option<u64>,
    /// What it counts, where that is not every tensor of the shape.
    pub note: Option<String>,
    /// Where it was read.
    pub source: String,
}

/// A repository on the model hub.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HubRepo {
    /// `owner/name`.
    pub repo: String,
    /// Commit to take; `None` takes the default branch and records what it resolved to.
    pub commit: Option<String>,
}

/// What to take from a repository.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HubContent {
    /// One GGUF file, by its name there.
    Gguf(String),
    /// The whole checkpoint: `config.json`, the tokenizer's files and the weights in safetensors.
    Safetensors,
}

/// Real weights at one precision: a file of a repository, or a checkpoint of several.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HubFile {
    /// The repository that holds it; often not the publisher's own.
    pub repo: HubRepo,
    /// What of it.
    pub content: HubContent,
    /// How its weights are stored.
    pub precision: Precision,
    /// Its size, where somebody read it.
    pub bytes: Option<Bytes>,
}

impl HubFile {
    /// Repository and file as people name them.
    pub fn label(&self) -> String {
        match &self.content {
            HubContent::Gguf(name) => format!("{}/{name}", self.repo.repo),
            HubContent::Safetensors => format!("{} (safetensors)", self.repo.repo),
        }
    }
}

/// Everything the registry knows of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpec {
    /// Key.
    pub id: ModelId,
    /// The publisher's name for it.
    pub name: String,
    /// Who published it.
    pub publisher: String,
    /// Why it is in the registry.
    pub role: ModelRole,
    /// Part of what `cargo bench` measures.
    pub default: bool,
    /// Terms of use.
    pub licence: Licence,
    /// The publisher's repository; `None` for test shapes.
    pub hub: Option<HubRepo>,
    /// Exact dimensions.
    pub shape: Shape,
    /// The published parameter count; `None` for test shapes.
    pub published: Option<PublishedParameters>,
    /// Precisions that can be measured; the first is the default.
    pub precisions: Vec<Precision>,
    /// Real weights that can be fetched, at most one file per precision.
    pub files: Vec<HubFile>,
    /// What a file of the user says of itself; `None` for a model of the registry.
    pub local: Option<LocalFile>,
}

/// The format of a user's own checkpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LocalFormat {
    /// One GGUF file.
    Gguf,
    /// A folder as on the hub: `config.json` and safetensors.
    Safetensors,
}

/// A checkpoint that a user already has. Where it lies is not part of it: no run file and no page may say so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LocalFile {
    /// Its format.
    pub format: LocalFormat,
    /// Bytes of all tensors, without header and padding.
    pub tensor_bytes: Bytes,
    /// Bytes of weights that one decode step of one sequence reads.
    pub read_bytes_per_step: Bytes,
}

impl ModelSpec {
    /// The precision that is measured where none is asked for.
    pub fn default_precision(&self) -> Option<Precision> {
        self.precisions.first().copied()
    }

    /// The real weights stored as `precision`, if the registry names them.
    pub fn file(&self, precision: Precision) -> Option<&HubFile> {
        self.files.iter().find(|file| file.precision == precision)
    }

    /// Bytes of tensor data at `precision`: those of the user's file, or by the recipe.
    pub fn tensor_bytes(&self, precision: Precision) -> Bytes {
        match self.local {
            Some(local) => local.tensor_bytes,
            None => self.shape.bytes(recipe(precision)),
        }
    }

    /// Bytes of weights that one decode step of one sequence reads at `precision`: those of the user's file, or by the
    /// recipe.
    pub fn read_bytes_per_step(&self, precision: Precision) -> Bytes {
        match self.local {
            Some(local) => local.read_bytes_per_step,
            None => self.shape.read_bytes_per_step(recipe(precision)),
        }
    }
}

impl ModelSpec {
    /// Bytes of weights that one decode step of `batch` sequences reads at `precision`, each once.
    ///
    /// Of a user's file only those of one sequence are known: without experts they are the same for every batch, but for the
    /// rows of the embedding table, which are left out (a row has as many values as the model is wide). With experts and more
    /// than one sequence the answer is `None`, since it is not known how many of the bytes are those of experts.
    pub fn step_weight_bytes(&self, precision: Precision, batch: u64) -> Option<Bytes> {
        match self.local {
            Some(_) if batch > 1 && self.shape.mixture().is_some() => None,
            Some(local) => Some(local.read_bytes_per_step),
            None => Some(self.shape.step_weight_bytes(recipe(precision), batch)),
        }
    }
}

fn recipe(precision: Precision) -> Recipe {
    precision
        .recipe()
        .expect("the readers of models.toml and of run files admit others for a user's file alone")
}

/// Where the weights of a measurement come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Weights {
    /// Trained weights from the hub.
    Hub {
        /// `owner/name` of the repository.
        repo: String,
        /// The commit they were taken at.
        commit: String,
    },
    /// A file or folder of the user, wherever it came from.
    Local {
        /// Its name, without the folder it lies in.
        name: String,
    },
    /// Random weights in the model's exact shape: right for speed and memory, meaningless as text.
    Synthetic {
        /// The seed they were drawn from.
        seed: u64,
    },
}

impl Weights {
    /// True for random weights.
    pub const fn is_synthetic(&self) -> bool {
        matches!(self, Self::Synthetic { .. })
    }
}
