//! Keeps a device's rates between runs: one small file per machine, device and build, in claimbench's own folder.
//!
//! The file is a convenience: one that cannot be read, is stale or of other kernels counts as none, and the rates are
//! measured again.

#![expect(clippy::disallowed_methods, reason = "reads and writes the file of rates")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::CeilingsFile;
use crate::hardware::{Ceilings, Device, MachineId};
use crate::model::{CacheError, CacheFolder};

/// A file of rates that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep the rates of this machine in {}: {source}; they are measured again next time", path.display())]
pub struct CeilingsStoreError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// The folder of the files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CeilingsStore {
    folder: PathBuf,
}

impl CeilingsStore {
    /// The user's own: `ceilings` in the cache folder.
    pub fn of_user() -> Result<Self, CacheError> {
        Ok(Self::at(&CacheFolder::locate()?.root().join("ceilings")))
    }

    /// Any other; it need not exist yet.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The rates that were kept of this device of this machine, if they still
    /// [stand for](Ceilings::stands_for) a measurement.
    pub fn load(
        &self,
        machine: &MachineId,
        device: &Device,
        profile: &str,
        now_unix_seconds: i64,
    ) -> Option<Ceilings> {
        let text = fs::read_to_string(self.path(machine, device, profile)).ok()?;
        let file: CeilingsFile = serde_json::from_str(&text).ok()?;
        let ceilings = file.ceilings().ok()?;
        ceilings.stands_for(device, profile, now_unix_seconds).then_some(ceilings)
    }

    /// Keeps them. A reader sees the file as it was or as it is now, never half of one.
    pub fn save(&self, machine: &MachineId, ceilings: &Ceilings) -> Result<PathBuf, CeilingsStoreError> {
        let path = self.path(machine, &ceilings.device, &ceilings.profile);
        let partial = path.with_extension(format!("{}.partial", std::process::id()));
        let text = serde_json::to_string_pretty(&CeilingsFile::from(ceilings));
        let text = text.expect("rates are strings and finite numbers only") + "\n";
        let written = (|| {
            fs::create_dir_all(&self.folder)?;
            let mut file = File::create(&partial)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&partial, &path)
        })();
        match written {
            Ok(()) => Ok(path),
            Err(source) => {
                let _ = fs::remove_file(&partial);
                Err(CeilingsStoreError { path, source })
            }
        }
    }

    fn path(&self, machine: &MachineId, device: &Device, profile: &str) -> PathBuf {
        let device = match device {
            Device::Cpu { threads } => format!("cpu-{threads}"),
            Device::Cuda { index, .. } => format!("cuda-{index}"),
        };
        self.folder.join(format!("{machine}-{device}-{profile}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::{CEILING_KERNELS, example_ceilings, example_machine};

    const CPU: Device = Device::Cpu { threads: 2 };

    fn load(store: &CeilingsStore, now: i64) -> Option<Ceilings> {
        store.load(&example_machine().id(), &CPU, "release", now)
    }

    #[test]
    fn rates_are_kept_for_their_machine_device_and_build() {
        let folder = tempfile::tempdir().unwrap();
        let store = CeilingsStore::at(&folder.path().join("ceilings"));
        let (machine, ceilings) = (example_machine(), example_ceilings());
        let now = ceilings.measured_unix_seconds;
        assert_eq!(load(&store, now), None, "a folder that does not exist holds none");
        store.save(&machine.id(), &ceilings).unwrap();
        assert_eq!(load(&store, now), Some(ceilings));
        assert_eq!(
            fs::read_dir(folder.path().join("ceilings")).unwrap().count(),
            1,
            "no partial file is left"
        );
        let other = crate::hardware::Machine { logical_cpus: 4, ..machine.clone() };
        assert_eq!(store.load(&other.id(), &CPU, "release", now), None);
        assert_eq!(store.load(&machine.id(), &Device::Cpu { threads: 1 }, "release", now), None);
        assert_eq!(store.load(&machine.id(), &CPU, "debug", now), None);
        assert_eq!(load(&store, now + 31 * 24 * 3_600), None, "stale");
    }

    #[test]
    fn a_file_that_cannot_be_used_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let (store, machine) = (CeilingsStore::at(folder.path()), example_machine());
        let now = example_ceilings().measured_unix_seconds;
        let other_kernels = Ceilings { kernels: CEILING_KERNELS + 1, ..example_ceilings() };
        let path = store.save(&machine.id(), &other_kernels).unwrap();
        assert_eq!(load(&store, now), None);
        let whole = fs::read_to_string(&path).unwrap();
        for text in ["", "{}", &whole[..whole.len() / 2], &whole.replace("words", "guess")] {
            fs::write(&path, text).unwrap();
            assert_eq!(load(&store, now), None, "{text}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir_all(&path).unwrap();
        assert_eq!(load(&store, now), None, "a folder in its place");
        let error = store.save(&machine.id(), &example_ceilings()).unwrap_err().to_string();
        assert!(error.starts_with("cannot keep the rates") && error.ends_with("again next time"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no partial file is left");
    }
}
