//! What else the machine did while a case was measured, and the limits it was measured within.

use super::case_view::{self, Measured};
use super::component::{Detail, Table};
use super::words::Words;
use crate::hardware::{Environment, Window};
use crate::measurement::{Repetition, Run};
use crate::units::{Bytes, Quantity, Seconds, count_as_f64, index_as_u64};

/// Where the counters are explained.
const WINDOWS: &str = "docs/METHODOLOGY.md#windows";

/// The measured repetitions of a case and the time they took.
struct Measuring<'a> {
    repetitions: Vec<&'a Repetition>,
    /// Seconds of all of them.
    time: f64,
    processors: f64,
}

/// A sum over the repetitions, or how many of them do not tell.
type Sum = Result<f64, u64>;

/// What a reader sees of one counter.
struct Shown {
    text: String,
    /// The share of the processors' time or of the time, where there is one.
    share: Option<String>,
    is_known: bool,
}

/// The case's conditions.
pub(crate) fn detail(words: &Words, run: &Run, case: &Measured<'_>) -> Detail {
    let w = &words.conditions;
    let measuring = Measuring::new(run, case);
    let steal = measuring.processor_time(words, |window| window.steal);
    let foreign = measuring.processor_time(words, |window| window.foreign_cpu);
    let brief = |shown: &Shown| shown.share.clone().unwrap_or_else(|| w.unknown.to_owned());
    let briefly = [brief(&steal), brief(&foreign)];
    let counters = [
        (w.steal, steal),
        (w.foreign, foreign),
        (w.swapped, measuring.swapped(words)),
        (w.memory, measuring.part_of_time(words, |window| window.memory_stall)),
        (w.quota, measuring.plain_time(words, |window| window.quota_stall)),
        (w.thermal, measuring.throttles(words)),
        (w.suspended, measuring.plain_time(words, |window| window.suspended)),
        (w.battery, measuring.battery(words)),
    ];
    let environment = environment(words, &run.environment);
    let is_unknown = counters.iter().filter(|(_, shown)| !shown.is_known).count();
    let unknown = is_unknown + environment.iter().filter(|(_, text)| text.is_none()).count();
    let all = counters.len() + environment.len();
    let rows = counters
        .into_iter()
        .map(|([name, meaning], shown)| vec![name.to_owned(), shown.text, meaning.to_owned()])
        .chain(environment.into_iter().map(|([name, meaning], text)| {
            vec![name.to_owned(), text.unwrap_or_else(|| w.unknown.to_owned()), meaning.to_owned()]
        }));
    let caption = (w.table)(&case_view::title(words, case.record));
    Detail {
        summary: (w.summary)(&briefly[0], &briefly[1], index_as_u64(unknown), index_as_u64(all)),
        lines: vec![],
        table: Some(Table::new(caption, &w.columns, rows.collect())),
        rules: words.noise.rule,
        section: WINDOWS,
    }
}

impl<'a> Measuring<'a> {
    fn new(run: &Run, case: &Measured<'a>) -> Self {
        let repetitions: Vec<&Repetition> = case.record.outcome.measurement().measured().collect();
        let time = repetitions.iter().map(|repetition| repetition.end_to_end().value()).sum();
        Self { repetitions, time, processors: count_as_f64(run.machine.logical_cpus) }
    }

    fn sum(&self, amount: impl Fn(&Window) -> Option<f64>) -> Sum {
        let known: Vec<f64> = self.repetitions.iter().filter_map(|r| amount(&r.window)).collect();
        let lacking = self.repetitions.len() - known.len();
        if lacking == 0 { Ok(known.iter().sum()) } else { Err(index_as_u64(lacking)) }
    }

    /// A sum with its text; what is not told by every repetition is unknown.
    fn shown(&self, words: &Words, sum: Sum, say: impl Fn(f64) -> (String, Option<String>)) -> Shown {
        match sum {
            Ok(sum) => {
                let (text, share) = say(sum);
                Shown { text, share, is_known: true }
            }
            Err(lacking) => {
                let text = (words.conditions.lacking)(lacking, index_as_u64(self.repetitions.len()));
                Shown { text, share: None, is_known: false }
            }
        }
    }

