//! Pages for readers: one self-contained HTML file per run, and the list of runs. Pure: data in, text out.
//!
//! Nothing runs and nothing loads: no script, no font, no picture from outside, one inlined style sheet under a
//! content security policy that names its hash. Templates hold the structure, `words` every word, `number` every
//! digit, `chart` every picture; texts from files are escaped by the template engine.

mod case_view;
mod chart;
mod claims_view;
mod component;
mod cost_view;
mod csp;
mod en;
mod energy_view;
mod index_page;
mod ledger_view;
mod number;
mod page;
mod provenance_view;
mod verdict_view;
mod words;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod sample_run;
#[cfg(test)]
mod style_laws;

pub use index_page::{IndexEntry, render_index};
pub use ledger_view::{ClaimOutcome, ClaimView, Examination, LedgerView, PointKind, ScalePoint, SourceView};
pub use page::RunPage;
