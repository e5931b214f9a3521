//! The forward pass on a CPU: weights stay in the mapped file, every stage is shared out among one team of threads, and nothing is
//! allocated for a token.
//!
//! It computes what [`super::decoder`] computes on tensors, for all decoders of the list, with the kernels of
//! [`super::kernels`]. What a model does differently is in its [`Shape`] and in the names of its tensors; nothing here asks for
//! a model by name.
//!
//! A pass takes in `count` tokens of each of `batch` sequences. Between stages activations are pieces of columns
//! (`activations.rs`) or lines of rows (`products.rs`); hidden states alone lie token by token.

mod activations;
mod attended;
mod cache;
mod feed_forward;
mod grouped;
mod latent;
mod products;
mod rotary;
mod sight;
mod trial;
mod weights;

use std::ops::Range;

use candle_core::Result;
use candle_core::quantized::GgmlDType;

use self::activations::{Activations, Forms, room};
use self::attended::{Attended, Span};
use self::cache::{Cache, Widths};
use self::feed_forward::{FeedForwardPart, Routing, add_line};
use self::grouped::Grouped;
use self::latent::{Latent, Sizes};
use self::products::{Line, Product, forms, gather, products};
use self::rotary::Rotary;
use self::sight::Rules;
pub(super) use self::trial::Trial;
use self::weights::{Linear, Loader};
use super::checkpoint::Checkpoint;
use super::kernels::{
    Attention as AttentionRoom, Kind, Level, PIECE, Scratch, Stretch, Team, argmax, rms_factor, scale_by,
};
use crate::model::{Attention, Shape};
use crate::units::{count_as_usize, nearest_f32};

/// Tokens that a pass takes in at most, of all sequences together: enough that unpacking weights costs little beside
/// multiplying, few enough that activations stay in a core's own cache.
pub(super) const TOKENS_OF_A_PASS: usize = 256;

/// A decoder-only transformer on the CPU, with its KV cache.
#[derive(Debug)]
pub(super) struct HostDecoder {
    tools: Tools,
    model: Model,
    cache: Cache,
    work: Work,
    /// Tokens of each sequence in the cache, and how many fit.
    position: usize,
    positions: usize,
}

/// Weights and tables.
#[derive(Debug)]
struct Model {
    hidden: usize,
    vocab: usize,
    epsilon: f32,
    embedding: Linear,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// `None` where the embedding table serves as output matrix.
    output: Option<Linear>,
    rotary: Rotary,
    rules: Rules,
}

#[derive(Debug)]
struct Layer {
    attention_norm: Vec<f32>,
    attention: LayerAttention,
    attention_forms: Forms,
    feed_forward_norm: Vec<f32>,
    feed_forward: FeedForwardPart,
    feed_forward_forms: Forms,
}

#[derive(Debug)]
enum LayerAttention {
    Grouped(Grouped),
    Latent(Latent),
}

/// What computes.
#[derive(Debug)]
struct Tools {
    level: Level,
    team: Team,
    locals: Vec<Local>,
    stretches: Vec<Stretch>,
}

/// What each thread has for itself.
#[derive(Debug)]
struct Local {
    scratch: Scratch,
    piece: [f32; PIECE],
    lines: Vec<Line>,
    row: Vec<f32>,
    attention: AttentionRoom,
}

/// What is computed on the way; buffers that are used again.
#[derive(Debug, Default)]
struct Work {
    /// Hidden states, `[token][hidden]`.
    x: Vec<f32>,
    /// What norm makes of each token: its factor.
    factors: Vec<f32>,
    inputs: Activations,
    gathered: Activations,
    middle: Activations,
    lines: Vec<Line>,
    others: Vec<Line>,
    attended: Attended,
    routing: Routing,
    /// The logits of one token.
    row: Vec<f32>,
}

impl HostDecoder {
    /// True if every tensor of a checkpoint is stored in a way that there are kernels for.
    pub(super) fn can_compute(checkpoint: &Checkpoint) -> bool {
        checkpoint.tensors().all(|(_, stored)| Kind::of(stored.kind()).is_some())
    }

    /// True if keys and values are kept in 16-bit floats: for all checkpoints but those that are 32-bit floats throughout.
    pub(super) fn has_half_cache(checkpoint: &Checkpoint) -> bool {
        checkpoint.tensors().any(|(_, stored)| stored.kind() != GgmlDType::F32)
    }

    /// Maps the weights of a checkpoint.
    pub(super) fn load(checkpoint: &Checkpoint, level: Level, threads: usize) -> Result<Self> {
        let (loader, shape) = (Loader::new(checkpoint), &checkpoint.shape);
        let (heads, widths) = match shape.attention {
            Attention::Grouped { kv_heads, head_dim, .. } => {
                (count_as_usize(kv_heads), Grouped::widths(count_as_usize(head_dim)))
            }
            Attention::Latent { heads, kv_rank, nope_dim, rope_dim, value_dim } => {
                (1, Sizes::new([heads, kv_rank, nope_dim, rope_dim, value_dim]).widths())
            }
        };
        let is_half = Self::has_half_cache(checkpoint);
        let model = Model::load(&loader, shape, level)?;
        Ok(Self {
            tools: Tools::new(level, threads, widths)?,
            cache: Cache::new(model.layers.len(), heads, widths, is_half),
            model,
            work: Work::default(),
            position: 0,
            positions: 0,
        })
    }

