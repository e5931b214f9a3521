//! The folder for files that can be made again, and its emptying.

#![expect(clippy::disallowed_methods, reason = "finds, lists and empties a folder")]

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::units::Bytes;

/// Environment variable that moves the folder.
const VARIABLE: &str = "CLAIMBENCH_CACHE";

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The system names no folder for caches.
    #[error("this system names no cache folder; set {VARIABLE} to a folder with room for the files")]
    NoFolder,
    /// A relative folder would depend on where the program was started.
    #[error("{VARIABLE} is `{}`, a relative path; give an absolute one", .0.display())]
    Relative(PathBuf),
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// One file of the cache.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CacheEntry {
    /// Where it lies.
    pub path: PathBuf,
    /// Its size.
    pub bytes: Bytes,
}

/// The folder `CLAIMBENCH_CACHE`, or `claimbench` in the system's cache folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CacheFolder {
    root: PathBuf,
}

impl CacheFolder {
    /// Finds the folder; it need not exist yet.
    pub fn locate() -> Result<Self, CacheError> {
        Self::choose(std::env::var_os(VARIABLE), dirs::cache_dir())
    }

    fn choose(variable: Option<OsString>, system: Option<PathBuf>) -> Result<Self, CacheError> {
        match variable.filter(|value| !value.is_empty()).map(PathBuf::from) {
            Some(root) if root.is_absolute() => Ok(Self { root }),
            Some(root) => Err(CacheError::Relative(root)),
            None => Ok(Self { root: system.ok_or(CacheError::NoFolder)?.join("claimbench") }),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where synthetic checkpoints lie.
    pub fn synthetic(&self) -> PathBuf {
        self.root.join("synthetic")
    }

    /// Every synthetic checkpoint, finished or not, by name. Files that claimbench did not name are left out: the folder
    /// is the user's to choose, and may hold more.
    pub fn list(&self) -> Result<Vec<CacheEntry>, CacheError> {
        let folder = self.synthetic();
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| CacheError::Io { action, path, source }
        };
        let files = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files.map_err(failed("list", &folder))?,
        };
        let mut entries = Vec::new();
        for file in files {
            let file = file.map_err(failed("list", &folder))?;
            let path = file.path();
            let metadata = file.metadata().map_err(failed("read the size of", &path))?;
            let ours = path.extension().is_some_and(|end| end == "gguf" || end == "partial");
            if ours && metadata.is_file() {
                entries.push(CacheEntry { path, bytes: Bytes::new(metadata.len()) });
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    /// Removes what [`Self::list`] names, and returns it. Stops at the first file that cannot be removed.
    pub fn clean(&self) -> Result<Vec<CacheEntry>, CacheError> {
        let entries = self.list()?;
        for CacheEntry { path, .. } in &entries {
            fs::remove_file(path).map_err(|source| CacheError::Io {
                action: "remove",
                path: path.clone(),
                source,
            })?;
        }
        Ok(entries)
    }
}

/// The sum of the entries' sizes.
pub fn total_bytes(entries: &[CacheEntry]) -> Bytes {
    Bytes::new(entries.iter().map(|entry| entry.bytes.count()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_comes_before_the_system() {
        let absolute = std::env::temp_dir();
        let choose = |variable: Option<&Path>, system: Option<&str>| {
            CacheFolder::choose(variable.map(|v| v.as_os_str().to_owned()), system.map(PathBuf::from))
        };
        assert_eq!(choose(Some(&absolute), Some("s")).unwrap().root(), absolute);
        assert_eq!(choose(Some(Path::new("")), Some("s")).unwrap().root(), Path::new("s/claimbench"));
        assert!(matches!(choose(Some(Path::new("here")), Some("s")), Err(CacheError::Relative(_))));
        assert!(matches!(choose(None, None), Err(CacheError::NoFolder)));
    }

    #[test]
    fn cleaning_removes_checkpoints_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let cache = CacheFolder { root: root.path().to_owned() };
        assert_eq!(cache.list().unwrap(), [], "a folder that does not exist is empty");
        fs::create_dir_all(cache.synthetic().join("sub.gguf")).unwrap();
        for (name, size) in [("b.gguf", 3), ("a.gguf.1.partial", 5), ("notes.txt", 7)] {
            fs::write(cache.synthetic().join(name), vec![0; size]).unwrap();
        }
        let removed = cache.clean().unwrap();
        let names: Vec<_> = removed.iter().map(|e| e.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!((names, total_bytes(&removed)), (vec!["a.gguf.1.partial", "b.gguf"], Bytes::new(8)));
        assert_eq!(cache.list().unwrap(), []);
        assert!(cache.synthetic().join("notes.txt").exists());
    }
}
