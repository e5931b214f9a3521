//! What a decode step reads and what a prompt computes, by arithmetic from the shape: the numerators of a roofline.

use super::{Attention, Mixture, Shape, SlidingWindow, TensorRole, TensorSpec};
use crate::model::precision::Recipe;
use crate::units::{Bytes, Flop, count_as_f64, rounded_u64};

impl Mixture {
    /// How many different experts `tokens` tokens of one step are sent to, on average, if each chooses its experts apart from
    /// the others and all experts are chosen equally often: `E (1 - (1 - k/E)^n)`. One token gives `k`.
    ///
    /// A trained router has favourites and similar tokens choose alike, so the true number is not larger on average.
    pub fn expected_experts(&self, tokens: u64) -> f64 {
        let experts = count_as_f64(self.experts);
        let share = count_as_f64(self.experts_per_token) / experts;
        experts * (1.0 - (1.0 - share).powf(count_as_f64(tokens)))
    }
}

impl Shape {
    /// Bytes of weights that one decode step of `batch` sequences reads, each once: everything but the embedding table (unless
    /// that is the output matrix too), one row of the table per sequence, and of the routed experts the
    /// [expected](Mixture::expected_experts) part.
    pub fn step_weight_bytes(&self, recipe: Recipe, batch: u64) -> Bytes {
        let read = self.read_bytes_per_step(recipe).as_f64();
        let routed = self.sum(recipe, TensorSpec::is_routed, |_, bytes| bytes).as_f64();
        let rows = self.row_bytes(recipe).as_f64() * count_as_f64(batch);
        let more = self.mixture().map_or(0.0, |mixture| {
            let experts = count_as_f64(mixture.experts);
            let of_one_token = count_as_f64(mixture.experts_per_token);
            routed * (mixture.expected_experts(batch) - of_one_token) / experts
        });
        Bytes::new(rounded_u64(read + more + rows))
    }

    /// Bytes of one row of the embedding table.
    fn row_bytes(&self, recipe: Recipe) -> Bytes {
        let is_table = |tensor: &TensorSpec| tensor.role == TensorRole::Embedding;
        self.sum(recipe, is_table, |_, bytes| bytes / self.vocab)
    }

    /// The last positions that a token sees, itself among them; `None` where it sees all.
    const fn window(&self) -> Option<u64> {
        match self.sliding_window {
            SlidingWindow::On(positions) => Some(positions),
            SlidingWindow::None | SlidingWindow::Off(_) => None,
        }
    }

    /// Positions that `tokens` tokens see, taken together, if `before` positions come before the first of them. Each sees
    /// itself and what came before, within the window where there is one: the sum over `i` from 1 to `tokens` of
    /// `min(before + i, window)`.
    pub fn positions_seen(&self, before: u64, tokens: u64) -> f64 {
        let window = self.window().unwrap_or(u64::MAX);
        let within = window.saturating_sub(before).min(tokens);
        let beyond = count_as_f64(tokens - within) * count_as_f64(window);
        let (before, within) = (count_as_f64(before), count_as_f64(within));
        within * before + within * (within + 1.0) / 2.0 + if beyond > 0.0 { beyond } else { 0.0 }
    }

    /// Operations of the products with weights and of attention for `batch` prompts of `tokens` tokens, `before` positions
    /// after the start: 2 for each multiply-add.
    ///
    /// Every token goes through all active matrices but the output matrix, which only the last token of each sequence needs. A
    /// token that sees `s` positions adds `2 s heads (key width + value width)` per layer, for its scores and for the
    /// weighted sum of values. Latent attention is counted as its paper writes it down, with keys and values expanded.
    pub fn prefill_flop(&self, before: u64, tokens: u64, batch: u64) -> Flop {
        let output = count_as_f64(self.vocab) * count_as_f64(self.hidden);
        let per_token = count_as_f64(self.matrix_parameters()) - output;
        let widths = self.heads() * (self.head_dim() + self.value_dim());
        let attention =
            count_as_f64(self.layers) * count_as_f64(widths) * self.positions_seen(before, tokens);
        let of_one = 2.0 * (per_token * count_as_f64(tokens) + output + attention);
        Flop::new(of_one * count_as_f64(batch))
            .expect("products of finite positive numbers far below the largest")
    }

