//! When each flag is raised. All thresholds stand here; `docs/METHODOLOGY.md` gives the reason for each.

use std::collections::BTreeMap;

use super::Flag;
use crate::hardware::{Ceilings, Device, Environment, Machine, Window};
use crate::measurement::plausible::{ENERGY_TOLERANCE, energy_contradicts, power_over_limit};
use crate::measurement::{
    CaseRecord, Energy, Figures, Gate, Measurement, Observed, Repetition, Roofline, Run,
};
use crate::model::ModelRole;
use crate::stats::{burst, drift};
use crate::units::{Bytes, Seconds, count_as_f64, index_as_u64};
use crate::workload::Case;

/// Half-widths of the time per output token above this share of it are wide.
const WIDE_HALF_WIDTH: f64 = 0.05;
/// Above this share nothing can be said.
const UNTRUSTWORTHY_HALF_WIDTH: f64 = 0.20;
/// Stolen processor time above this share of all processors.
const STEAL: f64 = 0.01;
/// Processor time of others above this share of all processors.
const FOREIGN: f64 = 0.05;
/// Time that the quota held the process back, above this share of all processors, or that programs waited for memory, above
/// this share of the time.
const STALL: f64 = 0.01;
/// Less than this moves to and from swap on any idle machine.
const SWAPPED: Bytes = Bytes::new(1_000_000);
/// Steps of the clock above this share of the time per output token.
const CLOCK_STEP: f64 = 0.001;

/// All that the flags of a case follow from.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What was asked.
    pub case: &'a Case,
    /// Bytes of one value in the engine's KV cache.
    pub kv_value_bytes: u64,
    /// What was found.
    pub observed: Option<&'a Observed>,
    /// The samples.
    pub measurement: &'a Measurement,
    /// What follows from them.
    pub figures: Option<&'a Figures>,
    /// Their energy.
    pub energy: &'a Energy,
    /// The machine.
    pub machine: &'a Machine,
    /// Its state.
    pub environment: &'a Environment,
    /// What its device can do.
    pub ceilings: Option<&'a Ceilings>,
    /// `release` or `debug`: how the program was built.
    pub profile: &'a str,
}

impl<'a> Evidence<'a> {
    /// That of one row of a run.
    pub fn of(record: &'a CaseRecord, run: &'a Run) -> Self {
        Self {
            case: &record.case,
            kv_value_bytes: record.engine.kv_value_bytes,
            observed: record.observed.as_ref(),
            measurement: record.outcome.measurement(),
            figures: record.figures.as_ref(),
            energy: &record.energy,
            machine: &run.machine,
            environment: &run.environment,
            ceilings: run.ceilings.as_ref(),
            profile: &run.provenance.profile,
        }
    }

    fn measured(&self) -> impl Iterator<Item = &'a Repetition> + use<'a> {
        self.measurement.measured()
    }

    fn count(&self) -> u64 {
        index_as_u64(self.measured().count())
    }

    /// The sum over the windows of measured repetitions; `None` if one of them does not tell.
    fn sum(&self, amount: impl Fn(&Window) -> Option<f64>) -> Option<f64> {
        let mut windows = self.measured().map(|repetition| &repetition.window).peekable();
        windows.peek()?;
        windows.try_fold(0.0, |sum, window| Some(sum + amount(window)?))
    }

    /// The time of all measured repetitions.
    fn time(&self) -> f64 {
        self.measured().map(|repetition| repetition.end_to_end().value()).sum()
    }

    /// A sum of processor time over what all processors have.
    fn share_of_processors(&self, amount: impl Fn(&Window) -> Option<Seconds>) -> Option<f64> {
        let all = self.time() * count_as_f64(self.machine.logical_cpus);
        Some(self.sum(|window| amount(window).map(Seconds::value))? / all).filter(|share| share.is_finite())
    }

    fn share_of_time(&self, amount: impl Fn(&Window) -> Option<Seconds>) -> Option<f64> {
        let share = self.sum(|window| amount(window).map(Seconds::value))? / self.time();
        Some(share).filter(|share| share.is_finite())
    }

    /// Half the width of the interval of the time per output token, over that time.
    fn half_width(&self) -> Option<f64> {
        self.figures?.time_per_output_token.relative_half_width()
    }

    /// Times per output token in the order in which they were measured.
    fn times(&self) -> Vec<Seconds> {
        let mut ordered: Vec<&Repetition> = self.measured().collect();
        ordered.sort_by_key(|repetition| (repetition.process_start, repetition.started));
        ordered.into_iter().filter_map(Repetition::time_per_output_token).collect()
    }

