//! Tests of the status transitions and the progress of a transfer.

#![expect(clippy::float_cmp, reason = "numbers that are stored as they were sent")]

use TransferStatus::{Cancelled, Completed, Failed, Queued, Running};
use chrono::TimeDelta;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::model::field_reader::Change;

fn state(status: TransferStatus) -> TransferState {
    TransferState { status, ..TransferState::new(Some(1000)) }
}

fn to(status: TransferStatus) -> UpdateTransfer {
    UpdateTransfer { status: Some(status), ..UpdateTransfer::default() }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

#[rstest]
fn every_pair_of_states_follows_the_published_table(
    #[values(Queued, Running, Completed, Failed, Cancelled)] from: TransferStatus,
    #[values(Queued, Running, Completed, Failed, Cancelled)] next: TransferStatus,
) {
    let allowed = from == next
        || matches!(
            (from, next),
            (Queued, Running | Completed | Failed | Cancelled)
                | (Running, Completed | Failed | Cancelled)
                | (Failed, Queued | Running)
        );
    let mut after = state(from);
    let outcome = after.advance(&to(next), at(1));
    assert_eq!(outcome.is_ok(), allowed, "{from} to {next}");
    if !allowed {
        assert_eq!(after, state(from), "a refused report leaves everything as it was");
    }
}

#[test]
fn the_first_running_sets_the_start_and_a_second_does_not() {
    let mut transfer = state(Queued);
    transfer.advance(&to(Running), at(1)).ok();
    assert_eq!(transfer.started_at, Some(at(1)));
    assert_eq!(transfer.advance(&to(Running), at(2)).ok(), Some(Advance::Unchanged));
    assert_eq!((transfer.started_at, transfer.revision), (Some(at(1)), 2));
}

#[test]
fn completed_means_all_of_it() {
    let mut transfer = state(Running);
    assert_eq!(transfer.advance(&to(Completed), at(5)).ok(), Some(Advance::Lifecycle));
    assert_eq!((transfer.progress.percent, transfer.progress.bytes_transferred), (100.0, 1000));
    assert_eq!(transfer.completed_at, Some(at(5)));
}

#[test]
fn a_late_lower_number_is_ignored_and_progress_follows_bytes() {
    let mut transfer = state(Running);
    let bytes = |bytes| UpdateTransfer { bytes_transferred: Some(bytes), ..UpdateTransfer::default() };
    transfer.advance(&bytes(455), at(1)).ok();
    assert_eq!(transfer.progress.percent, 45.5);
    assert_eq!(transfer.advance(&bytes(100), at(2)).ok(), Some(Advance::Unchanged));
    assert_eq!(transfer.progress.bytes_transferred, 455);
    transfer.advance(&bytes(5000), at(3)).ok();
    assert_eq!((transfer.progress.percent, transfer.progress.bytes_transferred), (100.0, 5000));
}

#[test]
fn a_new_attempt_starts_over_and_outdates_reports_of_the_old_one() {
    let mut transfer = state(Running);
    let failed = UpdateTransfer { error: Change::Set("disk full".into()), bytes_transferred: Some(9), ..to(Failed) };
    transfer.advance(&failed, at(1)).ok();
    assert_eq!(transfer.error_message.as_deref(), Some("disk full"));
    transfer.advance(&to(Running), at(2)).ok();
    assert_eq!((transfer.attempt, transfer.error_message.clone(), transfer.completed_at), (2, None, None));
    assert_eq!(transfer.progress.bytes_transferred, 0);
    let late = UpdateTransfer { attempt: Some(1), ..to(Failed) };
    assert_eq!(transfer.advance(&late, at(3)).ok(), Some(Advance::Unchanged));
    let early = UpdateTransfer { attempt: Some(4), ..to(Running) };
    assert!(transfer.advance(&early, at(3)).is_err());
}

#[test]
fn the_truth_may_come_late_after_a_lease() {
    let mut transfer = state(Running);
    transfer.fail_by_lease("silent", at(1));
    assert_eq!(transfer.details.error_code.as_deref(), Some("lease"));
    assert!(transfer.clone().advance(&to(Cancelled), at(2)).is_err());
    assert_eq!(transfer.advance(&to(Completed), at(2)).ok(), Some(Advance::Lifecycle));
    assert_eq!((transfer.status, transfer.error_message.clone()), (Completed, None));
    assert_eq!(transfer.details.error_code, None);
}

#[test]
fn a_completed_transfer_keeps_the_message_of_its_last_report_and_of_none_before() {
    let said = |status, text: &str| UpdateTransfer { error: Change::Set(text.to_owned()), ..to(status) };
    for (last, kept) in [(to(Completed), None), (said(Completed, "special files (1): a"), Some("special files (1): a"))]
    {
        let mut transfer = state(Running);
        transfer.advance(&said(Running, "attempt 1 was interrupted"), at(1)).expect("it runs");
        transfer.advance(&last, at(2)).expect("it completes");
        assert_eq!(transfer.error_message.as_deref(), kept);
    }
}

#[test]
fn a_stall_ends_with_the_next_progress() {
    let mut transfer = TransferState { stalled: true, ..state(Running) };
    let speed = UpdateTransfer { speed: Some(5.0), ..UpdateTransfer::default() };
    assert_eq!(transfer.advance(&speed, at(1)).ok(), Some(Advance::Progressed));
    assert!(transfer.stalled);
    let bytes = UpdateTransfer { bytes_transferred: Some(5), ..UpdateTransfer::default() };
    assert_eq!(transfer.advance(&bytes, at(2)).ok(), Some(Advance::Lifecycle));
    assert!(!transfer.stalled);
}

#[test]
fn the_estimate_follows_the_speed() {
    let mut transfer = state(Running);
    assert_eq!(transfer.eta_seconds(), None);
    transfer.progress.speed = 300.0;
    assert_eq!(transfer.eta_seconds(), Some(4));
    transfer.progress.speed = 1e-9;
    assert_eq!(transfer.eta_seconds(), None);
}

proptest! {
    #[test]
    fn no_report_changes_a_final_state_or_lowers_numbers(
        reports in prop::collection::vec(
            (prop::option::of(0_u8..5), prop::option::of(0.0..100.0_f64), prop::option::of(0_i64..2000)), 1..40)
    ) {
        let states = [Queued, Running, Completed, Failed, Cancelled];
        let mut transfer = state(Queued);
        for (second, (status, progress, bytes_transferred)) in reports.into_iter().enumerate() {
            let before = transfer.clone();
            let status = status.map(|index| states[usize::from(index)]);
            let patch = UpdateTransfer { status, progress, bytes_transferred, ..UpdateTransfer::default() };
            let outcome = transfer.advance(&patch, at(i64::try_from(second).unwrap_or(0)));
            if matches!(before.status, Completed | Cancelled) || outcome.is_err() {
                prop_assert_eq!(&transfer, &before);
            }
            if transfer.attempt == before.attempt {
                prop_assert!(transfer.progress.percent >= before.progress.percent);
                prop_assert!(transfer.status == Completed
                    || transfer.progress.bytes_transferred >= before.progress.bytes_transferred);
            }
            let changed = transfer != before;
            prop_assert_eq!(transfer.revision, before.revision + i64::from(changed));
        }
    }
}
