//! What can stand on the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::{EngineChoice, RUNS, SEED, WeightsChoice};
use crate::hardware::Label;
use crate::language::Language;
use crate::model::Precision;
use crate::workload::{DeviceChoice, Suite};

/// Measures what LLM inference costs on this machine, and sets it beside what people claim it costs.
#[derive(Debug, Parser)]
#[command(name = "claimbench", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    /// When to use colour; `auto` asks the environment (`NO_COLOR`, `CLICOLOR_FORCE`, `TERM`) and the stream
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(super) color: ColorWhen,
    /// Say only what must be read: warnings, failures and results
    #[arg(long, global = true)]
    pub(super) quiet: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum ColorWhen {
    /// As the environment and the stream say.
    Auto,
    /// Into files and pipes too.
    Always,
    /// Nowhere.
    Never,
}

impl From<ColorWhen> for anstream::ColorChoice {
    fn from(when: ColorWhen) -> Self {
        match when {
            ColorWhen::Auto => Self::Auto,
            ColorWhen::Always => Self::Always,
            ColorWhen::Never => Self::Never,
        }
    }
}

const EXAMPLES: &str = "Examples:
  claimbench doctor                    look at this machine first
  claimbench run                       measure the default models and write a page
  claimbench report RUN --rent 0.50    write the page again, with your price of an hour

Exit codes: 0 good, 1 failed, 2 usage, 3 measured but not trustworthy (run only), 130 interrupted (what was finished is kept).";

const LIST_EXAMPLES: &str = "Examples:
  claimbench list                      models, workloads, and what the engine lacks
  claimbench list --coverage reports   what was run where, and what was checked";

const RUN_EXAMPLES: &str = "Examples:
  claimbench run --dry-run                       say what would run, and how long
  claimbench run --budget 5m --rent 0.50         at most five minutes, with your price of an hour
  claimbench run --suite full --weights real     everything, with weights fetched before
  claimbench run --resume target/claimbench/RUN  take up an interrupted run
  claimbench run --resume RUN --starts 3         spread a finished run over more process starts
  claimbench run --quiet --json > run.json       for programs

Cases of one checkpoint take turns, in a random order that follows from --seed.";

const REPORT_EXAMPLES: &str = "Examples:
  claimbench report target/claimbench/RUN --purchase 1200 --life-years 4
  claimbench report target/claimbench/RUN --publish";

const CHECK_EXAMPLES: &str = "Examples:
  claimbench check target/claimbench/RUN   every rule, and how much was looked at
  claimbench check reports                 every run below a folder
  claimbench check a.json b.json --json    for programs

Exit codes: 0 every file passes, 1 one does not.";

const CLAIMS_EXAMPLES: &str = "Examples:
  claimbench claims                 all of them, one line each
  claimbench claims deepseek-5-6m   one of them, with its arithmetic and its sources
  claimbench claims --json          for programs";

const PULL_EXAMPLES: &str = "Examples:
  claimbench pull r1-distill-qwen-1.5b
  claimbench pull                                        the models that run by default
  claimbench run --model r1-distill-qwen-1.5b --weights real";

const DOCTOR_EXAMPLES: &str = "Examples:
  claimbench doctor             every check, with the remedy below it
  claimbench doctor --offline   without asking the model hub
  claimbench doctor --json      for programs

Exit codes: 0 nothing blocks, 1 something does.";

const COMPLETIONS_EXAMPLES: &str = "Examples:
  claimbench completions bash > ~/.local/share/bash-completion/completions/claimbench
  claimbench completions fish > ~/.config/fish/completions/claimbench.fish";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List models and workloads, and what runs by default
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Measure, and write a run file and its page
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Write the page of a run again, or publish it
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Derive everything in run files again from their samples, and say what does not hold
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Show the claims and what their examination gives
    #[command(after_help = CLAIMS_EXAMPLES)]
    Claims(ClaimsArgs),
    /// Download the real weights of models into the hub's cache, and verify them
    #[command(after_help = PULL_EXAMPLES)]
    Pull(PullArgs),
    /// Remove the synthetic checkpoints from the cache folder
    Clean(CleanArgs),
    /// Look at this machine: what a run would find, and what to do about it
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Print the completion script of a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write one for each command
    Man(ManArgs),
    /// Print the JSON schema of the run file
    #[command(hide = true)]
    Schema,
}

