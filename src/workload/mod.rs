//! How it is measured: workloads and their file, cases, the plan of a run and its forecast. Pure.

mod case;
mod forecast;
mod plan;
mod spec;
mod wire;

pub use case::{Case, CaseId, DeviceChoice};
pub use forecast::{CaseForecast, Footprint, Pace, Share, total as total_forecast};
pub use plan::{Plan, PlanError, Selection, Suite};
pub use spec::{Workload, WorkloadBook, WorkloadRole};
