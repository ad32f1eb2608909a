//! The arguments of `copy`. There is a flag for each copy rule of jobs except `endpoint`, because the URL can name the
//! endpoint.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use mftplus_protocol::UnknownValue;
use mftplus_protocol::copy_rules::{MAX_CONFIG_NAME, MOVE_TO, PreservedAttribute, is_config_name};

use crate::config::bandwidth_limits::parse_rate;
use crate::server::wire::Direction;
use crate::transfer::copy_rules::{AfterSuccess, CopyRules, OnExists, OnFileError, Preserve, SymlinkRule};
use crate::transfer::state::Verify;

pub(super) const COPY_HELP: &str = "\
A URL is that of a server (sftp, ftp or ftps), with a host or the name of an endpoint of the
configuration. In quotes, the last name of a source may be a pattern such as '/in/*.csv'. A
folder or a pattern is one transfer. Links inside it are copied as links and never followed;
devices, pipes, sockets and incomplete copies (*.mftplus-part) are left out. If a file cannot be
copied, the others are still tried, the error names each such file, and nothing of the
folder appears at the destination. The flags change what happens to links, bad files, files
that exist, and the source. The copy is written to DESTINATION.mftplus-part and renamed
when it is complete and verified; missing parent folders are created. An interrupted copy
continues with the same command, or when `run` starts. The copy does not wait for the
server: reports that could not be sent are sent later.

Examples:
  mftplus-agent copy report.csv /backup/
  mftplus-agent copy --max-rate 20MB/s photos videos /mnt/archive/
  mftplus-agent copy --after-success delete 'sftp://partner/out/*.csv' /data/in/
  mftplus-agent copy --on-exists rename --credentials bank report.csv sftp://sftp.bank.example/in/

Exit codes:
  0  copied
  1  failed; the message says why and what to do
  2  wrong usage
  3  cancelled on the server, or stopped by a signal (it can be continued)";

/// The arguments of `copy`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CopyArgs {
    /// Files, folders or patterns to copy: paths, or URLs of servers
    #[arg(required = true, value_name = "SOURCE")]
    pub(crate) sources: Vec<PathBuf>,
    /// Path or URL of the copy, or a folder (existing, or ending in `/`) to copy into
    #[arg(required = true)]
    pub(crate) destination: PathBuf,
    /// Credentials of the configuration to sign in with [default: those of the endpoint or host]
    #[arg(long, value_name = "NAME", value_parser = config_name)]
    pub(crate) credentials: Option<String>,
    /// Maximum bytes per second, such as 20MB/s
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(crate) max_rate: Option<u64>,
    /// How to verify the copy
    #[arg(long, value_parser = verify_values(), default_value = Verify::Sha256.as_str())]
    pub(crate) verify: Verify,
    /// What happens to a file that exists at the destination; in a folder file by file
    #[arg(long, value_name = "RULE", value_parser = on_exists_values(), default_value = OnExists::Fail.as_str())]
    pub(crate) on_exists: OnExists,
    /// Replace what exists at the destination: the same as --on-exists overwrite
    #[arg(long, conflicts_with = "on_exists")]
    pub(crate) overwrite: bool,
    /// What happens to a folder of which some files cannot be copied
    #[arg(long, value_name = "RULE", value_parser = on_file_error_values(), default_value = OnFileError::default().as_str())]
    pub(crate) on_file_error: OnFileError,
    /// What happens to symbolic links in a folder
    #[arg(long, value_name = "RULE", value_parser = symlink_values(), default_value = SymlinkRule::default().as_str())]
    pub(crate) symlinks: SymlinkRule,
    #[arg(
        long,
        value_name = "RULE",
        value_parser = parse_after_success,
        default_value = "keep",
        help = "What happens to a source file once its copy is verified and published: keep, delete, or move-to:PATH, where PATH is a folder, absolute or relative to the folder of the source"
    )]
    pub(crate) after_success: AfterSuccess,
    /// Attributes to keep of the source: times, modes, both as times,modes, or none [default: both between local paths, otherwise none]
    #[arg(long, value_name = "ATTRIBUTES", value_parser = parse_preserve)]
    pub(crate) preserve: Option<Preserve>,
    /// Direction that is reported to the server, if both paths are on this machine
    #[arg(long, value_parser = direction_values(), default_value = Direction::Push.as_str())]
    pub(crate) direction: Direction,
    /// How long to wait for the server, before the copy and for its final report
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub(crate) report_timeout: Duration,
}

