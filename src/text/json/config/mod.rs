//! The small files beside `tokenizer.json`: start and end marks, chat template, the ids that end an answer.

mod wire;

pub(in crate::text) use wire::{Config, EndIds};
