//! Synthetic checkpoints on disk: made once, complete or not there at all.

#![expect(clippy::disallowed_methods, reason = "writes checkpoints into the cache folder")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::precision::Recipe;
use super::spec::ModelSpec;
use super::synthetic::{SyntheticError, SyntheticPlan, file_name};
use crate::units::Bytes;

/// Why a synthetic checkpoint is not on disk.
#[derive(Debug, thiserror::Error)]
pub enum EnsureError {
    /// It could not be laid out.
    #[error(transparent)]
    Synthetic(#[from] SyntheticError),
    /// The disk has too little room; nothing was written.
    #[error("the synthetic checkpoint needs {needed} in {}, and {free} are free there; {ROOM}", folder.display())]
    NoRoom {
        /// Size of the file to write.
        needed: Bytes,
        /// What the disk has left.
        free: Bytes,
        /// Where it was to go.
        folder: PathBuf,
    },
    /// The disk filled up on the way; what had been written was removed.
    #[error("the disk filled up while the synthetic checkpoint ({needed}) was written to {}; {ROOM}", folder.display())]
    Full {
        /// Size of the file to write.
        needed: Bytes,
        /// Where it was to go.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
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

const ROOM: &str = "free some space (`claimbench clean` removes earlier checkpoints), or set CLAIMBENCH_CACHE to a folder \
    on another disk";

/// A synthetic checkpoint on disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckpointFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its size.
    pub bytes: Bytes,
    /// False if it was there already.
    pub newly_written: bool,
}

/// Makes sure the synthetic checkpoint of `spec` lies in `folder`, and says where.
///
/// A file that is there already is taken if its size and its whole header (model, shape, seed, generator, every tensor)
/// are those it would be written with; its data is not read again. Any other file of that name is written anew: the name
/// is ours, and holds nothing that cannot be made again. `on_start` is called with the size before writing, and not at
/// all if nothing is written.
///
/// The file appears under its name when it is complete and on disk. An error leaves nothing behind; a killed process
/// leaves a `.partial` file, which `claimbench clean` removes.
pub fn ensure(
    folder: &Path,
    spec: &ModelSpec,
    precision: Recipe,
    seed: u64,
    on_start: &mut dyn FnMut(Bytes),
) -> Result<CheckpointFile, EnsureError> {
    let plan = SyntheticPlan::new(spec, precision, seed)?;
    let (path, bytes) = (folder.join(file_name(&spec.id, precision, seed)), plan.bytes());
    if is_current(&path, &plan).map_err(at("read", &path))? {
        return Ok(CheckpointFile { path, bytes, newly_written: false });
    }
    fs::create_dir_all(folder).map_err(at("create", folder))?;
    if let Some(free) = free_disk(folder).filter(|free| *free < bytes) {
        return Err(EnsureError::NoRoom { needed: bytes, free, folder: folder.to_owned() });
    }
    on_start(bytes);
    write_whole(&path, folder, &plan, |file| file)?;
    Ok(CheckpointFile { path, bytes, newly_written: true })
}

/// True if the file at `path` has the planned size and begins with the planned header.
fn is_current(path: &Path, plan: &SyntheticPlan) -> io::Result<bool> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    if file.metadata()?.len() != plan.bytes().count() {
        return Ok(false);
    }
    let mut header = vec![0; plan.header().len()];
    file.read_exact(&mut header)?;
    Ok(header == plan.header())
}

/// Room on the disk that holds `folder`; `None` if the system does not say.
pub fn free_disk(folder: &Path) -> Option<Bytes> {
    let folder = fs::canonicalize(folder).ok()?;
    let disks = sysinfo::Disks::new_with_refreshed_list();
    let mounted = disks.iter().filter(|disk| folder.starts_with(disk.mount_point()));
    // The longest mount point is the one that counts. Pseudo file systems report a size of zero: unknown.
    let disk = mounted.max_by_key(|disk| disk.mount_point().components().count())?;
    (disk.total_space() > 0).then(|| Bytes::new(disk.available_space()))
}

/// Writes to a partial file, has the system put it on disk, and gives it its name. Tests put a failing writer around the
/// file with `wrap`.
fn write_whole<W: Write>(
    path: &Path,
    folder: &Path,
    plan: &SyntheticPlan,
    wrap: impl FnOnce(File) -> W,
) -> Result<(), EnsureError> {
    let (mut partial, file) = Partial::create(path)?;
    let on_disk = file.try_clone().map_err(at("write", &partial.path))?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let written = plan
        .write(wrap(file), threads)
        .and_then(|written| on_disk.sync_all().map(|()| written).map_err(SyntheticError::from));
    match written {
        Ok(written) => assert_eq!(written, plan.bytes(), "the size is known before the file is written"),
        Err(SyntheticError::Write { source }) if is_full(&source) => {
            return Err(EnsureError::Full { needed: plan.bytes(), folder: folder.to_owned(), source });
        }
        Err(SyntheticError::Write { source }) => return Err(at("write", &partial.path)(source)),
        Err(other) => return Err(other.into()),
    }
    fs::rename(&partial.path, path).map_err(at("write", path))?;
    partial.renamed = true;
    // The new name is safe once the folder is on disk too; other systems than Unix do not open folders.
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at("write", folder))?;
    Ok(())
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EnsureError {
    let path = path.to_owned();
    move |source| EnsureError::Io { action, path, source }
}

/// A file under a name of its own, removed unless it was renamed.
struct Partial {
    path: PathBuf,
    renamed: bool,
}

impl Partial {
    /// Creates `<path>.<process>-<n>.partial`, which did not exist before: two processes may write at once.
    fn create(path: &Path) -> Result<(Self, File), EnsureError> {
        let mut attempt = 0;
        loop {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{}-{attempt}.partial", std::process::id()));
            let path = PathBuf::from(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((Self { path, renamed: false }, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
                Err(error) => return Err(at("create", &path)(error)),
            }
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.renamed {
            // The error that brought us here matters more than a leftover, which `clean` removes.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FeedForward, Registry};
    use crate::units::index_as_u64;

    fn tiny() -> ModelSpec {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        registry.get("tiny-qwen2").unwrap().clone()
    }

    /// Passes on `room` bytes, then fails as a full disk does.
    struct Filling<W> {
        inner: W,
        room: u64,
        kind: io::ErrorKind,
    }

    impl<W: Write> Write for Filling<W> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let size = index_as_u64(bytes.len());
            if size > self.room {
                return Err(self.kind.into());
            }
            self.room -= size;
            self.inner.write_all(bytes)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.inner.flush()
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn ensure_counting(folder: &Path, seed: u64) -> (CheckpointFile, u64) {
        let mut announced = 0;
        let file =
            ensure(folder, &tiny(), Recipe::Q4KM, seed, &mut |bytes| announced += bytes.count()).unwrap();
        (file, announced)
    }

    #[test]
    fn a_file_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new").join("folder");
        let (first, announced) = ensure_counting(&folder, 1);
        assert!(first.newly_written);
        assert_eq!(
            (announced, fs::metadata(&first.path).unwrap().len()),
            (first.bytes.count(), first.bytes.count())
        );
        let (second, announced) = ensure_counting(&folder, 1);
        assert_eq!((second, announced), (CheckpointFile { newly_written: false, ..first }, 0));
        ensure_counting(&folder, 2);
        assert_eq!(
            names(&folder),
            ["tiny-qwen2-q4_k_m-seed1-gen1.gguf", "tiny-qwen2-q4_k_m-seed2-gen1.gguf"]
        );
    }

    #[test]
    fn a_file_that_is_not_the_planned_one_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (CheckpointFile { path, .. }, _) = ensure_counting(folder.path(), 1);
        let good = fs::read(&path).unwrap();
        let (other, _) = ensure_counting(folder.path(), 2);
        let mut wrong_seed = fs::read(&other.path).unwrap();
        for bad in [good[..good.len() - 1].to_vec(), std::mem::take(&mut wrong_seed), Vec::new()] {
            fs::write(&path, bad).unwrap();
            assert!(ensure_counting(folder.path(), 1).0.newly_written);
            assert!(fs::read(&path).unwrap() == good);
        }
    }

    #[test]
    fn a_disk_that_fills_up_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let plan = SyntheticPlan::new(&tiny(), Recipe::Q4KM, 1).unwrap();
        let path = folder.path().join("model.gguf");
        // In the header, in the first tensor, in the last one.
        for room in [0, 100_000, plan.bytes().count() - 1] {
            let wrap = |inner| Filling { inner, room, kind: io::ErrorKind::StorageFull };
            let error = write_whole(&path, folder.path(), &plan, wrap).unwrap_err();
            assert!(matches!(error, EnsureError::Full { .. }), "{error}");
            assert!(error.to_string().contains("`claimbench clean`"), "{error}");
            assert_eq!(names(folder.path()), [""; 0]);
        }
        let wrap = |inner| Filling { inner, room: 9_999, kind: io::ErrorKind::PermissionDenied };
        let error = write_whole(&path, folder.path(), &plan, wrap).unwrap_err();
        assert!(matches!(error, EnsureError::Io { action: "write", .. }), "{error}");
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn a_name_that_cannot_be_given_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let plan = SyntheticPlan::new(&tiny(), Recipe::Q4KM, 1).unwrap();
        let path = folder.path().join("model.gguf");
        fs::create_dir_all(path.join("full")).unwrap();
        write_whole(&path, folder.path(), &plan, |file| file).unwrap_err();
        assert_eq!(names(folder.path()), ["model.gguf"]);
    }

    #[test]
    fn the_disk_of_an_existing_folder_is_found() {
        let folder = tempfile::tempdir().unwrap();
        if let Some(free) = free_disk(folder.path()) {
            assert!(free > Bytes::new(0), "the test itself could write");
        }
        assert_eq!(free_disk(&folder.path().join("absent")), None);
    }

    #[test]
    fn a_file_larger_than_the_disk_is_not_begun() {
        let folder = tempfile::tempdir().unwrap();
        let mut spec = tiny();
        // About 180 TB.
        (spec.shape.layers, spec.shape.hidden) = (100, 1 << 16);
        spec.shape.feed_forward = FeedForward::Dense { intermediate: 1 << 24 };
        if free_disk(folder.path()).is_some() {
            let mut no_start = |bytes| panic!("{bytes} are about to be written");
            let error = ensure(folder.path(), &spec, Recipe::Q4KM, 1, &mut no_start).unwrap_err();
            assert!(matches!(error, EnsureError::NoRoom { .. }), "{error}");
            assert_eq!(names(folder.path()), [""; 0]);
        }
    }

    #[test]
    fn too_little_room_is_said_with_numbers_and_a_remedy() {
        let (needed, free) = (Bytes::new(1_114_408_224), Bytes::new(5));
        let message = EnsureError::NoRoom { needed, free, folder: "cache".into() }.to_string();
        assert_eq!(
            message,
            "the synthetic checkpoint needs 1114408224 bytes in cache, and 5 bytes are free there; free some space \
             (`claimbench clean` removes earlier checkpoints), or set CLAIMBENCH_CACHE to a folder on another disk"
        );
    }

    /// Linux has a device that is always full.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_named_as_such() {
        let device = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let plan = SyntheticPlan::new(&tiny(), Recipe::Q4KM, 1).unwrap();
        let error = plan.write(device, NonZeroUsize::MIN).unwrap_err();
        assert_eq!(error.to_string(), "cannot write the synthetic checkpoint (the disk is full)");
        assert!(
            matches!(error, SyntheticError::Write { source } if source.kind() == io::ErrorKind::StorageFull)
        );
    }
}
