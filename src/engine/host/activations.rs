//! Activations in the forms that products read: rounded as the weights they meet ask for, each form made once.

use half::bf16;

use super::Tools;
use crate::engine::kernels::{Block32, Block256, Input, InputKind, PIECE, Part, Stretch, round_halves};

/// Pieces that one part of the work covers: with fewer in all, a single token's, no other thread is asked.
const PIECES_OF_A_PART: usize = 48;

/// The forms of activations that a stage needs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of the kinds of input, one by one")]
pub(super) struct Forms {
    blocks_256: bool,
    blocks_32: bool,
    floats: bool,
    halves: bool,
}

impl FromIterator<InputKind> for Forms {
    fn from_iter<I: IntoIterator<Item = InputKind>>(kinds: I) -> Self {
        let mut forms = Self::default();
        for kind in kinds {
            match kind {
                InputKind::Blocks256 => forms.blocks_256 = true,
                InputKind::Blocks32 => forms.blocks_32 = true,
                InputKind::Floats => forms.floats = true,
                InputKind::Halves => forms.halves = true,
            }
        }
        forms
    }
}

/// Pieces of activations. A slot is one piece of one token; what order they stand in is the business of who fills them.
#[derive(Debug, Default)]
pub(super) struct Activations {
    blocks_256: Vec<Block256>,
    blocks_32: Vec<[Block32; PIECE / 32]>,
    floats: Vec<[f32; PIECE]>,
    halves: Vec<[bf16; PIECE]>,
}

impl Activations {
    /// Fills `slots` slots in these forms: `source` writes the values of a slot, zeros beyond the last column.
    pub(super) fn fill(
        &mut self,
        tools: &mut Tools,
        forms: Forms,
        slots: usize,
        source: impl Fn(usize, &mut [f32; PIECE]) + Sync,
    ) {
        let (level, stretch) = (tools.level, [Stretch { len: slots, part: PIECES_OF_A_PART }]);
        let Tools { team, locals, .. } = tools;
        if forms.blocks_256 {
            let data = room(&mut self.blocks_256, slots, Block256::ZERO);
            team.work(data, &stretch, locals, |part, blocks, local| {
                for (slot, block) in numbered(part, blocks) {
                    source(slot, &mut local.piece);
                    block.round(level, &local.piece);
                }
            });
        }
        if forms.blocks_32 {
            let data = room(&mut self.blocks_32, slots, [Block32::ZERO; PIECE / 32]);
            team.work(data, &stretch, locals, |part, blocks, local| {
                for (slot, blocks) in numbered(part, blocks) {
                    source(slot, &mut local.piece);
                    Block32::round_piece(level, blocks, &local.piece);
                }
            });
        }
        if forms.floats {
            let data = room(&mut self.floats, slots, [0.0; PIECE]);
            team.work(data, &stretch, locals, |part, pieces, _| {
                numbered(part, pieces).for_each(|(slot, piece)| source(slot, piece));
            });
        }
        if forms.halves {
            let data = room(&mut self.halves, slots, [bf16::ZERO; PIECE]);
            team.work(data, &stretch, locals, |part, pieces, local| {
                for (slot, piece) in numbered(part, pieces) {
                    source(slot, &mut local.piece);
                    round_halves(level, piece, &local.piece);
                }
            });
        }
    }

    /// Fills slots with those of `other` that `from` names: what is rounded already is copied.
    pub(super) fn gather(
        &mut self,
        tools: &mut Tools,
        forms: Forms,
        slots: usize,
        other: &Self,
        from: impl Fn(usize) -> usize + Sync,
    ) {
        fn copy<T: Copy + Send + Sync>(
            (to, zero): (&mut Vec<T>, T),
            slots: usize,
            other: &[T],
            tools: &mut Tools,
            from: impl Fn(usize) -> usize + Sync,
        ) {
            let stretch = [Stretch { len: slots, part: PIECES_OF_A_PART }];
            tools.team.work(room(to, slots, zero), &stretch, &mut tools.locals, |part, items, _| {
                numbered(part, items).for_each(|(slot, item)| *item = other[from(slot)]);
            });
        }
        if forms.blocks_256 {
            copy((&mut self.blocks_256, Block256::ZERO), slots, &other.blocks_256, tools, &from);
        }
        if forms.blocks_32 {
            copy((&mut self.blocks_32, [Block32::ZERO; PIECE / 32]), slots, &other.blocks_32, tools, &from);
        }
        if forms.floats {
            copy((&mut self.floats, [0.0; PIECE]), slots, &other.floats, tools, &from);
        }
        if forms.halves {
            copy((&mut self.halves, [bf16::ZERO; PIECE]), slots, &other.halves, tools, &from);
        }
    }

    /// The slots from `first` on in one form.
    pub(super) fn input(&self, kind: InputKind, first: usize, slots: usize) -> Input<'_> {
        let range = first..first + slots;
        match kind {
            InputKind::Blocks256 => Input::Blocks256(&self.blocks_256[range]),
            InputKind::Blocks32 => Input::Blocks32(&self.blocks_32[range]),
            InputKind::Floats => Input::Floats(&self.floats[range]),
            InputKind::Halves => Input::Halves(&self.halves[range]),
        }
    }
}

/// The items of a part with their numbers.
fn numbered<T>(part: Part, items: &mut [T]) -> impl Iterator<Item = (usize, &mut T)> {
    (part.place.from..).zip(items)
}

/// The first `count` items of a buffer, which only grows: nothing is allocated for a token once a request has begun.
pub(super) fn room<T: Clone>(buffer: &mut Vec<T>, count: usize, empty: T) -> &mut [T] {
    if buffer.len() < count {
        buffer.resize(count, empty);
    }
    &mut buffer[..count]
}
