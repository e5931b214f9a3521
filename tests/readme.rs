//! The README in its two languages: the same sections, commands and links.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "reads the repository's own files")]

use std::fs;
use std::path::Path;

fn readme(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn both() -> [String; 2] {
    ["README.md", "README.fr.md"].map(readme)
}

/// The parts of a text between two marks, in order.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> Vec<&'a str> {
    text.split(open).skip(1).filter_map(|rest| rest.split_once(close)).map(|(inside, _)| inside).collect()
}

/// Fenced blocks, fences and language included.
fn blocks(text: &str) -> Vec<&str> {
    text.split("```").skip(1).step_by(2).collect()
}

/// Code inside running text, sorted: languages order their words differently.
fn inline_code(text: &str) -> Vec<&str> {
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    let mut code: Vec<&str> = prose.into_iter().flat_map(|part| part.split('`').skip(1).step_by(2)).collect();
    code.sort_unstable();
    code.dedup();
    code
}

#[test]
fn every_command_and_every_file_is_in_both() {
    let [english, french] = both();
    assert!(blocks(&english).len() >= 4);
    assert_eq!(blocks(&english), blocks(&french));
    let french_page = |code: Vec<&str>| -> Vec<String> {
        code.into_iter().map(|code| code.replace("reports/fr.html", "reports/index.html")).collect()
    };
    let [english, french] = [&english, &french].map(|text| {
        let mut code = french_page(inline_code(text));
        code.sort();
        code
    });
    assert_eq!(english, french);
}

#[test]
fn both_have_the_same_sections_tables_and_links() {
    let [english, french] = both();
    let levels = |text: &str| -> Vec<usize> {
        let prose: String = text.split("```").step_by(2).collect();
        prose.lines().filter(|line| line.starts_with('#')).map(|line| line.matches('#').count()).collect()
    };
    assert_eq!(levels(&english), levels(&french));
    let rows = |text: &str| text.lines().filter(|line| line.starts_with('|')).count();
    assert_eq!(rows(&english), rows(&french));
    let links = |text: &str| -> Vec<String> {
        between(text, "](", ")")
            .into_iter()
            .filter(|link| !link.starts_with("README"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(links(&english), links(&french));
    assert!(english.contains("](README.fr.md)") && french.contains("](README.md)"));
}

#[test]
fn the_french_one_keeps_its_spaces() {
    let [_, french] = both();
    let prose: String = french.split("```").step_by(2).collect();
    for (number, line) in prose.lines().enumerate() {
        let words: String = line.split('`').step_by(2).collect();
        for sign in [" ;", " !", " ?", " %", " :", " $", " »", "« "] {
            assert!(!words.contains(sign) || words.starts_with("| ---"), "line {number}: `{sign}` in {line}");
        }
        assert!(!words.contains('\''), "line {number}: a straight apostrophe in {line}");
        assert!(!words.to_lowercase().contains("billion"), "line {number}: {line}");
    }
}
