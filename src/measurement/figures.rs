//! From samples to figures, each with its interval. Definitions and sources: `docs/METHODOLOGY.md`.

use super::noise::Noise;
use super::sample::{Measurement, Repetition};
use crate::stats::{CONFIDENCE, Estimate, NoPercentile, Sample, clustered_quantile, supported_quantile};
use crate::units::{Bytes, MachineHoursPerMillionTokens, Seconds, Tokens, TokensPerSecond};

/// The figures of one case. Times and rates are medians over the measured repetitions.
///
/// Worked example, one repetition: a prompt of 128 tokens, first token after 2 s, 63 gaps of 0.07 s. Then prefill is
/// 64 tokens/s, TPOT 0.07 s, decode 14.3 tokens/s, and a million output tokens take 19.4 machine-hours.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Prompt tokens of the batch over the time to the first token.
    pub prefill_tokens_per_second: Estimate<TokensPerSecond>,
    /// Output tokens of the batch after the first, over the time they took.
    pub decode_tokens_per_second: Estimate<TokensPerSecond>,
    /// TTFT.
    pub time_to_first_token: Estimate<Seconds>,
    /// TPOT: (E2E - TTFT) / (n - 1).
    pub time_per_output_token: Estimate<Seconds>,
    /// Median of all gaps between tokens, pooled.
    pub inter_token_p50: Estimate<Seconds>,
    /// 95th percentile of all gaps between tokens, pooled.
    pub inter_token_p95: Percentile,
    /// 99th percentile of the same; `None` in a file of a method before 3, which did not state it.
    pub inter_token_p99: Option<Percentile>,
    /// E2E.
    pub end_to_end: Estimate<Seconds>,
    /// Time to load the model.
    pub load: Estimate<Seconds>,
    /// Largest memory during a request; `None` where the system does not tell.
    pub peak_memory: Option<Estimate<Bytes>>,
    /// Hours of this machine per million output tokens, decode alone: TPOT / batch x 1e6 / 3600.
    pub machine_hours_per_mtok_output: Estimate<MachineHoursPerMillionTokens>,
    /// Hours of this machine per million prompt tokens: TTFT / (prompt x batch) x 1e6 / 3600.
    pub machine_hours_per_mtok_input: Estimate<MachineHoursPerMillionTokens>,
    /// How much the repetitions differ; `None` in a file of a method before 3, which did not state it.
    pub noise: Option<Noise>,
}

/// A percentile, or why the sample is too small for it.
pub type Percentile = Result<Estimate<Seconds>, NoPercentile>;

