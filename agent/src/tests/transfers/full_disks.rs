//! Disks that are full, at either end.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use rstest::rstest;

use super::faulty_proxy::Fault;
use super::remote_server::Kind;
use super::{Setup, assert_failed, ended_transfer, job, run_job};
use crate::server::wire::Direction;
use crate::tests::test_bytes;

/// The size of the disk, in MiB.
const DISK: u32 = 16;

/// Bytes of a file that fits, as long as nothing else is written.
const SIZE: usize = 12 << 20;

/// Bytes that have passed when the disk is filled up.
const MIDDLE: u64 = 4 << 20;

/// What the agent says when its own disk is full.
const OWN_DISK: &str = "No space left";

/// A file system with little space, until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Creates a folder and mounts a file system of `mebibytes` on it, in memory.
    fn mount(folder: &Path, mebibytes: u32) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"]).arg(folder);
        let status = mount.status().context("mount is missing")?;
        anyhow::ensure!(status.success(), "cannot mount a file system in memory: {status}");
        Ok(Self(folder.to_owned()))
    }

    /// Takes all the space that is left.
    fn fill(&self) -> anyhow::Result<()> {
        let mut file = fs::File::create(self.0.join("filler"))?;
        let chunk = vec![1; 64 * 1024];
        loop {
            match file.write_all(&chunk) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Also if a server still has a file open there.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[rstest]
#[case::local_disk_of_sftp_as_root(Kind::Sftp, Direction::Pull, OWN_DISK)]
#[case::local_disk_of_ftp_as_root(Kind::Ftp, Direction::Pull, OWN_DISK)]
#[case::disk_of_the_sftp_server_as_root(Kind::Sftp, Direction::Push, "no space is left")]
// It gives no other reason.
#[case::disk_of_the_ftp_server_as_root(Kind::Ftp, Direction::Push, "Failure writing to local file")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH and vsftpd, and root"]
async fn a_disk_that_fills_up_fails_the_copy_and_keeps_nothing_of_it(
    #[case] kind: Kind,
    #[case] direction: Direction,
    #[case] reason: &str,
) -> anyhow::Result<()> {
    let setup = Setup::start(kind).await?;
    let folder = setup.destination(direction, "disk");
    let disk = SmallDisk::mount(&folder, DISK)?;
    setup.job(direction, "big", &test_bytes(SIZE))?;
    let job = match direction {
        Direction::Pull => job(&setup.remote, direction, &folder.join("big"), "big"),
        Direction::Push => job(&setup.remote, direction, &setup.agent.path("big"), "disk/big"),
    };
    setup.proxy.set_script([(MIDDLE, Fault::Hold)]);
    let transfer = setup.with_daemon(async || {
        let (_, directive) = setup.agent.server.send_job(job);
        setup.is_held().await?;
        disk.fill()?;
        setup.proxy.release();
        ended_transfer(&setup.agent, directive).await
    });
    let transfer = transfer.await?;
    assert_failed(&transfer, &folder.join("big"), reason);
    assert_failed(&transfer, &folder.join("big"), "disk/big");
    let left: Vec<_> = fs::read_dir(&folder)?.map(|entry| Ok(entry?.file_name())).collect::<anyhow::Result<_>>()?;
    assert_eq!(left, ["filler"], "an incomplete copy takes space");
    Ok(())
}

#[rstest]
#[case::local_disk_as_root(Kind::Sftp, Direction::Pull)]
#[case::disk_of_the_server_as_root(Kind::Sftp, Direction::Push)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH, and root"]
async fn a_copy_that_is_larger_than_the_disk_is_refused_before_a_byte_is_written(
    #[case] kind: Kind,
    #[case] direction: Direction,
) -> anyhow::Result<()> {
    let setup = Setup::start(kind).await?;
    let folder = setup.destination(direction, "disk");
    let disk = SmallDisk::mount(&folder, 1)?;
    setup.job(direction, "big", &test_bytes(SIZE))?;
    let job = match direction {
        Direction::Pull => job(&setup.remote, direction, &folder.join("big"), "big"),
        Direction::Push => job(&setup.remote, direction, &setup.agent.path("big"), "disk/big"),
    };
    let transfer = setup.with_daemon(async || run_job(&setup.agent, job).await).await?;
    assert_failed(&transfer, &folder.join("big"), &format!("{SIZE} bytes are needed"));
    assert_eq!(transfer["errorCode"], "noSpace", "{transfer}");
    assert_eq!(fs::read_dir(&folder)?.count(), 0);
    drop(disk);
    Ok(())
}
