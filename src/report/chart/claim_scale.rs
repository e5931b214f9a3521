//! All the amounts of the debate on one logarithmic dollar scale.

use super::scale::Log;
use super::svg::{Anchor, Canvas, Svg, shorten, two_lines};
use crate::report::number::Numerals;

/// Height of a second line of text.
const LINE: f64 = 16.0;
/// Characters of the bracket's text that fit the width of a phone.
const BRACKET: usize = 46;

/// What stands behind a mark; kinds differ by shape, not by colour alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MarkKind {
    /// Somebody published it: a full circle.
    Quoted,
    /// We computed it: a diamond.
    Recalculated,
    /// Nobody outside can check it: a dashed ring.
    CannotBeChecked,
}

/// One amount.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// What it counts.
    pub(crate) label: String,
    /// Lower end in USD.
    pub(crate) low: f64,
    /// The amount in USD.
    pub(crate) central: f64,
    /// Upper end in USD.
    pub(crate) high: f64,
    /// What stands behind it.
    pub(crate) kind: MarkKind,
}

/// For which screen a picture is laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// Labels beside their lanes.
    Wide,
    /// Labels above their lanes.
    Narrow,
}

/// The claim scale.
#[derive(Debug)]
pub(crate) struct ClaimScale<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    /// What is shown.
    pub(crate) title: &'a str,
    /// The values, for those who do not see the picture.
    pub(crate) desc: &'a str,
    /// From the smallest amount to the largest, all above zero.
    pub(crate) marks: &'a [Mark],
    /// Two amounts to bracket, and what to write on the bracket.
    pub(crate) bracket: Option<(f64, f64, String)>,
    /// Name of the run.
    pub(crate) tag: &'a str,
    /// How numbers are written.
    pub(crate) numerals: &'a Numerals,
}

/// Where things stand in one shape.
struct Layout {
    width: f64,
    left: f64,
    right: f64,
    top: f64,
    row: f64,
}

impl Layout {
    const fn of(shape: Shape) -> Self {
        match shape {
            Shape::Wide => Self { width: 1080.0, left: 300.0, right: 1040.0, top: 46.0, row: 40.0 },
            Shape::Narrow => Self { width: 360.0, left: 12.0, right: 346.0, top: 42.0, row: 62.0 },
        }
    }
}

