//! The command line: every flag with its variable, default and example.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use tracing_subscriber::EnvFilter;

use crate::command::copy_args::{COPY_HELP, CopyArgs, config_name};
use crate::config::bandwidth_limits::parse_rate;
use crate::config::file::MaxJobs;

const EXIT_CODES: &str = "Exit codes:\n  0  done\n  1  failed; the message says why and what to do\n  2  wrong usage\n  3  cancelled on the server, or stopped by a signal (it can be continued)\n  4  another process works with a copy of this agent's state; the message says what to do";

/// The command line of the small binary `mftplus-agent`.
#[derive(Debug, Parser)]
#[command(name = "mftplus-agent", version, about = "The MFTPlus transfer agent")]
pub struct Cli {
    /// What to log, as a level or as target=level pairs
    #[arg(long, global = true, env = "MFTPLUS_LOG", default_value = "info", value_name = "FILTER", value_parser = log_filter)]
    pub log: String,
    /// Log as JSON, one object per line
    #[arg(long, global = true, env = "MFTPLUS_LOG_JSON", num_args = 0..=1, require_equals = true,
        default_value = "false", default_missing_value = "true", value_name = "BOOL")]
    pub log_json: bool,
    /// The arguments of the agent.
    #[command(flatten)]
    pub agent: AgentArgs,
}

/// The arguments of the agent, which other command lines flatten into their own.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES, subcommand_required = true, arg_required_else_help = true)]
pub struct AgentArgs {
    #[arg(
        long,
        global = true,
        env = "MFTPLUS_SERVER",
        hide_env_values = true,
        value_name = "URL",
        help = "Address of the server [default: the registered one, or http://127.0.0.1:8080]"
    )]
    pub(crate) server: Option<String>,
    /// Folder for the agent's key and the state of its transfers [default: ./agent-data]
    #[arg(long, global = true, env = "MFTPLUS_AGENT_DIR", value_name = "FOLDER")]
    pub(crate) state_dir: Option<PathBuf>,
    #[arg(
        id = "agent_config",
        long = "config",
        global = true,
        env = "MFTPLUS_AGENT_CONFIG",
        value_name = "FILE",
        help = "Configuration file (TOML) [default: mftplus-agent.toml in the state folder, else /etc/mftplus/mftplus-agent.toml]"
    )]
    pub(crate) config: Option<PathBuf>,
    /// File with the certificates (PEM) of the authorities that are trusted to sign the server's [default: those of the system]
    #[arg(long, global = true, env = "MFTPLUS_AGENT_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Address of the server's listener for client certificates; requests go there once this agent has a certificate
    #[arg(long, global = true, env = "MFTPLUS_AGENT_MTLS_SERVER", hide_env_values = true, value_name = "URL")]
    pub(crate) mtls_server: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented configuration file
    #[command(
        after_help = "Writes to the file of --config, else to mftplus-agent.toml in the state folder. Never replaces a file.\n\nExample:\n  mftplus-agent --config /etc/mftplus/mftplus-agent.toml --server https://mft.example.com init"
    )]
    Init,
    /// Register this machine as an agent
    #[command(visible_alias = "enrol", after_help = "Example:\n  mftplus-agent register --code CODE --name edge-1")]
    Register(RegisterArgs),
    /// Run as a daemon: heartbeats, jobs, pipeline steps, unfinished transfers
    #[command(
        after_help = "Stops cleanly on SIGINT and SIGTERM; unfinished work continues at the next start.\n\nExample:\n  mftplus-agent --state-dir /var/lib/mftplus-agent run --allow-dir /data"
    )]
    Run(RunArgs),
    /// Copy files or folders and report to the server
    #[command(after_help = COPY_HELP)]
    Copy(CopyArgs),
    /// List a folder of this machine or of a server
    #[command(
        after_help = "Prints kind, size in bytes, time and name: d is a folder, l a link.\n\nExamples:\n  mftplus-agent ls sftp://partner/out/\n  mftplus-agent ls --credentials partner sftp://sftp.partner.example/~/in/"
    )]
    Ls(LsArgs),
    /// Show the host key of an SFTP server and, after a question, add it to the known ones
    #[command(
        after_help = "Compare the fingerprint with the one that the operator of the server gave you separately.\n\nExamples:\n  mftplus-agent trust sftp.partner.example:2222\n  mftplus-agent trust partner --fingerprint SHA256:..."
    )]
    Trust(TrustArgs),
    /// Try the server, the clock, the folders and all endpoints of the configuration, and say what to do
    #[command(
        after_help = "Prints one line for each check: ok, warning or failed. Exit code 1 if one failed.\n\nExample:\n  mftplus-agent --config /etc/mftplus/mftplus-agent.toml check"
    )]
    Check,
    /// Show the registration, unfinished work and unsent reports
    #[command(after_help = "Example:\n  mftplus-agent status --json")]
    Status(StatusArgs),
    /// Install the agent as a systemd service and start it
    #[command(after_help = INSTALL_HELP)]
    Install(InstallArgs),
    /// Stop and remove the systemd service
    #[command(after_help = "Keeps the configuration, the state folder and the user. Needs root.")]
    Uninstall,
    /// Print the completions of a shell
    #[command(
        after_help = "Examples:\n  mftplus-agent completions bash > /etc/bash_completion.d/mftplus-agent\n  mftplus-agent completions zsh > /usr/local/share/zsh/site-functions/_mftplus-agent"
    )]
    Completions {
        /// Shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(
        after_help = "Examples:\n  mftplus-agent man | man -l -\n  mftplus-agent man --dir /usr/local/share/man/man1"
    )]
    Man {
        /// Write the page and one for each subcommand into this folder instead
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
}

