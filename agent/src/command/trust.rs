//! `trust`: shows the host key of an SFTP server and, if the user confirms it, adds it to the known host keys.

use std::io::{BufRead, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, bail, ensure};
use mftplus_protocol::wire::Protocol;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::command::args::TrustArgs;
use crate::config::endpoint_lookup::Address;
use crate::config::resolved_endpoint::{EndpointSettings, HostKeyRule};
use crate::exit::Exit;
use crate::storage::sftp::known_hosts;
use crate::storage::sftp::{self, transport::Target};
use crate::storage::usage_error::UsageError;
use crate::work::agent::Settings;

/// Runs the subcommand `trust`. Returns [`Exit::Cancelled`] if the user does not confirm the key.
pub(crate) async fn trust(settings: &Settings, args: &TrustArgs) -> anyhow::Result<Exit> {
    let endpoint =
        settings.config.current().resolve_without_user(&address(settings, &args.host)?, &settings.state_dir)?;
    let EndpointSettings::Sftp(server) = endpoint.settings else {
        bail!("{} is not an SFTP server: only those have host keys", args.host)
    };
    println!("server       {}:{}", server.host, server.port);
    let (rule, runtime) = (server.host_key.clone(), Handle::current());
    let shown = tokio::task::spawn_blocking(move || sftp::host_key(&Target::of(&server), &runtime)).await??;
    println!("host key     {}\nfingerprint  {}", shown.algorithm, shown.fingerprint);
    let file = match rule {
        HostKeyRule::Fingerprint(pinned) if pinned == shown.fingerprint => {
            println!("this is the key of `host-key` in the configuration");
            return Ok(Exit::Done);
        }
        HostKeyRule::Fingerprint(pinned) => {
            bail!(
                "the configuration has another key: host-key = \"{pinned}\"; change it if the operator of the server confirms the new key"
            )
        }
        HostKeyRule::KnownHosts(files) => files.last().cloned().context("there is no file of known host keys")?,
    };
    let is_right = match &args.fingerprint {
        Some(expected) if expected.trim_end_matches('=') == shown.fingerprint => true,
        Some(expected) => bail!("the server has another key than {expected}: nothing is added"),
        None => confirmed(file.clone()).await?,
    };
    if !is_right {
        println!("nothing is added");
        return Ok(Exit::Cancelled);
    }
    let written = file.clone();
    tokio::task::spawn_blocking(move || known_hosts::append(&written, &shown.line))
        .await?
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("added to {}", file.display());
    Ok(Exit::Done)
}

/// The address in the argument `host`: the name of an endpoint, a host with or without a port, or an `sftp://` URL
/// without a path.
fn address(settings: &Settings, host: &str) -> Result<Address, UsageError> {
    let host = host.strip_prefix("sftp://").unwrap_or(host).trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '@', ' ']) {
        return Err(UsageError(format!("`{host}` is not a host; write a host, HOST:PORT, or the name of an endpoint")));
    }
    if settings.config.current().endpoint_named(host).is_some() {
        return Ok(Address { host: host.to_owned(), ..Address::default() });
    }
    let (host, port) = host_and_port(host);
    Ok(Address { protocol: Some(Protocol::Sftp), host, port, ..Address::default() })
}

/// Splits a host from its port. An IPv6 address must have brackets if a port follows.
fn host_and_port(text: &str) -> (String, Option<u16>) {
    let bare = |host: &str| host.trim_start_matches('[').trim_end_matches(']').to_owned();
    match text.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(port))) if host.ends_with(']') || !host.contains(':') => (bare(host), Some(port)),
        _ => (bare(text), None),
    }
}

/// Asks the user whether the key is right. Fails if standard input is not a terminal.
async fn confirmed(file: PathBuf) -> anyhow::Result<bool> {
    ensure!(
        std::io::stdin().is_terminal(),
        "there is no terminal to ask on: compare the fingerprint, and give it with --fingerprint"
    );
    let (sender, answer) = oneshot::channel();
    // A thread outside the runtime, because the runtime waits for its own threads at the end, and Ctrl-C must end the
    // process while the question is open.
    thread::spawn(move || sender.send(ask(&file, &mut std::io::stdin().lock())));
    answer.await.context("the question was not answered")?
}

fn ask(file: &Path, answers: &mut impl BufRead) -> anyhow::Result<bool> {
    println!("Compare the fingerprint with the one that the operator of the server gave you separately.");
    print!("Add the key to {}? Type yes or no: ", file.display());
    std::io::stdout().flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ask, host_and_port};

    #[test]
    fn a_host_may_have_a_port() {
        for (text, host, port) in [
            ("h", "h", None),
            ("h:2222", "h", Some(2222)),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
            ("[::1]:2222", "::1", Some(2222)),
        ] {
            assert_eq!(host_and_port(text), (host.to_owned(), port), "{text}");
        }
    }

    #[test]
    fn only_yes_adds_a_key() -> anyhow::Result<()> {
        for (answer, is_added) in [("yes\n", true), ("YES", true), ("y\n", false), ("no\n", false), ("", false)] {
            assert_eq!(ask(Path::new("known_hosts"), &mut answer.as_bytes())?, is_added, "{answer:?}");
        }
        Ok(())
    }
}
