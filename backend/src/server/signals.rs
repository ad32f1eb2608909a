//! Signals of the operating system: what ends the server in order, at once, or has it read its settings again.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Done at the first of `SIGINT`, `SIGTERM` and `SIGQUIT`. The second one ends the process at once.
/// They are heard from the call on.
pub fn stopped() -> impl Future<Output = ()> + Send {
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit()].map(signal);
    async move {
        any(&mut signals).await;
        // Everything that was acknowledged is durable by now, so there is nothing to lose.
        #[expect(
            clippy::disallowed_methods,
            reason = "it outlives every task that could keep the process from ending"
        )]
        tokio::spawn(async move {
            any(&mut signals).await;
            tracing::warn!("a second signal: ending at once");
            std::process::exit(130);
        });
    }
}

async fn any(signals: &mut [std::io::Result<Signal>; 3]) {
    let [first, second, third] = signals;
    tokio::select! {
        () = next(first) => {}
        () = next(second) => {}
        () = next(third) => {}
    }
}

/// Done when the signal comes; never if it cannot be heard.
async fn next(signal: &mut std::io::Result<Signal>) {
    match signal {
        Ok(signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

/// Calls `reload` at each `SIGHUP`, which never ends the server.
pub async fn at_hangup(mut reload: impl FnMut()) {
    let mut hangup = signal(SignalKind::hangup());
    loop {
        next(&mut hangup).await;
        reload();
    }
}
