//! A file read from its beginning, with every length compared with what is left and every kept byte counted.

use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use super::read::MOST_KEPT;
use crate::model::checkpoint::CheckpointError;
use crate::units::{count_as_usize, index_as_u64};

/// What to do about a file that is broken.
const AGAIN: &str = "fetch the file again, or convert the model anew";

/// What a small allocation costs beside its bytes.
const BESIDE_A_TEXT: u64 = 32;

/// Where the reader stands in a file, and how much it may still keep.
pub(super) struct Source<'a, R> {
    path: &'a Path,
    reader: BufReader<R>,
    position: u64,
    length: u64,
    kept: u64,
    /// What is being read, for messages.
    place: String,
}

impl<'a, R: Read + Seek> Source<'a, R> {
    /// A source at the start of a file of `length` bytes; `path` is for messages.
    pub(super) fn new(path: &'a Path, reader: R, length: u64) -> Self {
        let place = "its first bytes".to_owned();
        Self { path, reader: BufReader::new(reader), position: 0, length, kept: 0, place }
    }

    /// Says what comes next.
    pub(super) fn enter(&mut self, place: impl Into<String>) {
        self.place = place.into();
    }

    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Bytes from here to the end of the file.
    pub(super) const fn left(&self) -> u64 {
        self.length.saturating_sub(self.position)
    }

    /// The file is broken here.
    pub(super) fn fault(&self, problem: impl Into<String>) -> CheckpointError {
        self.fault_with(problem, AGAIN)
    }

    /// The file cannot be used, and something else than fetching it again may help.
    pub(super) fn fault_with(&self, problem: impl Into<String>, fix: &'static str) -> CheckpointError {
        let (path, place, at) = (self.path.to_owned(), self.place.clone(), self.position);
        CheckpointError::Header { path, place, at, problem: problem.into(), fix }
    }

    /// Refuses a number of things that could not all stand in the rest of the file.
    pub(super) fn check_count(
        &self,
        count: u64,
        least_bytes: u64,
        what: &str,
    ) -> Result<(), CheckpointError> {
        if count.checked_mul(least_bytes).is_some_and(|bytes| bytes <= self.left()) {
            return Ok(());
        }
        Err(self.fault(format!("it states {count} {what}, and {} bytes are left of the file", self.left())))
    }

    /// Counts bytes that will stay in memory. Called before they are allocated.
    pub(super) fn keep(&mut self, bytes: u64) -> Result<(), CheckpointError> {
        self.kept = self.kept.saturating_add(bytes);
        if self.kept <= MOST_KEPT {
            return Ok(());
        }
        let problem = format!("its header holds more than {} MiB, which no model needs", MOST_KEPT >> 20);
        Err(self.fault(problem))
    }

    /// The next bytes.
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn take_u32(&mut self) -> Result<u32, CheckpointError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn take_u64(&mut self) -> Result<u64, CheckpointError> {
        self.take().map(u64::from_le_bytes)
    }

    /// The next `length` bytes, kept.
    pub(super) fn take_many(&mut self, length: u64) -> Result<Vec<u8>, CheckpointError> {
        self.check_count(length, 1, "bytes")?;
        self.keep(length)?;
        let mut bytes = vec![0; count_as_usize(length)];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A text: its length in bytes, and UTF-8.
    pub(super) fn take_text(&mut self, longest: u64) -> Result<String, CheckpointError> {
        let length = self.take_u64()?;
        if length > longest {
            return Err(self.fault(format!("it has {length} bytes, and {longest} is the most")));
        }
        self.keep(BESIDE_A_TEXT)?;
        let bytes = self.take_many(length)?;
        String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            self.fault(format!("it is no UTF-8 from its byte {valid} on"))
        })
    }

    /// Passes over bytes without reading them.
    pub(super) fn skip(&mut self, bytes: u64) -> Result<(), CheckpointError> {
        self.check_count(bytes, 1, "bytes")?;
        let by = i64::try_from(bytes).map_err(|_| self.fault("it is larger than any file"))?;
        self.reader.seek_relative(by).map_err(|source| self.io(source))?;
        self.position += bytes;
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), CheckpointError> {
        let wanted = index_as_u64(bytes.len());
        if wanted > self.left() {
            return Err(self.fault(format!("the file ends there, at byte {}", self.length)));
        }
        self.reader.read_exact(bytes).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => self.fault("the file ends there: it shrank while it was read"),
            _ => self.io(source),
        })?;
        self.position += wanted;
        Ok(())
    }

    fn io(&self, source: io::Error) -> CheckpointError {
        CheckpointError::Io { path: self.path.to_owned(), source }
    }
}
