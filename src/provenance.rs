//! What this program is: version, git revision, features, build profile, method version.

/// Version of the method. A change that can move a number raises it and adds an entry to `docs/METHOD-CHANGES.md`.
pub const METHOD_VERSION: u32 = 4;

/// This program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The git revision of the build, `-dirty` appended if files had changed; `None` outside a checkout.
pub fn git_revision() -> Option<&'static str> {
    let revision = env!("CLAIMBENCH_GIT_REVISION");
    (!revision.is_empty()).then_some(revision)
}

/// The features compiled in, sorted.
pub fn features() -> Vec<&'static str> {
    if cfg!(feature = "cuda") { vec!["cuda"] } else { vec![] }
}

/// `debug` for a build without optimisation, else `release`.
pub const fn profile() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_version_is_the_last_one_documented() {
        let log = include_str!("../docs/METHOD-CHANGES.md");
        let last = log.lines().filter_map(|line| line.strip_prefix("## Method ")).next_back();
        let number: u32 = last.and_then(|text| text.split_whitespace().next()).unwrap().parse().unwrap();
        assert_eq!(number, METHOD_VERSION);
    }
}
