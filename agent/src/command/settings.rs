//! The settings of a command: a flag takes precedence over an environment variable, which takes precedence over the
//! configuration file and the defaults.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use crate::command::args::{AgentArgs, RunArgs};
use crate::config::bandwidth_limits::RateLimits;
use crate::config::file::{ConfigFile, MaxJobs};
use crate::config::locate;
use crate::config::reloadable_config::LiveConfig;
use crate::config::server_address;
use crate::server::connection_settings::ConnectionSettings;
use crate::server::context::Timing;
use crate::work::agent::{Settings, WorkLimits};

/// The state folder if none is configured.
pub(crate) const DEFAULT_STATE_DIR: &str = "./agent-data";

/// Reads the configuration file and combines it with flags, environment variables and defaults. `stop` is cancelled by
/// SIGINT or SIGTERM.
pub(crate) fn resolve(args: &AgentArgs, stop: CancellationToken) -> anyhow::Result<Settings> {
    resolve_on(args, Path::new(locate::MACHINE_FILE), stop)
}

fn resolve_on(args: &AgentArgs, machine_file: &Path, stop: CancellationToken) -> anyhow::Result<Settings> {
    server_address::check_flags(args.server.as_deref(), args.mtls_server.as_deref())?;
    let config = load(args, machine_file)?;
    let file = config.current();
    let state_dir = args.state_dir.clone().or_else(|| file.state_dir.clone());
    Ok(Settings {
        server: args.server.clone().or_else(|| file.server.clone()),
        state_dir: absolute(&state_dir.unwrap_or_else(default_state_dir))?,
        connection: connection(args, &file),
        config: config.into(),
        timing: Timing::default(),
        stop,
    })
}

fn connection(args: &AgentArgs, file: &ConfigFile) -> ConnectionSettings {
    ConnectionSettings {
        https_proxy: file.https_proxy.clone(),
        ca_file: args.ca_file.clone().or_else(|| file.ca_file.clone()),
        mtls_server: args.mtls_server.clone().or_else(|| file.mtls_server.clone()),
    }
}

fn load(args: &AgentArgs, machine_file: &Path) -> anyhow::Result<LiveConfig> {
    let state_dir = args.state_dir.clone().unwrap_or_else(default_state_dir);
    Ok(LiveConfig::load(locate::find(args.config.as_deref(), &state_dir, machine_file))?)
}

fn default_state_dir() -> PathBuf {
    PathBuf::from(DEFAULT_STATE_DIR)
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).context("cannot determine the path of the state folder")
}

/// The daemon's limits on parallel work and bandwidth: flags take precedence over the configuration file.
pub(crate) fn work_limits(args: &RunArgs, file: &ConfigFile) -> WorkLimits {
    WorkLimits {
        max_parallel: args.max_jobs.unwrap_or_else(|| file.max_jobs.unwrap_or(MaxJobs::DEFAULT).get()),
        rates: RateLimits {
            per_copy: args.max_rate.or(file.max_rate.map(|rate| rate.0)),
            total: file.max_total_rate.map(|rate| rate.0),
            windows: file.rates.clone(),
        },
    }
}