#[derive(Args, Clone, Debug)]
pub(super) struct JsonFlag {
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) json: JsonFlag,
    /// Print instead, as Markdown, what the run files below these folders say of every model, precision and device
    #[arg(long, value_name = "FOLDER", num_args = 1.., conflicts_with = "json")]
    pub(super) coverage: Vec<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct RunArgs {
    /// What to measure where nothing is named: the default cases, or every model, precision and workload
    #[arg(long, value_enum, default_value = "default")]
    pub(super) suite: SuiteChoice,
    /// Model to measure, by its id or as the path of a file of yours; may be repeated (default: see `claimbench list`)
    #[arg(long = "model", value_name = "ID|PATH")]
    pub(super) models: Vec<String>,
    /// Workload to run; may be repeated
    #[arg(long = "workload", value_name = "ID")]
    pub(super) workloads: Vec<String>,
    /// Precision of the weights; may be repeated
    #[arg(long = "precision", value_name = "NAME", value_parser = parse_precision)]
    pub(super) precisions: Vec<Precision>,
    /// Measured repetitions per case, instead of the workload's own fewest and most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(super) repetitions: Option<u64>,
    /// Time for the whole run, such as 90s, 5m or 1h30m: cases get shares of it and measure fewer repetitions
    #[arg(long, value_name = "TIME", value_parser = parse_budget)]
    pub(super) budget: Option<Duration>,
    /// Process starts that the repetitions of each case are spread over, by starting this program anew (default: 3); with
    /// --resume: as many as the run is to have in the end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(super) starts: Option<u64>,
    /// Take up a run that was interrupted or killed, where it stopped; files of yours are given again with --model
    #[arg(long, value_name = "RUN", conflicts_with_all = ["suite", "workloads", "precisions", "repetitions", "device", "weights", "seed", "assume_tdp", "no_answers", "label", "out", "engines"])]
    pub(super) resume: Option<PathBuf>,
    /// What the first process of a run announced, in seconds; it starts the others with it
    #[arg(long, value_name = "SECONDS", hide = true, requires = "resume", value_parser = parse_amount)]
    pub(super) announced: Option<f64>,
    /// Device: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_parser = DeviceChoice::parse)]
    pub(super) device: DeviceChoice,
    /// Weights: real ones if they are in the cache, else synthetic; or insist on one of the two
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) weights: WeightsChoice,
    /// Seed of synthetic weights, and of the order in which cases are measured
    #[arg(long, default_value_t = SEED)]
    pub(super) seed: u64,
    /// Rated power of this processor in watts, for an energy estimate where it is unknown
    #[arg(long, value_name = "WATTS", allow_negative_numbers = true, value_parser = parse_positive)]
    pub(super) assume_tdp: Option<f64>,
    /// Do not let models with real weights answer the prompts of prompts.toml after they were measured
    #[arg(long)]
    pub(super) no_answers: bool,
    /// Your name for this machine, 1 to 40 characters; it is published, and machines of unlike names are unlike machines
    #[arg(long, value_name = "TEXT", value_parser = parse_label)]
    pub(super) label: Option<Label>,
    /// Folder that gets a folder for the run
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    pub(super) out: PathBuf,
    /// Say what would run, and stop
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Engine that computes every case; may be repeated, or several with commas between them (default: claimbench, and one case
    /// of a suite with candle-transformers too)
    #[arg(long = "engine", value_name = "NAME", value_enum, value_delimiter = ',')]
    pub(super) engines: Vec<EngineChoice>,
    #[command(flatten)]
    pub(super) price: PriceArgs,
    #[command(flatten)]
    pub(super) json: JsonFlag,
}

