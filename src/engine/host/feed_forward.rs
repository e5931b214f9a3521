//! The feed-forward part of a layer: one gated network, or a router and many narrow ones.

use candle_core::Result;

use super::activations::Forms;
use super::products::{Line, Product, forms, gather, products};
use super::weights::{Linear, Loader};
use super::{Tools, Work};
use crate::engine::kernels::{Level, PIECE, ROWS, Stretch};
use crate::model::{Family, FeedForward, Mixture};
use crate::units::count_as_usize;

/// `down(silu(gate(x)) * up(x))`: `SwiGLU` (Shazeer 2020).
#[derive(Debug)]
struct Network {
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl Network {
    /// `ending` tells the networks of a layer apart: nothing, `_shexp`, or `_exps.5`.
    fn load(loader: &Loader<'_>, layer: u64, ending: &str) -> Result<Self> {
        let linear = |part: &str| loader.linear(&format!("blk.{layer}.ffn_{part}{ending}"));
        Ok(Self { gate: linear("gate")?, up: linear("up")?, down: linear("down")? })
    }
}

/// The networks of a layer: those that every token goes through, and those that a router chooses.
#[derive(Debug)]
pub(super) struct FeedForwardPart {
    /// The only network of a dense layer, or the shared experts as one.
    common: Option<Network>,
    routed: Option<Routed>,
}

#[derive(Debug)]
struct Routed {
    router: Linear,
    experts: Vec<Network>,
    per_token: usize,
    /// True if the weights of the chosen experts are scaled to sum to one (Mixtral); `DeepSeek`-V2 leaves them as they are.
    rescales: bool,
}

/// A network at work: which tokens it gets and where its parts of the buffers begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Busy {
    /// `None` for the common network.
    expert: Option<usize>,
    tokens: usize,
    /// First slot of its inputs and of its activations within, first line of its activations within and of its output.
    input_slot: usize,
    middle_slot: usize,
    middle_line: usize,
    output_line: usize,
}

/// What routing needs; kept from pass to pass.
#[derive(Debug, Default)]
pub(super) struct Routing {
    busy: Vec<Busy>,
    /// Tokens of each expert.
    tokens_of: Vec<Vec<usize>>,
    /// For each token and choice: the expert, the token's place among the expert's, the weight.
    choices: Vec<(usize, usize, f32)>,
    /// For each expert its entry in `busy`.
    entry_of: Vec<usize>,
    scores: Vec<f32>,
    order: Vec<usize>,
}

impl FeedForwardPart {
    pub(super) fn load(loader: &Loader<'_>, layer: u64) -> Result<Self> {
        let shape = &loader.checkpoint.shape;
        let mixture = match &shape.feed_forward {
            FeedForward::Mixture(mixture) if layer >= mixture.dense_layers => mixture,
            FeedForward::Dense { .. } | FeedForward::Mixture(_) => {
                return Ok(Self { common: Some(Network::load(loader, layer, "")?), routed: None });
            }
        };
        let common = (mixture.shared_experts > 0).then(|| Network::load(loader, layer, "_shexp"));
        let routed = Routed::load(loader, layer, mixture)?;
        Ok(Self { common: common.transpose()?, routed: Some(routed) })
    }

    /// The forms in which the normed hidden states are read.
    pub(super) fn forms(&self, level: Level) -> Forms {
        let common = self.common.iter().flat_map(|network| [&network.gate, &network.up]);
        let routed = self.routed.iter().flat_map(|routed| {
            let experts = routed.experts.iter().flat_map(|network| [&network.gate, &network.up]);
            experts.chain([&routed.router])
        });
        forms(level, common.chain(routed))
    }

    fn network(&self, busy: &Busy) -> &Network {
        match (busy.expert, &self.routed, &self.common) {
            (Some(expert), Some(routed), _) => &routed.experts[expert],
            (None, _, Some(common)) => common,
            _ => unreachable!("a busy network is one that there is"),
        }
    }

