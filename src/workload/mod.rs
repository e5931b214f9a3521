//! How it is measured: workloads and their file (pure), cases, and the plan of a run (pure).

mod case;
mod plan;
mod spec;
mod wire;

pub use case::{Case, CaseId, DeviceChoice};
pub use plan::{CaseForecast, Plan, PlanError, Selection};
pub use spec::{Workload, WorkloadBook, WorkloadRole};
