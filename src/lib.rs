//! Measures what LLM inference costs on the machine in front of you, and sets it beside what people claim it costs.
pub mod claim;
pub mod clock;
pub mod cost;
pub mod date;
pub mod engine;
pub mod faults;
pub mod hardware;
pub mod measurement;
pub mod meter;
pub mod model;
pub mod provenance;
pub mod record;
pub mod runner;
pub mod stats;
pub mod units;
pub mod workload;
