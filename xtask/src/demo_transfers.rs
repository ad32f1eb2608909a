//! `up --demo`: lets the agent copy real files, two at a time, until `up` is stopped.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::{Context, Result};
use crate::files::relative;
use crate::local::{Local, say};
use crate::process::{Process, TERMINATE};
use crate::stop_request::Stop;

/// Names of the files, and their sizes in MiB.
const FILES: &[(&str, u64)] =
    &[("invoices-2026-q3.tar", 60), ("sensor-readings.parquet", 140), ("warehouse.dump", 280)];
const COPIERS: usize = 2;
const RATE: &str = "20MB/s";

/// The delay after a failed copy before the next one, so that copies are not retried in a tight loop while the server
/// is down.
const RETRY_DELAY: Duration = Duration::from_secs(3);

/// The demo files and the processes that copy them.
pub(crate) struct Demo {
    folder: PathBuf,
    copiers: Vec<Copier>,
    stop: Stop,
}

/// Runs one copy at a time.
struct Copier {
    number: usize,
    /// Index of the next file in [`FILES`], modulo its length.
    next: usize,
    copy: Option<Process>,
    destination: PathBuf,
    not_before: Option<Instant>,
}

impl Demo {
    /// Creates the demo files that do not exist yet. No copy is started.
    pub(crate) fn prepare(local: &Local, stop: &Stop) -> Result<Self> {
        let folder = local.home.join("demo");
        fs::create_dir_all(&folder).context(format_args!("cannot create {}", relative(&folder)))?;
        for (name, mebibytes) in FILES {
            let (path, size) = (folder.join(name), mebibytes << 20);
            if fs::metadata(&path).is_ok_and(|file| file.len() == size) {
                continue;
            }
            say(&format!("writing {mebibytes} MiB of random bytes to {}", relative(&path)));
            let cannot = format!("cannot write {}", relative(&path));
            let mut random = File::open("/dev/urandom").context("cannot open /dev/urandom")?.take(size);
            let mut file = File::create(&path).context(&cannot)?;
            io::copy(&mut random, &mut file).context(&cannot)?;
        }
        let copiers = (0..COPIERS).map(|index| Copier {
            number: index + 1,
            next: index,
            copy: None,
            destination: folder.join("copies").join((index + 1).to_string()),
            not_before: None,
        });
        say(&format!("copying {} files in {} at {RATE}, {COPIERS} at a time", FILES.len(), relative(&folder)));
        Ok(Self { copiers: copiers.collect(), folder, stop: stop.clone() })
    }

    /// Starts the copies that are due. The caller must call it every [`POLL_INTERVAL`](crate::process::POLL_INTERVAL).
    pub(crate) fn step(&mut self, local: &Local) -> Result<()> {
        self.copiers.iter_mut().try_for_each(|copier| copier.step(local, &self.folder, &self.stop))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        say("stopping the copies");
        for copier in &mut self.copiers {
            copier.copy = None;
            copier.remove_copies();
        }
    }
}

impl Copier {
    fn step(&mut self, local: &Local, folder: &Path, stop: &Stop) -> Result<()> {
        let log = local.home.join(format!("demo-{}.log", self.number));
        if let Some(copy) = &mut self.copy {
            let Some(status) = copy.ended()? else { return Ok(()) };
            self.copy = None;
            self.remove_copies();
            if !status.success() {
                say(&format!("a copy ended with {status}; see {}", relative(&log)));
                self.not_before = Some(Instant::now() + RETRY_DELAY);
            }
        }
        if self.not_before.is_some_and(|time| Instant::now() < time) {
            return Ok(());
        }
        let (name, _) = FILES[self.next % FILES.len()];
        self.next += 1;
        fs::create_dir_all(&self.destination).context("cannot create a folder for the copies")?;
        let mut command = local.agent(["copy"]);
        command.arg(folder.join(name)).arg(self.destination.join(name)).args(["--max-rate", RATE, "--overwrite"]);
        self.copy = Some(Process::spawn_logged("a copy", &mut command, &log, TERMINATE, stop)?);
        Ok(())
    }

    /// Deletes the copied files.
    fn remove_copies(&self) {
        // The folder may not exist; the next copy creates it again.
        let _ = fs::remove_dir_all(&self.destination);
    }
}
