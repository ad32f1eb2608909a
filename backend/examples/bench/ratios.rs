//! `--record` and `--check`: compares the ratios of several runs with those that are recorded in the repository.
//! Absolute numbers depend on the machine, so only ratios are compared.

use std::{collections::BTreeMap, fs, process};

/// The file with the recorded ratios by name, relative to the root of the repository.
const FILE: &str = "backend/examples/bench/ratios.json";
/// The number of runs whose median counts.
const RUNS: usize = 5;
/// The maximum factor by which a ratio may be slower than recorded.
const TOLERANCE: f64 = 1.2;

/// A ratio of one run.
pub(crate) struct Ratio {
    name: String,
    value: f64,
    /// Whether a higher value is faster. Otherwise a lower value is faster.
    is_speed: bool,
}

impl Ratio {
    /// A ratio of speeds: the higher, the better.
    pub(crate) fn of_speeds(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, is_speed: true }
    }

    /// A ratio of durations: the lower, the better.
    pub(crate) fn of_durations(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, is_speed: false }
    }

    /// The factor by which this ratio is slower than recorded; below 1 if it is faster.
    fn slowdown(&self, recorded: f64) -> f64 {
        if self.is_speed { recorded / self.value } else { self.value / recorded }
    }
}

/// Writes the medians of several runs of `measure` to the repository. Ratios that were not measured are kept.
pub(crate) fn record(measure: impl Fn() -> Vec<Ratio>) {
    let mut recorded = read();
    for Ratio { name, value, .. } in medians(measure) {
        recorded.insert(name, (value * 1000.0).round() / 1000.0);
    }
    let text = serde_json::to_string_pretty(&recorded).unwrap() + "\n";
    fs::write(FILE, text).unwrap();
    println!("\n{} ratios are recorded in {FILE}", recorded.len());
}

/// Compares the medians of several runs of `measure` with the recorded ratios. Ends the process with 1 if one of them is
/// slower, or not recorded.
pub(crate) fn check(measure: impl Fn() -> Vec<Ratio>) {
    let recorded = read();
    let mut is_slower = false;
    println!("\nRatios, medians of {RUNS} runs, beside those in {FILE}");
    for ratio in medians(measure) {
        let (name, value) = (&ratio.name, ratio.value);
        let Some(before) = recorded.get(name) else {
            println!("  {name}: {value:.2}, not recorded: run `cargo xtask bench --record`");
            is_slower = true;
            continue;
        };
        let slowdown = ratio.slowdown(*before);
        let verdict = if slowdown > TOLERANCE { "TOO SLOW" } else { "ok" };
        println!("  {name}: {value:.2}, recorded {before:.2}: {verdict}");
        is_slower |= slowdown > TOLERANCE;
    }
    if is_slower {
        process::exit(1);
    }
}

fn read() -> BTreeMap<String, f64> {
    fs::read_to_string(FILE).map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default()
}

/// Runs `measure` [`RUNS`] times and returns the median of each ratio.
fn medians(measure: impl Fn() -> Vec<Ratio>) -> Vec<Ratio> {
    let mut all: BTreeMap<String, Vec<Ratio>> = BTreeMap::new();
    for run in 1..=RUNS {
        println!("\nRun {run} of {RUNS}");
        for ratio in measure() {
            all.entry(ratio.name.clone()).or_default().push(ratio);
        }
    }
    all.into_values()
        .map(|mut ratios| {
            ratios.sort_by(|a, b| a.value.total_cmp(&b.value));
            ratios.swap_remove(ratios.len() / 2)
        })
        .collect()
}
