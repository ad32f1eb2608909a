//! The arguments of `copy`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::config::rate::parse_rate;
use crate::server::wire::Direction;
use crate::transfer::state::Verify;

pub(super) const COPY_HELP: &str = "\
A folder is one transfer. Links inside it are copied as links and never followed; devices,
pipes, sockets and incomplete copies (*.mftplus-part) are left out. If a file cannot be
copied, the others are still tried, the error names each such file, and nothing of the
folder appears at the destination. The copy is written to DESTINATION.mftplus-part and
renamed when it is complete and verified; missing parent folders are created. An
interrupted copy continues with the same command, or when `run` starts. The copy does not
wait for the server: reports that could not be sent are sent later.

Examples:
  mftplus-agent copy report.csv /backup/
  mftplus-agent copy --max-rate 20MB/s photos videos /mnt/archive/

Exit codes:
  0  copied
  1  failed; the message says why and what to do
  2  wrong usage
  3  cancelled on the server, or stopped by a signal (it can be continued)";

/// The arguments of `copy`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CopyArgs {
    /// Files or folders to copy
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<PathBuf>,
    /// Path of the copy, or a folder (existing, or ending in `/`) to copy into
    #[arg(required = true)]
    pub(crate) destination: PathBuf,
    /// Maximum bytes per second, such as 20MB/s
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(crate) max_rate: Option<u64>,
    /// How to verify the copy
    #[arg(long, value_parser = verify_values(), default_value = Verify::Sha256.as_str())]
    pub(crate) verify: Verify,
    /// Replace what exists at the destination; in a folder file by file, other files stay
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Direction that is reported to the server
    #[arg(long, value_parser = direction_values(), default_value = Direction::Push.as_str())]
    pub(crate) direction: Direction,
    /// How long to wait for the server, before the copy and for its final report
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(crate) report_timeout: Duration,
}

fn verify_values() -> impl TypedValueParser<Value = Verify> {
    let sha256 = PossibleValue::new(Verify::Sha256.as_str());
    let none = PossibleValue::new(Verify::None.as_str());
    PossibleValuesParser::new([
        sha256.help("Read the copy again and compare its SHA-256 with the source's"),
        none.help("Trust what was written"),
    ])
    .try_map(|word| word.parse::<Verify>())
}

fn direction_values() -> impl TypedValueParser<Value = Direction> {
    let push = PossibleValue::new(Direction::Push.as_str()).help("From this machine");
    let pull = PossibleValue::new(Direction::Pull.as_str()).help("To this machine");
    PossibleValuesParser::new([push, pull]).try_map(|word| word.parse::<Direction>())
}
