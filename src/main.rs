//! Reads the command line, does what it asks, and ends with the exit code that `docs/METHODOLOGY.md` documents.

use std::process::ExitCode;

use claimbench::cli::{Cli, Terminal};

fn main() -> ExitCode {
    let cli = Cli::read(std::env::args_os());
    let mut terminal = Terminal::standard();
    match cli.execute(&mut terminal) {
        Ok(status) => ExitCode::from(status.code()),
        // Whoever read the data has seen enough.
        Err(_) if terminal.is_closed() => ExitCode::SUCCESS,
        Err(error) => {
            terminal.fail(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
