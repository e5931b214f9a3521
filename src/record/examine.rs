//! Holds a run file to its rules, one after the other. Whatever reads run files reads them here.

use std::collections::HashSet;

use super::rule::{RecordError, Rule};
use super::schema::{CaseFile, RunFile, SCHEMA_VERSION, VersionFile};
use super::{answers, digest, figures, gate, read};
use crate::measurement::{CaseRecord, Energy, Evidence, Flag, Run};
use crate::provenance::METHOD_VERSION;
use crate::units::index_as_u64;

/// What one rule says of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The file keeps it.
    Holds {
        /// How many things were looked at.
        checked: u64,
        /// Which, in words.
        what: String,
    },
    /// The rule is younger than the file's method; what it is about is shown as the file states it.
    Older {
        /// What stands unchecked, in words.
        what: String,
    },
    /// The file breaks it.
    Broken(RecordError),
}

/// A run file held to every rule that could be reached.
#[derive(Debug)]
pub struct Examination {
    method_version: Option<u32>,
    verdicts: Vec<(Rule, Verdict)>,
    run: Option<Run>,
}

impl Examination {
    /// The method that the file was measured by; `None` if it cannot be read.
    pub fn method_version(&self) -> Option<u32> {
        self.method_version
    }

    /// What each rule says, in the order in which they were applied. Rules that come after what cannot be read are left out.
    pub fn verdicts(&self) -> &[(Rule, Verdict)] {
        &self.verdicts
    }

    /// True if no rule is broken.
    pub fn passes(&self) -> bool {
        !self.verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Broken(_)))
    }

    /// The run, or the first rule that its file breaks.
    pub fn into_run(self) -> Result<Run, RecordError> {
        let broken = self.verdicts.into_iter().find_map(|(_, verdict)| match verdict {
            Verdict::Broken(error) => Some(error),
            _ => None,
        });
        match (broken, self.run) {
            (Some(error), _) => Err(error),
            (None, run) => Ok(run.expect("a file that breaks no rule was read to its end")),
        }
    }

    fn say(&mut self, rule: Rule, verdict: Result<(u64, String), RecordError>) {
        let verdict = match verdict {
            Ok((checked, what)) => Verdict::Holds { checked, what },
            Err(error) => Verdict::Broken(error),
        };
        self.verdicts.push((rule, verdict));
    }
}

type Check = fn(&RunFile, &Run) -> Result<(u64, String), RecordError>;

/// The rules on what was read. Each looks at the whole file, so that one which is broken hides no other.
const CHECKS: [(Rule, Check); 7] = [
    (Rule::Machine, machine),
    (Rule::Cases, cases),
    (Rule::Figures, figures_follow),
    (Rule::Totals, totals),
    (Rule::Flags, flags),
    (Rule::Gate, gates),
    (Rule::Answers, answers_fit),
];

/// Holds the text of a run file to every rule.
pub fn examine(text: &str) -> Examination {
    let mut examination = Examination { method_version: None, verdicts: Vec::new(), run: None };
    let file = match parsed(text) {
        Ok(file) => file,
        Err(error) => {
            examination.say(Rule::Format, Err(error));
            return examination;
        }
    };
    let method = file.provenance.method_version;
    examination.method_version = Some(method);
    examination.say(
        Rule::Format,
        Ok((1, format!("run format {SCHEMA_VERSION}, {} bytes, method {method}", text.len()))),
    );
    examination.verdicts.push((Rule::Digest, digest_verdict(text, &file)));
    match read::run(&file) {
        Ok(run) => {
            examination.say(Rule::Values, Ok(values(&run)));
            for (rule, check) in CHECKS {
                if method < rule.since_method() {
                    examination.verdicts.push((rule, Verdict::Older { what: as_stated(rule, &file) }));
                } else {
                    examination.say(rule, check(&file, &run));
                }
            }
            examination.run = Some(run);
        }
        Err(error) => examination.say(Rule::Values, Err(error)),
    }
    examination
}

