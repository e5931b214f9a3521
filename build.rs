//! Embeds the git revision, so that every run file names the exact source it came from.

#![expect(clippy::disallowed_methods, reason = "asks git for the revision")]

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=Cargo.lock");
    for path in ["HEAD", "index"] {
        if let Some(file) = git(&["rev-parse", "--git-path", path]) {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    let revision = git(&["rev-parse", "--short=12", "HEAD"]).map(|commit| {
        // Generated reports do not change what the program does.
        let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", ":(exclude)reports"]);
        if changed.is_some_and(|list| !list.is_empty()) { format!("{commit}-dirty") } else { commit }
    });
    println!("cargo::rustc-env=CLAIMBENCH_GIT_REVISION={}", revision.unwrap_or_default());
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