    /// Width of a value head.
    const fn value_dim(&self) -> u64 {
        match self.attention {
            Attention::Grouped { head_dim, .. } => head_dim,
            Attention::Latent { value_dim, .. } => value_dim,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::super::tests::distill_1_5b;
    use super::*;
    use crate::model::Registry;

    fn shape(id: &str) -> Shape {
        let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
        registry.get(id).unwrap().shape.clone()
    }

    fn close(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= 1e-9 * expected.abs()
    }

    #[test]
    fn a_step_of_the_distill_reads_its_matrices_and_one_row_per_sequence() {
        // 980,097,536 bytes worked out apart from this program (tests/data/model-bytes.toml); a row of 1,536 values is 6 blocks
        // of Q4_K, 864 bytes.
        let step = |batch| distill_1_5b().step_weight_bytes(Recipe::Q4KM, batch).count();
        assert_eq!([step(1), step(8)], [980_097_536 + 864, 980_097_536 + 8 * 864]);
        // As an output matrix the table is read whole, in Q6_K; its rows are 6 blocks of 210 bytes.
        let tied = Shape { tied_embeddings: true, ..distill_1_5b() };
        assert_eq!(tied.step_weight_bytes(Recipe::Q4KM, 1).count(), 980_097_536 + 1_260);
    }

    #[test]
    fn a_mixture_reads_the_experts_that_its_tokens_are_expected_to_meet() {
        let tiny = shape("tiny-deepseek2");
        let mixture = tiny.mixture().unwrap();
        // 4 experts, 2 for each token: 4 (1 - 1/2^n).
        for (tokens, expected) in [(1, 2.0), (2, 3.0), (3, 3.5), (64, 4.0)] {
            assert!(close(mixture.expected_experts(tokens), expected), "{tokens}");
        }
        // In BF16 an expert holds 3 x 256 x 192 values of 2 bytes, 294,912, in each of 3 layers; a row is 512 bytes.
        let (one, row) = (tiny.read_bytes_per_step(Recipe::BF16).count(), 512);
        let step = |batch| tiny.step_weight_bytes(Recipe::BF16, batch).count();
        assert_eq!(step(1), one + row);
        assert_eq!(step(2), one + 3 * 294_912 + 2 * row);
        assert_eq!(step(3), one + 3 * 294_912 * 3 / 2 + 3 * row);
        let everything = tiny.bytes(Recipe::BF16).count() - 512 * row;
        assert_eq!(step(64), everything + 64 * row, "every expert is met");
    }

    #[test]
    fn a_window_bounds_what_a_token_sees() {
        let (all, window) = (distill_1_5b(), SlidingWindow::On(10));
        assert!(close(all.positions_seen(128, 63), 128.0 * 63.0 + 63.0 * 64.0 / 2.0));
        let narrow = Shape { sliding_window: window, ..distill_1_5b() };
        // Positions 8, 9, 10, 10, 10.
        assert!(close(narrow.positions_seen(7, 5), 47.0));
        assert!(close(narrow.positions_seen(100, 5), 50.0));
        assert!(close(narrow.positions_seen(0, 4), 10.0));
        assert!(close(all.positions_seen(0, 0), 0.0));
    }

    #[test]
    fn a_prompt_computes_its_matrices_and_the_triangle_of_attention() {
        // The distill: 1,543,569,408 multiply-adds for a token with the output matrix of 151,936 x 1,536; 28 layers of 12 heads
        // with 128 + 128 values; 128 tokens see 8,256 positions.
        let output = 151_936 * 1_536;
        let products = (1_543_569_408_u64 - output) * 128 + output + 28 * 12 * 256 * 8_256;
        let flop = distill_1_5b().prefill_flop(0, 128, 1).value();
        assert!(close(flop, 2.0 * count_as_f64(products)), "{flop}");
        assert!(close(distill_1_5b().prefill_flop(0, 128, 4).value(), 4.0 * flop));
        // Latent: keys of 64 + 32 values and values of 64, in 4 heads of 4 layers; 3 tokens after 10 see 11 + 12 + 13.
        let tiny = shape("tiny-deepseek2");
        let output = 512 * 256;
        let products = (tiny.matrix_parameters() - output) * 3 + output + 4 * 4 * 160 * 36;
        assert!(close(tiny.prefill_flop(10, 3, 1).value(), 2.0 * count_as_f64(products)));
    }

    #[test]
    fn numbers_that_no_workload_has_do_not_panic() {
        let narrow = Shape { sliding_window: SlidingWindow::On(10), ..distill_1_5b() };
        for (before, tokens) in [(u64::MAX, u64::MAX), (u64::MAX, 0), (0, u64::MAX)] {
            assert!(distill_1_5b().positions_seen(before, tokens).is_finite());
            assert!(narrow.positions_seen(before, tokens).is_finite());
            assert!(narrow.prefill_flop(before, tokens, u64::MAX).value().is_finite());
        }
        assert!(shape("tiny-deepseek2").step_weight_bytes(Recipe::Q8_0, u64::MAX).count() > 0);
    }

    static LITE: LazyLock<Shape> = LazyLock::new(|| shape("deepseek-v2-lite"));

    proptest! {
        #[test]
        fn more_sequences_and_more_positions_never_take_less(
            batch in 1_u64..200, before in 0_u64..40_000, tokens in 1_u64..3_000, window in 1_u64..5_000,
        ) {
            let mixture = LITE.clone();
            for recipe in Recipe::ALL {
                let step = |batch| mixture.step_weight_bytes(recipe, batch);
                prop_assert!(step(batch) < step(batch + 1));
                prop_assert!(step(batch) <= Bytes::new(mixture.bytes(recipe).count() + batch * 8_192));
            }
            let narrow = Shape { sliding_window: SlidingWindow::On(window), ..mixture };
            let seen = narrow.positions_seen(before, tokens);
            prop_assert!(seen <= narrow.positions_seen(before + 1, tokens));
            prop_assert!(seen < narrow.positions_seen(before, tokens + 1));
            let one_by_one: u64 = (1..=tokens).map(|i| (before + i).min(window)).sum();
            prop_assert!(close(seen, count_as_f64(one_by_one)));
            prop_assert!(narrow.prefill_flop(before, tokens, 1) < narrow.prefill_flop(before, tokens + 1, 1));
        }
    }
}
