//! What a run will do, and what it did, in a few lines.

use super::Row;
use crate::language::Language;
use crate::measurement::{
    Answer, Beside, CaseRecord, Compared, Energy, Gate, NoAnswer, NoRatio, Noise, Outcome, Roofline, Run,
};
use crate::stats::{CONFIDENCE, Estimate};
use crate::units::{Quantity, Seconds};
use crate::workload::{CaseForecast, total_forecast};

/// What will run and how long it should take; printed before anything is measured. A row without a forecast is one that
/// its engine cannot run.
pub fn announcement(
    rows: &[Row],
    forecasts: &[Option<CaseForecast>],
    budget: Option<Seconds>,
    device: &str,
    starts: u64,
) -> String {
    let known: Vec<CaseForecast> = forecasts.iter().copied().flatten().collect();
    let (count, total) = (known.len(), total_forecast(&known));
    let bound = match budget {
        Some(budget) if budget < total => format!(", bounded to {} by the budget", rough(budget)),
        _ => String::new(),
    };
    let mut lines = vec![format!(
        "{count} case{} on {device}{}, about {}{bound} (a rough forecast from shapes and cores):",
        if count == 1 { "" } else { "s" },
        if starts > 1 { format!(" in {starts} process starts") } else { String::new() },
        rough(total)
    )];
    lines.extend(rows.iter().zip(forecasts).map(|(row, forecast)| {
        let w = &row.case.workload;
        let Some(forecast) = forecast else { return format!("  {}: will be skipped", row.id()) };
        format!(
            "  {}: prompt {}, output {}, batch {}{}, {} warm-up in each start + {} measured, about {}",
            row.id(),
            w.prompt_tokens,
            w.output_tokens,
            w.batch,
            if w.context_depth > 0 { format!(", depth {}", w.context_depth) } else { String::new() },
            w.warm_up,
            if w.most_repetitions > w.repetitions {
                format!("{} to {}", w.repetitions, w.most_repetitions)
            } else {
                w.repetitions.to_string()
            },
            rough(forecast.case)
        )
    }));
    lines.join("\n")
}

/// How right the announcement was.
pub(super) fn announced_and_taken(announced: Seconds, taken: Seconds) -> String {
    let error = (taken.value() / announced.value() - 1.0) * 100.0;
    let direction = if error < 0.0 { "less" } else { "more" };
    format!(
        "measuring took {}, announced were about {}: {:.0} % {direction}",
        rough(taken),
        rough(announced),
        error.abs()
    )
}

