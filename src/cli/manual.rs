//! `claimbench completions` and `claimbench man`: what shells and `man` know of the command line.

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use super::arguments::ManArgs;
use super::{Cli, Status, Terminal};

/// The script for one shell, on standard output.
pub(super) fn completions(shell: Shell, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "claimbench", &mut script);
    print(&script, terminal)
}

/// The page of the program on standard output, or one page for it and for each command in a folder.
pub(super) fn man(args: &ManArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        return print(&page, terminal);
    };
    let refused =
        || format!("cannot write man pages to {}; give --out a folder that is there", folder.display());
    clap_mangen::generate_to(Cli::command(), folder).with_context(refused)?;
    terminal.note(&format!("man pages are in {}; read one: man -l {0}/claimbench.1", folder.display()));
    Ok(Status::Good)
}

fn print(generated: &[u8], terminal: &mut Terminal) -> anyhow::Result<Status> {
    terminal.data(String::from_utf8_lossy(generated).trim_end())?;
    Ok(Status::Good)
}
