//! Servers that are killed, and servers that are not the ones that are meant.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use mftplus_protocol::backoff::Backoff;
use rstest::rstest;

use super::faulty_proxy::{Proxy, Speech};
use super::remote_server::{Kind, Remote};
use super::{Setup, assert_completed, assert_failed, ended_transfer, job, part_of, run_job, settings};
use crate::command::args::RunArgs;
use crate::server::wire::Direction;
use crate::tests::ftp::server_process::Certificates;
use crate::tests::{TestAgent, test_bytes};
use crate::work::agent::Settings;

/// Bytes of a file that is in the middle of its copy when its server is killed.
const SIZE: usize = 12 << 20;

/// Bytes per second at which that takes some seconds.
const RATE: Option<u64> = Some(4 << 20);

/// Waits until some bytes are reported.
async fn bytes_move(agent: &TestAgent) -> anyhow::Result<()> {
    let is_moving = |update: &serde_json::Value| update["bytesTransferred"].as_u64() > Some(0);
    agent.server.wait_until("bytes move", |state| state.updates.iter().any(is_moving)).await
}

/// Delays within which a killed server starts again.
fn patient(mut settings: Settings) -> Settings {
    settings.timing.backoff = Backoff::doubling(Duration::from_millis(200), Duration::from_secs(5));
    settings
}

#[rstest]
#[case::sftp(Kind::Sftp)]
#[case::ftp_as_root(Kind::Ftp)]
#[case::ftps_explicit_as_root(Kind::FtpsExplicit)]
#[case::ftps_implicit_as_root(Kind::FtpsImplicit)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH and vsftpd, and root"]
async fn a_copy_continues_when_its_killed_server_is_back(
    #[case] kind: Kind,
    #[values(Direction::Pull, Direction::Push)] direction: Direction,
) -> anyhow::Result<()> {
    let mut remote = Remote::start(kind)?;
    let agent = TestAgent::start().await?;
    let settings = patient(settings(&agent, &remote.config(remote.port(), ""))?);
    let bytes = test_bytes(SIZE);
    let (here, there) = (agent.path("big"), remote.path("big"));
    let (source, destination) = if direction == Direction::Pull { (&there, &here) } else { (&here, &there) };
    fs::write(source, &bytes)?;
    let job = job(&remote, direction, &here, "big");
    let slowly = RunArgs { max_rate: RATE, ..TestAgent::run_args() };
    let transfer = agent.with_daemon_settings(settings, &slowly, async || {
        let (_, directive) = agent.server.send_job(job);
        bytes_move(&agent).await?;
        remote.kill();
        assert!(!destination.exists(), "an incomplete copy is published");
        remote.restart()?;
        ended_transfer(&agent, directive).await
    });
    assert_completed(&transfer.await?, destination, &bytes)
}

#[rstest]
#[case::sftp(Kind::Sftp)]
#[case::ftp_as_root(Kind::Ftp)]
#[case::ftps_explicit_as_root(Kind::FtpsExplicit)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH and vsftpd, and root"]
async fn a_copy_fails_with_the_reason_when_its_server_stays_away(
    #[case] kind: Kind,
    #[values(Direction::Pull, Direction::Push)] direction: Direction,
) -> anyhow::Result<()> {
    let mut remote = Remote::start(kind)?;
    let agent = TestAgent::start().await?;
    let settings = settings(&agent, &remote.config(remote.port(), ""))?;
    let (here, there) = (agent.path("big"), remote.path("big"));
    let (source, destination) = if direction == Direction::Pull { (&there, &here) } else { (&here, &there) };
    fs::write(source, test_bytes(SIZE))?;
    let job = job(&remote, direction, &here, "big");
    let slowly = RunArgs { max_rate: RATE, ..TestAgent::run_args() };
    let transfer = agent.with_daemon_settings(settings, &slowly, async || {
        let (_, directive) = agent.server.send_job(job);
        bytes_move(&agent).await?;
        remote.kill();
        ended_transfer(&agent, directive).await
    });
    // No connection, and the server that it was to.
    let transfer = transfer.await?;
    assert_failed(&transfer, destination, "refused");
    assert_failed(&transfer, destination, "127.0.0.1");
    let kept = fs::metadata(part_of(destination)?.context("no part is kept")?)?.len();
    assert!(kept < SIZE as u64 && (kept > 0 || direction == Direction::Push), "a retry cannot continue: {kept}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH"]
async fn a_server_with_another_host_key_gets_nothing_and_is_not_asked_again() -> anyhow::Result<()> {
    let setup = Setup::start(Kind::Sftp).await?;
    let other = format!("host-key = 'SHA256:{}'", "A".repeat(43));
    let config = setup.remote.config(setup.proxy.port, "");
    let config: Vec<&str> =
        config.lines().map(|line| if line.starts_with("host-key") { other.as_str() } else { line }).collect();
    let settings = settings(&setup.agent, &config.join("\n"))?;
    let job = setup.job(Direction::Push, "secret", b"not for everybody")?;
    let args = TestAgent::run_args();
    let daemon = setup.agent.with_daemon_settings(settings, &args, async || run_job(&setup.agent, job).await);
    let transfer = daemon.await?;
    assert_failed(&transfer, &setup.remote.path("secret"), "host key");
    assert_failed(&transfer, &setup.remote.path("secret"), &format!("SHA256:{}", "A".repeat(43)));
    assert_eq!(setup.proxy.connections(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs vsftpd, and root"]
async fn a_server_whose_certificate_has_expired_gets_nothing_as_root() -> anyhow::Result<()> {
    let remote = Remote::start_with(Certificates::create_expired()?)?;
    let proxy = Proxy::start(remote.port(), Speech::Any)?;
    let agent = TestAgent::start().await?;
    let settings = settings(&agent, &remote.config(proxy.port, ""))?;
    fs::write(agent.path("secret"), "not for everybody")?;
    let job = job(&remote, Direction::Push, &agent.path("secret"), "secret");
    let args = TestAgent::run_args();
    let daemon = agent.with_daemon_settings(settings, &args, async || run_job(&agent, job).await);
    let transfer = daemon.await?;
    assert_failed(&transfer, &remote.path("secret"), "certificate expired");
    assert_eq!(proxy.connections(), 1);
    Ok(())
}
