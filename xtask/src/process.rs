//! Child processes that never outlive us: each leads a process group of its own, so that Ctrl-C reaches only
//! xtask, which then ends them in its own order.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Context, Failure, Result};
use crate::stop::Stop;

/// How often the waiting loops look.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// The signals that end a process, each with the time it is given before the next one.
pub(crate) type Farewell = &'static [(&'static str, Duration)];

/// For programs that finish what they are doing when they are told to terminate.
pub(crate) const TERMINATE: Farewell = &[("TERM", Duration::from_secs(30)), ("KILL", Duration::from_secs(5))];

/// For PostgreSQL: "fast" shutdown first (its TERM would wait for every client), then "immediate".
pub(crate) const INTERRUPT: Farewell =
    &[("INT", Duration::from_secs(20)), ("QUIT", Duration::from_secs(5)), ("KILL", Duration::from_secs(5))];

/// A running child with its process group. Dropping it ends it.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: Option<PathBuf>,
    farewell: Farewell,
    stop: Stop,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command`, which writes to our terminal.
    pub(crate) fn spawn(name: &str, command: &mut Command, stop: &Stop) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .context(format_args!("cannot start {}", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child, log: None, farewell: TERMINATE, stop: stop.clone(), ended: None })
    }

    /// Starts `command`, which writes to a fresh `log`.
    pub(crate) fn spawn_logged(
        name: &str,
        command: &mut Command,
        log: &Path,
        farewell: Farewell,
        stop: &Stop,
    ) -> Result<Self> {
        let cannot = || format!("cannot write {}", log.display());
        let out = File::create(log).context(cannot())?;
        let err = out.try_clone().context(cannot())?;
        let mut process = Self::spawn(name, command.stdout(out).stderr(err), stop)?;
        process.log = Some(log.to_owned());
        process.farewell = farewell;
        Ok(process)
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().context(format_args!("cannot watch {}", self.name))?;
        }
        Ok(self.ended)
    }

    /// Fails, with the end of its log, if it is no longer running.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => Err(Failure::Failed(self.obituary(status))),
        }
    }

    fn obituary(&self, status: ExitStatus) -> String {
        let mut lines = vec![format!("{} ended by itself ({status})", self.name)];
        if let Some(log) = &self.log {
            let written = fs::read(log).unwrap_or_default();
            lines.push(format!("The end of {}:", log.display()));
            lines.extend(last_lines(&String::from_utf8_lossy(&written), 20).iter().map(|line| format!("    {line}")));
        }
        lines.join("\n")
    }

    /// Waits for its end; ends it and fails when we are asked to stop.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            self.stop.clone().check()?;
            thread::sleep(TICK);
        }
    }

    /// Ends it, politely first. Returns whether it went without being killed.
    pub(crate) fn end(&mut self) -> bool {
        let hurry_at_entry = self.stop.hurried();
        for (signal, patience) in self.farewell {
            if matches!(self.ended(), Ok(Some(_)) | Err(_)) {
                return true;
            }
            if hurry_at_entry && *signal != "KILL" {
                continue;
            }
            send(signal, self.child.id());
            let deadline = Instant::now() + *patience;
            while Instant::now() < deadline {
                if matches!(self.ended(), Ok(Some(_)) | Err(_)) {
                    return *signal != "KILL";
                }
                if self.stop.hurried() && *signal != "KILL" {
                    break;
                }
                thread::sleep(TICK);
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

/// Sends a signal to a whole process group; through the shell, since std has no call for it.
fn send(signal: &str, group: u32) {
    // A group that is gone already is no reason to complain.
    let _ = Command::new("/bin/sh")
        .args(["-c", r#"kill -s "$1" -- "-$2""#, "sh", signal, &group.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Runs `command` to its end on our terminal; anything but success is a failure.
pub(crate) fn run(command: &mut Command, stop: &Stop) -> Result<()> {
    let line = shown(command);
    let status = Process::spawn(&line, command, stop)?.wait()?;
    if status.success() { Ok(()) } else { Err(Failure::Failed(format!("`{line}` failed ({status})"))) }
}

/// Runs a short `command` and returns what it printed; anything but success is a failure with what it complained.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = shown(command);
    let output =
        command.stdin(Stdio::null()).process_group(0).output().context(format_args!("cannot start `{line}`"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(Failure::Failed(format!("`{line}` failed ({}): {}", output.status, complaint.trim())))
}

/// Whether `command` can be run and succeeds; what it prints is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// A command as one would type it.
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
    fn a_command_is_shown_as_typed() {
        assert_eq!(shown(Command::new("/usr/bin/cargo").args(["fmt", "--all"])), "cargo fmt --all");
    }

    #[test]
    fn the_end_of_a_log_is_its_last_lines() {
        assert_eq!(last_lines("a\nb\nc\n", 2), ["b", "c"]);
        assert_eq!(last_lines("a", 2), ["a"]);
    }

    #[test]
    fn ends_a_process_together_with_what_it_started() {
        let stop = Stop::default();
        let mut process = Process::spawn("sleep", Command::new("sh").args(["-c", "sleep 600 & wait"]), &stop).unwrap();
        assert!(process.check_alive().is_ok());
        assert!(process.end());
        assert!(process.ended().unwrap().is_some_and(|status| !status.success()));
    }
}
