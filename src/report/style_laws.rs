//! What holds for the style sheet: contrast in both themes, paper, forced colours, and nothing that loads.

use std::collections::BTreeMap;

const CSS: &str = include_str!("report.css");

/// The variables of the light and the dark theme.
fn themes() -> [BTreeMap<&'static str, [f64; 3]>; 2] {
    let mut blocks = CSS.split(":root{").skip(1).map(|rest| {
        let block = rest.split_once('}').unwrap().0;
        block
            .split(';')
            .filter_map(|rule| Some((rule.strip_prefix("--")?.split_once(":#")?.0, colour(rule)?)))
            .collect()
    });
    [blocks.next().unwrap(), blocks.next().unwrap()]
}

/// Red, green and blue between 0 and 1.
fn colour(rule: &str) -> Option<[f64; 3]> {
    let hex = rule.split_once('#')?.1;
    let width = hex.len() / 3;
    let channel = |place: usize| {
        let digits = &hex[place * width..(place + 1) * width];
        let value = u8::from_str_radix(&digits.repeat(3 - width), 16).ok()?;
        Some(f64::from(value) / 255.0)
    };
    Some([channel(0)?, channel(1)?, channel(2)?])
}

/// Relative luminance and contrast as WCAG 2.2 defines them.
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let linear = |c: f64| if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    let luminance = |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn black_on_white_is_21_to_1() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
    assert_eq!(colour("--card:#fff"), Some([1.0; 3]));
}

#[test]
fn text_has_a_contrast_of_4_5_and_marks_of_3_in_both_themes() {
    for theme in themes() {
        let check = |front: &str, back: &str, least: f64| {
            let found = contrast(theme[front], theme[back]);
            assert!(found >= least, "{front} on {back}: {found:.2}");
        };
        for text in ["ink", "mut", "acc", "ours", "no"] {
            check(text, "bg", 4.5);
        }
        check("warn-ink", "warn-bg", 4.5);
        check("ink", "soft", 4.5);
        check("mut", "soft", 4.5);
        check("card", "good", 4.5);
        check("card", "bad", 4.5);
        for mark in ["bar", "ours", "no", "edge", "good", "bad"] {
            check(mark, "bg", 3.0);
        }
        check("bar", "band", 3.0);
    }
}

#[test]
fn the_sheet_cares_for_paper_and_forced_colours_and_loads_nothing() {
    for rule in ["@media print", "(forced-colors:active)", "(prefers-color-scheme:dark)", ":focus-visible"] {
        assert!(CSS.contains(rule), "{rule}");
    }
    for banned in ["url(", "@import", "</", "http:", "https:"] {
        assert!(!CSS.contains(banned), "{banned}");
    }
}
