//! Opens what is a file, and not what only looks like one: opening a pipe would wait for somebody to write to it.

#![expect(clippy::disallowed_methods, reason = "opens checkpoint files")]

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::units::index_as_u64;

/// The file at `path`, a link's target included, and its length.
pub(super) fn open(path: &Path) -> io::Result<(File, u64)> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// The text of a file of at most `longest` bytes.
pub(super) fn short_text(path: &Path, longest: u64) -> io::Result<String> {
    let (file, length) = open(path)?;
    let too_long = |length: u64| {
        let text = format!("it has {length} bytes, and more than {longest} are not read");
        Err(io::Error::new(io::ErrorKind::FileTooLarge, text))
    };
    if length > longest {
        return too_long(length);
    }
    let mut text = String::new();
    // It may have grown since.
    file.take(longest + 1).read_to_string(&mut text)?;
    let read = index_as_u64(text.len());
    if read > longest { too_long(read) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_pipes_and_long_texts_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(open(folder.path()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let path = folder.path().join("text");
        fs::write(&path, "four").unwrap();
        assert_eq!(short_text(&path, 4).unwrap(), "four");
        assert!(short_text(&path, 3).unwrap_err().to_string().contains("it has 4 bytes"));
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(short_text(&path, 3).unwrap_err().kind(), io::ErrorKind::InvalidData);
        #[cfg(target_os = "linux")]
        assert_eq!(open(Path::new("/dev/zero")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
