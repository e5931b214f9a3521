//! GGUF files: written as a stream, and read by a reader of our own that trusts no number in them.
//!
//! Why candle's reader is not enough, from reading `quantized/gguf_file.rs` of candle-core 0.11.1. `Content::read` is not
//! naive: it compares every count and length with what is left of the file (so 2^60 entries are refused), and stops at
//! arrays nested deeper than 64. But:
//!
//! - `general.alignment` of 0 divides by zero and ends the process;
//! - every element of an array becomes a 32-byte enum, so a file of 1 GB that holds one array of bytes takes 32 GB;
//! - of keys or tensors with the same name, the last one counts and nobody is told;
//! - invalid UTF-8 is replaced, zeros at the end of texts are cut off;
//! - dimensions may be zero or overflow when multiplied, and rows may be no whole number of blocks;
//! - whether tensors overlap, are aligned or lie inside the file is asked when each is read, or never.
//!
//! [`GgufFile::open`] settles all of this before a weight is read, with memory bounded by `read::MOST_KEPT`; candle's code
//! only ever sees files that passed it.

mod bytes;
mod kind;
#[cfg(test)]
mod raw_tests;
mod read;
#[cfg(test)]
mod read_tests;
mod value;
pub(super) mod write;

pub use read::{GgufFile, GgufTensor};
#[cfg(test)]
pub(crate) use write::{Value as GgufValue, header as gguf_header};
