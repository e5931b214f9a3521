//! Why an engine does not run a case at all: what it lacks to compute it rightly.

/// Something a model needs and an engine lacks. Running without it would give other answers, or none, under the same name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum EngineGap {
    /// No code for the architecture.
    Architecture,
    /// Heads whose width is not `hidden / heads`.
    HeadSize,
    /// Rotary scaling.
    RopeScaling,
    /// Norms on query and key heads, with rotary angles exact enough.
    QueryKeyNorm,
    /// Keys and values from a latent vector.
    LatentAttention,
    /// A mixture of experts in the layout of today's files.
    Experts,
    /// More positions than the engine has angles for, or the model was published for.
    Context,
    /// A window that some layers do not look beyond.
    SlidingWindow,
    /// Prompts of several sequences at once.
    Batch,
}

impl EngineGap {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Architecture,
        Self::HeadSize,
        Self::RopeScaling,
        Self::QueryKeyNorm,
        Self::LatentAttention,
        Self::Experts,
        Self::Context,
        Self::SlidingWindow,
        Self::Batch,
    ];

    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Architecture => "architecture",
            Self::HeadSize => "head-size",
            Self::RopeScaling => "rope-scaling",
            Self::QueryKeyNorm => "query-key-norm",
            Self::LatentAttention => "latent-attention",
            Self::Experts => "experts",
            Self::Context => "context",
            Self::SlidingWindow => "sliding-window",
            Self::Batch => "batch",
        }
    }

    /// The gap with this [`Self::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gap| gap.id() == id)
    }

    /// What is missing, as one sentence.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Architecture => "the engine has no code that reads files of this architecture",
            Self::HeadSize => {
                "the engine takes hidden / heads for the width of a head, and this model's heads have another"
            }
            Self::RopeScaling => {
                "the engine leaves out the rotary scaling of this model, at every position, without saying so"
            }
            Self::QueryKeyNorm => {
                "the engine has no code for norms on query and key heads whose rotary angles are exact enough"
            }
            Self::LatentAttention => "the engine has no latent attention for quantised weights",
            Self::Experts => {
                "the engine cannot read experts that are stacked in one tensor, as today's files hold them"
            }
            Self::Context => {
                "the engine has rotary angles for fewer positions than this workload needs, or the model was published for \
                 fewer"
            }
            Self::SlidingWindow => {
                "the engine has no attention window, and this workload is longer than the model's"
            }
            Self::Batch => "the engine fails on prompts of more than one token for several sequences at once",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_read_back_as_they_are_named_and_say_one_sentence() {
        for gap in EngineGap::ALL {
            assert_eq!(EngineGap::from_id(gap.id()), Some(gap));
            assert!(
                gap.reason().starts_with("the engine ") && !gap.reason().ends_with('.'),
                "{}",
                gap.reason()
            );
        }
        assert_eq!(EngineGap::from_id("speed"), None);
    }
}
