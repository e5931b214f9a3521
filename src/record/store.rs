//! Run files on disk: one folder per run, written atomically after every repetition.

#![expect(clippy::disallowed_methods, reason = "reads and writes run files")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{RecordError, from_json, to_json};
use crate::measurement::{Run, RunId};

/// The run file's name in its folder.
const FILE: &str = "run.json";

/// A run file that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refuses.
    #[error("cannot {doing} {}: {source}; {}", .path.display(), remedy(.source))]
    Io {
        /// `write`, `read` or `create`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no run.
    #[error("{}: {source}", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RecordError,
    },
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "choose a folder you may write to with --out",
        io::ErrorKind::StorageFull => "free some space, or choose another disk with --out",
        _ => "check the disk, or choose another folder with --out",
    }
}

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunStore {
    folder: PathBuf,
}

impl RunStore {
    /// Makes the folder `parent/<run-id>`.
    pub fn create(parent: &Path, id: &RunId) -> Result<Self, StoreError> {
        let folder = parent.join(id.as_str());
        fs::create_dir_all(&folder).map_err(|source| StoreError::Io {
            doing: "create",
            path: folder.clone(),
            source,
        })?;
        Ok(Self { folder })
    }

    /// A folder that is there already.
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the whole run anew: a reader sees the old file or the new one, never half of one.
    pub fn save(&self, run: &Run) -> Result<PathBuf, StoreError> {
        self.write(FILE, &to_json(run))
    }

    /// Writes a text beside the run file, just as atomically.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, StoreError> {
        let path = self.folder.join(name);
        let partial = self.folder.join(format!(".{name}.partial"));
        let written = (|| {
            let mut file = File::create(&partial)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&partial, &path)
        })();
        written.map_err(|source| {
            let _ = fs::remove_file(&partial);
            StoreError::Io { doing: "write", path: path.clone(), source }
        })?;
        Ok(path)
    }
}

/// Reads a run from its file, or from the folder that holds it.
pub fn load(path: &Path) -> Result<Run, StoreError> {
    let path = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
    let text = fs::read_to_string(&path).map_err(|source| StoreError::Io {
        doing: "read",
        path: path.clone(),
        source,
    })?;
    from_json(&text).map_err(|source| StoreError::Record { path, source })
}
