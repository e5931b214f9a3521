//! Energy of a case: measured, estimated as a range, or missing with a reason. Never zero by default.

use crate::units::{Joules, Seconds, Watts};

/// Which part of the machine an energy covers. Energies of unlike scope do not add.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EnergyScope {
    /// The processor package: cores, caches, memory controller; no memory modules, no power supply.
    CpuPackage,
    /// A virtual machine's share of a server, in proportion to its processors, power supply included.
    ServerShare,
}

impl EnergyScope {
    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::CpuPackage => "cpu-package",
            Self::ServerShare => "server-share",
        }
    }
}

/// A power that was estimated, not read: the truth is thought to lie between `low` and `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerRange {
    /// Lower end.
    pub low: Watts,
    /// Most plausible value.
    pub central: Watts,
    /// Upper end.
    pub high: Watts,
}

impl PowerRange {
    /// The energies of this power over `time`, low, central and high.
    pub fn during(&self, time: Seconds) -> Option<[Joules; 3]> {
        Some([self.low.during(time)?, self.central.during(time)?, self.high.during(time)?])
    }
}

/// Why a figure is missing, and what would give it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Missing {
    /// What stands in the way.
    pub reason: String,
    /// What the user can do.
    pub remedy: String,
}

/// Energy of the measured repetitions of a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Energy {
    /// Read from a meter: the sum over the measured repetitions, idle power included.
    Measured {
        /// The sum.
        joules: Joules,
        /// What it covers.
        scope: EnergyScope,
        /// The meter.
        meter: String,
        /// Power while requests ran, read apart from the counter of the energy, where the meter has both.
        mean_power: Option<Watts>,
        /// The power that the device is allowed to draw, where the meter tells.
        power_limit: Option<Watts>,
    },
    /// A model of the processor's power, from its load and its rating: a range, never a measurement.
    Estimated {
        /// Power while requests ran.
        power: PowerRange,
        /// What it covers.
        scope: EnergyScope,
        /// Where the inputs come from.
        basis: String,
    },
    /// No figure.
    Missing(Missing),
}
