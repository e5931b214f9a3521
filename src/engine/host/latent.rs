//! Multi-head latent attention (DeepSeek-V2, 2024): keys and values of all heads come from one small vector per token.
//!
//! Only that vector and one rotated key are cached. The matrices that would expand it are applied to the query and to the
//! weighted sum instead, which gives the same numbers and reads far less.

use candle_core::Result;

use super::activations::Activations;
use super::attended::Span;
use super::cache::{Slabs, Widths};
use super::grouped::by_head;
use super::products::{Line, Product, forms, gather, products};
use super::weights::{Linear, Loader, Matrix};
use super::{Model, Tools, Work};
use crate::engine::kernels::{Bytes, Cached, PIECE, put_key, put_value, rms_factor};
use crate::units::count_as_usize;

/// The attention of one layer.
#[derive(Debug)]
pub(super) struct Latent {
    sizes: Sizes,
    query: Linear,
    /// To the latent vector and the key that all heads share.
    shared: Linear,
    norm: Vec<f32>,
    /// Of each head `[rank, nope]`: from a query's part without position to the latent space.
    key_expansions: Vec<Linear>,
    /// Of each head `[value, rank]`: from the latent space to a value.
    value_expansions: Vec<Linear>,
    output: Linear,
}

/// Sizes of the parts, as [`crate::model::Attention::Latent`] has them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    heads: usize,
    rank: usize,
    nope: usize,
    rope: usize,
    value: usize,
}

impl Sizes {
    pub(super) fn new(sizes: [u64; 5]) -> Self {
        let [heads, rank, nope, rope, value] = sizes.map(count_as_usize);
        Self { heads, rank, nope, rope, value }
    }

    pub(super) fn widths(self) -> Widths {
        Widths { key: (self.rank + self.rope).next_multiple_of(16), value: self.rank.next_multiple_of(16) }
    }
}

impl Latent {
    pub(super) fn load(loader: &Loader<'_>, layer: u64, sizes: Sizes) -> Result<Self> {
        let linear = |part: &str| loader.linear(&format!("blk.{layer}.{part}"));
        let (key_expansions, value_expansions) = expansions(loader, layer, sizes)?;
        Ok(Self {
            sizes,
            query: linear("attn_q")?,
            shared: linear("attn_kv_a_mqa")?,
            norm: loader.norm(&format!("blk.{layer}.attn_kv_a_norm"))?,
            key_expansions,
            value_expansions,
            output: linear("attn_output")?,
        })
    }

    /// The matrices that read the normed hidden states.
    pub(super) fn readers(&self) -> [&Linear; 2] {
        [&self.query, &self.shared]
    }

    /// From `work.inputs` to the attention's output in `work.lines`.
    pub(super) fn forward<V: Cached>(
        &self,
        tools: &mut Tools,
        work: &mut Work,
        model: &Model,
        (slabs, layer): (&mut Slabs<V>, usize),
        span: Span,
    ) {
        let Sizes { heads, rank, nope, rope, value } = self.sizes;
        let (tokens, level) = (span.tokens(), tools.level);
        let readers = self.readers();
        let product = |index: usize| Product::new(readers[index], &work.inputs, tokens);
        let queries = product(0).lines();
        products(tools, 2, product, &mut work.lines);
        let (query_lines, latent_lines) = work.lines.split_at(queries);
        self.keep(tools, latent_lines, model, slabs.layer(layer), span);

        let of_query = |token: usize, head: usize, from: usize, out: &mut [f32]| {
            gather(query_lines, [token, tokens], head * (nope + rope) + from, out);
        };
        work.middle.fill(
            tools,
            forms(level, &self.key_expansions),
            heads * nope.div_ceil(PIECE) * tokens,
            |slot, piece| {
                let (head, from, token) = of_head(slot, nope, tokens);
                by_head(nope, from, nope, piece, |_, from, out| of_query(token, head, from, out));
            },
        );
        let size = self.key_expansions[0].matrix.panels() * tokens;
        products(
            tools,
            heads,
            |head| of(&self.key_expansions[head], &work.middle, head, tokens),
            &mut work.others,
        );
        let absorbed = &work.others;
        let query = |token: usize, head: usize, query: &mut [f32]| {
            let (latent, rest) = query.split_at_mut(rank);
            let (turned, padding) = rest.split_at_mut(rope);
            padding.fill(0.0);
            gather(&absorbed[head * size..], [token, tokens], 0, latent);
            of_query(token, head, nope, turned);
            let position = span.position_of(token);
            model.rotary.turn(level, turned, position);
            let factor = model.rules.query_factor(position);
            for value in query.iter_mut() {
                *value *= factor;
            }
        };
        work.attended.compute(tools, (slabs, layer), (span, &model.rules), heads, query);

        let attended = &work.attended;
        work.middle.fill(
            tools,
            forms(level, &self.value_expansions),
            heads * rank.div_ceil(PIECE) * tokens,
            |slot, piece| {
                let (head, from, token) = of_head(slot, rank, tokens);
                by_head(rank, from, rank, piece, |_, from, out| attended.read(level, token, head, from, out));
            },
        );
        products(
            tools,
            heads,
            |head| of(&self.value_expansions[head], &work.middle, head, tokens),
            &mut work.others,
        );
        let (expanded, size) = (&work.others, self.value_expansions[0].matrix.panels() * tokens);
        let columns = heads * value;
        work.middle.fill(
            tools,
            forms(level, [&self.output]),
            columns.div_ceil(PIECE) * tokens,
            |slot, piece| {
                let (first, token) = (slot / tokens * PIECE, slot % tokens);
                by_head(value, first, columns, piece, |head, from, out| {
                    gather(&expanded[head * size..], [token, tokens], from, out);
                });
            },
        );
        products(tools, 1, |_| Product::new(&self.output, &work.middle, tokens), &mut work.lines);
    }

