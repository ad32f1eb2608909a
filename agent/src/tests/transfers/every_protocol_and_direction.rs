//! Every protocol in both directions, as a job and by `agent copy`.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use serde_json::json;

use super::remote_server::{Kind, Remote};
use super::sample_sources::{Content, has_holes, snapshot};
use super::{job, run_job, settings};
use crate::command::copy as copy_command;
use crate::command::copy_args::CopyArgs;
use crate::exit::Exit;
use crate::server::wire::Direction;
use crate::tests::{TestAgent, sha256};

/// The folders at both ends: of the sources, of the copies by hand and of the copies by jobs.
const FOLDERS: [&str; 3] = ["out", "by-hand", "by-job"];

#[rstest]
#[case::local(Kind::Local)]
#[case::sftp(Kind::Sftp)]
#[case::ftp_as_root(Kind::Ftp)]
#[case::ftps_explicit_as_root(Kind::FtpsExplicit)]
#[case::ftps_implicit_as_root(Kind::FtpsImplicit)]
#[case::pure_ftp_as_root(Kind::PureFtp)]
#[case::pure_ftps_as_root(Kind::PureFtps)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenSSH, vsftpd and pure-ftpd, and root"]
async fn every_content_is_copied_with_equal_checksums(
    #[case] kind: Kind,
    #[values(Direction::Pull, Direction::Push)] direction: Direction,
) -> anyhow::Result<()> {
    let remote = Remote::start(kind)?;
    let agent = TestAgent::start().await?;
    for folder in FOLDERS {
        fs::create_dir(agent.path(folder))?;
        remote.create_folder(folder)?;
    }
    let settings = settings(&agent, &remote.config(remote.port(), ""))?;
    let here = |folder: &str| agent.path(folder);
    let there = |folder: &str| remote.path(folder);
    let is_pull = direction == Direction::Pull;
    let source_folder = if is_pull { there("out") } else { here("out") };
    let target = |folder: &str, content: Content| {
        let folder = if is_pull { here(folder) } else { there(folder) };
        folder.join(content.name())
    };
    for content in Content::ALL {
        content.create(&source_folder, kind)?;
        let (remote_name, local) = if is_pull {
            (format!("out/{}", content.name()), target("by-hand", content))
        } else {
            (format!("by-hand/{}", content.name()), here("out").join(content.name()))
        };
        let remote_name = PathBuf::from(remote.location(&remote_name));
        let (source, destination) = if is_pull { (remote_name, local) } else { (local, remote_name) };
        let args = CopyArgs { sources: vec![source], destination, ..agent.args("", "") };
        assert_eq!(copy_command::copy(&settings, &args).await?, Exit::Done, "{content:?}");
        assert_equal(content, &source_folder, &target("by-hand", content))?;
    }
    agent
        .with_daemon_settings(settings, &TestAgent::run_args(), async || {
            for content in Content::ALL {
                let name = content.name();
                let (local, remote_name) = if is_pull { ("by-job", "out") } else { ("out", "by-job") };
                let job = job(&remote, direction, &here(local).join(&name), &format!("{remote_name}/{name}"));
                let transfer = run_job(&agent, job).await?;
                assert_eq!(transfer["status"], "completed", "{content:?}: {transfer}");
                assert_equal(content, &source_folder, &target("by-job", content))?;
                if content.is_file() {
                    let digest = sha256(&source_folder.join(&name))?;
                    assert_eq!(transfer["checksumSha256"], json!(digest), "{content:?}");
                }
            }
            Ok(())
        })
        .await?;
    // How a server stores the zeros is its own affair.
    if is_pull || kind == Kind::Local {
        for folder in ["by-hand", "by-job"] {
            assert!(has_holes(&target(folder, Content::Sparse))?, "{folder}");
        }
    }
    for folder in FOLDERS {
        for end in [here(folder), there(folder)] {
            assert_no_part_is_left(&end)?;
        }
    }
    Ok(())
}

fn assert_equal(content: Content, source_folder: &Path, copy: &Path) -> anyhow::Result<()> {
    let source = snapshot(&source_folder.join(content.name()))?;
    assert!(!source.is_empty());
    assert_eq!(snapshot(copy)?, source, "{content:?}");
    Ok(())
}

fn assert_no_part_is_left(folder: &Path) -> anyhow::Result<()> {
    for path in snapshot(folder)?.into_keys() {
        assert!(!path.to_string_lossy().ends_with(".mftplus-part"), "{} is left", path.display());
    }
    Ok(())
}
