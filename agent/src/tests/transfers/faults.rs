//! Connections that break, stall or are slow, sources that change, and a control plane that is away.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use rstest::rstest;
use serde_json::json;

use super::faulty_proxy::Fault;
use super::remote_server::Kind;
use super::{Setup, assert_completed, assert_failed, ended_transfer, part_of, run_job};
use crate::server::wire::Direction;
use crate::tests::{test_bytes, wait_for_path};

/// Bytes of a file that is in the middle of its copy when something happens.
const SIZE: usize = 12 << 20;

/// Bytes that have passed by then.
const MIDDLE: u64 = 6 << 20;

/// More than a connection takes for its handshake, its login and its requests.
const OVERHEAD: u64 = 2 << 20;

#[rstest]
#[case::sftp(Kind::Sftp)]
#[case::ftp_as_root(Kind::Ftp)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH and vsftpd, and root"]
async fn a_copy_continues_after_its_connection_was_cut(
    #[case] kind: Kind,
    #[values(Direction::Pull, Direction::Push)] direction: Direction,
) -> anyhow::Result<()> {
    let setup = Setup::start(kind).await?;
    let bytes = test_bytes(SIZE);
    let job = setup.job(direction, "big", &bytes)?;
    // The next connection waits until the test has seen the report about the first.
    setup.proxy.set_script([(MIDDLE, Fault::Cut), (0, Fault::Hold)]);
    let transfer = setup.with_daemon(async || {
        let (_, directive) = setup.agent.server.send_job(job);
        let error = setup.attempt_is_reported().await?;
        assert!(error.starts_with("attempt 1 was interrupted"), "{error}");
        let destination = setup.destination(direction, "big");
        assert!(!destination.exists(), "an incomplete copy is published");
        let kept = fs::metadata(part_of(&destination)?.context("no part is kept")?)?.len();
        let passed = setup.proxy.passed();
        setup.proxy.release();
        let transfer = ended_transfer(&setup.agent, directive).await?;
        if direction == Direction::Pull {
            assert!(kept > 0, "nothing was kept");
            let again = setup.proxy.passed() - passed;
            assert!(again <= SIZE as u64 - kept + OVERHEAD, "{again} bytes after {kept} were kept");
        }
        Ok(transfer)
    });
    assert_completed(&transfer.await?, &setup.destination(direction, "big"), &bytes)
}

#[rstest]
#[case::sftp(Kind::Sftp)]
#[case::ftp_as_root(Kind::Ftp)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH and vsftpd, and root"]
async fn a_connection_that_stalls_is_given_up_and_replaced(
    #[case] kind: Kind,
    #[values(Direction::Pull, Direction::Push)] direction: Direction,
) -> anyhow::Result<()> {
    let setup = Setup::with(kind, "idle-timeout = '5s'").await?;
    let bytes = test_bytes(SIZE);
    let job = setup.job(direction, "big", &bytes)?;
    setup.proxy.set_script([(MIDDLE, Fault::Stall), (0, Fault::Hold)]);
    let transfer = setup.with_daemon(async || {
        let (_, directive) = setup.agent.server.send_job(job);
        let error = setup.attempt_is_reported().await?;
        // No byte came, or no confirmation.
        assert!(error.contains("nothing"), "{error}");
        setup.proxy.release();
        ended_transfer(&setup.agent, directive).await
    });
    assert_completed(&transfer.await?, &setup.destination(direction, "big"), &bytes)
}

#[rstest]
#[case::sftp(Kind::Sftp)]
#[case::ftp_as_root(Kind::Ftp)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH and vsftpd, and root"]
async fn a_slow_connection_is_not_given_up(
    #[case] kind: Kind,
    #[values(Direction::Pull, Direction::Push)] direction: Direction,
) -> anyhow::Result<()> {
    let setup = Setup::with(kind, "idle-timeout = '1s'").await?;
    let bytes = test_bytes(1 << 20);
    let job = setup.job(direction, "big", &bytes)?;
    // The file takes three times as long as a silent connection is kept.
    setup.proxy.set_pace(16 << 10, Duration::from_millis(50));
    let transfer = setup.with_daemon(async || run_job(&setup.agent, job).await).await?;
    assert_eq!(setup.agent.server.change(|state| super::reported_attempt(state)), None);
    assert_completed(&transfer, &setup.destination(direction, "big"), &bytes)
}

#[rstest]
#[case::sftp(Kind::Sftp)]
#[case::ftp_as_root(Kind::Ftp)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH and vsftpd, and root"]
async fn a_source_that_changes_in_the_middle_is_never_mixed(
    #[case] kind: Kind,
    #[values(Direction::Pull, Direction::Push)] direction: Direction,
) -> anyhow::Result<()> {
    let setup = Setup::start(kind).await?;
    let job = setup.job(direction, "big", &test_bytes(SIZE))?;
    setup.proxy.set_script([(MIDDLE, Fault::Hold)]);
    let transfer = setup.with_daemon(async || {
        let (_, directive) = setup.agent.server.send_job(job);
        setup.is_held().await?;
        // The same file, with other bytes and another size.
        let other = vec![7; SIZE + 1];
        setup.job(direction, "big", &other)?;
        setup.proxy.release();
        ended_transfer(&setup.agent, directive).await
    });
    let destination = setup.destination(direction, "big");
    assert_failed(&transfer.await?, &destination, "changed while it was copied");
    assert_eq!(part_of(&destination)?, None, "the part of a file that is gone is left");
    Ok(())
}

#[rstest]
#[case::sftp(Kind::Sftp)]
#[case::ftp_as_root(Kind::Ftp)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH and vsftpd, and root"]
async fn a_copy_goes_on_without_the_control_plane_and_is_reported_later(
    #[case] kind: Kind,
    #[values(Direction::Pull, Direction::Push)] direction: Direction,
) -> anyhow::Result<()> {
    let setup = Setup::start(kind).await?;
    let bytes = test_bytes(SIZE);
    let job = setup.job(direction, "big", &bytes)?;
    setup.proxy.set_script([(MIDDLE, Fault::Hold)]);
    let (server, destination) = (&setup.agent.server, setup.destination(direction, "big"));
    let transfer = setup.with_daemon(async || {
        let (_, directive) = server.send_job(job);
        setup.is_held().await?;
        server.wait_until("it runs", |state| state.all("status", &json!("running"))).await?;
        server.change(|state| state.is_unavailable = true);
        setup.proxy.release();
        wait_for_path(&destination).await?;
        let is_running = server.change(|state| state.all("status", &json!("running")));
        assert!(is_running, "the end was reported to a server that is unavailable");
        server.change(|state| state.is_unavailable = false);
        ended_transfer(&setup.agent, directive).await
    });
    assert_completed(&transfer.await?, &destination, &bytes)?;
    assert_eq!(server.change(|state| state.claims.len()), 1);
    Ok(())
}
