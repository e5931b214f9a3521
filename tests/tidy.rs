//! The house rules that a compiler does not know: floors, serde's places, file lengths, documents that follow the code.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "reads the repository's own files; a failed helper fails its test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom: a module imports only from lower floors, never from a sibling. `docs/ARCHITECTURE.md` shows
/// the same table.
const FLOORS: [(u32, &[&str]); 11] = [
    (0, &["language", "units"]),
    (1, &["clock", "date", "faults", "provenance", "stats"]),
    (2, &["hardware", "model"]),
    (3, &["hub", "text", "workload"]),
    (4, &["measurement"]),
    (5, &["cost", "engine", "meter"]),
    (6, &["record", "runner"]),
    (7, &["claim"]),
    (8, &["report"]),
    (9, &["cli"]),
    (10, &["main"]),
];

/// Files that may be longer than [`LONGEST_FILE`], and why. None so far.
const LONG_FILES: [&str; 0] = [];
const LONGEST_FILE: usize = 450;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {ending} under {folder}");
    found
}

fn floor_of(module: &str) -> Option<u32> {
    FLOORS.iter().find(|(_, modules)| modules.contains(&module)).map(|(floor, _)| *floor)
}

/// The top module a source file belongs to: `src/model/wire.rs` is `model`, `src/clock.rs` is `clock`.
fn module_of(path: &Path) -> String {
    let name = path.components().nth(1).unwrap().as_os_str().to_string_lossy().into_owned();
    name.trim_end_matches(".rs").to_owned()
}

/// Top modules named in `crate::…` paths outside comments, groups such as `crate::{a, b::c}` included, and whether the
/// mention stands in test code (which may look up: tests of a low floor use what is above to build their data).
fn imports(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.push(first_name(rest)),
            Some(group) => found.extend(group_names(group)),
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn first_name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn group_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (1, 0);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (c == ',' && depth == 1) || depth == 0 {
            names.push(first_name(text[start..at].trim_start()));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// Upward and sideways imports, as "file imports module".
fn violations(sources: &[(PathBuf, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        let own = module_of(path);
        if own == "lib" || path.to_string_lossy().ends_with("tests.rs") || path.ends_with("sample_run.rs") {
            continue;
        }
        let floor = floor_of(&own).unwrap_or_else(|| panic!("{} belongs to no floor", path.display()));
        for module in imports(text) {
            // `crate::Name` of a re-export is a module's own business; everything else must have a floor.
            let Some(other) = floor_of(&module) else {
                found.push(format!("{} imports {module}, which has no floor", path.display()));
                continue;
            };
            if module != own && other >= floor {
                found.push(format!("{} (floor {floor}) imports {module} (floor {other})", path.display()));
            }
        }
    }
    found
}

#[test]
fn modules_import_only_from_lower_floors() {
    assert_eq!(violations(&files("src", ".rs")), Vec::<String>::new());
}

#[test]
fn planted_violations_are_found() {
    let plant = |text: &str| violations(&[(PathBuf::from("src/stats/sample.rs"), text.to_owned())]);
    assert_eq!(plant("use crate::units::Seconds;\n"), Vec::<String>::new());
    assert_eq!(plant("use crate::cli::Session;\n").len(), 1, "upwards");
    assert_eq!(plant("use crate::clock::Clock;\n").len(), 1, "sideways");
    assert_eq!(plant("use crate::{units::Seconds, model::{Shape, ModelId}};\n").len(), 1, "in a group");
    assert_eq!(plant("fn f() { crate::nowhere::g() }\n").len(), 1, "no floor");
    assert_eq!(plant("// see crate::cli\n#[cfg(test)]\nmod tests { use crate::cli::Session; }\n").len(), 0);
}

#[test]
fn every_module_of_the_library_has_a_floor_and_stands_in_the_architecture() {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let architecture = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    for module in library.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let module = module.trim_end_matches(';');
        let floor = floor_of(module).unwrap_or_else(|| panic!("{module} has no floor"));
        let row = architecture.lines().find(|line| line.starts_with(&format!("| {floor} |")));
        let row = row.unwrap_or_else(|| panic!("docs/ARCHITECTURE.md has no row for floor {floor}"));
        assert!(
            row.contains(&format!("`{module}`")),
            "floor {floor} in docs/ARCHITECTURE.md lacks `{module}`: {row}"
        );
    }
}

#[test]
fn serde_lives_in_wire_and_schema_files_only() {
    // faults.rs is the reader that every wire.rs uses; the rest of a floor never sees serde.
    let allowed = ["wire.rs", "schema.rs", "faults.rs"];
    for (path, text) in files("src", ".rs") {
        let is_allowed = allowed.iter().any(|name| path.ends_with(name));
        let uses = text.lines().any(|line| line.contains("serde::") || line.contains("Serialize"));
        assert!(is_allowed || !uses, "{} uses serde", path.display());
        for banned in ["serde(flatten", "serde(untagged"] {
            assert!(!text.contains(banned), "{} uses {banned})", path.display());
        }
    }
}

#[test]
fn files_tell_one_story() {
    for (path, text) in
        files("src", ".rs").into_iter().chain(files("tests", ".rs")).chain(files("benches", ".rs"))
    {
        let lines = text.lines().count();
        let is_known = LONG_FILES.iter().any(|known| path == Path::new(known));
        assert!(is_known || lines <= LONGEST_FILE, "{} has {lines} lines", path.display());
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
    }
    let main = fs::read_to_string(root().join("src/main.rs")).unwrap();
    assert!(main.lines().count() < 60, "main.rs only parses, dispatches and ends");
}

/// `unsafe` code stands in one module, each use with its argument in the lines before it.
#[test]
fn unsafe_code_lives_in_the_kernels_only_and_says_why_it_is_sound() {
    let kernels = Path::new("src/engine/kernels");
    let mut uses = 0;
    for (path, text) in files("src", "rs") {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if !code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe") {
                continue;
            }
            assert!(path.starts_with(kernels), "{}:{}: unsafe code", path.display(), number + 1);
            let before = &lines[number.saturating_sub(8)..number];
            let argued = before.iter().any(|line| line.trim_start().starts_with("// SAFETY: "));
            assert!(argued, "{}:{}: no safety argument", path.display(), number + 1);
            uses += 1;
        }
    }
    assert!(uses > 10, "the test finds them");
}