/// The file by its schema, if it is one this version reads.
fn parsed(text: &str) -> Result<RunFile, RecordError> {
    if !text.trim_start().starts_with('{') {
        return Err(RecordError::format("it is no JSON object"));
    }
    let version: VersionFile = serde_json::from_str(text).map_err(RecordError::format)?;
    let found = version.schema.ok_or_else(|| RecordError::format("no `schema` number"))?;
    if found > SCHEMA_VERSION.into() {
        return Err(RecordError::Newer { found });
    }
    if found < SCHEMA_VERSION.into() {
        return Err(RecordError::format(format!("there never was a format {found}")));
    }
    let file: RunFile = serde_json::from_str(text).map_err(RecordError::format)?;
    match file.provenance.method_version {
        found if found > METHOD_VERSION => Err(RecordError::NewerMethod { found }),
        0 => Err(RecordError::format("there never was a method 0")),
        _ => Ok(file),
    }
}

fn digest_verdict(text: &str, file: &RunFile) -> Verdict {
    let method = file.provenance.method_version;
    match &file.content_sha256 {
        Some(stated) => match digest::check(text, stated) {
            Ok(()) => Verdict::Holds { checked: 1, what: "the content is as it was written".to_owned() },
            Err(error) => Verdict::Broken(error),
        },
        None if method < Rule::Digest.since_method() => {
            Verdict::Older { what: format!("a file of method {method} needs none") }
        }
        None => Verdict::Broken(RecordError::value(
            Rule::Digest,
            "content_sha256",
            format!(
                "it is missing, and files of method {method} have one; take the original, or measure again"
            ),
        )),
    }
}

/// What of an older file is taken at its word.
fn as_stated(rule: Rule, file: &RunFile) -> String {
    let what = match rule {
        Rule::Figures => {
            let count: u64 = file.cases.iter().map(|case| figures::count(case.figures.as_ref())).sum();
            format!("{} shown as stated", count_of(count, "figure"))
        }
        Rule::Flags => {
            let count = index_as_u64(file.cases.iter().map(|case| case.flags.len()).sum());
            format!("{} shown as stated", count_of(count, "flag"))
        }
        Rule::Totals => "energy and output tokens shown as stated".to_owned(),
        _ => "not compared with the rest of the file".to_owned(),
    };
    format!("method {}: schema only, {what}", file.provenance.method_version)
}

fn values(run: &Run) -> (u64, String) {
    let samples = || run.cases.iter().map(|record| record.outcome.measurement());
    let loads = index_as_u64(samples().map(|samples| samples.loads.len()).sum());
    let repetitions = index_as_u64(samples().map(|samples| samples.repetitions.len()).sum());
    let what = format!(
        "{}, {} and {} hold amounts that can be",
        count_of(index_as_u64(run.cases.len()), "case"),
        count_of(loads, "load"),
        count_of(repetitions, "repetition")
    );
    (loads + repetitions, what)
}

fn machine(file: &RunFile, run: &Run) -> Result<(u64, String), RecordError> {
    let id = run.machine.id().to_string();
    if id != file.machine.machine_id {
        let problem = format!("does not follow from the machine's inventory, which gives {id}");
        return Err(RecordError::value(Rule::Machine, "machine.machine_id", problem));
    }
    Ok((1, format!("the inventory gives {id}")))
}

fn cases(file: &RunFile, run: &Run) -> Result<(u64, String), RecordError> {
    let mut rows = HashSet::new();
    each(file, run, Rule::Cases, |file, record| {
        let (id, parameters) = (record.id(), record.case.model.shape.parameters());
        if id.to_string() != file.case_id {
            return Err(("case_id", format!("does not follow from model, precision and workload: {id}")));
        }
        if parameters != file.model.parameters {
            return Err(("model.parameters", format!("the shape has {parameters}")));
        }
        if !rows.insert(record.row_id()) {
            return Err(("engine", format!("a second row of this case by {}", record.engine.id)));
        }
        Ok(1)
    })
    .map(|count| (count, format!("{} and parameter counts follow", count_of(count, "name"))))
}

