//! A model's shape in the run file: its types, and its way there and back.

mod schema;

pub(super) use schema::{FamilyFile, ShapeFile};

use crate::model::{Attention, Family, FeedForward, Mixture, RopeScaling, Shape, SlidingWindow, Yarn};
use schema::{BiasFile, LatentFile, Llama3File, MixtureFile, WindowFile, YarnFile};

impl From<&Shape> for ShapeFile {
    fn from(shape: &Shape) -> Self {
        let (kv_heads, head_dim, latent) = match shape.attention {
            Attention::Grouped { kv_heads, head_dim, .. } => (Some(kv_heads), Some(head_dim), None),
            Attention::Latent { kv_rank, nope_dim, rope_dim, value_dim, .. } => {
                (None, None, Some(LatentFile { kv_rank, nope_dim, rope_dim, value_dim }))
            }
        };
        let (mut llama3, mut yarn) = (None, None);
        match shape.rope_scaling {
            RopeScaling::None => {}
            RopeScaling::Llama3 { factor, low_frequency, high_frequency, original_positions } => {
                llama3 = Some(Llama3File { factor, low_frequency, high_frequency, original_positions });
            }
            RopeScaling::Yarn(numbers) => yarn = Some(numbers.into()),
        }
        Self {
            family: shape.family.into(),
            layers: shape.layers,
            hidden: shape.hidden,
            intermediate: shape.intermediate(),
            heads: shape.heads(),
            kv_heads,
            head_dim,
            latent,
            mixture: shape.mixture().map(|mixture| MixtureFile {
                dense_layers: mixture.dense_layers,
                experts: mixture.experts,
                experts_per_token: mixture.experts_per_token,
                shared_experts: mixture.shared_experts,
                expert_intermediate: mixture.expert_intermediate,
            }),
            vocab: shape.vocab,
            tied_embeddings: shape.tied_embeddings,
            attention_bias: bias(shape.family),
            rope_theta: shape.rope_theta,
            llama3,
            yarn,
            rms_norm_eps: shape.rms_norm_eps,
            max_positions: shape.max_positions,
            sliding_window: match shape.sliding_window {
                SlidingWindow::None => None,
                SlidingWindow::Off(positions) => Some(WindowFile { positions, used: false }),
                SlidingWindow::On(positions) => Some(WindowFile { positions, used: true }),
            },
        }
    }
}

impl ShapeFile {
    /// The shape, or the key that does not fit the others and why.
    pub(super) fn shape(&self) -> Result<Shape, (&'static str, String)> {
        let family = self.family.into();
        if self.attention_bias != bias(family) {
            return Err(("attention_bias", format!("is not that of {}", family.id())));
        }
        let shape = Shape {
            family,
            layers: self.layers,
            hidden: self.hidden,
            attention: self.attention()?,
            feed_forward: self.feed_forward(),
            vocab: self.vocab,
            tied_embeddings: self.tied_embeddings,
            rope_theta: self.rope_theta,
            rope_scaling: self.rope_scaling()?,
            rms_norm_eps: self.rms_norm_eps,
            max_positions: self.max_positions,
            sliding_window: match self.sliding_window {
                None => SlidingWindow::None,
                Some(WindowFile { positions, used: false }) => SlidingWindow::Off(positions),
                Some(WindowFile { positions, used: true }) => SlidingWindow::On(positions),
            },
        };
        match shape.contradictions().into_iter().next() {
            Some((key, problem, _)) => Err((key, problem)),
            None => Ok(shape),
        }
    }

    fn attention(&self) -> Result<Attention, (&'static str, String)> {
        let heads = self.heads;
        match (self.kv_heads, self.head_dim, &self.latent) {
            (Some(kv_heads), Some(head_dim), None) => Ok(Attention::Grouped { heads, kv_heads, head_dim }),
            (None, None, &Some(LatentFile { kv_rank, nope_dim, rope_dim, value_dim })) => {
                Ok(Attention::Latent { heads, kv_rank, nope_dim, rope_dim, value_dim })
            }
            _ => Err(("latent", "the attention is neither grouped nor latent".into())),
        }
    }

