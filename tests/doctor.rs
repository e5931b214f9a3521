//! `claimbench doctor` as a user calls it, on machines made of files.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A user's folder with a `proc` and a `sys` of its own.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn with(files: &[(&str, &str)]) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            let path = machine.path("root").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn doctor(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_claimbench"));
        command
            .arg("doctor")
            .args(arguments)
            .arg("--root")
            .arg(self.path("root"))
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("CLAIMBENCH_CACHE", self.path("cache"))
            .env("HF_HOME", self.path("hub"))
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .env_remove("HF_TOKEN")
            .env_remove("HF_TOKEN_PATH")
            .stdin(Stdio::null());
        command
    }

    fn checks(&self) -> Value {
        let output = self.doctor(&["--json", "--offline"]).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["checks"].clone()
    }
}

fn check<'a>(checks: &'a Value, id: &str) -> &'a Value {
    checks.as_array().unwrap().iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no {id}"))
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn what_slows_or_limits_a_machine_is_found_in_its_files_with_a_remedy() {
    let machine = Machine::with(&[
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n"),
        ("sys/class/power_supply/BAT0/type", "Battery\n"),
        ("sys/class/power_supply/BAT0/status", "Discharging\n"),
        ("proc/loadavg", "900.00 1.00 1.00 3/113 3905\n"),
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/cpu.max", "10000 100000\n"),
        ("sys/fs/cgroup/memory.max", "1000000\n"),
        ("sys/class/powercap/intel-rapl:0/energy_uj", "1\n"),
    ]);
    let checks = machine.checks();
    for (id, status, finding) in [
        ("governor", "warning", "powersave"),
        ("power", "warning", "on battery"),
        ("load", "warning", "900.00 over the last minute"),
        ("cpu-limit", "warning", "allows 0.10 CPUs"),
        ("memory-limit", "ok", "allows 0.00 GB"),
        ("memory", "blocking", "the smallest default case needs"),
        ("rapl", "ok", "1 energy counter answers; this version does not read"),
        ("nvml", "ok", "no library was found"),
        ("cuda", "ok", "without CUDA"),
    ] {
        if id == "cuda" && cfg!(feature = "cuda") {
            continue;
        }
        let found = check(&checks, id);
        assert_eq!(found["status"], status, "{found}");
        assert!(found["finding"].as_str().unwrap().contains(finding), "{found}");
        let needs_remedy = status != "ok";
        assert!(!needs_remedy || !found["remedy"].as_str().unwrap().is_empty(), "{found}");
    }
}

#[test]
fn one_blocking_check_ends_with_1_and_warnings_end_with_0() {
    let machine = Machine::with(&[("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")]);
    let output = machine.doctor(&["--offline"]).output().unwrap();
    let shown = text(&output);
    // On a machine that really lacks memory or disk the memory check blocks too, and rightly so.
    let really_blocks = shown.lines().any(|line| line.starts_with("blocking"));
    assert_eq!(output.status.code(), Some(i32::from(really_blocks)), "{shown}");

    let tight = Machine::with(&[("sys/fs/cgroup/memory.max", "1000000\n")]);
    let output = tight.doctor(&["--offline"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.is_empty(), "what is found is data");
}

#[test]
fn lines_begin_with_their_status_remedies_follow_and_counts_come_last() {
    let machine = Machine::with(&[("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")]);
    let shown = text(&machine.doctor(&["--offline"]).output().unwrap());
    let lines: Vec<_> = shown.lines().collect();
    let at = lines.iter().position(|line| line.contains("governor:")).unwrap();
    assert!(lines[at].starts_with("warning   governor:"), "{shown}");
    assert!(
        lines[at + 1].trim_start().starts_with("to do: sudo cpupower frequency-set -g performance"),
        "{shown}"
    );
    let (counts, checks) = lines.split_last().unwrap();
    for status in ["ok", "warning", "blocking"] {
        let seen = checks.iter().filter(|line| line.split_whitespace().next() == Some(status)).count();
        assert!(counts.contains(&format!("{seen} {status}")), "{shown}");
    }
}

#[test]
fn a_cache_that_cannot_be_is_blocking_and_a_filled_one_is_counted() {
    let machine = Machine::with(&[]);
    fs::create_dir_all(machine.path("cache/synthetic")).unwrap();
    fs::write(machine.path("cache/synthetic/a.gguf"), vec![0; 20_000_000]).unwrap();
    let found = machine.checks();
    let cache = check(&found, "cache");
    assert_eq!(cache["finding"], "~/cache is writable and holds 1 synthetic checkpoint, 0.02 GB");
    assert_eq!(fs::read_dir(machine.path("cache")).unwrap().count(), 1, "trying leaves nothing behind");

    fs::write(machine.path("file"), "").unwrap();
    for (variable, part) in
        [("relative", "a relative path"), (machine.path("file/cache").to_str().unwrap(), "~/file/cache")]
    {
        let output = machine.doctor(&["--offline"]).env("CLAIMBENCH_CACHE", variable).output().unwrap();
        let shown = text(&output);
        assert_eq!(output.status.code(), Some(1), "{shown}");
        let line = shown.lines().find(|line| line.contains(" cache:")).unwrap();
        assert!(line.starts_with("blocking") && line.contains(part), "{shown}");
    }
}

#[test]
fn a_hub_out_of_reach_is_a_warning_and_offline_does_not_ask() {
    let machine = Machine::with(&[]);
    let shown = text(&machine.doctor(&[]).output().unwrap());
    let line = shown.lines().find(|line| line.contains("hub:")).unwrap();
    assert!(line.starts_with("warning") && line.contains("not reachable"), "{shown}");
    assert_eq!(check(&machine.checks(), "hub")["finding"], "not asked, as --offline says");
    let shown = text(&machine.doctor(&[]).env("HF_HUB_OFFLINE", "1").output().unwrap());
    assert!(shown.contains("not asked, as HF_HUB_OFFLINE says"), "{shown}");
}

#[test]
fn a_token_is_named_as_set_and_never_shown() {
    let machine = Machine::with(&[]);
    assert!(check(&machine.checks(), "token")["finding"].as_str().unwrap().contains("not set"));
    let secret = "hf_0123456789";
    let output = machine.doctor(&["--offline"]).env("HF_TOKEN", secret).output().unwrap();
    assert!(text(&output).contains("token file is set"));
    assert!(!text(&output).contains(secret));
    fs::create_dir_all(machine.path("hub")).unwrap();
    fs::write(machine.path("hub/token"), secret).unwrap();
    let checks = machine.checks();
    assert!(check(&checks, "token")["finding"].as_str().unwrap().contains("is set"));
    assert!(!checks.to_string().contains(secret));
}

#[test]
fn neither_host_nor_home_is_printed() {
    let machine = Machine::with(&[]);
    let shown = text(&machine.doctor(&["--offline"]).output().unwrap());
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    for secret in [host.trim().to_owned(), machine.folder.path().display().to_string()] {
        assert!(secret.len() < 3 || !shown.contains(&secret), "`{secret}` is in {shown}");
    }
}

#[test]
fn every_check_is_explained_in_the_methodology() {
    let methodology =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/METHODOLOGY.md")).unwrap();
    for check in Machine::with(&[]).checks().as_array().unwrap() {
        let id = check["id"].as_str().unwrap();
        assert!(methodology.contains(&format!("`{id}`")), "docs/METHODOLOGY.md does not explain {id}");
    }
}
