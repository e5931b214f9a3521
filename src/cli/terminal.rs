//! The two streams of a command: data, and words for people.

use std::io::{self, Write};

/// Where a command writes.
pub struct Terminal {
    data: Box<dyn Write>,
    words: Box<dyn Write>,
}

impl Terminal {
    /// Standard output for data, standard error for words.
    pub fn standard() -> Self {
        Self { data: Box::new(io::stdout()), words: Box::new(io::stderr()) }
    }

    /// One line of data.
    pub fn data(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.data, "{line}")?;
        self.data.flush()
    }

    /// One line for people. A closed standard error is no reason to lose a measurement.
    pub fn say(&mut self, line: &str) {
        let _ = writeln!(self.words, "{line}");
    }
}