    fn feed_forward(&self) -> FeedForward {
        let intermediate = self.intermediate;
        match &self.mixture {
            None => FeedForward::Dense { intermediate },
            Some(file) => FeedForward::Mixture(Mixture {
                intermediate,
                dense_layers: file.dense_layers,
                experts: file.experts,
                experts_per_token: file.experts_per_token,
                shared_experts: file.shared_experts,
                expert_intermediate: file.expert_intermediate,
            }),
        }
    }

    fn rope_scaling(&self) -> Result<RopeScaling, (&'static str, String)> {
        match (&self.llama3, &self.yarn) {
            (None, None) => Ok(RopeScaling::None),
            (&Some(Llama3File { factor, low_frequency, high_frequency, original_positions }), None) => {
                Ok(RopeScaling::Llama3 { factor, low_frequency, high_frequency, original_positions })
            }
            (None, Some(yarn)) => Ok(RopeScaling::Yarn(yarn.into())),
            (Some(_), Some(_)) => Err(("yarn", "two kinds of rotary scaling".into())),
        }
    }
}

fn bias(family: Family) -> BiasFile {
    if family.has_attention_bias() { BiasFile::Qkv } else { BiasFile::None }
}

impl From<Yarn> for YarnFile {
    fn from(yarn: Yarn) -> Self {
        let Yarn {
            factor,
            original_positions,
            beta_fast,
            beta_slow,
            attention_factor,
            magnitude,
            query_beta,
        } = yarn;
        Self { factor, original_positions, beta_fast, beta_slow, attention_factor, magnitude, query_beta }
    }
}

impl From<&YarnFile> for Yarn {
    fn from(file: &YarnFile) -> Self {
        Self {
            factor: file.factor,
            original_positions: file.original_positions,
            beta_fast: file.beta_fast,
            beta_slow: file.beta_slow,
            attention_factor: file.attention_factor,
            magnitude: file.magnitude,
            query_beta: file.query_beta,
        }
    }
}

impl From<Family> for FamilyFile {
    fn from(family: Family) -> Self {
        match family {
            Family::Qwen2 => Self::Qwen2,
            Family::Qwen3 => Self::Qwen3,
            Family::Llama => Self::Llama,
            Family::Mistral3 => Self::Mistral3,
            Family::DeepSeek2 => Self::DeepSeek2,
        }
    }
}

impl From<FamilyFile> for Family {
    fn from(file: FamilyFile) -> Self {
        match file {
            FamilyFile::Qwen2 => Self::Qwen2,
            FamilyFile::Qwen3 => Self::Qwen3,
            FamilyFile::Llama => Self::Llama,
            FamilyFile::Mistral3 => Self::Mistral3,
            FamilyFile::DeepSeek2 => Self::DeepSeek2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Registry;

    #[test]
    fn every_shape_of_the_registry_comes_back_from_its_file() {
        let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
        for model in registry.models() {
            let text = serde_json::to_string(&ShapeFile::from(&model.shape)).unwrap();
            let file: ShapeFile = serde_json::from_str(&text).unwrap();
            assert_eq!(file.shape().unwrap(), model.shape, "{}", model.id);
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_refused_with_their_key() {
        let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
        let good = || ShapeFile::from(&registry.models()[0].shape);
        let key = |file: ShapeFile| file.shape().unwrap_err().0;
        assert_eq!(key(ShapeFile { attention_bias: BiasFile::None, ..good() }), "attention_bias");
        assert_eq!(key(ShapeFile { kv_heads: None, ..good() }), "latent");
        assert_eq!(key(ShapeFile { layers: 0, ..good() }), "layers");
    }
}
