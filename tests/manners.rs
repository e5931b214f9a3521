//! The manners of the command line: exit codes, streams, colour, quiet, completions, man pages, what misuse is told.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The commands that help shows.
const COMMANDS: [&str; 10] =
    ["list", "run", "report", "check", "claims", "pull", "clean", "doctor", "completions", "man"];
/// A run of nothing, which takes no time.
const SCRIPTED: [&str; 9] =
    ["run", "--engine", "scripted", "--model", "tiny-qwen2", "--workload", "tiny", "--repetitions", "6"];

/// A user's folder: nothing outside is read or written.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_claimbench"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("CLAIMBENCH_CACHE", self.path("cache"))
            .env("HF_HOME", self.path("hub"))
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"] {
            command.env_remove(variable);
        }
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Leaves a run behind, and returns its folder.
    fn with_run(&self) -> String {
        self.output(&SCRIPTED);
        let run = fs::read_dir(self.path("target/claimbench")).unwrap().next().unwrap().unwrap();
        run.path().display().to_string()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn shown(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn exit_codes_are_those_of_the_methodology() {
    let home = Home::new();
    let code = |arguments: &[&str]| home.output(arguments).status.code();
    assert_eq!(code(&["list"]), Some(0));
    assert_eq!(code(&["run", "--model", "nothing"]), Some(1));
    assert_eq!(code(&["run", "--device", "gpu"]), Some(2));
    let run = home.output(&SCRIPTED).status.code();
    if cfg!(debug_assertions) {
        assert_eq!(run, Some(3), "a debug build is not to be trusted");
    } else {
        assert!(run == Some(0) || run == Some(3), "a step of nanoseconds may have a wide interval: {run:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_of_nothing_ends_with_130_too() {
    let home = Home::new();
    let mut line = SCRIPTED.to_vec();
    let last = line.len() - 1;
    line[last] = "100000";
    let child = home.command(&line).stderr(Stdio::null()).spawn().unwrap();
    let runs = home.path("target/claimbench");
    for _ in 0..600 {
        if fs::read_dir(&runs).is_ok_and(|mut entries| {
            entries.any(|entry| !entry.unwrap().file_name().to_string_lossy().starts_with('.'))
        }) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
}

#[test]
fn json_is_one_document_on_standard_output_whatever_the_command() {
    let home = Home::new();
    let run = home.with_run();
    for arguments in [
        vec!["list", "--json"],
        vec!["claims", "--json"],
        vec!["claims", "deepseek-5-6m", "--json"],
        vec!["doctor", "--offline", "--json"],
        vec!["check", &run, "nowhere", "--json"],
        vec!["run", "--dry-run", "--json"],
        vec!["run", "--resume", &run, "--json"],
        [&SCRIPTED[..], &["--json"]].concat(),
    ] {
        let output = home.output(&arguments);
        let document: Result<serde_json::Value, _> = serde_json::from_slice(&output.stdout);
        assert!(document.is_ok(), "{arguments:?}: {document:?}: {}", shown(&output));
        assert!(shown(&output).ends_with("}\n") || shown(&output).ends_with("]\n"), "{arguments:?}");
    }
}

#[test]
fn a_dry_run_for_programs_forecasts_every_case() {
    let output = Home::new().output(&["run", "--dry-run", "--json"]);
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["cases"][0]["id"], "r1-distill-qwen-1.5b/q4_k_m/short-chat");
    assert!(plan["cases"][0]["forecast_seconds"].as_f64().unwrap() > 1.0);
    assert!(output.stderr.is_empty());
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let home = Home::new();
    let run = home.with_run();
    for arguments in [
        vec!["list"],
        vec!["claims", "--json"],
        vec!["doctor", "--offline"],
        vec!["completions", "bash"],
        vec!["man"],
        vec!["run", "--quiet", "--resume", &run, "--json"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = home.command(&arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("error"), "{arguments:?}: {said}");
    }
}

#[test]
fn the_bash_script_is_bash_and_knows_every_command() {
    let output = Home::new().output(&["completions", "bash"]);
    let script = shown(&output);
    for command in COMMANDS {
        assert!(script.contains(&format!("claimbench,{command})")), "{command} is not completed");
    }
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn the_man_page_has_the_sections_that_a_reader_looks_for() {
    let home = Home::new();
    let page = shown(&home.output(&["man"]));
    for section in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH SUBCOMMANDS"] {
        assert!(page.contains(section), "no {section}");
    }
    fs::create_dir(home.path("pages")).unwrap();
    assert!(home.output(&["man", "--out", "pages"]).status.success());
    let mut pages: Vec<_> = fs::read_dir(home.path("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    pages.sort();
    let mut expected: Vec<_> = COMMANDS.iter().map(|command| format!("claimbench-{command}.1")).collect();
    expected.push("claimbench.1".to_owned());
    expected.sort();
    assert_eq!(pages, expected);
    let run = fs::read_to_string(home.path("pages/claimbench-run.1")).unwrap();
    assert!(run.contains(".SH OPTIONS") && run.contains("budget"));
}

#[test]
fn help_shows_every_command_and_examples() {
    let home = Home::new();
    let help = shown(&home.output(&["--help"]));
    for command in COMMANDS {
        assert!(
            help.lines().any(|line| line.starts_with(&format!("  {command} "))),
            "{command} is not in {help}"
        );
    }
    for command in ["run", "report", "claims", "pull", "doctor"] {
        let help = shown(&home.output(&[command, "--help"]));
        assert!(help.contains(&format!("Examples:\n  claimbench {command}")), "{command}: {help}");
    }
}

#[test]
fn colour_is_asked_for_or_absent() {
    const ESCAPE: char = '\u{1b}';
    let home = Home::new();
    let failing = ["claims", "nothing"];
    let has_colour = |set: &[(&str, &str)], more: &[&str]| {
        let words: Vec<&str> = failing.iter().chain(more).copied().collect();
        let output = home.command(&words).envs(set.iter().copied()).output().unwrap();
        let said = said(&output);
        assert!(said.contains("error:"), "{said}");
        said.contains(ESCAPE)
    };
    assert!(!has_colour(&[], &[]), "a pipe is no terminal");
    assert!(has_colour(&[], &["--color", "always"]));
    assert!(has_colour(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!has_colour(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(has_colour(&[("NO_COLOR", "1")], &["--color=always"]), "a flag comes before the environment");
    assert!(!has_colour(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));

    let doctor = |when: &str| shown(&home.output(&["doctor", "--offline", "--color", when]));
    assert!(doctor("always").contains(ESCAPE) && !doctor("never").contains(ESCAPE));
    let json = shown(&home.output(&["doctor", "--offline", "--json", "--color", "always"]));
    assert!(!json.contains(ESCAPE), "data has no colour");
    // The message of a line that cannot be read obeys too.
    let misread = |when: &str| said(&home.output(&["run", "--color", when, "--nonsense"])).contains(ESCAPE);
    assert!(misread("always") && !misread("never"));
}

#[test]
fn quiet_leaves_warnings_failures_and_the_summary() {
    let home = Home::new();
    let words = said(&home.output(&[&SCRIPTED[..], &["--quiet"]].concat()));
    assert!(words.contains("machine-hours per million") && words.contains("page: "), "{words}");
    for chatter in ["loading", "warm-up", "about", "publish it", "measuring took"] {
        assert!(!words.contains(chatter), "`{chatter}` is in {words}");
    }
    let failing = said(&home.output(&["run", "--weights", "real", "--quiet"]));
    assert!(failing.contains("claimbench pull r1-distill-qwen-1.5b"), "{failing}");
}

#[test]
fn progress_on_a_pipe_is_plain_lines() {
    let words = said(&Home::new().output(&SCRIPTED));
    assert!(words.lines().any(|line| line.contains("2 of 2")), "{words}");
    assert!(!words.contains('\r'));
}

#[test]
fn misuse_is_told_what_is_wrong_and_what_to_do() {
    let home = Home::new();
    let run = home.with_run();
    fs::create_dir(home.path("empty")).unwrap();
    fs::write(home.path("notes.txt"), "not JSON").unwrap();
    let foreign = fs::read_to_string(PathBuf::from(&run).join("run.json")).unwrap();
    let foreign = foreign.replacen("\"schema\": 1", "\"schema\": 99", 1);
    fs::write(home.path("foreign.json"), foreign).unwrap();
    for (arguments, parts) in [
        (vec!["report", "empty"], ["empty/run.json", "the folder that `claimbench run` names"]),
        (vec!["run", "--resume", "nowhere"], ["nothing can be resumed", "check the path"]),
        (vec!["report", "notes.txt"], ["not a run file", "give the run.json that `claimbench run` wrote"]),
        (vec!["report", "foreign.json"], ["run format 99", "update claimbench"]),
        (vec!["run", "--resume", "foreign.json"], ["run format 99", "update claimbench"]),
        (vec!["run", "--workload", "nothing"], ["no workload `nothing`", "known are short-chat"]),
        (vec!["run", "--out", "notes.txt"], ["notes.txt", "another folder with --out"]),
        (vec!["man", "--out", "nowhere"], ["cannot write man pages to nowhere", "a folder that is there"]),
    ] {
        let output = home.output(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        for part in parts {
            assert!(said(&output).contains(part), "{arguments:?}: `{part}` is not in {}", said(&output));
        }
    }
    fs::create_dir(home.path("my-prices.toml")).unwrap();
    let output = home.output(&SCRIPTED);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("my-prices.toml cannot be read; correct or remove it"),
        "{}",
        said(&output)
    );
}

#[test]
fn claims_are_filtered_listed_by_topic_and_printed_in_the_users_language() {
    let home = Home::new();
    let document: serde_json::Value =
        serde_json::from_slice(&home.output(&["claims", "--json", "--category", "energy"]).stdout).unwrap();
    let claims = document.as_array().unwrap();
    assert!((5..20).contains(&claims.len()), "{}", claims.len());
    for claim in claims {
        assert_eq!(claim["category"], "energy");
        for (key, language) in [("title", "en"), ("title", "fr"), ("counts", "fr"), ("leaves_out", "en")] {
            assert!(!claim[key][language].as_str().unwrap().is_empty(), "{claim}");
        }
        let source = &claim["sources"][0];
        assert!(["original", "as-quoted", "not-verified"].contains(&source["read"].as_str().unwrap()));
    }
    let both =
        shown(&home.output(&["claims", "--category", "energy", "--outcome", "upheld", "--lang", "en"]));
    assert!(both.starts_with("energy\n") && both.lines().count() < claims.len(), "{both}");

    let locale = |name: &str| {
        let mut command = home.command(&["claims", "deepseek-5-6m"]);
        shown(&command.env("LC_ALL", name).output().unwrap())
    };
    assert!(locale("fr_FR.UTF-8").starts_with("Un modèle DeepSeek") && locale("C").starts_with("A DeepSeek"));

    let unknown = home.output(&["claims", "--outcome", "true"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("no claim has the outcome `true`; there are as-sourced, context"));
}
