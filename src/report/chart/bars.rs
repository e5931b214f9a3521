//! Horizontal bars from zero, each with its interval as a whisker.

use super::scale::Linear;
use super::svg::{Anchor, Canvas, Svg, shorten, two_lines};
use crate::report::number::Numerals;

const WIDTH: f64 = 400.0;
/// Room right of the longest whisker for its value.
const VALUES: f64 = 104.0;
const ROW: f64 = 52.0;
const BAR: f64 = 22.0;
/// Height of a second line of labels.
const LINE: f64 = 16.0;
/// Characters of a label that fit the width in a wide font at the size used on phones.
const LABEL: usize = 48;

/// One bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    /// What it stands for.
    pub(crate) label: String,
    /// Its length.
    pub(crate) value: f64,
    /// The interval's ends, if there is one.
    pub(crate) ends: Option<(f64, f64)>,
    /// The value as text.
    pub(crate) value_text: String,
    /// The interval, or why there is none.
    pub(crate) range_text: String,
}

/// A bar chart of one figure over several cases.
#[derive(Debug)]
pub(crate) struct Bars<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    /// What is shown, with its unit.
    pub(crate) title: &'a str,
    /// One per case.
    pub(crate) rows: &'a [Bar],
    /// Name of the run.
    pub(crate) tag: &'a str,
    /// How numbers are written.
    pub(crate) numerals: &'a Numerals,
}

impl Bars<'_> {
    /// The picture.
    pub(crate) fn draw(&self) -> Svg {
        let count = crate::units::count_as_f64(crate::units::index_as_u64(self.rows.len()));
        let labels: Vec<Vec<String>> = self.rows.iter().map(|bar| two_lines(&bar.label, LABEL)).collect();
        // One height for all rows, so that their bars keep equal distances.
        let extra = if labels.iter().any(|lines| lines.len() > 1) { LINE } else { 0.0 };
        let bottom = count * (ROW + extra) + 6.0;
        let described: Vec<String> = self
            .rows
            .iter()
            .map(|bar| format!("{}{}{} ({})", bar.label, self.numerals.colon, bar.value_text, bar.range_text))
            .collect();
        let height = bottom + 44.0;
        let mut canvas =
            Canvas::new(self.id, WIDTH, height, self.title, &described.join(self.numerals.semicolon));
        let longest =
            self.rows.iter().map(|bar| bar.ends.map_or(bar.value, |ends| ends.1)).fold(0.0, f64::max);
        let axis = Linear::from_zero(longest, 1.0, WIDTH - VALUES);
        for tick in axis.ticks() {
            let x = axis.at(tick);
            if tick > 0.0 {
                canvas.line("grid", (x, 6.0), (x, bottom));
            }
            let anchor = if tick == 0.0 { Anchor::Start } else { Anchor::Middle };
            canvas.text("tick", (x, bottom + 16.0), anchor, &self.numerals.fixed(tick, axis.decimals()));
        }
        let mut top = 6.0;
        for (bar, lines) in self.rows.iter().zip(&labels) {
            let mut baseline = top + 15.0 + if lines.len() > 1 { 0.0 } else { extra };
            for line in lines {
                canvas.text("label halo", (0.0, baseline), Anchor::Start, line);
                baseline += LINE;
            }
            top += extra;
            let middle = top + 22.0 + BAR / 2.0;
            canvas.line("axis", (axis.at(0.0), top + 19.0), (axis.at(0.0), top + 25.0 + BAR));
            canvas.rect("bar", (axis.at(0.0), top + 22.0), axis.at(bar.value) - axis.at(0.0), BAR);
            let mut end = axis.at(bar.value);
            if let Some((low, high)) = bar.ends {
                canvas.whisker(axis.at(low), axis.at(high), middle);
                end = axis.at(high);
            }
            canvas.text("value", (end + 9.0, middle - 1.0), Anchor::Start, &bar.value_text);
            canvas.text("note", (end + 9.0, middle + 13.0), Anchor::Start, &shorten(&bar.range_text, 18));
            top += ROW;
        }
        canvas.finish(self.tag, (WIDTH, height - 6.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::words::EN;

    #[test]
    fn a_long_label_takes_a_second_line_and_moves_its_bar() {
        let draw = |label: &str| {
            let bar = Bar {
                label: label.into(),
                value: 1.0,
                ends: None,
                value_text: "1".into(),
                range_text: String::new(),
            };
            Bars { id: "b", title: "t", rows: &[bar], tag: "run-1", numerals: &EN.numerals }
                .draw()
                .to_string()
        };
        let long = draw("DeepSeek-R1-Distill-Qwen-1.5B Q4_K_M, Question on a long document");
        assert_eq!(long.matches("class=\"label halo\"").count(), 2);
        assert!(
            long.contains("viewBox=\"0 0 400 118\"") && draw("short").contains("viewBox=\"0 0 400 102\"")
        );
    }

    #[test]
    fn bars_with_and_without_an_interval() {
        let bar = |label: &str, value: f64, ends: Option<(f64, f64)>| Bar {
            label: label.into(),
            value,
            ends,
            value_text: format!("{value:.1}"),
            range_text: ends.map_or("no interval".into(), |(low, high)| format!("{low:.1} – {high:.1}")),
        };
        let bars = [bar("Laptop CPU", 9.4, Some((9.1, 9.7))), bar("Server <GPU>", 168.5, None)];
        let chart = Bars {
            id: "decode",
            title: "Speed, tokens/s",
            rows: &bars,
            tag: "run-1",
            numerals: &EN.numerals,
        };
        insta::assert_snapshot!(chart.draw().to_string().replace("><", ">\n<"));
    }
}
