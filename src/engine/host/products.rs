//! Products of activations with matrices, shared out among the team.

use super::Tools;
use super::activations::{Activations, Forms, room};
use super::weights::{Linear, Matrix};
use crate::engine::kernels::{self, Input, Level, PIECE, ROWS, Scratch, Stretch};

/// The fewest and the most bytes of weights that a thread takes at a time: a stream of memory has to get going, and all threads
/// should end together. With many tokens a part takes longer to compute, so it may be smaller.
const BYTES_OF_A_PART: [[usize; 2]; 2] = [[256 << 10, 1 << 20], [128 << 10, 512 << 10]];
/// Parts of a stage for each thread, where their size allows: a thread that is disturbed then takes fewer.
const PARTS_OF_A_THREAD: usize = 4;

/// One matrix and what it is multiplied with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product<'a> {
    pub(super) linear: &'a Linear,
    /// A second matrix of the same size: the result is `silu(first) * second` then.
    pub(super) gated: Option<&'a Linear>,
    pub(super) input: &'a Activations,
    /// Where the input's slots begin, `[piece][token]`.
    pub(super) first_slot: usize,
    pub(super) tokens: usize,
}

impl<'a> Product<'a> {
    pub(super) fn new(linear: &'a Linear, input: &'a Activations, tokens: usize) -> Self {
        Self { linear, gated: None, input, first_slot: 0, tokens }
    }

    fn input(&self, level: Level, matrix: &Matrix) -> Input<'a> {
        let slots = matrix.columns.div_ceil(PIECE) * self.tokens;
        self.input.input(matrix.kind.input_for(level), self.first_slot, slots)
    }

    /// Lines of the result.
    pub(super) fn lines(&self) -> usize {
        self.linear.matrix.panels() * self.tokens
    }

    /// Bytes of weights of a panel, of both matrices where there are two.
    fn panel_bytes(&self) -> usize {
        self.linear.matrix.panel_bytes() * if self.gated.is_some() { 2 } else { 1 }
    }

    fn bytes(&self) -> usize {
        self.linear.matrix.panels() * self.panel_bytes()
    }

    /// Cuts it into equal parts of at most about so many bytes.
    fn stretch(&self, bytes_of_a_part: usize) -> Stretch {
        let parts = self.bytes().div_ceil(bytes_of_a_part).max(1);
        let panels = self.linear.matrix.panels().div_ceil(parts);
        // With no tokens there are no lines, and any part will do.
        Stretch { len: self.lines(), part: (panels * self.tokens).max(1) }
    }
}

/// Bytes of weights that a thread takes at a time of a stage that reads so many.
fn bytes_of_a_part(all: usize, has_many_tokens: bool, threads: usize) -> usize {
    let [least, most] = BYTES_OF_A_PART[usize::from(has_many_tokens)];
    // No thread goes without, however small the stage is.
    (all / (PARTS_OF_A_THREAD * threads)).clamp(least, most).min(all.div_ceil(threads)).max(1)
}

/// The forms of activations that some matrices are multiplied with.
pub(super) fn forms<'a>(level: Level, linears: impl IntoIterator<Item = &'a Linear>) -> Forms {
    linears.into_iter().map(|linear| linear.matrix.kind.input_for(level)).collect()
}

/// A result: `[panel][token]`, each line [`ROWS`] rows.
pub(super) type Line = [f32; ROWS];

/// Computes `count` products into `out`, one after the other.
pub(super) fn products<'a>(
    tools: &mut Tools,
    count: usize,
    product: impl Fn(usize) -> Product<'a> + Sync,
    out: &mut Vec<Line>,
) {
    let Tools { team, locals, stretches, level } = tools;
    let all = (0..count).map(|index| product(index).bytes()).sum();
    let has_many_tokens = (0..count).any(|index| product(index).tokens > 1);
    let bytes = bytes_of_a_part(all, has_many_tokens, team.size());
    stretches.clear();
    stretches.extend((0..count).map(|index| product(index).stretch(bytes)));
    let lines = stretches.iter().map(|stretch| stretch.len).sum();
    team.work(room(out, lines, [0.0; ROWS]), stretches, locals, |part, lines, local| {
        let own = product(part.place.stretch);
        let first = part.place.from / own.tokens;
        let next = part.next.map_or(&[][..], |place| {
            let next = product(place.stretch);
            next.linear.matrix.panel(place.from / next.tokens)
        });
        let Some(second) = own.gated else {
            multiply(*level, own.linear, &own, first, next, &mut local.scratch, lines);
            return;
        };
        // All rows of the one, then all of the other: two long streams.
        let between = second.matrix.panel(first);
        multiply(*level, own.linear, &own, first, between, &mut local.scratch, lines);
        let others = room(&mut local.lines, lines.len(), [0.0; ROWS]);
        multiply(*level, second, &own, first, next, &mut local.scratch, others);
        kernels::gate(*level, lines.as_flattened_mut(), others.as_flattened());
    });
}

/// Some panels of one matrix, from `first` on, as many as `lines` has room for.
fn multiply(
    level: Level,
    linear: &Linear,
    product: &Product<'_>,
    first: usize,
    after: &[u8],
    scratch: &mut Scratch,
    lines: &mut [Line],
) {
    let matrix = &linear.matrix;
    let input = product.input(level, matrix);
    let last = first + lines.len() / product.tokens - 1;
    for (panel, lines) in (first..).zip(lines.chunks_exact_mut(product.tokens)) {
        let next = if panel == last { after } else { matrix.panel(panel + 1) };
        kernels::rows(level, matrix.kind, matrix.block(panel, next), input, scratch, lines);
        if let Some(bias) = &linear.bias {
            let bias = &bias[panel * ROWS..(panel * ROWS + ROWS).min(bias.len())];
            for line in lines {
                line.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
            }
        }
    }
}

/// Some rows of a result for one token: `lines` begins with those of the matrix.
pub(super) fn gather(lines: &[Line], [token, tokens]: [usize; 2], first_row: usize, out: &mut [f32]) {
    let mut row = first_row;
    let mut rest = out;
    while !rest.is_empty() {
        let line = &lines[row / ROWS * tokens + token];
        let count = (ROWS - row % ROWS).min(rest.len());
        let (now, later) = rest.split_at_mut(count);
        now.copy_from_slice(&line[row % ROWS..row % ROWS + count]);
        (rest, row) = (later, row + count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_large_where_weights_are_many_and_no_thread_goes_without() {
        // 15.4 MB on two threads: 1 MiB at a time. 1.3 MB: a quarter of a MiB, which are 6 parts. On 16 threads: one each.
        assert_eq!(bytes_of_a_part(15_482_880, false, 2), 1 << 20);
        assert_eq!(bytes_of_a_part(1_327_104, false, 2), 256 << 10);
        assert_eq!(bytes_of_a_part(1_327_104, false, 16), 82_944);
        assert_eq!(bytes_of_a_part(15_482_880, true, 2), 512 << 10);
        assert_eq!(bytes_of_a_part(0, false, 2), 1);
    }
}
