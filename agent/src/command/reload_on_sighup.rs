//! Reloads the configuration of the running daemon on SIGHUP.

use std::sync::Arc;

use crate::command::args::RunArgs;
use crate::command::settings::{allowed_dirs, work_limits};
use crate::config::file::ConfigFile;
use crate::config::reloadable_config::LiveConfig;
use crate::storage::allowed_roots::AllowedRoots;
use crate::work::agent::Agent;
use crate::work::agent::problems::Subject;

/// The stream of received SIGHUP signals.
#[cfg(unix)]
pub(crate) type Hangups = tokio::signal::unix::Signal;

/// Stands for SIGHUP on systems without this signal; nothing is ever received.
#[cfg(not(unix))]
pub(crate) struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    async fn recv(&mut self) -> Option<()> {
        std::future::pending().await
    }
}

/// Starts to receive SIGHUP; before this call, the signal ends the process. `None`, with a warning in the log, if it
/// cannot be received.
#[cfg(unix)]
pub(crate) fn listen() -> Option<Hangups> {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
        Ok(hangups) => Some(hangups),
        Err(error) => {
            tracing::warn!(%error, "SIGHUP cannot be received, a change of the configuration needs a restart");
            None
        }
    }
}

/// Returns a value that never receives a signal, because this system has no SIGHUP.
#[cfg(not(unix))]
pub(crate) fn listen() -> Option<Hangups> {
    Some(Hangups)
}

/// Reloads the configuration at each SIGHUP. Runs as a background task; ends at once if `hangups` is `None`.
pub(crate) async fn at_hangup(hangups: Option<Hangups>, agent: Arc<Agent>, config: Arc<LiveConfig>, args: RunArgs) {
    let Some(mut hangups) = hangups else { return };
    while hangups.recv().await.is_some() {
        reload_and_log(&agent, &config, &args).await;
    }
}

/// Reloads the configuration, logs the result, and reports a file that is refused as a problem in the heartbeats.
pub(crate) async fn reload_and_log(agent: &Arc<Agent>, config: &Arc<LiveConfig>, args: &RunArgs) {
    let (reloading, settings, args) = (agent.clone(), config.clone(), args.clone());
    let reloaded = agent.server.blocking(move || reload(&reloading, &settings, &args)).await;
    let reloaded = reloaded.map_err(anyhow::Error::new).flatten();
    let refused = |error| format!("the reloaded configuration is wrong, so the previous one stays in use: {error:#}");
    agent.set_problem(Subject::Configuration, reloaded.as_ref().err().map(refused));
    match reloaded {
        Ok(keys) if keys.is_empty() => tracing::info!("the configuration was read again and applies"),
        Ok(keys) => tracing::warn!(
            keys = keys.join(", "),
            "the configuration was read again and applies; these changes need a restart"
        ),
        Err(error) => {
            tracing::error!("the reloaded configuration is wrong, so the previous one stays in use: {error:#}");
        }
    }
}

/// Reads the configuration file and applies it to the running agent. Returns the changed keys that need a restart. A
/// file with an error, or with an allowed folder that cannot be used, changes nothing. Blocking.
pub(crate) fn reload(agent: &Agent, config: &LiveConfig, args: &RunArgs) -> anyhow::Result<Vec<&'static str>> {
    let mut roots = AllowedRoots::default();
    let (before, after) = config.reload(|file| {
        roots = AllowedRoots::new(allowed_dirs(args, file))?;
        anyhow::Ok(())
    })?;
    let limits = work_limits(args, &after);
    agent.queue.set_capacity(limits.max_parallel);
    agent.transfers.bandwidth.set(limits.rates);
    agent.transfers.set_allowed_roots(roots);
    Ok(restart_needed(&before, &after))
}

/// The changed keys that are read only when the process starts.
fn restart_needed(before: &ConfigFile, after: &ConfigFile) -> Vec<&'static str> {
    let changed = [
        ("server", before.server != after.server),
        ("state-dir", before.state_dir != after.state_dir),
        ("https-proxy", before.https_proxy != after.https_proxy),
        ("ca-file", before.ca_file != after.ca_file),
        ("mtls-server", before.mtls_server != after.mtls_server),
    ];
    changed.into_iter().filter(|(_, is_changed)| *is_changed).map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::restart_needed;
    use crate::config::file::ConfigFile;

    #[test]
    fn what_is_read_at_the_start_only_needs_a_restart() {
        let before = ConfigFile::default();
        let after = ConfigFile {
            server: Some("http://other".into()),
            state_dir: Some("/other".into()),
            ca_file: Some("/other.pem".into()),
            mtls_server: Some("https://other".into()),
            allowed_dirs: vec!["/data".into()],
            ..ConfigFile::default()
        };
        assert_eq!(restart_needed(&before, &after), ["server", "state-dir", "ca-file", "mtls-server"]);
        assert!(restart_needed(&after, &after).is_empty());
    }
}
