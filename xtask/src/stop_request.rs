//! The request to stop (Ctrl-C), which every loop that waits checks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::failure::{Context, Failure, Result};

/// The request to stop, by SIGINT, SIGTERM or SIGHUP. Clones share one state.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<Flags>);

#[derive(Default)]
struct Flags {
    /// Set by the signal handler and cleared by [`Stop::is_requested`].
    signalled: Arc<AtomicBool>,
    /// At least one signal has arrived.
    requested: AtomicBool,
    /// At least two signals have arrived.
    forced: AtomicBool,
}

impl Stop {
    /// Installs handlers for the signals that end a program. The signals then only set [`Stop::is_requested`].
    pub(crate) fn install() -> Result<Self> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&stop.0.signalled)).context("cannot listen for Ctrl-C")?;
        }
        Ok(stop)
    }

    /// Whether at least one signal has arrived.
    pub(crate) fn is_requested(&self) -> bool {
        if self.0.signalled.swap(false, Ordering::SeqCst) && self.0.requested.swap(true, Ordering::SeqCst) {
            self.0.forced.store(true, Ordering::SeqCst);
        }
        self.0.requested.load(Ordering::SeqCst)
    }

    /// Whether a second signal has arrived. Children are then killed without a grace period.
    pub(crate) fn is_forced(&self) -> bool {
        self.is_requested() && self.0.forced.load(Ordering::SeqCst)
    }

    /// Fails with [`Failure::Interrupted`] once a signal has arrived.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_requested() { Err(Failure::Interrupted) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_forces_the_stop() {
        let stop = Stop::default();
        assert!(!stop.is_requested());
        stop.0.signalled.store(true, Ordering::SeqCst);
        assert!(stop.is_requested() && !stop.is_forced());
        stop.0.signalled.store(true, Ordering::SeqCst);
        assert!(stop.is_forced());
    }
}
