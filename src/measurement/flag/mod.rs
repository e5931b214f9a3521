//! What a reader must know before trusting a figure: one type for validity, energy and comparability.

mod advice;
mod rules;
#[cfg(test)]
mod tests;

pub use rules::Evidence;

/// How much a flag weighs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Good to know.
    Note,
    /// The figure stands, with care.
    Warning,
    /// The figure deserves no trust: the build, the machine or the engine misbehaved.
    Untrustworthy,
}

impl Severity {
    /// The name that programs and the command line use.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Untrustworthy => "untrustworthy",
        }
    }
}

/// What a flag speaks of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Concern {
    /// Whether times and memory are what they say.
    Validity,
    /// Energy.
    Energy,
    /// Which other figures these can be set beside.
    Comparability,
}

/// One remark on a case; the codes are stable strings in the run file.
///
/// A flag is raised by what is known. What the system does not tell is unknown, and raises none.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Flag {
    /// Some consecutive repetitions were disturbed.
    Bursts,
    /// The clock's step is too large for the times it measured.
    CoarseClock,
    /// The control group's processor quota is below the threads of the engine, or held the process back.
    CpuQuota,
    /// The hypervisor gave processor time to others.
    CpuSteal,
    /// A build without optimisation was measured.
    DebugBuild,
    /// The last repetitions were slower or faster than the first.
    Drift,
    /// Two ways to know the energy contradict each other.
    EnergyContradicted,
    /// Energy is an estimate.
    EnergyEstimated,
    /// Fewer repetitions were measured than the workload asks for.
    FewerRepetitions,
    /// Other programs used the processors.
    ForeignLoad,
    /// More bytes per second than the memory was seen to give.
    Implausible,
    /// Memory was moved to or from swap, or programs waited for memory.
    MemoryPressure,
    /// The logits were not compared with the plain path's.
    NotGated,
    /// The machine ran on its battery.
    OnBattery,
    /// Equal prompts gave different answers.
    OutputDiffers,
    /// More power was drawn than the device is allowed to draw.
    PowerOverLimit,
    /// All repetitions come from one process.
    SingleProcessStart,
    /// The machine slept in the middle.
    Suspended,
    /// The weights are random.
    SyntheticWeights,
    /// A shape of the test suite was measured.
    TestShape,
    /// A processor was slowed because of its heat.
    Throttled,
    /// The interval of the decode time is wider than 20 % to either side.
    UntrustworthyInterval,
    /// The interval of the decode time is wider than 5 % to either side.
    WideInterval,
}

impl Flag {
    /// Every code, in the order of its name.
    pub const ALL: [Self; 23] = [
        Self::Bursts,
        Self::CoarseClock,
        Self::CpuQuota,
        Self::CpuSteal,
        Self::DebugBuild,
        Self::Drift,
        Self::EnergyContradicted,
        Self::EnergyEstimated,
        Self::FewerRepetitions,
        Self::ForeignLoad,
        Self::Implausible,
        Self::MemoryPressure,
        Self::NotGated,
        Self::OnBattery,
        Self::OutputDiffers,
        Self::PowerOverLimit,
        Self::SingleProcessStart,
        Self::Suspended,
        Self::SyntheticWeights,
        Self::TestShape,
        Self::Throttled,
        Self::UntrustworthyInterval,
        Self::WideInterval,
    ];

    /// The code as written in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Bursts => "bursts",
            Self::CoarseClock => "coarse-clock",
            Self::CpuQuota => "cpu-quota",
            Self::CpuSteal => "cpu-steal",
            Self::DebugBuild => "debug-build",
            Self::Drift => "drift",
            Self::EnergyContradicted => "energy-contradicted",
            Self::EnergyEstimated => "energy-estimated",
            Self::FewerRepetitions => "fewer-repetitions",
            Self::ForeignLoad => "foreign-load",
            Self::Implausible => "implausible",
            Self::MemoryPressure => "memory-pressure",
            Self::NotGated => "not-gated",
            Self::OnBattery => "on-battery",
            Self::OutputDiffers => "output-differs",
            Self::PowerOverLimit => "power-over-limit",
            Self::SingleProcessStart => "single-process-start",
            Self::Suspended => "suspended",
            Self::SyntheticWeights => "synthetic-weights",
            Self::TestShape => "test-shape",
            Self::Throttled => "throttled",
            Self::UntrustworthyInterval => "untrustworthy-interval",
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
            Self::Bursts
            | Self::CoarseClock
            | Self::CpuQuota
            | Self::CpuSteal
            | Self::Drift
            | Self::EnergyEstimated
            | Self::ForeignLoad
            | Self::MemoryPressure
            | Self::NotGated
            | Self::OnBattery
            | Self::PowerOverLimit
            | Self::TestShape
            | Self::Throttled
            | Self::WideInterval => Severity::Warning,
            Self::DebugBuild
            | Self::EnergyContradicted
            | Self::Implausible
            | Self::OutputDiffers
            | Self::Suspended
            | Self::UntrustworthyInterval => Severity::Untrustworthy,
        }
    }

    /// What it speaks of.
    pub const fn concern(self) -> Concern {
        match self {
            Self::EnergyContradicted | Self::EnergyEstimated | Self::PowerOverLimit => Concern::Energy,
            Self::SingleProcessStart | Self::SyntheticWeights | Self::TestShape => Concern::Comparability,
            _ => Concern::Validity,
        }
    }

    /// True if the headline figure, the time and cost of an output token, deserves no trust. A case that could not be checked
    /// is not such a one: nothing speaks against it, and its figures stand with the flag. Nor is one whose energy alone is
    /// in doubt.
    pub const fn breaks_trust(self) -> bool {
        matches!(self.severity(), Severity::Untrustworthy) && !matches!(self.concern(), Concern::Energy)
    }
}
