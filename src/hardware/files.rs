//! Small files of the system: what they hold, or `None`.

#![expect(clippy::disallowed_methods, reason = "reads /proc and /sys below a given root")]

use std::fs;
use std::path::{Path, PathBuf};

/// The paths in a folder, sorted; none where it cannot be listed.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let mut paths: Vec<PathBuf> = listed.unwrap_or_default();
    paths.sort_unstable();
    paths
}

/// The text of a file without the white space around it.
pub(super) fn trimmed(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The bytes of a file.
pub(super) fn bytes(path: &Path) -> Option<Vec<u8>> {
    fs::read(path).ok()
}

/// The whole number that a file consists of.
pub(super) fn number(path: &Path) -> Option<u64> {
    trimmed(path)?.parse().ok()
}

/// The first value of `name : value` in a text of /proc.
pub(super) fn first_field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// The number in the line `name number` of a text.
pub(super) fn counter(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;
        (key == name).then(|| value.trim().parse().ok()).flatten()
    })
}

/// The folders of the processors, `cpu0`, `cpu1` and so on.
pub(super) fn processors(root: &Path) -> Vec<PathBuf> {
    let is_processor = |path: &PathBuf| {
        let number =
            path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix("cpu"));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    entries(&root.join("sys/devices/system/cpu")).into_iter().filter(is_processor).collect()
}

/// A root folder that holds these files.
#[cfg(test)]
pub(super) fn root_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), files);
    root
}

/// Writes files below a root, over those that are there.
#[cfg(test)]
pub(super) fn put(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        put_bytes(root, name, text.as_bytes());
    }
}

/// Writes one file below a root.
#[cfg(test)]
pub(super) fn put_bytes(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "model name\t: Some CPU\nmodel\t\t: 143\nVmHWM:\t   12 kB\n";
        assert_eq!(first_field(text, "model").as_deref(), Some("143"));
        assert_eq!(first_field(text, "VmHWM").as_deref(), Some("12 kB"));
        assert_eq!(counter("pswpin 4\npswpin_x 5\n", "pswpin_x"), Some(5));
        assert_eq!(counter("pswpin four\n", "pswpin"), None);
    }

    #[test]
    fn only_numbered_folders_are_processors() {
        let name = |cpu: &str| format!("sys/devices/system/cpu/{cpu}/x");
        let names = ["cpu0", "cpu10", "cpufreq", "cpu", "cpuidle"].map(name);
        let root = root_with(&names.each_ref().map(|name| (name.as_str(), "")));
        assert_eq!(processors(root.path()).len(), 2);
    }
}