    /// Puts the latent vectors and the shared keys of all tokens into the cache.
    fn keep<V: Cached>(
        &self,
        tools: &mut Tools,
        lines: &[Line],
        model: &Model,
        [keys, values]: [(&mut [V], usize); 2],
        span: Span,
    ) {
        let Sizes { rank, rope, .. } = self.sizes;
        let (widths, level) = (self.sizes.widths(), tools.level);
        tools.team.work_both(keys, values, &mut tools.locals, |sequence, keys, values, local| {
            let row = &mut local.row[..widths.key];
            for token in sequence * span.count..(sequence + 1) * span.count {
                let position = span.position_of(token);
                row.fill(0.0);
                gather(lines, [token, span.tokens()], 0, &mut row[..rank + rope]);
                let (latent, shared) = row[..rank + rope].split_at_mut(rank);
                let factor = rms_factor(level, latent, model.epsilon);
                latent.iter_mut().zip(&self.norm).for_each(|(value, weight)| *value *= factor * weight);
                model.rotary.turn(level, shared, position);
                put_key(level, keys, widths.key, position, row);
                // A value is the latent vector alone, and its padding zero.
                row[rank..].fill(0.0);
                put_value(level, values, widths.value, position, &row[..widths.value]);
            }
        });
    }
}

/// One head's product: its slots in `work.middle` follow those of the heads before.
fn of<'a>(linear: &'a Linear, middle: &'a Activations, head: usize, tokens: usize) -> Product<'a> {
    let first_slot = head * linear.matrix.columns.div_ceil(PIECE) * tokens;
    Product { first_slot, ..Product::new(linear, middle, tokens) }
}

/// Head, first column within it and token of a slot, `[head][piece][token]`.
fn of_head(slot: usize, width: usize, tokens: usize) -> (usize, usize, usize) {
    let (piece, token) = (slot / tokens, slot % tokens);
    let pieces = width.div_ceil(PIECE);
    (piece / pieces, piece % pieces * PIECE, token)
}

/// The two matrices of each head. Files hold them as two stacks, with the key's turned round, or joined as on the hub: per head
/// `nope` rows for the key and `value` rows for the value.
fn expansions(loader: &Loader<'_>, layer: u64, sizes: Sizes) -> Result<(Vec<Linear>, Vec<Linear>)> {
    let Sizes { heads, rank, nope, value, .. } = sizes;
    let checkpoint = loader.checkpoint;
    let Some(joined) = checkpoint.find(&format!("blk.{layer}.attn_kv_b.weight")) else {
        let stack = |part: &str| -> Result<Vec<Linear>> {
            let stored = checkpoint.get(&format!("blk.{layer}.{part}.weight"))?;
            (0..heads).map(|head| Ok(loader.stored_matrix(&stored.slice(head))?.into())).collect()
        };
        return Ok((stack("attn_k_b")?, stack("attn_v_b")?));
    };
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for head in 0..heads {
        let first = head * (nope + value);
        let key = loader.stored_matrix(&joined.row_range(first..first + nope))?;
        keys.push(turned(&key, [rank, nope])?.into());
        values.push(loader.stored_matrix(&joined.row_range(first + nope..first + nope + value))?.into());
    }
    Ok((keys, values))
}

/// A matrix of plain floats turned round, in memory of its own.
fn turned(matrix: &Matrix, [rows, columns]: [usize; 2]) -> Result<Matrix> {
    let size = matrix.kind.block_bytes();
    if matrix.kind.block_values() != 1 {
        candle_core::bail!(
            "expansions of latent attention that are joined in one tensor must be plain floats"
        );
    }
    let mut bytes = Vec::with_capacity(rows * columns * size);
    for row in 0..rows {
        for column in 0..columns {
            let from = matrix.row_bytes_of(column);
            bytes.extend_from_slice(&from[row * size..(row + 1) * size]);
        }
    }
    Matrix::new(matrix.kind, Bytes::of(bytes), [rows, columns])
}