    /// Forgets all tokens from `position` on.
    pub(super) fn rewind(&mut self, position: usize) {
        self.position = self.position.min(position);
    }

    /// Forgets all tokens and makes room for `batch` sequences of exactly `positions`, so that no step of a request has to.
    pub(super) fn renew(&mut self, batch: usize, positions: usize) -> Result<()> {
        (self.position, self.positions) = (0, 0);
        self.model.rotary.reserve(positions);
        self.cache.renew(batch, positions)?;
        self.positions = positions;
        Ok(())
    }

    /// Tokens of each sequence that a pass takes in at most.
    pub(super) fn portion(batch: usize) -> usize {
        (TOKENS_OF_A_PASS / batch.max(1)).max(1)
    }

    /// Takes in a portion of the tokens of each row, one row per sequence, at most [so many](Self::portion) of each.
    pub(super) fn advance(&mut self, rows: &[Vec<u32>], portion: Range<usize>) -> Result<()> {
        let Self { tools, model, cache, work, position, positions } = self;
        let span = Span { batch: rows.len(), count: portion.len(), position: *position };
        if span.tokens() == 0 || cache.batch() != rows.len() || *position + span.count > *positions {
            candle_core::bail!(
                "no room for {} tokens of {} sequences after {position}",
                portion.len(),
                rows.len()
            );
        }
        model.embed(tools, work, rows, portion)?;
        for (number, layer) in model.layers.iter().enumerate() {
            let normed = [&layer.attention_norm, &layer.feed_forward_norm];
            work.norm(tools, model, normed[0], layer.attention_forms, span.tokens(), |token| token);
            match cache {
                Cache::Half(slabs) => layer.attention.forward(tools, work, model, (slabs, number), span),
                Cache::Single(slabs) => layer.attention.forward(tools, work, model, (slabs, number), span),
            }
            work.add_lines(tools, model.hidden, span.tokens());
            work.norm(tools, model, normed[1], layer.feed_forward_forms, span.tokens(), |token| token);
            layer.feed_forward.forward(tools, work, span.tokens());
        }
        *position += span.count;
        Ok(())
    }

    /// Computes the logits of `rows` tokens of the last pass: row `r` is that of `token(r)`, `[sequence][token]`.
    pub(super) fn logits(&mut self, rows: usize, token: impl Fn(usize) -> usize + Sync) -> Logits<'_> {
        let Self { tools, model, work, .. } = self;
        let output = model.output.as_ref().unwrap_or(&model.embedding);
        let forms = forms(tools.level, [output]);
        work.norm(tools, model, &model.norm, forms, rows, token);
        products(tools, 1, |_| Product::new(output, &work.inputs, rows), &mut work.lines);
        let Work { lines, row, .. } = work;
        Logits { lines, row, rows, vocab: model.vocab, level: tools.level }
    }
}

/// The logits of some tokens.
#[derive(Debug)]
pub(super) struct Logits<'a> {
    lines: &'a [Line],
    row: &'a mut Vec<f32>,
    rows: usize,
    vocab: usize,
    level: Level,
}

impl Logits<'_> {
    /// All of one token.
    pub(super) fn row(&self, row: usize) -> Vec<f32> {
        let mut logits = vec![0.0; self.vocab];
        gather(self.lines, [row, self.rows], 0, &mut logits);
        logits
    }

    /// The most likely token; the first of equals, and the first of all where every logit is NaN.
    pub(super) fn top(&mut self, row: usize) -> u32 {
        let best = if self.rows == 1 {
            argmax(self.level, &self.lines.as_flattened()[..self.vocab])
        } else {
            let logits = room(self.row, self.vocab, 0.0);
            gather(self.lines, [row, self.rows], 0, logits);
            argmax(self.level, logits)
        };
        best.map_or(0, |(token, _)| u32::try_from(token).unwrap_or(u32::MAX))
    }
}

impl Tools {
    fn new(level: Level, threads: usize, widths: Widths) -> Result<Self> {
        let team = Team::new(threads)?;
        let local = || Local {
            scratch: Scratch::default(),
            piece: [0.0; PIECE],
            lines: Vec::new(),
            row: vec![0.0; widths.key.max(widths.value)],
            attention: AttentionRoom::new(widths.key, widths.value),
        };
        let locals = (0..team.size()).map(|_| local()).collect();
        Ok(Self { level, team, locals, stretches: Vec::new() })
    }
}

