//! `claimbench run`: announce, measure, keep, show.

use anyhow::{Context, ensure};
use clap::Parser;
use serde_json::json;

use super::arguments::{Command, RunArgs, SuiteChoice};
use super::local;
use super::measuring::measure_all;
use super::page::conclude;
use super::prices::{Audience, price_of};
use super::session::{asked_once, forecast, load_run, unfinished};
use super::{
    Catalog, Cli, EngineChoice, Session, Settings, Status, StopFlag, Terminal, WeightsChoice, announcement,
};
use crate::engine::ComputeDevice;
use crate::measurement::{Outcome, Run};
use crate::model::LocalModel;
use crate::units::{Seconds, Watts};
use crate::workload::{Case, CaseForecast, Plan, Selection, total_forecast};

pub(super) fn execute(args: &RunArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let catalog = Catalog::shipped()?;
    // A bad price must be known before minutes are spent on measuring.
    price_of(&args.price, &catalog.prices, None, Audience::User)?;
    let local = local::open(&args.models, &catalog.models)?;
    let registry = catalog.models.clone().with(local.iter().map(|model| model.spec.clone()));
    let (began, settings, cases) = if let Some(path) = &args.resume {
        for value in &args.models {
            ensure!(
                local::is_path(value, &catalog.models),
                "beside --resume only files of yours can be given, and `{value}` is none; leave it out"
            );
        }
        let (run, settings) = recorded(path, local)?;
        for model in &settings.local {
            ensure!(
                run.cases.iter().any(|record| record.case.model.id == model.spec.id),
                "{} is no file that {} measures; leave it out",
                model.file_name(),
                run.id
            );
        }
        let cases = unfinished(&run, &registry)?;
        if cases.is_empty() {
            terminal.say(&format!("{} is complete; nothing to resume", run.id));
            return print(&run, args, terminal).map(|()| Status::Good);
        }
        (Some((path, run)), settings, cases)
    } else {
        ensure!(
            local.is_empty() || args.weights != WeightsChoice::Synthetic,
            "a file of yours holds its own weights; leave out --weights synthetic, or give a model's id"
        );
        let plan = Plan::new(&registry, &catalog.workloads, &selection(args, &local))?;
        let command = command(args, &local);
        (None, settings(args, command, local)?, plan.cases().to_vec())
    };
    if args.dry_run {
        return announce(args, &cases, &settings, terminal);
    }
    let stop = StopFlag::on_interrupt()?;
    let mut session = match began {
        Some((path, run)) => Session::resume(path, run, settings, &catalog, stop)?,
        None => Session::start(settings, &cases, &catalog, stop)?,
    };
    if let Some(note) = session.device_note().map(str::to_owned) {
        terminal.say(&note);
    }
    let announcement_check = measure_all(&mut session, &cases, budget(args)?, terminal)?;
    let price = conclude(&session, &catalog, &args.price, terminal)?;
    let folder = session.store().folder().display();
    if session.was_interrupted() {
        terminal.say(&format!("complete it: claimbench run --resume {folder}"));
    }
    if price.is_none() {
        terminal.note(&format!("with your price of an hour: claimbench report {folder} --rent 0.50"));
    }
    terminal.note(&format!("publish it: claimbench report {folder} --publish"));
    if let Some(sentence) = announcement_check {
        terminal.note(&sentence);
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

fn budget(args: &RunArgs) -> anyhow::Result<Option<Seconds>> {
    Ok(args.budget.map(|budget| Seconds::new(budget.as_secs_f64())).transpose()?)
}

/// Says what would run, and leaves no trace.
fn announce(
    args: &RunArgs,
    cases: &[Case],
    settings: &Settings,
    terminal: &mut Terminal,
) -> anyhow::Result<Status> {
    let device = ComputeDevice::open(settings.device)?;
    let mut forecasts: Vec<_> = cases.iter().map(|case| forecast(case, device.device(), settings)).collect();
    asked_once(cases, &mut forecasts);
    if args.json.json {
        let kind = device.device().kind();
        terminal.data(&serde_json::to_string_pretty(&announced(kind, cases, &forecasts))?)?;
        return Ok(Status::Good);
    }
    terminal.say(&announcement(cases, &forecasts, budget(args)?, device.device().kind()));
    Ok(Status::Good)
}

/// The announcement for programs. A case without a forecast is one that the engine cannot run.
fn announced(device: &str, cases: &[Case], forecasts: &[Option<CaseForecast>]) -> serde_json::Value {
    let rows = cases.iter().zip(forecasts).map(|(case, forecast)| {
        json!({
            "id": case.id().to_string(),
            "prompt_tokens": case.workload.prompt_tokens,
            "output_tokens": case.workload.output_tokens,
            "batch": case.workload.batch,
            "warm_up": case.workload.warm_up,
            "repetitions": case.workload.repetitions,
            "will_be_skipped": forecast.is_none(),
            "forecast_seconds": forecast.map(|forecast| forecast.case.value()),
        })
    });
    let known: Vec<CaseForecast> = forecasts.iter().copied().flatten().collect();
    let forecast = total_forecast(&known).value();
    json!({ "device": device, "forecast_seconds": forecast, "cases": rows.collect::<Vec<_>>() })
}

/// The run to take up, and the settings it began with: the command it recorded is read as a command line.
fn recorded(folder: &std::path::Path, local: Vec<LocalModel>) -> anyhow::Result<(Run, Settings)> {
    let run = load_run(folder)?;
    let command = run.provenance.command.clone();
    let words = shlex::split(&command).unwrap_or_default();
    let Ok(Cli { command: Command::Run(began), .. }) = Cli::try_parse_from(words) else {
        anyhow::bail!("`{command}` cannot be resumed; only runs of `claimbench run` can")
    };
    let settings = settings(&began, command, local).context("the recorded command does not hold")?;
    Ok((run, settings))
}

fn settings(args: &RunArgs, command: String, local: Vec<LocalModel>) -> anyhow::Result<Settings> {
    Ok(Settings {
        device: args.device,
        weights: args.weights,
        seed: args.seed,
        engine: args.engine,
        assume_watts: args.assume_tdp.map(Watts::new).transpose()?,
        out: args.out.clone(),
        command,
        local,
        answers: !args.no_answers,
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
    if args.engine != EngineChoice::Claimbench {
        words.push(format!("--engine {}", args.engine.id()));
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
