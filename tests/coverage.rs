//! The page on what was run and checked: it is what the program prints, and README says no more than it does.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn coverage(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_claimbench"));
    command.args(["list", "--coverage"]).args(arguments).current_dir(folder).output().unwrap()
}

/// The cells of the rows that begin with a text.
fn rows<'a>(page: &'a str, start: &str) -> Vec<Vec<&'a str>> {
    let rows = page.lines().filter(|line| line.starts_with(start));
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn the_page_is_what_the_program_prints_from_the_published_runs() {
    let output = coverage(root(), &["reports"]);
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed == read("docs/MODELS.md"), "run `just models` and commit docs/MODELS.md");
}

#[test]
fn every_published_model_is_there_in_every_precision_on_every_device() {
    let page = read("docs/MODELS.md");
    let catalog = claimbench::cli::Catalog::shipped().unwrap();
    let mut cells = 0;
    for model in catalog.models.models() {
        let name = format!("| {} | ", model.name);
        let is_published = model.role == claimbench::model::ModelRole::Measure;
        for precision in model.precisions.iter().filter(|_| is_published) {
            let found = rows(&page, &format!("{name}{} | ", precision.label()));
            assert!(found.iter().any(|row| row.len() == 4), "{name}{}", precision.label());
            cells += 1;
        }
    }
    // The counts on top are of the same cells.
    for device in ["| CPU |", "| CUDA |"] {
        let counted: u32 =
            rows(&page, device)[0][1..].iter().map(|count| count.parse::<u32>().unwrap()).sum();
        assert!(counted >= cells, "{device} {counted} {cells}");
    }
}

#[test]
fn the_readme_says_that_no_real_checkpoint_was_run_until_one_was() {
    let none = read("docs/MODELS.md").contains("None yet: every figure below comes from synthetic weights");
    for (name, sentence) in [("README.md", "None was yet."), ("README.fr.md", "Aucun ne l’a encore été.")]
    {
        assert_eq!(read(name).contains(sentence), none, "{name}: `{sentence}`");
    }
}

#[test]
fn a_folder_that_is_not_there_and_a_broken_file_are_named() {
    let home = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| {
        let output = coverage(home.path(), arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let missing = said(&["nowhere"]);
    assert!(missing.contains("cannot list nowhere; give a folder with runs"), "{missing}");
    fs::create_dir_all(home.path().join("runs/one")).unwrap();
    fs::write(home.path().join("runs/one/run.json"), "{}").unwrap();
    let broken = said(&["runs"]);
    assert!(broken.contains("runs/one/run.json: not a run file"), "{broken}");
    assert_eq!(coverage(home.path(), &["runs", "--json"]).status.code(), Some(2));
}
