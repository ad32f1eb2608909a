//! The `mftplus-agent` binary, which contains the agent only.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use mftplus_agent::{Cli, run};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(&cli.log)).with_writer(std::io::stderr);
    if cli.log_json {
        log.json().with_ansi(false).init();
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).init();
    }
    match run(cli.agent).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
