//! Two rows of one run side by side: the same case by the engine of this project and by another one.

use super::figures::Figures;
use super::outcome::Outcome;
use super::run::{CaseRecord, Run};
use super::sample::{Repetition, by_start};
use crate::stats::{NoComparison, Starts, compare};
use crate::units::{Quantity, Ratio};

/// The same case by two engines, both measured.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The row of this project's engine.
    pub own: &'a CaseRecord,
    /// The row of the other one.
    pub other: &'a CaseRecord,
    /// The figures of the first.
    pub own_figures: &'a Figures,
    /// The figures of the second.
    pub other_figures: &'a Figures,
}

/// One figure of the first engine over that of the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// The ratio of the geometric means of the medians of the process starts.
    pub ratio: Ratio,
    /// The ends of its 95 % interval, or why there is none.
    pub interval: Result<[Ratio; 2], NoComparison>,
}

/// Why two figures have no ratio.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no ratio: an amount is zero or unknown")]
pub struct NoRatio;

impl<'a> Beside<'a> {
    /// Every pair of a run, in the order of its rows.
    pub fn all(run: &'a Run) -> Vec<Self> {
        let measured = |record: &'a CaseRecord| match (&record.outcome, &record.figures) {
            (Outcome::Measured(_), Some(figures)) => Some((record, figures)),
            _ => None,
        };
        let rows = || run.cases.iter().filter_map(measured);
        let pair = |(other, other_figures): (&'a CaseRecord, &'a Figures)| {
            let is_pair = |(own, _): &(&CaseRecord, _)| own.engine.is_own() && own.id() == other.id();
            let (own, own_figures) = rows().find(is_pair)?;
            Some(Self { own, other, own_figures, other_figures })
        };
        rows().filter(|(record, _)| !record.engine.is_own()).filter_map(pair).collect()
    }

    /// Decode speed: the inverse of the ratio of TPOT.
    pub fn decode(&self) -> Result<Compared, NoRatio> {
        self.speed(Repetition::time_per_output_token)
    }

    /// Prefill speed: the inverse of the ratio of TTFT.
    pub fn prefill(&self) -> Result<Compared, NoRatio> {
        self.speed(|repetition| Some(repetition.first_token))
    }

    /// Time of a load.
    pub fn load(&self) -> Result<Compared, NoRatio> {
        let of = |record: &CaseRecord| {
            let loads = record.outcome.measurement().loads.iter();
            by_start(&loads.map(|load| (load.process_start, load.duration)).collect::<Vec<_>>())
        };
        Compared::of(of(self.other), of(self.own))
    }

    /// Peak memory.
    pub fn memory(&self) -> Result<Compared, NoRatio> {
        Compared::of(nested(self.other, |r| r.peak_memory), nested(self.own, |r| r.peak_memory))
    }

    /// Half of the time is twice the speed.
    fn speed<Q: Quantity>(&self, time: fn(&Repetition) -> Option<Q>) -> Result<Compared, NoRatio> {
        Compared::of(nested(self.own, time), nested(self.other, time))
    }
}

/// What the measured repetitions say, by process start; `None` if one of them does not tell.
fn nested<Q: Quantity>(record: &CaseRecord, of: fn(&Repetition) -> Option<Q>) -> Option<Starts<Q>> {
    let told = record.outcome.measurement().measured().map(|r| Some((r.process_start, of(r)?)));
    by_start(&told.collect::<Option<Vec<_>>>()?)
}

impl Compared {
    /// The second over the first, as [`compare`] has it; with too few process starts for an interval the ratio alone.
    ///
    /// Start medians of 14.0, 14.0 and 14.0 tokens/s beside 21.0, 21.0 and 21.0 give 1.5.
    fn of<Q: Quantity>(first: Option<Starts<Q>>, second: Option<Starts<Q>>) -> Result<Self, NoRatio> {
        let (first, second) = (first.ok_or(NoRatio)?, second.ok_or(NoRatio)?);
        match compare(&first, &second) {
            Ok(found) => Ok(Self { ratio: found.ratio(), interval: Ok([found.low(), found.high()]) }),
            Err(NoComparison::Zero) => Err(NoRatio),
            Err(why) => {
                let (first, second) = (center(&first).ok_or(NoRatio)?, center(&second).ok_or(NoRatio)?);
                let ratio = Ratio::new((second - first).exp()).map_err(|_| NoRatio)?;
                Ok(Self { ratio, interval: Err(why) })
            }
        }
    }
}

