//! `claimbench run`: announce, measure, keep, show.

use anyhow::{Context, ensure};
use clap::Parser;
use serde_json::json;

use super::arguments::{Command, RunArgs, SuiteChoice};
use super::local;
use super::measuring::measure_all;
use super::page::conclude;
use super::prices::{Audience, price_of};
use super::relaunch;
use super::session::{forecasts, load_run, unfinished};
use super::summary::announced_and_taken;
use super::{
    Catalog, Cli, EngineChoice, Row, Session, Settings, Status, StopFlag, Terminal, WeightsChoice,
    announcement,
};
use crate::engine::ComputeDevice;
use crate::measurement::{Order, Outcome, Run};
use crate::model::LocalModel;
use crate::units::{Seconds, Watts};
use crate::workload::{Case, CaseForecast, Plan, Selection, total_forecast};

/// Process starts of a run that does not say: the fewest that a comparison takes.
const STARTS: u64 = 3;

pub(super) fn execute(args: &RunArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let catalog = Catalog::shipped()?;
    // A bad price must be known before minutes are spent on measuring.
    price_of(&args.price, &catalog.prices, None, Audience::User)?;
    let local = local::open(&args.models, &catalog.models)?;
    let registry = catalog.models.clone().with(local.iter().map(|model| model.spec.clone()));
    let (began, settings, rows) = if let Some(path) = &args.resume {
        for value in &args.models {
            ensure!(
                local::is_path(value, &catalog.models),
                "beside --resume only files of yours can be given, and `{value}` is none; leave it out"
            );
        }
        let (run, mut settings) = recorded(path, local)?;
        settings.starts = args.starts.unwrap_or(0).max(run.process_starts_asked);
        for model in &settings.local {
            ensure!(
                run.cases.iter().any(|record| record.case.model.id == model.spec.id),
                "{} is no file that {} measures; leave it out",
                model.file_name(),
                run.id
            );
        }
        let rows = unfinished(&run, &registry, settings.starts)?;
        if rows.is_empty() && args.announced.is_none() {
            terminal.say(&format!("{} is complete; nothing to resume", run.id));
            return print(&run, args, terminal).map(|()| Status::Good);
        }
        (Some((path, run)), settings, rows)
    } else {
        ensure!(
            local.is_empty() || args.weights != WeightsChoice::Synthetic,
            "a file of yours holds its own weights; leave out --weights synthetic, or give a model's id"
        );
        let plan = Plan::new(&registry, &catalog.workloads, &selection(args, &local))?;
        let command = command(args, &local);
        let mut settings = settings(args, command, local)?;
        // No start without a repetition.
        let fewest = plan.cases().iter().map(|case| case.workload.repetitions).min().unwrap_or(1);
        settings.starts = settings.starts.min(fewest);
        (None, settings, rows(args, plan.cases()))
    };
    if args.dry_run {
        return announce(args, &rows, &settings, terminal);
    }
    let stop = StopFlag::on_interrupt()?;
    let mut session = match began {
        Some((path, run)) => Session::resume(path, run, settings, &catalog, stop)?,
        None => Session::start(settings, &rows, &catalog, stop)?,
    };
    if let Some(note) = session.device_note().map(str::to_owned) {
        terminal.say(&note);
    }
    session.find_ceilings(terminal)?;
    let local = session.local().to_vec();
    let budget = budget(args)?;
    let announced = args.announced.map(Seconds::new).transpose()?;
    let announced = measure_all(&mut session, &rows, budget, announced, terminal)?;
    if session.starts_left() > 1 && session.has_open_cases() && !session.is_stopped() {
        let left = budget.map(|budget| Seconds::new((budget.value() - session.elapsed().value()).max(0.0)));
        let words = relaunch::arguments(args, &local, session.store().folder(), left.transpose()?, announced);
        return relaunch::relaunch(&words, terminal);
    }
    // What a run that is taken up by hand has no room for stays open, so that it can be taken up again.
    let is_whole = args.resume.is_none() || args.announced.is_some();
    if is_whole {
        session.close_the_rest()?;
    }
    session.settle(terminal)?;
    let price = conclude(&session, &catalog, &args.price, terminal)?;
    let folder = session.store().folder().display();
    if session.was_interrupted() {
        terminal.say(&format!("complete it: claimbench run --resume {folder}"));
    }
    if price.is_none() {
        terminal.note(&format!("with your price of an hour: claimbench report {folder} --rent 0.50"));
    }
    terminal.note(&format!("publish it: claimbench report {folder} --publish"));
    // A run that was taken up by hand was not announced as a whole.
    if !session.is_stopped() && announced > Seconds::ZERO && is_whole {
        terminal.note(&announced_and_taken(announced, session.age()));
    }
    print(session.run(), args, terminal)?;
    Ok(status(&session))
}

