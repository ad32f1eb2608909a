//! Runs and measures shell scripts that do the same work, in turns.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A shell script with a name.
pub(crate) struct Contender {
    name: String,
    script: String,
}

/// The required ratios to a contender: the minimum of the speed, and the maximum of the CPU time.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) wall: Option<f64>,
    pub(crate) cpu: Option<f64>,
}

/// A comparison of the agent with other tools.
pub(crate) struct Comparison {
    pub(crate) title: String,
    pub(crate) ours: Contender,
    pub(crate) theirs: Vec<(Contender, Asked)>,
    /// The path that the scripts create; removed before each run.
    pub(crate) written: PathBuf,
}

/// The measurements of one run, or the medians of several runs.
#[derive(Clone, Copy)]
struct Measured {
    wall: Duration,
    /// The CPU time of the process and of all processes that it started.
    cpu: Duration,
    /// The maximum resident memory of the largest of these processes, in KiB.
    memory: u64,
}

impl Contender {
    pub(crate) fn new(name: String, script: String) -> Self {
        Self { name, script }
    }

    /// Runs the script once, under GNU time.
    fn run(&self, written: &Path) -> Measured {
        remove(written);
        // Writes the data of earlier runs to the disk first, so that no run pays for another one.
        assert!(Command::new("sync").status().unwrap().success());
        let report = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new("time");
        command.args(["-f", "%U %S %M", "-o"]).arg(report.path()).args(["sh", "-c", &self.script]);
        let start = Instant::now();
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        let wall = start.elapsed();
        assert!(status.success() && written.exists(), "{}: {status}\n{}", self.name, self.script);
        let text = fs::read_to_string(report.path()).unwrap();
        let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let [user, system, _] = numbers[..] else { panic!("time printed {text}") };
        let memory = text.split_whitespace().last().unwrap().parse().unwrap();
        Measured { wall, cpu: Duration::from_secs_f64(user + system), memory }
    }
}

impl Comparison {
    /// Runs all contenders in turns and prints the medians.
    pub(crate) fn run(&self, rounds: usize) {
        let contenders: Vec<&Contender> =
            std::iter::once(&self.ours).chain(self.theirs.iter().map(|(theirs, _)| theirs)).collect();
        let mut runs = vec![Vec::new(); contenders.len()];
        for _ in 0..rounds {
            for (contender, runs) in contenders.iter().zip(&mut runs) {
                runs.push(contender.run(&self.written));
            }
        }
        remove(&self.written);
        let medians: Vec<Measured> = runs.iter().map(|runs| medians(runs)).collect();
        println!("{}", self.title);
        for (contender, Measured { wall, cpu, memory }) in contenders.iter().zip(&medians) {
            let mebibytes = memory / 1024;
            println!("  {:<34} {wall:>9.2?}   CPU {cpu:>9.2?}   {mebibytes:>4} MiB", contender.name);
        }
        for ((theirs, asked), measured) in self.theirs.iter().zip(&medians[1..]) {
            let wall = measured.wall.as_secs_f64() / medians[0].wall.as_secs_f64();
            let cpu = medians[0].cpu.as_secs_f64() / measured.cpu.as_secs_f64().max(0.01);
            println!(
                "  beside {}: {wall:.2} times as fast{}, {cpu:.2} times its CPU time{}",
                theirs.name,
                verdict("at least", asked.wall, |least| wall >= least),
                verdict("at most", asked.cpu, |most| cpu <= most)
            );
        }
    }
}

fn verdict(bound: &str, asked: Option<f64>, is_reached: impl Fn(f64) -> bool) -> String {
    let reached = |asked| if is_reached(asked) { "reached" } else { "MISSED" };
    asked.map_or_else(String::new, |asked| format!(" ({bound} {asked:.2} is asked for: {})", reached(asked)))
}

fn medians(runs: &[Measured]) -> Measured {
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    Measured {
        wall: median(runs.iter().map(|run| run.wall).collect()),
        cpu: median(runs.iter().map(|run| run.cpu).collect()),
        memory: runs.iter().map(|run| run.memory).max().unwrap_or_default(),
    }
}

fn remove(path: &Path) {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    assert!(removed.is_ok() || !path.exists(), "cannot remove {}", path.display());
}
