//! Why a shape cannot be: dimensions that do not fit, and parts that no model of a family has.

use super::{Attention, Family, FeedForward, Mixture, RopeScaling, Shape, SlidingWindow};

/// Values per block of the storage types with the smallest blocks; every quantised row is a multiple of it.
const SMALL_BLOCK: u64 = 32;

/// Collects (key of `models.toml`, problem, fix).
#[derive(Default)]
struct Problems(Vec<(&'static str, String, String)>);

impl Problems {
    fn add(&mut self, key: &'static str, problem: impl Into<String>, fix: impl Into<String>) {
        self.0.push((key, problem.into(), fix.into()));
    }

    fn counts(&mut self, counts: &[(&'static str, u64)]) {
        for &(key, value) in counts {
            if value == 0 {
                self.add(key, format!("`{key}` is 0"), "give the model's own number, at least 1");
            } else if value > 1 << 24 {
                self.add(key, format!("`{key}` is {value}"), "no known model exceeds 16,777,216 here");
            }
        }
    }

    fn rows(&mut self, rows: &[(&'static str, u64)]) {
        for &(key, value) in rows {
            if !value.is_multiple_of(SMALL_BLOCK) {
                let fix = format!("rows of quantised matrices are multiples of {SMALL_BLOCK}");
                self.add(key, format!("`{key}` makes rows of {value}"), fix);
            }
        }
    }

    fn positive(&mut self, numbers: &[(&'static str, f64)]) {
        for &(key, value) in numbers {
            if !(value.is_finite() && value > 0.0) {
                self.add(key, format!("`{key}` is {value}"), "give a finite number above 0");
            }
        }
    }
}

impl Shape {
    /// Every reason why no such model can exist or be quantised, as (key of `models.toml`, problem, fix).
    pub fn problems(&self) -> Vec<(&'static str, String, String)> {
        let mut found = self.contradictions();
        found.extend(self.odd_rows());
        found
    }

    /// Why no such model can be quantised: its rows are not whole blocks. Models of plain floats may have any.
    fn odd_rows(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Problems::default();
        found.rows(&[("hidden", self.hidden), ("intermediate", self.intermediate())]);
        match self.attention {
            Attention::Grouped { heads, head_dim, .. } => {
                found.rows(&[("head_dim", heads.saturating_mul(head_dim))]);
            }
            Attention::Latent { heads, kv_rank, nope_dim, value_dim, .. } => {
                found.rows(&[("latent", kv_rank), ("latent", nope_dim)]);
                found.rows(&[("latent", heads.saturating_mul(value_dim))]);
            }
        }
        if let Some(mixture) = self.mixture() {
            found.rows(&[("mixture", mixture.expert_intermediate)]);
        }
        found.0
    }

    /// Every reason why no such model can exist, in the same form.
    pub fn contradictions(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Problems::default();
        found.counts(&[
            ("layers", self.layers),
            ("hidden", self.hidden),
            ("intermediate", self.intermediate()),
        ]);
        self.attention_problems(&mut found);
        found.counts(&[("vocab", self.vocab), ("max_positions", self.max_positions)]);
        if let FeedForward::Mixture(mixture) = &self.feed_forward {
            self.mixture_problems(mixture, &mut found);
        } else if self.family == Family::DeepSeek2 {
            found.add("family", "deepseek2 without experts", "give `mixture`");
        }
        found.positive(&[("rope_theta", self.rope_theta), ("rms_norm_eps", self.rms_norm_eps)]);
        self.rope_problems(&mut found);
        match self.sliding_window {
            SlidingWindow::Off(0) | SlidingWindow::On(0) => {
                found.add("sliding_window", "a window of 0 positions", "leave it out if there is none");
            }
            SlidingWindow::Off(window) | SlidingWindow::On(window) => {
                found.counts(&[("sliding_window", window)]);
            }
            SlidingWindow::None => {}
        }
        found.0
    }

    fn attention_problems(&self, found: &mut Problems) {
        let is_latent = self.family == Family::DeepSeek2;
        match self.attention {
            Attention::Grouped { heads, kv_heads, head_dim } => {
                found.counts(&[("heads", heads), ("kv_heads", kv_heads), ("head_dim", head_dim)]);
                if kv_heads != 0 && !heads.is_multiple_of(kv_heads) {
                    let text = format!("{heads} query heads do not divide into {kv_heads} kv heads");
                    found.add("kv_heads", text, "`heads` must be a multiple of `kv_heads`");
                }
                if is_latent {
                    found.add("family", "deepseek2 without latent attention", "give `latent`");
                }
            }
            Attention::Latent { heads, kv_rank, nope_dim, rope_dim, value_dim } => {
                found.counts(&[("heads", heads), ("latent", kv_rank), ("latent", nope_dim)]);
                found.counts(&[("latent", rope_dim), ("latent", value_dim)]);
                if !is_latent {
                    let text = format!("{} with latent attention", self.family.id());
                    found.add(
                        "latent",
                        text,
                        "only deepseek2 has it; give `kv_heads` and `head_dim` instead",
                    );
                }
            }
        }
        if !self.rope_dim().is_multiple_of(2) {
            let key = if is_latent { "latent" } else { "head_dim" };
            let text = format!("{} rotated values per head", self.rope_dim());
            found.add(key, text, "rotary pairs need an even number");
        }
    }

    fn mixture_problems(&self, mixture: &Mixture, found: &mut Problems) {
        let Mixture { dense_layers, experts, experts_per_token, shared_experts, expert_intermediate, .. } =
            *mixture;
        found.counts(&[
            ("mixture", experts),
            ("mixture", experts_per_token),
            ("mixture", expert_intermediate),
        ]);
        // None is a number of shared experts too.
        found.counts(&[("mixture", shared_experts.max(1))]);
        if experts_per_token > experts {
            let text = format!("{experts_per_token} of {experts} experts per token");
            found.add("mixture", text, "`experts_per_token` is at most `experts`");
        }
        if dense_layers >= self.layers {
            let text = format!("{dense_layers} dense layers of {}", self.layers);
            found.add("mixture", text, "a mixture has at least one layer of experts");
        }
        match self.family {
            Family::DeepSeek2 if shared_experts == 0 => {
                found.add("mixture", "deepseek2 without shared experts", "give `shared_experts`, at least 1");
            }
            Family::Llama if dense_layers > 0 || shared_experts > 0 => {
                let text = "a llama mixture with dense layers or shared experts";
                found.add("mixture", text, "set both to 0: the file format has no such tensors");
            }
            Family::DeepSeek2 | Family::Llama => {}
            family => found.add("mixture", format!("{} with experts", family.id()), "leave `mixture` out"),
        }
    }

    fn rope_problems(&self, found: &mut Problems) {
        match self.rope_scaling {
            RopeScaling::None => {}
            RopeScaling::Llama3 { factor, low_frequency, high_frequency, original_positions } => {
                found.positive(&[("llama3", factor), ("llama3", low_frequency)]);
                found.counts(&[("llama3", original_positions)]);
                if !(high_frequency.is_finite() && high_frequency > low_frequency) {
                    let text = format!("a high frequency of {high_frequency}, a low one of {low_frequency}");
                    found.add("llama3", text, "`high_frequency` is above `low_frequency`");
                }
                if self.family != Family::Llama {
                    let text = format!("{} with llama3 scaling", self.family.id());
                    found.add("llama3", text, "only llama has it");
                }
                // The factors in the file are computed with square roots alone, to be the same on every machine.
                if !self.rope_dim().is_power_of_two() {
                    let text = format!("llama3 scaling of {} rotated values", self.rope_dim());
                    found.add("llama3", text, "only powers of two are supported");
                }
            }
            RopeScaling::Yarn(yarn) => {
                found.positive(&[
                    ("yarn", yarn.factor),
                    ("yarn", yarn.beta_fast),
                    ("yarn", yarn.beta_slow),
                    ("yarn", yarn.attention_factor.unwrap_or(1.0)),
                    ("yarn", yarn.magnitude.unwrap_or(1.0)),
                    ("yarn", yarn.query_beta.unwrap_or(1.0)),
                ]);
                found.counts(&[("yarn", yarn.original_positions)]);
                if yarn.query_beta.is_some() && self.family != Family::Mistral3 {
                    let text = format!("{} with a query scale", self.family.id());
                    found.add("yarn", text, "only mistral3 has `query_beta`");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::distill_1_5b;
    use super::*;

    fn keys(shape: &Shape) -> Vec<&'static str> {
        shape.problems().into_iter().map(|(key, ..)| key).collect()
    }

    #[test]
    fn impossible_shapes_are_refused_all_at_once() {
        let bad = Shape {
            layers: 0,
            attention: Attention::Grouped { heads: 12, kv_heads: 5, head_dim: 128 },
            feed_forward: FeedForward::Dense { intermediate: 8_961 },
            rope_theta: f64::NAN,
            ..distill_1_5b()
        };
        assert_eq!(keys(&bad), ["layers", "kv_heads", "rope_theta", "intermediate"]);
        assert_eq!(keys(&distill_1_5b()), [""; 0]);
    }

    #[test]
    fn parts_of_other_families_are_refused() {
        let latent =
            Attention::Latent { heads: 16, kv_rank: 512, nope_dim: 128, rope_dim: 64, value_dim: 128 };
        let mixture = Mixture {
            intermediate: 8_960,
            dense_layers: 1,
            experts: 8,
            experts_per_token: 9,
            shared_experts: 1,
            expert_intermediate: 64,
        };
        let scaled = RopeScaling::Llama3 {
            factor: 8.0,
            low_frequency: 1.0,
            high_frequency: 4.0,
            original_positions: 8_192,
        };
        assert_eq!(keys(&Shape { attention: latent, ..distill_1_5b() }), ["latent"]);
        let mixed = Shape { feed_forward: FeedForward::Mixture(mixture), ..distill_1_5b() };
        assert_eq!(keys(&mixed), ["mixture", "mixture"]);
        assert_eq!(keys(&Shape { family: Family::Llama, ..mixed }), ["mixture", "mixture"]);
        assert_eq!(keys(&Shape { rope_scaling: scaled, ..distill_1_5b() }), ["llama3"]);
        assert_eq!(keys(&Shape { family: Family::DeepSeek2, ..distill_1_5b() }), ["family", "family"]);
    }
}
