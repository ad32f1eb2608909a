//! The `mftplus-agent` binary, which contains the agent only.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use mftplus_agent::{Cli, run};
use tracing_subscriber::EnvFilter;

/// The size of the block that raises the limit, in bytes: more than any buffer of a transfer.
const LARGE: usize = 2 << 20;

#[tokio::main]
async fn main() -> ExitCode {
    keep_freed_buffers();
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

/// Makes glibc keep the memory of freed buffers. By default, it returns free memory above 128 KiB at the end of a heap
/// to the system. The buffers of a transfer are larger, so their pages would be mapped and cleared repeatedly, which
/// takes up to a fifth of the CPU time of a copy. Freeing a block with its own mapping raises this limit to twice the
/// size of the block. Other allocators are not affected.
fn keep_freed_buffers() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE)));
}
