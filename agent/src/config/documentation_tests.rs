//! Whether the documentation of the configuration says what the code does: the same keys, the defaults, and examples that
//! can be read.

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::config::credentials_and_endpoints::{CredentialsSection, EndpointSection};
use crate::config::file::{ConfigFile, MaxJobs};
use crate::config::resolved_endpoint::Timeouts;
use crate::config::serde_field_names::keys_of;

const PAGE: &str = include_str!("../../../docs/agent-configuration.md");
const README: &str = include_str!("../../../README.md");

/// The keys of the file that are tables, which have a section of their own.
const TABLES: [&str; 2] = ["credentials", "endpoints"];

/// The cells of the rows below a heading that begin with a key.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let below = PAGE.split_once(&format!("\n## {heading}\n")).map_or("", |(_, below)| below);
    let section = below.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// The keys that a type reads, without those that are left out.
fn keys<T: DeserializeOwned>(left_out: &[&str]) -> BTreeSet<&'static str> {
    keys_of::<T>().iter().copied().filter(|key| !left_out.contains(key)).collect()
}

#[test]
fn the_page_has_the_keys_of_the_file_and_no_others() {
    for (heading, expected) in [
        ("Agent", keys::<ConfigFile>(&TABLES)),
        ("Credentials", keys::<CredentialsSection>(&[])),
        ("Endpoints", keys::<EndpointSection>(&[])),
    ] {
        let documented: BTreeSet<&str> = rows(heading).iter().map(|row| row[0].trim_matches('`')).collect();
        assert_eq!(documented, expected, "{heading}");
    }
}

#[test]
fn every_key_has_a_time_at_which_its_change_takes_effect() {
    let rows = rows("Changes while the agent runs");
    let documented: BTreeSet<&str> =
        rows.iter().flat_map(|row| row[0].split(", ")).map(|key| key.trim_matches('`')).collect();
    assert_eq!(documented, keys::<ConfigFile>(&[]));
}

#[test]
fn the_page_has_the_defaults_of_the_code() {
    let usual = Timeouts::default();
    for (heading, key, default) in [
        ("Agent", "max-jobs", MaxJobs::DEFAULT.get().to_string()),
        ("Endpoints", "connect-timeout", format!("{}s", usual.connect.as_secs())),
        ("Endpoints", "idle-timeout", format!("{}s", usual.idle.as_secs())),
        ("Endpoints", "keep-alive", format!("{}s", usual.keep_alive.as_secs())),
    ] {
        let row = rows(heading).into_iter().find(|row| row[0].trim_matches('`') == key);
        assert_eq!(row.map(|row| row[2].to_owned()), Some(format!("`{default}`")), "{key}");
    }
}

#[test]
fn the_examples_are_valid() -> anyhow::Result<()> {
    for page in [PAGE, README] {
        let examples: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(!examples.is_empty());
        for example in examples {
            ConfigFile::parse("example", Path::new("/etc/mftplus"), example)?;
        }
    }
    Ok(())
}
