//! What a file should hash to, told by the name the hub gives it, and what it does hash to.

#![expect(clippy::disallowed_methods, reason = "reads the files of the cache")]

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::units::hexadecimal;

/// What the hub promises of a file's content.
///
/// The hub names a file by its `ETag`. For a large one (Git LFS, and Xet behind it) that is its SHA-256; for a small one
/// it is Git's own id: the SHA-1 of `blob <size>`, a zero byte and the content. A mirror may use another name, which
/// promises nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Promise {
    Sha256(String),
    GitBlob(String),
    Nothing,
}

impl Promise {
    pub(super) fn of_etag(etag: &str) -> Self {
        let is_hex = etag.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        match etag.len() {
            64 if is_hex => Self::Sha256(etag.to_owned()),
            40 if is_hex => Self::GitBlob(etag.to_owned()),
            _ => Self::Nothing,
        }
    }

    /// The promised digest, and the one that was found.
    fn pair<'a>(&'a self, found: &'a Digests) -> Option<(&'a str, &'a str)> {
        match self {
            Self::Sha256(promised) => Some((promised, &found.sha256)),
            Self::GitBlob(promised) => Some((promised, &found.git_blob)),
            Self::Nothing => None,
        }
    }
}

/// Everything that is known of a content before it is here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Expectation {
    pub(super) promise: Promise,
    /// The SHA-256 of `models.lock`.
    pub(super) locked: Option<String>,
}

/// A content that is not what was expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Breach {
    /// Who expected it.
    pub(super) by: &'static str,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Expectation {
    /// What a content with these digests breaks, if anything.
    pub(super) fn breach(&self, found: &Digests) -> Option<Breach> {
        let by_hub = self.promise.pair(found).map(|(expected, found)| ("the hub", expected, found));
        let by_lock = self.locked.as_deref().map(|locked| ("models.lock", locked, found.sha256.as_str()));
        let (by, expected, found) =
            by_hub.into_iter().chain(by_lock).find(|(_, expected, found)| expected != found)?;
        Some(Breach { by, expected: expected.to_owned(), found: found.to_owned() })
    }
}

/// Both digests of one content, in lower-case hexadecimal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Digests {
    pub(super) sha256: String,
    git_blob: String,
}

/// Computes them as the bytes come.
pub(super) struct Hasher {
    sha256: Sha256,
    /// Git hashes small files alone; a large one has no use for it.
    git_blob: Option<Sha1>,
}

impl Hasher {
    /// For a content of `bytes` bytes.
    pub(super) fn new(bytes: u64, promise: &Promise) -> Self {
        let git_blob = matches!(promise, Promise::GitBlob(_)).then(|| {
            let mut hash = Sha1::new();
            hash.update(format!("blob {bytes}\0"));
            hash
        });
        Self { sha256: Sha256::new(), git_blob }
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(hash) = &mut self.git_blob {
            hash.update(bytes);
        }
    }

    /// Adds all of a file; its size.
    pub(super) fn add_file(&mut self, file: &mut File) -> io::Result<u64> {
        let (mut piece, mut size) = (vec![0; 1 << 20], 0);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(size),
                read => {
                    self.add(&piece[..read]);
                    size += crate::units::index_as_u64(read);
                }
            }
        }
    }

    pub(super) fn finish(self) -> Digests {
        let git_blob = self.git_blob.map_or_else(String::new, |hash| hexadecimal(&hash.finalize()));
        Digests { sha256: hexadecimal(&self.sha256.finalize()), git_blob }
    }
}

/// The digests of a file on this disk.
pub(super) fn of_file(path: &Path, promise: &Promise) -> io::Result<Digests> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new(file.metadata()?.len(), promise);
    hasher.add_file(&mut file)?;
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breach(etag: &str, locked: Option<&str>, content: &[u8]) -> Option<Breach> {
        let promise = Promise::of_etag(etag);
        let mut hasher = Hasher::new(crate::units::index_as_u64(content.len()), &promise);
        hasher.add(content);
        Expectation { promise, locked: locked.map(str::to_owned) }.breach(&hasher.finish())
    }

    /// The digests of "hello\n", as `sha256sum` and `git hash-object` print them.
    const LARGE: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    const SMALL: &str = "ce013625030ba8dba906f756967f9e9ca394464a";

    #[test]
    fn a_name_of_either_length_is_a_promise() {
        for etag in [LARGE, SMALL] {
            assert_eq!(breach(etag, None, b"hello\n"), None);
            let broken = breach(etag, None, b"hellO\n").unwrap();
            assert_eq!((broken.by, broken.expected.as_str()), ("the hub", etag));
            assert_eq!(broken.found.len(), etag.len());
        }
    }

    #[test]
    fn another_name_promises_nothing_and_the_lock_still_does() {
        for etag in ["e7a6", &LARGE.to_uppercase()] {
            assert_eq!(breach(etag, None, b"anything"), None);
            assert_eq!(breach(etag, Some(LARGE), b"hello\n"), None);
            assert_eq!(breach(etag, Some(LARGE), b"anything").unwrap().by, "models.lock");
        }
    }
}