impl ClaimScale<'_> {
    /// The picture; `None` if there is nothing to place on the scale.
    pub(crate) fn draw(&self, shape: Shape) -> Option<Svg> {
        let mut at = Layout::of(shape);
        let bracket = self.bracket.as_ref().map(|(low, high, text)| {
            let width = if shape == Shape::Wide { usize::MAX } else { BRACKET };
            (*low, *high, two_lines(text, width))
        });
        if bracket.as_ref().is_some_and(|(.., lines)| lines.len() > 1) {
            at.top += LINE;
        }
        let rows = crate::units::count_as_f64(crate::units::index_as_u64(self.marks.len()));
        let bottom = at.top + rows * at.row;
        let height = bottom + 44.0;
        let amounts = self.marks.iter().flat_map(|mark| [mark.low, mark.central, mark.high]);
        let axis = Log::over(amounts, at.left, at.right)?;
        let mut canvas = Canvas::new(self.id, at.width, height, self.title, self.desc);
        self.grid(&mut canvas, &axis, &at, bottom);
        if let Some((low, high, lines)) = bracket {
            let (a, b, y) = (axis.at(low), axis.at(high), at.top - 8.0);
            canvas.polyline("bracket", &[(a, y), (a, y - 8.0), (b, y - 8.0), (b, y)]);
            // On a phone the text is nearly as wide as the picture, so it is centred there, not on its bracket.
            let middle = if shape == Shape::Wide { f64::midpoint(a, b) } else { at.width / 2.0 };
            let mut baseline = if lines.len() > 1 { y - 16.0 - LINE } else { y - 16.0 };
            for line in &lines {
                canvas.text("bracket-text", (middle, baseline), Anchor::Middle, line);
                baseline += LINE;
            }
        }
        let mut top = at.top;
        for mark in self.marks {
            match shape {
                Shape::Wide => self.wide_row(&mut canvas, &axis, &at, top, mark),
                Shape::Narrow => self.narrow_row(&mut canvas, &axis, &at, top, mark),
            }
            top += at.row;
        }
        Some(canvas.finish(self.tag, (at.width, height - 4.0)))
    }

    fn grid(&self, canvas: &mut Canvas, axis: &Log, at: &Layout, bottom: f64) {
        let ticks = axis.ticks();
        let last = ticks.len() - 1;
        // Labels of more than six decades would touch on a phone.
        let every = if at.width < 500.0 { last / 6 + 1 } else { 1 };
        for (place, tick) in ticks.iter().enumerate() {
            let x = axis.at(*tick);
            canvas.line("grid", (x, at.top - 4.0), (x, bottom));
            if place.is_multiple_of(every) {
                let anchor = match place {
                    0 if at.width < 500.0 => Anchor::Start,
                    _ if place == last && at.width < 500.0 => Anchor::End,
                    _ => Anchor::Middle,
                };
                // An edge label starts at the picture's edge, not at its grid line.
                let shift = match anchor {
                    Anchor::Start => -at.left,
                    Anchor::Middle => 0.0,
                    Anchor::End => at.width - at.right,
                };
                canvas.text("tick", (x + shift, bottom + 17.0), anchor, &self.decade(*tick));
            }
        }
    }

    /// `$1 M`, `$10 B`: a tick has no decimals.
    fn decade(&self, usd: f64) -> String {
        let text = self.numerals.money(usd);
        text.replacen(&format!("1{}0", self.numerals.decimal), "1", 1)
    }

    fn wide_row(&self, canvas: &mut Canvas, axis: &Log, at: &Layout, top: f64, mark: &Mark) {
        let y = top + at.row / 2.0;
        let lines = two_lines(&mark.label, 40);
        let mut baseline = if lines.len() == 1 { y + 5.0 } else { y - 4.0 };
        for line in &lines {
            canvas.text("label", (at.left - 16.0, baseline), Anchor::End, line);
            baseline += 17.0;
        }
        Self::lane(canvas, axis, at, y, mark);
        let right_end = axis.at(mark.high);
        let (x, anchor) = if right_end > at.right - 70.0 {
            (axis.at(mark.low) - 14.0, Anchor::End)
        } else {
            (right_end + 14.0, Anchor::Start)
        };
        canvas.text("value halo", (x, y + 5.0), anchor, &self.numerals.money_between(mark.low, mark.high));
    }

    fn narrow_row(&self, canvas: &mut Canvas, axis: &Log, at: &Layout, top: f64, mark: &Mark) {
        let lines = two_lines(&mark.label, 38);
        let y = top + at.row - 14.0;
        let mut baseline = if lines.len() == 1 { y - 15.0 } else { y - 31.0 };
        let value_baseline = y - 15.0;
        for line in &lines {
            canvas.text("label halo", (0.0, baseline), Anchor::Start, &shorten(line, 38));
            baseline += 16.0;
        }
        canvas.text(
            "value halo",
            (at.width, value_baseline),
            Anchor::End,
            &self.numerals.money_between(mark.low, mark.high),
        );
        Self::lane(canvas, axis, at, y, mark);
    }

    fn lane(canvas: &mut Canvas, axis: &Log, at: &Layout, y: f64, mark: &Mark) {
        canvas.line("lane", (at.left, y), (at.right, y));
        if mark.high > mark.low {
            canvas.line("range", (axis.at(mark.low), y), (axis.at(mark.high), y));
        }
        let centre = (axis.at(mark.central), y);
        match mark.kind {
            MarkKind::Quoted => canvas.circle("mark-quoted", centre, 7.0),
            MarkKind::Recalculated => canvas.diamond("mark-ours", centre, 8.5),
            MarkKind::CannotBeChecked => canvas.circle("mark-unchecked", centre, 7.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::words::EN;

    fn marks() -> Vec<Mark> {
        let mark = |label: &str, [low, central, high]: [f64; 3], kind| Mark {
            label: label.into(),
            low,
            central,
            high,
            kind,
        };
        vec![
            mark("One training run, as published", [5.576e6; 3], MarkKind::Quoted),
            mark(
                "Same run at rents of 1 to 4 dollars an hour of one card",
                [2.788e6, 5.576e6, 11.152e6],
                MarkKind::Recalculated,
            ),
            mark("Fleet purchase, analyst estimate", [1.6e9; 3], MarkKind::CannotBeChecked),
        ]
    }

    fn draw(marks: &[Mark], shape: Shape) -> Option<String> {
        let chart = ClaimScale {
            id: "scale",
            title: "Claims on one scale",
            desc: "From 5.6 million to 1.6 billion dollars",
            marks,
            bracket: Some((5.576e6, 1.6e9, "× 287 apart".into())),
            tag: "run-1",
            numerals: &EN.numerals,
        };
        chart.draw(shape).map(|svg| svg.to_string().replace("><", ">\n<"))
    }

    #[test]
    fn the_wide_scale() {
        insta::assert_snapshot!(draw(&marks(), Shape::Wide).unwrap());
    }

    #[test]
    fn the_narrow_scale() {
        insta::assert_snapshot!(draw(&marks(), Shape::Narrow).unwrap());
    }

    #[test]
    fn the_three_kinds_differ_by_shape() {
        let svg = draw(&marks(), Shape::Wide).unwrap();
        for class in [
            "<circle class=\"mark-quoted\"",
            "<polygon class=\"mark-ours\"",
            "<circle class=\"mark-unchecked\"",
        ] {
            assert_eq!(svg.matches(class).count(), 1, "{class}");
        }
    }

    #[test]
    fn nothing_or_zero_cannot_stand_on_a_logarithmic_scale() {
        assert_eq!(draw(&[], Shape::Wide), None);
        let free = Mark { low: 0.0, central: 0.0, high: 0.0, ..marks().remove(0) };
        assert_eq!(draw(&[free], Shape::Wide), None);
    }
}