    /// Seconds, and their share of `whole` seconds.
    fn seconds(
        &self,
        words: &Words,
        (whole, say): (f64, fn(&str, &str) -> String),
        amount: impl Fn(&Window) -> Option<Seconds>,
    ) -> Shown {
        let n = &words.numerals;
        self.shown(words, self.sum(|window| amount(window).map(Seconds::value)), |sum| {
            let share = Some(sum / whole).filter(|share| share.is_finite()).map(|share| n.share(share));
            let time = amount_of::<Seconds>(words, sum);
            (share.as_deref().map_or(time.clone(), |share| say(&time, share)), share)
        })
    }

    fn processor_time(&self, words: &Words, amount: impl Fn(&Window) -> Option<Seconds>) -> Shown {
        self.seconds(words, (self.time * self.processors, words.conditions.of_processors), amount)
    }

    fn part_of_time(&self, words: &Words, amount: impl Fn(&Window) -> Option<Seconds>) -> Shown {
        self.seconds(words, (self.time, words.conditions.of_time), amount)
    }

    fn swapped(&self, words: &Words) -> Shown {
        let sum = self.sum(|window| window.swapped.map(Bytes::as_f64));
        self.shown(words, sum, |sum| (amount_of::<Bytes>(words, sum), None))
    }

    fn throttles(&self, words: &Words) -> Shown {
        let sum = self.sum(|window| window.thermal_throttles.map(count_as_f64));
        self.shown(words, sum, |sum| ((words.conditions.times)(crate::units::rounded_u64(sum)), None))
    }

    fn plain_time(&self, words: &Words, amount: impl Fn(&Window) -> Option<Seconds>) -> Shown {
        let sum = self.sum(|window| amount(window).map(Seconds::value));
        self.shown(words, sum, |sum| (amount_of::<Seconds>(words, sum), None))
    }

    /// One repetition on battery is known even where another does not tell.
    fn battery(&self, words: &Words) -> Shown {
        let w = &words.conditions;
        let sum = self.sum(|window| window.on_battery.map(|on| if on { 1.0 } else { 0.0 }));
        let all = index_as_u64(self.repetitions.len());
        let on = self.repetitions.iter().filter(|r| r.window.on_battery == Some(true)).count();
        match (on, sum) {
            (1.., Err(_)) => {
                Shown { text: (w.on_battery_at_least)(index_as_u64(on), all), share: None, is_known: true }
            }
            (_, sum) => self.shown(words, sum, |_| match on {
                0 => (w.not_on_battery.to_owned(), None),
                _ => ((w.on_battery)(index_as_u64(on), all), None),
            }),
        }
    }
}

fn amount_of<Q: Quantity>(words: &Words, value: f64) -> String {
    Q::new(value).map_or_else(|_| words.conditions.unknown.to_owned(), |amount| words.numerals.amount(amount))
}

/// What limited the program, read once; `None` is unknown.
fn environment(words: &Words, environment: &Environment) -> [([&'static str; 2], Option<String>); 3] {
    let (w, n) = (&words.conditions, &words.numerals);
    let step = environment.clock_step_nanoseconds.map(|step| format!("{}\u{a0}ns", n.count(step)));
    let processors = environment.cpu_quota_milli.map(|milli| {
        let processors = count_as_f64(milli) / 1_000.0;
        (w.processors)(&n.fixed(processors, usize::from(processors.fract() > 0.0)))
    });
    let memory = environment.memory_limit.map(|limit| (w.of_memory)(&n.quantity(limit)));
    let limits: Vec<String> = [processors, memory].into_iter().flatten().collect();
    let limits = if limits.is_empty() { w.no_limit.to_owned() } else { limits.join(", ") };
    [(w.clock, step), (w.limits, Some(limits)), (w.governor, environment.cpu_governor.clone())]
}
