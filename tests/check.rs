//! `claimbench check`: what passes, what is found in a file that was changed, and what hostile files cost.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use claimbench::record::sealed;
use serde_json::Value;
use tempfile::TempDir;

/// Two cases of an engine that computes nothing.
const RUN: [&str; 12] = [
    "run",
    "--engine",
    "scripted",
    "--model",
    "tiny-qwen2",
    "--model",
    "r1-distill-qwen-1.5b",
    "--workload",
    "tiny",
    "--repetitions",
    "6",
    "--quiet",
];

struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With a run in it, and the path of its file.
    fn with_run() -> (Self, PathBuf) {
        let home = Self::new();
        home.call(&RUN);
        let run = fs::read_dir(home.path("target/claimbench")).unwrap().next().unwrap().unwrap();
        let file = run.path().join("run.json");
        (home, file)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn call(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_claimbench"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("CLAIMBENCH_CACHE", self.path("cache"))
            .env("HF_HOME", self.path("hub"))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn check(&self, paths: &[&Path]) -> Output {
        let paths = paths.iter().map(|path| path.to_str().unwrap());
        self.call(&["check"].into_iter().chain(paths).collect::<Vec<_>>())
    }

    /// The rules that this text breaks, as a program is told.
    fn broken(&self, text: impl AsRef<[u8]>) -> Vec<String> {
        let path = self.write("changed.json", text);
        let output = self.call(&["check", "--json", path.to_str().unwrap()]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rules = document["files"][0]["rules"].as_array().unwrap();
        let broken: Vec<&Value> = rules.iter().filter(|rule| rule["result"] == "broken").collect();
        assert_eq!(output.status.code(), Some(i32::from(!broken.is_empty())), "{document}");
        assert_eq!(document["failed"], i32::from(!broken.is_empty()));
        broken.iter().map(|rule| rule["rule"].as_str().unwrap().to_owned()).collect()
    }
}

fn shown(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn reports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports")
}

/// The file with one change, and a digest that holds again.
fn changed(file: &Path, change: impl Fn(&mut Value)) -> String {
    let mut value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    change(&mut value);
    sealed(&serde_json::to_string_pretty(&value).unwrap()).unwrap()
}

#[test]
fn a_good_run_passes_and_the_lines_say_how_much_was_looked_at() {
    let (home, file) = Home::with_run();
    for path in [&file, file.parent().unwrap(), &home.path("target")] {
        let output = home.check(&[path]);
        let said = shown(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        for part in [
            "run.json: passes",
            "format   holds   run format 1, ",
            "digest   holds   the content is as it was written",
            " figures of 2 cases derived again from 12 measured repetitions",
            "flags derived again",
            "1 passed, 0 failed",
        ] {
            assert!(said.contains(part), "`{part}` is not in {said}");
        }
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn what_was_changed_is_found_by_its_rule() {
    let (home, file) = Home::with_run();
    let figure = |run: &mut Value| {
        let value = &mut run["cases"][0]["figures"]["load_seconds"]["value"];
        *value = (value.as_f64().unwrap() * 1.000_001).into();
    };
    let sample = |run: &mut Value| run["cases"][1]["repetitions"][2]["first_token_seconds"] = 0.5.into();
    let flag = |run: &mut Value| {
        run["cases"][0]["flags"].as_array_mut().unwrap().remove(0);
    };
    let swapped = |run: &mut Value| {
        let [first, second] = [0, 1].map(|case| run["cases"][case]["case_id"].clone());
        (run["cases"][0]["case_id"], run["cases"][1]["case_id"]) = (second, first);
    };
    assert_eq!(home.broken(changed(&file, |_| ())), [""; 0]);
    assert_eq!(home.broken(changed(&file, figure)), ["figures"]);
    assert_eq!(home.broken(changed(&file, flag)), ["flags"]);
    assert_eq!(home.broken(changed(&file, swapped)), ["cases"]);
    // A sample moves the figures and, where it makes an interval wide, a flag.
    assert!(home.broken(changed(&file, sample)).contains(&"figures".to_owned()));
    // Without a new digest, each of them is found by that as well.
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(home.broken(text.replacen("tiny-qwen2/q4_k_m", "tiny-qwen2/q8_0", 1)), ["digest", "cases"]);
    let (before, rest) = text.split_once("\"content_sha256\": \"").unwrap();
    let edited = format!(
        "{before}\"content_sha256\": \"{}{}",
        if rest.starts_with('0') { '1' } else { '0' },
        &rest[1..]
    );
    assert_eq!(home.broken(edited), ["digest"]);
    let without = format!("{}\n}}\n", before.trim_end().trim_end_matches(','));
    assert_eq!(home.broken(without), ["digest"]);
}

#[test]
fn no_page_is_made_and_no_run_goes_on_from_a_file_that_fails() {
    let (home, file) = Home::with_run();
    let text = fs::read_to_string(&file).unwrap().replacen("\"logical_cpus\": ", "\"logical_cpus\": 1", 1);
    let path = home.write("changed.json", text);
    let path = path.to_str().unwrap();
    for arguments in [vec!["report", path], vec!["report", path, "--publish"], vec!["run", "--resume", path]]
    {
        let output = home.call(&arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("content_sha256: the content has the digest") && said.contains("measure again"),
            "{said}"
        );
    }
    assert!(!home.path("index.html").exists() && !home.path("reports").exists());
}

#[test]
fn all_files_are_looked_at_even_if_the_first_fails() {
    let (home, file) = Home::with_run();
    let text = fs::read_to_string(&file).unwrap();
    let cut = home.write("cut.json", &text[..text.len() / 2]);
    let foreign = home.write("foreign.json", "[]");
    let binary = home.write("binary.json", b"\xff\xfe");
    let (nowhere, empty) = (home.path("nowhere"), home.path("empty"));
    fs::create_dir(&empty).unwrap();
    let output = home.check(&[&nowhere, &cut, &foreign, &binary, &empty, &file]);
    let said = shown(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "nowhere: fails\n  cannot read ",
        "check the path",
        "cut.json: fails\n  format   broken  not a run file: EOF while parsing",
        "foreign.json: fails\n  format   broken  not a run file: it is no JSON object",
        "binary.json: fails\n  cannot read ",
        "empty: fails\n  there is no run.json in this folder or below",
        "run.json: passes",
        "1 passed, 5 failed",
    ] {
        assert!(said.contains(part), "`{part}` is not in {said}");
    }
    assert!(output.stderr.is_empty(), "{output:?}");
    assert_eq!(home.call(&["check"]).status.code(), Some(2));
}

#[test]
fn every_published_run_passes_with_the_method_it_was_measured_by() {
    let home = Home::new();
    let output = home.check(&[&reports()]);
    let said = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let published = fs::read_dir(reports()).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count();
    assert!(said.ends_with(&format!("{published} passed, 0 failed\n")), "{said}");
    assert!(said.contains("figures  older   method 2: schema only, "), "{said}");
}

/// As the methodology tells a reader to, with the tools of the system.
#[cfg(target_os = "linux")]
#[test]
fn the_digest_can_be_checked_with_sed_and_sha256sum() {
    let methodology = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/METHODOLOGY.md");
    let methodology = fs::read_to_string(methodology).unwrap();
    let line = methodology.lines().find(|line| line.starts_with("sed ")).expect("the line with sed");
    let (_home, file) = Home::with_run();
    let output = Command::new("sh").args(["-c", line]).current_dir(file.parent().unwrap()).output().unwrap();
    let digest = shown(&output).split_whitespace().next().unwrap().to_owned();
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.ends_with(&format!("\"content_sha256\": \"{digest}\"\n}}\n")), "{digest}");
}

/// The system itself holds the bounds, as in `tests/hostile.rs`: address space, and processor time.
#[cfg(target_os = "linux")]
#[test]
fn hostile_files_cost_little() {
    const SECONDS: &str = "2";
    let (home, good) = Home::with_run();
    let bounded = |path: &Path, kilobytes: u32| {
        let limits = "ulimit -v $1; ulimit -t $2; exec \"$3\" check \"$4\"";
        Command::new("sh")
            .args(["-c", limits, "sh", &kilobytes.to_string(), SECONDS, env!("CARGO_BIN_EXE_claimbench")])
            .arg(path)
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let enough = |kilobytes: &u32| bounded(&good, *kilobytes).status.success();
    let baseline = (2..64).map(|step| step * 8_000).find(enough).expect("half a gigabyte is enough");
    let text = fs::read_to_string(&good).unwrap();
    let list = |item: &str, count: usize| vec![item; count].join(",");
    let gaps =
        |count| text.replacen("\"gap_seconds\": [", &format!("\"gap_seconds\": [{},", list("0", count)), 1);
    let cases = [
        ("long", Vec::new(), "more than 134217728 are not read"),
        ("deep", b"[".repeat(10_000_000), "it is no JSON object"),
        ("deep-list", [b"{\"a\":", &b"[".repeat(10_000_000)[..]].concat(), "not a run file"),
        (
            "deep-value",
            text.replacen("\"order\": ", &format!("\"order\": {}", "[".repeat(1_000_000)), 1).into_bytes(),
            "not a run file",
        ),
        ("deep-key", b"{\"schema\":".repeat(1_000_000), "not a run file"),
        ("many", gaps(8_400_000).into_bytes(), "values, and more than 8388608 are not read"),
        ("gaps", gaps(1_000_000).into_bytes(), "gaps do not fit"),
        ("names", format!("{{\"{}\":1}}", "\\u001b[2J".repeat(1_000_000)).into_bytes(), "no `schema` number"),
        (
            "key",
            text.replacen("\"schema\"", &format!("\"{}\":1,\"schema\"", "\\u001b".repeat(1_000_000)), 1)
                .into_bytes(),
            "unknown field",
        ),
        ("number", b"{\"schema\":1e400}".to_vec(), "not a run file"),
    ];
    for (name, bytes, expected) in cases {
        let path = home.write(name, bytes);
        if name == "long" {
            fs::File::options().write(true).open(&path).unwrap().set_len(9_000_000_000).unwrap();
        }
        let output = bounded(&path, baseline + 100_000);
        let (said, words) = (shown(&output), String::from_utf8_lossy(&output.stderr).into_owned());
        assert_eq!(output.status.code(), Some(1), "{name}: {words}");
        assert!(said.contains(expected) && said.len() < 1_500 && !said.contains('\u{1b}'), "{name}: {said}");
        assert!(words.is_empty(), "{name}: {words}");
    }
    let pipe = home.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&pipe, Path::new("/dev/zero")] {
        assert!(shown(&bounded(path, baseline + 100_000)).contains("it is no regular file"));
    }
}
