//! Secrets: where they come from, and how they are loaded when a connection needs them.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::config::{ConfigError, file_permissions};

/// How long a command may take to print a secret.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest secret, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// The time between two checks whether a command that has closed its output has exited.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// A secret that is written in the configuration file itself.
#[derive(Clone, Debug)]
pub(crate) struct SecretText(SecretString);

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for SecretText {}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(SecretVisitor)
    }
}

struct SecretVisitor;

impl SecretVisitor {
    /// serde's own message would contain the value, such as a password of digits without quotes.
    fn refuse<T, E: Error>() -> Result<T, E> {
        Err(E::custom("must be text in quotes"))
    }
}

impl Visitor<'_> for SecretVisitor {
    type Value = SecretText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretText, E> {
        Ok(SecretText(text.into()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<SecretText, E> {
        Ok(SecretText(text.into()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<SecretText, E> {
        Self::refuse()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SecretText, E> {
        Self::refuse()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<SecretText, E> {
        Self::refuse()
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<SecretText, E> {
        Self::refuse()
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<SecretText, E> {
        Self::refuse()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SecretText, E> {
        Self::refuse()
    }
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// The configuration file.
    Text(SecretText),
    /// A file that contains only the secret.
    File(PathBuf),
    /// The output of a program; the first word is the program, the others are its arguments.
    Command(Vec<String>),
    /// An environment variable.
    Environment(String),
}

impl SecretSource {
    /// Loads the secret, without a line break at its end. Fails if it is empty. Blocks; a command may take up to 10
    /// seconds.
    pub(crate) fn load(&self) -> Result<SecretString, ConfigError> {
        let text = match self {
            Self::Text(SecretText(secret)) => return Ok(secret.clone()),
            Self::File(path) => file_permissions::read_secret(path)?,
            Self::Command(words) => run(words, COMMAND_TIMEOUT).map_err(ConfigError)?,
            Self::Environment(name) => std::env::var(name)
                .map_err(|_| ConfigError(format!("the environment variable `{name}` is not set, or is not text")))?,
        };
        let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        if line.is_empty() {
            return Err(ConfigError(format!("{self} gives an empty secret")));
        }
        Ok(line.into())
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("the configuration file"),
            Self::File(path) => write!(f, "{}", path.display()),
            // The arguments of the command may be secret.
            Self::Command(words) => write!(f, "`{}`", words.first().map_or("", String::as_str)),
            Self::Environment(name) => write!(f, "the environment variable `{name}`"),
        }
    }
}

/// The output of a program. The program is started without a shell and without input. Its standard error is discarded,
/// because it may contain the secret.
fn run(words: &[String], timeout: Duration) -> Result<String, String> {
    let (program, args) = words.split_first().ok_or("the command has no words")?;
    output_of(start(program, args)?, program, timeout)
}

/// Starts a program, on Unix in a process group of its own.
fn start(program: &str, args: &[String]) -> Result<Child, String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map_err(|error| format!("cannot run `{program}`: {error}"))
}

/// What the program prints within `timeout`. After a failure, the program is killed.
fn output_of(mut child: Child, program: &str, timeout: Duration) -> Result<String, String> {
    let printed = read_output(&mut child, program, timeout);
    if printed.is_err() {
        kill(&mut child);
    }
    printed
}

fn read_output(child: &mut Child, program: &str, timeout: Duration) -> Result<String, String> {
    let deadline = Instant::now() + timeout;
    let too_slow = || format!("`{program}` took longer than {}", humantime::format_duration(timeout));
    let stdout = child.stdout.take().ok_or("the command has no output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map(|_| bytes);
        // After the timeout nothing receives it.
        let _ = sender.send(read);
    });
    let read = receiver.recv_timeout(timeout).map_err(|_| too_slow())?;
    let bytes = read.map_err(|error| format!("cannot read what `{program}` prints: {error}"))?;
    if bytes.len() > MAX_BYTES {
        return Err(format!("`{program}` prints more than 64 KiB"));
    }
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(BETWEEN_LOOKS),
            Ok(None) => return Err(too_slow()),
            Err(error) => return Err(format!("cannot wait for `{program}`: {error}")),
        }
    };
    if !status.success() {
        return Err(format!("`{program}` failed ({status}); run it by hand as this user to see why"));
    }
    String::from_utf8(bytes).map_err(|_| format!("`{program}` prints text that is not UTF-8"))
}

/// Kills the program, on Unix with all processes of its group.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::ExposeSecret as _;

    use super::{SecretSource, run};
    use crate::config::file_permissions::write_private;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_secret_is_read_without_the_line_break_at_its_end() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("partner.pw");
        for (content, expected) in [("a b\n", "a b"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a", " a")] {
            write_private(&path, content)?;
            assert_eq!(SecretSource::File(path.clone()).load()?.expose_secret(), expected);
        }
        write_private(&path, "\n")?;
        assert!(SecretSource::File(path).load().is_err());
        let path = std::env::var("PATH")?;
        assert_eq!(SecretSource::Environment("PATH".into()).load()?.expose_secret(), path);
        assert!(SecretSource::Environment("MFTPLUS_TEST_NO_SUCH_VARIABLE".into()).load().is_err());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_command_runs_without_a_shell() -> anyhow::Result<()> {
        let source = SecretSource::Command(words(&["/bin/echo", "$HOME; `id`", "&&"]));
        assert_eq!(source.load()?.expose_secret(), "$HOME; `id` &&");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_fails_says_nothing_of_what_it_printed() {
        let limit = Duration::from_secs(20);
        let failed = run(&words(&["/bin/sh", "-c", "echo hidden; echo hidden >&2; exit 3", "hidden"]), limit);
        let failed = failed.err().unwrap_or_default();
        assert!(failed.contains("exit status: 3") && !failed.contains("hidden"), "{failed}");
        assert!(run(&words(&["/no/such/program"]), limit).is_err());
        assert!(run(&[], limit).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_takes_too_long_is_killed_with_its_children() -> anyhow::Result<()> {
        use std::io::{BufRead as _, BufReader, Read as _};
        let dir = tempfile::tempdir()?;
        let (held, never) = (dir.path().join("held"), dir.path().join("never"));
        let made = std::process::Command::new("mkfifo").args([&held, &never]).status()?;
        anyhow::ensure!(made.success(), "mkfifo failed ({made})");
        // Both processes hold one pipe open until they end, and wait at the other one, which no process opens for
        // writing.
        let script = format!(
            "exec 3>'{}'; (echo begun >&3; cat '{never}') & cat '{never}'",
            held.display(),
            never = never.display()
        );
        let child = super::start("/bin/sh", &words(&["-c", &script])).map_err(anyhow::Error::msg)?;
        let mut held = BufReader::new(std::fs::File::open(&held)?);
        let mut line = String::new();
        held.read_line(&mut line)?;
        assert_eq!(line, "begun\n");
        let failed = super::output_of(child, "/bin/sh", Duration::from_millis(1));
        assert_eq!(failed, Err("`/bin/sh` took longer than 1ms".to_owned()));
        let (sender, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(held.read_to_end(&mut Vec::new())));
        let rest = ended.recv_timeout(Duration::from_mins(1));
        assert!(matches!(rest, Ok(Ok(0))), "a child still runs: {rest:?}");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn the_output_of_a_command_is_bounded() {
        let failed = run(&words(&["/bin/cat", "/dev/zero"]), Duration::from_secs(20));
        assert_eq!(failed, Err("`/bin/cat` prints more than 64 KiB".to_owned()));
    }

    #[test]
    fn neither_a_source_nor_its_debug_form_shows_a_secret() {
        let text = super::SecretText("hidden".into());
        let command = SecretSource::Command(words(&["pass", "hidden"]));
        for source in [SecretSource::Text(text), command.clone()] {
            assert!(!source.to_string().contains("hidden"), "{source}");
        }
        assert!(!format!("{:?}", SecretSource::Text(super::SecretText("hidden".into()))).contains("hidden"));
        assert_eq!(command.to_string(), "`pass`");
    }
}
