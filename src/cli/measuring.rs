//! The cases of a run, one after the other, within the time there is.

use super::session::asked_once;
use super::summary::{announced_and_taken, announcement, gate_line, rough};
use super::{Session, Terminal};
use crate::measurement::{Outcome, Role, Skip};
use crate::units::{Seconds, count_as_f64};
use crate::workload::{Case, CaseForecast, Share, total_forecast};

/// Loads after the repetitions get at most this share of a case's time when a budget bounds it.
const MOST_TIME_FOR_LOADS: f64 = 0.2;

/// A forecast is corrected by the case before, but a tiny case says little about a large one.
const LEAST_SLOWNESS: f64 = 0.5;
/// The same upwards.
const MOST_SLOWNESS: f64 = 4.0;

/// Announces the cases and measures them. With a budget each case gets a share of what is left, by its forecast.
/// Returns a sentence on how right the announcement was; `None` if the run was stopped.
pub(super) fn measure_all(
    session: &mut Session,
    cases: &[Case],
    budget: Option<Seconds>,
    terminal: &mut Terminal,
) -> anyhow::Result<Option<String>> {
    let mut forecasts: Vec<Option<CaseForecast>> = cases.iter().map(|case| session.forecast(case)).collect();
    asked_once(cases, &mut forecasts);
    terminal.note(&announcement(cases, &forecasts, budget, session.device().kind()));
    let mut slowness = 1.0;
    for (index, (case, forecast)) in cases.iter().zip(&forecasts).enumerate() {
        if session.is_stopped() {
            return Ok(None);
        }
        let Some(forecast) = forecast else {
            session.open(case, terminal)?;
            say_how_it_ended(session, case, terminal);
            continue;
        };
        let due: Vec<CaseForecast> = forecasts[index..].iter().copied().flatten().collect();
        let until = match budget {
            None => None,
            Some(budget) => {
                let elapsed = session.elapsed();
                let left = Seconds::new((budget.value() - elapsed.value()).max(0.0))?;
                match Share::of(&due, left, slowness) {
                    Share::Time(share) => elapsed.plus(share),
                    Share::TooLittle { needed } => {
                        session.skip(case, Skip::Budget { needed, left })?;
                        say_how_it_ended(session, case, terminal);
                        continue;
                    }
                }
            }
        };
        if let Some(request) = measure(session, case, forecast, [until, budget], terminal)? {
            slowness = (request.value() / forecast.request.value()).clamp(LEAST_SLOWNESS, MOST_SLOWNESS);
        }
    }
    let taken = session.elapsed();
    let known: Vec<CaseForecast> = forecasts.into_iter().flatten().collect();
    Ok((!session.is_stopped() && !known.is_empty()).then(|| {
        let announced = total_forecast(&known);
        announced_and_taken(budget.filter(|budget| *budget < announced).unwrap_or(announced), taken)
    }))
}

/// Measures one case, and returns the time of its last repetition. Progress is printed between repetitions, never while
/// one is timed. The gate may take more than the case's share of a budget (its end is `until`), but not more than the budget: a
/// repetition that nobody checked is worth less than one repetition fewer.
fn measure(
    session: &mut Session,
    case: &Case,
    forecast: &CaseForecast,
    [until, budget]: [Option<Seconds>; 2],
    terminal: &mut Terminal,
) -> anyhow::Result<Option<Seconds>> {
    let began = session.elapsed();
    let mut open = session.open(case, terminal)?;
    if !open.case().has_ended() {
        terminal.progress(&format!("{}: loading", case.id()));
        session.load(&mut open)?;
        session.check(&mut open, budget)?;
        if let Some(gate) = &open.case().measurement().gate {
            terminal.note(&format!("  {}", gate_line(Some(gate))));
        }
    }
    let mut last = None;
    while open.case().measured() < case.workload.repetitions {
        if let (Some(until), Some(last)) = (until, last)
            && open.case().measured() > 0
            && session.elapsed().value() + Seconds::value(last) + time_for_loads(&open, began, until)
                > until.value()
        {
            break;
        }
        let role = open.case().next_role();
        let Some(time) = session.repeat(&mut open)? else { break };
        let (done, all) = (open.case().measured(), case.workload.repetitions);
        let left = Seconds::new(time.value() * count_as_f64(all - done))?;
        let rest = if done == all { String::new() } else { format!(", about {} left", rough(left)) };
        let which = match role {
            Role::WarmUp => "warm-up".to_owned(),
            Role::Measured => format!("{done} of {all}"),
        };
        terminal.progress(&format!("{}: {which} in {:.2} s{rest}", case.id(), time.value()));
        if last.is_none() {
            let forecast = forecast.request;
            terminal.note(&format!("  (forecast {:.2} s, seen {:.2} s)", forecast.value(), time.value()));
        }
        last = Some(time);
    }
    session.load_again(&mut open, until)?;
    session.answer(&mut open, until, terminal)?;
    session.finish(&mut open, until)?;
    say_how_it_ended(session, case, terminal);
    Ok(last)
}

/// What the remaining loads should take, but no more than their share.
fn time_for_loads(open: &super::OpenCase, began: Seconds, until: Seconds) -> f64 {
    let case = open.case();
    let load = case.measurement().loads.last().map_or(0.0, |load| load.duration.value());
    let remaining = count_as_f64(case.case().workload.loads.saturating_sub(case.loads()));
    (load * remaining).min(MOST_TIME_FOR_LOADS * (until.value() - began.value()))
}

fn say_how_it_ended(session: &Session, case: &Case, terminal: &mut Terminal) {
    let record = session.run().cases.iter().find(|record| record.id() == case.id());
    match record.map(|record| &record.outcome) {
        Some(Outcome::Failed(failure, _)) => {
            terminal.say(&format!(
                "{}: failed in stage {}: {}",
                case.id(),
                failure.stage.id(),
                failure.reason
            ));
        }
        Some(Outcome::Skipped(skip)) => terminal.say(&format!("{}: skipped: {}", case.id(), skip.reason())),
        Some(Outcome::Measured(_)) | None => {}
    }
}
