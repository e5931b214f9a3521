//! What one process measures of a run: model after model as it is loaded, the cases of each in turns, within the time there is.

use super::session::{OpenGroup, Row};
use super::summary::{announcement, gate_line, rough};
use super::{Session, Terminal};
use crate::measurement::{Measurement, Outcome, Role, Skip};
use crate::stats::{Part, Stopping};
use crate::units::{Seconds, count_as_f64, count_as_usize};
use crate::workload::{CaseForecast, Quota, Share, total_forecast};

/// Loads after the repetitions get at most this share of a group's time when a budget bounds it.
const MOST_TIME_FOR_LOADS: f64 = 0.2;

/// A forecast is corrected by the case before, but a tiny case says little about a large one.
const LEAST_SLOWNESS: f64 = 0.5;
/// The same upwards.
const MOST_SLOWNESS: f64 = 4.0;

/// Announces the rows and does this process's share of them. With a budget each row gets a share of what is left, by its
/// forecast. Returns the time that was announced: here, or by the first process of the run, as `announced` says.
pub(super) fn measure_all(
    session: &mut Session,
    rows: &[Row],
    budget: Option<Seconds>,
    announced: Option<Seconds>,
    terminal: &mut Terminal,
) -> anyhow::Result<Seconds> {
    let forecasts = session.forecasts(rows);
    let (starts, number) = session.starts();
    let known: Vec<CaseForecast> = forecasts.iter().copied().flatten().collect();
    let total = total_forecast(&known);
    let bounded = budget.filter(|budget| *budget < total).unwrap_or(total);
    if announced.is_none() {
        terminal.note(&announcement(
            rows,
            &forecasts,
            budget,
            session.device().kind(),
            session.starts_left(),
        ));
    }
    if starts > 1 && number < starts {
        terminal.note(&format!("process start {} of {starts}", number + 1));
    }
    let mut slowness = 1.0;
    let mut shuffle = session.shuffle();
    let groups = match &mut shuffle {
        Some(shuffle) => shuffle.groups(rows, Row::shares_model),
        None => (0..rows.len()).map(|place| vec![place]).collect(),
    };
    for (index, group) in groups.iter().enumerate() {
        if session.is_stopped() {
            break;
        }
        let later: Vec<CaseForecast> =
            groups[index + 1..].iter().flatten().filter_map(|&place| forecasts[place]).collect();
        let due = Due { rows, forecasts: &forecasts, group, later: &later };
        let turn = due.admit(session, budget, slowness, terminal)?;
        if let Some(slower) = measure(session, &turn, budget, &mut shuffle, terminal)? {
            slowness = slower.clamp(LEAST_SLOWNESS, MOST_SLOWNESS);
        }
    }
    Ok(announced.unwrap_or(bounded))
}

/// The rows of one checkpoint and engine when their turn has come.
struct Due<'a> {
    rows: &'a [Row],
    forecasts: &'a [Option<CaseForecast>],
    group: &'a [usize],
    /// Forecasts of what comes after them.
    later: &'a [CaseForecast],
}

/// Those of them that are tried, and until when.
struct Turn {
    rows: Vec<(Row, CaseForecast)>,
    /// Time since this process took up the run; `None` without a budget.
    until: Option<Seconds>,
}

