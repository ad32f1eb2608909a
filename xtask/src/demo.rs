//! `up --demo`: real copies of real files, two side by side, over and over.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::{Context, Result};
use crate::files::relative;
use crate::local::{Local, say};
use crate::process::{Process, TERMINATE};
use crate::stop::Stop;

/// Names and sizes of the files, in MiB.
const FILES: &[(&str, u64)] =
    &[("invoices-2026-q3.tar", 60), ("sensor-readings.parquet", 140), ("warehouse.dump", 280)];
const LANES: usize = 2;
const RATE: &str = "20MB/s";

/// After a copy that failed, so that a server that is away is not asked in a tight loop.
const PAUSE: Duration = Duration::from_secs(3);

/// The copies that are going on.
pub(crate) struct Demo {
    folder: PathBuf,
    lanes: Vec<Lane>,
    stop: Stop,
}

/// One copy at a time.
struct Lane {
    number: usize,
    /// Which file comes next.
    next: usize,
    copy: Option<Process>,
    destination: PathBuf,
    not_before: Option<Instant>,
}

impl Demo {
    /// Makes the files that are missing.
    pub(crate) fn prepare(local: &Local, stop: &Stop) -> Result<Self> {
        let folder = local.home.join("demo");
        fs::create_dir_all(&folder).context(format_args!("cannot make {}", relative(&folder)))?;
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
        let lanes = (0..LANES).map(|lane| Lane {
            number: lane + 1,
            next: lane,
            copy: None,
            destination: folder.join("copies").join((lane + 1).to_string()),
            not_before: None,
        });
        say(&format!("copying {} files in {} at {RATE}, {LANES} at a time", FILES.len(), relative(&folder)));
        Ok(Self { lanes: lanes.collect(), folder, stop: stop.clone() })
    }

    /// Starts what is due. To be called often.
    pub(crate) fn step(&mut self, local: &Local) -> Result<()> {
        self.lanes.iter_mut().try_for_each(|lane| lane.step(local, &self.folder, &self.stop))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        say("stopping the copies");
        for lane in &mut self.lanes {
            lane.copy = None;
            lane.clean();
        }
    }
}

impl Lane {
    fn step(&mut self, local: &Local, folder: &Path, stop: &Stop) -> Result<()> {
        let log = local.home.join(format!("demo-{}.log", self.number));
        if let Some(copy) = &mut self.copy {
            let Some(status) = copy.ended()? else { return Ok(()) };
            self.copy = None;
            self.clean();
            if !status.success() {
                say(&format!("a copy ended with {status}; {} may say why", relative(&log)));
                self.not_before = Some(Instant::now() + PAUSE);
            }
        }
        if self.not_before.is_some_and(|time| Instant::now() < time) {
            return Ok(());
        }
        let (name, _) = FILES[self.next % FILES.len()];
        self.next += 1;
        fs::create_dir_all(&self.destination).context("cannot make a folder for the copies")?;
        let mut command = local.agent(["copy"]);
        command.arg(folder.join(name)).arg(self.destination.join(name)).args(["--max-rate", RATE, "--overwrite"]);
        self.copy = Some(Process::spawn_logged("a copy", &mut command, &log, TERMINATE, stop)?);
        Ok(())
    }

    /// Deletes what was copied.
    fn clean(&self) {
        // The next round makes the folder again; one that is not there is no trouble.
        let _ = fs::remove_dir_all(&self.destination);
    }
}
