//! The run file, version 1: its schema, its way to and from a [`Run`], the rules it is held to, and its store.

mod answers;
mod ceilings;
mod digest;
mod examine;
mod figures;
mod gate;
mod machine;
mod read;
mod rule;
mod schema;
mod shape;
mod store;
#[cfg(test)]
mod tests;
mod window;
mod write;

pub use ceilings::{CeilingsStore, CeilingsStoreError};
pub use digest::sealed;
pub use examine::{Examination, Verdict, examine};
pub use rule::{CHECKED_SINCE_METHOD, RecordError, Rule};
pub use schema::{SCHEMA_VERSION, json_schema};
pub use store::{LONGEST_FILE, RunStore, StoreError, load, load_with_text, read_text};

use crate::measurement::Run;

/// A run as the JSON text of a run file, ending in a newline. The same run gives the same bytes.
pub fn to_json(run: &Run) -> String {
    let file = schema::RunFile::from(run);
    let text = serde_json::to_string_pretty(&file).expect("a run holds strings and finite numbers only");
    sealed(&(text + "\n")).expect("a run file has one place for its digest")
}

/// A run from the text of a run file, if it keeps every [`Rule`].
pub fn from_json(text: &str) -> Result<Run, RecordError> {
    examine(text).into_run()
}
