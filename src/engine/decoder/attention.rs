//! Grouped-query attention (Ainslie and others 2023): groups of query heads share a key and a value head.

use candle_core::{Result, Tensor};

use super::cache::Cache;
use super::linear::{Linear, Loader, RmsNorm};
use super::mask::Mask;
use super::rotary::Rotary;
use crate::units::count_as_usize;

/// The attention of one layer.
#[derive(Debug)]
pub(super) struct GroupedAttention {
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    query_norm: Option<RmsNorm>,
    key_norm: Option<RmsNorm>,
    keys: Cache,
    values: Cache,
}

impl GroupedAttention {
    pub(super) fn load(
        loader: &Loader<'_>,
        layer: u64,
        [heads, kv_heads, head_dim]: [u64; 3],
    ) -> Result<Self> {
        let [heads, kv_heads, head_dim] = [heads, kv_heads, head_dim].map(count_as_usize);
        let linear = |part: &str| loader.linear(&format!("blk.{layer}.{part}"));
        let norm = |part: &str| loader.norm(&format!("blk.{layer}.{part}"));
        let has_norms = loader.checkpoint.shape.family.has_query_key_norm();
        Ok(Self {
            heads,
            kv_heads,
            head_dim,
            query: linear("attn_q")?,
            key: linear("attn_k")?,
            value: linear("attn_v")?,
            output: linear("attn_output")?,
            query_norm: has_norms.then(|| norm("attn_q_norm")).transpose()?,
            key_norm: has_norms.then(|| norm("attn_k_norm")).transpose()?,
            keys: Cache::new(kv_heads, head_dim, loader.device),
            values: Cache::new(kv_heads, head_dim, loader.device),
        })
    }

    pub(super) fn caches(&mut self) -> [&mut Cache; 2] {
        [&mut self.keys, &mut self.values]
    }

    /// `x`, `[batch, tokens, hidden]`, whose first token stands at `position`; the same shape comes back.
    pub(super) fn forward(
        &mut self,
        x: &Tensor,
        rotary: &Rotary,
        mask: &Mask,
        position: usize,
    ) -> Result<Tensor> {
        let (batch, tokens, _) = x.dims3()?;
        let query = self.split(&self.query.forward(x)?, self.heads, self.query_norm.as_ref())?;
        let key = self.split(&self.key.forward(x)?, self.kv_heads, self.key_norm.as_ref())?;
        let value = self.split(&self.value.forward(x)?, self.kv_heads, None)?;
        let query = mask.scale_queries(&rotary.turn(&query, position)?)?;
        let keys = self.keys.append(&rotary.turn(&key, position)?)?;
        let values = self.values.append(&value)?;
        let (keys, values) = (mask.visible(&keys)?, mask.visible(&values)?);

        // The query heads of a group lie one after the other, as rows of one matrix: no key or value is repeated.
        let group = self.heads / self.kv_heads;
        let query = query.contiguous()?.reshape((batch, self.kv_heads, group * tokens, self.head_dim))?;
        let scores = query.matmul(&keys.t()?)?;
        let seen = scores.dim(3)?;
        let scores = scores.reshape((batch, self.heads, tokens, seen))?;
        let weights = mask.weights(&scores)?.reshape((batch, self.kv_heads, group * tokens, seen))?;
        let heads = weights.matmul(&values)?.reshape((batch, self.heads, tokens, self.head_dim))?;
        self.output.forward(&heads.transpose(1, 2)?.reshape((batch, tokens, self.heads * self.head_dim))?)
    }

    /// `[batch, tokens, heads * width]` to `[batch, heads, tokens, width]`, each head normalised where the model does so.
    fn split(&self, x: &Tensor, heads: usize, norm: Option<&RmsNorm>) -> Result<Tensor> {
        let (batch, tokens, _) = x.dims3()?;
        let x = x.reshape((batch, tokens, heads, self.head_dim))?;
        let x = match norm {
            Some(norm) => norm.forward(&x)?,
            None => x,
        };
        x.transpose(1, 2)
    }
}
