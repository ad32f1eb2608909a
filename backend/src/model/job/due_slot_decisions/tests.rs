//! Tests of the decisions about due slots: which slots run, and which are missed, skipped or coalesced.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-04-25T13:00:30Z".parse().expect("an instant")
}

fn due(catch_up: CatchUp, overlap: Overlap) -> Due {
    Due { overlap, catch_up, is_busy: false, queued: 0, now: now() }
}

/// Slots at the given numbers of minutes before the current time.
fn minutes_ago(minutes: &[i64]) -> impl Iterator<Item = DateTime<Utc>> {
    let full = now() - TimeDelta::seconds(30);
    minutes.iter().map(move |minutes| full - TimeDelta::minutes(*minutes)).collect::<Vec<_>>().into_iter()
}

fn verdicts(decisions: &[Decision]) -> String {
    let word = |decision: &Decision| match &decision.verdict {
        Verdict::Run => "run".to_owned(),
        Verdict::Queue => "queue".to_owned(),
        Verdict::Drop(outcome, _) => match decision.range {
            Some((_, count)) => format!("{outcome}x{count}"),
            None => outcome.to_string(),
        },
    };
    decisions.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[rstest]
#[case::on_time(&[0], CatchUp::Last, Overlap::Skip, "run")]
#[case::last(&[180, 120, 60], CatchUp::Last, Overlap::Skip, "coalesced coalesced run")]
#[case::last_with_one_on_time(&[120, 60, 0], CatchUp::Last, Overlap::Skip, "coalesced coalesced run")]
#[case::skip(&[120, 60, 0], CatchUp::Skip, Overlap::Skip, "missed missed run")]
#[case::all_in_turn(&[120, 60, 0], CatchUp::All, Overlap::Skip, "run queue queue")]
#[case::all_at_once(&[120, 60], CatchUp::All, Overlap::Allow, "run run")]
#[case::days(&[4320, 2880, 60], CatchUp::Last, Overlap::Skip, "missedx2 run")]
#[case::nothing_recent(&[4320, 2880], CatchUp::All, Overlap::Skip, "missedx2")]
fn missed_slots_follow_the_rule(
    #[case] slots: &[i64],
    #[case] catch_up: CatchUp,
    #[case] overlap: Overlap,
    #[case] expected: &str,
) {
    assert_eq!(verdicts(&decide(minutes_ago(slots), due(catch_up, overlap))), expected);
}

#[rstest]
#[case(Overlap::Skip, "skipped")]
#[case(Overlap::Queue, "queue")]
#[case(Overlap::Allow, "run")]
fn overlapping_slots_follow_the_rule(#[case] overlap: Overlap, #[case] expected: &str) {
    let due = Due { is_busy: true, ..due(CatchUp::Last, overlap) };
    assert_eq!(verdicts(&decide(minutes_ago(&[0]), due)), expected);
}

#[test]
fn a_full_queue_takes_no_more() {
    let due = Due { is_busy: true, queued: MAX_CAUGHT_UP, ..due(CatchUp::Last, Overlap::Queue) };
    assert_eq!(verdicts(&decide(minutes_ago(&[0]), due)), "skipped");
}

#[rstest]
#[case(CatchUp::All, "missedx20 run")]
#[case(CatchUp::Last, "coalescedx20 coalesced")]
#[case(CatchUp::Skip, "missedx20 missed")]
fn beyond_a_hundred_there_is_one_row(#[case] catch_up: CatchUp, #[case] begins: &str) {
    let minutes: Vec<i64> = (2..122).rev().collect();
    let decisions = decide(minutes_ago(&minutes), due(catch_up, Overlap::Skip));
    assert_eq!(decisions.len(), 1 + MAX_CAUGHT_UP);
    assert!(verdicts(&decisions).starts_with(begins), "{}", verdicts(&decisions));
}

proptest! {
    #[test]
    fn every_slot_is_decided_once(
        mut minutes in prop::collection::btree_set(0_i64..10_000, 0..400),
        catch_up in prop::sample::select(&[CatchUp::Last, CatchUp::Skip, CatchUp::All][..]),
        overlap in prop::sample::select(&[Overlap::Skip, Overlap::Queue, Overlap::Allow][..]),
        is_busy: bool,
    ) {
        let slots: Vec<i64> = std::mem::take(&mut minutes).into_iter().rev().collect();
        let decisions = decide(minutes_ago(&slots), Due { is_busy, ..due(catch_up, overlap) });
        let counted: i64 = decisions.iter().map(|decision| decision.range.map_or(1, |(_, count)| count)).sum();
        prop_assert_eq!(counted, i64::try_from(slots.len()).unwrap_or(0));
        prop_assert!(decisions.is_sorted_by(|a, b| a.scheduled_for < b.scheduled_for));
        let runs = decisions.iter().filter(|decision| decision.verdict == Verdict::Run).count();
        prop_assert!(runs <= 1 || overlap == Overlap::Allow);
    }
}
