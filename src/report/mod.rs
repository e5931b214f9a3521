//! Pages for readers, in English and in French: a run, all claims, and the list of runs, each one self-contained HTML
//! file. Pure: data in, text out.
//!
//! Nothing runs and nothing loads: no script, no font, no picture from outside, one inlined style sheet under a
//! content security policy that names its hash. Templates hold the structure, `words` every word, `number` every
//! digit, `chart` every picture; texts from files are escaped by the template engine.

mod amount;
mod answers_view;
mod case_view;
mod chart;
mod claims_page;
mod claims_view;
mod component;
mod conditions_view;
mod cost_view;
mod csp;
mod energy_view;
mod engines_view;
mod gate_view;
mod index_page;
mod ledger_reader;
mod ledger_view;
mod noise_view;
mod notation;
mod number;
mod page;
mod page_file;
mod pages;
mod provenance_view;
mod roofline_view;
mod samples_view;
mod speed_view;
mod verdict_view;
mod words;

#[cfg(test)]
mod answers_laws;
#[cfg(test)]
mod engines_laws;
#[cfg(test)]
mod language_laws;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod number_laws;
#[cfg(test)]
mod page_text;
#[cfg(test)]
mod sample_ledger;
#[cfg(test)]
mod sample_run;
#[cfg(test)]
mod shipped_tests;
#[cfg(test)]
mod style_laws;
#[cfg(test)]
mod trust_laws;

pub use index_page::IndexEntry;
pub use pages::{Page, index_pages, run_pages};