/// What stands for all that is not named.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum SuiteChoice {
    /// What `claimbench list` marks as default.
    Default,
    /// Everything `claimbench list` shows, test shapes aside.
    Full,
}

impl From<SuiteChoice> for Suite {
    fn from(choice: SuiteChoice) -> Self {
        match choice {
            SuiteChoice::Default => Self::Default,
            SuiteChoice::Full => Self::Full,
        }
    }
}

/// The price of one hour of the machine.
#[derive(Args, Clone, Debug, Default)]
pub struct PriceArgs {
    /// What an hour of this machine rents for, in dollars; a rent contains the electricity
    #[arg(long, value_name = "USD_PER_HOUR", allow_negative_numbers = true, conflicts_with_all = ["purchase", "life_years"], value_parser = parse_amount)]
    pub(super) rent: Option<f64>,
    /// What this machine cost, in dollars; electricity comes on top
    #[arg(long, value_name = "USD", allow_negative_numbers = true, requires = "life_years", value_parser = parse_amount)]
    pub(super) purchase: Option<f64>,
    /// Years the machine is used for
    #[arg(long, value_name = "YEARS", allow_negative_numbers = true, requires = "purchase", value_parser = parse_positive)]
    pub(super) life_years: Option<f64>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct ReportArgs {
    /// A run file, or the folder that holds it
    #[arg(value_name = "RUN")]
    pub(super) run: PathBuf,
    /// Copy the run and its page into the folder of published runs
    #[arg(long)]
    pub(super) publish: bool,
    /// Folder of published runs
    #[arg(long, value_name = "DIR", default_value = "reports", requires = "publish")]
    pub(super) reports: PathBuf,
    #[command(flatten)]
    pub(super) price: PriceArgs,
}

#[derive(Args, Clone, Debug)]
pub(super) struct CheckArgs {
    /// Run files, folders that hold one, or folders of such folders
    #[arg(value_name = "RUN", required = true)]
    pub(super) runs: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) json: JsonFlag,
}

#[derive(Args, Clone, Debug)]
pub(super) struct ClaimsArgs {
    /// Show only this claim, whole
    #[arg(value_name = "ID", conflicts_with_all = ["category", "outcome", "examined", "article"])]
    pub(super) id: Option<String>,
    /// Only claims about this, such as training-cost, energy or investment
    #[arg(long, value_name = "NAME")]
    pub(super) category: Option<String>,
    /// Only claims with this outcome, such as upheld, refuted or unresolved
    #[arg(long, value_name = "NAME")]
    pub(super) outcome: Option<String>,
    /// Only claims examined this way: measured, recalculated, sourced, context or not-checkable
    #[arg(long, value_name = "NAME")]
    pub(super) examined: Option<String>,
    /// Only claims quoted from this article
    #[arg(long, value_name = "ID")]
    pub(super) article: Option<String>,
    /// Show instead speeds that others published, beside the bandwidth of the card they were seen on
    #[arg(long, conflicts_with_all = ["id", "category", "outcome", "examined", "article"])]
    pub(super) speeds: bool,
    /// Language of titles and texts, en or fr (default: that of the environment); a JSON document always holds both
    #[arg(long, value_name = "LANGUAGE", value_parser = parse_language)]
    pub(super) lang: Option<Language>,
    #[command(flatten)]
    pub(super) json: JsonFlag,
}

