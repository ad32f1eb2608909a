//! The clock of the servers that tests run as processes: the machine's clock, which a test moves forward through a file.

use std::{env, fs, path::PathBuf, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::{clock::Clock, service::ControlPlane};

/// The environment variable that names the file. The file contains the number of milliseconds by which the clock is
/// ahead of the machine's clock; without the file it is not ahead. Several servers may share the file, and a restarted
/// server reads it again.
const FILE: &str = "MFTPLUS_TEST_CLOCK";
/// How often the file is read.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Returns the clock of this process: a movable one if the environment variable is set, otherwise the system clock.
pub(super) fn clock() -> Clock {
    let Some(file) = file() else { return Clock::system() };
    let clock = Clock::movable();
    if let Some(ahead) = fs::read_to_string(file).ok().and_then(|text| parse(&text)) {
        clock.set_ahead(ahead);
    }
    clock
}

/// Reads the file every [`POLL_INTERVAL`] and moves the clock to the time that it names, until the server stops.
pub(super) async fn follow(cp: Arc<ControlPlane>) {
    let Some(file) = file() else { return };
    let mut ticks = interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = None::<Duration>;
    loop {
        tokio::select! {
            () = cp.stop().cancelled() => return,
            _ = ticks.tick() => {}
        }
        let read = tokio::fs::read_to_string(&file).await.ok().and_then(|text| parse(&text));
        if let Some(ahead) = read.filter(|_| read != known) {
            cp.move_clock(ahead);
            known = read;
        }
    }
}

fn file() -> Option<PathBuf> {
    env::var_os(FILE).map(PathBuf::from)
}

fn parse(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_millis)
}
