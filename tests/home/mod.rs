//! A user's folder for tests of the program, shared by those that include this module.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use claimbench::measurement::Run;
use tempfile::TempDir;

/// A user's folder: nothing outside is read or written.
pub(crate) struct Home {
    /// The folder itself.
    pub(crate) folder: TempDir,
}

impl Home {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A call of the program in it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_claimbench"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("CLAIMBENCH_CACHE", self.path("cache"))
            .env("HF_HOME", self.path("hub"))
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        command
    }

    /// The one run under `target/claimbench`.
    pub(crate) fn run_folder(&self) -> PathBuf {
        let mut runs: Vec<_> =
            fs::read_dir(self.path("target/claimbench")).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    /// That run.
    pub(crate) fn run(&self) -> Run {
        claimbench::record::load(&self.run_folder()).unwrap()
    }
}

/// The smallest run.
const TINY: [&str; 5] = ["run", "--model", "tiny-qwen2", "--workload", "tiny"];

/// [`TINY`] with more arguments.
pub(crate) fn tiny<'a>(more: &[&'a str]) -> Vec<&'a str> {
    TINY.into_iter().chain(more.iter().copied()).collect()
}

/// What was printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
