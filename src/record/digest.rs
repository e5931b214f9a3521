//! The digest of its own content that a run file ends with: how it is made, and what it is compared with.
//!
//! It is a SHA-256 over the exact bytes of the file, with zeros where its own 64 digits stand, so that `sed` and `sha256sum` can
//! check it (docs/METHODOLOGY.md). It tells that a file is as it was written; it is no signature, as anybody can make it anew.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::rule::{RecordError, Rule};
use crate::units::hexadecimal;

/// What stands in the place of the digest while it is made.
pub(super) const UNSEALED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What comes before the digits, to the byte. No text in a JSON file can hold it: the quotes would be escaped.
const BEFORE: &str = "\"content_sha256\": \"";

/// The text of a run file with its digest made anew; `None` if it has no place for one.
///
/// For whoever changes a run file on purpose, such as a test: [`super::to_json`] writes the digest by itself.
pub fn sealed(text: &str) -> Option<String> {
    let place = place(text)?;
    let digest = digest(text, &place);
    let mut text = text.to_owned();
    text.replace_range(place, &digest);
    Some(text)
}

/// Compares the digest that a file states with that of its content.
pub(super) fn check(text: &str, stated: &str) -> Result<(), RecordError> {
    let refused = |problem| Err(RecordError::value(Rule::Digest, "content_sha256", problem));
    let Some(place) = place(text) else {
        return refused(format!(
            "it does not stand there as `{BEFORE}` and 64 digits of 0-9a-f; the file was changed or formatted anew after it was \
             written: take the original, or measure again"
        ));
    };
    let found = digest(text, &place);
    if found == stated {
        return Ok(());
    }
    refused(format!(
        "the content has the digest {}…, and the file states {}…; it was changed after it was written, if only in its line \
         ends: take the original, or measure again",
        &found[..12],
        &text[place][..12]
    ))
}

/// Where the 64 digits stand; `None` unless there is exactly one such place.
fn place(text: &str) -> Option<Range<usize>> {
    let mut places = text.match_indices(BEFORE);
    let (at, _) = places.next()?;
    if places.next().is_some() {
        return None;
    }
    let start = at + BEFORE.len();
    let range = start..start + UNSEALED.len();
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = text.as_bytes().get(range.clone())?;
    let ends = text.as_bytes().get(range.end) == Some(&b'"');
    (ends && digits.iter().all(is_digit)).then_some(range)
}

fn digest(text: &str, place: &Range<usize>) -> String {
    let mut digest = Sha256::new();
    digest.update(&text.as_bytes()[..place.start]);
    digest.update(UNSEALED.as_bytes());
    digest.update(&text.as_bytes()[place.end..]);
    hexadecimal(&digest.finalize())
}

/// A run file of these values, with a digest that holds: what a test changed is then all that is wrong with it.
#[cfg(test)]
pub(super) fn resealed(value: &serde_json::Value) -> String {
    sealed(&serde_json::to_string_pretty(value).unwrap()).expect("a run file has a place for its digest")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(before: &str) -> String {
        format!("{{\n  \"text\": {before:?},\n  {BEFORE}{UNSEALED}\"\n}}\n")
    }

    #[test]
    fn the_digest_of_a_small_file_is_what_sha256sum_says_of_it_with_zeros() {
        // printf '{\n  "text": "x",\n  "content_sha256": "%064d"\n}\n' 0 | sha256sum
        let expected = "7be128a265ee03f2f4790e749f3a796a15e866a0060b42497351039296dd4060";
        let text = sealed(&file("x")).unwrap();
        assert!(text.contains(expected), "{text}");
        assert_eq!(check(&text, expected), Ok(()));
    }

    #[test]
    fn sealing_again_changes_nothing() {
        let once = sealed(&file("x")).unwrap();
        assert_eq!(sealed(&once), Some(once));
    }

    #[test]
    fn a_text_that_quotes_the_key_does_not_move_the_place() {
        let quoted = file(&format!("{BEFORE}{UNSEALED}\""));
        assert!(sealed(&quoted).is_some());
        let twice = format!("{quoted}{BEFORE}{UNSEALED}\"");
        assert_eq!(sealed(&twice), None);
    }

    #[test]
    fn what_is_no_digest_is_refused_with_what_to_do() {
        let whole = file("x");
        let short = whole.replace(UNSEALED, "0123");
        let capital = whole.replace(UNSEALED, &"A".repeat(64));
        let narrow = whole.replace("\": \"0", "\":\"0");
        let cut = whole[..whole.len() - 10].to_owned();
        for text in ["", &short, &capital, &narrow, &cut] {
            let message = check(text, "0123").unwrap_err().to_string();
            assert!(message.contains("formatted anew") && message.contains("measure again"), "{message}");
        }
        let message = check(&whole, UNSEALED).unwrap_err().to_string();
        assert!(message.contains("states 000000000000…; it was changed"), "{message}");
    }
}
