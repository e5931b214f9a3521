//! What was seen: samples, the check before them, the answers after them, energy with its scope and basis, flags, and the run that holds them. Pure.

mod answer;
mod beside;
mod energy;
mod figures;
mod flag;
mod gate;
mod noise;
mod outcome;
mod plausible;
mod roofline;
mod run;
mod sample;
mod skip;

#[cfg(test)]
pub(crate) use answer::tests::example as example_answer;
#[cfg(test)]
pub(crate) use run::tests::example as example_run;

pub use answer::{Answer, AnswerEnd, NoAnswer, Sampling, Unanswered};
pub use beside::{Beside, Compared, NoRatio};
pub use energy::{Energy, EnergyScope, Missing, PowerRange};
pub use figures::{Figures, Percentile};
pub use flag::{Concern, Evidence, Flag, Severity};
pub use gate::{GATED_SINCE_METHOD, Gate, GateDistance, GateFault, NotGated};
pub use noise::{Noise, OutlierCounts};
pub use outcome::{Failure, Outcome, Skip, Stage};
pub use plausible::{
    CACHES_PER_WEIGHTS, CitedSpeed, ENERGY_TOLERANCE, IMPLAUSIBLE_ABOVE, NotJudged, Plausibility,
    cited_speed, energy_contradicts, power_over_limit,
};
pub use roofline::{ComputeUse, KV_VALUE_BYTES, NoRoofline, Roofline, StepBytes, applicable};
pub use run::{
    Boundary, CaseRecord, EngineIdentity, ModelFile, OWN_ENGINE, Observed, Order, Provenance,
    REFERENCE_ENGINE, RowId, Run, RunId,
};
pub use sample::{LoadSample, Measurement, Repetition, Role};
pub use skip::EngineGap;
