//! Measures what LLM inference costs on the machine in front of you, and sets it beside what people claim it costs.
//!
//! A reader must be able to trace any printed number to a sample, a dated source or a formula, and to recompute it.
//! So samples are kept, figures follow from them with an interval each, claims follow from sources and formulas, and
//! what is unknown is missing with a reason.
//!
//! A token's way: an [`engine`] emits it, the [`runner`] stamps it, the [`measurement`] keeps the stamp and turns it into
//! figures, the [`record`] writes both to the run file, the [`report`] prints them beside what the [`claim`] ledger says.
//!
//! Modules stand on floors and import only from lower ones; `tests/tidy.rs` checks it and `docs/ARCHITECTURE.md` says why:
//!
//! | Floor | Modules |
//! | --- | --- |
//! | 9 | [`cli`] |
//! | 8 | [`report`] |
//! | 7 | [`claim`] |
//! | 6 | [`record`], [`runner`] |
//! | 5 | [`cost`], [`engine`], [`meter`] |
//! | 4 | [`measurement`] |
//! | 3 | [`hub`], [`text`], [`workload`] |
//! | 2 | [`hardware`], [`model`] |
//! | 1 | [`clock`], [`date`], [`faults`], [`provenance`], [`stats`] |
//! | 0 | [`language`], [`units`] |

pub mod claim;
pub mod cli;
pub mod clock;
pub mod cost;
pub mod date;
pub mod engine;
pub mod faults;
pub mod hardware;
pub mod hub;
pub mod language;
pub mod measurement;
pub mod meter;
pub mod model;
pub mod provenance;
pub mod record;
pub mod report;
pub mod runner;
pub mod stats;
pub mod text;
pub mod units;
pub mod workload;
