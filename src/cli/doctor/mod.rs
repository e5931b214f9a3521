//! `claimbench doctor`: what a run would find on this machine, and what to do about it.

mod checks;
mod facts;
mod surroundings;

use serde_json::json;

use super::arguments::DoctorArgs;
use super::{Status, Terminal, terminal};
use checks::{Check, CheckStatus, examine};
use facts::Facts;

pub(super) fn execute(args: &DoctorArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let checks = examine(&Facts::read(&args.root, args.offline)?);
    if args.json.json {
        terminal.data(&serde_json::to_string_pretty(&document(&checks))?)?;
    } else {
        let width = checks.iter().map(|check| check.id.len()).max().unwrap_or_default();
        for check in &checks {
            terminal.data(&line(check, width))?;
        }
        terminal.data(&counts(&checks))?;
    }
    let blocks = checks.iter().any(|check| check.status == CheckStatus::Blocking);
    Ok(if blocks { Status::Blocked } else { Status::Good })
}

/// One or two lines: what was seen, and the remedy below it.
fn line(check: &Check, width: usize) -> String {
    let indent = CheckStatus::ALL.map(|status| status.id().len()).into_iter().max().unwrap_or_default() + 2;
    let style = match check.status {
        CheckStatus::Ok => terminal::GOOD,
        CheckStatus::Warning => terminal::DOUBTFUL,
        CheckStatus::Blocking => terminal::BAD,
    };
    let word = format!("{style}{:<indent$}{style:#}", check.status.id());
    let name = format!("{}:", check.id);
    let finding = format!("{word}{name:<column$} {}", check.finding, column = width + 1);
    match &check.remedy {
        None => finding,
        Some(remedy) => format!("{finding}\n{:>at$}to do: {remedy}", "", at = indent + width + 2),
    }
}

fn counts(checks: &[Check]) -> String {
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    CheckStatus::ALL.map(|status| format!("{} {}", count(status), status.id())).join(", ")
}

fn document(checks: &[Check]) -> serde_json::Value {
    let worst = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
    let rows: Vec<_> = checks
        .iter()
        .map(|check| {
            json!({
                "id": check.id,
                "status": check.status.id(),
                "finding": check.finding,
                "remedy": check.remedy,
            })
        })
        .collect();
    json!({ "worst": worst.id(), "checks": rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned_and_a_remedy_stands_below_its_finding() {
        let plain = |check: &Check| anstream::adapter::strip_str(&line(check, 8)).to_string();
        let ok = plain(&Check::ok("cpu", "fast"));
        let warning = plain(&Check::warning("governor", "powersave", "cpupower"));
        assert_eq!(ok, "ok        cpu:      fast");
        assert_eq!(warning, "warning   governor: powersave\n                    to do: cpupower");
        let checks = [Check::ok("a", ""), Check::blocking("b", "", ""), Check::ok("c", "")];
        assert_eq!(counts(&checks), "2 ok, 0 warning, 1 blocking");
        assert_eq!(document(&checks)["worst"], "blocking");
    }
}
