//! The feed-forward part of a layer, token by token where a router decides.

use candle_core::Result;

use super::matrix::Rows;
use super::{Plain, softmax};
use crate::model::{Family, FeedForward, Mixture};
use crate::units::count_as_usize;

impl Plain<'_> {
    /// What one layer's feed-forward part adds, for all positions.
    pub(super) fn feed_forward(self, x: &Rows, layer: u64) -> Result<Rows> {
        match &self.checkpoint.shape.feed_forward {
            FeedForward::Mixture(mixture) if layer >= mixture.dense_layers => self.mix(x, layer, mixture),
            FeedForward::Dense { .. } | FeedForward::Mixture(_) => self.gated(x, layer, ""),
        }
    }

    /// `down(silu(gate(x)) * up(x))`.
    fn gated(self, x: &Rows, layer: u64, ending: &str) -> Result<Rows> {
        let project = |x: &Rows, part: &str| self.project(x, &format!("blk.{layer}.ffn_{part}{ending}"));
        let (mut gate, up) = (project(x, "gate")?, project(x, "up")?);
        for position in 0..gate.count() {
            let row = gate.row_mut(position).iter_mut();
            row.zip(up.row(position)).for_each(|(gate, up)| *gate = *gate / (1.0 + (-*gate).exp()) * up);
        }
        project(&gate, "down")
    }

    fn mix(self, x: &Rows, layer: u64, mixture: &Mixture) -> Result<Rows> {
        let mut weights = self.multiply(x, &format!("blk.{layer}.ffn_gate_inp.weight"))?;
        weights.each(softmax);
        let mut sum = match mixture.shared_experts {
            0 => Rows::zeros(x.count(), x.row(0).len()),
            _ => self.gated(x, layer, "_shexp")?,
        };
        for expert in 0..count_as_usize(mixture.experts) {
            let shares: Vec<(usize, f64)> = (0..x.count())
                .filter_map(|position| Some((position, self.share(weights.row(position), expert, mixture)?)))
                .collect();
            if shares.is_empty() {
                continue;
            }
            let mut own = Rows::new(x.row(0).len());
            for (position, _) in &shares {
                own.push(x.row(*position));
            }
            let part = self.gated(&own, layer, &format!("_exps.{expert}"))?;
            for (index, (position, share)) in shares.into_iter().enumerate() {
                let row = sum.row_mut(position).iter_mut();
                row.zip(part.row(index)).for_each(|(sum, part)| *sum += share * part);
            }
        }
        Ok(sum)
    }

    /// The weight of an expert for a token, if it is among the chosen: fewer experts than are chosen weigh more than it. Of
    /// two that weigh the same the first is taken.
    fn share(self, weights: &[f64], expert: usize, mixture: &Mixture) -> Option<f64> {
        let comes_before = |other: usize, one: usize| {
            weights[other] > weights[one] || (weights[other].total_cmp(&weights[one]).is_eq() && other < one)
        };
        let rank = |one: usize| (0..weights.len()).filter(|&other| comes_before(other, one)).count();
        let chosen = count_as_usize(mixture.experts_per_token);
        if rank(expert) >= chosen {
            return None;
        }
        if self.checkpoint.shape.family == Family::DeepSeek2 {
            return Some(weights[expert]);
        }
        let sum: f64 = (0..weights.len()).filter(|&one| rank(one) < chosen).map(|one| weights[one]).sum();
        Some(weights[expert] / sum)
    }
}
