//! A checkpoint's file mapped into memory: weights are used where they lie, and the system keeps one copy for all programs.

#![expect(clippy::disallowed_methods, reason = "opens the file that it maps")]

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};

/// Bytes that stay where they are for as long as anybody holds them.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Bytes {
    source: Source,
    range: Range<usize>,
}

#[derive(Clone, Debug)]
enum Source {
    File(Arc<Mmap>),
    Memory(Arc<[u8]>),
}

impl Bytes {
    /// A whole file. It is read into the page cache now, so that no request waits for the disk.
    ///
    /// The file must not be changed while it is mapped: a checkpoint is written under another name and moved into place when
    /// it is whole (`model/synthetic.rs`, `model/hub`). One that somebody else truncates meanwhile ends the program.
    pub(in crate::engine) fn map(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the map is only read. That nobody changes the file meanwhile is asked of the user, as stated above.
        let map = unsafe { MmapOptions::new().populate().map(&file) }?;
        Ok(Self { range: 0..map.len(), source: Source::File(Arc::new(map)) })
    }

    /// Bytes that were computed.
    pub(in crate::engine) fn of(bytes: Vec<u8>) -> Self {
        Self { range: 0..bytes.len(), source: Source::Memory(bytes.into()) }
    }

    /// A part of them.
    pub(in crate::engine) fn part(&self, range: Range<usize>) -> Result<Self> {
        let (start, end) = (self.range.start + range.start, self.range.start + range.end);
        if range.start > range.end || end > self.range.end {
            return Err(Error::new(ErrorKind::UnexpectedEof, "a tensor lies beyond the end of its file"));
        }
        Ok(Self { range: start..end, ..self.clone() })
    }

    /// The bytes.
    pub(in crate::engine) fn as_slice(&self) -> &[u8] {
        let all: &[u8] = match &self.source {
            Source::File(map) => map,
            Source::Memory(bytes) => bytes,
        };
        &all[self.range.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_where_the_file_has_it_and_never_beyond_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [1, 2, 3, 4, 5]).unwrap();
        for bytes in [Bytes::map(&path).unwrap(), Bytes::of(vec![1, 2, 3, 4, 5])] {
            let part = bytes.part(1..4).unwrap();
            assert_eq!(part.as_slice(), [2, 3, 4]);
            assert_eq!(part.part(1..3).unwrap().as_slice(), [3, 4]);
            assert!(part.part(1..4).is_err());
        }
        assert!(Bytes::map(&folder.path().join("none")).is_err());
    }
}
