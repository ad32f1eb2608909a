//! Ctrl-C, seen by everybody who waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::failure::{Context, Failure, Result};

/// Whether somebody asked us to stop. Clones share one answer.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<Flags>);

#[derive(Default)]
struct Flags {
    /// Set by the signal handler, taken back by the first reader.
    signalled: Arc<AtomicBool>,
    asked: AtomicBool,
    hurried: AtomicBool,
}

impl Stop {
    /// Turns the signals that end a program into an answer to [`Stop::requested`].
    pub(crate) fn install() -> Result<Self> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&stop.0.signalled)).context("cannot listen for Ctrl-C")?;
        }
        Ok(stop)
    }

    /// Whether we should come to an end.
    pub(crate) fn requested(&self) -> bool {
        if self.0.signalled.swap(false, Ordering::SeqCst) && self.0.asked.swap(true, Ordering::SeqCst) {
            self.0.hurried.store(true, Ordering::SeqCst);
        }
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Whether we were asked a second time: no more waiting for anybody.
    pub(crate) fn hurried(&self) -> bool {
        self.requested() && self.0.hurried.load(Ordering::SeqCst)
    }

    /// Fails with [`Failure::Interrupted`] once we should come to an end.
    pub(crate) fn check(&self) -> Result<()> {
        if self.requested() { Err(Failure::Interrupted) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_hurries() {
        let stop = Stop::default();
        assert!(!stop.requested());
        stop.0.signalled.store(true, Ordering::SeqCst);
        assert!(stop.requested() && !stop.hurried());
        stop.0.signalled.store(true, Ordering::SeqCst);
        assert!(stop.hurried());
    }
}
