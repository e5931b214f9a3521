//! Pictures as SVG text. Colours come from the style sheet, values from the caller, nothing from the machine.
//!
//! Own code instead of a chart crate, because pages need classes (dark theme), a `viewBox` (phones), `<title>` and
//! `<desc>` (screen readers) and the same bytes every time. Pictures are drawn 400 units wide, so that their text
//! keeps its size on a phone.

mod bars;
mod claim_scale;
mod samples;
mod scale;
mod svg;

pub(crate) use bars::{Bar, Bars};
pub(crate) use claim_scale::{ClaimScale, Mark, MarkKind, Shape};
pub(crate) use samples::{Dot, DotKind, Samples};
pub(crate) use svg::Svg;
