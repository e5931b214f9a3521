//! What each token may look at, and what its queries are multiplied by.

use crate::engine::kernels::Sight;
use crate::model::{Family, RopeScaling, Shape, SlidingWindow};
use crate::units::{count_as_f64, count_as_usize, index_as_u64, nearest_f32};

/// The rules of a model.
#[derive(Debug)]
pub(super) struct Rules {
    /// Positions that a token sees, itself among them.
    window: usize,
    /// `1 / sqrt(head size)`, and YaRN's factor where the family has one.
    scale: f32,
    /// The shape where queries have a factor by their position (Ministral 3).
    scaled: Option<Shape>,
}

impl Rules {
    pub(super) fn new(shape: &Shape) -> Self {
        let window = match shape.sliding_window {
            SlidingWindow::On(positions) => count_as_usize(positions),
            SlidingWindow::None | SlidingWindow::Off(_) => usize::MAX,
        };
        let is_scaled = matches!(&shape.rope_scaling, RopeScaling::Yarn(yarn) if yarn.query_beta.is_some());
        let scaled = (is_scaled && shape.family == Family::Mistral3).then(|| shape.clone());
        Self { window, scale: nearest_f32(shape.attention_scale()), scaled }
    }

    /// What the token at a position sees: itself and what came before, within the window.
    pub(super) fn sight(&self, position: usize) -> Sight {
        Sight { first: (position + 1).saturating_sub(self.window), last: position }
    }

    /// What the query of the token at a position is multiplied by.
    pub(super) fn query_factor(&self, position: usize) -> f32 {
        let Some(Shape { rope_scaling: RopeScaling::Yarn(yarn), .. }) = &self.scaled else {
            return self.scale;
        };
        self.scale * nearest_f32(yarn.query_scale(count_as_f64(index_as_u64(position))))
    }
}
