//! Attention of all tokens of a pass, shared out among the team, and its results put together again.

use super::Tools;
use super::activations::room;
use super::cache::Slabs;
use super::sight::Rules;
use crate::engine::kernels::{AttendedPart, Cached, Level, QUERY_ROWS, Sight, Stretch, attend, merge};

/// Positions of one part where the context is shared out, so that one sequence keeps all threads busy.
const PART_OF_CONTEXT: usize = 512;
/// Parts begin at multiples of this: what the kernel takes at once.
const STEP: usize = 64;

/// Which tokens a pass takes in: `count` of each of `batch` sequences, from `position` on, `[sequence][token]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) batch: usize,
    pub(super) count: usize,
    pub(super) position: usize,
}

impl Span {
    /// Tokens in all.
    pub(super) fn tokens(self) -> usize {
        self.batch * self.count
    }

    /// The position of a token.
    pub(super) fn position_of(self, token: usize) -> usize {
        self.position + token % self.count
    }
}

/// The results of attention before they are put together: one record for each task.
#[derive(Debug, Default)]
pub(super) struct Attended {
    results: Vec<f32>,
    layout: Layout,
}

/// How attention is cut into tasks: some heads of a group and some tokens that follow each other, over a part of the context.
#[derive(Clone, Copy, Debug, Default)]
struct Layout {
    batch: usize,
    count: usize,
    kv_heads: usize,
    /// Query heads of a KV head.
    group: usize,
    heads_of_task: usize,
    tokens_of_task: usize,
    /// First position that any token sees, and positions from there on.
    from: usize,
    to: usize,
    parts: usize,
    value_width: usize,
}

/// One task.
#[derive(Clone, Copy, Debug)]
struct Task {
    sequence: usize,
    kv_head: usize,
    /// Query heads within the group.
    heads: (usize, usize),
    /// Tokens within the sequence.
    tokens: (usize, usize),
    part: usize,
}

impl Layout {
    fn chunks(&self) -> usize {
        self.group.div_ceil(self.heads_of_task)
    }

    fn tiles(&self) -> usize {
        self.count.div_ceil(self.tokens_of_task)
    }

    fn tasks(&self) -> usize {
        self.tiles() * self.batch * self.kv_heads * self.chunks() * self.parts
    }

    /// Values of a record: for each row its output, its highest score and the sum of its weights.
    fn record(&self) -> usize {
        self.heads_of_task * self.tokens_of_task * (self.value_width + 2)
    }

    /// The last tokens of a prompt come first: they see the most, and what takes long should not come last.
    fn task(&self, index: usize) -> Task {
        let (index, part) = (index / self.parts, index % self.parts);
        let (index, chunk) = (index / self.chunks(), index % self.chunks());
        let (index, kv_head) = (index / self.kv_heads, index % self.kv_heads);
        let (tile, sequence) = (self.tiles() - 1 - index / self.batch, index % self.batch);
        let (head, token) = (chunk * self.heads_of_task, tile * self.tokens_of_task);
        Task {
            sequence,
            kv_head,
            heads: (head, self.group.min(head + self.heads_of_task)),
            tokens: (token, self.count.min(token + self.tokens_of_task)),
            part,
        }
    }

    /// Where the record of a token and head begins for part 0, and its row there.
    fn find(&self, token: usize, head: usize) -> (usize, usize) {
        let (sequence, token) = (token / self.count, token % self.count);
        let (kv_head, head) = (head / self.group, head % self.group);
        let (tile, chunk) = (self.tiles() - 1 - token / self.tokens_of_task, head / self.heads_of_task);
        let index = ((tile * self.batch + sequence) * self.kv_heads + kv_head) * self.chunks() + chunk;
        let heads = self.heads_of_task.min(self.group - chunk * self.heads_of_task);
        let row = token % self.tokens_of_task * heads + head % self.heads_of_task;
        (index * self.parts, row)
    }

    fn positions(&self, part: usize) -> std::ops::Range<usize> {
        if self.parts == 1 {
            return self.from..self.to;
        }
        let start = self.from + part * PART_OF_CONTEXT;
        start..self.to.min(start + PART_OF_CONTEXT)
    }
}

impl Attended {
    /// Computes attention in one layer. `query` writes the query of a token and head, all of a key's width, times its factor.
    pub(super) fn compute<V: Cached>(
        &mut self,
        tools: &mut Tools,
        (slabs, layer): (&Slabs<V>, usize),
        (span, rules): (Span, &Rules),
        heads: usize,
        query: impl Fn(usize, usize, &mut [f32]) + Sync,
    ) {
        let layout = Layout::new(slabs, span, rules, heads, tools.team.size());
        let widths = slabs.widths();
        let level = tools.level;
        let stretch = [Stretch { len: layout.tasks() * layout.record(), part: layout.record() }];
        let results = room(&mut self.results, stretch[0].len, 0.0);
        self.layout = layout;
        tools.team.work(results, &stretch, &mut tools.locals, |part, record, local| {
            let task = layout.task(part.place.from / layout.record());
            let attention = &mut local.attention;
            let (mut sights, mut rows) = ([Sight { first: 0, last: 0 }; QUERY_ROWS], 0);
            for token in task.tokens.0..task.tokens.1 {
                for head in task.heads.0..task.heads.1 {
                    let into = &mut attention.queries[rows * widths.key..(rows + 1) * widths.key];
                    let head = task.kv_head * layout.group + head;
                    query(task.sequence * layout.count + token, head, into);
                    sights[rows] = rules.sight(span.position + token);
                    rows += 1;
                }
            }
            let head = slabs.head(layer, task.sequence, task.kv_head);
            attend(level, head, attention, &sights[..rows], layout.positions(task.part));
            for (row, record) in record.chunks_exact_mut(widths.value + 2).take(rows).enumerate() {
                let output = &attention.outputs[row * widths.value..(row + 1) * widths.value];
                record[..widths.value].copy_from_slice(output);
                record[widths.value] = attention.highest[row];
                record[widths.value + 1] = attention.sums[row];
            }
        });
    }

    /// The weighted sum of values of a token and head, from column `from` on.
    pub(super) fn read(&self, level: Level, token: usize, head: usize, from: usize, out: &mut [f32]) {
        let layout = &self.layout;
        let (width, (index, row)) = (layout.value_width, layout.find(token, head));
        let count = out.len();
        let parts = (index..index + layout.parts).map(|index| {
            let start = index * layout.record() + row * (width + 2);
            let record = &self.results[start..start + width + 2];
            let output = &record[from..from + count];
            AttendedPart { highest: record[width], sum: record[width + 1], output }
        });
        merge(level, parts, out);
    }
}

impl Layout {
    fn new<V: Cached>(slabs: &Slabs<V>, span: Span, rules: &Rules, heads: usize, threads: usize) -> Self {
        let group = heads / slabs.heads();
        let heads_of_task = group.min(QUERY_ROWS);
        let from = rules.sight(span.position).first / STEP * STEP;
        let mut layout = Self {
            batch: span.batch,
            count: span.count,
            kv_heads: slabs.heads(),
            group,
            heads_of_task,
            tokens_of_task: (QUERY_ROWS / heads_of_task).min(span.count),
            from,
            to: span.position + span.count,
            parts: 1,
            value_width: slabs.widths().value,
        };
        if layout.tasks() < 4 * threads {
            layout.parts = (layout.to - layout.from).div_ceil(PART_OF_CONTEXT);
        }
        layout
    }
}
