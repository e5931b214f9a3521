//! The figures in the run file: their way there and back, and how what a file states is held against what its samples give.

mod schema;

pub(super) use schema::FiguresFile;

use serde_json::Value;

use crate::measurement::{Figures, Noise, OutlierCounts, Percentile};
use crate::stats::{
    Estimate, Interval, IntervalMethod, NoInterval, NoPercentile, SmallestDifference, Spread,
};
use crate::units::{Quantity, Ratio, Seconds, count_as_usize, index_as_u64};
use schema::{EstimateFile, IntervalFile, NoiseFile, OutliersFile, SpreadFile};

/// Stated and derived figures may differ by this share: another platform may round their last digits differently.
const TOLERANCE: f64 = 1e-9;

impl From<&Figures> for FiguresFile {
    fn from(figures: &Figures) -> Self {
        Self {
            prefill_tokens_per_second: written(&figures.prefill_tokens_per_second),
            decode_tokens_per_second: written(&figures.decode_tokens_per_second),
            time_to_first_token_seconds: written(&figures.time_to_first_token),
            time_per_output_token_seconds: written(&figures.time_per_output_token),
            inter_token_p50_seconds: written(&figures.inter_token_p50),
            inter_token_p95_seconds: figures.inter_token_p95.as_ref().ok().map(written),
            no_inter_token_p95: figures.inter_token_p95.err().map(|reason| reason.to_string()),
            inter_token_p99_seconds: figures.inter_token_p99.and_then(Result::ok).as_ref().map(written),
            no_inter_token_p99: figures
                .inter_token_p99
                .and_then(Result::err)
                .map(|reason| reason.to_string()),
            end_to_end_seconds: written(&figures.end_to_end),
            load_seconds: written(&figures.load),
            peak_memory_bytes: figures.peak_memory.as_ref().map(written),
            machine_hours_per_mtok_output: written(&figures.machine_hours_per_mtok_output),
            machine_hours_per_mtok_input: written(&figures.machine_hours_per_mtok_input),
            noise: figures.noise.as_ref().map(NoiseFile::from),
        }
    }
}

impl FiguresFile {
    /// The figures as the file states them, nothing recomputed; or the key of one that cannot be, and why.
    pub(super) fn stated(&self) -> Result<Figures, (&'static str, String)> {
        Ok(Figures {
            prefill_tokens_per_second: read("prefill_tokens_per_second", &self.prefill_tokens_per_second)?,
            decode_tokens_per_second: read("decode_tokens_per_second", &self.decode_tokens_per_second)?,
            time_to_first_token: read("time_to_first_token_seconds", &self.time_to_first_token_seconds)?,
            time_per_output_token: read(
                "time_per_output_token_seconds",
                &self.time_per_output_token_seconds,
            )?,
            inter_token_p50: read("inter_token_p50_seconds", &self.inter_token_p50_seconds)?,
            inter_token_p95: percentile(
                "inter_token_p95_seconds",
                self.inter_token_p95_seconds.as_ref(),
                self.no_inter_token_p95.as_deref(),
            )?
            .ok_or((
                "inter_token_p95_seconds",
                "there is neither a value nor a reason for none".to_owned(),
            ))?,
            inter_token_p99: percentile(
                "inter_token_p99_seconds",
                self.inter_token_p99_seconds.as_ref(),
                self.no_inter_token_p99.as_deref(),
            )?,
            end_to_end: read("end_to_end_seconds", &self.end_to_end_seconds)?,
            load: read("load_seconds", &self.load_seconds)?,
            peak_memory: read_some("peak_memory_bytes", self.peak_memory_bytes.as_ref())?,
            machine_hours_per_mtok_output: read(
                "machine_hours_per_mtok_output",
                &self.machine_hours_per_mtok_output,
            )?,
            machine_hours_per_mtok_input: read(
                "machine_hours_per_mtok_input",
                &self.machine_hours_per_mtok_input,
            )?,
            noise: self
                .noise
                .as_ref()
                .map(NoiseFile::noise)
                .transpose()
                .map_err(|problem| ("noise", problem))?,
        })
    }
}

/// A percentile as it is stated; `None` where the file says nothing of it.
fn percentile(
    key: &'static str,
    value: Option<&EstimateFile>,
    reason: Option<&str>,
) -> Result<Option<Percentile>, (&'static str, String)> {
    match (value, reason) {
        (Some(value), None) => Ok(Some(Ok(read(key, value)?))),
        (None, Some(reason)) => match NoPercentile::from_text(reason) {
            Some(reason) => Ok(Some(Err(reason))),
            None => Err((key, format!("`{reason}` is no reason known here"))),
        },
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err((key, "it has a value and a reason for none".to_owned())),
    }
}

