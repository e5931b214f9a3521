//! Multi-head latent attention (DeepSeek-V2, 2024): keys and values of all heads come from one small vector per token.
//!
//! Only that vector and one rotated key are cached. The matrices that would expand it are applied to the query and to the
//! weighted sum instead, which gives the same numbers and reads far less.

use candle_core::{Result, Tensor};

use super::cache::Cache;
use super::linear::{Linear, Loader, RmsNorm};
use super::mask::Mask;
use super::rotary::Rotary;
use crate::units::count_as_usize;

/// The attention of one layer.
#[derive(Debug)]
pub(super) struct LatentAttention {
    widths: Widths,
    query: Linear,
    latent: Linear,
    latent_norm: RmsNorm,
    /// From a query's part without position to the latent space, `[heads, nope, rank]`.
    key_expansion: Tensor,
    /// From the latent space to a value, `[heads, rank, value]`.
    value_expansion: Tensor,
    output: Linear,
    cache: Cache,
}

/// Sizes of the parts, as [`crate::model::Attention::Latent`] has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    heads: usize,
    rank: usize,
    nope: usize,
    rope: usize,
    value: usize,
}

impl Widths {
    pub(super) fn new(sizes: [u64; 5]) -> Self {
        let [heads, rank, nope, rope, value] = sizes.map(count_as_usize);
        Self { heads, rank, nope, rope, value }
    }
}

impl LatentAttention {
    pub(super) fn load(loader: &Loader<'_>, layer: u64, widths: Widths) -> Result<Self> {
        let linear = |part: &str| loader.linear(&format!("blk.{layer}.{part}"));
        let (key_expansion, value_expansion) = expansions(loader, layer, widths)?;
        Ok(Self {
            widths,
            query: linear("attn_q")?,
            latent: linear("attn_kv_a_mqa")?,
            latent_norm: loader.norm(&format!("blk.{layer}.attn_kv_a_norm"))?,
            key_expansion,
            value_expansion,
            output: linear("attn_output")?,
            cache: Cache::new(1, widths.rank + widths.rope, loader.device),
        })
    }

    pub(super) fn cache(&mut self) -> &mut Cache {
        &mut self.cache
    }

    /// `x`, `[batch, tokens, hidden]`, whose first token stands at `position`; the same shape comes back.
    pub(super) fn forward(
        &mut self,
        x: &Tensor,
        rotary: &Rotary,
        mask: &Mask,
        position: usize,
    ) -> Result<Tensor> {
        let Widths { heads, rank, nope, rope, value } = self.widths;
        let (batch, tokens, _) = x.dims3()?;

        let latent = self.latent.forward(x)?;
        let shared_key = latent.narrow(2, rank, rope)?.unsqueeze(1)?;
        let latent = self.latent_norm.forward(&latent.narrow(2, 0, rank)?)?.unsqueeze(1)?;
        let cached = Tensor::cat(&[&latent, &rotary.turn(&shared_key, position)?], 3)?;
        let cached = mask.visible(&self.cache.append(&cached)?)?.squeeze(1)?;

        let query = self.query.forward(x)?.reshape((batch, tokens, heads, nope + rope))?.transpose(1, 2)?;
        let rotated = rotary.turn(&query.narrow(3, nope, rope)?, position)?;
        let query = per_head(&query.narrow(3, 0, nope)?, &self.key_expansion)?;
        let query = mask.scale_queries(&Tensor::cat(&[&query, &rotated], 3)?)?;

        let scores = query.reshape((batch, heads * tokens, rank + rope))?.matmul(&cached.t()?)?;
        let seen = scores.dim(2)?;
        let weights = mask.weights(&scores.reshape((batch, heads, tokens, seen))?)?;
        let sums = weights.reshape((batch, heads * tokens, seen))?.matmul(&cached.narrow(2, 0, rank)?)?;
        let values = per_head(&sums.reshape((batch, heads, tokens, rank))?, &self.value_expansion)?;
        self.output.forward(&values.transpose(1, 2)?.reshape((batch, tokens, heads * value))?)
    }
}

/// Multiplies `x`, `[batch, heads, tokens, in]`, with a matrix per head, `[heads, in, out]`.
fn per_head(x: &Tensor, matrices: &Tensor) -> Result<Tensor> {
    let (batch, heads, tokens, width) = x.dims4()?;
    let rows = x.transpose(0, 1)?.reshape((heads, batch * tokens, width))?;
    let product = rows.matmul(matrices)?;
    product.reshape((heads, batch, tokens, ()))?.transpose(0, 1)?.contiguous()
}

/// The two matrices of each head. Files hold them as two stacks, with the key's turned round, or joined as on the hub:
/// per head `nope` rows for the key and `value` rows for the value.
fn expansions(loader: &Loader<'_>, layer: u64, widths: Widths) -> Result<(Tensor, Tensor)> {
    let Widths { heads, rank, nope, value, .. } = widths;
    let Loader { checkpoint, device, .. } = *loader;
    if let Some(joined) = checkpoint.find(&format!("blk.{layer}.attn_kv_b.weight")) {
        let joined = joined.floats(device)?.reshape((heads, nope + value, rank))?;
        let key = joined.narrow(1, 0, nope)?.contiguous()?;
        return Ok((key, joined.narrow(1, nope, value)?.transpose(1, 2)?.contiguous()?));
    }
    let key = checkpoint.get(&format!("blk.{layer}.attn_k_b.weight"))?.floats(device)?;
    let value = checkpoint.get(&format!("blk.{layer}.attn_v_b.weight"))?.floats(device)?;
    Ok((key.transpose(1, 2)?.contiguous()?, value.transpose(1, 2)?.contiguous()?))
}
