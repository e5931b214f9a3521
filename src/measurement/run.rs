//! A run: what was asked, on what, by which program, and what came out.

use std::fmt;

use super::energy::{Energy, Missing};
use super::figures::Figures;
use super::flag::{Evidence, Flag};
use super::outcome::Outcome;
use crate::hardware::{Ceilings, Device, Environment, Machine};
use crate::model::Weights;
use crate::units::{Bytes, Tokens};
use crate::workload::{Case, CaseId};

/// A run's name: its start in UTC and its machine, for example `20261121T034000Z-3f2a9c01b7de`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RunId(String);

impl RunId {
    /// Takes a run id, or says why it is none; it names a folder, so it holds letters, digits and hyphens only.
    pub fn new(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.len() <= 80 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is not a run id"))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The program that measured, exactly.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Provenance {
    /// Version of this program.
    pub tool_version: String,
    /// Git revision it was built from, `-dirty` appended if files had changed; `None` outside a checkout.
    pub git_revision: Option<String>,
    /// Compiled features.
    pub features: Vec<String>,
    /// `release` or `debug`.
    pub profile: String,
    /// The command that repeats the run, without paths and hosts.
    pub command: String,
    /// Version of the method; a change that can move a number raises it (`docs/METHOD-CHANGES.md`).
    pub method_version: u32,
}

/// Who chose the order of cases and repetitions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// One case after the other.
    Sequential,
    /// Cases of one checkpoint take turns, in an order drawn from this seed for each process start.
    Interleaved {
        /// The seed.
        seed: u64,
    },
}

/// Where the stopwatch stood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Boundary {
    /// In the process that computes.
    InProcess,
}

impl Boundary {
    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
        }
    }
}

/// The engine of this project: its figures speak for a run that has several.
pub const OWN_ENGINE: &str = "claimbench";
/// The engine it is set beside: candle-transformers as it is.
pub const REFERENCE_ENGINE: &str = "candle-transformers";

/// An engine. No version, no number: an engine that cannot tell its version cannot be measured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EngineIdentity {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Where the stopwatch stands when it is timed.
    pub boundary: Boundary,
}

impl EngineIdentity {
    /// True for the engine of this project.
    pub fn is_own(&self) -> bool {
        self.id == OWN_ENGINE
    }
}

/// The name of one row among those of a run: the case, then the engine unless it is this project's own.
///
/// A run measures a case with each engine at most once, so no two rows have the same name.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RowId {
    case: CaseId,
    engine: String,
}

impl RowId {
    /// The name of this case by the engine with this [`EngineIdentity::id`].
    pub fn new(case: CaseId, engine: &str) -> Self {
        Self { case, engine: engine.to_owned() }
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.engine.as_str() {
            OWN_ENGINE => write!(f, "{}", self.case),
            other => write!(f, "{}/{other}", self.case),
        }
    }
}

/// The checkpoint that was measured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModelFile {
    /// Where the weights come from.
    pub weights: Weights,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: Bytes,
}

/// What was found, as opposed to what was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Observed {
    /// The device that computed.
    pub device: Device,
    /// The checkpoint.
    pub file: ModelFile,
    /// Output tokens of every repetition, per sequence; the workload asked for this many.
    pub output_tokens: Option<Tokens>,
}

/// One row of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseRecord {
    /// What was asked.
    pub case: Case,
    /// The engine.
    pub engine: EngineIdentity,
    /// What was found; `None` if the case failed before a checkpoint was there.
    pub observed: Option<Observed>,
    /// What came out.
    pub outcome: Outcome,
    /// The summary of the samples; `None` if there is nothing to sum up. [`Figures::new`] of them, but for a run of an
    /// older method: its figures are those that its file states.
    pub figures: Option<Figures>,
    /// Energy of the measured repetitions.
    pub energy: Energy,
    /// What a reader must know, sorted and without repetition.
    pub flags: Vec<Flag>,
}

impl CaseRecord {
    /// The case's name.
    pub fn id(&self) -> CaseId {
        self.case.id()
    }

    /// The row's name: that of the case, and the engine.
    pub fn row_id(&self) -> RowId {
        RowId::new(self.id(), &self.engine.id)
    }
}

/// Everything one call of the program measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Name.
    pub id: RunId,
    /// Start, in seconds of the Unix epoch (UTC).
    pub started_unix_seconds: i64,
    /// Every time the run was taken up again by another process, in seconds of the Unix epoch (UTC).
    pub resumed_unix_seconds: Vec<i64>,
    /// The program.
    pub provenance: Provenance,
    /// The machine.
    pub machine: Machine,
    /// Its state.
    pub environment: Environment,
    /// What the device does at its best; `None` if that was not measured, as in files before method 3.
    pub ceilings: Option<Ceilings>,
    /// Who chose the order.
    pub order: Order,
    /// Process starts that the repetitions of each case were to be spread over.
    pub process_starts_asked: u64,
    /// One row per case.
    pub cases: Vec<CaseRecord>,
    /// Meters that do not exist here, and why.
    pub meters_missing: Vec<(String, Missing)>,
}