impl CopyArgs {
    /// The copy rules that the flags set.
    pub(crate) fn rules(&self) -> CopyRules {
        CopyRules {
            on_exists: if self.overwrite { OnExists::Overwrite } else { self.on_exists },
            symlinks: self.symlinks,
            on_file_error: self.on_file_error,
            after_success: self.after_success.clone(),
            preserve: self.preserve,
        }
    }
}

/// A parser for the values of an enum of the contract, with a help text for each value.
fn choices<T>(
    values: &'static [T],
    names: &'static [&'static str],
    help: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + FromStr<Err = UnknownValue> + 'static,
{
    let choices = values.iter().zip(names).map(|(value, name)| PossibleValue::new(*name).help(help(*value)));
    PossibleValuesParser::new(choices).try_map(|name| name.parse::<T>())
}

fn verify_values() -> impl TypedValueParser<Value = Verify> {
    choices(Verify::ALL, Verify::NAMES, |value| match value {
        Verify::Sha256 => "Read the copy again and compare its SHA-256 with the source's",
        Verify::None => "Trust what was written",
    })
}

fn direction_values() -> impl TypedValueParser<Value = Direction> {
    choices(Direction::ALL, Direction::NAMES, |value| match value {
        Direction::Push => "From this machine",
        Direction::Pull => "To this machine",
    })
}

fn on_exists_values() -> impl TypedValueParser<Value = OnExists> {
    choices(OnExists::ALL, OnExists::NAMES, |value| match value {
        OnExists::Overwrite => "Replace it",
        OnExists::Skip => "Keep it, and copy nothing in its place",
        OnExists::Rename => "Keep it, and give the copy a free name such as `name (1).ext`",
        OnExists::Fail => "Keep it, and fail",
    })
}

fn on_file_error_values() -> impl TypedValueParser<Value = OnFileError> {
    choices(OnFileError::ALL, OnFileError::NAMES, |value| match value {
        OnFileError::Fail => "Try all, name each one that failed, and publish none of the folder",
        OnFileError::Skip => "Publish the others, with a warning",
    })
}

fn symlink_values() -> impl TypedValueParser<Value = SymlinkRule> {
    choices(SymlinkRule::ALL, SymlinkRule::NAMES, |value| match value {
        SymlinkRule::Keep => "Copy them as links; without link support, leave them out with a warning",
        SymlinkRule::Follow => "Copy the files that they point to",
        SymlinkRule::Skip => "Leave them out",
        SymlinkRule::Fail => "Fail",
    })
}

/// Parses the name of a set of credentials or an endpoint. The error is the message for the user.
pub(super) fn config_name(text: &str) -> Result<String, String> {
    if is_config_name(text) {
        return Ok(text.to_owned());
    }
    Err(format!("it must be a name in the configuration: 1 to {MAX_CONFIG_NAME} letters, digits, `-`, `_` and `.`"))
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "must be a duration such as 30s or 5m")
}

/// Parses `--after-success`. The flag says `move-to:`, where the rule of a job says `moveTo:`.
fn parse_after_success(text: &str) -> Result<AfterSuccess, String> {
    let rule = text.strip_prefix("move-to:").map_or_else(|| text.to_owned(), |folder| format!("{MOVE_TO}{folder}"));
    AfterSuccess::parse(&rule).map_err(|problem| problem.replace(MOVE_TO, "move-to:"))
}

