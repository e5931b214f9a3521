//! Run files on disk: one folder per run, written atomically after every repetition.

#![expect(clippy::disallowed_methods, reason = "reads and writes run files")]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{RecordError, from_json, to_json};
use crate::measurement::{Run, RunId};

/// The longest run file that is read: some four million samples.
pub const LONGEST_FILE: u64 = 128 << 20;
/// The most values, told by their commas, that are read: a value takes more memory than it takes bytes in the file, and a number
/// on a line of its own, as they are written, takes more than 16.
const MOST_VALUES: usize = 8 << 20;
/// The run file's name in its folder.
const FILE: &str = "run.json";

/// A run file that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refuses.
    #[error("cannot {doing} {}: {problem}; {}", .path.display(), remedy(doing, .problem))]
    Io {
        /// `write`, `read` or `create`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        problem: io::Error,
    },
    /// The file is no run.
    #[error("{}: {problem}", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: RecordError,
    },
}

fn remedy(doing: &str, error: &io::Error) -> &'static str {
    match error.kind() {
        _ if doing == "read" => {
            "check the path: it is the folder that `claimbench run` names, or the run.json in it"
        }
        io::ErrorKind::NotFound => "check the path given with --out",
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
    /// Makes the folder `parent/<run-id>` with the run file in it: a folder that exists holds a run that loads.
    pub fn create(parent: &Path, run: &Run) -> Result<Self, StoreError> {
        Self::create_with(parent, &run.id, &to_json(run))
    }

    /// The same with the text of a run file as it is, to the byte.
    pub fn create_with(parent: &Path, id: &RunId, text: &str) -> Result<Self, StoreError> {
        let (folder, partial) = (parent.join(id.as_str()), parent.join(format!(".{id}.partial")));
        let failed = |problem| StoreError::Io { doing: "create", path: folder.clone(), problem };
        fs::create_dir_all(&partial).map_err(failed)?;
        Self { folder: partial.clone() }.write(FILE, text)?;
        fs::rename(&partial, &folder).map_err(failed)?;
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
        written.map_err(|problem| {
            let _ = fs::remove_file(&partial);
            StoreError::Io { doing: "write", path: path.clone(), problem }
        })?;
        Ok(path)
    }
}

/// Reads a run from its file, or from the folder that holds it, if the file keeps every rule.
pub fn load(path: &Path) -> Result<Run, StoreError> {
    Ok(load_with_text(path)?.0)
}

/// The same, with the text of the file.
pub fn load_with_text(path: &Path) -> Result<(Run, String), StoreError> {
    let (path, text) = read_text(path)?;
    match from_json(&text) {
        Ok(run) => Ok((run, text)),
        Err(problem) => Err(StoreError::Record { path, problem }),
    }
}

/// Reads the text of a run file, or of the one in a folder, and says where it was.
///
/// Nothing but a regular file is opened, and nothing that is longer than [`LONGEST_FILE`] or holds more values than such a file of
/// samples could: what a file costs to read is bounded by what it may hold.
pub fn read_text(path: &Path) -> Result<(PathBuf, String), StoreError> {
    let path = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
    match text_of(&path) {
        Ok(text) => Ok((path, text)),
        Err(problem) => Err(StoreError::Io { doing: "read", path, problem }),
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    let refused = |kind, problem: String| Err(io::Error::new(kind, problem));
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return refused(io::ErrorKind::InvalidInput, "it is no regular file".to_owned());
    }
    if metadata.len() > LONGEST_FILE {
        let problem = format!("it has {} bytes, and more than {LONGEST_FILE} are not read", metadata.len());
        return refused(io::ErrorKind::FileTooLarge, problem);
    }
    let mut text = String::new();
    // It may have grown since.
    File::open(path)?.take(LONGEST_FILE).read_to_string(&mut text)?;
    let values = text.bytes().filter(|byte| *byte == b',').count();
    if values > MOST_VALUES {
        let problem = format!("it has {values} values, and more than {MOST_VALUES} are not read");
        return refused(io::ErrorKind::FileTooLarge, problem);
    }
    Ok(text)
}
