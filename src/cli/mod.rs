//! The command line: one file per command. Data goes to standard output, everything else to standard error.

mod arguments;
mod catalog;
mod ceilings;
mod check;
mod claims;
mod clean;
mod coverage;
mod doctor;
mod list;
mod local;
mod locale;
mod manual;
mod measuring;
mod page;
mod prices;
mod pull;
mod relaunch;
mod report;
mod run;
mod run_files;
mod session;
mod speeds;
mod summary;
mod terminal;

pub use arguments::{Cli, PriceArgs};
pub use catalog::{CLAIM_FILES, Catalog};
pub use ceilings::FoundCeilings;
pub use page::conclude;
pub use prices::{Audience, price_of};
pub use session::{EngineChoice, OpenGroup, Row, Session, Settings, StopFlag, WeightsChoice};
pub use summary::{announcement, gate_line, summary};
pub use terminal::Terminal;

use arguments::Command;

/// Where run folders go unless `--out` says otherwise; relative to the folder the command runs in.
pub const RUNS: &str = "target/claimbench";
/// The seed of synthetic weights unless `--seed` says otherwise.
pub const SEED: u64 = 1;

/// How a command ended, when it did not fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// As asked: exit code 0.
    Good,
    /// The command did what it could, and a case failed: exit code 1.
    CaseFailed,
    /// The machine cannot do the default run: exit code 1.
    Blocked,
    /// A run file does not pass its check: exit code 1.
    Refused,
    /// Measured, but a flag says that the figures deserve no trust: exit code 3.
    Untrustworthy,
    /// Stopped by the user; what was finished is kept: exit code 130.
    Interrupted,
}

impl Status {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::CaseFailed | Self::Blocked | Self::Refused => 1,
            Self::Untrustworthy => 3,
            Self::Interrupted => 130,
        }
    }
}

impl Cli {
    /// Does what the command line asks.
    pub fn execute(self, terminal: &mut Terminal) -> anyhow::Result<Status> {
        if self.quiet {
            terminal.be_quiet();
        }
        match self.command {
            Command::List(args) if args.coverage.is_empty() => list::execute(args.json.json, terminal),
            Command::List(args) => coverage::execute(&args.coverage, terminal),
            Command::Run(args) => run::execute(&args, terminal),
            Command::Report(args) => report::execute(&args, terminal),
            Command::Check(args) => check::execute(&args, terminal),
            Command::Claims(args) => claims::execute(&args, terminal),
            Command::Pull(args) => pull::execute(&args, terminal),
            Command::Clean(args) => clean::execute(args.dry_run, terminal),
            Command::Doctor(args) => doctor::execute(&args, terminal),
            Command::Completions { shell } => manual::completions(shell, terminal),
            Command::Man(args) => manual::man(&args, terminal),
            Command::Schema => {
                terminal.data(crate::record::json_schema().trim_end())?;
                Ok(Status::Good)
            }
        }
    }
}