impl Due<'_> {
    /// Closes the rows that are not tried: what the engine lacks, what a suite has no time for, and what the budget has
    /// no room for.
    fn admit(
        &self,
        session: &mut Session,
        budget: Option<Seconds>,
        slowness: f64,
        terminal: &mut Terminal,
    ) -> anyhow::Result<Turn> {
        let mut tried = Vec::new();
        let mut given = 0.0;
        for &place in self.group {
            let row = &self.rows[place];
            let Some(forecast) = self.forecasts[place] else {
                session.open(std::slice::from_ref(row), terminal)?;
                say_how_it_ended(session, row, terminal);
                continue;
            };
            let skip = match session.exceeds_limit(&row.case, &forecast) {
                Some(skip) => Err(skip),
                None => self.time_for(session, place, budget, given, slowness)?,
            };
            match skip {
                Ok(time) => {
                    given += time.unwrap_or_default();
                    tried.push((row.clone(), forecast));
                }
                // What earlier process starts measured of it stays.
                Err(skip) if session.has_samples_of(row) => {
                    terminal.say(&format!("{}: nothing more of it: {}", row.id(), skip.reason()));
                }
                Err(skip) => {
                    session.skip(row, skip)?;
                    say_how_it_ended(session, row, terminal);
                }
            }
        }
        let until = budget.map(|_| Seconds::new(session.elapsed().value() + given)).transpose()?;
        Ok(Turn { rows: tried, until })
    }

    /// What a case gets of a budget of which `given` is promised already, or that it gets nothing. Later process starts get
    /// their shares too, unless not even the shortest form of the case fits beside them.
    fn time_for(
        &self,
        session: &Session,
        place: usize,
        budget: Option<Seconds>,
        given: f64,
        slowness: f64,
    ) -> anyhow::Result<Result<Option<f64>, Skip>> {
        let (Some(budget), Some(forecast)) = (budget, self.forecasts[place]) else { return Ok(Ok(None)) };
        let left = Seconds::new((budget.value() - session.elapsed().value() - given).max(0.0))?;
        let now = Seconds::new(left.value() / count_as_f64(session.starts_left()))?;
        let rest = self.group.iter().skip_while(|&&other| other != place).skip(1);
        let mut due = vec![forecast];
        due.extend(rest.filter_map(|&other| self.forecasts[other]));
        due.extend(self.later);
        Ok(match (Share::of(&due, now, slowness), Share::of(&due, left, slowness)) {
            (Share::Time(share), _) => Ok(Some(share.value())),
            (_, Share::Time(_)) => Ok(Some(forecast.shortest().value() * slowness)),
            (_, Share::TooLittle { needed }) => Err(Skip::Budget { needed, left }),
        })
    }
}

/// Measures the rows of one checkpoint and engine, and returns how many times as long as forecast the last request took. Progress is
/// printed between repetitions, never while one is timed. The gate may take more than the group's share of a budget, but not
/// more than the budget: a repetition that nobody checked is worth less than one repetition fewer.
fn measure(
    session: &mut Session,
    turn: &Turn,
    budget: Option<Seconds>,
    shuffle: &mut Option<crate::workload::Shuffle>,
    terminal: &mut Terminal,
) -> anyhow::Result<Option<f64>> {
    let Some((first, _)) = turn.rows.first() else { return Ok(None) };
    let began = session.elapsed();
    let rows: Vec<Row> = turn.rows.iter().map(|(row, _)| row.clone()).collect();
    let mut group = session.open(&rows, terminal)?;
    terminal.progress(&format!("{}: loading", first.id()));
    session.load(&mut group)?;
    let was_checked = group.cases().iter().map(|case| !case.needs_check()).collect::<Vec<_>>();
    session.check(&mut group, budget)?;
    for (case, was_checked) in group.cases().iter().zip(was_checked) {
        if let (Some(gate), false) = (&case.measurement().gate, was_checked) {
            terminal.note(&format!("  {}", gate_line(Some(gate))));
        }
    }
    let mut rounds = Rounds::new(session, turn, &group, began);
    let mut slowness = None;
    loop {
        let mut places: Vec<usize> =
            (0..group.cases().len()).filter(|&place| rounds.wants_more(session, &group, place)).collect();
        if places.is_empty() || session.is_stopped() {
            break;
        }
        if let Some(shuffle) = shuffle {
            shuffle.shuffle(&mut places);
        }
        for place in places {
            // Filling the cache with a context takes longer than a repetition: such a case does all of its own in a row.
            let in_a_row = group.case(place).case().workload.context_depth > 0;
            while rounds.wants_more(session, &group, place) {
                slowness = rounds.one(session, &mut group, place, terminal)?.or(slowness);
                if !in_a_row {
                    break;
                }
            }
        }
    }
    session.load_again(&mut group, turn.until)?;
    if session.starts_left() == 1 {
        session.answer(&mut group, turn.until, terminal)?;
    }
    for place in 0..group.cases().len() {
        session.finish(&mut group, place)?;
    }
    for row in &rows {
        say_how_it_ended(session, row, terminal);
    }
    Ok(slowness)
}

/// What the cases of a group still want, and what they have taken.
struct Rounds<'a> {
    turn: &'a Turn,
    began: Seconds,
    /// By the place in the group.
    quotas: Vec<Quota>,
    taken: Vec<f64>,
    last: Vec<Option<Seconds>>,
}

impl<'a> Rounds<'a> {
    fn new(session: &Session, turn: &'a Turn, group: &OpenGroup, began: Seconds) -> Self {
        let count = group.cases().len();
        let quotas = (0..count).map(|place| session.quota(&group.row(place))).collect();
        Self { turn, began, quotas, taken: vec![0.0; count], last: vec![None; count] }
    }