fn parse_preserve(text: &str) -> Result<Preserve, String> {
    if text == "none" {
        return Ok(Preserve::default());
    }
    let known = PreservedAttribute::NAMES.join(", ");
    Preserve::of_names(text.split(',').map(str::trim))
        .map_err(|name| format!("`{name}` is not an attribute: write some of {known}, or none"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use clap::error::ErrorKind;

    use super::CopyArgs;
    use crate::command::args::{Cli, Command};
    use crate::transfer::copy_rules::{AfterSuccess, CopyRules, OnExists, OnFileError, Preserve, SymlinkRule};

    fn parse(flags: &[&str]) -> Result<CopyArgs, clap::Error> {
        let mut words = vec!["mftplus-agent", "copy", "a", "b"];
        words.extend_from_slice(flags);
        let Command::Copy(args) = Cli::try_parse_from(words)?.agent.command else {
            return Err(clap::Error::new(ErrorKind::InvalidSubcommand));
        };
        Ok(args)
    }

    #[test]
    fn without_flags_nothing_that_exists_is_replaced() -> Result<(), clap::Error> {
        assert_eq!(parse(&[])?.rules(), CopyRules { on_exists: OnExists::Fail, ..CopyRules::default() });
        assert_eq!(parse(&["--overwrite"])?.rules(), CopyRules::default());
        assert_eq!(parse(&["--on-exists", "overwrite"])?.rules(), CopyRules::default());
        assert!(parse(&["--overwrite", "--on-exists", "skip"]).is_err());
        Ok(())
    }

    #[test]
    fn every_rule_has_a_flag() -> Result<(), clap::Error> {
        let args = parse(&[
            "--credentials=partner",
            "--on-exists=rename",
            "--on-file-error=skip",
            "--symlinks=follow",
            "--after-success=move-to:done/a",
            "--preserve=times,modes",
            "--verify=none",
        ])?;
        assert_eq!(args.credentials.as_deref(), Some("partner"));
        assert_eq!(args.verify.as_str(), "none");
        let expected = CopyRules {
            on_exists: OnExists::Rename,
            symlinks: SymlinkRule::Follow,
            on_file_error: OnFileError::Skip,
            after_success: AfterSuccess::MoveTo("done/a".to_owned()),
            preserve: Some(Preserve { times: true, modes: true }),
        };
        assert_eq!(args.rules(), expected);
        assert_eq!(parse(&["--preserve=none"])?.rules().preserve, Some(Preserve::default()));
        Ok(())
    }

    /// The names of the rules as jobs have them.
    macro_rules! keys {
        ($(
            $(#[$text:meta])+
            $field:ident: $type:ident = $key:literal, $check:ident { $($schema:tt)+ } { $($bounds:tt)* }
        )+) => {
            const KEYS: &[&str] = &[$($key),+];
        };
    }

    mftplus_protocol::copy_rules!(keys);

    #[test]
    fn a_rule_of_jobs_without_a_flag_is_only_the_endpoint() {
        let is_known = |key: &str| {
            let mut flag = "--".to_owned();
            for c in key.chars() {
                if c.is_ascii_uppercase() {
                    flag.push('-');
                }
                flag.push(c.to_ascii_lowercase());
            }
            parse(&[flag.as_str()]).is_err_and(|error| error.kind() != ErrorKind::UnknownArgument)
        };
        let missing: Vec<&str> = KEYS.iter().copied().filter(|key| !is_known(key)).collect();
        assert_eq!(missing, ["endpoint"]);
    }

    #[test]
    fn a_wrong_value_is_refused_with_what_it_may_be() {
        for (flag, part) in [
            ("--on-exists=ask", "overwrite, skip, rename, fail"),
            ("--after-success=move-to:", "move-to:"),
            ("--after-success=remove", "keep, delete or move-to:<path>"),
            ("--after-success=move-to:../done", "must not lead up"),
            ("--preserve=owner", "times, modes"),
            ("--report-timeout=soon", "must be a duration such as 30s or 5m"),
            ("--credentials=user:password", "a name in the configuration"),
        ] {
            let error = parse(&[flag]).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(part), "{flag}: {error}");
        }
    }
}
