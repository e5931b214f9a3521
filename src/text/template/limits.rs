//! Templates come with checkpoints from anywhere; these are the limits that keep one from taking the machine along.
//!
//! minijinja counts steps, and it refuses nested blocks and brackets. It does not look at chains: a thousand signs in a row
//! are a thousand calls in a row, for the reader of the template and for whoever drops the value. So chains are counted
//! before a template is read, and it runs on a thread with a stack that holds what the limits allow.

use std::io;
use std::thread;

use crate::text::error::TextError;

/// Steps after which a template is stopped. Real ones take a few thousand for a short conversation.
pub(super) const FUEL: u64 = 50_000;
/// Longest template that is read, in bytes. The longest known has 30,000.
const LONGEST_TEMPLATE: usize = 1 << 18;
/// Longest tag, texts in quotes left out, in bytes. The longest known has a tenth of it.
const LONGEST_TAG: usize = 2_000;
/// Most branches of all conditions together.
const MOST_BRANCHES: usize = 500;
/// Longest text a template may make, in bytes.
const LONGEST_RESULT: usize = 1 << 20;
/// Stack of the thread; pages that are not used take no memory.
const STACK: usize = 64 << 20;

/// Fails for a template that is too long, or has chains that are.
pub(super) fn check(source: &str) -> Result<(), TextError> {
    let refused = |what: &str, found: usize, limit: usize| {
        Err(TextError::Template(format!("{what} {found}, and at most {limit} are read")))
    };
    if source.len() > LONGEST_TEMPLATE {
        return refused("its bytes are", source.len(), LONGEST_TEMPLATE);
    }
    let branches = source.matches("elif").count();
    if branches > MOST_BRANCHES {
        return refused("its branches are", branches, MOST_BRANCHES);
    }
    let longest = longest_tag(source);
    if longest > LONGEST_TAG {
        return refused("the bytes of a tag are", longest, LONGEST_TAG);
    }
    Ok(())
}

/// The bytes of the longest tag, without those between quotes.
fn longest_tag(source: &str) -> usize {
    let (mut longest, mut rest) = (0, source);
    while let Some(start) = rest.find(['{']) {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix('#') {
            rest = comment.split_once("#}").map_or("", |(_, after)| after);
        } else if rest.starts_with(['{', '%']) {
            let (length, after) = tag(&rest[1..]);
            longest = longest.max(length);
            rest = after;
        }
    }
    longest
}

/// The length of a tag, and what follows it.
fn tag(text: &str) -> (usize, &str) {
    let (mut length, mut quote, mut previous) = (0, None, ' ');
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match quote {
            Some(_) if character == '\\' => {
                characters.next();
            }
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if character == '\'' || character == '"' => quote = Some(character),
            None if character == '}' && matches!(previous, '%' | '}') => return (length, &text[at + 1..]),
            None => length += character.len_utf8(),
        }
        previous = character;
    }
    (length, "")
}

/// Runs a piece of work on a stack that the limits were chosen for.
pub(super) fn on_deep_stack<T: Send>(
    work: impl FnOnce() -> Result<T, TextError> + Send,
) -> Result<T, TextError> {
    thread::scope(|scope| {
        let started = thread::Builder::new()
            .name("chat template".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, work);
        let thread =
            started.map_err(|error| TextError::Template(format!("no thread to render it: {error}")))?;
        thread
            .join()
            .unwrap_or_else(|_| Err(TextError::Template("it broke the engine that renders it".to_owned())))
    })
}

/// A buffer that refuses to grow beyond all bounds.
pub(super) struct Capped(pub(super) Vec<u8>);

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST_RESULT {
            return Err(io::Error::other(format!("the text grows beyond {LONGEST_RESULT} bytes")));
        }
        self.0.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `{% generation %}` marks the model's own words for training; it changes nothing in the text. transformers knows it as an
/// extension of Jinja; here it becomes a condition that always holds, with its marks for white space as they are.
pub(super) fn without_generation_blocks(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{%") {
        text.push_str(before);
        text.push_str("{%");
        let (tag, follows) =
            after.split_once("%}").map_or((after, None), |(tag, follows)| (tag, Some(follows)));
        text.push_str(&match tag.trim_matches(['-', '+']).trim() {
            "generation" => tag.replace("generation", "if true"),
            "endgeneration" => tag.replace("endgeneration", "endif"),
            _ => tag.to_owned(),
        });
        let Some(follows) = follows else { return text };
        text.push_str("%}");
        rest = follows;
    }
    text + rest
}
