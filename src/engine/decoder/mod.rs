//! The project's own forward pass on candle-core: one implementation on tensors for all decoders of the list.
//!
//! Its parts have the names of the papers. What a model does differently is in its [`Shape`] and in the names of its tensors;
//! nothing here asks for a model by name. Activations and the KV cache are 32-bit floats, weights stay as they are stored.
//!
//! It computes on cards, and on processors without kernels of their own; elsewhere [`super::host`] does.

mod attention;
mod cache;
mod feed_forward;
mod latent;
mod linear;
mod mask;
mod plain_blocks;
mod rotary;

use candle_core::{Device, Result, Tensor};

use self::attention::GroupedAttention;
use self::cache::Cache;
use self::feed_forward::{ExpertMixture, GatedNetwork};
use self::latent::{LatentAttention, Widths};
pub(super) use self::linear::Matrix;
use self::linear::{Loader, RmsNorm};
use self::mask::Mask;
use self::rotary::Rotary;
use super::checkpoint::Checkpoint;
use crate::model::{Attention, FeedForward, Shape};

/// A decoder-only transformer on a device, with its KV cache.
#[derive(Debug)]
pub(super) struct Decoder {
    shape: Shape,
    device: Device,
    embedding: Matrix,
    layers: Vec<Layer>,
    norm: RmsNorm,
    /// `None` where the embedding table serves as output matrix.
    output: Option<Matrix>,
    rotary: Rotary,
    /// Tokens in the cache.
    position: usize,
}

#[derive(Debug)]
struct Layer {
    attention_norm: RmsNorm,
    attention: LayerAttention,
    feed_forward_norm: RmsNorm,
    feed_forward: LayerFeedForward,
}

#[derive(Debug)]
enum LayerAttention {
    Grouped(GroupedAttention),
    Latent(LatentAttention),
}

#[derive(Debug)]
enum LayerFeedForward {
    Dense(GatedNetwork),
    Mixture(ExpertMixture),
}

impl Decoder {
    /// Reads all weights of a checkpoint onto a device. `repacks` allows candle's faster product of quantised weights on a
    /// CPU, which holds them a second time at 4/3 of their size.
    pub(super) fn load(checkpoint: &Checkpoint, device: &Device, repacks: bool) -> Result<Self> {
        let (loader, shape) = (Loader { checkpoint, device, repacks }, checkpoint.shape.clone());
        let layers = (0..shape.layers).map(|layer| Layer::load(&loader, layer));
        let output = (!shape.tied_embeddings).then(|| loader.matrix("output.weight"));
        Ok(Self {
            embedding: loader.matrix("token_embd.weight")?,
            layers: layers.collect::<Result<_>>()?,
            norm: loader.norm("output_norm")?,
            output: output.transpose()?,
            rotary: Rotary::new(checkpoint, device)?,
            device: device.clone(),
            shape,
            position: 0,
        })
    }

    /// Forgets all tokens from `position` on.
    pub(super) fn rewind(&mut self, position: usize) {
        self.position = self.position.min(position);
        self.caches().for_each(|cache| cache.rewind(position));
    }

    /// Forgets all tokens and makes room for `batch` sequences of exactly `positions`, so that no step of a request has to.
    pub(super) fn renew(&mut self, batch: usize, positions: usize) -> Result<()> {
        self.position = 0;
        self.rotary.reserve(positions)?;
        self.caches().try_for_each(|cache| cache.renew(batch, positions))
    }

    fn caches(&mut self) -> impl Iterator<Item = &mut Cache> {
        self.layers.iter_mut().flat_map(|layer| match &mut layer.attention {
            LayerAttention::Grouped(attention) => attention.caches().into_iter().collect::<Vec<_>>(),
            LayerAttention::Latent(attention) => vec![attention.cache()],
        })
    }

    /// Takes in the next `tokens`, `[batch, tokens]` of `u32`, after those in the cache, and gives their hidden states after the
    /// last layer, `[batch, tokens, hidden]` in 32-bit floats.
    pub(super) fn advance(&mut self, tokens: &Tensor) -> Result<Tensor> {
        let (_, count) = tokens.dims2()?;
        let position = self.position;
        self.rotary.reserve(position + count)?;
        let mask = Mask::new(&self.shape, position, count, &self.device)?;
        let mut x = self.embedding.rows(tokens)?;
        for layer in &mut self.layers {
            x = layer.forward(&x, &self.rotary, &mask, position)?;
        }
        self.position += count;
        Ok(x)
    }

    /// The logits that follow from hidden states, `[batch, tokens, hidden]`: `[batch, tokens, vocabulary]` in 32-bit floats. Apart
    /// from [`Self::advance`], since the output matrix is the largest of a small model and a prompt needs it once.
    pub(super) fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        self.output.as_ref().unwrap_or(&self.embedding).multiply(&self.norm.forward(hidden)?)
    }
}

impl Layer {
    fn load(loader: &Loader<'_>, layer: u64) -> Result<Self> {
        let norm = |part: &str| loader.norm(&format!("blk.{layer}.{part}"));
        let attention = match loader.checkpoint.shape.attention {
            Attention::Grouped { heads, kv_heads, head_dim } => {
                let sizes = [heads, kv_heads, head_dim];
                LayerAttention::Grouped(GroupedAttention::load(loader, layer, sizes)?)
            }
            Attention::Latent { heads, kv_rank, nope_dim, rope_dim, value_dim } => {
                let widths = Widths::new([heads, kv_rank, nope_dim, rope_dim, value_dim]);
                LayerAttention::Latent(LatentAttention::load(loader, layer, widths)?)
            }
        };
        let feed_forward = match &loader.checkpoint.shape.feed_forward {
            FeedForward::Mixture(mixture) if layer >= mixture.dense_layers => {
                LayerFeedForward::Mixture(ExpertMixture::load(loader, layer, mixture)?)
            }
            FeedForward::Dense { .. } | FeedForward::Mixture(_) => {
                LayerFeedForward::Dense(GatedNetwork::load(loader, layer, "")?)
            }
        };
        let (attention_norm, feed_forward_norm) = (norm("attn_norm")?, norm("ffn_norm")?);
        Ok(Self { attention_norm, attention, feed_forward_norm, feed_forward })
    }

    /// `x`, `[batch, tokens, hidden]`, whose first token stands at `position`; the same shape comes back.
    fn forward(&mut self, x: &Tensor, rotary: &Rotary, mask: &Mask, position: usize) -> Result<Tensor> {
        let normed = self.attention_norm.forward(x)?;
        let attended = match &mut self.attention {
            LayerAttention::Grouped(attention) => attention.forward(&normed, rotary, mask, position)?,
            LayerAttention::Latent(attention) => attention.forward(&normed, rotary, mask, position)?,
        };
        let x = (x + attended)?;
        let normed = self.feed_forward_norm.forward(&x)?;
        let fed = match &self.feed_forward {
            LayerFeedForward::Dense(network) => network.forward(&normed)?,
            LayerFeedForward::Mixture(mixture) => mixture.forward(&normed)?,
        };
        x + fed
    }
}
