//! Reads the durations of tests from the output of `cargo test`. On stable Rust, libtest reports the duration of each
//! test binary. Of a single test it only reports if it runs for more than a minute.

use std::path::Path;
use std::time::Duration;

use crate::files;

/// The maximum number of test binaries in the table of a step.
const MOST_BINARIES: usize = 15;

/// The durations that one step has reported so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Durations {
    binaries: Vec<(String, Duration)>,
    /// Tests that ran for more than a minute, with their binaries.
    long_tests: Vec<String>,
    /// The binary that is running.
    current: String,
}

impl Durations {
    /// Reads one line of the output of `cargo test`.
    pub(crate) fn read(&mut self, line: &str) {
        let line = without_colors(line);
        let line = line.trim();
        if let Some(binary) = started_binary(line) {
            self.current = binary;
        } else if let Some(duration) = reported_duration(line) {
            self.binaries.push((self.current.clone(), duration));
        } else if let Some(test) = long_test(line) {
            self.long_tests.push(format!("{}: {test}", self.current));
        }
    }

    /// The lines of a table: the slowest binaries first, then the long tests. Empty if nothing was reported.
    pub(crate) fn table(&self, step: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.binaries.is_empty() {
            lines.extend([String::new(), format!("Slowest test binaries of `{step}`:")]);
            let mut binaries: Vec<_> = self.binaries.iter().collect();
            binaries.sort_by_key(|(_, duration)| std::cmp::Reverse(*duration));
            let row = |(name, duration): &(String, Duration)| format!("  {name:<32} {:>8.1} s", duration.as_secs_f64());
            lines.extend(binaries.into_iter().take(MOST_BINARIES).map(row));
        }
        if !self.long_tests.is_empty() {
            lines.extend([String::new(), format!("Tests of `{step}` that ran for more than a minute:")]);
            lines.extend(self.long_tests.iter().map(|test| format!("  {test}")));
        }
        lines
    }
}

/// The line without escape sequences for colours, which are `ESC [ … m`.
fn without_colors(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    plain
}

/// The name of the binary or crate that a line announces, such as `Running tests/api/main.rs
/// (target/debug/deps/api-0123456789abcdef)` or `Doc-tests backend`.
fn started_binary(line: &str) -> Option<String> {
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{name} (documentation)"));
    }
    let (_, path) = line.strip_prefix("Running ")?.strip_suffix(')')?.rsplit_once('(')?;
    let name = files::file_name(Path::new(path));
    let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let stem = name.rsplit_once('-').filter(|(_, suffix)| is_hash(suffix)).map_or(name, |(stem, _)| stem);
    Some(stem.to_owned())
}

/// The duration in a line such as `test result: ok. 12 passed; …; finished in 3.21s`.
fn reported_duration(line: &str) -> Option<Duration> {
    let (_, seconds) = line.strip_prefix("test result: ")?.rsplit_once("finished in ")?;
    Duration::try_from_secs_f64(seconds.strip_suffix('s')?.parse().ok()?).ok()
}

/// The test name in a line such as `test NAME has been running for over 60 seconds`.
fn long_test(line: &str) -> Option<&str> {
    Some(line.strip_prefix("test ")?.split_once(" has been running for over ")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "   Compiling backend v0.1.0 (/src/backend)
     Running unittests src/lib.rs (target/debug/deps/backend-0123456789abcdef)

running 2 tests
test ids::tests::are_ordered ... ok
test clock::tests::a_jump_is_reported ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.04s

\u{1b}[1m\u{1b}[92m     Running\u{1b}[0m tests/api/main.rs (target/debug/deps/api-fedcba9876543210)
test live::closing has been running for over 60 seconds
test live::closing ... ok
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 412.34s
   Doc-tests backend
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s
";

    fn durations() -> Durations {
        let mut durations = Durations::default();
        for line in OUTPUT.lines() {
            durations.read(line);
        }
        durations
    }

    #[test]
    fn the_table_lists_the_slowest_binaries_first_and_then_the_long_tests() {
        assert_eq!(
            durations().table("sqlite").join("\n"),
            "\nSlowest test binaries of `sqlite`:\
             \n  api                                 412.3 s\
             \n  backend (documentation)               1.2 s\
             \n  backend                               0.0 s\
             \n\nTests of `sqlite` that ran for more than a minute:\
             \n  api: live::closing"
        );
    }

    #[test]
    fn the_table_has_at_most_fifteen_binaries_and_is_empty_without_any() {
        let mut durations = Durations::default();
        assert_eq!(durations.table("fmt"), Vec::<String>::new());
        for number in 0..20 {
            durations.read(&format!("Running tests/t.rs (target/debug/deps/t{number}-0123456789abcdef)"));
            durations.read(&format!("test result: ok. 1 passed; finished in {number}.00s"));
        }
        let table = durations.table("sqlite");
        assert_eq!(table.len(), 2 + MOST_BINARIES);
        assert_eq!(table[2].split_whitespace().collect::<Vec<_>>(), ["t19", "19.0", "s"]);
    }

    #[test]
    fn only_a_hash_is_removed_from_the_name_of_a_binary() {
        let binary = |path: &str| started_binary(&format!("Running src/main.rs ({path})"));
        assert_eq!(binary("target/debug/deps/mftplus_agent-00aa11bb22cc33dd").as_deref(), Some("mftplus_agent"));
        assert_eq!(binary("target/debug/my-tests").as_deref(), Some("my-tests"));
        assert_eq!(started_binary("Running without a path"), None);
    }

    #[test]
    fn other_lines_are_ignored() {
        assert_eq!(reported_duration("test result: ok. finished in many seconds"), None);
        assert_eq!(reported_duration("finished in 3.21s"), None);
        assert_eq!(long_test("test live::closing ... ok"), None);
    }
}