impl Figures {
    /// The figures of the measured repetitions; `None` if there is none, or no load was recorded.
    pub fn new(measurement: &Measurement) -> Option<Self> {
        let repetitions: Vec<&Repetition> = measurement.measured().collect();
        let median = |values: Vec<Seconds>| Some(Sample::new(values).ok()?.median(CONFIDENCE));
        let each =
            |f: fn(&Repetition) -> Option<Seconds>| median(repetitions.iter().filter_map(|r| f(r)).collect());

        let first = repetitions.first()?;
        let prompt = Tokens::new(first.prompt_tokens.count() * first.batch);
        let batch = Tokens::new(first.batch);
        let time_to_first_token = each(|r| Some(r.first_token))?;
        let time_per_output_token = each(Repetition::time_per_output_token)?;
        let gaps: Vec<Vec<Seconds>> = repetitions.iter().map(|r| r.gaps.clone()).collect();
        let memory: Option<Vec<Bytes>> = repetitions.iter().map(|r| r.peak_memory).collect();
        Some(Self {
            prefill_tokens_per_second: time_to_first_token.map(|time| prompt.per(time))?,
            decode_tokens_per_second: time_per_output_token.map(|time| batch.per(time))?,
            time_to_first_token,
            time_per_output_token,
            inter_token_p50: clustered_quantile(&gaps, 0.50, CONFIDENCE).ok()?,
            inter_token_p95: supported_quantile(&gaps, 0.95, CONFIDENCE),
            inter_token_p99: Some(supported_quantile(&gaps, 0.99, CONFIDENCE)),
            end_to_end: each(|r| Some(r.end_to_end()))?,
            load: median(measurement.loads.iter().map(|load| load.duration).collect())?,
            peak_memory: memory.and_then(|bytes| Some(Sample::new(bytes).ok()?.median(CONFIDENCE))),
            machine_hours_per_mtok_output: time_per_output_token
                .map(|t| t.machine_hours_per_million(batch))?,
            machine_hours_per_mtok_input: time_to_first_token.map(|t| t.machine_hours_per_million(prompt))?,
            noise: Some(Noise::new(measurement)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::tests::repetition;
    use super::super::sample::{LoadSample, Role};
    use super::*;

    fn close(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= 1e-9 * expected.abs()
    }

    fn measurement(repetitions: Vec<Repetition>) -> Measurement {
        Measurement {
            loads: vec![LoadSample {
                process_start: 0,
                started: crate::clock::Moment::ORIGIN,
                duration: Seconds::new(1.5).unwrap(),
            }],
            repetitions,
            gate: None,
            ..Measurement::default()
        }
    }

    #[test]
    fn the_worked_example_of_the_docstring() {
        let figures =
            Figures::new(&measurement(vec![repetition(0, Role::Measured, 2.0, &[0.07; 63])])).unwrap();
        assert!(close(figures.prefill_tokens_per_second.value().value(), 64.0));
        assert!(close(figures.time_per_output_token.value().value(), 0.07));
        assert!(close(figures.decode_tokens_per_second.value().value(), 1.0 / 0.07));
        assert!(close(figures.machine_hours_per_mtok_output.value().value(), 0.07 * 1e6 / 3_600.0));
        assert!(close(figures.machine_hours_per_mtok_input.value().value(), 2.0 / 128.0 * 1e6 / 3_600.0));
    }

    #[test]
    fn input_and_output_hours_reconcile_with_the_request() {
        let one = repetition(0, Role::Measured, 2.0, &[0.07; 63]);
        let figures = Figures::new(&measurement(vec![one])).unwrap();
        let input = figures.machine_hours_per_mtok_input.value().value() * 128.0;
        let output = figures.machine_hours_per_mtok_output.value().value() * 63.0;
        assert!(close((input + output) / 1e6 * 3_600.0, figures.end_to_end.value().value()));
    }

    #[test]
    fn warm_up_is_kept_out_of_the_figures() {
        let slow = repetition(0, Role::WarmUp, 9.0, &[9.0; 3]);
        let figures =
            Figures::new(&measurement(vec![slow, repetition(1, Role::Measured, 2.0, &[0.5; 3])])).unwrap();
        assert!(close(figures.time_to_first_token.value().value(), 2.0));
        let too_few = figures.inter_token_p95.unwrap_err().to_string();
        assert_eq!(too_few, "no percentile: 3 observations; p95 needs 20");
    }

    #[test]
    fn nothing_measured_gives_no_figures() {
        assert_eq!(Figures::new(&measurement(vec![repetition(0, Role::WarmUp, 1.0, &[1.0])])), None);
        assert_eq!(Figures::new(&Measurement::default()), None);
    }

    #[test]
    fn a_batch_shares_the_machine() {
        let mut four = repetition(0, Role::Measured, 2.0, &[0.1; 9]);
        four.batch = 4;
        let figures = Figures::new(&measurement(vec![four])).unwrap();
        assert!(close(figures.decode_tokens_per_second.value().value(), 40.0));
        assert!(close(figures.machine_hours_per_mtok_output.value().value(), 0.1 / 4.0 * 1e6 / 3_600.0));
    }

    #[test]
    fn memory_unknown_in_one_repetition_is_unknown() {
        let mut blind = repetition(1, Role::Measured, 2.0, &[0.5; 3]);
        blind.peak_memory = None;
        let both = measurement(vec![repetition(0, Role::Measured, 2.0, &[0.5; 3]), blind]);
        assert_eq!(Figures::new(&both).unwrap().peak_memory, None);
    }

    #[test]
    fn ten_repetitions_give_every_repetition_figure_an_interval() {
        let many =
            (0..10).map(|i| repetition(i, Role::Measured, 2.0 + crate::units::count_as_f64(i), &[0.5; 3]));
        let figures = Figures::new(&measurement(many.collect())).unwrap();
        let interval = figures.time_to_first_token.interval().unwrap();
        assert!(close(interval.low().value(), 3.0) && close(interval.high().value(), 10.0));
        assert!(figures.inter_token_p50.interval().is_ok());
        assert!(figures.load.interval().is_err());
    }
}
