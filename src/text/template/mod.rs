//! Chat templates as models ship them: Jinja, run the way transformers runs it.
//!
//! transformers renders with `trim_blocks`, `lstrip_blocks`, Python's methods of strings, the loop controls, and a few
//! functions of its own (`raise_exception`, `strftime_now`, a `tojson` that escapes nothing for HTML). Here minijinja does
//! it with the same settings; `proof/check_tokenizers.py` compares both on the templates that llama.cpp ships for its tests.

mod functions;
mod limits;
#[cfg(test)]
mod tests;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, context};
use minijinja_contrib::pycompat::unknown_method_callback;
use time::Date;

use super::error::TextError;
use functions::{formatted, write_json};
use limits::{Capped, FUEL, on_deep_stack, without_generation_blocks};

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
        limits::check(source)?;
        let source = without_generation_blocks(source);
        on_deep_stack(|| {
            environment(None).template_from_str(&source).map(drop).map_err(|error| failed(&error))
        })?;
        Ok(Self { source, bos: bos.map(str::to_owned), eos: eos.map(str::to_owned) })
    }

    /// True if these words stand in it.
    pub(super) fn names(&self, words: &str) -> bool {
        self.source.contains(words)
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
        on_deep_stack(|| self.render_here(messages, add_generation_prompt, today))
    }

    fn render_here(
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
        words.push_str(": ");
        words.push_str(&deeper.to_string());
        cause = deeper.source();
    }
    TextError::Template(words)
}