#[test]
fn exceptions_to_lints_carry_a_reason() {
    for (path, text) in
        files("src", ".rs").into_iter().chain(files("tests", ".rs")).chain(files("benches", ".rs"))
    {
        let bare = ["#[", "#!["].map(|open| format!("{open}allow("));
        assert!(!bare.iter().any(|bare| text.contains(bare)), "{}: expect, with a reason", path.display());
    }
}

#[test]
fn every_seam_has_its_scripted_twin() {
    let all: String = files("src", ".rs").into_iter().map(|(_, text)| text).collect();
    let seams = [
        ("Clock", "ScriptedClock"),
        ("Engine", "ScriptedEngine"),
        ("Meter", "ScriptedMeter"),
        ("ProcessProbe", "ScriptedProbe"),
    ];
    for (seam, twin) in seams {
        assert!(all.contains(&format!("pub trait {seam} {{")), "no seam {seam}");
        assert!(all.contains(&format!("impl {seam} for {twin}")), "{seam} has no {twin}");
    }
}

#[test]
fn the_methodology_explains_every_flag_and_exit_code() {
    let text = fs::read_to_string(root().join("docs/METHODOLOGY.md")).unwrap();
    for flag in claimbench::measurement::Flag::ALL {
        assert!(
            text.contains(&format!("`{}`", flag.id())),
            "docs/METHODOLOGY.md does not explain {}",
            flag.id()
        );
    }
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 | Reserved", "| 5 | Reserved", "| 130 |"] {
        assert!(text.contains(code), "docs/METHODOLOGY.md does not document exit code {code}");
    }
}

#[test]
fn links_between_documents_arrive() {
    let documents = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from);
    let mut texts: BTreeMap<PathBuf, String> = documents
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(root().join(&path)).unwrap()))
        .collect();
    texts.extend(files("docs", ".md"));
    for (path, text) in texts {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let file = root().join(&path).parent().unwrap().join(target);
            assert!(file.exists(), "{} links to {link}, which is not there", path.display());
        }
    }
}

#[test]
fn the_repository_names_no_home_and_leaves_nothing_to_do() {
    let texts = files("src", ".rs").into_iter().chain(files("docs", ".md")).chain(files("ledger", ".toml"));
    let unfinished = ["TO", "DO("].concat();
    for (path, text) in texts.chain(files("reports", ".json")) {
        for word in ["/home/", "/root/", "/Users/", unfinished.as_str()] {
            assert!(!text.contains(word), "{} contains {word}", path.display());
        }
    }
}
