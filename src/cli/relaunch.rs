//! Starting this program anew for the next process start of a run.

#![expect(clippy::disallowed_methods, reason = "starts this program again")]

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::arguments::RunArgs;
use super::{Status, Terminal};
use crate::model::LocalModel;
use crate::units::Seconds;

/// What the next process start is called with: the run to take up, and what of this call is still wanted.
pub(super) fn arguments(
    args: &RunArgs,
    local: &[LocalModel],
    folder: &Path,
    budget_left: Option<Seconds>,
    announced: Seconds,
) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["run".into(), "--resume".into(), folder.into()];
    let mut option = |name: &str, value: String| words.extend([name.into(), value.into()]);
    option("--announced", announced.value().to_string());
    if let Some(left) = budget_left {
        // At least a second: what does not fit any more is left as it is.
        option("--budget", format!("{}ms", (left.value().max(1.0) * 1e3).round()));
    }
    let amounts = [
        ("--rent", args.price.rent),
        ("--purchase", args.price.purchase),
        ("--life-years", args.price.life_years),
    ];
    for (name, amount) in amounts {
        if let Some(amount) = amount {
            option(name, amount.to_string());
        }
    }
    for model in local {
        words.extend(["--model".into(), model.path.clone().into()]);
    }
    if args.json.json {
        words.push("--json".into());
    }
    words
}

/// Ends this process and starts the program anew with `words`, after the options that stand before the command. Returns only
/// where that fails, or on systems without `exec`, where the new process is waited for.
pub(super) fn relaunch(words: &[OsString], terminal: &Terminal) -> anyhow::Result<Status> {
    let program = std::env::current_exe().context("the next process start cannot find this program")?;
    let mut command = Command::new(program);
    if terminal.is_quiet() {
        command.arg("--quiet");
    }
    match anstream::ColorChoice::global() {
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => command.arg("--color=always"),
        anstream::ColorChoice::Never => command.arg("--color=never"),
        anstream::ColorChoice::Auto => &mut command,
    };
    command.args(words);
    start(command)
}

/// The new program takes the place of this one: the same process, so that whoever stops or waits for it still does.
#[cfg(unix)]
fn start(mut command: Command) -> anyhow::Result<Status> {
    use std::os::unix::process::CommandExt;

    Err(anyhow::Error::new(command.exec()).context("the next process start cannot begin"))
}

#[cfg(not(unix))]
fn start(mut command: Command) -> anyhow::Result<Status> {
    let status = command.status().context("the next process start cannot begin")?;
    Ok(match status.code() {
        Some(0) => Status::Good,
        Some(3) => Status::Untrustworthy,
        Some(130) | None => Status::Interrupted,
        Some(_) => Status::CaseFailed,
    })
}