/// A time for people: "8 s", "2 min".
pub(super) fn rough(time: Seconds) -> String {
    let seconds = time.value();
    if seconds < 1.0 {
        "1 s".to_owned()
    } else if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

/// What the comparison with the plain computation gave: `gate: within 1.2 % of the plain computation (limit 9.1 %)`.
pub fn gate_line(gate: Option<&Gate>) -> String {
    match gate {
        Some(Gate::Passed(compared)) => format!("gate: {}", compared.sentence()),
        Some(Gate::Failed(fault)) => format!("gate: failed: {}", fault.reason()),
        Some(Gate::NotComputed(reason)) => format!("gate: not checked: {}", reason.reason()),
        None => "gate: not checked: measured before there was one".to_owned(),
    }
}

/// What a model wrote to one prompt: how long a reader waits, how much came, and how it begins.
pub(super) fn answer_line(answer: &Answer) -> String {
    let end = answer.end.id();
    let (thinking, text) = (answer.thinking_tokens.count(), answer.text_tokens.count());
    let tokens = match &answer.thinking {
        Some(_) => format!("{thinking} tokens of thinking, {text} of the answer"),
        None => format!("{text} tokens"),
    };
    let first = answer.first_token.value();
    let answered = match answer.first_answer_token {
        Ok(time) => format!("answer after {:.2} s: \"{}\"", time.value(), beginning(&answer.text)),
        Err(NoAnswer::Thinking) => "no answer: still thinking at the end".to_owned(),
        Err(NoAnswer::Empty) => "no answer: nothing visible came".to_owned(),
    };
    format!("{}: {tokens} ({end}), first token after {first:.2} s, {answered}", answer.prompt)
}

/// The first words of a text, on one line.
fn beginning(text: &str) -> String {
    const MOST: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// Some lines per case, one per flag and one per answer, or one line for a case that failed before anything was measured; then
/// one per case that two engines measured.
pub fn summary(run: &Run) -> String {
    let cases = run.cases.iter().map(|record| case_summary(record, run));
    let pairs = Beside::all(run);
    cases.chain(pairs.iter().map(beside_line)).collect::<Vec<_>>().join("\n")
}

fn case_summary(record: &CaseRecord, run: &Run) -> String {
    let head = match &record.outcome {
        Outcome::Measured(_) => record.row_id().to_string(),
        Outcome::Failed(failure, _) => {
            format!("{}: {}: {}", record.row_id(), failure.stage.id(), failure.reason)
        }
        Outcome::Skipped(skip) => format!("{}: skipped: {}", record.row_id(), skip.reason()),
    };
    let Some(figures) = &record.figures else { return head };
    let weights = match &record.observed {
        Some(observed) if observed.file.weights.is_synthetic() => {
            " (synthetic weights: speed and memory only)"
        }
        _ => "",
    };
    let memory =
        figures.peak_memory.as_ref().map_or("unknown here".to_owned(), |bytes| scaled(bytes, 1e9, 2, "GB"));
    let measurement = record.outcome.measurement();
    let mut lines = vec![
        format!("{head}{weights}"),
        format!("  {}", gate_line(record.outcome.measurement().gate.as_ref())),
        format!(
            "  machine-hours per million output tokens, batch {}: {}",
            record.case.workload.batch,
            scaled(&figures.machine_hours_per_mtok_output, 1.0, 2, "h")
        ),
        format!(
            "  decode {}, prefill {}",
            shown(&figures.decode_tokens_per_second, 2),
            shown(&figures.prefill_tokens_per_second, 2)
        ),
        format!("  time to first token {}", scaled(&figures.time_to_first_token, 1e-3, 0, "ms")),
        format!("  load {}, peak memory {memory}", shown(&figures.load, 2)),
        format!("  energy {}", energy(&record.energy)),
    ];
    lines.extend(figures.noise.as_ref().map(|noise| format!("  {}", noise_line(noise))));
    lines.push(format!("  {}", roofline_line(&Roofline::new(&record.case, figures, run.ceilings.as_ref()))));
    lines.extend(record.flags.iter().map(|flag| {
        format!("  {}: {}: {}", flag.severity().id(), flag.id(), flag.advice(Language::English))
    }));
    lines.extend(measurement.answers.iter().map(|answer| format!("  {}", answer_line(answer))));
    let left_out = measurement.unanswered.as_ref();
    lines.extend(left_out.map(|why| format!("  answers left out: {}", why.reason())));
    lines.join("\n")
}

/// `case: claimbench over candle-transformers: decode 1.71 [1.65 - 1.78, 95 %], prefill 2.10 [2.02 - 2.19, 95 %], ..`. Why there
/// is no interval is said once, at the end.
fn beside_line(pair: &Beside<'_>) -> String {
    let ratios = [
        ("decode", pair.decode()),
        ("prefill", pair.prefill()),
        ("load", pair.load()),
        ("peak memory", pair.memory()),
    ];
    let times = |compared: &Result<Compared, NoRatio>| match compared {
        Err(why) => why.to_string(),
        Ok(Compared { ratio, interval: Ok([low, high]) }) => {
            let coverage = CONFIDENCE * 100.0;
            format!("{:.2} [{:.2} - {:.2}, {coverage:.0} %]", ratio.value(), low.value(), high.value())
        }
        Ok(Compared { ratio, interval: Err(_) }) => format!("{:.2} [no interval]", ratio.value()),
    };
    let told: Vec<String> = ratios.iter().map(|(name, ratio)| format!("{name} {}", times(ratio))).collect();
    let why = ratios.iter().find_map(|(_, ratio)| ratio.ok()?.interval.err());
    let why = why.map_or_else(String::new, |why| format!("; no interval: {why}"));
    let (own, other) = (&pair.own.engine.id, &pair.other.engine.id);
    format!("{}: {own} over {other}: {}{why}", pair.own.id(), told.join(", "))
}

fn shown<Q: Quantity>(estimate: &Estimate<Q>, decimals: usize) -> String {
    scaled(estimate, 1.0, decimals, Q::UNIT)
}

fn scaled<Q: Quantity>(estimate: &Estimate<Q>, divisor: f64, decimals: usize, unit: &str) -> String {
    let number = |q: Q| format!("{:.decimals$}", q.value() / divisor);
    let range = match estimate.interval() {
        Ok(interval) => {
            let (low, high) = (number(interval.low()), number(interval.high()));
            format!(" [{low} - {high}, {:.1} %]", interval.coverage() * 100.0)
        }
        Err(reason) => format!(" [no interval: {reason}]"),
    };
    format!("{} {unit}{range}", number(estimate.value()))
}

/// How much repetitions and process starts differ, and what could have been seen in spite of it.
fn noise_line(noise: &Noise) -> String {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let between = match noise.between_starts {
        Some(spread) => format!(
            "the medians of {} process starts have a standard deviation of {}",
            noise.process_starts,
            percent(spread.value())
        ),
        None => "one process start".to_owned(),
    };
    let smallest = match noise.smallest_difference {
        Some(smallest) if smallest.is_lower_bound() => format!(
            "a slowdown in decode below {} could not have been seen, nor perhaps larger ones",
            percent(smallest.slowdown().value())
        ),
        Some(smallest) => format!(
            "a comparison would have found a slowdown in decode of {} with 90 % power",
            percent(smallest.slowdown().value())
        ),
        None => "too few repetitions to say what a comparison could see".to_owned(),
    };
    let outliers = match noise.outliers.total() {
        0 => String::new(),
        1 => "; 1 outlier, kept".to_owned(),
        count => format!("; {count} outliers, kept"),
    };
    format!("{between}; {smallest}{outliers}")
}

/// How near decode and prefill came to what the device can do.
fn roofline_line(roofline: &Roofline) -> String {
    let bandwidth = match roofline.mbu {
        Ok(mbu) => format!("{} of the memory's read bandwidth", scaled(&mbu, 0.01, 0, "%")),
        Err(reason) => return format!("no place under a roofline: {}", reason.reason()),
    };
    match roofline.mfu {
        Ok(used) => format!(
            "decode used {bandwidth}, prefill {} of the matrix rate ({})",
            scaled(&used.ratio, 0.01, 0, "%"),
            used.ceiling.precision.id()
        ),
        Err(reason) => format!("decode used {bandwidth}, prefill unknown: {}", reason.reason()),
    }
}

fn energy(energy: &Energy) -> String {
    match energy {
        Energy::Measured { joules, scope, meter, .. } => format!("{joules:.1} by {meter} ({})", scope.id()),
        Energy::Estimated { power, scope, .. } => {
            format!(
                "estimated: {:.1} - {:.1} W while busy ({}); not measured",
                power.low.value(),
                power.high.value(),
                scope.id()
            )
        }
        Energy::Missing(missing) => format!("unknown: {}", missing.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{
        AnswerEnd, NotGated, OWN_ENGINE, REFERENCE_ENGINE, example_answer, example_run,
    };
    use crate::units::Ratio;
    use crate::units::Tokens;

    #[test]
    fn the_summary_of_a_measured_and_a_failed_case() {
        insta::assert_snapshot!(summary(&example_run()));
    }

    #[test]
    fn two_engines_are_set_beside_each_other_in_one_line() {
        let mut run = example_run();
        let mut other = run.cases[0].clone();
        (run.cases[0].engine.id, other.engine.id) = (OWN_ENGINE.into(), REFERENCE_ENGINE.into());
        run.cases = vec![run.cases[0].clone(), other];
        let said = summary(&run);
        assert_eq!(
            said.lines().next_back(),
            Some(
                "r1-distill-qwen-1.5b/q4_k_m/short-chat: claimbench over candle-transformers: decode 1.00 [no interval], \
                 prefill 1.00 [no interval], load 1.00 [no interval], peak memory 1.00 [no interval]; no interval: a comparison \
                 needs 3 process starts on each side: 1 and 1 here"
            )
        );
        assert!(
            said.contains("\nr1-distill-qwen-1.5b/q4_k_m/short-chat/candle-transformers (synthetic weights")
        );
    }

    #[test]
    fn the_gate_is_told_in_one_line() {
        let limit = Ratio::new(0.09).unwrap();
        let line = |distance| gate_line(Some(&Gate::compared(32, 31, distance, limit).unwrap()));
        assert_eq!(line(0.0123), "gate: within 1.2 % of the plain computation (limit 9.0 %)");
        assert!(line(0.4).starts_with("gate: failed: on 32 positions the logits are 40 % away"));
        let engine = gate_line(Some(&Gate::NotComputed(NotGated::Engine)));
        assert_eq!(engine, "gate: not checked: this engine has no logits to show");
    }

    #[test]
    fn an_answer_is_told_in_one_line_however_long_it_is() {
        let answer = example_answer();
        assert_eq!(
            answer_line(&answer),
            "short-question-en: 8 tokens of thinking, 12 of the answer (stop), first token after 0.25 s, answer after \
             1.50 s: \"Because air scatters blue light more than red.\""
        );
        let long = Answer { text: "two\nlines ".repeat(50), thinking: None, ..answer.clone() };
        let line = answer_line(&long);
        assert!(
            line.ends_with("two lines …\"") && !line.contains('\n') && line.contains(": 12 tokens ("),
            "{line}"
        );
        let cut = Answer {
            text: String::new(),
            text_tokens: Tokens::new(0),
            end: AnswerEnd::Length,
            first_answer_token: Err(NoAnswer::Thinking),
            ..answer
        };
        assert!(
            answer_line(&cut)
                .ends_with("(length), first token after 0.25 s, no answer: still thinking at the end")
        );
    }

    #[test]
    fn the_announcement_is_held_against_what_came() {
        let s = |value| Seconds::new(value).unwrap();
        assert_eq!(
            announced_and_taken(s(400.0), s(300.0)),
            "measuring took 5 min, announced were about 7 min: 25 % less"
        );
        assert_eq!(
            announced_and_taken(s(2.0), s(3.0)),
            "measuring took 3 s, announced were about 2 s: 50 % more"
        );
    }

    #[test]
    fn rough_times_read_like_people_speak() {
        let say = |seconds| rough(Seconds::new(seconds).unwrap());
        assert_eq!([say(0.2), say(8.4), say(130.0)], ["1 s", "8 s", "2 min"]);
    }
}
