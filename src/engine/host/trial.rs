//! One matrix and activations of many tokens, as a pass multiplies them: to measure how fast that is.

use candle_core::Result;

use super::Tools;
use super::activations::Activations;
use super::cache::Widths;
use super::products::{Line, Product, forms, products};
use super::weights::{Linear, Matrix};
use crate::engine::kernels::{Bytes, Kind, Level, PIECE};

/// A product that can be computed again and again.
#[derive(Debug)]
pub(in crate::engine) struct Trial {
    tools: Tools,
    linear: Linear,
    input: Activations,
    lines: Vec<Line>,
    tokens: usize,
}

impl Trial {
    /// A matrix `[rows, columns]` in these bytes, and as many tokens as a pass takes in, whose value in a column is
    /// `value(token, column)`.
    pub(in crate::engine) fn new(
        threads: usize,
        (kind, bytes): (Kind, Vec<u8>),
        [rows, columns]: [usize; 2],
        tokens: usize,
        value: impl Fn(usize, usize) -> f32 + Sync,
    ) -> Result<Self> {
        let level = Level::best();
        let mut tools = Tools::new(level, threads, Widths { key: 16, value: 16 })?;
        let linear = Linear::from(Matrix::new(kind, Bytes::of(bytes), [rows, columns])?);
        let mut input = Activations::default();
        input.fill(&mut tools, forms(level, [&linear]), columns.div_ceil(PIECE) * tokens, |slot, piece| {
            let (first, token) = (slot / tokens * PIECE, slot % tokens);
            for (column, place) in (first..).zip(piece.iter_mut()) {
                *place = if column < columns { value(token, column) } else { 0.0 };
            }
        });
        Ok(Self { tools, linear, input, lines: Vec::new(), tokens })
    }

    /// Computes it.
    pub(in crate::engine) fn multiply(&mut self) {
        let Self { tools, linear, input, lines, tokens } = self;
        products(tools, 1, |_| Product::new(linear, input, *tokens), lines);
    }
}
