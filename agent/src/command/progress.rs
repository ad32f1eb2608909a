//! Shows the progress of a copy: a bar in a terminal, otherwise a line every five seconds.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::transfer::control::Control;

/// The time between two lines if there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// The form in which progress is shown.
#[derive(Debug)]
pub(crate) enum Display {
    /// A bar in a terminal.
    Bar(ProgressBar),
    /// Lines in a log or pipe.
    Lines { name: String, last: Instant },
}

impl Display {
    /// Creates the display of the progress of the copy `name` on standard error: a bar in a terminal, otherwise lines.
    pub(crate) fn on_stderr(name: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { name: name.to_owned(), last: Instant::now() };
        }
        let bar = ProgressBar::new(0);
        let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(name.to_owned());
        Self::Bar(bar)
    }

    /// Shows the current progress of the copy that `control` belongs to.
    pub(crate) fn show(&mut self, control: &Control) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(control.total());
                bar.set_position(control.copied());
                if control.verifies && control.copied() >= control.total() && control.verified() > 0 {
                    bar.set_position(control.verified());
                    if !bar.message().starts_with("verifying") {
                        bar.set_message(format!("verifying {}", bar.message()));
                    }
                }
            }
            Self::Lines { name, last } if last.elapsed() >= BETWEEN_LINES => {
                *last = Instant::now();
                let (copied, total) = (HumanBytes(control.copied()), HumanBytes(control.total()));
                eprintln!("{name}: {:.0} % ({copied} of {total})", control.progress().percent);
            }
            Self::Lines { .. } => {}
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