/// The run file on standard output, if it was asked for.
fn print(run: &Run, args: &RunArgs, terminal: &mut Terminal) -> anyhow::Result<()> {
    if args.json.json {
        terminal.data(crate::record::to_json(run).trim_end())?;
    }
    Ok(())
}

fn selection(args: &RunArgs, local: &[LocalModel]) -> Selection {
    Selection {
        suite: args.suite.into(),
        models: args.models.iter().map(|value| local::id(value, local)).collect(),
        workloads: args.workloads.clone(),
        precisions: args.precisions.clone(),
        repetitions: args.repetitions,
    }
}

/// Every case with the engines that are named; of a suite as it is, those that it has.
fn rows(args: &RunArgs, cases: &[Case]) -> Vec<Row> {
    let is_suite = args.models.is_empty() && args.workloads.is_empty() && args.precisions.is_empty();
    match args.engines.as_slice() {
        [] if is_suite => Row::of_suite(cases),
        [] => Row::of(cases, &[EngineChoice::Claimbench]),
        named => Row::of(cases, named),
    }
}

fn budget(args: &RunArgs) -> anyhow::Result<Option<Seconds>> {
    Ok(args.budget.map(|budget| Seconds::new(budget.as_secs_f64())).transpose()?)
}

/// Says what would run, and leaves no trace.
fn announce(
    args: &RunArgs,
    rows: &[Row],
    settings: &Settings,
    terminal: &mut Terminal,
) -> anyhow::Result<Status> {
    let device = ComputeDevice::open(settings.device)?;
    let (device_data, starts) = (device.device(), settings.starts);
    let forecasts = forecasts(rows, device_data, settings, starts);
    if args.json.json {
        let announced = announced(device_data.kind(), rows, &forecasts, starts);
        terminal.data(&serde_json::to_string_pretty(&announced)?)?;
        return Ok(Status::Good);
    }
    terminal.say(&announcement(rows, &forecasts, budget(args)?, device_data.kind(), starts));
    Ok(Status::Good)
}

/// The announcement for programs. A row without a forecast is one that its engine cannot run.
fn announced(
    device: &str,
    rows: &[Row],
    forecasts: &[Option<CaseForecast>],
    starts: u64,
) -> serde_json::Value {
    let rows = rows.iter().zip(forecasts).map(|(row, forecast)| {
        let case = &row.case;
        json!({
            "id": row.id().to_string(),
            "engine": row.engine.id(),
            "prompt_tokens": case.workload.prompt_tokens,
            "output_tokens": case.workload.output_tokens,
            "batch": case.workload.batch,
            "warm_up": case.workload.warm_up,
            "context_depth": case.workload.context_depth,
            "repetitions": case.workload.repetitions,
            "most_repetitions": case.workload.most_repetitions,
            "will_be_skipped": forecast.is_none(),
            "forecast_seconds": forecast.map(|forecast| forecast.case.value()),
        })
    });
    let known: Vec<CaseForecast> = forecasts.iter().copied().flatten().collect();
    let forecast = total_forecast(&known).value();
    json!({ "device": device, "process_starts": starts, "forecast_seconds": forecast, "cases": rows.collect::<Vec<_>>() })
}

