//! The `mftplus` binary.

use std::{process::ExitCode, time::Duration};

use backend::cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long tasks that have outlived the command may take to end.
const LAST_TASKS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    // Every user of TLS in the process relies on this one provider; one installed before is as good.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("mftplus: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(cli::run(cli));
    // Work that does not end must not keep the process from ending.
    runtime.shutdown_timeout(LAST_TASKS);
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mftplus: {error:#}");
            ExitCode::FAILURE
        }
    }
}
