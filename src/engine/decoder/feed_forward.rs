//! The feed-forward part of a layer: one gated network, or a router and many narrow ones.

use candle_core::{Result, Tensor};

use super::linear::{Linear, Loader, Matrix};
use crate::model::{Family, Mixture};
use crate::units::{count_as_usize, index_as_u64};

/// `down(silu(gate(x)) * up(x))`: `SwiGLU` (Shazeer 2020).
#[derive(Debug)]
pub(super) struct GatedNetwork {
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl GatedNetwork {
    /// `ending` tells the networks of a layer apart: nothing, `_shexp`, or `_exps.5`.
    pub(super) fn load(loader: &Loader<'_>, layer: u64, ending: &str) -> Result<Self> {
        let linear = |part: &str| loader.linear(&format!("blk.{layer}.ffn_{part}{ending}"));
        Ok(Self { gate: linear("gate")?, up: linear("up")?, down: linear("down")? })
    }

    /// `x`, `[.., hidden]`; the same shape comes back.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let gate = candle_nn::ops::silu(&self.gate.forward(x)?)?;
        self.down.forward(&(gate * self.up.forward(x)?)?)
    }
}

/// A mixture of experts: each token goes through the few that the router gives the most weight, and through the shared ones.
#[derive(Debug)]
pub(super) struct ExpertMixture {
    router: Matrix,
    experts: Vec<GatedNetwork>,
    shared: Option<GatedNetwork>,
    per_token: usize,
    /// True if the weights of the chosen experts are scaled to sum to one (Mixtral); `DeepSeek`-V2 leaves them as they are.
    rescales: bool,
}

impl ExpertMixture {
    pub(super) fn load(loader: &Loader<'_>, layer: u64, mixture: &Mixture) -> Result<Self> {
        let network = |ending: &str| GatedNetwork::load(loader, layer, ending);
        let experts = (0..mixture.experts).map(|expert| network(&format!("_exps.{expert}")));
        Ok(Self {
            router: loader.matrix(&format!("blk.{layer}.ffn_gate_inp.weight"))?,
            experts: experts.collect::<Result<_>>()?,
            shared: (mixture.shared_experts > 0).then(|| network("_shexp")).transpose()?,
            per_token: count_as_usize(mixture.experts_per_token),
            rescales: loader.checkpoint.shape.family != Family::DeepSeek2,
        })
    }

    /// `x`, `[batch, tokens, hidden]`; the same shape comes back.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, tokens, hidden) = x.dims3()?;
        let flat = x.reshape((batch * tokens, hidden))?;
        let weights = candle_nn::ops::softmax_last_dim(&self.router.multiply(&flat)?)?.to_vec2::<f32>()?;
        let mut sum = match &self.shared {
            Some(shared) => shared.forward(&flat)?,
            None => flat.zeros_like()?,
        };
        for (expert, chosen) in self.assignments(&weights).into_iter().enumerate() {
            if chosen.is_empty() {
                continue;
            }
            let (rows, factors): (Vec<u32>, Vec<f32>) = chosen.into_iter().unzip();
            let count = rows.len();
            let rows = Tensor::from_vec(rows, count, x.device())?;
            let factors = Tensor::from_vec(factors, (count, 1), x.device())?;
            let part = self.experts[expert].forward(&flat.index_select(&rows, 0)?)?;
            sum = sum.index_add(&rows, &part.broadcast_mul(&factors)?, 0)?;
        }
        sum.reshape((batch, tokens, hidden))
    }

    /// For each expert the tokens it gets, with their weights.
    fn assignments(&self, weights: &[Vec<f32>]) -> Vec<Vec<(u32, f32)>> {
        let mut of_experts = vec![Vec::new(); self.experts.len()];
        for (token, weights) in weights.iter().enumerate() {
            let mut order: Vec<usize> = (0..weights.len()).collect();
            order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
            order.truncate(self.per_token);
            let sum: f32 =
                if self.rescales { order.iter().map(|&expert| weights[expert]).sum() } else { 1.0 };
            for expert in order {
                let token = u32::try_from(index_as_u64(token)).expect("fewer tokens than ids");
                of_experts[expert].push((token, weights[expert] / sum));
            }
        }
        of_experts
    }
}
