//! The name that a user gives to a machine.

use std::fmt;

/// The longest label, in characters.
const LONGEST: usize = 40;

/// A user's own name for a machine: it keeps apart what looks alike. It is published with every run.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Label(String);

/// A text that cannot be a label.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LabelError {
    /// None, or too many characters.
    #[error("a label has 1 to {LONGEST} characters, and this one {0}")]
    Length(usize),
    /// A character that commands a terminal, turns the direction of reading, or cannot be seen.
    #[error("a label has printable characters only, and character {0} is none")]
    Unprintable(usize),
    /// Nobody sees it.
    #[error("a label neither begins nor ends with a space")]
    Space,
}

impl Label {
    /// Takes 1 to 40 printable characters, or says what is wrong.
    pub fn new(text: &str) -> Result<Self, LabelError> {
        let length = text.chars().count();
        if length == 0 || length > LONGEST {
            return Err(LabelError::Length(length));
        }
        if let Some(at) = text.chars().position(|c| !is_printable(c)) {
            return Err(LabelError::Unprintable(at + 1));
        }
        if text.trim() != text {
            return Err(LabelError::Space);
        }
        Ok(Self(text.to_owned()))
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Rust escapes in its own messages what cannot be seen, and quotes, which can.
fn is_printable(c: char) -> bool {
    matches!(c, '"' | '\'' | '\\') || c.escape_debug().count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_short_and_can_be_read() {
        for good in ["a", "office PC", "Büro 2", "l'été \"chaud\" \\ 机", &"x".repeat(40)] {
            assert_eq!(Label::new(good).unwrap().as_str(), good);
        }
        assert_eq!(Label::new(""), Err(LabelError::Length(0)));
        assert_eq!(Label::new(&"é".repeat(41)), Err(LabelError::Length(41)));
        for bad in ["a\nb", "a\u{1b}[2J", "a\u{202e}b", "a\u{200b}b", "a\u{feff}b", "a\tb", "a\u{0}b"] {
            assert_eq!(Label::new(bad), Err(LabelError::Unprintable(2)), "{bad:?}");
        }
        assert_eq!(Label::new(" a"), Err(LabelError::Space));
    }
}
