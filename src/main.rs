//! Reads the command line, does what it asks, and ends with the exit code that `docs/METHODOLOGY.md` documents.

use std::process::ExitCode;

use claimbench::cli::{Cli, Terminal};
use clap::Parser;

fn main() -> ExitCode {
    let mut terminal = Terminal::standard();
    match Cli::parse().execute(&mut terminal) {
        Ok(status) => ExitCode::from(status.code()),
        Err(error) => {
            terminal.say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
