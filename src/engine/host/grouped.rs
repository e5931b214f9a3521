//! Grouped-query attention (Ainslie and others 2023): groups of query heads share a key and a value head.

use candle_core::Result;

use super::attended::Span;
use super::cache::{Slabs, Widths};
use super::products::{Line, Product, forms, gather, products};
use super::weights::{Linear, Loader};
use super::{Model, Tools, Work};
use crate::engine::kernels::{Cached, Level, PIECE, put_key, put_value, rms_factor};
use crate::units::count_as_usize;

/// The attention of one layer.
#[derive(Debug)]
pub(super) struct Grouped {
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
}

impl Grouped {
    pub(super) fn load(loader: &Loader<'_>, layer: u64, sizes: [u64; 3]) -> Result<Self> {
        let [heads, kv_heads, head_dim] = sizes.map(count_as_usize);
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
        })
    }

    pub(super) fn widths(head_dim: usize) -> Widths {
        let width = head_dim.next_multiple_of(16);
        Widths { key: width, value: width }
    }

    /// The matrices that read the normed hidden states.
    pub(super) fn readers(&self) -> [&Linear; 3] {
        [&self.query, &self.key, &self.value]
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
        let (tokens, level) = (span.tokens(), tools.level);
        let readers = self.readers();
        let product = |index: usize| Product::new(readers[index], &work.inputs, tokens);
        let [queries, keys] = [0, 1].map(|index| product(index).lines());
        products(tools, 3, product, &mut work.lines);
        let (query_lines, rest) = work.lines.split_at(queries);
        let (key_lines, value_lines) = rest.split_at(keys);

        self.keep(tools, [key_lines, value_lines], model, slabs.layer(layer), span);

        let query = |token: usize, head: usize, query: &mut [f32]| {
            let (query, padding) = query.split_at_mut(self.head_dim);
            padding.fill(0.0);
            gather(query_lines, [token, tokens], head * self.head_dim, query);
            let position = span.position_of(token);
            Self::prepare(level, query, self.query_norm.as_deref(), model, position);
            let factor = model.rules.query_factor(position);
            for value in query.iter_mut() {
                *value *= factor;
            }
        };
        work.attended.compute(tools, (slabs, layer), (span, &model.rules), self.heads, query);

        let columns = self.heads * self.head_dim;
        let attended = &work.attended;
        work.middle.fill(
            tools,
            forms(level, [&self.output]),
            columns.div_ceil(PIECE) * tokens,
            |slot, piece| {
                let (first, token) = (slot / tokens * PIECE, slot % tokens);
                by_head(self.head_dim, first, columns, piece, |head, from, out| {
                    attended.read(level, token, head, from, out);
                });
            },
        );
        products(tools, 1, |_| Product::new(&self.output, &work.middle, tokens), &mut work.lines);
    }

    /// Puts keys and values of all tokens into the cache.
    fn keep<V: Cached>(
        &self,
        tools: &mut Tools,
        [key_lines, value_lines]: [&[Line]; 2],
        model: &Model,
        [keys, values]: [(&mut [V], usize); 2],
        span: Span,
    ) {
        let (tokens, level, width) = (span.tokens(), tools.level, self.head_dim.next_multiple_of(16));
        tools.team.work_both(keys, values, &mut tools.locals, |part, keys, values, local| {
            let (sequence, first_row) = (part / self.kv_heads, part % self.kv_heads * self.head_dim);
            // What a head does not fill of its width stays zero.
            let row = &mut local.row[..width];
            row.fill(0.0);
            for token in sequence * span.count..(sequence + 1) * span.count {
                let position = span.position_of(token);
                gather(value_lines, [token, tokens], first_row, &mut row[..self.head_dim]);
                put_value(level, values, width, position, row);
                let head = &mut row[..self.head_dim];
                gather(key_lines, [token, tokens], first_row, head);
                Self::prepare(level, head, self.key_norm.as_deref(), model, position);
                put_key(level, keys, width, position, row);
            }
        });
    }

    /// Normalises a head where the model does so, and turns it by its position.
    fn prepare(level: Level, head: &mut [f32], norm: Option<&[f32]>, model: &Model, position: usize) {
        if let Some(norm) = norm {
            let factor = rms_factor(level, head, model.epsilon);
            head.iter_mut().zip(norm).for_each(|(value, weight)| *value *= factor * weight);
        }
        model.rotary.turn(level, head, position);
    }
}

/// Fills a piece of the columns `[head][width]`, the first of them `first`: `read` is asked for each head's part, with the
/// column within the head. Beyond the last column come zeros.
pub(super) fn by_head(
    width: usize,
    first: usize,
    columns: usize,
    piece: &mut [f32; PIECE],
    read: impl Fn(usize, usize, &mut [f32]),
) {
    let (filled, beyond) = piece.split_at_mut(PIECE.min(columns - first));
    beyond.fill(0.0);
    let (mut rest, mut column) = (filled, first);
    while !rest.is_empty() {
        let count = (width - column % width).min(rest.len());
        let (now, later) = rest.split_at_mut(count);
        read(column / width, column % width, now);
        (rest, column) = (later, column + count);
    }
}