impl From<&Noise> for NoiseFile {
    fn from(noise: &Noise) -> Self {
        let [low_severe, low_mild, high_mild, high_severe] = noise.outliers.0;
        let smallest = noise.smallest_difference;
        Self {
            time_per_output_token: SpreadFile::from(&noise.time_per_output_token),
            time_to_first_token: SpreadFile::from(&noise.time_to_first_token),
            outliers: OutliersFile { low_severe, low_mild, high_mild, high_severe },
            process_starts: noise.process_starts,
            between_starts_ratio: noise.between_starts.map(Ratio::value),
            smallest_difference_ratio: smallest.map(|smallest| smallest.slowdown().value()),
            smallest_difference_is_lower_bound: smallest.is_some_and(|smallest| smallest.is_lower_bound()),
        }
    }
}

impl From<&Spread<Seconds>> for SpreadFile {
    fn from(spread: &Spread<Seconds>) -> Self {
        Self {
            scaled_mad_seconds: spread.scaled_mad().value(),
            first_quartile_seconds: spread.first_quartile().value(),
            third_quartile_seconds: spread.third_quartile().value(),
        }
    }
}

impl NoiseFile {
    fn noise(&self) -> Result<Noise, String> {
        let ratio = |value: f64| Ratio::new(value).map_err(|error| error.to_string());
        let outliers = self.outliers;
        let slowdown = self.smallest_difference_ratio.map(ratio).transpose()?;
        Ok(Noise {
            time_per_output_token: self.time_per_output_token.spread()?,
            time_to_first_token: self.time_to_first_token.spread()?,
            outliers: OutlierCounts([
                outliers.low_severe,
                outliers.low_mild,
                outliers.high_mild,
                outliers.high_severe,
            ]),
            process_starts: self.process_starts,
            between_starts: self.between_starts_ratio.map(ratio).transpose()?,
            smallest_difference: slowdown
                .map(|slowdown| SmallestDifference::new(slowdown, self.smallest_difference_is_lower_bound)),
        })
    }
}

impl SpreadFile {
    fn spread(self) -> Result<Spread<Seconds>, String> {
        let seconds = |value: f64| Seconds::new(value).map_err(|error| error.to_string());
        Ok(Spread::new(
            seconds(self.scaled_mad_seconds)?,
            seconds(self.first_quartile_seconds)?,
            seconds(self.third_quartile_seconds)?,
        ))
    }
}

fn written<Q: Quantity>(estimate: &Estimate<Q>) -> EstimateFile {
    let interval = estimate.interval();
    EstimateFile {
        value: estimate.value().value(),
        observations: index_as_u64(estimate.observations()),
        interval: interval.ok().map(|interval| IntervalFile {
            low: interval.low().value(),
            high: interval.high().value(),
            coverage: interval.coverage(),
            method: interval.method().id().to_owned(),
        }),
        no_interval: interval.err().map(|reason| reason.to_string()),
    }
}

fn read<Q: Quantity>(key: &'static str, file: &EstimateFile) -> Result<Estimate<Q>, (&'static str, String)> {
    estimate(file).map_err(|problem| (key, problem))
}

fn read_some<Q: Quantity>(
    key: &'static str,
    file: Option<&EstimateFile>,
) -> Result<Option<Estimate<Q>>, (&'static str, String)> {
    file.map(|file| read(key, file)).transpose()
}

fn estimate<Q: Quantity>(file: &EstimateFile) -> Result<Estimate<Q>, String> {
    let amount = |value: f64| Q::new(value).map_err(|error| error.to_string());
    let interval = match (&file.interval, &file.no_interval) {
        (Some(interval), None) => {
            let (low, high) = (amount(interval.low)?, amount(interval.high)?);
            if low > high {
                return Err(format!("its interval runs from {} down to {}", interval.low, interval.high));
            }
            if !(0.0..=1.0).contains(&interval.coverage) {
                return Err(format!("a coverage of {} is no probability", interval.coverage));
            }
            let method = IntervalMethod::from_id(&interval.method);
            let method = method.ok_or_else(|| format!("`{}` is no method known here", interval.method))?;
            Ok(Interval::new(low, high, interval.coverage, method))
        }
        (None, Some(reason)) => {
            Err(NoInterval::from_text(reason).ok_or_else(|| format!("`{reason}` is no reason known here"))?)
        }
        _ => return Err("it has an interval and a reason for none, or neither".to_owned()),
    };
    Ok(Estimate::new(amount(file.value)?, count_as_usize(file.observations), interval))
}

/// How many figures a file states; one without a value is none.
pub(super) fn count(stated: Option<&FiguresFile>) -> u64 {
    let figures = serde_json::to_value(stated).ok();
    let figures = figures.as_ref().and_then(Value::as_object);
    index_as_u64(figures.map_or(0, |figures| figures.values().filter(|figure| !figure.is_null()).count()))
}

