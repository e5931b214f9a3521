//! Measures what LLM inference costs on the machine in front of you, and sets it beside what people claim it costs.
pub mod clock;
pub mod faults;
pub mod hardware;
pub mod measurement;
pub mod model;
pub mod report;
pub mod stats;
pub mod units;
pub mod workload;
