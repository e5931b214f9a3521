//! The program as a user calls it: every command, good and misused, with its exit code and what it leaves behind.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

mod home;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use assert_cmd::assert::OutputAssertExt;
use claimbench::measurement::{Flag, Outcome, Role, Run, Skip, Stage};
use home::{Home, text, tiny};

#[test]
fn a_run_measures_writes_a_file_and_a_page_and_says_what_comes_next() {
    let home = Home::new();
    let output = home.command(&tiny(&["--repetitions", "6"])).output().unwrap();
    let said = text(&output.stderr);
    // This test binary is a debug build, and says so: measured, but not to be trusted.
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(output.stdout.is_empty(), "data only where it was asked for");
    for part in [
        "about",
        "1 warm-up in each start + 6 measured",
        "random weights",
        "process start 3 of 3",
        "2 of 2",
        "measuring took",
        "machine-hours per million",
        "--rent",
    ] {
        assert!(said.contains(part), "`{part}` is not in {said}");
    }
    let run = home.run();
    let measurement = run.cases[0].outcome.measurement();
    assert!(matches!(run.cases[0].outcome, Outcome::Measured(_)));
    assert_eq!(measurement.measured().count(), 6);
    assert_eq!(measurement.repetitions[0].role, Role::WarmUp);
    assert!(measurement.repetitions.iter().all(|r| r.gaps.len() == 3));
    let page = fs::read_to_string(home.run_folder().join("index.html")).unwrap();
    assert!(page.contains(run.id.as_str()) && page.contains("Synthetic weights"));
}

#[test]
fn the_run_file_names_no_host_user_or_path() {
    let home = Home::new();
    home.command(&tiny(&["--repetitions", "1", "--out", "somewhere"])).output().unwrap();
    let folder = fs::read_dir(home.path("somewhere")).unwrap().next().unwrap().unwrap().path();
    let file = fs::read_to_string(folder.join("run.json")).unwrap();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let secrets = [host.trim().to_owned(), home.folder.path().display().to_string(), "somewhere".to_owned()];
    for secret in secrets.iter().filter(|secret| secret.len() > 2) {
        assert!(!file.contains(secret.as_str()), "the run file contains `{secret}`");
    }
}

#[test]
fn json_on_standard_output_is_the_run_file_and_nothing_else() {
    let home = Home::new();
    let output =
        home.command(&tiny(&["--repetitions", "1", "--json", "--engine", "scripted"])).output().unwrap();
    let file = fs::read_to_string(home.run_folder().join("run.json")).unwrap();
    assert_eq!(text(&output.stdout), file);
}

#[test]
fn a_budget_cuts_repetitions_and_skips_what_does_not_fit() {
    let home = Home::new();
    let scripted = ["--engine", "scripted", "--model", "r1-distill-qwen-1.5b", "--budget"];
    let output = home.command(&tiny(&[&scripted[..], &["1s", "--repetitions", "5000"]].concat())).output();
    let said = text(&output.unwrap().stderr);
    let run = home.run();
    let (tiny, distill) = (&run.cases[0], &run.cases[1]);
    assert!(matches!(tiny.outcome, Outcome::Measured(_)) && tiny.flags.contains(&Flag::FewerRepetitions));
    assert!(matches!(distill.outcome, Outcome::Skipped(Skip::Budget { .. })), "{said}");
    assert!(
        said.contains("bounded to 1 s by the budget") && said.contains("give a larger --budget"),
        "{said}"
    );
    let page = fs::read_to_string(home.run_folder().join("index.html")).unwrap();
    assert!(page.contains("of the time budget were left"));
}