/// The run to take up, and the settings it began with: the command it recorded is read as a command line.
fn recorded(folder: &std::path::Path, local: Vec<LocalModel>) -> anyhow::Result<(Run, Settings)> {
    let run = load_run(folder)?;
    let command = run.provenance.command.clone();
    // `cargo bench` measures what `claimbench run` measures when nothing is asked, and asks no prompts.
    let words = match command.strip_prefix("cargo bench") {
        Some(_) => shlex::split("claimbench run --no-answers"),
        None => shlex::split(&command),
    };
    let words = words.unwrap_or_default();
    let Ok(Cli { command: Command::Run(began), .. }) = Cli::try_parse_from(words) else {
        anyhow::bail!("`{command}` cannot be resumed; only runs of `claimbench run` and `cargo bench` can")
    };
    let settings = settings(&began, command, local).context("the recorded command does not hold")?;
    Ok((run, settings))
}

fn settings(args: &RunArgs, command: String, local: Vec<LocalModel>) -> anyhow::Result<Settings> {
    Ok(Settings {
        device: args.device,
        weights: args.weights,
        seed: args.seed,
        assume_watts: args.assume_tdp.map(Watts::new).transpose()?,
        out: args.out.clone(),
        command,
        local,
        answers: !args.no_answers,
        label: args.label.clone(),
        starts: args.starts.unwrap_or(STARTS),
        order: Order::Interleaved { seed: args.seed },
        limits: args.suite == SuiteChoice::Full && args.workloads.is_empty(),
    })
}

/// The command that repeats the run. Folders and prices are left out: they change no figure.
fn command(args: &RunArgs, local: &[LocalModel]) -> String {
    let mut words = vec!["claimbench run".to_owned()];
    if args.suite != SuiteChoice::Default {
        words.push("--suite full".to_owned());
    }
    words.extend(args.models.iter().map(|value| format!("--model {}", local::recorded(value, local))));
    words.extend(args.workloads.iter().map(|id| format!("--workload {id}")));
    words.extend(args.precisions.iter().map(|precision| format!("--precision {}", precision.id())));
    words.extend(args.repetitions.map(|number| format!("--repetitions {number}")));
    words.extend(args.starts.map(|number| format!("--starts {number}")));
    words.extend(args.label.iter().filter_map(|label| {
        let quoted = shlex::try_quote(label.as_str()).ok()?;
        Some(format!("--label {quoted}"))
    }));
    words.extend(args.budget.map(|budget| format!("--budget {}s", budget.as_secs())));
    words.push(format!("--device {}", args.device));
    words.push(match args.weights {
        WeightsChoice::Auto => "--weights auto".to_owned(),
        WeightsChoice::Real => "--weights real".to_owned(),
        WeightsChoice::Synthetic => "--weights synthetic".to_owned(),
    });
    words.push(format!("--seed {}", args.seed));
    if args.no_answers {
        words.push("--no-answers".to_owned());
    }
    words.extend(args.assume_tdp.map(|watts| format!("--assume-tdp {watts}")));
    if !args.engines.is_empty() {
        let named: Vec<&str> = args.engines.iter().map(|engine| engine.id()).collect();
        words.push(format!("--engine {}", named.join(",")));
    }
    words.join(" ")
}

fn status(session: &Session) -> Status {
    let run: &Run = session.run();
    if session.was_interrupted() {
        Status::Interrupted
    } else if !run.cases.iter().any(|record| matches!(record.outcome, Outcome::Measured(_)))
        || run.cases.iter().any(|record| matches!(record.outcome, Outcome::Failed(..)))
    {
        // A skipped case is no failure, unless nothing else was measured.
        Status::CaseFailed
    } else if run.cases.iter().flat_map(|record| &record.flags).any(|flag| flag.breaks_trust()) {
        Status::Untrustworthy
    } else {
        Status::Good
    }
}
