//! Tests of the state files.

use std::time::SystemTime;
use std::{fs, io};

use uuid::Uuid;

use super::{BeginError, Claimed, TransferStore};
use crate::server::wire::{Direction, PartOf, Status, TransferDetails};
use crate::transfer::copy_rules::{CopyRules, OnExists};
use crate::transfer::state::{CopyOptions, FinalReport, Phase, Protocol, StreamState, TransferState};

/// A transfer of a job that is not created on the server yet.
fn new_transfer() -> TransferState {
    TransferState {
        id: None,
        idempotency_key: Uuid::new_v4(),
        source: "/a".into(),
        destination: "/b".into(),
        direction: Direction::Push,
        size: 0,
        attempt: 1,
        options: CopyOptions::default(),
        part_of: PartOf { job_run_id: Some(Uuid::new_v4()), ..PartOf::default() },
        phase: Phase::Creating,
        copied: None,
        report: None,
        stream: None,
    }
}

#[test]
fn a_creation_whose_recording_was_interrupted_leaves_the_destination_to_later_copies() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = TransferStore::open(dir.path())?;
    let first = new_transfer();
    let mut claim = store.begin(first.clone())?;
    claim.record_creation(Uuid::new_v4(), 1)?;
    drop(claim);
    // The process was killed before it removed the state under the first name.
    first.write(&store.json(&first.name()))?;

    let Claimed::Ours(mut claim) = store.claim_begun(first.idempotency_key)? else { anyhow::bail!("not claimed") };
    assert!(claim.state.id.is_some());
    let (status, details) = (Status::Completed, TransferDetails::default());
    claim.record_end(FinalReport { status, bytes_transferred: 0, attempt: 1, details, error: None })?;
    claim.record_reported()?;
    assert!(store.list()?.is_empty());
    assert!(store.begin(new_transfer()).is_ok());
    Ok(())
}

#[test]
fn a_copy_that_is_asked_for_again_has_the_new_credentials_but_not_other_rules() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = TransferStore::open(dir.path())?;
    let asked = |on_exists: OnExists, credentials: Option<&str>| {
        let stream = StreamState::new(Protocol::Sftp, CopyRules { on_exists, ..CopyRules::default() });
        let stream = StreamState { credentials: credentials.map(str::to_owned), ..stream };
        TransferState { part_of: PartOf::default(), stream: Some(stream), ..new_transfer() }
    };
    // Of a creation that the server has not confirmed nothing is kept.
    drop(store.begin(asked(OnExists::Skip, None))?);
    let mut claim = store.begin(asked(OnExists::Fail, None))?;
    let id = Uuid::new_v4();
    claim.record_creation(id, 1)?;
    drop(claim);
    let plain = TransferState { stream: None, ..asked(OnExists::Fail, None) };
    for other in [asked(OnExists::Skip, None), plain] {
        assert!(matches!(store.begin(other), Err(BeginError::OtherRules { .. })));
    }
    let claim = store.begin(asked(OnExists::Fail, Some("partner")))?;
    let credentials = claim.state.stream.as_ref().and_then(|stream| stream.credentials.as_deref());
    assert_eq!((claim.state.id, credentials), (Some(id), Some("partner")));
    Ok(())
}

#[test]
fn an_expired_creation_is_deleted_unless_a_process_still_waits_for_the_server() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = TransferStore::open(dir.path())?;
    let claim = store.begin(new_transfer())?;
    let path = store.json(&claim.state.name());
    fs::File::options().write(true).open(&path)?.set_modified(SystemTime::UNIX_EPOCH)?;
    store.prune()?;
    assert!(path.exists());
    drop(claim);
    store.prune()?;
    assert!(!path.exists());
    Ok(())
}

#[test]
fn an_error_of_the_state_folder_is_shown_once() {
    let error = anyhow::Error::new(BeginError::Io(io::Error::other("cannot open x")));
    assert_eq!(format!("{error:#}"), "cannot use the state folder: cannot open x");
}
