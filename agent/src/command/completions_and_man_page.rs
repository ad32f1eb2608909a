//! `completions` and `man`: the shell completions and manual pages of `mftplus-agent`, generated from the definition of
//! its command line.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::command::args::Cli;
use crate::exit::Exit;

/// The name of the described program. `mftplus agent` describes this program as well.
const PROGRAM: &str = "mftplus-agent";

/// Prints the completions of a shell.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    print(&completions_of(shell))
}

/// Prints the manual page, or writes it into `folder` with a page for each subcommand.
pub(crate) fn man(folder: Option<&Path>) -> anyhow::Result<Exit> {
    let Some(folder) = folder else { return print(&page()?) };
    clap_mangen::generate_to(Cli::command(), folder)
        .with_context(|| format!("cannot write the manual pages into {}; the folder must exist", folder.display()))?;
    Ok(Exit::Done)
}

fn completions_of(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut text);
    text
}

fn page() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(Cli::command()).render(&mut text)?;
    Ok(text)
}

/// Writes to standard output. A closed pipe, as after `head`, is not an error.
fn print(text: &[u8]) -> anyhow::Result<Exit> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Done),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use clap_complete::Shell;

    use super::{completions_of, man, page};

    #[test]
    fn every_shell_gets_completions_of_all_subcommands() {
        for shell in Shell::value_variants() {
            let text = String::from_utf8_lossy(&completions_of(*shell)).into_owned();
            for word in ["register", "check", "completions", "state-dir"] {
                assert!(text.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn there_is_a_manual_page_for_each_subcommand() -> anyhow::Result<()> {
        let text = String::from_utf8(page()?)?;
        assert!(text.contains("mftplus\\-agent") && text.contains(".SH SUBCOMMANDS"), "{text}");
        let dir = tempfile::tempdir()?;
        man(Some(dir.path()))?;
        for name in ["mftplus-agent.1", "mftplus-agent-run.1"] {
            assert!(dir.path().join(name).is_file(), "{name}");
        }
        assert!(man(Some(&dir.path().join("missing"))).is_err());
        Ok(())
    }
}