impl Model {
    fn load(loader: &Loader<'_>, shape: &Shape, level: Level) -> Result<Self> {
        let layers = (0..shape.layers).map(|layer| Layer::load(loader, layer, shape, level));
        let output = (!shape.tied_embeddings).then(|| loader.matrix("output.weight").map(Linear::from));
        let embedding = Linear::from(loader.matrix("token_embd.weight")?);
        Ok(Self {
            hidden: embedding.matrix.columns,
            vocab: embedding.matrix.rows,
            epsilon: nearest_f32(shape.rms_norm_eps),
            embedding,
            layers: layers.collect::<Result<_>>()?,
            norm: loader.norm("output_norm")?,
            output: output.transpose()?,
            rotary: Rotary::new(loader.checkpoint)?,
            rules: Rules::new(shape),
        })
    }

    /// The rows of the embedding table, `[sequence][token]`, as hidden states.
    fn embed(
        &self,
        tools: &mut Tools,
        work: &mut Work,
        rows: &[Vec<u32>],
        portion: Range<usize>,
    ) -> Result<()> {
        let (table, count) = (&self.embedding.matrix, portion.len());
        let id = |token: usize| {
            usize::try_from(rows[token / count][portion.start + token % count]).unwrap_or(usize::MAX)
        };
        let tokens = rows.len() * count;
        if let Some(beyond) = (0..tokens).map(id).find(|id| *id >= table.rows) {
            candle_core::bail!("token {beyond} is beyond the vocabulary of {}", table.rows);
        }
        work.x.resize(tokens * self.hidden, 0.0);
        let stretch = [Stretch { len: work.x.len(), part: self.hidden }];
        tools.team.work(&mut work.x, &stretch, &mut tools.locals, |part, x, _| {
            table.row(id(part.place.from / self.hidden), x);
        });
        Ok(())
    }
}

impl Layer {
    fn load(loader: &Loader<'_>, layer: u64, shape: &Shape, level: Level) -> Result<Self> {
        let norm = |part: &str| loader.norm(&format!("blk.{layer}.{part}"));
        let attention = match shape.attention {
            Attention::Grouped { heads, kv_heads, head_dim } => {
                LayerAttention::Grouped(Grouped::load(loader, layer, [heads, kv_heads, head_dim])?)
            }
            Attention::Latent { heads, kv_rank, nope_dim, rope_dim, value_dim } => {
                let sizes = Sizes::new([heads, kv_rank, nope_dim, rope_dim, value_dim]);
                LayerAttention::Latent(Latent::load(loader, layer, sizes)?)
            }
        };
        let feed_forward = FeedForwardPart::load(loader, layer)?;
        Ok(Self {
            attention_norm: norm("attn_norm")?,
            attention_forms: attention.forms(level),
            attention,
            feed_forward_norm: norm("ffn_norm")?,
            feed_forward_forms: feed_forward.forms(level),
            feed_forward,
        })
    }
}

impl LayerAttention {
    fn forms(&self, level: Level) -> Forms {
        match self {
            Self::Grouped(attention) => forms(level, attention.readers()),
            Self::Latent(attention) => forms(level, attention.readers()),
        }
    }

    fn forward<V: super::kernels::Cached>(
        &self,
        tools: &mut Tools,
        work: &mut Work,
        model: &Model,
        cache: (&mut cache::Slabs<V>, usize),
        span: Span,
    ) {
        match self {
            Self::Grouped(attention) => attention.forward(tools, work, model, cache, span),
            Self::Latent(attention) => attention.forward(tools, work, model, cache, span),
        }
    }
}

impl Work {
    /// Root-mean-square norm (Zhang and Sennrich 2019) of some tokens into `inputs`: `x / sqrt(mean(x^2) + epsilon) * weight`.
    fn norm(
        &mut self,
        tools: &mut Tools,
        model: &Model,
        weight: &[f32],
        forms: Forms,
        tokens: usize,
        row: impl Fn(usize) -> usize + Sync,
    ) {
        let (x, hidden, level) = (&self.x, model.hidden, tools.level);
        let state = |token: usize| &x[row(token) * hidden..(row(token) + 1) * hidden];
        let factors = room(&mut self.factors, tokens, 0.0);
        tools.team.work(
            factors,
            &[Stretch { len: tokens, part: 4 }],
            &mut tools.locals,
            |part, factors, _| {
                for (token, factor) in (part.place.from..).zip(factors) {
                    *factor = rms_factor(level, state(token), model.epsilon);
                }
            },
        );
        let factors = &self.factors;
        self.inputs.fill(tools, forms, hidden.div_ceil(PIECE) * tokens, |slot, piece| {
            let (first, token) = (slot / tokens * PIECE, slot % tokens);
            let count = PIECE.min(hidden - first);
            piece[count..].fill(0.0);
            let (x, weight) = (&state(token)[first..first + count], &weight[first..first + count]);
            scale_by(level, &mut piece[..count], x, factors[token], weight);
        });
    }

    /// Adds the product in `lines` to the hidden states.
    fn add_lines(&mut self, tools: &mut Tools, hidden: usize, tokens: usize) {
        let lines = &self.lines;
        let stretch = [Stretch { len: hidden * tokens, part: hidden }];
        tools.team.work(&mut self.x, &stretch, &mut tools.locals, |part, x, _| {
            add_line(lines, [part.place.from / hidden, tokens], 1.0, x);
        });
    }
}