fn figures_follow(file: &RunFile, run: &Run) -> Result<(u64, String), RecordError> {
    let count = each(file, run, Rule::Figures, |file, record| {
        match figures::disagreement(file.figures.as_ref(), record.figures.as_ref()) {
            Some(problem) => Err((
                "figures",
                format!("do not follow from the samples; one of the two was changed: {problem}"),
            )),
            None => Ok(figures::count(file.figures.as_ref())),
        }
    })?;
    let with = || run.cases.iter().filter(|record| record.figures.is_some());
    let repetitions: usize = with().map(|record| record.outcome.measurement().measured().count()).sum();
    let what = format!(
        "{} of {} derived again from {}",
        count_of(count, "figure"),
        count_of(index_as_u64(with().count()), "case"),
        count_of(index_as_u64(repetitions), "measured repetition")
    );
    Ok((count, what))
}

fn totals(file: &RunFile, run: &Run) -> Result<(u64, String), RecordError> {
    let count = each(file, run, Rule::Totals, |_, record| {
        let mut checked = 0;
        let measured = || record.outcome.measurement().measured();
        if let Energy::Measured { joules, .. } = &record.energy {
            let sum = measured().try_fold(0.0, |sum, r| r.energy.map(|energy| sum + energy.value()));
            let sum = sum.ok_or_else(|| ("energy", "a repetition without one is in the sum".to_owned()))?;
            if (sum - joules.value()).abs() > 1e-9 * sum.max(joules.value()) {
                return Err(("energy", format!("{joules} is stated, and the repetitions sum up to {sum} J")));
            }
            checked += 1;
        }
        let stated = record.observed.as_ref().map(|observed| observed.output_tokens);
        let derived = measured().next().map(|repetition| repetition.output_tokens);
        if let Some(stated) = stated {
            if stated != derived {
                return Err(("observed.output_tokens", "is not that of the repetitions".to_owned()));
            }
            checked += 1;
        }
        Ok(checked)
    })?;
    Ok((count, format!("{} of energy and output tokens derived again", count_of(count, "total"))))
}

fn flags(file: &RunFile, run: &Run) -> Result<(u64, String), RecordError> {
    let count = each(file, run, Rule::Flags, |_, record| {
        let raised = Flag::raised(&Evidence::of(record, run));
        if raised != record.flags {
            let names = raised.iter().map(|flag| flag.id()).collect::<Vec<_>>().join(", ");
            let problem = format!(
                "do not follow from the machine, the build, the weights and the samples, which give: {names}"
            );
            return Err(("flags", problem));
        }
        Ok(index_as_u64(raised.len()))
    })?;
    Ok((count, format!("{} derived again", count_of(count, "flag"))))
}

fn gates(file: &RunFile, run: &Run) -> Result<(u64, String), RecordError> {
    let count = each(file, run, Rule::Gate, |_, record| {
        match gate::contradiction(&record.outcome, run.provenance.method_version) {
            Some(problem) => Err(("gate", problem.to_owned())),
            None => Ok(u64::from(record.outcome.measurement().gate.is_some())),
        }
    })?;
    Ok((count, format!("{} held against numbers and outcome", count_of(count, "gate"))))
}

fn answers_fit(file: &RunFile, run: &Run) -> Result<(u64, String), RecordError> {
    let count = each(file, run, Rule::Answers, |_, record| {
        let measurement = record.outcome.measurement();
        match answers::contradiction(measurement, record.observed.as_ref()) {
            Some(problem) => Err(("answers", problem.to_owned())),
            None => Ok(index_as_u64(measurement.answers.len())),
        }
    })?;
    Ok((count, format!("{} held against weights and samples", count_of(count, "answer"))))
}

/// Looks at every case, and sums up how many things were looked at.
fn each(
    file: &RunFile,
    run: &Run,
    rule: Rule,
    mut look: impl FnMut(&CaseFile, &CaseRecord) -> Result<u64, (&'static str, String)>,
) -> Result<u64, RecordError> {
    file.cases.iter().zip(&run.cases).try_fold(0, |sum, (file, record)| {
        let count = look(file, record).map_err(|(key, problem)| {
            RecordError::value(rule, format!("case {}: {key}", file.case_id), problem)
        })?;
        Ok(sum + count)
    })
}

fn count_of(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
