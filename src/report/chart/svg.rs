//! Text of one SVG picture: classes for the style sheet, coordinates with two decimals, every text escaped.

use std::fmt::{self, Write as _};

/// A finished picture; its texts are escaped, so templates print it as it is.
#[derive(Clone, Debug)]
pub(crate) struct Svg(String);

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Svg {}

/// Which side of its coordinate a text stands on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    /// Text runs to the right.
    Start,
    /// Text is centred.
    Middle,
    /// Text runs to the left.
    End,
}

/// A picture in the making. Numbers are user units of its `viewBox`.
#[derive(Debug)]
pub(super) struct Canvas {
    text: String,
}

impl Canvas {
    /// Opens a picture; `id` must be unique in the page and hold letters, digits and hyphens only.
    pub(super) fn new(id: &str, width: f64, height: f64, title: &str, desc: &str) -> Self {
        debug_assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{id} is no chart id");
        let mut canvas = Self { text: String::new() };
        canvas.push(format_args!(
            "<svg class=\"ch\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
            coordinate(width),
            coordinate(height),
            escape(title),
            escape(desc),
        ));
        canvas
    }

    /// A straight line.
    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(coordinate);
        self.push(format_args!("<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"));
    }

    /// A rectangle from its top left corner.
    pub(super) fn rect(&mut self, class: &str, corner: (f64, f64), width: f64, height: f64) {
        let [x, y, w, h] = [corner.0, corner.1, width, height].map(coordinate);
        self.push(format_args!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"/>"));
    }

    /// A circle.
    pub(super) fn circle(&mut self, class: &str, centre: (f64, f64), radius: f64) {
        let [x, y, r] = [centre.0, centre.1, radius].map(coordinate);
        self.push(format_args!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>"));
    }

    /// A diamond that is twice `radius` wide and high.
    pub(super) fn diamond(&mut self, class: &str, centre: (f64, f64), radius: f64) {
        let (x, y) = centre;
        let d = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)];
        self.polygon(class, &d);
    }

    /// A closed outline.
    pub(super) fn polygon(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> =
            points.iter().map(|(x, y)| format!("{},{}", coordinate(*x), coordinate(*y))).collect();
        self.push(format_args!("<polygon class=\"{class}\" points=\"{}\"/>", points.join(" ")));
    }

    /// An open line through points.
    pub(super) fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> =
            points.iter().map(|(x, y)| format!("{},{}", coordinate(*x), coordinate(*y))).collect();
        self.push(format_args!("<polyline class=\"{class}\" points=\"{}\"/>", points.join(" ")));
    }

    /// One line of text on its baseline.
    pub(super) fn text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        let [x, y] = [at.0, at.1].map(coordinate);
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\"{anchor}>{}</text>",
            escape(text)
        ));
    }

    /// An interval along x: a line with two caps, on a halo so that it is seen on a bar of any colour.
    pub(super) fn whisker(&mut self, low: f64, high: f64, y: f64) {
        for class in ["ci-halo", "ci"] {
            self.line(class, (low, y), (high, y));
            self.line(class, (low, y - 5.0), (low, y + 5.0));
            self.line(class, (high, y - 5.0), (high, y + 5.0));
        }
    }

    /// Closes the picture with the run's name in it, so that a cropped screenshot stays traceable.
    pub(super) fn finish(mut self, tag: &str, corner: (f64, f64)) -> Svg {
        self.text("tag", corner, Anchor::End, tag);
        self.text.push_str("</svg>");
        Svg(self.text)
    }

    fn push(&mut self, arguments: fmt::Arguments<'_>) {
        self.text.write_fmt(arguments).expect("writing to a string cannot fail");
    }
}

/// Two decimals without trailing zeros; equal input gives equal bytes.
fn coordinate(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text for an element or a double-quoted attribute.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// Breaks a label into at most two lines of about `width` characters; what is left over ends in an ellipsis.
///
/// Fonts are never measured: a page must come out the same on every machine.
pub(super) fn two_lines(label: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    // Spaces that must not break are no place to break at.
    for word in label.split(' ').filter(|word| !word.is_empty()) {
        let line = lines.last_mut().expect("there is always a line");
        let fits = line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width;
        if fits {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    if lines.len() > 2 {
        lines.truncate(2);
        lines[1].push('…');
    }
    lines.into_iter().map(|line| shorten(&line, width)).collect()
}

/// At most `width` characters.
pub(super) fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end_matches('…'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_never_minus_zero() {
        assert_eq!([12.0, 1.005, 0.1, -0.001, 2.469].map(coordinate), ["12", "1", "0.1", "0", "2.47"]);
    }

    #[test]
    fn hostile_text_stays_text() {
        let mut canvas = Canvas::new("t", 1.0, 1.0, "<script>", "\"quoted\" & 'so'");
        canvas.text("l", (0.0, 0.0), Anchor::Start, "<img onerror=x>");
        let svg = canvas.finish("</svg>", (1.0, 1.0)).to_string();
        assert!(!svg.contains("<script") && !svg.contains("<img") && svg.matches("</svg>").count() == 1);
        assert!(svg.contains("&quot;quoted&quot; &amp; &#39;so&#39;"));
    }

    #[test]
    fn long_labels_break_at_words_and_end() {
        assert_eq!(two_lines("one two three", 7), ["one two", "three"]);
        assert_eq!(two_lines("one two three four five", 8), ["one two", "three…"]);
        assert_eq!(two_lines("unbreakablylong", 6), ["unbre…"]);
        assert_eq!(two_lines("", 6), [""]);
        assert_eq!(two_lines("de 1 à 4\u{a0}$ pièce", 9), ["de 1 à", "4\u{a0}$ pièce"]);
    }
}