    /// From `work.inputs` to sums added to `work.x`.
    pub(super) fn forward(&self, tools: &mut Tools, work: &mut Work, tokens: usize) {
        work.routing.busy.clear();
        if let Some(routed) = &self.routed {
            products(tools, 1, |_| Product::new(&routed.router, &work.inputs, tokens), &mut work.lines);
            work.routing.choose(routed, &work.lines, tokens);
        }
        self.lay_out(&mut work.routing, tokens);
        let is_gathered = self.routed.is_some() && tokens > 1;
        if is_gathered {
            self.gather_inputs(tools, work, tokens);
        }
        let Work { inputs, gathered, middle, lines, others, routing, x, .. } = work;
        let busy = &routing.busy[..];
        let input = |index: usize| {
            let busy = &busy[index];
            let network = self.network(busy);
            let (from, first_slot) = match busy.expert {
                Some(_) if is_gathered => (&*gathered, busy.input_slot),
                _ => (&*inputs, 0),
            };
            let product = Product::new(&network.gate, from, busy.tokens);
            Product { gated: Some(&network.up), first_slot, ..product }
        };
        products(tools, busy.len(), input, others);
        let downs = || busy.iter().map(|busy| &self.network(busy).down);
        let slots = busy.iter().map(|busy| self.middle_slots(busy)).sum();
        let within = &*others;
        let forms_of_downs = forms(tools.level, downs());
        middle.fill(tools, forms_of_downs, slots, |slot, piece| {
            let busy = &busy[busy.partition_point(|busy| busy.middle_slot <= slot) - 1];
            let (slot, width) = (slot - busy.middle_slot, self.network(busy).down.matrix.columns);
            let (first, token) = (slot / busy.tokens * PIECE, slot % busy.tokens);
            let count = PIECE.min(width - first);
            piece[count..].fill(0.0);
            gather(&within[busy.middle_line..], [token, busy.tokens], first, &mut piece[..count]);
        });
        let output = |index: usize| {
            let busy = &busy[index];
            let product = Product::new(&self.network(busy).down, middle, busy.tokens);
            Product { first_slot: busy.middle_slot, ..product }
        };
        products(tools, busy.len(), output, lines);
        self.add(tools, x, lines, routing, tokens);
    }

    fn middle_slots(&self, busy: &Busy) -> usize {
        self.network(busy).down.matrix.columns.div_ceil(PIECE) * busy.tokens
    }

    /// Says where each busy network's parts of the buffers begin.
    fn lay_out(&self, routing: &mut Routing, tokens: usize) {
        let Routing { busy, tokens_of, entry_of, .. } = routing;
        let place = |expert, tokens| Busy {
            expert,
            tokens,
            input_slot: 0,
            middle_slot: 0,
            middle_line: 0,
            output_line: 0,
        };
        if self.routed.is_some() {
            entry_of.clear();
            for (expert, of_expert) in tokens_of.iter().enumerate() {
                entry_of.push(busy.len());
                busy.extend((!of_expert.is_empty()).then(|| place(Some(expert), of_expert.len())));
            }
        }
        busy.extend(self.common.as_ref().map(|_| place(None, tokens)));
        let [mut input_slot, mut middle_slot, mut middle_line, mut output_line] = [0; 4];
        for busy in busy {
            let network = self.network(busy);
            *busy = Busy { input_slot, middle_slot, middle_line, output_line, ..*busy };
            input_slot += network.gate.matrix.columns.div_ceil(PIECE) * busy.tokens;
            middle_slot += self.middle_slots(busy);
            middle_line += network.gate.matrix.panels() * busy.tokens;
            output_line += network.down.matrix.panels() * busy.tokens;
        }
    }

