//! The format of `[model.shape]` in `models.toml`, and its way into a [`Shape`].

use std::collections::HashMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::{Attention, Family, FeedForward, Mixture, RopeScaling, Shape, SlidingWindow, Yarn};
use crate::faults::Reader;

#[derive(Deserialize)]
pub(in crate::model) struct WireShape {
    family: Spanned<WireFamily>,
    layers: Spanned<u64>,
    hidden: Spanned<u64>,
    intermediate: Spanned<u64>,
    heads: Spanned<u64>,
    kv_heads: Option<Spanned<u64>>,
    head_dim: Option<Spanned<u64>>,
    latent: Option<Spanned<WireLatent>>,
    mixture: Option<Spanned<WireMixture>>,
    vocab: Spanned<u64>,
    tied_embeddings: bool,
    rope_theta: Spanned<f64>,
    llama3: Option<Spanned<WireLlama3>>,
    yarn: Option<Spanned<WireYarn>>,
    rms_norm_eps: Spanned<f64>,
    max_positions: Spanned<u64>,
    sliding_window: Option<Spanned<WireWindow>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WireFamily {
    Qwen2,
    Qwen3,
    Llama,
    Mistral3,
    DeepSeek2,
}

#[derive(Deserialize)]
struct WireLatent {
    kv_rank: u64,
    nope_dim: u64,
    rope_dim: u64,
    value_dim: u64,
}

#[derive(Deserialize)]
struct WireMixture {
    dense_layers: u64,
    experts: u64,
    experts_per_token: u64,
    shared_experts: u64,
    expert_intermediate: u64,
}

#[derive(Deserialize)]
struct WireLlama3 {
    factor: f64,
    low_frequency: f64,
    high_frequency: f64,
    original_positions: u64,
}

#[derive(Deserialize)]
struct WireYarn {
    factor: f64,
    original_positions: u64,
    beta_fast: f64,
    beta_slow: f64,
    attention_factor: Option<f64>,
    magnitude: Option<f64>,
    query_beta: Option<f64>,
}

#[derive(Deserialize)]
struct WireWindow {
    positions: u64,
    used: bool,
}

impl WireShape {
    /// The shape, with every fault of it reported; `span` is the whole table's. `None` if its parts do not make one.
    pub(in crate::model) fn into_shape(self, span: Range<usize>, reader: &mut Reader<'_>) -> Option<Shape> {
        let spans = self.spans();
        let attention = self.attention(&span, reader)?;
        let rope_scaling = self.rope_scaling(reader)?;
        let intermediate = self.intermediate.into_inner();
        let shape = Shape {
            family: self.family.into_inner().into(),
            layers: self.layers.into_inner(),
            hidden: self.hidden.into_inner(),
            attention,
            feed_forward: match self.mixture.map(Spanned::into_inner) {
                None => FeedForward::Dense { intermediate },
                Some(wire) => FeedForward::Mixture(Mixture {
                    intermediate,
                    dense_layers: wire.dense_layers,
                    experts: wire.experts,
                    experts_per_token: wire.experts_per_token,
                    shared_experts: wire.shared_experts,
                    expert_intermediate: wire.expert_intermediate,
                }),
            },
            vocab: self.vocab.into_inner(),
            tied_embeddings: self.tied_embeddings,
            rope_theta: self.rope_theta.into_inner(),
            rope_scaling,
            rms_norm_eps: self.rms_norm_eps.into_inner(),
            max_positions: self.max_positions.into_inner(),
            sliding_window: match self.sliding_window.map(Spanned::into_inner) {
                None => SlidingWindow::None,
                Some(WireWindow { positions, used: false }) => SlidingWindow::Off(positions),
                Some(WireWindow { positions, used: true }) => SlidingWindow::On(positions),
            },
        };
        for (key, problem, fix) in shape.problems() {
            reader.at(spans.get(key).unwrap_or(&span).clone(), problem, fix);
        }
        Some(shape)
    }

    fn spans(&self) -> HashMap<&'static str, Range<usize>> {
        let present = [
            ("family", Some(self.family.span())),
            ("layers", Some(self.layers.span())),
            ("hidden", Some(self.hidden.span())),
            ("intermediate", Some(self.intermediate.span())),
            ("heads", Some(self.heads.span())),
            ("kv_heads", self.kv_heads.as_ref().map(Spanned::span)),
            ("head_dim", self.head_dim.as_ref().map(Spanned::span)),
            ("latent", self.latent.as_ref().map(Spanned::span)),
            ("mixture", self.mixture.as_ref().map(Spanned::span)),
            ("vocab", Some(self.vocab.span())),
            ("rope_theta", Some(self.rope_theta.span())),
            ("llama3", self.llama3.as_ref().map(Spanned::span)),
            ("yarn", self.yarn.as_ref().map(Spanned::span)),
            ("rms_norm_eps", Some(self.rms_norm_eps.span())),
            ("max_positions", Some(self.max_positions.span())),
            ("sliding_window", self.sliding_window.as_ref().map(Spanned::span)),
        ];
        present.into_iter().filter_map(|(key, span)| Some((key, span?))).collect()
    }