/// The folders in which the daemon carries out jobs and steps: those of the flags, or those of the configuration file
/// if no flag names any.
pub(crate) fn allowed_dirs<'a>(args: &'a RunArgs, file: &'a ConfigFile) -> &'a [PathBuf] {
    if args.allowed_dirs.is_empty() { &file.allowed_dirs } else { &args.allowed_dirs }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use clap::{CommandFactory as _, FromArgMatches as _};
    use tokio_util::sync::CancellationToken;

    use super::{allowed_dirs, resolve_on, work_limits};
    use crate::command::args::{Cli, Command, RunArgs};
    use crate::config::ConfigError;
    use crate::config::file_permissions::write_private;
    use crate::work::agent::Settings;

    /// What `mftplus-agent` gets from its command line; the environment variable of `--state-dir` is `variable` here.
    fn settings(words: &[&str], variable: &'static str) -> anyhow::Result<(Settings, RunArgs)> {
        let command = Cli::command().mut_arg("state_dir", |arg| arg.env(variable));
        let matches = command.try_get_matches_from([&["mftplus-agent"], words, &["run"]].concat())?;
        let cli = Cli::from_arg_matches(&matches)?;
        let Command::Run(run) = &cli.agent.command else { anyhow::bail!("another command") };
        let settings = resolve_on(&cli.agent, Path::new("/no/such/file"), CancellationToken::new())?;
        Ok((settings, run.clone()))
    }

    const FILE: &str = r#"
        server = "http://file.example"
        state-dir = "/file"
        max-jobs = 2
        max-rate = "1MB/s"
        allowed-dirs = ["/file/data"]
        ca-file = "/file/ca.pem"
        mtls-server = "https://file.example:8443"
    "#;

    fn write_file(text: &str) -> anyhow::Result<(tempfile::TempDir, String)> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("agent.toml");
        write_private(&path, text)?;
        let name = path.display().to_string();
        Ok((dir, name))
    }

    #[test]
    fn flags_come_before_the_environment_and_that_before_the_file() -> anyhow::Result<()> {
        let (_dir, path) = write_file(FILE)?;
        let unset = "MFTPLUS_TEST_NO_SUCH_VARIABLE";
        let state_dir = |words: &[&str], variable| settings(words, variable).map(|(settings, _)| settings.state_dir);
        // A variable that a test always has.
        let environment = std::env::var_os("PATH").map(PathBuf::from);
        let environment = environment.map(std::path::absolute).transpose()?;
        let config = ["--config", path.as_str()];
        assert_eq!(state_dir(&[&config[..], &["--state-dir", "/flag"]].concat(), "PATH")?, Path::new("/flag"));
        assert_eq!(Some(state_dir(&config, "PATH")?), environment);
        assert_eq!(state_dir(&config, unset)?, Path::new("/file"));
        assert!(state_dir(&[], unset)?.ends_with("agent-data"));
        Ok(())
    }

    #[test]
    fn the_flags_of_the_connection_come_before_the_file() -> anyhow::Result<()> {
        let (_dir, path) = write_file(FILE)?;
        let words = ["--config", path.as_str(), "--ca-file", "flag.pem", "--mtls-server", "https://flag.example"];
        let (settings, _) = settings(&words, "MFTPLUS_TEST_NO_SUCH_VARIABLE")?;
        assert_eq!(settings.connection.ca_file.as_deref(), Some(Path::new("flag.pem")));
        assert_eq!(settings.connection.mtls_server.as_deref(), Some("https://flag.example"));
        Ok(())
    }

    #[test]
    fn what_no_flag_sets_comes_from_the_file() -> anyhow::Result<()> {
        let (_dir, path) = write_file(FILE)?;
        let (settings, mut run) = settings(&["--config", &path], "MFTPLUS_TEST_NO_SUCH_VARIABLE")?;
        assert_eq!(settings.server.as_deref(), Some("http://file.example"));
        assert_eq!(settings.connection.ca_file.as_deref(), Some(Path::new("/file/ca.pem")));
        assert_eq!(settings.connection.mtls_server.as_deref(), Some("https://file.example:8443"));
        let file = settings.config.current();
        let limits = work_limits(&run, &file);
        assert_eq!((limits.max_parallel, limits.rates.per_copy), (2, Some(1_000_000)));
        assert_eq!(allowed_dirs(&run, &file), ["/file/data"].map(PathBuf::from));
        (run.max_jobs, run.max_rate) = (Some(3), Some(5));
        run.allowed_dirs = vec!["/flag".into()];
        let limits = work_limits(&run, &file);
        assert_eq!((limits.max_parallel, limits.rates.per_copy), (3, Some(5)));
        assert_eq!(allowed_dirs(&run, &file), ["/flag"].map(PathBuf::from));
        Ok(())
    }

    #[test]
    fn without_any_setting_four_jobs_run_at_once() -> anyhow::Result<()> {
        let (settings, run) = settings(&["--state-dir", "/no/such/folder"], "MFTPLUS_TEST_NO_SUCH_VARIABLE")?;
        let limits = work_limits(&run, &settings.config.current());
        assert_eq!((limits.max_parallel, limits.rates.per_copy), (4, None));
        assert_eq!(settings.server, None);
        Ok(())
    }

    #[test]
    fn a_wrong_address_is_a_mistake_of_the_configuration() {
        for flag in ["--server", "--mtls-server"] {
            let refused = settings(&[flag, ":8080"], "MFTPLUS_TEST_NO_SUCH_VARIABLE").err();
            assert!(refused.is_some_and(|error| error.is::<ConfigError>()), "{flag}");
        }
    }

    #[test]
    fn a_named_file_must_be_there() {
        let refused = settings(&["--config", "/no/such/file.toml"], "MFTPLUS_TEST_NO_SUCH_VARIABLE");
        let refused = refused.map(|_| ()).map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(refused.starts_with("cannot read /no/such/file.toml: "), "{refused}");
    }
}
