//! What the build pulls in: licences that fit ours, one source, and no duplicate without a reason.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// Licences that may be linked into a program under MIT OR Apache-2.0. A crate fits if one alternative of its
/// expression is made of these alone.
const LICENCES: [&str; 16] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "NCSA",
    "OpenSSL",
    "Unicode-3.0",
    "Zlib",
];

/// Crates under another licence that still fits, each with the reason.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    (
        "colored",
        "MPL-2.0",
        "the transfer client of hf-hub uses it unchanged; the licence covers its own files only",
    ),
    ("option-ext", "MPL-2.0", "dirs uses it unchanged; the licence covers its own files only"),
];

/// Crates that stand in the graph in several versions, each with who holds the older one back.
const DUPLICATES: &[(&str, &str)] = &[
    (
        "base64",
        "0.13 by tokenizers through spm_precompiled, 0.22 by hf-hub and its transfer client, 0.23 by reqwest",
    ),
    ("crypto-common", "0.1 through digest 0.10"),
    (
        "darling",
        "0.20 by tokenizers through derive_builder, 0.24 by hf-hub through bon; both only at compile time",
    ),
    ("darling_core", "as darling"),
    ("darling_macro", "as darling"),
    ("digest", "0.10 through the transfer client of hf-hub, 0.11 by sha2"),
    ("fancy-regex", "0.17 by tokenizers, 0.19 by candle-transformers"),
    (
        "getrandom",
        "0.2 by hf-hub, 0.3 by candle through rand 0.9, 0.4 by the transfer client of hf-hub through rand 0.10",
    ),
    ("hashbrown", "0.16 by safetensors, 0.17 by everything newer"),
    ("rand", "0.9 by candle, 0.10 by the transfer client of hf-hub"),
    ("rand_core", "as rand"),
    ("syn", "2 and 3: the derive macros of the ecosystem are moving; only at compile time"),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(vec!["--locked".into(), "--filter-platform".into(), "x86_64-unknown-linux-gnu".into()])
        .exec()
        .expect("cargo metadata works offline once the crates are there")
}

/// Packages that are linked into the program: reached without development dependencies.
fn linked(metadata: &Metadata) -> BTreeSet<PackageId> {
    let resolve = metadata.resolve.as_ref().expect("metadata was asked with its graph");
    let mut reached = BTreeSet::new();
    let mut open = vec![resolve.root.clone().expect("this is a package")];
    while let Some(id) = open.pop() {
        if !reached.insert(id.clone()) {
            continue;
        }
        let node = resolve.nodes.iter().find(|node| node.id == id).expect("every id has a node");
        for dependency in &node.deps {
            if dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal) {
                open.push(dependency.pkg.clone());
            }
        }
    }
    reached
}

#[test]
fn licences_fit() {
    let metadata = metadata();
    let linked = linked(&metadata);
    let mut bad = Vec::new();
    for package in metadata.packages.iter().filter(|package| linked.contains(&package.id)) {
        let expression = package.license.clone().unwrap_or_default().replace('/', " OR ");
        let excepted =
            |(name, licence, _): &(&str, &str, &str)| package.name == *name && expression == *licence;
        if !fits(&expression) && !EXCEPTIONS.iter().any(excepted) {
            bad.push(format!("{} {}: `{expression}`", package.name, package.version));
        }
    }
    assert_eq!(bad, Vec::<String>::new());
}

/// True if some alternative of an SPDX expression, parentheses resolved by trying each, is made of known licences.
fn fits(expression: &str) -> bool {
    // Expressions met here are alternatives of conjunctions, at most one level of parentheses deep on either side.
    let and_parts = split_outside_parentheses(expression, " AND ");
    if and_parts.len() > 1 {
        return and_parts.iter().all(|part| fits(part));
    }
    let or_parts = split_outside_parentheses(expression, " OR ");
    if or_parts.len() > 1 {
        return or_parts.iter().any(|part| fits(part));
    }
    let inner = expression.trim();
    match inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inside) => fits(inside),
        None => LICENCES.contains(&inner),
    }
}

fn split_outside_parentheses<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && text[at..].starts_with(separator) => {
                parts.push(&text[start..at]);
                start = at + separator.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[test]
fn expressions_are_read_rightly() {
    assert!(
        fits("MIT OR GPL-3.0")
            && fits("(MIT OR GPL-3.0) AND Unicode-3.0")
            && fits("Apache-2.0 WITH LLVM-exception")
    );
    assert!(
        !fits("GPL-3.0") && !fits("MIT AND GPL-3.0") && !fits("") && !fits("(GPL-3.0 OR AGPL-3.0) AND MIT")
    );
}

#[test]
fn everything_comes_from_one_registry() {
    let metadata = metadata();
    let root = metadata.root_package().expect("this is a package").id.clone();
    for package in metadata.packages.iter().filter(|package| package.id != root) {
        let source = package.source.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(source.starts_with("registry+"), "{} comes from `{source}`", package.name);
    }
}

#[test]
fn duplicates_have_a_reason() {
    let metadata = metadata();
    let linked = linked(&metadata);
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in metadata.packages.iter().filter(|package| linked.contains(&package.id)) {
        versions.entry(package.name.to_string()).or_default().insert(package.version.to_string());
    }
    let found: Vec<String> = versions
        .iter()
        .filter(|(name, versions)| versions.len() > 1 && !DUPLICATES.iter().any(|(known, _)| known == name))
        .map(|(name, versions)| {
            format!("{name}: {}", versions.iter().cloned().collect::<Vec<_>>().join(", "))
        })
        .collect();
    assert_eq!(found, Vec::<String>::new(), "duplicate versions without a reason");
    for (name, _) in DUPLICATES {
        assert!(
            versions.get(*name).is_some_and(|v| v.len() > 1),
            "{name} is no duplicate any more: drop its reason"
        );
    }
}

#[test]
fn every_direct_dependency_has_its_reason_in_the_architecture() {
    let text = include_str!("../docs/ARCHITECTURE.md");
    let metadata = metadata();
    for dependency in &metadata.root_package().expect("this is a package").dependencies {
        assert!(
            text.contains(&format!("`{}`", dependency.name)),
            "docs/ARCHITECTURE.md has no reason for {}",
            dependency.name
        );
    }
}