/// The mean of the logarithms of the start medians; `None` where one is zero.
fn center<Q: Quantity>(starts: &Starts<Q>) -> Option<f64> {
    let logarithms = starts.logarithms()?;
    Some(
        logarithms.iter().sum::<f64>()
            / crate::units::count_as_f64(crate::units::index_as_u64(logarithms.len())),
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample::tests::repetition;
    use super::super::{Measurement, OWN_ENGINE, REFERENCE_ENGINE, Role, example_run};
    use super::*;
    use crate::units::Bytes;

    /// A run of one case by both engines, in process starts with these TPOTs.
    fn run(own: &[f64], other: &[f64]) -> Run {
        let mut run = example_run();
        let row = |engine: &str, times: &[f64]| {
            let mut record = run.cases[0].clone();
            let mut measurement = record.outcome.measurement().clone();
            measurement.repetitions = (0..)
                .zip(times)
                .flat_map(|(start, time)| {
                    (0..2).map(move |place| Repetition {
                        process_start: start,
                        peak_memory: Some(Bytes::new(1_000_000)),
                        ..repetition(start * 2 + place, Role::Measured, 2.0, &[*time; 9])
                    })
                })
                .collect();
            record.engine.id = engine.into();
            record.figures = Figures::new(&measurement);
            record.outcome = Outcome::Measured(measurement);
            record
        };
        run.cases = vec![row(OWN_ENGINE, own), row(REFERENCE_ENGINE, other)];
        run
    }

    #[test]
    fn a_case_by_two_engines_gives_ratios_with_intervals() {
        let run = run(&[0.02, 0.0204, 0.0196], &[0.03, 0.0306, 0.0294]);
        let pairs = Beside::all(&run);
        let [pair] = &pairs[..] else { panic!("one pair") };
        assert_eq!(
            (pair.own.engine.id.as_str(), pair.other.engine.id.as_str()),
            (OWN_ENGINE, REFERENCE_ENGINE)
        );
        let decode = pair.decode().unwrap();
        let [low, high] = decode.interval.unwrap();
        assert!((decode.ratio.value() - 1.5).abs() < 1e-9, "{decode:?}");
        assert!(low.value() > 1.3 && low < decode.ratio && decode.ratio < high, "{decode:?}");
        let same = pair.prefill().unwrap();
        assert!((same.ratio.value() - 1.0).abs() < 1e-12, "{same:?}");
        assert!((pair.memory().unwrap().ratio.value() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn too_few_process_starts_leave_the_ratio_without_an_interval() {
        let run = run(&[0.02], &[0.03]);
        let decode = Beside::all(&run)[0].decode().unwrap();
        assert!((decode.ratio.value() - 1.5).abs() < 1e-9);
        assert_eq!(decode.interval, Err(NoComparison::TooFewStarts { first: 1, second: 1 }));
    }

    #[test]
    fn what_is_not_told_or_zero_has_no_ratio() {
        let mut run = run(&[0.02, 0.02, 0.02], &[0.03, 0.03, 0.03]);
        let Outcome::Measured(measurement) = &mut run.cases[1].outcome else { panic!("it was measured") };
        measurement.repetitions[3].peak_memory = None;
        let pair = Beside::all(&run)[0];
        assert_eq!(pair.memory(), Err(NoRatio));
        assert!(pair.decode().is_ok());
        let starts = |value: f64| Starts::new(vec![vec![Ratio::new(value).unwrap()]; 3]).ok();
        assert_eq!(Compared::of(starts(0.0), starts(1.0)), Err(NoRatio));
        let one = |value: f64| Starts::new(vec![vec![Ratio::new(value).unwrap()]]).ok();
        assert_eq!(Compared::of(one(0.0), one(1.0)), Err(NoRatio));
    }

    #[test]
    fn a_pair_needs_the_same_case_both_measured_and_the_own_engine() {
        let both = run(&[0.02], &[0.03]);
        let mut no_own = both.clone();
        no_own.cases[0].engine.id = "third".into();
        let mut other_case = both.clone();
        other_case.cases[1].case.workload.id = "another".into();
        let mut failed = both.clone();
        failed.cases[1].outcome = Outcome::Failed(
            super::super::Failure::new(super::super::Stage::Load, "gone"),
            Measurement::default(),
        );
        assert_eq!(Beside::all(&both).len(), 1);
        for run in [no_own, other_case, failed] {
            assert!(Beside::all(&run).is_empty());
        }
    }
}
