//! Chat templates as models ship them: Jinja, run the way transformers runs it.
//!
//! transformers renders with `trim_blocks`, `lstrip_blocks`, Python's methods of strings, the loop controls, and a few
//! functions of its own (`raise_exception`, `strftime_now`, a `tojson` that escapes nothing for HTML). Here minijinja does
//! it with the same settings; `proof/check_tokenizers.py` compares both on the templates that llama.cpp ships for its tests.

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, context};
use minijinja_contrib::pycompat::unknown_method_callback;
use time::Date;

use super::error::TextError;

/// Steps after which a template is stopped. The longest real ones take a few thousand for a short conversation.
const FUEL: u64 = 1_000_000;
/// Longest template that is compiled, in bytes. The longest known has 30,000.
const LONGEST_TEMPLATE: usize = 1 << 18;
/// Longest text a template may make, in bytes.
const LONGEST_RESULT: usize = 1 << 20;

/// Who speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Whoever set the model up.
    System,
    /// Whoever asks.
    User,
    /// The model.
    Assistant,
}

impl Role {
    const fn id(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The words.
    pub content: String,
}

impl Message {
    /// A question.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }
}

/// A model's chat template with the marks it may use.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    source: String,
    bos: Option<String>,
    eos: Option<String>,
}

impl ChatTemplate {
    /// Takes a template that compiles; `bos` and `eos` are the spellings of the start and end marks.
    pub fn new(source: &str, bos: Option<&str>, eos: Option<&str>) -> Result<Self, TextError> {
        if source.len() > LONGEST_TEMPLATE {
            return Err(TextError::Template(format!(
                "it has {} bytes, and at most {LONGEST_TEMPLATE} are read",
                source.len()
            )));
        }
        let source = without_generation_blocks(source);
        environment(None).template_from_str(&source).map_err(|error| failed(&error))?;
        Ok(Self { source, bos: bos.map(str::to_owned), eos: eos.map(str::to_owned) })
    }

    /// The text of a conversation up to where the model answers. `today` is for templates that print a date; it is given
    /// so that the same prompt has the same tokens on any day.
    pub fn render(&self, messages: &[Message], today: Date) -> Result<String, TextError> {
        self.render_until(messages, true, today)
    }

    /// The same, with or without the mark after which the model answers.
    pub fn render_until(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
        today: Date,
    ) -> Result<String, TextError> {
        let environment = environment(Some(today));
        let template = environment.template_from_str(&self.source).map_err(|error| failed(&error))?;
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| context! { role => message.role.id(), content => message.content })
            .collect();
        let mut known = context! {
            messages,
            add_generation_prompt,
            // Not given, as opposed to not known: templates ask `is not none`.
            tools => Value::from(()),
            documents => Value::from(()),
        };
        for (name, mark) in [("bos_token", &self.bos), ("eos_token", &self.eos)] {
            if let Some(mark) = mark {
                known = context! { ..known, ..Value::from_iter([(name, mark.as_str())]) };
            }
        }
        let mut result = Capped(Vec::new());
        template.render_captured_to(known, &mut result).map_err(|error| failed(&error))?;
        String::from_utf8(result.0).map_err(|error| TextError::Template(error.to_string()))
    }

}

/// `{% generation %}` marks the model's own words for training; it changes nothing in the text. transformers knows it as an
/// extension of Jinja; here it becomes a condition that always holds, with its marks for white space as they are.
fn without_generation_blocks(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{%") {
        text.push_str(before);
        text.push_str("{%");
        let (tag, follows) = after.split_once("%}").map_or((after, None), |(tag, follows)| (tag, Some(follows)));
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

/// A buffer that refuses to grow beyond all bounds.
struct Capped(Vec<u8>);

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST_RESULT {
            return Err(std::io::Error::other(format!("the text grows beyond {LONGEST_RESULT} bytes")));
        }
        self.0.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Jinja with transformers' settings.
fn environment(today: Option<Date>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", move |format: String| match today {
        Some(today) => formatted(today, &format),
        None => Ok(String::new()),
    });
    // minijinja takes `none` for an empty list; Python does not.
    environment.add_test("iterable", |value: &Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable | ValueKind::String)
    });
    environment.add_filter("tojson", |value: Value, options: Kwargs| {
        let indent: Option<usize> = options.get("indent")?;
        // Accepted and without effect on texts and messages: nothing is escaped for HTML anyway, keys stay in order.
        options.get::<Option<bool>>("ensure_ascii")?;
        options.assert_all_used()?;
        let mut json = String::new();
        write_json(&mut json, &value, indent.unwrap_or(0), 0)?;
        Ok::<_, Error>(json)
    });
    environment
}

/// The engine's words with the line, and the chain of what led to them.
fn failed(error: &Error) -> TextError {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        words += &format!(": {deeper}");
        cause = deeper.source();
    }
    TextError::Template(words)
}

/// A date by the codes of C's `strftime`, those that templates use.
fn formatted(today: Date, format: &str) -> Result<String, Error> {
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(next) = rest.next() {
        if next != '%' {
            text.push(next);
            continue;
        }
        let code = rest.next();
        text += &match code {
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
    }
    Ok(text)
}

/// A value as Python's `json.dumps` writes it with `ensure_ascii=False`: a space after commas and colons, or one line per
/// entry with `indent`.
fn write_json(json: &mut String, value: &Value, indent: usize, depth: usize) -> Result<(), Error> {
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
