//! Renders a conversation: `chat_template TEMPLATE BOS EOS [--no-prompt] < MESSAGES`, messages being JSON, a list of
//! objects with `role` and `content`. Templates that print a date get 10 February 2025.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool of the terminal")]

use std::io;

use anyhow::{Context, bail};
use claimbench::text::{ChatTemplate, Message, Role};
use time::macros::date;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, bos, eos, adds_prompt) =
        match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [path, bos, eos] => ((*path).to_owned(), (*bos).to_owned(), (*eos).to_owned(), true),
            [path, bos, eos, "--no-prompt"] => {
                ((*path).to_owned(), (*bos).to_owned(), (*eos).to_owned(), false)
            }
            _ => bail!("usage: chat_template TEMPLATE BOS EOS [--no-prompt] < MESSAGES"),
        };
    let source = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let messages = messages(&io::read_to_string(io::stdin())?)?;
    let template = ChatTemplate::new(&source, Some(&bos), Some(&eos))?;
    print!("{}", template.render_until(&messages, adds_prompt, date!(2025 - 02 - 10))?);
    Ok(())
}

fn messages(json: &str) -> anyhow::Result<Vec<Message>> {
    let value: serde_json::Value = serde_json::from_str(json)?;
    let list = value.as_array().context("messages are a list")?;
    list.iter()
        .map(|message| {
            let role = match message["role"].as_str() {
                Some("system") => Role::System,
                Some("user") => Role::User,
                Some("assistant") => Role::Assistant,
                other => bail!("no role {other:?}"),
            };
            let content = message["content"].as_str().context("a message has content")?;
            Ok(Message { role, content: content.to_owned() })
        })
        .collect()
}
