//! How it is measured: workloads and their file, cases, the plan of a run, its order and its forecast. Pure.

mod case;
mod forecast;
mod order;
mod plan;
mod quota;
mod spec;
mod wire;

pub use case::{Case, CaseId, DeviceChoice};
pub use forecast::{CaseForecast, Footprint, Pace, Share, total as total_forecast};
pub use order::Shuffle;
pub use plan::{Plan, PlanError, Selection, Suite};
pub use quota::Quota;
pub use spec::{Workload, WorkloadBook, WorkloadRole};
