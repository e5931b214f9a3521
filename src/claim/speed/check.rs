//! How much of a card's bandwidth a cited speed needs, and what follows from it: the rule of our own speeds
//! (`measurement::cited_speed`), where a source says enough to apply it.
//!
//! A step reads the weights at least once, whatever the engine does. So a speed needs at least
//! `tokens per second / sequences x bytes per step`, and no card reads faster than its memory gives.

use std::num::NonZeroU64;

use crate::measurement::cited_speed;
use crate::units::{Bytes, BytesPerSecond, Ratio, TokensPerSecond, count_as_f64};

/// What a speed needs at the least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needed {
    /// Bytes read per second.
    pub bandwidth: BytesPerSecond,
    /// The same over the published bandwidth of the card.
    pub share: Ratio,
}

/// Why a speed is not judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotJudged {
    /// The source does not say how many sequences were written at once; a step may have given that many tokens.
    SequencesNotStated,
    /// Tokens were guessed and checked several at a time, so a step may have given more than one.
    SpeculationUsed,
    /// The amounts are too large or too small for a quotient.
    OutOfRange,
}

impl NotJudged {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::SequencesNotStated, Self::SpeculationUsed, Self::OutOfRange];

    /// The name used in JSON.
    pub const fn id(self) -> &'static str {
        match self {
            Self::SequencesNotStated => "sequences-not-stated",
            Self::SpeculationUsed => "speculation-used",
            Self::OutOfRange => "out-of-range",
        }
    }
}

/// Whether a card can be as fast as somebody says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plausibility {
    /// The card's memory is fast enough. That does not make the speed true.
    Plausible(Needed),
    /// The card's memory is too slow for it, without speculation.
    Implausible(Needed),
    /// Something is not known that the answer depends on.
    NotJudged(NotJudged),
}

impl Plausibility {
    /// The name used in JSON.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Plausible(_) => "plausible",
            Self::Implausible(_) => "implausible",
            Self::NotJudged(_) => "not-judged",
        }
    }

    /// What the speed needs; `None` where it is not judged.
    pub const fn needed(self) -> Option<Needed> {
        match self {
            Self::Plausible(needed) | Self::Implausible(needed) => Some(needed),
            Self::NotJudged(_) => None,
        }
    }
}

/// What a source says of how tokens were made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Speculation {
    /// Nothing.
    NotStated,
    /// That one step gave one token of each sequence, or its tool can do nothing else.
    Excluded,
    /// That several tokens were guessed and checked in one step.
    Used,
}

impl Speculation {
    /// The name used in files and in JSON.
    pub const fn id(self) -> &'static str {
        match self {
            Self::NotStated => "not-stated",
            Self::Excluded => "excluded",
            Self::Used => "used",
        }
    }
}

/// Sets a speed of all sequences together beside the published bandwidth of a card.
///
/// 115 tokens/s of one sequence at 7.6 GB a step need 874 GB/s; a card of 448 GB/s gives 1 / 1.95 of that.
pub fn check(
    speed: TokensPerSecond,
    sequences: Option<NonZeroU64>,
    speculation: Speculation,
    bytes_per_step: Bytes,
    published: BytesPerSecond,
) -> Plausibility {
    let Some(sequences) = sequences else {
        return Plausibility::NotJudged(NotJudged::SequencesNotStated);
    };
    if speculation == Speculation::Used {
        return Plausibility::NotJudged(NotJudged::SpeculationUsed);
    }
    let of_one = TokensPerSecond::new(speed.value() / count_as_f64(sequences.get()));
    match of_one.ok().and_then(|speed| cited_speed(speed, bytes_per_step, published)) {
        None => Plausibility::NotJudged(NotJudged::OutOfRange),
        Some(cited) => {
            let needed = Needed { bandwidth: cited.needed, share: cited.utilisation };
            if cited.is_above { Plausibility::Implausible(needed) } else { Plausibility::Plausible(needed) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(
        tokens: f64,
        sequences: u64,
        speculation: Speculation,
        bytes: f64,
        published: f64,
    ) -> Plausibility {
        let bandwidth = BytesPerSecond::new(published).unwrap();
        let bytes = Bytes::new(crate::units::rounded_u64(bytes));
        check(
            TokensPerSecond::new(tokens).unwrap(),
            NonZeroU64::new(sequences),
            speculation,
            bytes,
            bandwidth,
        )
    }

    #[test]
    fn the_worked_example_of_the_methodology() {
        let found = judged(115.0, 1, Speculation::NotStated, 7.6e9, 448e9);
        assert_eq!(found.id(), "implausible");
        let needed = found.needed().unwrap();
        assert!((needed.bandwidth.value() - 874e9).abs() < 1.0);
        assert_eq!(format!("{:.2}", needed.share.value()), "1.95");
    }

    #[test]
    fn the_limit_itself_is_plausible_and_the_next_step_is_not() {
        let at = |tokens| judged(tokens, 1, Speculation::Excluded, 1e9, 100e9).id();
        assert_eq!((at(1.0), at(105.0), at(105.001)), ("plausible", "plausible", "implausible"));
    }

    #[test]
    fn sequences_share_one_reading_of_the_weights() {
        let of = |sequences| judged(800.0, sequences, Speculation::NotStated, 1e9, 100e9);
        assert_eq!(of(8).needed().map(|needed| needed.share), Ratio::new(1.0).ok());
        assert_eq!((of(8).id(), of(7).id()), ("plausible", "implausible"));
    }

    #[test]
    fn what_is_not_known_is_not_judged_however_fast() {
        let open = |sequences, speculation| judged(1e6, sequences, speculation, 1e9, 1e9);
        assert_eq!(
            open(0, Speculation::NotStated),
            Plausibility::NotJudged(NotJudged::SequencesNotStated),
            "no count of sequences"
        );
        assert_eq!(open(1, Speculation::Used), Plausibility::NotJudged(NotJudged::SpeculationUsed));
        assert_eq!(open(1, Speculation::Used).needed(), None);
    }

    #[test]
    fn amounts_without_a_quotient_are_not_judged() {
        for (tokens, published) in [(f64::MAX, 1e9), (1.0, 0.0), (0.0, 0.0)] {
            let found = judged(tokens, 1, Speculation::NotStated, 1e18, published);
            assert_eq!(found, Plausibility::NotJudged(NotJudged::OutOfRange), "{tokens} {published}");
        }
    }
}
