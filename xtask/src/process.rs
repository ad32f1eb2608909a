//! Child processes, which end before xtask does. Each leads a process group of its own, so Ctrl-C in the terminal
//! reaches xtask alone, which then stops its children in order.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Context, Failure, Result};
use crate::stop_request::Stop;

/// Time between two checks of a loop that waits.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How long to wait for the rest of a child's output after the child has ended. The output is complete when the pipe is
/// closed, but a process that the child has started may keep the pipe open.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The signals that stop a process, each with the grace period before the next one.
pub(crate) type StopSignals = &'static [(&'static str, Duration)];

/// For programs that shut down cleanly on SIGTERM.
pub(crate) const TERMINATE: StopSignals = &[("TERM", Duration::from_secs(30)), ("KILL", Duration::from_secs(5))];

/// For PostgreSQL: SIGINT requests a fast shutdown and SIGQUIT an immediate one. SIGTERM would wait until every client
/// has disconnected.
pub(crate) const INTERRUPT: StopSignals =
    &[("INT", Duration::from_secs(20)), ("QUIT", Duration::from_secs(5)), ("KILL", Duration::from_secs(5))];

/// A child process that leads a process group. Dropping this value stops the group.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: Option<PathBuf>,
    signals: StopSignals,
    stop: Stop,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` with the terminal of xtask as its output.
    pub(crate) fn spawn(name: &str, command: &mut Command, stop: &Stop) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .context(format_args!("cannot start {}", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child, log: None, signals: TERMINATE, stop: stop.clone(), ended: None })
    }

    /// Starts `command` with a new file at `log` as its output.
    pub(crate) fn spawn_logged(
        name: &str,
        command: &mut Command,
        log: &Path,
        signals: StopSignals,
        stop: &Stop,
    ) -> Result<Self> {
        let cannot = || format!("cannot write {}", log.display());
        let out = File::create(log).context(cannot())?;
        let err = out.try_clone().context(cannot())?;
        let mut process = Self::spawn(name, command.stdout(out).stderr(err), stop)?;
        process.log = Some(log.to_owned());
        process.signals = signals;
        Ok(process)
    }

    /// The exit status; `None` while the process runs.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().context(format_args!("cannot watch {}", self.name))?;
        }
        Ok(self.ended)
    }

    /// Fails with the last lines of the log if the process has ended.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => Err(Failure::Failed(self.exit_report(status))),
        }
    }

    fn exit_report(&self, status: ExitStatus) -> String {
        let mut lines = vec![format!("{} has ended ({status})", self.name)];
        if let Some(log) = &self.log {
            let written = fs::read(log).unwrap_or_default();
            lines.push(format!("The last lines of {}:", log.display()));
            lines.extend(last_lines(&String::from_utf8_lossy(&written), 20).iter().map(|line| format!("    {line}")));
        }
        lines.join("\n")
    }

    /// Waits until the process has ended. Fails with [`Failure::Interrupted`] when xtask is asked to stop.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            self.stop.clone().check()?;
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Stops the process group with its stop signals, one after the other. Returns whether the process ended without
    /// SIGKILL.
    pub(crate) fn end(&mut self) -> bool {
        let was_forced = self.stop.is_forced();
        for (signal, grace_period) in self.signals {
            if matches!(self.ended(), Ok(Some(_)) | Err(_)) {
                return true;
            }
            if was_forced && *signal != "KILL" {
                continue;
            }
            send(signal, self.child.id());
            let deadline = Instant::now() + *grace_period;
            while Instant::now() < deadline {
                if matches!(self.ended(), Ok(Some(_)) | Err(_)) {
                    return *signal != "KILL";
                }
                if self.stop.is_forced() && *signal != "KILL" {
                    break;
                }
                thread::sleep(POLL_INTERVAL);
            }
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Sends a signal to a process group, with the shell's `kill`: the standard library has no function for it.
fn send(signal: &str, group: u32) {
    // The group may have ended already.
    let _ = Command::new("/bin/sh")
        .args(["-c", r#"kill -s "$1" -- "-$2""#, "sh", signal, &group.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Runs `command` to its end with the terminal of xtask as its output. Fails unless it succeeds.
pub(crate) fn run(command: &mut Command, stop: &Stop) -> Result<()> {
    let line = shown(command);
    let status = Process::spawn(&line, command, stop)?.wait()?;
    expect_success(&line, status)
}

/// Runs `command` to its end, and passes each line of its output to `inspect`. The output, standard output and standard
/// error in their order, is copied to the standard output of xtask as it is written. Fails unless the command succeeds.
pub(crate) fn run_inspected(command: &mut Command, stop: &Stop, mut inspect: impl FnMut(&str)) -> Result<()> {
    let shown = shown(command);
    let cannot = || format!("cannot read the output of `{shown}`");
    let (reader, writer) = io::pipe().context(cannot())?;
    let second_writer = writer.try_clone().context(cannot())?;
    let (sender, lines) = mpsc::channel();
    let mut process = Process::spawn(&shown, command.stdout(second_writer).stderr(writer), stop)?;
    // `command` still has both writing ends of the pipe. The reader sees no end of the output while they are open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    thread::spawn(move || copy_lines(reader, &sender));
    loop {
        let has_ended = process.ended()?.is_some();
        match lines.recv_timeout(if has_ended { DRAIN_TIMEOUT } else { POLL_INTERVAL }) {
            Ok(line) => inspect(&line),
            Err(RecvTimeoutError::Timeout) if !has_ended => {}
            Err(_) => break,
        }
        stop.check()?;
    }
    expect_success(&shown, process.wait()?)
}

/// Copies lines to the standard output, and sends them to `lines`, until the pipe is closed.
fn copy_lines(reader: PipeReader, lines: &Sender<String>) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        let mut stdout = io::stdout().lock();
        // Errors are ignored: the terminal may be closed, and after Ctrl-C the receiver no longer exists. Reading
        // continues, because the child must not block on a full pipe.
        let _ = stdout.write_all(&line).and_then(|()| stdout.flush());
        let _ = lines.send(String::from_utf8_lossy(&line).into_owned());
        line.clear();
    }
}

fn expect_success(shown: &str, status: ExitStatus) -> Result<()> {
    if status.success() { Ok(()) } else { Err(Failure::Failed(format!("`{shown}` failed ({status})"))) }
}

/// Runs a short `command` and returns its standard output, trimmed. Fails with its standard error unless it succeeds.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = shown(command);
    let output =
        command.stdin(Stdio::null()).process_group(0).output().context(format_args!("cannot start `{line}`"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(Failure::Failed(format!("`{line}` failed ({}): {}", output.status, error.trim())))
}

/// Whether `command` can be run and succeeds. Its output is discarded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// The command line as a user would type it, without the folder of the program.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut line = name.to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

fn last_lines(text: &str, count: usize) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_is_typed() {
        assert_eq!(shown(Command::new("/usr/bin/cargo").args(["fmt", "--all"])), "cargo fmt --all");
    }

    #[test]
    fn last_lines_returns_the_end_of_a_log() {
        assert_eq!(last_lines("a\nb\nc\n", 2), ["b", "c"]);
        assert_eq!(last_lines("a", 2), ["a"]);
    }

    /// The result of a shell script, and the lines that it has printed.
    fn inspected(script: &str) -> (Result<()>, Vec<String>) {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        let inspect = |line: &str| lines.push(line.trim_end().to_owned());
        let result = run_inspected(command.args(["-c", script]), &Stop::default(), inspect);
        (result, lines)
    }

    #[test]
    fn lines_of_both_streams_are_inspected_in_order() {
        let (result, lines) = inspected("echo one; echo two >&2; printf three");
        assert!(result.is_ok());
        assert_eq!(lines, ["one", "two", "three"]);
    }

    #[test]
    fn an_inspected_command_that_fails_is_a_failure() {
        let (result, lines) = inspected("echo one; exit 3");
        let Err(Failure::Failed(message)) = result else { panic!("not a failure") };
        assert!(message.starts_with("`sh -c") && message.contains("failed"), "{message}");
        assert_eq!(lines, ["one"]);
    }

    #[test]
    fn a_process_left_behind_with_the_output_does_not_block_the_run() {
        let (result, lines) = inspected("sleep 600 & echo $!");
        assert!(result.is_ok());
        let still_runs = succeeds(Command::new("sh").args(["-c", "kill \"$0\"", &lines[0]]));
        assert!(still_runs, "the run has waited for the process {}", lines[0]);
    }

    #[test]
    fn stopping_a_process_stops_its_children() {
        let stop = Stop::default();
        let mut process = Process::spawn("sleep", Command::new("sh").args(["-c", "sleep 600 & wait"]), &stop).unwrap();
        assert!(process.check_alive().is_ok());
        assert!(process.end());
        assert!(process.ended().unwrap().is_some_and(|status| !status.success()));
    }
}
