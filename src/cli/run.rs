//! `claimbench run`: announce, measure, keep, show.

use super::arguments::RunArgs;
use super::page::conclude;
use super::prices::{Audience, price_of};
use super::summary::rough;
use super::{
    Catalog, EngineChoice, Session, Settings, Status, StopFlag, Terminal, WeightsChoice, announcement,
};
use crate::hardware::logical_cpus;
use crate::measurement::{Outcome, Run};
use crate::units::{Seconds, Watts, count_as_f64};
use crate::workload::{Case, CaseForecast, Plan, Selection};

pub(super) fn execute(args: &RunArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let catalog = Catalog::shipped()?;
    let selection = Selection {
        models: args.models.clone(),
        workloads: args.workloads.clone(),
        precisions: args.precisions.clone(),
        repetitions: args.repetitions,
    };
    let plan = Plan::new(&catalog.models, &catalog.workloads, &selection)?;
    let cores = logical_cpus();
    // A bad price must be known before minutes are spent on measuring.
    price_of(&args.price, &catalog.prices, None, Audience::User)?;
    if args.dry_run {
        terminal.say(&announcement(&plan, &args.device.to_string(), cores));
        return Ok(Status::Good);
    }
    let mut session = Session::start(settings(args)?, &catalog, StopFlag::on_interrupt()?)?;
    if let Some(note) = session.device_note().map(str::to_owned) {
        terminal.say(&note);
    }
    terminal.say(&announcement(&plan, session.device().kind(), cores));
    for case in plan.cases() {
        if session.is_stopped() {
            break;
        }
        measure(&mut session, case, cores, terminal)?;
    }
    let price = conclude(&session, &catalog, &args.price, terminal)?;
    let folder = session.store().folder().display();
    if price.is_none() {
        terminal.say(&format!("with your price of an hour: claimbench report {folder} --rent 0.50"));
    }
    terminal.say(&format!("publish it: claimbench report {folder} --publish"));
    if args.json.json {
        terminal.data(crate::record::to_json(session.run()).trim_end())?;
    }
    Ok(status(&session))
}

fn settings(args: &RunArgs) -> anyhow::Result<Settings> {
    Ok(Settings {
        device: args.device,
        weights: args.weights,
        seed: args.seed,
        engine: args.engine,
        assume_watts: args.assume_tdp.map(Watts::new).transpose()?,
        out: args.out.clone(),
        command: command(args),
    })
}

/// The command that repeats the run. Folders and prices are left out: they change no figure.
fn command(args: &RunArgs) -> String {
    let mut words = vec!["claimbench run".to_owned()];
    words.extend(args.models.iter().map(|id| format!("--model {id}")));
    words.extend(args.workloads.iter().map(|id| format!("--workload {id}")));
    words.extend(args.precisions.iter().map(|precision| format!("--precision {}", precision.id())));
    words.extend(args.repetitions.map(|number| format!("--repetitions {number}")));
    words.push(format!("--device {}", args.device));
    words.push(match args.weights {
        WeightsChoice::Auto => "--weights auto".to_owned(),
        WeightsChoice::Real => "--weights real".to_owned(),
        WeightsChoice::Synthetic => "--weights synthetic".to_owned(),
    });
    words.push(format!("--seed {}", args.seed));
    words.extend(args.assume_tdp.map(|watts| format!("--assume-tdp {watts}")));
    if args.engine == EngineChoice::Scripted {
        words.push("--engine scripted".to_owned());
    }
    words.join(" ")
}

/// Measures one case. Progress is printed between repetitions, never while one is timed.
fn measure(session: &mut Session, case: &Case, cores: u64, terminal: &mut Terminal) -> anyhow::Result<()> {
    let mut open = session.open(case, terminal)?;
    if !open.has_failed() {
        terminal.say(&format!("{}: loading", case.id()));
        session.load(&mut open)?;
    }
    let total = case.workload.warm_up + case.workload.repetitions;
    while open.repetitions() < total {
        let Some(time) = session.repeat(&mut open)? else { break };
        let done = open.repetitions();
        let left = Seconds::new(time.value() * count_as_f64(total - done))?;
        let kind = if done <= case.workload.warm_up { "warm-up, " } else { "" };
        let rest = if done == total { String::new() } else { format!(", about {} left", rough(left)) };
        terminal.say(&format!("{}: {kind}{done} of {total} in {:.2} s{rest}", case.id(), time.value()));
        if done == 1 && total > 1 {
            let forecast = CaseForecast::new(case, cores).request;
            terminal.say(&format!("  (forecast {:.2} s, seen {:.2} s)", forecast.value(), time.value()));
        }
    }
    session.load_again(&mut open)?;
    if let Some(Outcome::Failed(failure, _)) = session.run().cases.last().map(|record| &record.outcome) {
        terminal.say(&format!("{}: failed in stage {}: {}", case.id(), failure.stage.id(), failure.reason));
    }
    Ok(())
}

fn status(session: &Session) -> Status {
    let run: &Run = session.run();
    if session.was_interrupted() {
        Status::Interrupted
    } else if run.cases.iter().any(|record| matches!(record.outcome, Outcome::Failed(..))) {
        Status::CaseFailed
    } else if run.cases.iter().flat_map(|record| &record.flags).any(|flag| flag.breaks_trust()) {
        Status::Untrustworthy
    } else {
        Status::Good
    }
}
