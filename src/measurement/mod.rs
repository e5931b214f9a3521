//! What was seen: samples, the check before them, the answers after them, energy with its scope and basis, flags, and the run that holds them. Pure.

mod answer;
mod energy;
mod figures;
mod flag;
mod gate;
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
pub use energy::{Energy, EnergyScope, Missing, PowerRange};
pub use figures::Figures;
pub use flag::{Flag, Severity};
pub use gate::{GATED_SINCE_METHOD, Gate, GateDistance, GateFault, NotGated};
pub use outcome::{Failure, Outcome, Skip, Stage};
pub use plausible::{
    CACHES_PER_WEIGHTS, CitedSpeed, ENERGY_TOLERANCE, IMPLAUSIBLE_ABOVE, NotJudged, Plausibility,
    cited_speed, energy_contradicts, power_over_limit,
};
pub use roofline::{ComputeUse, KV_VALUE_BYTES, NoRoofline, Roofline, StepBytes, applicable};
pub use run::{Boundary, CaseRecord, EngineIdentity, ModelFile, Observed, Order, Provenance, Run, RunId};
pub use sample::{LoadSample, Measurement, Repetition, Role};
pub use skip::EngineGap;
