//! The main job: `cargo bench` measures the default models with the runner that `claimbench run` uses, and writes the
//! page. criterion owns the order and compares with its last run; the same samples feed both.
//!
//! One criterion id per case and engine, one iteration per request. With `--test` only a tiny shape runs.

#![expect(clippy::disallowed_methods, reason = "a bench target reads its own arguments")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use claimbench::cli::{
    Audience, Catalog, EngineChoice, OpenGroup, PriceArgs, RUNS, Row, SEED, Session, Settings, StopFlag,
    Terminal, WeightsChoice, announcement, conclude, price_of,
};
use claimbench::hardware::{Device, logical_cpus};
use claimbench::measurement::Order;
use claimbench::units::{count_as_f64, count_as_usize};
use claimbench::workload::{CaseForecast, DeviceChoice, Pace, Plan, Selection};
use criterion::{Criterion, SamplingMode, Throughput};

/// criterion takes no fewer.
const FEWEST_SAMPLES: u64 = 10;

fn main() -> ExitCode {
    let mut terminal = Terminal::standard();
    match Job::new().and_then(|job| job.run(&mut terminal)) {
        Ok(code) => code,
        Err(error) => {
            terminal.fail(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What this call of `cargo bench` is to do.
struct Job {
    catalog: Catalog,
    rows: Vec<Row>,
    is_test: bool,
    command: String,
    cores: u64,
}

impl Job {
    fn new() -> anyhow::Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        // criterion's own rule: without `--bench`, cargo runs this target as a test.
        let is_test = has("--test") || !has("--bench");
        let catalog = Catalog::shipped()?;
        // A broken my-prices.toml must be known before minutes are spent on measuring.
        price_of(&PriceArgs::default(), &catalog.prices, None, Audience::User)?;
        let rows = if is_test {
            let plan = Plan::smoke_test(&catalog.models, &catalog.workloads)?;
            Row::of(plan.cases(), &[EngineChoice::Claimbench, EngineChoice::CandleTransformers])
        } else {
            Row::of_suite(Plan::new(&catalog.models, &catalog.workloads, &Selection::default())?.cases())
        };
        let command = command(&arguments, &rows);
        Ok(Self { catalog, rows, is_test, command, cores: logical_cpus() })
    }

    fn run(&self, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let mut criterion = Criterion::default().configure_from_args();
        let stop = StopFlag::on_interrupt()?;
        let mut session = None;
        for row in &self.rows {
            self.measure(row, &mut criterion, &mut session, &stop, terminal);
            if stop.is_set() {
                break;
            }
        }
        criterion.final_summary();
        // Nothing was selected, or criterion only listed its ids.
        let Some(session) = session else { return Ok(ExitCode::SUCCESS) };
        let mut session = session?;
        session.settle(terminal)?;
        self.finish(&session, terminal)
    }

    /// Hands one case to criterion. A case that fails unwinds out of criterion, which then keeps nothing of it: the
    /// failure is a row of the run file, and the next case follows.
    fn measure(
        &self,
        row: &Row,
        criterion: &mut Criterion,
        session: &mut Option<anyhow::Result<Session>>,
        stop: &StopFlag,
        terminal: &mut Terminal,
    ) {
        let mut open: Option<OpenGroup> = None;
        let case = &row.case;
        let pace = Pace::of(&Device::Cpu { threads: self.cores }, self.cores);
        let forecast = CaseForecast::new(case, &pace, None, 1).request.value();
        let samples = case.workload.repetitions.max(FEWEST_SAMPLES);
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let mut group = criterion.benchmark_group(format!("{}/{}", case.model.id, case.precision.id()));
            group
                .throughput(Throughput::Elements(case.workload.output_tokens * case.workload.batch))
                .sampling_mode(SamplingMode::Flat)
                .sample_size(count_as_usize(samples))
                .warm_up_time(Duration::from_nanos(1))
                .measurement_time(Duration::from_secs_f64(forecast * count_as_f64(samples)));
            group.bench_function(function(row), |bencher| {
                // Outside of `iter_custom`, so that criterion does not take preparation for warm-up.
                let started = session.get_or_insert_with(|| self.start(stop, terminal));
                let Ok(session) = started else { give_up() };
                let open = open.get_or_insert_with(|| self.open(session, row, terminal));
                bencher.iter_custom(|iterations| {
                    (0..iterations).map(|_| one_request(session, open, terminal)).sum()
                });
            });
            group.finish();
            if let (Some(Ok(session)), Some(open)) = (session.as_mut(), open.as_mut())
                && let Err(error) = session.load_again(open, None).and_then(|()| session.finish(open, 0))
            {
                terminal.fail(&format!("{error:#}"));
            }
        }));
        if let Err(payload) = unwound
            && !payload.is::<GiveUp>()
        {
            resume_unwind(payload);
        }
    }

    fn start(&self, stop: &StopFlag, terminal: &mut Terminal) -> anyhow::Result<Session> {
        let settings = Settings {
            device: DeviceChoice::Auto,
            weights: if self.is_test { WeightsChoice::Synthetic } else { WeightsChoice::Auto },
            seed: SEED,
            assume_watts: None,
            out: PathBuf::from(RUNS),
            command: self.command.clone(),
            local: Vec::new(),
            // criterion's run is about speed.
            answers: false,
            // criterion has one process and an order of its own.
            label: None,
            starts: 1,
            order: Order::Sequential,
            limits: false,
        };
        // Rows come as criterion asks for them: its filters may leave some out.
        let mut session = Session::start(settings, &[], &self.catalog, stop.clone())?;
        if let Some(note) = session.device_note() {
            terminal.say(note);
        }
        session.find_ceilings(terminal)?;
        let forecasts = session.forecasts(&self.rows);
        terminal.say(&announcement(&self.rows, &forecasts, None, session.device().kind(), 1));
        Ok(session)
    }

    fn open(&self, session: &mut Session, row: &Row, terminal: &mut Terminal) -> OpenGroup {
        let opened = session.open(std::slice::from_ref(row), terminal).and_then(|mut open| {
            session.load(&mut open)?;
            session.check(&mut open, None)?;
            // With `--test` criterion asks once, and that once is to be measured.
            for _ in 0..if self.is_test { row.case.workload.warm_up } else { 0 } {
                session.repeat(&mut open, 0)?;
            }
            Ok(open)
        });
        opened.unwrap_or_else(|error| {
            terminal.fail(&format!("{error:#}"));
            give_up()
        })
    }

    fn finish(&self, session: &Session, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
        let run = session.run();
        conclude(session, &self.catalog, &PriceArgs::default(), terminal)?;
        let folder = session.store().folder().display();
        terminal.say(&format!("next: cargo run --release -- report {folder} --rent 0.50"));
        terminal.say(&format!(
            "to publish or compare it, spread it over three process starts: cargo run --release -- run --resume {folder} --starts 3"
        ));
        Ok(if session.was_interrupted() {
            ExitCode::from(130)
        } else if run.cases.iter().any(|record| record.outcome.measurement().measured().next().is_some()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// The last part of a row's criterion id: the workload, and the engine unless it is the project's own.
fn function(row: &Row) -> String {
    let group = format!("{}/{}/", row.case.model.id, row.case.precision.id());
    row.id().to_string().replacen(&group, "", 1)
}

/// Leaves criterion without a message: what went wrong is in the run file and was said.
struct GiveUp;

fn give_up() -> ! {
    resume_unwind(Box::new(GiveUp))
}

/// One repetition; criterion gets the same end-to-end time that the run file holds.
fn one_request(session: &mut Session, open: &mut OpenGroup, terminal: &mut Terminal) -> Duration {
    match session.repeat(open, 0) {
        Ok(Some(time)) => Duration::from_secs_f64(time.value()),
        Ok(None) => give_up(),
        Err(error) => {
            terminal.fail(&format!("{error:#}"));
            give_up()
        }
    }
}

/// The command that repeats the run: criterion's flags and filters that name a case, no path.
fn command(arguments: &[String], rows: &[Row]) -> String {
    let features = if cfg!(feature = "cuda") { " --features cuda" } else { "" };
    let names_a_case = |word: &str| rows.iter().any(|row| row.id().to_string().contains(word));
    let kept: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|word| ["--test", "--quick", "--exact"].contains(word) || names_a_case(word))
        .collect();
    let rest = if kept.is_empty() { String::new() } else { format!(" -- {}", kept.join(" ")) };
    format!("cargo bench{features} --bench inference{rest}")
}
