//! How far a download is: a bar per file on a terminal, plain lines elsewhere, nothing with `--quiet`.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Terminal;
use crate::hub::Event;
use crate::units::Bytes;

/// Redraws a second.
const RATE: u8 = 5;
const TEMPLATE: &str = "{msg} [{wide_bar}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

/// Shows the events of a download.
#[derive(Default)]
pub(super) struct Bars {
    bar: Option<ProgressBar>,
}

impl Bars {
    /// Shows one event.
    pub(super) fn show(&mut self, event: Event<'_>, terminal: &mut Terminal) {
        match event {
            Event::Starts { file, bytes, here } => {
                let rest =
                    if here.count() > 0 { format!(", {} are here", size(here)) } else { String::new() };
                if terminal.redraws() {
                    self.bar = Some(bar(file, bytes, here));
                } else {
                    terminal.note(&format!("fetching {file}, {}{rest}", size(bytes)));
                }
            }
            Event::Here(bytes) => {
                if let Some(bar) = &self.bar {
                    bar.set_position(bytes.count());
                }
            }
            Event::Ends { file } => match self.bar.take() {
                Some(bar) => bar.finish(),
                None => terminal.note(&format!("{file} is here and verified")),
            },
            Event::Checks { file } => terminal.note(&format!("{file} is here; checking it")),
            Event::Note(text) => match &self.bar {
                Some(bar) => bar.suspend(|| terminal.note(text)),
                None => terminal.note(text),
            },
        }
    }
}

fn bar(file: &str, bytes: Bytes, here: Bytes) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(RATE);
    let bar = ProgressBar::with_draw_target(Some(bytes.count()), target);
    let style = ProgressStyle::with_template(TEMPLATE).expect("the template is well formed");
    let bar = bar.with_style(style.progress_chars("=> ")).with_message(file.to_owned());
    // What was here before is no speed of this connection.
    let bar = bar.with_position(here.count());
    bar.reset_eta();
    bar
}

/// A size as people compare it.
pub(super) fn size(bytes: Bytes) -> String {
    let (amount, unit) = match bytes.as_f64() {
        large if large >= 1e9 => (large / 1e9, "GB"),
        medium if medium >= 1e6 => (medium / 1e6, "MB"),
        small => (small / 1e3, "kB"),
    };
    format!("{amount:.2} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_the_unit_that_fits() {
        let text = |bytes| size(Bytes::new(bytes));
        assert_eq!([text(4_372_812_000), text(2_500_000), text(900)], ["4.37 GB", "2.50 MB", "0.90 kB"]);
    }

    #[test]
    fn the_bar_knows_what_was_here() {
        let bar = bar("model.gguf", Bytes::new(100), Bytes::new(40));
        assert_eq!((bar.length(), bar.position()), (Some(100), 40));
    }
}
