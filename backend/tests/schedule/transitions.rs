//! The days on which clocks are changed: each slot around a change of a time zone's clock is decided exactly once, by
//! the rule.

use backend::model::schedule::Schedule;
use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use crate::oracle::{Entry, Walk};

const FIRST_YEAR: i32 = 2000;
const LAST_YEAR: i32 = 2040;

/// The minutes between the instants whose next slot is compared.
const STRIDE: usize = 7;

/// A change of a time zone's clock: its time, and by how much the clock is ahead afterwards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Transition {
    at: DateTime<Utc>,
    before: TimeDelta,
    after: TimeDelta,
}

/// The numbers of compared time zones, transitions and slots.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) zones: usize,
    pub(crate) transitions: usize,
    pub(crate) slots: usize,
}

/// Checks a set of schedules around transitions of some zones.
pub(crate) fn check(zones: impl IntoIterator<Item = (Tz, Vec<Transition>)>) -> Tally {
    let mut tally = Tally::default();
    for (zone, transitions) in zones {
        tally.zones += 1;
        tally.transitions += transitions.len();
        tally.slots += transitions.into_iter().map(|transition| check_transition(zone, transition)).sum::<usize>();
    }
    tally
}

/// The transitions of a zone from 2000 to 2040.
pub(crate) fn transitions(zone: Tz) -> Vec<Transition> {
    let year = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single().unwrap_or_default();
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    let hours = std::iter::successors(Some(year(FIRST_YEAR)), |at| Some(*at + TimeDelta::hours(6)));
    let mut found = Vec::new();
    let mut before = offset(year(FIRST_YEAR));
    for end in hours.take_while(|at| *at < year(LAST_YEAR + 1)).filter(|at| {
        let changed = offset(*at) != before;
        before = offset(*at);
        changed
    }) {
        let minutes = (0..=6 * 60).rev().map(|minute| end - TimeDelta::minutes(minute));
        let start = offset(end - TimeDelta::hours(6));
        found.extend(minutes.skip_while(|at| offset(*at) == start).take(1).map(|at| Transition {
            at,
            before: TimeDelta::seconds(start.into()),
            after: TimeDelta::seconds(offset(at).into()),
        }));
    }
    found
}

/// Compares with the oracle from some hours before to some hours after. Returns the number of slots.
fn check_transition(zone: Tz, transition: Transition) -> usize {
    let jump = (transition.after - transition.before).abs();
    let around = TimeDelta::hours(3) + jump;
    // The walk begins earlier, so that it knows what the clock has shown.
    let (from, to) = (transition.at - around, transition.at + around);
    let walk = Walk::new(zone, from - jump, to);
    let minutes = (0..(to - from).num_minutes()).step_by(STRIDE);
    let starts: Vec<_> = minutes.map(|minute| from + TimeDelta::minutes(minute)).collect();
    schedules(transition)
        .iter()
        .map(|text| {
            let context = || format!("`{text}` in {} around {}", zone.name(), transition.at);
            let schedule = Schedule::parse(text, zone.name()).unwrap_or_else(|error| panic!("{}: {error}", context()));
            let entry = Entry::read(text).unwrap_or_else(|| panic!("{}: cron refuses it", context()));
            let expected: Vec<_> = walk.slots(&entry).into_iter().filter(|slot| *slot > from).collect();
            let found: Vec<_> = schedule.upcoming(from).take_while(|slot| *slot <= to).collect();
            assert_eq!(found, expected, "{}", context());
            for start in &starts {
                let next = schedule.next_after(*start).filter(|slot| *slot <= to);
                assert_eq!(next, expected.iter().find(|slot| *slot > start).copied(), "{} after {start}", context());
            }
            expected.len()
        })
        .sum()
}

/// Schedules that are affected by a transition: times at the edges and in the middle of the skipped or repeated period,
/// and some that are due all the time.
fn schedules(transition: Transition) -> Vec<String> {
    let show = |offset: TimeDelta| transition.at.naive_utc() + offset;
    let (low, high) = (show(transition.before.min(transition.after)), show(transition.before.max(transition.after)));
    let edge = |wall: NaiveDateTime, minutes| wall + TimeDelta::minutes(minutes);
    let times = [edge(low, -1), low, edge(low, 1), low + (high - low) / 2, edge(high, -1), high, edge(high, 1)];
    let (hour, other_hour) = (low.hour(), high.hour());
    let daily = times.iter().map(|wall| format!("{} {} * * *", wall.minute(), wall.hour()));
    let hourly = times.iter().map(|wall| format!("{} * * * *", wall.minute()));
    let once = times.iter().map(|wall| format!("{} {} {} {} *", wall.minute(), wall.hour(), wall.day(), wall.month()));
    let mixed = [
        format!("0,15,30,45 {hour},{other_hour} * * *"),
        format!("* {hour} * * *"),
        format!("*/7 {other_hour} * * *"),
        format!("{} */2 * * *", low.minute()),
        format!("0-59 {hour} {} * {}", low.day(), high.weekday().num_days_from_sunday()),
        format!("30 {hour} */2 * {}", low.weekday()),
    ];
    let constant = [
        "* * * * *",
        "*/15 * * * *",
        "0-59 0-23 * * *",
        "0-59/5 0-4 * * *",
        "@hourly",
        "@daily",
        "59 23 * * *",
        "0 */3 * * *",
    ];
    daily.chain(hourly).chain(once).chain(mixed).chain(constant.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// One time zone of every kind of change: an hour, half an hour, two hours, a whole day, at midnight, at one minute
    /// past it, in Ramadan, changes of the standard time.
    const SAMPLE: [Tz; 12] = [
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::Australia__Lord_Howe,
        Tz::Antarctica__Troll,
        Tz::Pacific__Apia,
        Tz::America__Havana,
        Tz::America__St_Johns,
        Tz::Africa__Casablanca,
        Tz::Asia__Gaza,
        Tz::Asia__Pyongyang,
        Tz::America__Caracas,
        Tz::Antarctica__Casey,
    ];

    #[test]
    fn every_slot_around_a_change_of_the_clock_is_decided_once() {
        // Of the changes from and to the same clock the first; `cargo xtask soak` looks at all of all zones.
        let tally = check(SAMPLE.map(|zone| {
            let mut kinds = BTreeSet::new();
            let mut transitions = transitions(zone);
            transitions.retain(|transition| kinds.insert((transition.before, transition.after)));
            (zone, transitions)
        }));
        assert!(tally.zones == SAMPLE.len() && tally.transitions > 25 && tally.slots > 30_000, "{tally:?}");
    }
}
