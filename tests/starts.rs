//! Process starts, turns and the machine's name, as a user meets them.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

mod home;

use std::fs;

use claimbench::hardware::Label;
use claimbench::measurement::{Failure, Outcome, Stage};
use home::{Home, text, tiny};

#[test]
fn a_label_makes_another_machine_of_it_and_is_checked() {
    let [plain, named] = [&["--engine", "scripted"][..], &["--engine", "scripted", "--label", "attic's PC"]]
        .map(|more| {
            let home = Home::new();
            home.command(&tiny(more)).output().unwrap();
            home.run()
        });
    assert_eq!(named.machine.label.as_ref().map(Label::as_str), Some("attic's PC"));
    assert_ne!(named.machine.id(), plain.machine.id());
    // The recorded command names it, so that it can be repeated and resumed.
    let words = shlex::split(&named.provenance.command).unwrap();
    assert!(words.windows(2).any(|pair| pair == ["--label", "attic's PC"]), "{words:?}");
    let output = Home::new().command(&tiny(&["--label", "a\u{1b}[2J"])).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("printable characters only"));
}

#[test]
fn a_run_of_one_process_start_is_published_after_two_more() {
    let home = Home::new();
    let scripted = ["run", "--engine", "scripted", "--model", "r1-distill-qwen-1.5b", "--workload", "tiny"];
    home.command(&[&scripted[..], &["--starts", "1", "--repetitions", "6"]].concat()).output().unwrap();
    let folder = home.run_folder();
    let publish = ["report", folder.to_str().unwrap(), "--publish"];
    let refused = home.command(&publish).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("in 1 process start") && said.contains("--resume RUN --starts 3"), "{said}");
    assert!(!home.path("reports").exists());
    home.command(&["run", "--resume", folder.to_str().unwrap(), "--starts", "3"]).output().unwrap();
    let run = home.run();
    let measurement = run.cases[0].outcome.measurement();
    assert_eq!((measurement.process_starts(), measurement.measured().count()), (3, 10));
    assert_eq!(home.command(&publish).output().unwrap().status.code(), Some(0));
}

/// A case that the first process began and a budget cuts off is measured, in fewer repetitions, and not interrupted.
#[test]
fn what_a_budget_cuts_off_between_two_starts_is_measured_all_the_same() {
    let home = Home::new();
    let scripted = ["run", "--engine", "scripted", "--model", "r1-distill-qwen-1.5b", "--workload", "tiny"];
    home.command(&[&scripted[..], &["--starts", "1", "--repetitions", "6"]].concat()).output().unwrap();
    let mut run = home.run();
    // As if the process start before had been the first of three, with a budget of a second left: the forecast of the shape
    // asks for more.
    let Outcome::Measured(measurement) = run.cases[0].outcome.clone() else { panic!("not measured") };
    let failure = Failure::new(Stage::Interrupted, "under way");
    run.cases[0].outcome = Outcome::Failed(failure, measurement);
    run.process_starts_asked = 2;
    fs::write(home.run_folder().join("run.json"), claimbench::record::to_json(&run)).unwrap();
    let folder = home.run_folder();
    let resume = ["run", "--resume", folder.to_str().unwrap(), "--budget", "1s", "--announced", "16"];
    let output = home.command(&resume).output().unwrap();
    let ended = home.run();
    assert!(matches!(ended.cases[0].outcome, Outcome::Measured(_)), "{}", text(&output.stderr));
    assert_eq!(ended.cases[0].outcome.measurement().process_starts(), 1);
    assert_ne!(output.status.code(), Some(130));
}

#[test]
fn the_workloads_of_one_checkpoint_take_turns() {
    let home = Home::new();
    let two = ["run", "--engine", "scripted", "--model", "r1-distill-qwen-1.5b", "--starts", "1"];
    let workloads = ["--workload", "tiny", "--workload", "short-chat", "--repetitions", "12"];
    home.command(&[&two[..], &workloads].concat()).output().unwrap();
    let run = home.run();
    let mut order: Vec<(u64, usize)> = Vec::new();
    for (row, record) in run.cases.iter().enumerate() {
        let measurement = record.outcome.measurement();
        assert_eq!(measurement.loads, run.cases[0].outcome.measurement().loads, "the loads are theirs all");
        order.extend(measurement.repetitions.iter().map(|r| (r.started.nanos(), row)));
    }
    order.sort_unstable();
    let turns = order.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    // Thirteen rounds of two: each has a change within it, and about half of them one between it and the next.
    assert!((13..26).contains(&turns), "{turns} changes of 25");
}