    /// Puts the inputs of each expert's tokens beside each other.
    fn gather_inputs(&self, tools: &mut Tools, work: &mut Work, tokens: usize) {
        let Work { inputs, gathered, routing, .. } = work;
        let Some(routed) = &self.routed else { return };
        let busy: &[Busy] = &routing.busy[..routing.busy.len() - usize::from(self.common.is_some())];
        let forms =
            forms(tools.level, routed.experts.iter().flat_map(|network| [&network.gate, &network.up]));
        let pieces = routed.experts[0].gate.matrix.columns.div_ceil(PIECE);
        let slots = busy.iter().map(|busy| pieces * busy.tokens).sum();
        gathered.gather(tools, forms, slots, inputs, |slot| {
            let busy = &busy[busy.partition_point(|busy| busy.input_slot <= slot) - 1];
            let slot = slot - busy.input_slot;
            let of_expert = &routing.tokens_of[busy.expert.unwrap_or(0)];
            slot / busy.tokens * tokens + of_expert[slot % busy.tokens]
        });
    }

    /// Adds the networks' outputs to the hidden states, each expert's with its weight.
    fn add(&self, tools: &mut Tools, x: &mut [f32], lines: &[Line], routing: &Routing, tokens: usize) {
        let hidden = x.len() / tokens;
        let per_token = self.routed.as_ref().map_or(0, |routed| routed.per_token);
        tools.team.work(
            x,
            &[Stretch { len: hidden * tokens, part: hidden }],
            &mut tools.locals,
            |part, x, _| {
                let token = part.place.from / hidden;
                if let (Some(_), Some(busy)) = (&self.common, routing.busy.last()) {
                    add_line(&lines[busy.output_line..], [token, tokens], 1.0, x);
                }
                for (expert, place, weight) in &routing.choices[token * per_token..(token + 1) * per_token] {
                    let busy = &routing.busy[routing.entry_of[*expert]];
                    add_line(&lines[busy.output_line..], [*place, busy.tokens], *weight, x);
                }
            },
        );
    }
}

/// Adds one token's output, times a weight.
pub(super) fn add_line(lines: &[Line], [token, tokens]: [usize; 2], weight: f32, x: &mut [f32]) {
    for (panel, x) in x.chunks_mut(ROWS).enumerate() {
        let line = &lines[panel * tokens + token];
        x.iter_mut().zip(line).for_each(|(x, value)| *x += weight * value);
    }
}

impl Routed {
    fn load(loader: &Loader<'_>, layer: u64, mixture: &Mixture) -> Result<Self> {
        let experts =
            (0..mixture.experts).map(|expert| Network::load(loader, layer, &format!("_exps.{expert}")));
        Ok(Self {
            router: loader.matrix(&format!("blk.{layer}.ffn_gate_inp.weight"))?.into(),
            experts: experts.collect::<Result<_>>()?,
            per_token: count_as_usize(mixture.experts_per_token),
            rescales: loader.checkpoint.shape.family != Family::DeepSeek2,
        })
    }
}

impl Routing {
    /// Chooses the experts of every token by the router's scores.
    fn choose(&mut self, routed: &Routed, lines: &[Line], tokens: usize) {
        let count = routed.experts.len();
        self.tokens_of.resize(count, Vec::new());
        self.tokens_of.iter_mut().for_each(Vec::clear);
        self.choices.clear();
        for token in 0..tokens {
            self.scores.resize(count, 0.0);
            gather(lines, [token, tokens], 0, &mut self.scores);
            let highest = self.scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            self.scores.iter_mut().for_each(|score| *score = (*score - highest).exp());
            let sum: f32 = self.scores.iter().sum();
            self.order.clear();
            self.order.extend(0..count);
            let scores = &self.scores;
            // Of equal scores the first: a stable sort would say so too, and needs memory.
            self.order.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
            let chosen = &self.order[..routed.per_token];
            let whole = if routed.rescales { chosen.iter().map(|&expert| scores[expert]).sum() } else { sum };
            for &expert in chosen {
                self.choices.push((expert, self.tokens_of[expert].len(), scores[expert] / whole));
                self.tokens_of[expert].push(token);
            }
        }
    }
}