    /// Whether the case at `place` gets another repetition: always up to its fewest, and then until its figures are precise, it
    /// has had the most, or its time is up. A budget ends it earlier, but not before the first measured one.
    fn wants_more(&self, session: &Session, group: &OpenGroup, place: usize) -> bool {
        let case = group.case(place);
        let quota = self.quotas[place];
        let done = case.measured_in_this_process();
        if case.has_ended() || session.is_stopped() || quota.most == 0 {
            return false;
        }
        if case.next_role() == Role::WarmUp || case.measured() == 0 {
            return true;
        }
        let next = self.last[place].map_or(0.0, Seconds::value);
        if let Some(until) = self.turn.until
            && session.elapsed().value() + next + self.time_for_loads(group, until) > until.value()
        {
            return false;
        }
        if done < quota.fewest {
            return true;
        }
        let workload = &case.case().workload;
        let limit = count_as_f64(workload.limit_seconds) / count_as_f64(session.starts().0.max(1));
        let stopping = Stopping::between(
            count_as_usize(workload.repetitions),
            count_as_usize(workload.most_repetitions),
        );
        let part = Part {
            fewest: count_as_usize(quota.fewest),
            most: count_as_usize(quota.most),
            starts: count_as_usize(session.starts().0),
            is_last: session.starts_left() == 1,
        };
        let so_far = times_per_output_token(case.measurement());
        self.taken[place] + next <= limit && stopping.goes_on(&so_far, count_as_usize(done), &part)
    }

    fn one(
        &mut self,
        session: &mut Session,
        group: &mut OpenGroup,
        place: usize,
        terminal: &mut Terminal,
    ) -> anyhow::Result<Option<f64>> {
        let role = group.case(place).next_role();
        let before = session.elapsed();
        let Some(time) = session.repeat(group, place)? else { return Ok(None) };
        self.taken[place] += session.elapsed().value() - before.value();
        let (case, quota) = (group.case(place), self.quotas[place]);
        let (done, id) = (case.measured_in_this_process(), group.row(place).id());
        let left = Seconds::new(time.value() * count_as_f64(quota.fewest.saturating_sub(done)))?;
        let rest = if done >= quota.fewest { String::new() } else { format!(", about {} left", rough(left)) };
        let which = match role {
            Role::WarmUp => "warm-up".to_owned(),
            Role::Measured => format!("{done} of {}", quota.fewest.max(done)),
        };
        terminal.progress(&format!("{id}: {which} in {:.2} s{rest}", time.value()));
        let forecast =
            self.turn.rows.iter().find(|(row, _)| row.id() == id).map(|(_, forecast)| forecast.request);
        let Some(forecast) = forecast else { return Ok(None) };
        if self.last[place].is_none() && session.starts().1 == 0 {
            terminal.note(&format!("  (forecast {:.2} s, seen {:.2} s)", forecast.value(), time.value()));
        }
        self.last[place] = Some(time);
        Ok(Some(time.value() / forecast.value()))
    }

    /// What the remaining loads should take, but no more than their share.
    fn time_for_loads(&self, group: &OpenGroup, until: Seconds) -> f64 {
        let needed = group.cases().iter().map(|case| {
            let load = case.measurement().loads.last().map_or(0.0, |load| load.duration.value());
            load * count_as_f64(case.case().workload.loads.saturating_sub(case.loads()))
        });
        needed.fold(0.0, f64::max).min(MOST_TIME_FOR_LOADS * (until.value() - self.began.value()))
    }
}

/// The times that decide when a case is precise enough.
fn times_per_output_token(measurement: &Measurement) -> Vec<Seconds> {
    measurement.measured().filter_map(crate::measurement::Repetition::time_per_output_token).collect()
}

fn say_how_it_ended(session: &Session, row: &Row, terminal: &mut Terminal) {
    let record = session.run().cases.iter().find(|record| record.row_id() == row.id());
    match record.map(|record| &record.outcome) {
        // Interrupted is what a case is called that the next process start goes on with.
        Some(outcome @ Outcome::Failed(failure, _))
            if !outcome.ended_early() || session.starts_left() == 1 =>
        {
            terminal.say(&format!(
                "{}: failed in stage {}: {}",
                row.id(),
                failure.stage.id(),
                failure.reason
            ));
        }
        Some(Outcome::Skipped(skip)) => terminal.say(&format!("{}: skipped: {}", row.id(), skip.reason())),
        Some(Outcome::Failed(..) | Outcome::Measured(_)) | None => {}
    }
}
