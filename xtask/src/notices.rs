//! `cargo xtask notices`: writes the licences of all dependencies to `THIRD-PARTY.md`, with cargo-about.

use crate::cargo_tools::{self, CargoTool};
use crate::failure::Result;
use crate::process::{self, shown};
use crate::stop_request::Stop;
use crate::tool_versions::CARGO_ABOUT;

/// The file that is written, in the root folder of the repository.
const NOTICES: &str = "THIRD-PARTY.md";

/// Writes [`NOTICES`]. Fails if a dependency has a licence that `about.toml` does not accept.
pub(crate) fn run(stop: &Stop) -> Result<()> {
    // cargo-about is built with optimisation, because it compares the files of all dependencies with the texts of all
    // licences. Link-time optimisation is off: it takes longer than it saves.
    let flags = &["--locked", "--features=cli", "--config=profile.release.lto=false"];
    let version = CARGO_ABOUT.to_owned();
    CargoTool { package: "cargo-about", program: "cargo-about", version, flags }.ensure(stop)?;
    // When cargo runs `cargo about`, it passes `about` as the first argument.
    let mut about = cargo_tools::command("cargo-about");
    about.args(["about", "generate", "--workspace", "--all-features", "--locked", "--fail"]);
    about.args(["--output-file", NOTICES, "about.hbs"]);
    println!("$ {}", shown(&about));
    process::run(&mut about, stop)?;
    println!("xtask: wrote {NOTICES}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::files;

    /// The strings of a list in a TOML file: those in quotes on the lines between `KEY = [` and `]`, sorted.
    fn list(file: &str, key: &str) -> Vec<String> {
        let text = fs::read_to_string(files::root().join(file)).unwrap();
        let start = format!("{key} = [");
        let lines = text.lines().skip_while(|line| *line != start).skip(1).take_while(|line| *line != "]");
        let strings = lines.filter(|line| !line.trim().starts_with('#')).filter_map(|line| line.split('"').nth(1));
        let mut list: Vec<String> = strings.map(ToOwned::to_owned).collect();
        list.sort();
        list
    }

    #[test]
    fn the_notices_accept_the_licences_that_cargo_deny_allows() {
        let accepted = list("about.toml", "accepted");
        assert!(accepted.contains(&"MIT".to_owned()), "{accepted:?}");
        assert_eq!(accepted, list("deny.toml", "allow"));
    }

    #[test]
    fn the_notices_and_cargo_deny_have_the_same_exceptions() {
        let text = fs::read_to_string(files::root().join("about.toml")).unwrap();
        let of_about: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_suffix(".accepted = [\"MPL-2.0\"]"))
            .map(|name| format!("    {{ crate = \"{name}\", allow = [\"MPL-2.0\"] }},"))
            .collect();
        let deny = fs::read_to_string(files::root().join("deny.toml")).unwrap();
        let of_deny: Vec<&str> =
            deny.lines().filter(|line| line.contains("crate = ") && line.contains("allow = ")).collect();
        assert!(!of_about.is_empty());
        assert_eq!(of_about, of_deny);
    }
}
