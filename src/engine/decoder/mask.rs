//! What each token of a step may look at, and how scores become weights.

use candle_core::{Device, Result, Tensor};

use crate::model::{Family, RopeScaling, Shape, SlidingWindow};
use crate::units::{count_as_f64, count_as_usize, index_as_u64, nearest_f32};

/// The same for all layers and sequences of one step.
#[derive(Debug)]
pub(super) struct Mask {
    /// Factor of the scores: `1 / sqrt(head size)`, and YaRN's where the family has one.
    scale: f64,
    /// Factors of the queries, `[tokens, 1]` (Ministral 3).
    query_scale: Option<Tensor>,
    /// First position that any token of the step sees.
    from: usize,
    /// Zero or minus infinity, `[tokens, positions from there on]`; none where every token sees everything.
    bias: Option<Tensor>,
}

impl Mask {
    /// For `tokens` that follow `position` earlier ones. A token sees itself and what came before it; with a window of `w`
    /// positions, those of the last `w` including itself.
    pub(super) fn new(shape: &Shape, position: usize, tokens: usize, device: &Device) -> Result<Self> {
        let window = match shape.sliding_window {
            SlidingWindow::On(positions) => count_as_usize(positions),
            SlidingWindow::None | SlidingWindow::Off(_) => usize::MAX,
        };
        let from = (position + 1).saturating_sub(window);
        let seen = position + tokens - from;
        let hides = |row: usize, column: usize| {
            let (own, other) = (position + row, from + column);
            other > own || own - other >= window
        };
        let bias = if (0..tokens).any(|row| hides(row, 0) || hides(row, seen - 1)) {
            let row =
                |row| (0..seen).map(move |column| if hides(row, column) { f32::NEG_INFINITY } else { 0.0 });
            let values: Vec<f32> = (0..tokens).flat_map(row).collect();
            Some(Tensor::from_vec(values, (tokens, seen), device)?)
        } else {
            None
        };
        let query_scale = query_scales(shape, position, tokens)
            .map(|values| Tensor::from_vec(values, (tokens, 1), device))
            .transpose()?;
        Ok(Self { scale: shape.attention_scale(), query_scale, from, bias })
    }

    /// Queries `[.., tokens, width]`, times what their position asks for.
    pub(super) fn scale_queries(&self, queries: &Tensor) -> Result<Tensor> {
        match &self.query_scale {
            Some(factors) => queries.broadcast_mul(factors),
            None => Ok(queries.clone()),
        }
    }

    /// The positions that some token of the step sees, of keys or values `[.., positions, width]`.
    pub(super) fn visible(&self, cached: &Tensor) -> Result<Tensor> {
        let positions = cached.dim(2)?;
        if self.from == 0 { Ok(cached.clone()) } else { cached.narrow(2, self.from, positions - self.from) }
    }

    /// Scores `[batch, heads, tokens, positions]` to weights that sum to one.
    pub(super) fn weights(&self, scores: &Tensor) -> Result<Tensor> {
        let scores = (scores * self.scale)?;
        let scores = match &self.bias {
            Some(bias) => scores.broadcast_add(bias)?,
            None => scores,
        };
        candle_nn::ops::softmax_last_dim(&scores)
    }
}

/// Ministral 3's factor of a query by its position; `None` for all other models.
fn query_scales(shape: &Shape, position: usize, tokens: usize) -> Option<Vec<f32>> {
    let RopeScaling::Yarn(yarn) = &shape.rope_scaling else { return None };
    let factor = |token: usize| nearest_f32(yarn.query_scale(count_as_f64(index_as_u64(position + token))));
    (shape.family == Family::Mistral3 && yarn.query_beta.is_some()).then(|| (0..tokens).map(factor).collect())
}
