//! Words of a model as they are kept: without what commands a terminal or turns the direction of reading.

/// The text with line ends as `\n`, and with U+FFFD for control characters other than line ends and tabs, and for marks that
/// make text read in another order than it is written.
///
/// ```
/// # use claimbench::text::printable;
/// assert_eq!(printable("one\r\ntwo\t\u{1b}[31m"), "one\ntwo\t\u{fffd}[31m");
/// assert_eq!(printable("a\u{202e}b"), "a\u{fffd}b");
/// ```
pub fn printable(text: &str) -> String {
    let is_refused = |c: char| {
        let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || (c.is_control() && !matches!(c, '\n' | '\t'))
    };
    text.replace("\r\n", "\n").replace(is_refused, "\u{fffd}")
}
