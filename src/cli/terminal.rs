//! The two streams of a command: data, and words for people. What may be coloured, redrawn or left out is decided here.

#![expect(clippy::disallowed_methods, reason = "asks TERM whether a line can be redrawn")]

use std::io::{self, ErrorKind, IsTerminal, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

/// Good news.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// What a user should know.
pub(super) const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
/// What stops a command.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

/// A longer progress line would wrap on a common terminal, and could not be redrawn.
const LONGEST_PROGRESS: usize = 79;

/// Where a command writes.
pub struct Terminal {
    data: Box<dyn Write>,
    words: Box<dyn Write>,
    /// True if the words go to a terminal that can redraw a line.
    is_live: bool,
    is_quiet: bool,
    /// Characters of the progress line that stands there unfinished.
    drawn: usize,
    is_closed: bool,
}

impl Terminal {
    /// Standard output for data, standard error for words. Colour as `--color`, `NO_COLOR`, `CLICOLOR_FORCE` and `TERM`
    /// say, for each stream apart.
    pub fn standard() -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_live = io::stderr().is_terminal() && !is_dumb;
        Self::on(AutoStream::auto(io::stdout()), AutoStream::auto(io::stderr()), is_live)
    }

    /// On any two streams, such as those of a test.
    pub(super) fn on(data: impl Write + 'static, words: impl Write + 'static, is_live: bool) -> Self {
        let (data, words) = (Box::new(data), Box::new(words));
        Self { data, words, is_live, is_quiet: false, drawn: 0, is_closed: false }
    }

    /// From now on only what must be read: warnings, failures and results.
    pub fn be_quiet(&mut self) {
        self.is_quiet = true;
    }

    /// True after [`Self::be_quiet`].
    pub(super) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// One line of data.
    pub fn data(&mut self, line: &str) -> io::Result<()> {
        self.clear();
        let written = writeln!(self.data, "{line}").and_then(|()| self.data.flush());
        self.is_closed |= written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        written
    }

    /// True once the reader of the data has gone, as `head` does; no fault of the command's.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// One line for people that must be read: a warning, a failure, a result. A closed standard error is no reason to
    /// lose a measurement.
    pub fn say(&mut self, line: &str) {
        self.clear();
        let _ = writeln!(self.words, "{line}");
    }

    /// One line for people that `--quiet` leaves out.
    pub fn note(&mut self, line: &str) {
        if !self.is_quiet {
            self.say(line);
        }
    }

    /// True if somebody looks on, on a terminal that can redraw a line.
    pub fn redraws(&self) -> bool {
        self.is_live && !self.is_quiet
    }

    /// How far a command is: on a terminal one line that is drawn over, else a line of its own. Never called while
    /// something is timed.
    pub fn progress(&mut self, line: &str) {
        if !self.is_live {
            return self.note(line);
        }
        if self.is_quiet {
            return;
        }
        let line: String = line.chars().take(LONGEST_PROGRESS).collect();
        let width = self.drawn;
        let _ = write!(self.words, "\r{line:<width$}").and_then(|()| self.words.flush());
        self.drawn = line.chars().count();
    }

    /// Why a command failed.
    pub fn fail(&mut self, reason: &str) {
        self.say(&format!("{BAD}error:{BAD:#} {reason}"));
    }

    /// Wipes the progress line. Spaces, as escape codes are stripped where colour is.
    fn clear(&mut self) {
        if self.drawn > 0 {
            let width = self.drawn;
            let _ = write!(self.words, "\r{:width$}\r", "");
            self.drawn = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// A stream that a test can look into.
    #[derive(Clone, Default)]
    struct Page(Rc<RefCell<Vec<u8>>>);

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.borrow().clone()).unwrap()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn terminal(is_live: bool) -> (Terminal, Page) {
        let words = Page::default();
        (Terminal::on(Page::default(), words.clone(), is_live), words)
    }

    #[test]
    fn progress_is_drawn_over_on_a_terminal_and_wiped_before_the_next_line() {
        let (mut terminal, words) = terminal(true);
        terminal.progress("2 of 10");
        terminal.progress("3 of");
        terminal.say("done");
        assert_eq!(words.text(), "\r2 of 10\r3 of   \r    \rdone\n");
    }

    #[test]
    fn progress_is_a_plain_line_elsewhere() {
        let (mut terminal, words) = terminal(false);
        terminal.progress("2 of 10");
        terminal.progress("3 of 10");
        assert_eq!(words.text(), "2 of 10\n3 of 10\n");
    }

    #[test]
    fn a_progress_line_never_wraps() {
        let (mut terminal, words) = terminal(true);
        terminal.progress(&"x".repeat(200));
        assert_eq!(words.text().chars().count(), 1 + LONGEST_PROGRESS);
    }

    #[test]
    fn a_quiet_terminal_says_only_what_must_be_read() {
        for is_live in [true, false] {
            let (mut terminal, words) = terminal(is_live);
            terminal.be_quiet();
            terminal.progress("2 of 10");
            terminal.note("by the way");
            terminal.say("failed");
            assert_eq!(words.text(), "failed\n");
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_remembered_and_other_errors_are_not() {
        struct Refusing(ErrorKind);
        impl Write for Refusing {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for (kind, is_closed) in [(ErrorKind::BrokenPipe, true), (ErrorKind::StorageFull, false)] {
            let mut terminal = Terminal::on(Refusing(kind), Page::default(), false);
            assert!(terminal.data("line").is_err());
            assert_eq!(terminal.is_closed(), is_closed);
        }
    }
}