#[derive(Args, Clone, Debug)]
pub(super) struct PullArgs {
    /// Models whose weights to download (default: those that run by default)
    #[arg(value_name = "MODEL")]
    pub(super) models: Vec<String>,
    /// Precision of the weights (default: each model's first)
    #[arg(long, value_name = "NAME", value_parser = parse_precision)]
    pub(super) precision: Option<Precision>,
    /// Accept the licences shown, where they are restricted or the hub asks for consent
    #[arg(long)]
    pub(super) accept_licence: bool,
    /// Take what the hub has now and write it into models.lock, whatever stands there
    #[arg(long)]
    pub(super) update: bool,
    /// Show licences, files and sizes, and download nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct CleanArgs {
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct DoctorArgs {
    /// Do not ask the model hub whether it answers
    #[arg(long)]
    pub(super) offline: bool,
    /// For tests: the folder that holds `proc` and `sys`
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    pub(super) root: PathBuf,
    #[command(flatten)]
    pub(super) json: JsonFlag,
}

#[derive(Args, Clone, Debug)]
pub(super) struct ManArgs {
    /// Folder that gets a page for the program and for each command
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

impl Cli {
    /// Reads a command line, its first word being the program's name. A line that cannot be read ends the program with
    /// exit code 2. Colour is settled before, as that message has some too.
    pub fn read(line: impl IntoIterator<Item = OsString>) -> Self {
        let line: Vec<OsString> = line.into_iter().collect();
        anstream::ColorChoice::from(color_asked(&line)).write_global();
        Self::parse_from(line)
    }
}

/// What `--color` says, wherever it stands; `auto` where it says nothing that can be read.
fn color_asked(line: &[OsString]) -> ColorWhen {
    let words: Vec<_> =
        line.iter().map(|word| word.to_string_lossy()).take_while(|word| word != "--").collect();
    let joined = words.iter().find_map(|word| word.strip_prefix("--color=").map(str::to_owned));
    let apart = || words.windows(2).find(|pair| pair[0] == "--color").map(|pair| pair[1].to_string());
    joined.or_else(apart).and_then(|word| ColorWhen::from_str(&word, false).ok()).unwrap_or(ColorWhen::Auto)
}

fn parse_precision(text: &str) -> Result<Precision, String> {
    let known = Precision::ALL.map(Precision::id).join(", ");
    let found = Precision::ALL.into_iter().find(|precision| precision.id() == text);
    found.ok_or_else(|| format!("`{text}` is not a precision; known are {known}"))
}

fn parse_language(text: &str) -> Result<Language, String> {
    let found = Language::ALL.into_iter().find(|language| language.id() == text);
    found.ok_or_else(|| format!("`{text}` is not a language of the pages; known are en, fr"))
}

fn parse_label(text: &str) -> Result<Label, String> {
    Label::new(text).map_err(|error| error.to_string())
}

fn parse_budget(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time >= Duration::from_secs(1) => Ok(time),
        _ => Err(format!("`{text}` is not a time of one second or more; write it like 90s, 5m or 1h30m")),
    }
}

fn parse_amount(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err(format!("`{text}` is not an amount; write a number of zero or more, such as 0.50")),
    }
}

fn parse_positive(text: &str) -> Result<f64, String> {
    let value = parse_amount(text)?;
    if value > 0.0 { Ok(value) } else { Err(format!("`{text}` must be above zero")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn colour_is_found_before_the_line_is_read() {
        let asked = |line: &str| color_asked(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(asked("claimbench run --color=never"), ColorWhen::Never);
        assert_eq!(asked("claimbench --color always run --nonsense"), ColorWhen::Always);
        for none in
            ["claimbench run", "claimbench --color", "claimbench --color red", "claimbench -- --color never"]
        {
            assert_eq!(asked(none), ColorWhen::Auto, "{none}");
        }
    }

    #[test]
    fn values_that_cannot_be_are_usage_errors() {
        for arguments in [
            vec!["--rent", "1", "--purchase", "2", "--life-years", "3"],
            vec!["--purchase", "2"],
            vec!["--rent", "-1"],
            vec!["--rent", "NaN"],
            vec!["--purchase", "2", "--life-years", "0"],
            vec!["--repetitions", "0"],
            vec!["--device", "gpu"],
            vec!["--precision", "q3"],
            vec!["--assume-tdp", "0"],
            vec!["--budget", "5"],
            vec!["--budget", "0s"],
            vec!["--suite", "half"],
            vec!["--resume", "a", "--workload", "b"],
        ] {
            let line = ["claimbench", "run"].into_iter().chain(arguments.iter().copied());
            assert!(Cli::try_parse_from(line).is_err(), "{arguments:?}");
        }
    }
}