    fn raises(&self, flag: Flag) -> bool {
        let beyond = |share: Option<f64>, limit: f64| share.is_some_and(|share| share > limit);
        match flag {
            Flag::Bursts => burst(&self.times()).is_some(),
            Flag::CoarseClock => self.has_coarse_clock(),
            Flag::CpuQuota => {
                self.has_low_quota() || beyond(self.share_of_processors(|window| window.quota_stall), STALL)
            }
            Flag::CpuSteal => beyond(self.share_of_processors(|window| window.steal), STEAL),
            Flag::DebugBuild => self.profile != "release",
            Flag::Drift => drift(&self.times()).is_some_and(|drift| drift.is_notable()),
            Flag::EnergyContradicted => self.energy_contradicts(),
            Flag::EnergyEstimated => matches!(self.energy, Energy::Estimated { .. }),
            Flag::FewerRepetitions => (1..self.case.workload.repetitions).contains(&self.count()),
            Flag::ForeignLoad => beyond(self.share_of_processors(|window| window.foreign_cpu), FOREIGN),
            Flag::Implausible => self.is_implausible(),
            Flag::MemoryPressure => {
                let swapped = self.sum(|window| window.swapped.map(Bytes::as_f64));
                beyond(swapped, SWAPPED.as_f64())
                    || beyond(self.share_of_time(|window| window.memory_stall), STALL)
            }
            Flag::NotGated => self.count() > 0 && matches!(self.measurement.gate, Some(Gate::NotComputed(_))),
            Flag::OnBattery => self.measured().any(|repetition| repetition.window.on_battery == Some(true)),
            Flag::OutputDiffers => self.has_equal_prompts_answered_differently(),
            Flag::PowerOverLimit => match self.energy {
                Energy::Measured { mean_power: Some(power), power_limit: Some(limit), .. } => {
                    power_over_limit(*power, *limit)
                }
                _ => false,
            },
            Flag::SingleProcessStart => self.count() > 0 && self.measurement.process_starts() == 1,
            Flag::Suspended => beyond(self.sum(|window| window.suspended.map(Seconds::value)), 0.0),
            Flag::SyntheticWeights => self.observed.is_some_and(|seen| seen.file.weights.is_synthetic()),
            Flag::TestShape => self.case.model.role == ModelRole::Test,
            Flag::Throttled => beyond(self.sum(|window| window.thermal_throttles.map(count_as_f64)), 0.0),
            Flag::UntrustworthyInterval => beyond(self.half_width(), UNTRUSTWORTHY_HALF_WIDTH),
            Flag::WideInterval => {
                let half = self.half_width();
                beyond(half, WIDE_HALF_WIDTH) && !beyond(half, UNTRUSTWORTHY_HALF_WIDTH)
            }
        }
    }

    fn has_coarse_clock(&self) -> bool {
        let (Some(step), Some(figures)) = (self.environment.clock_step_nanoseconds, self.figures) else {
            return false;
        };
        count_as_f64(step) / 1e9 > CLOCK_STEP * figures.time_per_output_token.value().value()
    }

    /// A card does the work of a case on a card, whatever its host is allowed.
    fn has_low_quota(&self) -> bool {
        let Some(quota) = self.environment.cpu_quota_milli else { return false };
        match self.observed.map(|observed| &observed.device) {
            Some(Device::Cpu { threads }) => quota < threads.saturating_mul(1_000),
            Some(Device::Cuda { .. }) | None => false,
        }
    }

    fn energy_contradicts(&self) -> bool {
        let Energy::Measured { joules, mean_power: Some(power), .. } = self.energy else { return false };
        Seconds::new(self.time())
            .is_ok_and(|time| energy_contradicts(*joules, *power, time, ENERGY_TOLERANCE))
    }

    fn is_implausible(&self) -> bool {
        let Some(figures) = self.figures else { return false };
        let cache = match self.observed.map(|observed| &observed.device) {
            Some(Device::Cpu { .. }) => self.machine.last_level_cache(),
            // No driver tells a card's cache here; no card that is sold has more than this.
            Some(Device::Cuda { .. }) => Some(LARGEST_CARD_CACHE),
            None => None,
        };
        let roofline = Roofline::new(self.case, self.kv_value_bytes, figures, self.ceilings);
        roofline.plausibility(self.case.workload.batch, cache).is_implausible()
    }

    /// Equal numbers are equal prompts, asked in several processes.
    fn has_equal_prompts_answered_differently(&self) -> bool {
        let mut answers = BTreeMap::new();
        self.measurement.repetitions.iter().any(|repetition| {
            *answers.entry(repetition.prompt).or_insert(repetition.output_digest) != repetition.output_digest
        })
    }
}

/// An upper bound on the last-level cache of one card: MI300X has 256 MB, H200 50 MB.
const LARGEST_CARD_CACHE: Bytes = Bytes::new(256 << 20);

impl Flag {
    /// Every flag that a case deserves, in the order of their names. A run file whose flags differ from these is refused.
    pub fn raised(evidence: &Evidence<'_>) -> Vec<Self> {
        Self::ALL.into_iter().filter(|flag| evidence.raises(*flag)).collect()
    }
}