    fn attention(&self, span: &Range<usize>, reader: &mut Reader<'_>) -> Option<Attention> {
        let heads = *self.heads.get_ref();
        match (&self.latent, &self.kv_heads, &self.head_dim) {
            (None, Some(kv_heads), Some(head_dim)) => Some(Attention::Grouped {
                heads,
                kv_heads: *kv_heads.get_ref(),
                head_dim: *head_dim.get_ref(),
            }),
            (Some(latent), None, None) => {
                let WireLatent { kv_rank, nope_dim, rope_dim, value_dim } = *latent.get_ref();
                Some(Attention::Latent { heads, kv_rank, nope_dim, rope_dim, value_dim })
            }
            (latent, ..) => {
                let span = latent.as_ref().map_or_else(|| span.clone(), Spanned::span);
                let fix = "give `kv_heads` and `head_dim`, or `latent` alone";
                reader.at(span, "the attention is neither grouped nor latent", fix);
                None
            }
        }
    }

    fn rope_scaling(&self, reader: &mut Reader<'_>) -> Option<RopeScaling> {
        match (&self.llama3, &self.yarn) {
            (None, None) => Some(RopeScaling::None),
            (Some(wire), None) => {
                let WireLlama3 { factor, low_frequency, high_frequency, original_positions } =
                    *wire.get_ref();
                Some(RopeScaling::Llama3 { factor, low_frequency, high_frequency, original_positions })
            }
            (None, Some(wire)) => {
                let wire = wire.get_ref();
                Some(RopeScaling::Yarn(Yarn {
                    factor: wire.factor,
                    original_positions: wire.original_positions,
                    beta_fast: wire.beta_fast,
                    beta_slow: wire.beta_slow,
                    attention_factor: wire.attention_factor,
                    magnitude: wire.magnitude,
                    query_beta: wire.query_beta,
                }))
            }
            (Some(_), Some(yarn)) => {
                reader.at(yarn.span(), "two kinds of rotary scaling", "give `llama3` or `yarn`");
                None
            }
        }
    }
}

impl From<WireFamily> for Family {
    fn from(wire: WireFamily) -> Self {
        match wire {
            WireFamily::Qwen2 => Self::Qwen2,
            WireFamily::Qwen3 => Self::Qwen3,
            WireFamily::Llama => Self::Llama,
            WireFamily::Mistral3 => Self::Mistral3,
            WireFamily::DeepSeek2 => Self::DeepSeek2,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Registry;

    const MODELS: &str = include_str!("../../../models.toml");

    /// The faults after the first `from` below the model `id` was replaced.
    fn faults(id: &str, from: &str, to: &str) -> Vec<(String, String)> {
        let (before, after) = MODELS.split_at(MODELS.find(&format!("id = \"{id}\"")).unwrap());
        assert!(after.contains(from), "{id} has no {from}");
        let text = format!("{before}{}", after.replacen(from, to, 1));
        let found = Registry::parse("models.toml", &text).unwrap_err();
        let line = |number: usize| text.lines().nth(number - 1).unwrap().to_owned();
        found.iter().map(|(number, problem, _)| (line(number), problem.to_owned())).collect()
    }

    #[test]
    fn parts_that_exclude_each_other_are_refused_on_their_line() {
        let both = faults("deepseek-v2-lite", "heads = 16", "heads = 16\nkv_heads = 16\nhead_dim = 192");
        assert!(both[0].0.starts_with("latent = "), "{both:?}");
        assert_eq!(both[0].1, "the attention is neither grouped nor latent");
        let neither = faults("tiny-llama", "head_dim = 64", "");
        assert_eq!(neither[0].1, "the attention is neither grouped nor latent");
        let yarn = "yarn = { factor = 4.0, original_positions = 64, beta_fast = 32.0, beta_slow = 1.0 }";
        let twice = faults("tiny-llama3", "rms_norm_eps", &format!("{yarn}\nrms_norm_eps"));
        assert_eq!(twice, [(yarn.to_owned(), "two kinds of rotary scaling".to_owned())]);
    }

    #[test]
    fn unknown_keys_and_wrong_numbers_within_a_part_are_refused_on_its_line() {
        let spelt = faults("tiny-deepseek2", "kv_rank = 128", "kv_rank = 128, kv_rnak = 1");
        assert!(spelt[0].1.contains("kv_rnak"), "{spelt:?}");
        let many = faults("tiny-deepseek2", "experts_per_token = 2", "experts_per_token = 5");
        assert!(many[0].0.starts_with("mixture = ") && many[0].1 == "5 of 4 experts per token", "{many:?}");
    }
}
