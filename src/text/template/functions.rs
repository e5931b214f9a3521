//! What transformers adds to Jinja: a `tojson` that escapes nothing for HTML, and a date.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind};
use time::Date;

/// A date by the codes of C's `strftime`, those that templates use.
pub(super) fn formatted(today: Date, format: &str) -> Result<String, Error> {
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(next) = rest.next() {
        if next != '%' {
            text.push(next);
            continue;
        }
        let code = rest.next();
        let part = match code {
            Some('d') => format!("{:02}", today.day()),
            Some('m') => format!("{:02}", u8::from(today.month())),
            Some('Y') => today.year().to_string(),
            Some('B') => today.month().to_string(),
            Some('b') => today.month().to_string().chars().take(3).collect(),
            Some('A') => today.weekday().to_string(),
            Some('a') => today.weekday().to_string().chars().take(3).collect(),
            // Prompts are about a day; the hour is always midnight.
            Some('H' | 'M' | 'S') => "00".to_owned(),
            Some('%') => "%".to_owned(),
            _ => {
                let message =
                    format!("`strftime_now` does not know `%{}`", code.map_or(String::new(), String::from));
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        };
        text.push_str(&part);
    }
    Ok(text)
}

/// A value as Python's `json.dumps` writes it with `ensure_ascii=False`: a space after commas and colons, or one line per
/// entry with `indent`.
pub(super) fn write_json(json: &mut String, value: &Value, indent: usize, depth: usize) -> Result<(), Error> {
    const DEEPEST: usize = 64;
    if depth > DEEPEST {
        return Err(Error::new(ErrorKind::InvalidOperation, "`tojson` of a value that is nested too deeply"));
    }
    let open = |json: &mut String, is_first: bool| match (indent, is_first) {
        (0, true) => {}
        (0, false) => json.push_str(", "),
        (_, is_first) => {
            json.push_str(if is_first { "\n" } else { ",\n" });
            json.extend(std::iter::repeat_n(' ', indent * (depth + 1)));
        }
    };
    let close = |json: &mut String, is_empty: bool, end: char| {
        if indent > 0 && !is_empty {
            json.push('\n');
            json.extend(std::iter::repeat_n(' ', indent * depth));
        }
        json.push(end);
    };
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => json.push_str("null"),
        ValueKind::Bool => json.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => json.push_str(&value.to_string()),
        ValueKind::Map => {
            json.push('{');
            let mut is_empty = true;
            for key in value.try_iter()? {
                open(json, is_empty);
                is_empty = false;
                write_text(json, &key.to_string())?;
                json.push_str(": ");
                write_json(json, &value.get_item(&key)?, indent, depth + 1)?;
            }
            close(json, is_empty, '}');
        }
        ValueKind::Seq | ValueKind::Iterable => {
            json.push('[');
            let mut is_empty = true;
            for entry in value.try_iter()? {
                open(json, is_empty);
                is_empty = false;
                write_json(json, &entry, indent, depth + 1)?;
            }
            close(json, is_empty, ']');
        }
        _ => write_text(json, &value.to_string())?,
    }
    Ok(())
}

fn write_text(json: &mut String, text: &str) -> Result<(), Error> {
    let quoted = serde_json::to_string(text)
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    json.push_str(&quoted);
    Ok(())
}
