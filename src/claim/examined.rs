//! What the examination of one claim gave.

use super::formula::{Figure, Input};
use super::outcome::{Examination, Outcome};

/// An outcome with everything that a reader needs to recompute it.
#[derive(Clone, Debug, PartialEq)]
pub struct Examined {
    /// How the claim was examined.
    pub examination: Examination,
    /// What that gave.
    pub outcome: Outcome,
    /// The amount the claim was compared with, in the claim's unit; `None` if it was compared with nothing.
    pub evidence: Option<Figure>,
    /// The printed recalculation, such as `2,788,000 GPU*h x 2 USD/GPU/h = 5.576 M USD`; empty without evidence.
    pub steps: String,
    /// The constants in it.
    pub inputs: Vec<Input>,
    /// Ids of the sources of the claim's analysis, of the inputs and of the proportions, each once.
    pub sources: Vec<String>,
    /// Ids of the constants and sources among these that nobody verified.
    pub unverified: Vec<String>,
}
