//! Nothing is lost: a run that is killed at any moment leaves a file that loads, and can be completed.

#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use claimbench::measurement::{Flag, Outcome, Run, Stage};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// Moments at which a run is killed.
const KILLS: u32 = 50;
const REPETITIONS: &str = "8";

fn claimbench(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_claimbench"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Two scripted cases, so that some kills fall between them, in three process starts, so that some fall between those.
fn run(folder: &Path) -> Command {
    run_in(folder, "3")
}

fn run_in(folder: &Path, starts: &str) -> Command {
    let arguments = ["run", "--engine", "scripted", "--workload", "tiny", "--model", "tiny-qwen2"];
    let more =
        ["--model", "r1-distill-qwen-1.5b", "--repetitions", REPETITIONS, "--starts", starts, "--out", "."];
    claimbench(folder, &[arguments.as_slice(), more.as_slice()].concat())
}

fn run_folder(folder: &Path) -> Option<PathBuf> {
    let visible = |path: &PathBuf| !path.file_name().unwrap().to_string_lossy().starts_with('.');
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(visible)
}

fn measured(run: &Run) -> Vec<usize> {
    run.cases.iter().map(|record| record.outcome.measurement().measured().count()).collect()
}

/// Repetitions that the process had said were done, over all cases and process starts.
fn said(output: &str) -> usize {
    let is_done = |line: &&str| line.contains(" of ") && line.contains(" in 0.");
    output.lines().filter(is_done).count()
}

fn resume(folder: &Path, run: &Path) -> Output {
    claimbench(folder, &["run", "--resume", run.to_str().unwrap()]).output().unwrap()
}

#[test]
fn a_run_killed_at_fifty_random_moments_loads_and_is_completed() {
    let whole = tempfile::tempdir().unwrap();
    let words = String::from_utf8(run(whole.path()).output().unwrap().stderr).unwrap();
    let complete: usize = REPETITIONS.parse().unwrap();
    assert_eq!(
        measured(&claimbench::record::load(&run_folder(whole.path()).unwrap()).unwrap()),
        [complete; 2]
    );

    let mut moments = Xoshiro256PlusPlus::seed_from_u64(50);
    let mut random =
        |below: usize| usize::try_from(moments.next_u64() % u64::try_from(below).unwrap()).unwrap();
    let mut killed_within = 0;
    for _ in 0..KILLS {
        let folder = tempfile::tempdir().unwrap();
        let mut process = run(folder.path()).spawn().unwrap();
        // After a random line, and then a random while that is about as long as two lines are apart.
        let mut lines = BufReader::new(process.stderr.take().unwrap());
        let mut output = String::new();
        for _ in 0..random(words.lines().count()) {
            lines.read_line(&mut output).unwrap();
        }
        std::thread::sleep(Duration::from_micros(u64::try_from(random(40_000)).unwrap()));
        process.kill().unwrap();
        lines.read_to_string(&mut output).unwrap();
        process.wait().unwrap();
        // A process killed before it made its folder has measured nothing.
        let Some(path) = run_folder(folder.path()) else {
            assert_eq!(said(&output), 0, "{output}");
            continue;
        };
        let left = claimbench::record::load(&path).unwrap_or_else(|error| panic!("{error}\n{output}"));
        assert!(
            measured(&left).iter().sum::<usize>() >= said(&output),
            "a finished repetition is lost: {output}"
        );
        assert_eq!(left.cases.len(), 2, "cases that had not begun have a row too");
        killed_within +=
            u32::from(left.cases.iter().any(|record| !matches!(record.outcome, Outcome::Measured(_))));

        let resumed = resume(folder.path(), &path);
        let words = String::from_utf8_lossy(&resumed.stderr).into_owned();
        let completed = claimbench::record::load(&path).unwrap();
        assert_eq!(measured(&completed), [complete; 2], "{words}");
        for (before, after) in left.cases.iter().zip(&completed.cases) {
            assert!(matches!(after.outcome, Outcome::Measured(_)), "{words}");
            let (before, after) = (before.outcome.measurement(), after.outcome.measurement());
            assert_eq!(before.repetitions, after.repetitions[..before.repetitions.len()], "samples changed");
            assert!(after.repetitions.iter().zip(0..).all(|(repetition, index)| repetition.index == index));
        }
    }
    assert!(killed_within >= KILLS / 2, "only {killed_within} runs were killed on their way");
}

#[test]
fn a_resumed_case_says_that_it_comes_from_two_processes() {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), "1").output().unwrap();
    let path = run_folder(folder.path()).unwrap();
    // As a kill in the middle of the second case would have left it.
    let mut left = claimbench::record::load(&path).unwrap();
    let Outcome::Measured(mut measurement) = left.cases[1].outcome.clone() else { panic!("not measured") };
    measurement.repetitions.truncate(5);
    let failure = claimbench::measurement::Failure::new(Stage::Interrupted, "killed");
    left.cases[1].outcome = Outcome::Failed(failure, measurement);
    left.derive();
    fs::write(path.join("run.json"), claimbench::record::to_json(&left)).unwrap();

    // A budget that has no room for the case must not cost it the samples it has.
    let too_short = ["run", "--resume", path.to_str().unwrap(), "--budget", "1s"];
    claimbench(folder.path(), &too_short).output().unwrap();
    let kept = claimbench::record::load(&path).unwrap();
    assert_eq!(kept.cases[1].outcome, left.cases[1].outcome);

    let words = String::from_utf8(resume(folder.path(), &path).stderr).unwrap();
    let completed = claimbench::record::load(&path).unwrap_or_else(|error| panic!("{error}\n{words}"));
    // The one whose budget had no room measured nothing and left no trace.
    assert_eq!(completed.resumed_unix_seconds.len(), 1);
    let flags = |row: usize| completed.cases[row].flags.clone();
    assert!(flags(0).contains(&Flag::SingleProcessStart) && !flags(1).contains(&Flag::SingleProcessStart));
    let again = resume(folder.path(), &path);
    assert!(String::from_utf8(again.stderr).unwrap().contains("is complete; nothing to resume"));
    assert_eq!(again.status.code(), Some(0));
}

#[test]
fn what_cannot_be_resumed_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path()).output().unwrap();
    let path = run_folder(folder.path()).unwrap().join("run.json");
    let good = fs::read_to_string(&path).unwrap().replacen("\"failure\": null", FAILED, 1);
    for (from, to, why) in [
        ("\"command\": \"claimbench run", "\"command\": \"make bench", "only runs of `claimbench run`"),
        ("\"tool_version\": \"", "\"tool_version\": \"9", "begun by another build"),
        ("\"id\": \"tiny-qwen2\"", "\"id\": \"tiny-other\"", "no longer has tiny-other"),
    ] {
        let changed = good
            .replace(from, to)
            .replace("tiny-qwen2/q4", if why.contains("longer") { "tiny-other/q4" } else { "tiny-qwen2/q4" });
        let changed = claimbench::record::sealed(&changed).unwrap();
        fs::write(&path, &changed).unwrap();
        let output = resume(folder.path(), &path);
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(words.contains(why), "{words}");
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(fs::read_to_string(&path).unwrap(), changed);
    }
    let nowhere = resume(folder.path(), Path::new("no-such-run"));
    assert!(String::from_utf8(nowhere.stderr).unwrap().contains("nothing can be resumed there"));
}

const FAILED: &str = "\"failure\": {\"stage\": \"interrupted\", \"reason\": \"killed\"}";
