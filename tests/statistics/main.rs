//! The rules of `src/stats`, held against noise of real runs: coverage, false alarms, what is found and what is not.
//!
//! Everything is seeded, so each of these tests gives the same counts anywhere. The tables of docs/METHODOLOGY.md are
//! printed by the ignored tests: `cargo test --test statistics -- --ignored --nocapture`.

#![expect(clippy::print_stdout, reason = "these tests print the tables of the methodology")]

mod difference;
mod disturbance;
mod interval;
mod noise;
mod rivals;
