//! `claimbench check`: holds run files to every rule, and says of each what was looked at.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::arguments::CheckArgs;
use super::{Status, Terminal, run_files, terminal};
use crate::record::{self, Examination, Rule, Verdict};
use crate::text::printable;

/// One file that was asked for, and what came of it.
struct Checked {
    /// As it was asked for, or as it was found below the folder that was.
    path: PathBuf,
    /// Or why the file cannot be read at all.
    examined: Result<Examination, String>,
}

impl Checked {
    fn passes(&self) -> bool {
        self.examined.as_ref().is_ok_and(Examination::passes)
    }
}

pub(super) fn execute(args: &CheckArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let mut files = Vec::new();
    for asked in &args.runs {
        for path in named(asked) {
            let checked = path.map_or_else(|fault| fault, |path| check(&path));
            if !args.json.json {
                terminal.data(&lines(&checked))?;
            }
            // What a file holds is not kept: there may be many.
            files.push((checked.passes(), args.json.json.then(|| entry(&checked))));
        }
    }
    let passed = files.iter().filter(|(passes, _)| *passes).count();
    let failed = files.len() - passed;
    if args.json.json {
        let entries: Vec<_> = files.into_iter().filter_map(|(_, entry)| entry).collect();
        let document = json!({ "passed": passed, "failed": failed, "files": entries });
        terminal.data(&serde_json::to_string_pretty(&document)?)?;
    } else {
        terminal.data(&format!("{passed} passed, {failed} failed"))?;
    }
    Ok(if failed == 0 { Status::Good } else { Status::Refused })
}

/// The run files that an argument names: a file, the one in a folder, or all below a folder of such folders.
fn named(asked: &Path) -> Vec<Result<PathBuf, Checked>> {
    if !asked.is_dir() || asked.join("run.json").exists() {
        return vec![Ok(asked.to_owned())];
    }
    let fault = |problem| vec![Err(Checked { path: asked.to_owned(), examined: Err(problem) })];
    match run_files::below(asked) {
        Ok(found) if found.is_empty() => {
            let problem =
                "there is no run.json in this folder or below; give the folder of a run, or one with runs";
            fault(problem.to_owned())
        }
        Ok(found) => found.into_iter().map(Ok).collect(),
        Err(error) => fault(format!("{error:#}")),
    }
}

fn check(path: &Path) -> Checked {
    match record::read_text(path) {
        Ok((path, text)) => Checked { path, examined: Ok(record::examine(&text)) },
        Err(error) => Checked { path: path.to_owned(), examined: Err(error.to_string()) },
    }
}

/// Whether the file passes, and one line per rule below it.
fn lines(checked: &Checked) -> String {
    let (style, word) = if checked.passes() { (terminal::GOOD, "passes") } else { (terminal::BAD, "fails") };
    let head = format!("{}: {style}{word}{style:#}", printable(&checked.path.display().to_string()));
    match &checked.examined {
        Ok(examination) => {
            let rules = examination.verdicts().iter().map(|(rule, verdict)| line(*rule, verdict));
            std::iter::once(head).chain(rules).collect::<Vec<_>>().join("\n")
        }
        Err(problem) => format!("{head}\n  {problem}"),
    }
}

fn line(rule: Rule, verdict: &Verdict) -> String {
    let style = match verdict {
        Verdict::Holds { .. } => terminal::GOOD,
        Verdict::Older { .. } => terminal::DOUBTFUL,
        Verdict::Broken(_) => terminal::BAD,
    };
    let width = Rule::ALL.map(|rule| rule.id().len()).into_iter().max().unwrap_or_default();
    format!("  {:<width$}  {style}{:<6}{style:#}  {}", rule.id(), word(verdict), detail(verdict))
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Holds { .. } => "holds",
        Verdict::Older { .. } => "older",
        Verdict::Broken(_) => "broken",
    }
}

fn detail(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Holds { what, .. } | Verdict::Older { what } => what.clone(),
        Verdict::Broken(error) => error.to_string(),
    }
}

/// The same for programs.
fn entry(checked: &Checked) -> serde_json::Value {
    let rule = |(rule, verdict): &(Rule, Verdict)| {
        let count = match verdict {
            Verdict::Holds { checked, .. } => Some(*checked),
            Verdict::Older { .. } | Verdict::Broken(_) => None,
        };
        json!({ "rule": rule.id(), "result": word(verdict), "checked": count, "detail": detail(verdict) })
    };
    let (method, rules, problem) = match &checked.examined {
        Ok(examination) => {
            let rules = examination.verdicts().iter().map(rule).collect();
            (examination.method_version(), rules, None)
        }
        Err(problem) => (None, Vec::new(), Some(problem)),
    };
    json!({
        "file": checked.path.display().to_string(),
        "passes": checked.passes(),
        "method_version": method,
        "rules": rules,
        "unreadable": problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::example_run;
    use crate::record::{sealed, to_json};

    fn of(text: &str) -> Checked {
        Checked { path: "a\u{1b}b/run.json".into(), examined: Ok(record::examine(text)) }
    }

    #[test]
    fn the_lines_of_a_good_and_of_a_changed_file() {
        let plain = |text: &str| anstream::adapter::strip_str(&lines(&of(text))).to_string();
        let good = to_json(&example_run());
        let said = plain(&good);
        assert!(said.starts_with("a\u{fffd}b/run.json: passes\n  format   holds   run format 1, "), "{said}");
        assert_eq!(said.lines().count(), Rule::ALL.len() + 1);
        let changed = sealed(&good.replacen("\"case_id\": \"", "\"case_id\": \"x", 1)).unwrap();
        let said = plain(&changed);
        assert!(said.starts_with("a\u{fffd}b/run.json: fails\n"), "{said}");
        assert!(said.contains("\n  cases    broken  case xr1-distill-qwen-1.5b/"), "{said}");
        assert_eq!(said.matches("broken").count(), 1, "{said}");
    }

    #[test]
    fn programs_get_the_rule_that_broke_and_why() {
        let entry = entry(&of("{"));
        assert_eq!(entry["passes"], false);
        assert_eq!(
            (&entry["rules"][0]["rule"], &entry["rules"][0]["result"]),
            (&"format".into(), &"broken".into())
        );
        assert!(entry["rules"][0]["detail"].as_str().unwrap().starts_with("not a run file"));
        assert_eq!(entry["rules"].as_array().unwrap().len(), 1);
    }
}
