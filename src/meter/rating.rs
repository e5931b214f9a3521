//! What is known of processors: rated power by name, power per virtual processor by family.

use crate::units::Watts;

/// A processor that says its name.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuRating {
    /// Its name without trademarks and clock.
    pub name: String,
    /// Thermal design power.
    pub rated: Watts,
    /// A second table's lower value, where two disagree.
    pub rated_low: Option<Watts>,
    /// Power it may take for long on common boards.
    pub turbo: Option<Watts>,
    /// Threads of the whole processor.
    pub threads: u64,
    /// Where the rating was read.
    pub source: String,
    /// True if two tables agree.
    pub verified: bool,
}

/// Processors that hide their name behind a hypervisor.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuFamily {
    /// The family's name.
    pub name: String,
    /// `vendor:family:model` as CPUID gives it.
    pub cpu_ids: Vec<String>,
    /// Watts per virtual processor at idle; whole server.
    pub idle: Watts,
    /// Watts per virtual processor at full load; whole server.
    pub busy: Watts,
    /// Where the coefficients were read.
    pub source: String,
}

/// Package power over rated power by load, with a factor of uncertainty; piecewise linear.
#[derive(Clone, Debug, PartialEq)]
pub struct EstimatorCurve {
    points: Vec<[f64; 3]>,
    /// Factor of uncertainty for families.
    pub family_spread: f64,
}

impl EstimatorCurve {
    /// From points (load, central, spread); `None` unless loads rise from 0 to 1 and all numbers are positive.
    pub fn new(points: Vec<[f64; 3]>, family_spread: f64) -> Option<Self> {
        let rises = points.windows(2).all(|pair| pair[0][0] < pair[1][0]);
        let spans = points.first().is_some_and(|p| p[0] <= 0.0) && points.last().is_some_and(|p| p[0] >= 1.0);
        let positive =
            points.iter().all(|p| p[1] > 0.0 && p[1].is_finite() && p[2] >= 1.0 && p[2].is_finite());
        (rises && spans && positive && family_spread >= 1.0).then_some(Self { points, family_spread })
    }

    /// Central value and spread at a load between 0 and 1.
    pub fn at(&self, load: f64) -> (f64, f64) {
        let load = load.clamp(0.0, 1.0);
        let pair = self.points.windows(2).find(|pair| load <= pair[1][0]).expect("the loads span 0 to 1");
        let share = (load - pair[0][0]) / (pair[1][0] - pair[0][0]);
        let mix = |column: usize| pair[0][column] + (pair[1][column] - pair[0][column]) * share;
        (mix(1), mix(2))
    }
}

/// The tables of `ledger/hardware.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratings {
    /// How power follows load.
    pub curve: EstimatorCurve,
    /// Named processors.
    pub cpus: Vec<CpuRating>,
    /// Families of nameless ones.
    pub families: Vec<CpuFamily>,
}

impl Ratings {
    /// The rating for a processor's own name, such as `AMD EPYC 7763 64-Core Processor`.
    pub fn cpu(&self, brand: &str) -> Option<&CpuRating> {
        let brand = format!(" {} ", plain(brand));
        let fits = |cpu: &&CpuRating| brand.contains(&format!(" {} ", plain(&cpu.name)));
        self.cpus.iter().filter(fits).max_by_key(|cpu| cpu.name.len())
    }

    /// The family of a CPUID triple.
    pub fn family(&self, cpu_id: &str) -> Option<&CpuFamily> {
        self.families.iter().find(|family| family.cpu_ids.iter().any(|id| id == cpu_id))
    }
}

/// A name without trademarks and clock, lower case, single spaces.
fn plain(name: &str) -> String {
    let text = name.to_lowercase().replace("(r)", " ").replace("(tm)", " ");
    let text = text.split('@').next().unwrap_or_default().to_owned();
    text.split_whitespace().filter(|word| *word != "cpu").collect::<Vec<_>>().join(" ")
}
