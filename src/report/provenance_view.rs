//! The footer: everything needed to trace and repeat the run.

use super::words::Words;
use super::{case_view, roofline_view};
use crate::hardware::{Environment, Machine};
use crate::measurement::{GATED_SINCE_METHOD, Order, Run};
use crate::model::Weights;

/// One line of the footer.
#[derive(Debug)]
pub(crate) struct Fact {
    /// What it is.
    pub(crate) term: &'static str,
    /// Its values, one per line; several where cases differ.
    pub(crate) values: Vec<String>,
    /// True for what a machine reads: digests, commands, ids.
    pub(crate) code: bool,
    /// Its place on the page, for links.
    pub(crate) id: Option<&'static str>,
    /// Where in the repository the rules behind it stand.
    pub(crate) see: Option<&'static str>,
}

impl Fact {
    /// One value in words.
    pub(crate) fn plain(term: &'static str, value: String) -> Self {
        Self::lines(term, vec![value])
    }

    /// Several values, or none.
    pub(crate) fn lines(term: &'static str, values: Vec<String>) -> Self {
        Self { term, values, code: false, id: None, see: None }
    }

    /// One value for machines.
    fn code(term: &'static str, value: String) -> Self {
        Self { code: true, ..Self::plain(term, value) }
    }
}

/// The footer's facts, in order.
pub(crate) fn facts(words: &Words, run: &Run) -> Vec<Fact> {
    let (w, p) = (&words.provenance, &run.provenance);
    let (plain, code) = (Fact::plain, Fact::code);
    let each = |term, code, values: Vec<String>| Fact { code, ..Fact::lines(term, distinct(values)) };
    let observed = || run.cases.iter().filter_map(|record| Some((record, record.observed.as_ref()?)));
    let order = match run.order {
        Order::Sequential => w.sequential.to_owned(),
        Order::Interleaved { seed } => (w.interleaved)(&seed.to_string()),
    };
    let features = if p.features.is_empty() { w.no_features.to_owned() } else { p.features.join(", ") };
    let checked = p.method_version >= GATED_SINCE_METHOD;
    let mut facts = vec![
        code(w.run, run.id.to_string()),
        each(
            w.resumed,
            false,
            run.resumed_unix_seconds.iter().map(|at| words.numerals.date_time(*at)).collect(),
        ),
        plain(w.tool, (w.tool_text)(&p.tool_version, &p.profile)),
        p.git_revision
            .clone()
            .map_or_else(|| plain(w.revision, w.no_revision.to_owned()), |git| code(w.revision, git)),
        plain(w.features, features),
        plain(w.method, (w.method_text)(&p.method_version.to_string())),
        each(w.check, false, checked.then(|| w.check_text.to_owned()).into_iter().collect()),
        each(
            w.model,
            false,
            run.cases.iter().map(|r| format!("{} {}", r.case.model.name, r.case.precision.label())).collect(),
        ),
        each(w.weights, false, observed().map(|(_, seen)| weights(words, &seen.file.weights)).collect()),
        each(w.file, true, observed().map(|(_, seen)| seen.file.sha256.clone()).collect()),
        each(w.size, false, observed().map(|(_, seen)| words.numerals.quantity(seen.file.bytes)).collect()),
        plain(w.machine, machine(words, run)),
    ];
    facts.extend(roofline_view::hardware(words, &run.machine));
    facts.push(code(w.machine_id, run.machine.id().to_string()));
    facts.extend(state(words, run));
    facts.extend(roofline_view::facts(words, run.ceilings.as_ref()));
    facts.extend([
        plain(w.order, order),
        roofline_view::statistics(words),
        code(w.reproduce, p.command.clone()),
        plain(w.licence, w.licence_text.to_owned()),
    ]);
    facts.into_iter().filter(|fact| !fact.values.is_empty()).collect()
}

/// What may change on the same machine, and what computed.
fn state(words: &Words, run: &Run) -> Vec<Fact> {
    let w = &words.provenance;
    let each = |term, values: Vec<String>| Fact::lines(term, distinct(values));
    let observed = run.cases.iter().filter_map(|record| record.observed.as_ref());
    vec![
        Fact::plain(w.instructions, or_unknown(words, &run.environment.cpu_features.join(", "))),
        Fact::plain(w.environment, environment(words, &run.environment)),
        each(w.device, observed.map(|seen| case_view::device(words, &seen.device)).collect()),
        each(
            w.engine,
            run.cases
                .iter()
                .map(|r| format!("{} {}, {}", r.engine.id, r.engine.version, (w.boundary)(r.engine.boundary)))
                .collect(),
        ),
    ]
}

/// Each value once, in the order it came.
fn distinct(values: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

fn weights(words: &Words, weights: &Weights) -> String {
    match weights {
        Weights::Hub { repo, commit } => (words.provenance.hub)(repo, commit),
        Weights::Local { name } => (words.provenance.local)(name),
        Weights::Synthetic { seed } => (words.provenance.synthetic)(&seed.to_string()),
    }
}

fn machine(words: &Words, run: &Run) -> String {
    let summary = summary(words, &run.machine);
    match run.environment.virtual_machine {
        Some(true) => format!("{summary}, {}", words.provenance.virtual_machine),
        _ => summary,
    }
}

/// The machine in a line: what its user calls it, processor or card, processors, class of memory.
pub(crate) fn summary(words: &Words, machine: &Machine) -> String {
    let (w, n) = (&words.provenance, &words.numerals);
    let memory = machine.memory_class.map_or_else(|| w.unknown_memory.to_owned(), |class| n.binary(class));
    let host = format!("{}, {}, {memory}", machine.cpu, (w.processors)(machine.logical_cpus));
    let cards: Vec<&str> = machine.gpus.iter().map(|gpu| gpu.name.as_str()).collect();
    let line = if cards.is_empty() { host } else { (w.cards_in)(&cards.join(" + "), &host) };
    machine.label.as_ref().map_or(line.clone(), |label| format!("{label}{}{line}", n.colon))
}

fn environment(words: &Words, environment: &Environment) -> String {
    let w = &words.provenance;
    let quota = environment.cpu_quota_milli.map(|milli| {
        let processors = crate::units::count_as_f64(milli) / 1_000.0;
        (w.quota)(&words.numerals.fixed(processors, usize::from(processors.fract() > 0.0)))
    });
    let known = [
        environment.os.clone(),
        environment.kernel.clone(),
        environment.cpu_governor.as_deref().map(|name| (w.governor)(name)),
        quota,
        environment.gpu_driver.as_deref().map(|version| (w.driver)(version)),
    ];
    or_unknown(words, &known.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn or_unknown(words: &Words, text: &str) -> String {
    if text.is_empty() { words.provenance.unknown.to_owned() } else { text.to_owned() }
}
