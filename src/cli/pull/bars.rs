//! How far a download is: a bar per file on a terminal, plain lines elsewhere, nothing with `--quiet`.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Terminal;
use crate::hub::Event;
use crate::units::Bytes;

/// Redraws a second.
const RATE: u8 = 5;
/// The name shortened, so that a common terminal has room for the bar.
const TEMPLATE: &str =
    "{msg:!24} [{wide_bar}] {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta}";

/// Shows the events of a download.
#[derive(Default)]
pub(super) struct Bars {
    bar: Option<Bar>,
}

/// Counts what comes; what was here before is no speed of this connection.
struct Bar {
    drawn: ProgressBar,
    here: u64,
    bytes: u64,
}

impl Bars {
    /// Shows one event.
    pub(super) fn show(&mut self, event: Event<'_>, terminal: &mut Terminal) {
        match event {
            Event::Starts { file, bytes, here } => {
                let rest =
                    if here.count() > 0 { format!(", {} are here", size(here)) } else { String::new() };
                terminal.note(&format!("fetching {file}, {}{rest}", size(bytes)));
                self.bar = terminal.redraws().then(|| Bar::new(file, bytes.count(), here.count()));
            }
            Event::Here(bytes) => {
                if let Some(bar) = &mut self.bar {
                    bar.stands_at(bytes.count());
                }
            }
            Event::Ends { file } => {
                if let Some(bar) = self.bar.take() {
                    bar.drawn.finish_and_clear();
                }
                terminal.note(&format!("{file} is here and verified"));
            }
            Event::Checks { file } => terminal.note(&format!("{file} is here; checking it")),
            Event::Note(text) => match &self.bar {
                Some(bar) => bar.drawn.suspend(|| terminal.note(text)),
                None => terminal.note(text),
            },
        }
    }
}

impl Bar {
    fn new(file: &str, bytes: u64, here: u64) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(RATE);
        let style = ProgressStyle::with_template(TEMPLATE).expect("the template is well formed");
        let drawn = ProgressBar::with_draw_target(Some(bytes.saturating_sub(here)), target);
        let drawn = drawn.with_style(style.progress_chars("=> ")).with_message(file.to_owned());
        Self { drawn, here, bytes }
    }

    fn stands_at(&mut self, bytes: u64) {
        if bytes < self.here {
            // What was here was thrown away: all of it comes.
            self.here = 0;
            self.drawn.set_length(self.bytes);
        }
        self.drawn.set_position(bytes - self.here);
    }
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
    fn the_bar_counts_what_comes_and_all_of_it_if_what_was_here_is_thrown_away() {
        let mut bar = Bar::new("model.gguf", 100, 40);
        bar.stands_at(50);
        assert_eq!((bar.drawn.length(), bar.drawn.position()), (Some(60), 10));
        bar.stands_at(30);
        assert_eq!((bar.drawn.length(), bar.drawn.position()), (Some(100), 30));
    }
}