impl Run {
    /// Derives the figures and flags of every case anew from the samples and what is known of the machine.
    pub fn derive(&mut self) {
        for row in &mut self.cases {
            row.figures = Figures::new(row.outcome.measurement());
        }
        let flags: Vec<_> = self.cases.iter().map(|row| Flag::raised(&Evidence::of(row, self))).collect();
        for (row, flags) in self.cases.iter_mut().zip(flags) {
            row.flags = flags;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::sample::tests::repetition;
    use super::super::{Failure, Gate, LoadSample, Measurement, PowerRange, Role, Stage};
    use super::*;
    use crate::measurement::EnergyScope;
    use crate::model::Registry;
    use crate::units::{Ratio, Seconds, Watts, count_as_f64};
    use crate::workload::{Plan, WorkloadBook};

    /// A run of one measured and one failed case, with every kind of field filled.
    pub(crate) fn example() -> Run {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let book = WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml")).unwrap();
        let plan = Plan::new(&registry, &book, &crate::workload::Selection::default()).unwrap();
        let [case, other] = plan.cases() else { panic!("the default suite has two cases") };
        let engine =
            EngineIdentity { id: "scripted".into(), version: "1".into(), boundary: Boundary::InProcess };
        let role = |i| if i == 0 { Role::WarmUp } else { Role::Measured };
        let repetitions = (0..13)
            .map(|i| {
                repetition(i, role(i), 2.0 + count_as_f64(i) / 100.0, &[0.07 + count_as_f64(i) / 1e4; 63])
            })
            .collect();
        let loads = (0..6_u64).map(|i| LoadSample {
            process_start: 0,
            started: crate::clock::Moment::from_nanos(i * 3_000_000_000),
            duration: Seconds::new(1.9 + count_as_f64(i) / 50.0).unwrap(),
        });
        let watts = |value| Watts::new(value).unwrap();
        let gate = Gate::compared(32, 31, 0.0123, Ratio::new(0.091).unwrap()).unwrap();
        let file = ModelFile {
            weights: Weights::Synthetic { seed: 1 },
            sha256: "ab".repeat(32),
            bytes: Bytes::new(9),
        };
        let measurement =
            Measurement { loads: loads.collect(), repetitions, gate: Some(gate), ..Measurement::default() };
        let measured = CaseRecord {
            case: case.clone(),
            engine: engine.clone(),
            observed: Some(Observed {
                device: Device::Cpu { threads: 2 },
                file,
                output_tokens: Some(Tokens::new(64)),
            }),
            figures: Figures::new(&measurement),
            outcome: Outcome::Measured(measurement),
            energy: Energy::Estimated {
                power: PowerRange { low: watts(3.0), central: watts(6.0), high: watts(12.0) },
                scope: EnergyScope::CpuPackage,
                basis: "a test".into(),
            },
            flags: vec![Flag::EnergyEstimated, Flag::SingleProcessStart, Flag::SyntheticWeights],
        };
        let failed = CaseRecord {
            case: other.clone(),
            engine,
            observed: None,
            outcome: Outcome::Failed(
                Failure::new(Stage::Prepare, "no space left on the disk"),
                Measurement::default(),
            ),
            figures: None,
            energy: Energy::Missing(Missing {
                reason: "nothing was measured".into(),
                remedy: "see why".into(),
            }),
            flags: vec![],
        };
        Run {
            id: RunId::new("20261121T034000Z-3f2a9c01b7de").unwrap(),
            started_unix_seconds: 1_795_232_400,
            resumed_unix_seconds: vec![],
            provenance: Provenance {
                tool_version: "0.0.1".into(),
                git_revision: Some("0123456789ab".into()),
                features: vec![],
                profile: "release".into(),
                command: "cargo bench".into(),
                method_version: crate::provenance::METHOD_VERSION,
            },
            machine: crate::hardware::example_machine(),
            environment: Environment { kernel: Some("6.1".into()), ..Environment::default() },
            ceilings: Some(crate::hardware::example_ceilings()),
            order: Order::Interleaved { seed: 1 },
            process_starts_asked: 1,
            cases: vec![measured, failed],
            meters_missing: vec![(
                "rapl".into(),
                Missing { reason: "no counters".into(), remedy: "use a wall meter".into() },
            )],
        }
    }

    #[test]
    fn run_ids_name_folders_and_nothing_else() {
        assert!(RunId::new("20261121T034000Z-3f2a9c01b7de").is_ok());
        for bad in ["", "../up", "a/b", "a b", &"x".repeat(81)] {
            assert!(RunId::new(bad).is_err(), "{bad} was taken");
        }
    }
}
