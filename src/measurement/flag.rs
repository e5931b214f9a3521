//! What a reader must know before trusting a figure.

use std::collections::BTreeMap;

use super::energy::Energy;
use super::figures::Figures;
use super::gate::Gate;
use super::run::Observed;
use super::sample::Measurement;
use crate::model::ModelRole;
use crate::units::index_as_u64;
use crate::workload::Case;

/// Half-widths of the time per output token above this share of it raise a flag.
const WIDE_HALF_WIDTH: f64 = 0.05;

/// How much a flag weighs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Good to know.
    Note,
    /// The figure stands, with care.
    Warning,
}

/// One remark on a case; the codes are stable strings in the run file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Flag {
    /// A build without optimisation was measured.
    DebugBuild,
    /// Energy is an estimate.
    EnergyEstimated,
    /// Fewer repetitions were measured than the workload asks for.
    FewerRepetitions,
    /// The logits were not compared with the plain path's.
    NotGated,
    /// Equal prompts gave different answers.
    OutputDiffers,
    /// All repetitions come from one process.
    SingleProcessStart,
    /// The weights are random.
    SyntheticWeights,
    /// A shape of the test suite was measured.
    TestShape,
    /// The interval of the decode time is wider than 5 % to either side.
    WideInterval,
}

impl Flag {
    /// Every code, in the order of its name.
    pub const ALL: [Self; 9] = [
        Self::DebugBuild,
        Self::EnergyEstimated,
        Self::FewerRepetitions,
        Self::NotGated,
        Self::OutputDiffers,
        Self::SingleProcessStart,
        Self::SyntheticWeights,
        Self::TestShape,
        Self::WideInterval,
    ];

    /// Every flag that a case deserves, in the order of their names. A run file whose flags differ from these is refused.
    pub fn raised(
        case: &Case,
        observed: Option<&Observed>,
        measurement: &Measurement,
        energy: &Energy,
        profile: &str,
    ) -> Vec<Self> {
        let wide = Figures::new(measurement)
            .and_then(|figures| figures.time_per_output_token.relative_half_width())
            .is_some_and(|half| half > WIDE_HALF_WIDTH);
        let measured = index_as_u64(measurement.measured().count());
        let raised = |flag: &Self| match flag {
            Self::DebugBuild => profile != "release",
            Self::EnergyEstimated => matches!(energy, Energy::Estimated { .. }),
            Self::FewerRepetitions => (1..case.workload.repetitions).contains(&measured),
            Self::NotGated => measured > 0 && matches!(measurement.gate, Some(Gate::NotComputed(_))),
            Self::OutputDiffers => equal_prompts_differ(measurement),
            Self::SingleProcessStart => measured > 0 && measurement.process_starts() == 1,
            Self::SyntheticWeights => observed.is_some_and(|observed| observed.file.weights.is_synthetic()),
            Self::TestShape => case.model.role == ModelRole::Test,
            Self::WideInterval => wide,
        };
        Self::ALL.into_iter().filter(raised).collect()
    }

    /// The code as written in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::DebugBuild => "debug-build",
            Self::EnergyEstimated => "energy-estimated",
            Self::FewerRepetitions => "fewer-repetitions",
            Self::NotGated => "not-gated",
            Self::OutputDiffers => "output-differs",
            Self::SingleProcessStart => "single-process-start",
            Self::SyntheticWeights => "synthetic-weights",
            Self::TestShape => "test-shape",
            Self::WideInterval => "wide-interval",
        }
    }

    /// The code with this name.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.id() == id)
    }

    /// How much it weighs.
    pub const fn severity(self) -> Severity {
        match self {
            Self::FewerRepetitions | Self::SingleProcessStart | Self::SyntheticWeights => Severity::Note,
            Self::DebugBuild
            | Self::EnergyEstimated
            | Self::NotGated
            | Self::OutputDiffers
            | Self::TestShape
            | Self::WideInterval => Severity::Warning,
        }
    }

    /// True if the figures deserve no trust: the build, the machine or the engine misbehaved. A case that could not be
    /// checked did not: nothing speaks against it, and its figures stand with the flag.
    pub const fn breaks_trust(self) -> bool {
        matches!(self, Self::DebugBuild | Self::OutputDiffers | Self::WideInterval)
    }

    /// What it means and what to do, in English.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::DebugBuild => {
                "Built without optimisation: these speeds mean nothing. Use cargo bench or --release."
            }
            Self::EnergyEstimated => {
                "Energy is a range from the processor's load and rating, not a measurement."
            }
            Self::FewerRepetitions => {
                "Fewer repetitions were measured than the workload asks for, because the time budget or the run ended; \
                 the interval is wider for it, and below six repetitions there is none."
            }
            Self::NotGated => {
                "The logits were not compared with a plain computation of the same weights, so nobody checked on this \
                 machine that the engine computes this model rightly; the case says why."
            }
            Self::OutputDiffers => {
                "Equal prompts gave different answers: the engine is not deterministic, or memory is faulty."
            }
            Self::SingleProcessStart => {
                "All repetitions come from one process start; the spread between starts is not in the interval."
            }
            Self::SyntheticWeights => {
                "Random weights in the model's exact shape: valid for speed and memory; synthetic data: power depends \
                 on the values; meaningless as text."
            }
            Self::TestShape => {
                "A tiny shape that only exercises the harness: nothing here describes a real model."
            }
            Self::WideInterval => {
                "The 95 % interval of the time per output token exceeds 5 % to either side: the machine was \
                 disturbed, or more repetitions are needed."
            }
        }
    }
}

/// True if one prompt, asked in several processes, got different answers.
fn equal_prompts_differ(measurement: &Measurement) -> bool {
    let mut answers = BTreeMap::new();
    measurement.repetitions.iter().any(|repetition| {
        *answers.entry(repetition.prompt).or_insert(repetition.output_digest) != repetition.output_digest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_read_back() {
        for code in Flag::ALL {
            assert_eq!(Flag::from_id(code.id()), Some(code));
        }
        assert_eq!(Flag::from_id("no-such-flag"), None);
    }
}