/// Where stated figures and those that follow from the samples part, with both values; `None` where they agree.
pub(super) fn disagreement(stated: Option<&FiguresFile>, derived: Option<&Figures>) -> Option<String> {
    let derived = derived.map(FiguresFile::from);
    let (Ok(stated), Ok(derived)) = (serde_json::to_value(stated), serde_json::to_value(derived)) else {
        return Some("figures: they cannot be compared".to_owned());
    };
    parting("figures", &stated, &derived)
}

/// The first place where two values differ by more than the tolerance.
fn parting(place: &str, stated: &Value, derived: &Value) -> Option<String> {
    let differ = || Some(format!("{place}: stated is {stated}, and the samples give {derived}"));
    match (stated, derived) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => a.iter().find_map(|(key, value)| {
            let below = format!("{place}.{key}");
            b.get(key).map_or_else(differ, |other| parting(&below, value, other))
        }),
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) if (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()) => None,
            _ => differ(),
        },
        _ if stated == derived => None,
        (Value::Null, _) => Some(format!("{place}: none is stated, and the samples give one")),
        (_, Value::Null) => Some(format!("{place}: one is stated, and the samples give none")),
        _ => differ(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::measurement::example_run;

    fn example() -> Figures {
        example_run().cases[0].figures.clone().unwrap()
    }

    /// The example's figures as a file states them, changed.
    fn changed(change: impl Fn(&mut Value)) -> FiguresFile {
        let mut value = serde_json::to_value(FiguresFile::from(&example())).unwrap();
        change(&mut value);
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn figures_come_back_from_their_file_as_they_were() {
        assert_eq!(changed(|_| ()).stated().unwrap(), example());
        let without_memory = changed(|figures| figures["peak_memory_bytes"] = Value::Null);
        assert_eq!(without_memory.stated().unwrap().peak_memory, None);
        // Six loads have an interval; one has the reason for none.
        let few = changed(|figures| {
            figures["load_seconds"]["interval"] = Value::Null;
            figures["load_seconds"]["no_interval"] = "1 observation; an interval needs 6".into();
        });
        let reason = few.stated().unwrap().load.interval().unwrap_err();
        assert_eq!(reason, NoInterval::TooFewObservations { have: 1, need: 6 });
    }

    #[test]
    fn stated_figures_that_cannot_be_are_refused_with_their_key() {
        for (key, value, problem) in [
            ("value", json!(-1.0), "not a finite amount"),
            ("no_interval", json!("1 observation; an interval needs 6"), "or neither"),
            ("interval", Value::Null, "or neither"),
            (
                "interval",
                json!({"low": 2.0, "high": 1.0, "coverage": 0.9, "method": "order-statistics"}),
                "from 2 down to 1",
            ),
            (
                "interval",
                json!({"low": 1.0, "high": 2.0, "coverage": 95.0, "method": "order-statistics"}),
                "no probability",
            ),
            ("interval", json!({"low": 1.0, "high": 2.0, "coverage": 0.95, "method": "guess"}), "no method"),
        ] {
            let file = changed(|figures| figures["load_seconds"][key] = value.clone());
            let (place, message) = file.stated().unwrap_err();
            assert!(place == "load_seconds" && message.contains(problem), "{key}: {message}");
        }
        let odd = changed(|figures| {
            figures["load_seconds"]["interval"] = Value::Null;
            figures["load_seconds"]["no_interval"] = "bad luck".into();
        });
        assert!(odd.stated().unwrap_err().1.contains("no reason known"));
    }

    #[test]
    fn a_difference_is_named_with_both_values_and_rounding_is_none() {
        let (file, derived) = (changed(|_| ()), example());
        assert_eq!(disagreement(Some(&file), Some(&derived)), None);
        assert_eq!(disagreement(None, None), None);
        let median = derived.time_to_first_token.value().value();
        let off_by = |share: f64| {
            let value = median * (1.0 + share);
            let file = changed(|figures| figures["time_to_first_token_seconds"]["value"] = value.into());
            disagreement(Some(&file), Some(&derived))
        };
        assert_eq!(off_by(5e-10), None);
        let message = off_by(2e-9).unwrap();
        assert!(message.starts_with("figures.time_to_first_token_seconds.value: stated is"), "{message}");
        let observations = changed(|figures| figures["load_seconds"]["observations"] = 7.into());
        let message = disagreement(Some(&observations), Some(&derived)).unwrap();
        assert!(message.ends_with("observations: stated is 7, and the samples give 6"), "{message}");
        let missing = disagreement(None, Some(&derived)).unwrap();
        assert_eq!(missing, "figures: none is stated, and the samples give one");
        assert!(count(Some(&file)) >= 11 && count(None) == 0);
    }
}
