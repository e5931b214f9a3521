//! Every repetition as a dot in the order it ran, with the median and its interval behind them.

use super::scale::Linear;
use super::svg::{Anchor, Canvas, Svg};
use crate::report::number::Numerals;
use crate::units::{count_as_f64, index_as_u64};

const WIDTH: f64 = 400.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = WIDTH - 12.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 174.0;
/// Room for a process start's name, and for its number.
const NAMED: f64 = 92.0;
const NUMBERED: f64 = 16.0;

/// What a dot stands for; each has a shape of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DotKind {
    /// Enters no figure: hollow.
    WarmUp,
    /// Enters the figures: filled.
    Measured,
    /// Does so too, and lies far from the others: a diamond.
    Outlier,
}

/// One repetition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dot {
    /// Its number in the run, from 1.
    pub(crate) number: u64,
    /// Its process start, from 1.
    pub(crate) start: u64,
    /// What was seen.
    pub(crate) value: f64,
    /// What it stands for.
    pub(crate) kind: DotKind,
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
    /// In the order they ran, one place of the axis for each.
    pub(crate) dots: &'a [Dot],
    /// The point estimate.
    pub(crate) median: f64,
    /// The interval's ends, if there is one.
    pub(crate) ends: Option<(f64, f64)>,
    /// Under the axis: what is counted there.
    pub(crate) axis_text: &'a str,
    /// Names a process start by its number.
    pub(crate) start_text: fn(&str) -> String,
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
        let step = (RIGHT - LEFT) / count_as_f64(index_as_u64(self.dots.len().max(1)));
        self.starts(&mut canvas, step);
        // Every label would collide beyond some sixteen repetitions.
        let every = self.dots.len() / 17 + 1;
        let radius = if self.dots.len() > 60 { 2.6 } else { 4.2 };
        for (place, dot) in self.dots.iter().enumerate() {
            let x = LEFT + step * (count_as_f64(index_as_u64(place)) + 0.5);
            let at = (x, axis.at(dot.value));
            match dot.kind {
                DotKind::WarmUp => canvas.circle("dot-warm", at, radius),
                DotKind::Measured => canvas.circle("dot", at, radius),
                DotKind::Outlier => canvas.diamond("dot-far", at, radius * 1.6),
            }
            if place.is_multiple_of(every) {
                canvas.text("tick", (x, BOTTOM + 17.0), Anchor::Middle, &self.numerals.count(dot.number));
            }
        }
        canvas.line("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
        canvas.text("note", (LEFT, BOTTOM + 34.0), Anchor::Start, self.axis_text);
        canvas.finish(self.tag, (WIDTH, height - 5.0))
    }

    /// An upright line between process starts, each with its name above, or its number where there is little room.
    fn starts(&self, canvas: &mut Canvas, step: f64) {
        let mut from = 0;
        for group in self.dots.chunk_by(|a, b| a.start == b.start) {
            if group.len() == self.dots.len() {
                return;
            }
            let at = |place: usize| LEFT + step * count_as_f64(index_as_u64(place));
            let (left, right) = (at(from), at(from + group.len()));
            if from > 0 {
                canvas.line("start", (left, TOP - 16.0), (left, BOTTOM));
            }
            let number = self.numerals.count(group[0].start);
            let name = (self.start_text)(&number);
            let room = right - left;
            let text = if room >= NAMED { Some(name) } else { (room >= NUMBERED).then_some(number) };
            if let Some(text) = text {
                canvas.text("tick", (f64::midpoint(left, right), TOP - 8.0), Anchor::Middle, &text);
            }
            from += group.len();
        }
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
            start_text: EN.noise.start,
            tag: "run-1",
            numerals: &EN.numerals,
        };
        chart.draw().to_string().replace("><", ">\n<")
    }

    /// Values of process starts, the first of each a warm-up.
    fn dots(starts: &[&[f64]]) -> Vec<Dot> {
        let all = starts.iter().zip(1..).flat_map(|(values, start)| {
            values.iter().enumerate().map(move |(place, value)| {
                let kind = if place == 0 { DotKind::WarmUp } else { DotKind::Measured };
                Dot { number: 0, start, value: *value, kind }
            })
        });
        all.zip(1..).map(|(dot, number)| Dot { number, ..dot }).collect()
    }

    #[test]
    fn dots_over_the_median_and_its_interval() {
        insta::assert_snapshot!(draw(&dots(&[&[13.8, 14.1, 14.2, 14.4]]), Some((14.1, 14.4))));
    }

    #[test]
    fn starts_are_apart_and_outliers_have_a_shape_of_their_own() {
        let mut dots = dots(&[&[13.8, 14.1, 14.2], &[13.9, 14.2, 14.3]]);
        dots[4].kind = DotKind::Outlier;
        let svg = draw(&dots, None);
        assert_eq!((svg.matches("class=\"start\"").count(), svg.matches("dot-far").count()), (1, 1));
        assert!(svg.contains(">start 1<") && svg.contains(">start 2<"));
        let place = |text: &str| svg.find(text).unwrap();
        assert!(place("dot-far") > place("class=\"start\""), "dots lie over the line");
    }

    #[test]
    fn names_of_many_starts_shrink_to_numbers() {
        let many = vec![[14.0, 14.1].as_slice(); 12];
        let svg = draw(&dots(&many), None);
        assert!(!svg.contains(">start 1<") && svg.matches("class=\"start\"").count() == 11);
    }

    #[test]
    fn one_sample_and_no_interval_still_draw() {
        let svg = draw(&[Dot { number: 1, start: 1, value: 14.2, kind: DotKind::Measured }], None);
        assert!(svg.contains("class=\"dot\"") && !svg.contains("band") && !svg.contains("NaN"));
        assert!(!draw(&[], None).contains("NaN"));
    }

    #[test]
    fn many_repetitions_label_only_some() {
        assert!(draw(&dots(&[&[14.2; 100]]), None).matches("class=\"tick\"").count() < 26);
    }
}
