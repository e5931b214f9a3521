//! Texts from foreign files as messages may show them: short, and without characters that command a terminal.

/// More characters than any sound name has.
const LONGEST: usize = 80;

/// The text, escaped and cut off where it is too long for a message.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_file_reaches_the_terminal_raw_or_whole() {
        assert_eq!(shown("blk.0.attn_q.weight"), "blk.0.attn_q.weight");
        assert_eq!(shown("\u{1b}[31mred\n"), "\\u{1b}[31mred\\n");
        assert_eq!(shown("modèle"), "modèle");
        let long = shown(&"x".repeat(1_000_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with('…'));
    }
}