#[test]
fn a_dry_run_announces_and_leaves_nothing() {
    let home = Home::new();
    let output = home.command(&["run", "--dry-run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("r1-distill-qwen-1.5b/q4_k_m/short-chat"));
    assert_eq!(fs::read_dir(home.folder.path()).unwrap().count(), 0);
}

#[test]
fn usage_errors_end_with_2_and_name_the_fix() {
    let home = Home::new();
    for (arguments, part) in [
        (vec!["run", "--device", "gpu"], "write auto, cpu, cuda or cuda:N"),
        (vec!["run", "--rent", "-1"], "--rent"),
        (vec!["run", "--purchase", "900"], "--life-years"),
        (vec!["run", "--precision", "q3"], "known are q4_k_m"),
        (vec!["measure"], "unrecognized subcommand"),
        (vec![], "Examples:"),
    ] {
        let output = home.command(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(part), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn failures_end_with_1_and_name_the_fix() {
    let home = Home::new();
    fs::write(home.path("not-a-run.json"), "{}").unwrap();
    for (arguments, part) in [
        (vec!["run", "--model", "gpt-5"], "known are r1-distill-qwen-1.5b"),
        (vec!["report", "nowhere"], "check the path"),
        (vec!["report", "not-a-run.json"], "not a run file"),
        (vec!["claims", "nothing"], "known are"),
        (vec!["pull", "tiny-qwen2"], "names no real weights"),
        (vec!["pull", "r1-distill-qwen-1.5b"], "check the network"),
    ] {
        let output = home.command(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(part), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_this_build_cannot_use_is_refused_before_anything_is_written() {
    let home = Home::new();
    let output = home.command(&tiny(&["--device", "cuda"])).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--features cuda"));
    assert!(!home.path("target").exists());
}

#[test]
fn real_weights_that_are_not_there_fail_as_a_row_with_the_command_that_fetches_them() {
    let home = Home::new();
    let output = home.command(&["run", "--weights", "real"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("claimbench pull r1-distill-qwen-1.5b"));
    let run = home.run();
    let Outcome::Failed(failure, _) = &run.cases[0].outcome else { panic!("measured without weights") };
    assert_eq!(failure.stage, Stage::Prepare);
    let page = fs::read_to_string(home.run_folder().join("index.html")).unwrap();
    assert!(page.contains("claimbench pull r1-distill-qwen-1.5b"), "the failure stands on the page");
}

/// A checkpoint in the hub's cache, put there as the hub's client would.
fn plant_real_weights(home: &Home, bytes: &[u8]) {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let repo = home.path("hub/hub/models--bartowski--DeepSeek-R1-Distill-Qwen-1.5B-GGUF");
    let snapshot = repo.join("snapshots").join(commit);
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir_all(repo.join("refs")).unwrap();
    fs::write(repo.join("refs/main"), commit).unwrap();
    fs::write(snapshot.join("DeepSeek-R1-Distill-Qwen-1.5B-Q4_K_M.gguf"), bytes).unwrap();
}

#[test]
fn a_foreign_or_truncated_checkpoint_is_a_row_with_a_clear_reason() {
    let home = Home::new();
    home.command(&tiny(&["--repetitions", "1"])).output().unwrap();
    let synthetic = fs::read_dir(home.path("cache/synthetic")).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(synthetic).unwrap();
    for (bytes, part) in [
        (b"this is a text, not a model".to_vec(), "GGUF"),
        (whole[..whole.len() / 2].to_vec(), "bytes"),
        (whole, "models.toml says"),
    ] {
        let home = Home::new();
        plant_real_weights(&home, &bytes);
        let output = home.command(&["run", "--weights", "real"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let run = home.run();
        let Outcome::Failed(failure, _) = &run.cases[0].outcome else { panic!("measured a broken file") };
        assert_eq!(failure.stage, Stage::Prepare);
        assert!(failure.reason.contains(part), "`{part}` is not in `{}`", failure.reason);
        let file = fs::read_to_string(home.run_folder().join("run.json")).unwrap();
        assert!(
            !file.contains(&home.folder.path().display().to_string()),
            "the reason names a folder: {}",
            failure.reason
        );
    }
}

#[test]
fn a_price_turns_hours_into_dollars_and_a_broken_price_file_is_refused_before_measuring() {
    let home = Home::new();
    home.command(&tiny(&["--repetitions", "6", "--engine", "scripted"])).output().unwrap();
    let folder = home.run_folder();
    let page = || fs::read_to_string(folder.join("index.html")).unwrap();
    assert!(page().contains("--rent"), "without a price the page asks for one");
    let folder_name = folder.display().to_string();
    home.command(&["report", &folder_name, "--rent", "0.5"]).assert().success();
    assert!(page().contains("$0.50"));
    fs::write(
        home.path("my-prices.toml"),
        "[my-machine]\npurchase_usd = 1752\nlife_years = 2\nas_of = \"2026\"\n",
    )
    .unwrap();
    home.command(&["report", &folder_name]).assert().success();
    assert!(page().contains("$0.10"));
    fs::write(home.path("my-prices.toml"), "[my-machine]\nrent = 1\nas_of = \"2026\"\n").unwrap();
    let output = home.command(&tiny(&[])).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("my-prices.toml:2: unknown key `my-machine.rent`"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(home.run_folder(), folder, "nothing was measured");
}

#[test]
fn a_test_shape_is_never_published() {
    let home = Home::new();
    home.command(&tiny(&["--repetitions", "1", "--engine", "scripted"])).output().unwrap();
    let folder = home.run_folder().display().to_string();
    let output = home.command(&["report", &folder, "--publish"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("nothing worth publishing"));
    assert!(!home.path("reports").exists());
}

#[test]
fn publishing_copies_the_run_lists_it_and_never_changes_a_run_file() {
    let home = Home::new();
    home.command(&["run", "--engine", "scripted", "--repetitions", "6"]).output().unwrap();
    let folder = home.run_folder();
    let folder_name = folder.display().to_string();
    home.command(&["report", &folder_name, "--publish"]).assert().success();
    home.command(&["report", &folder_name, "--publish"]).assert().success();
    let published = home.path("reports").join(folder.file_name().unwrap());
    let same = |name: &str| fs::read(published.join(name)).unwrap() == fs::read(folder.join(name)).unwrap();
    for name in ["run.json", "index.html", "fr.html", "claims.html", "claims.fr.html"] {
        assert!(same(name), "{name}");
    }
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    for (list, page) in [("index.html", "index.html"), ("fr.html", "fr.html")] {
        let html = fs::read_to_string(home.path("reports").join(list)).unwrap();
        assert!(html.contains(&format!("href=\"{name}/{page}\"")), "{list}");
    }

    // What the user paid is for the user's own page.
    fs::write(home.path("my-prices.toml"), "[my-machine]\nrent_usd_per_hour = 0.77\nas_of = \"2026\"\n")
        .unwrap();
    home.command(&["report", &folder_name]).assert().success();
    assert!(fs::read_to_string(folder.join("index.html")).unwrap().contains("$0.77"));
    home.command(&["report", &folder_name, "--publish"]).assert().success();
    assert!(!fs::read_to_string(published.join("index.html")).unwrap().contains("$0.77"));

    let other = fs::read_to_string(folder.join("run.json"))
        .unwrap()
        .replace("\"tool_version\": \"", "\"tool_version\": \"9");
    fs::write(folder.join("run.json"), claimbench::record::sealed(&other).unwrap()).unwrap();
    let output = home.command(&["report", &folder_name, "--publish"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("run files never change"));
}

#[test]
fn lists_and_claims_are_data_for_people_and_programs() {
    let home = Home::new();
    let output = home.command(&["list", "--json"]).output().unwrap();
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list["models"][0]["parameters"], 1_777_088_000_u64);
    let model = |id| list["models"].as_array().unwrap().iter().find(|model| model["id"] == id).unwrap();
    assert_eq!(model("mistral-7b-v0.3")["precisions"][0]["file_bytes"], 4_372_812_000_u64);
    assert_eq!(model("ministral-8b-2410")["licence_restricted"], true);
    let nemo = model("mistral-nemo-2407");
    assert_eq!((&nemo["runs"], &nemo["second_opinion"]), (&true.into(), &false.into()));
    assert_eq!(nemo["second_opinion_gaps"][0]["id"], "head-size");
    let output = home.command(&["claims", "--json"]).output().unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let claim = claims.as_array().unwrap().iter().find(|claim| claim["id"] == "deepseek-5-6m").unwrap();
    assert_eq!(
        (claim["outcome"].as_str(), claim["examination"].as_str()),
        (Some("upheld"), Some("recalculated"))
    );
    assert!(claim["steps"].as_str().unwrap().contains("5.576 M USD"));
    let output = home.command(&["claims", "deepseek-total-1-6b"]).output().unwrap();
    assert!(text(&output.stdout).contains("differs-from-its-source"));
    home.command(&["list"]).assert().success();
    home.command(&["claims"]).assert().success();
}

#[test]
fn cited_speeds_are_data_for_people_and_programs() {
    let home = Home::new();
    let output = home.command(&["claims", "--speeds", "--json"]).output().unwrap();
    let speeds: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let speed = |id| speeds.as_array().unwrap().iter().find(|speed| speed["id"] == id).unwrap();
    let seven = speed("gigagpu-r1-qwen-7b-fp8");
    assert_eq!((seven["verdict"].as_str(), &seven["not_judged"]), (Some("implausible"), &().into()));
    assert_eq!(seven["needed_bytes_per_second"], 874e9);
    assert_eq!(seven["card"]["bandwidth_bytes_per_second"], 448e9);
    let open = speed("gigagpu-mistral-7b-fp16");
    assert_eq!(
        (&open["not_judged"], &open["share"], &open["sequences"]),
        (&"sequences-not-stated".into(), &().into(), &().into())
    );
    let output = home.command(&["claims", "--speeds", "--lang", "fr"]).output().unwrap();
    let shown = text(&output.stdout);
    assert!(
        shown.contains("implausible: DeepSeek-R1-Distill-Qwen-7B écrit 115 tokens par seconde"),
        "{shown}"
    );
    assert!(shown.contains("needs 874 GB/s, 195 % of it"), "{shown}");
    let output = home.command(&["claims", "deepseek-5-6m", "--speeds"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn clean_removes_checkpoints_and_says_so_first_if_asked() {
    let home = Home::new();
    home.command(&tiny(&["--repetitions", "1"])).output().unwrap();
    let count = || fs::read_dir(home.path("cache/synthetic")).map_or(0, Iterator::count);
    assert_eq!(count(), 1);
    home.command(&["clean", "--dry-run"]).assert().success();
    assert_eq!(count(), 1);
    home.command(&["clean"]).assert().success();
    assert_eq!(count(), 0);
    home.command(&["clean"]).assert().success();
}

#[test]
fn an_unwritable_folder_is_named_with_the_remedy() {
    let home = Home::new();
    fs::write(home.path("file"), "").unwrap();
    let output = home.command(&tiny(&["--out", "file"])).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--out"), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_was_measured_and_ends_with_130() {
    let home = Home::new();
    let child = home.command(&tiny(&["--repetitions", "100000"])).stderr(Stdio::null()).spawn().unwrap();
    let runs = home.path("target/claimbench");
    wait_for(|| run_file(&runs).is_some_and(|run| run.cases[0].outcome.measurement().repetitions.len() >= 3));
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let run = home.run();
    let Outcome::Failed(failure, measurement) = &run.cases[0].outcome else {
        panic!("not marked as interrupted")
    };
    assert_eq!(failure.stage, Stage::Interrupted);
    assert!(measurement.repetitions.len() >= 3);
    assert!(home.run_folder().join("index.html").exists(), "the page of what was finished");
}

fn run_file(runs: &Path) -> Option<Run> {
    let folder = fs::read_dir(runs).ok()?.next()?.ok()?.path();
    claimbench::record::load(&folder).ok().filter(|run| !run.cases.is_empty())
}

fn wait_for(mut done: impl FnMut() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it did not come about within a minute");
}
