//! One content on its way: it goes on where it stopped, is hashed as it comes, and gets its name when it is whole and right.

#![expect(clippy::disallowed_methods, reason = "writes the hub's cache")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use reqwest::blocking::Response;

use super::Event;
use super::asked::Asked;
use super::digest::{Breach, Digests, Expectation, Hasher, Promise, of_file};
use super::error::HubError;
use super::folder::RepoFolder;
use super::http::{Door, Trouble};
use super::patience::{Patience, Tries};
use crate::units::{Bytes, count_as_f64, index_as_u64};

/// How much is read before it is hashed and written.
const PIECE: usize = 1 << 18;

/// A content of a repository, as the hub announced it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) asked: Asked<'a>,
    /// Its name in the cache.
    pub(super) etag: &'a str,
    pub(super) bytes: u64,
    /// The SHA-256 of `models.lock`.
    pub(super) locked: Option<&'a str>,
}

impl Wanted<'_> {
    fn expectation(&self) -> Expectation {
        Expectation { promise: Promise::of_etag(self.etag), locked: self.locked.map(str::to_owned) }
    }
}

/// Brings a content into the cache, if it is not there; its digests.
///
/// The name `blobs/<etag>` appears when the content is whole, has the announced size, the promised digest and that of the
/// lock, and is on disk. Until then it is `blobs/<etag>.incomplete`, which stays for the next try unless it is wrong.
pub(super) fn bring(
    door: &Door,
    folder: &RepoFolder,
    patience: Patience,
    wanted: &Wanted<'_>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Digests, HubError> {
    let (blob, expectation) = (folder.blob(wanted.etag), wanted.expectation());
    let blobs = blob.parent().expect("a content lies in a folder");
    fs::create_dir_all(blobs).map_err(HubError::io("create", blobs))?;
    let waiting = format!("another process fetches {}; waiting until it is done", wanted.asked.what());
    let _held = folder.hold(wanted.etag, &mut || watch(Event::Note(&waiting)))?;
    if blob.exists() {
        watch(Event::Checks { file: wanted.asked.file });
        return verified(&blob, &expectation);
    }
    let mut part = Part::open(folder.partial(wanted.etag), wanted.bytes, &expectation.promise)?;
    let file = wanted.asked.file;
    watch(Event::Starts { file, bytes: Bytes::new(wanted.bytes), here: Bytes::new(part.length) });
    let mut was_here = part.length > 0;
    let digests = loop {
        Filling { door, wanted, patience }.fill(&mut part, watch)?;
        let digests = part.digests();
        match expectation.breach(&digests) {
            None => break digests,
            Some(_) if was_here => {
                watch(Event::Note(&format!("the part of {file} that was here is wrong; fetching all of it")));
                was_here = false;
                part.restart()?;
            }
            Some(Breach { expected, found, .. }) => {
                part.discard();
                return Err(HubError::WrongDigest { what: wanted.asked.what(), expected, found });
            }
        }
    };
    part.name(&blob)?;
    watch(Event::Ends { file });
    Ok(digests)
}

/// The digests of a content that has its name already: of another tool, of another process, of an earlier run.
pub(super) fn verified(path: &Path, expectation: &Expectation) -> Result<Digests, HubError> {
    let digests = of_file(path, &expectation.promise).map_err(HubError::io("read", path))?;
    match expectation.breach(&digests) {
        None => Ok(digests),
        Some(Breach { by, expected, found }) => {
            // The content itself: with the link alone removed it would be found again.
            let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            Err(HubError::Damaged { path, by, expected, found })
        }
    }
}

/// A content that is not whole yet.
struct Part {
    path: PathBuf,
    file: File,
    length: u64,
    /// What it will have.
    bytes: u64,
    promise: Promise,
    hasher: Hasher,
}

impl Part {
    /// Opens what is here and hashes it; begins anew if that is more than the whole.
    fn open(path: PathBuf, bytes: u64, promise: &Promise) -> Result<Self, HubError> {
        let opened = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = opened.map_err(HubError::io("write", &path))?;
        let length = file.metadata().map_err(HubError::io("read", &path))?.len();
        let hasher = Hasher::new(bytes, promise);
        let mut part = Self { path, file, length, bytes, promise: promise.clone(), hasher };
        if length > bytes {
            part.restart()?;
        } else if length > 0 {
            part.length = part.hasher.add_file(&mut part.file).map_err(HubError::io("read", &part.path))?;
        }
        Ok(part)
    }

    fn restart(&mut self) -> Result<(), HubError> {
        self.file.set_len(0).map_err(HubError::io("write", &self.path))?;
        self.length = 0;
        self.hasher = Hasher::new(self.bytes, &self.promise);
        Ok(())
    }

    fn add(&mut self, piece: &[u8]) -> Result<(), HubError> {
        self.file.write_all(piece).map_err(HubError::io("write", &self.path))?;
        self.hasher.add(piece);
        self.length += index_as_u64(piece.len());
        Ok(())
    }

    fn digests(&mut self) -> Digests {
        std::mem::replace(&mut self.hasher, Hasher::new(self.bytes, &self.promise)).finish()
    }

    /// Wrong to the last byte: nothing to go on from.
    fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Gives the content its name once the system has it on disk.
    fn name(self, blob: &Path) -> Result<(), HubError> {
        self.file.sync_all().map_err(HubError::io("write", &self.path))?;
        let length = self.file.metadata().map_err(HubError::io("read", &self.path))?.len();
        if length != self.bytes {
            let source = io::Error::other(format!("{length} bytes are there, {} were written", self.bytes));
            return Err(HubError::io("write", &self.path)(source));
        }
        fs::rename(&self.path, blob).map_err(HubError::io("name", blob))
    }
}