const INSTALL_HELP: &str = "\
Adds a user without a login, lets it read the configuration, and writes a unit in which the
service can write to the allowed folders and its state only: /var/lib/mftplus-agent. After a
change of allowed-dirs, run `install` again. Needs root, except with --print.

Examples:
  mftplus-agent --config /etc/mftplus/mftplus-agent.toml install --print
  sudo mftplus-agent --config /etc/mftplus/mftplus-agent.toml install";

/// The arguments of `install`.
#[derive(Clone, Debug, Args)]
pub(crate) struct InstallArgs {
    /// Show the unit and change nothing
    #[arg(long)]
    pub(crate) print: bool,
    /// User of the service; it is added if it does not exist
    #[arg(long, default_value = "mftplus-agent")]
    pub(crate) user: String,
}

/// The arguments of `register`.
#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// Enrolment code from an administrator
    #[arg(long = "code", alias = "enrolment-code", env = "MFTPLUS_ENROLMENT_CODE", hide_env_values = true)]
    pub(crate) code: String,
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// Replace an existing registration
    #[arg(long)]
    pub(crate) force: bool,
}

/// The name and host name with which the agent registers.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Identity {
    /// Name of this agent
    #[arg(long, env = "MFTPLUS_AGENT_NAME")]
    pub(crate) name: Option<String>,
    /// Host name [default: the machine's]
    #[arg(long)]
    pub(crate) hostname: Option<String>,
}

/// The arguments of `run`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// Enrolment code; a machine that is not registered is registered with it first
    #[arg(long = "code", alias = "enrolment-code", env = "MFTPLUS_ENROLMENT_CODE", hide_env_values = true)]
    pub(crate) code: Option<String>,
    #[command(flatten)]
    pub(crate) identity: Identity,
    /// How many jobs, steps and copies run at the same time; the others wait in order of arrival [default: 4]
    #[arg(long, env = "MFTPLUS_AGENT_MAX_JOBS", value_name = "N", value_parser = parse_max_jobs)]
    pub(crate) max_jobs: Option<usize>,
    /// Maximum bytes per second for each copy of a job or step, such as 20MB/s
    #[arg(long, env = "MFTPLUS_AGENT_MAX_RATE", value_name = "RATE", value_parser = parse_rate)]
    pub(crate) max_rate: Option<u64>,
    /// Folder in which jobs and pipeline steps may work; repeat it for several [default: jobs anywhere, steps nowhere]
    #[arg(long = "allow-dir", env = "MFTPLUS_AGENT_ALLOWED_DIRS", value_name = "FOLDER", value_delimiter = PATHS)]
    pub(crate) allowed_dirs: Vec<PathBuf>,
}

fn log_filter(text: &str) -> Result<String, &'static str> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must be a level such as info, or target=level pairs such as info,mftplus_agent=debug"),
    }
}

/// The separator of folders in an environment variable, as in `PATH`.
const PATHS: char = if cfg!(windows) { ';' } else { ':' };

fn parse_max_jobs(text: &str) -> Result<usize, &'static str> {
    // What is no number is out of range as well.
    MaxJobs::try_from(text.parse::<i64>().unwrap_or_default()).map(MaxJobs::get)
}

/// The arguments of `ls`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LsArgs {
    /// Path or URL of a folder or file; the name of an endpoint may stand for the host
    #[arg(value_name = "URL")]
    pub(crate) location: String,
    /// Credentials of the configuration to sign in with [default: those of the endpoint or host]
    #[arg(long, value_name = "NAME", value_parser = config_name)]
    pub(crate) credentials: Option<String>,
}

/// The arguments of `trust`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrustArgs {
    /// Host, `HOST:PORT`, or the name of an endpoint
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
    /// Add the key without a question if it has this fingerprint
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) fingerprint: Option<String>,
}

/// The arguments of `status`.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::{Cli, Command};

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    const PAGES: [&str; 5] = [
        include_str!("../../../README.md"),
        include_str!("../../../docs/agents.md"),
        include_str!("../../../docs/agent-configuration.md"),
        include_str!("../../../docs/copies.md"),
        include_str!("../../../docs/servers.md"),
    ];

    /// The words after `mftplus-agent` in a line of the documentation, up to a comment, a pipe or another command.
    fn words(line: &str) -> Option<Vec<&str>> {
        let line = line.strip_prefix("sudo ").unwrap_or(line);
        let line = line.strip_prefix("-u mftplus-agent ").unwrap_or(line);
        let words = line.strip_prefix("mftplus-agent ").or_else(|| line.strip_prefix("mftplus agent "))?;
        Some(words.split_whitespace().take_while(|word| !["#", "|", "&&"].contains(word)).collect())
    }

    #[test]
    fn the_commands_of_the_documentation_are_understood() {
        let blocks = PAGES.into_iter().flat_map(|page| page.split("```sh\n").skip(1));
        let lines = blocks.filter_map(|block| block.split("```").next()).flat_map(str::lines);
        let commands: Vec<Vec<&str>> = lines.filter_map(words).collect();
        assert!(commands.len() > 15, "{commands:?}");
        for command in commands {
            let parsed = Cli::try_parse_from([&["mftplus-agent"][..], command.as_slice()].concat());
            assert!(parsed.is_ok(), "{command:?}: {parsed:?}");
        }
    }

    #[test]
    fn the_last_path_is_the_destination() -> Result<(), clap::Error> {
        let cli = Cli::try_parse_from(["mftplus-agent", "copy", "a", "b", "c/", "--max-rate", "1MB/s"])?;
        let Command::Copy(copy) = cli.agent.command else {
            return Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand));
        };
        assert_eq!((copy.sources.len(), copy.destination.to_str(), copy.max_rate), (2, Some("c/"), Some(1_000_000)));
        Ok(())
    }
}
