//! Every repetition as a dot in the order it ran, with the median and its interval behind them.

use super::scale::Linear;
use super::svg::{Anchor, Canvas, Svg};
use crate::report::number::Numerals;
use crate::units::count_as_f64;

const WIDTH: f64 = 400.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = WIDTH - 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 160.0;

/// One repetition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dot {
    /// Its place in the run, from 0.
    pub(crate) index: u64,
    /// What was seen.
    pub(crate) value: f64,
    /// True if it enters no figure; drawn hollow.
    pub(crate) warm_up: bool,
}

/// The raw samples of one figure of one case.
#[derive(Debug)]
pub(crate) struct Samples<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    /// What is shown, with its unit.
    pub(crate) title: &'a str,
    /// The values, for those who do not see the picture.
    pub(crate) desc: &'a str,
    /// In the order they ran.
    pub(crate) dots: &'a [Dot],
    /// The point estimate.
    pub(crate) median: f64,
    /// The interval's ends, if there is one.
    pub(crate) ends: Option<(f64, f64)>,
    /// Under the axis: what is counted there.
    pub(crate) axis_text: &'a str,
    /// Name of the run.
    pub(crate) tag: &'a str,
    /// How numbers are written.
    pub(crate) numerals: &'a Numerals,
}

impl Samples<'_> {
    /// The picture.
    pub(crate) fn draw(&self) -> Svg {
        let height = BOTTOM + 54.0;
        let mut canvas = Canvas::new(self.id, WIDTH, height, self.title, self.desc);
        let values =
            || self.dots.iter().map(|dot| dot.value).chain(self.ends.into_iter().flat_map(|(l, h)| [l, h]));
        let low = values().fold(self.median, f64::min);
        let high = values().fold(self.median, f64::max);
        let axis = Linear::around(low, high, BOTTOM, TOP);
        for tick in axis.ticks() {
            let y = axis.at(tick);
            canvas.line("grid", (LEFT, y), (RIGHT, y));
            let text = self.numerals.fixed(tick, axis.decimals());
            canvas.text("tick", (LEFT - 7.0, y + 4.0), Anchor::End, &text);
        }
        if let Some((low, high)) = self.ends {
            canvas.rect("band", (LEFT, axis.at(high)), RIGHT - LEFT, axis.at(low) - axis.at(high));
        }
        canvas.line("median", (LEFT, axis.at(self.median)), (RIGHT, axis.at(self.median)));
        let last = self.dots.iter().map(|dot| dot.index).max().unwrap_or(0);
        let step = (RIGHT - LEFT) / (count_as_f64(last) + 1.0);
        // Every label would collide beyond some twenty repetitions.
        let every = last / 16 + 1;
        let radius = if last > 60 { 2.6 } else { 4.2 };
        for dot in self.dots {
            let x = LEFT + step * (count_as_f64(dot.index) + 0.5);
            let class = if dot.warm_up { "dot-warm" } else { "dot" };
            canvas.circle(class, (x, axis.at(dot.value)), radius);
            if dot.index.is_multiple_of(every) {
                canvas.text("tick", (x, BOTTOM + 17.0), Anchor::Middle, &self.numerals.count(dot.index + 1));
            }
        }
        canvas.line("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
        canvas.text("note", (LEFT, BOTTOM + 34.0), Anchor::Start, self.axis_text);
        canvas.finish(self.tag, (WIDTH, height - 5.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::words::EN;

    fn draw(dots: &[Dot], ends: Option<(f64, f64)>) -> String {
        let chart = Samples {
            id: "samples-1",
            title: "Speed per repetition",
            desc: "14.1, 14.2",
            dots,
            median: 14.2,
            ends,
            axis_text: "repetition",
            tag: "run-1",
            numerals: &EN.numerals,
        };
        chart.draw().to_string().replace("><", ">\n<")
    }

    #[test]
    fn dots_over_the_median_and_its_interval() {
        let dots = [(0, 13.8, true), (1, 14.1, false), (2, 14.2, false), (3, 14.4, false)]
            .map(|(index, value, warm_up)| Dot { index, value, warm_up });
        insta::assert_snapshot!(draw(&dots, Some((14.1, 14.4))));
    }

    #[test]
    fn one_sample_and_no_interval_still_draw() {
        let svg = draw(&[Dot { index: 0, value: 14.2, warm_up: false }], None);
        assert!(svg.contains("class=\"dot\"") && !svg.contains("band") && !svg.contains("NaN"));
    }

    #[test]
    fn many_repetitions_label_only_some() {
        let dots: Vec<Dot> = (0..100).map(|index| Dot { index, value: 14.2, warm_up: false }).collect();
        assert!(draw(&dots, None).matches("class=\"tick\"").count() < 26);
    }
}
