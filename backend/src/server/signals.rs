//! Signals: graceful shutdown, immediate exit, and reload of the settings.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Completes at the first `SIGINT`, `SIGTERM` or `SIGQUIT`. The second of these signals ends the process at once. The call
/// installs the signal handlers.
pub fn stop_requested() -> impl Future<Output = ()> + Send {
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit()].map(signal);
    async move {
        any(&mut signals).await;
        // Every acknowledged request is durable, so an immediate exit loses nothing.
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

/// Completes when the signal arrives; never if its handler could not be installed.
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
