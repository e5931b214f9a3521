//! Measures what LLM inference costs on the machine in front of you, and sets it beside what people claim it costs.
pub mod claim;
pub mod clock;
pub mod cost;
pub mod date;
pub mod faults;
pub mod model;
pub mod stats;
pub mod units;
