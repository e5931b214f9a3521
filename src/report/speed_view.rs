//! Cited speeds as rows of a table: what is said, what it needs, what the card gives, and what follows.

use super::claims_view::{Badge, SourceRow, source_row};
use super::ledger_view::{LedgerView, SourceView};
use super::words::Words;
use crate::units::{Bytes, BytesPerSecond, Ratio};

/// A speed that somebody published, and what became of it, in the language of the page.
#[derive(Clone, Debug)]
pub(crate) struct SpeedView {
    /// Key in the ledger.
    pub(crate) id: String,
    /// What is said, in one line.
    pub(crate) statement: String,
    /// How the weights are stored, in the words of the source.
    pub(crate) weights: String,
    /// What computed, if the source says so.
    pub(crate) engine: Option<String>,
    /// Sequences written at once; `None` where the source does not say.
    pub(crate) sequences: Option<u64>,
    /// What one step reads.
    pub(crate) bytes_per_step: Bytes,
    /// Where that comes from, in words.
    pub(crate) bytes_why: String,
    /// Name of the card.
    pub(crate) card: String,
    /// Its published bandwidth.
    pub(crate) published: BytesPerSecond,
    /// Where that stands.
    pub(crate) card_source: SourceView,
    /// The bandwidth that the speed needs, and its share of the published one; `None` where it is not judged.
    pub(crate) needed: Option<(BytesPerSecond, Ratio)>,
    /// What follows.
    pub(crate) verdict: SpeedVerdict,
    /// Where the speed stands, and what else was read for it.
    pub(crate) sources: Vec<SourceView>,
}

/// What follows from a cited speed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SpeedVerdict {
    /// The card's memory is fast enough.
    Plausible,
    /// It is too slow.
    Implausible,
    /// The source does not say for how many sequences the speed holds.
    SequencesNotStated,
    /// A step may have given several tokens.
    SpeculationUsed,
    /// The amounts make no quotient.
    OutOfRange,
}

impl SpeedVerdict {
    /// Name of the icon and of the style: those of a claim that is refuted, taken from its source or left open.
    const fn icon(self) -> &'static str {
        match self {
            Self::Plausible => "as-sourced",
            Self::Implausible => "refuted",
            Self::SequencesNotStated | Self::SpeculationUsed | Self::OutOfRange => "unresolved",
        }
    }
}

/// One row.
#[derive(Debug)]
pub(crate) struct SpeedRow<'a> {
    /// The speed itself.
    pub(crate) speed: &'a SpeedView,
    /// Weights, engine and sequences.
    pub(crate) setting: String,
    /// What a step reads.
    pub(crate) reads: String,
    /// What the speed needs, or that it was not worked out.
    pub(crate) needs: String,
    /// What the card gives.
    pub(crate) gives: String,
    /// Needed over given.
    pub(crate) share: String,
    /// What follows.
    pub(crate) badge: Badge,
    /// Where the card's bandwidth stands.
    pub(crate) card_source: SourceRow<'a>,
    /// Where the speed stands.
    pub(crate) sources: Vec<SourceRow<'a>>,
}

/// The speeds of the ledger, in its order.
pub(crate) fn rows<'a>(words: &Words, ledger: &'a LedgerView) -> Vec<SpeedRow<'a>> {
    ledger.speeds.iter().map(|speed| row(words, speed)).collect()
}

fn row<'a>(words: &Words, speed: &'a SpeedView) -> SpeedRow<'a> {
    let (n, w) = (&words.numerals, &words.speeds);
    let setting: Vec<String> = [Some(speed.weights.clone()), speed.engine.clone()]
        .into_iter()
        .flatten()
        .chain([(w.sequences)(speed.sequences)])
        .collect();
    let (needs, share) = speed.needed.map_or_else(
        || (w.not_worked_out.to_owned(), w.not_worked_out.to_owned()),
        |(needed, share)| (n.bandwidth(needed), (n.percent)(&n.fixed(share.value() * 100.0, 0))),
    );
    SpeedRow {
        speed,
        setting: setting.join(", "),
        reads: n.quantity(speed.bytes_per_step),
        needs,
        gives: n.bandwidth(speed.published),
        share,
        badge: Badge {
            icon: speed.verdict.icon(),
            text: (w.verdict)(speed.verdict),
            help: (w.reason)(speed.verdict, speed.sequences),
            count: n.count(1),
        },
        card_source: source_row(words, &speed.card_source),
        sources: speed.sources.iter().map(|source| source_row(words, source)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample_ledger::ledger;
    use super::super::words::{EN, FR};
    use super::*;
    use crate::language::Language;

    #[test]
    fn a_row_has_its_figures_in_the_language_of_the_page() {
        let (english, french) = (ledger(Language::English), ledger(Language::French));
        let (in_english, in_french) = (rows(&EN, &english), rows(&FR, &french));
        let figures = |row: &SpeedRow<'_>| {
            [&row.reads, &row.needs, &row.gives, &row.share].map(|text| text.replace('\u{a0}', " "))
        };
        assert_eq!(figures(&in_english[0]), ["7.60 GB", "874 GB/s", "448 GB/s", "195 %"]);
        assert_eq!(figures(&in_french[0]), ["7,60 Go", "874 Go/s", "448 Go/s", "195 %"]);
        assert_eq!(in_english[0].setting, "FP8, vLLM 0.6, one sequence");
        assert_eq!(in_english[0].badge.icon, "refuted");
    }

    #[test]
    fn bandwidths_share_one_unit() {
        let shown = |value: f64| FR.numerals.bandwidth(BytesPerSecond::new(value).unwrap());
        assert_eq!(shown(1_008e9), "1\u{202f}008\u{a0}Go/s");
        assert_eq!(shown(1.5e9), "1,50\u{a0}Go/s");
    }

    #[test]
    fn what_was_not_judged_has_no_figure() {
        let ledger = ledger(Language::English);
        let row = &rows(&EN, &ledger)[2];
        assert_eq!((row.needs.as_str(), row.share.as_str()), ("not worked out", "not worked out"));
        assert_eq!((row.badge.icon, row.badge.text), ("unresolved", "Not judged"));
        assert!(row.setting.ends_with("number of sequences not stated"));
    }

    #[test]
    fn the_reason_counts_the_sequences() {
        let reason = |sequences| (EN.speeds.reason)(SpeedVerdict::Implausible, sequences);
        assert_eq!(reason(Some(1)), "above the card's bandwidth for one sequence without speculation");
        assert_eq!(
            reason(Some(8)),
            "above the card's bandwidth for sequences that share each step, without speculation"
        );
    }
}