/// Why a try ended: something that may pass, or something that will not.
enum Halt {
    Trouble(Trouble),
    Error(HubError),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<HubError> for Halt {
    fn from(error: HubError) -> Self {
        Self::Error(error)
    }
}

struct Filling<'a> {
    door: &'a Door,
    wanted: &'a Wanted<'a>,
    patience: Patience,
}

impl Filling<'_> {
    /// Asks for what is missing until nothing is.
    fn fill(&self, part: &mut Part, watch: &mut dyn FnMut(Event<'_>)) -> Result<(), HubError> {
        let mut tries = Tries::new(self.patience);
        while part.length < part.bytes {
            let before = part.length;
            let trouble = match self.once(part, watch) {
                Ok(()) => continue,
                Err(Halt::Error(error)) => return Err(error),
                Err(Halt::Trouble(trouble)) => trouble,
            };
            tries.progressed(part.length.saturating_sub(before));
            let Some(pause) = tries.next(&trouble) else {
                let came = Bytes::new(part.length);
                return Err(self.wanted.asked.failed(self.door, self.patience, trouble, came));
            };
            let here = 100.0 * count_as_f64(part.length) / count_as_f64(part.bytes);
            watch(Event::Note(&format!(
                "{}: {}; {here:.0} % are here, trying again in {:.0} s",
                self.wanted.asked.file,
                trouble.words(),
                pause.as_secs_f64()
            )));
            std::thread::sleep(pause);
        }
        Ok(())
    }

    /// One request for all that is missing.
    fn once(&self, part: &mut Part, watch: &mut dyn FnMut(Event<'_>)) -> Result<(), Halt> {
        let asked = &self.wanted.asked;
        let url = self.door.file(asked.repo, asked.revision, asked.file);
        let offset = (part.length > 0).then_some(part.length);
        let (head, mut response) = match self.door.get(&url, offset) {
            Err(Trouble::Refused { status: 416, .. }) if offset.is_some() => {
                part.restart()?;
                return Err(Trouble::Dropped("the part that was here does not fit".to_owned()).into());
            }
            answer => answer?,
        };
        if head.commit.is_some_and(|commit| commit != asked.revision) {
            return Err(Trouble::Answer("it is of another commit than asked for".to_owned()).into());
        }
        self.align(part, offset, &response)?;
        let mut piece = vec![0; PIECE];
        while part.length < part.bytes {
            let read = response.read(&mut piece).map_err(|error| Trouble::of_read(&error))?;
            if read == 0 {
                return Err(Trouble::Dropped("it ended early".to_owned()).into());
            }
            if index_as_u64(read) > part.bytes - part.length {
                let found = part.length + index_as_u64(read);
                part.restart()?;
                return Err(self.wrong_size(found).into());
            }
            part.add(&piece[..read])?;
            watch(Event::Here(Bytes::new(part.length)));
        }
        Ok(())
    }

    /// Makes sure that what comes continues what is here, and ends where the file does.
    fn align(&self, part: &mut Part, offset: Option<u64>, response: &Response) -> Result<(), Halt> {
        let mut start = 0;
        if response.status().as_u16() == 206 {
            let range = response.headers().get("content-range").and_then(|range| range.to_str().ok());
            let (from, total) = range.and_then(parse_range).unwrap_or((u64::MAX, None));
            if let Some(total) = total.filter(|total| *total != part.bytes) {
                return Err(self.wrong_size(total).into());
            }
            if Some(from) != offset {
                part.restart()?;
                return Err(Trouble::Dropped("another part came than was asked for".to_owned()).into());
            }
            start = from;
        } else if offset.is_some() {
            // A server that knows no ranges sends everything again.
            part.restart()?;
        }
        match response.content_length() {
            Some(length) if start.saturating_add(length) != part.bytes => {
                Err(self.wrong_size(start.saturating_add(length)).into())
            }
            _ => Ok(()),
        }
    }

    fn wrong_size(&self, found: u64) -> HubError {
        let (expected, found) = (Bytes::new(self.wanted.bytes), Bytes::new(found));
        HubError::WrongSize { what: self.wanted.asked.what(), expected, found }
    }
}

/// First byte and size of the whole, from `bytes 5-9/10` or `bytes 5-9/*`.
fn parse_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let from = range.split_once('-')?.0.trim().parse().ok()?;
    Some((from, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(parse_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_range("bytes 5-9/*"), Some((5, None)));
        for text in ["", "bytes */10", "items 5-9/10", "bytes 5/10", "bytes -9/10"] {
            assert_eq!(parse_range(text), None, "{text}");
        }
    }

    #[test]
    fn a_part_goes_on_from_what_is_here_and_begins_anew_if_that_is_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.incomplete");
        fs::write(&path, "hel").unwrap();
        let promise = Promise::of_etag("ce013625030ba8dba906f756967f9e9ca394464a");
        let mut part = Part::open(path.clone(), 6, &promise).unwrap();
        assert_eq!(part.length, 3);
        part.add(b"lo\n").unwrap();
        let digests = part.digests();
        assert_eq!(Expectation { promise, locked: None }.breach(&digests), None);
        part.name(&folder.path().join("x")).unwrap();
        assert_eq!(fs::read(folder.path().join("x")).unwrap(), b"hello\n");
        fs::write(&path, "too long by far").unwrap();
        assert_eq!(Part::open(path, 6, &Promise::Nothing).unwrap().length, 0);
    }
}
