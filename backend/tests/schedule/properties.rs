//! For any text, any time zone and any time, the product has the same slots as the oracle.

use backend::model::schedule::Schedule;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::oracle::{Entry, Walk};

const MONTHS: [&str; 12] = ["jan", "Feb", "MAR", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "Mon", "TUE", "wed", "thu", "fri", "sat"];

/// An item of a list that cron accepts.
fn item(low: u32, high: u32, names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = move |value: u32, named: bool| match names.get((value - low) as usize) {
        Some(name) if named => (*name).to_owned(),
        _ => value.to_string(),
    };
    let range = (low..=high, low..=high, any::<[bool; 2]>()).prop_map(move |(left, right, named)| {
        format!("{}-{}", word(left.min(right), named[0]), word(left.max(right), named[1]))
    });
    prop_oneof![
        3 => Just("*".to_owned()),
        1 => (1..=high + 2).prop_map(|step| format!("*/{step}")),
        4 => (low..=high, any::<bool>()).prop_map(move |(value, named)| word(value, named)),
        2 => range.clone(),
        1 => (range, 1..=high).prop_map(|(range, step)| format!("{range}/{step}")),
    ]
}

fn field(low: u32, high: u32, names: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => item(low, high, names),
        1 => vec(item(low, high, names), 2..4).prop_map(|items| items.join(",")),
    ]
}

/// A text that cron accepts.
fn text() -> impl Strategy<Value = String> {
    let shorthand = select(vec!["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"]);
    let fields =
        (field(0, 59, &[]), field(0, 23, &[]), field(1, 31, &[]), field(1, 12, &MONTHS), field(0, 7, &WEEKDAYS));
    prop_oneof![
        20 => fields.prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}")),
        1 => shorthand.prop_map(str::to_owned),
    ]
}

/// A text that a user may type.
fn scribble() -> impl Strategy<Value = String> {
    let mark = select(vec!["*", "/", "-", ",", "?", "0", "1", "5", "7", "31", "60", "mon", "Feb", "L", "+", "@daily"]);
    let scribbled = vec(mark, 1..5).prop_map(|marks| marks.concat());
    let field = prop_oneof![3 => select(vec!["*", "1", "*/2", "1-5"]).prop_map(str::to_owned), 1 => scribbled];
    (vec(field, 4..7), select(vec![" ", "  ", "\t", " \t"])).prop_map(|(fields, between)| fields.join(between))
}

/// An instant from 2000 to 2040, also within a minute.
fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (946_684_800_i64..2_240_524_800, prop_oneof![Just(0_u32), 0..1_000_000_000_u32])
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).unwrap_or_default())
}

proptest! {
    #[test]
    fn what_cron_reads_is_read_and_nothing_else(text in prop_oneof![text(), scribble()]) {
        let comes = Entry::read(&text).is_some_and(|entry| entry.next(DateTime::UNIX_EPOCH.naive_utc()).is_some());
        let read = Schedule::parse(&text, "UTC");
        prop_assert_eq!(read.is_ok(), comes, "{:?}", read);
    }

    #[test]
    fn every_slot_of_some_days_is_found_in_any_zone(text in text(), zone in select(TZ_VARIANTS.to_vec()), from in instant()) {
        let (Ok(schedule), Some(entry)) = (Schedule::parse(&text, zone.name()), Entry::read(&text)) else { return Ok(()) };
        let minute = DateTime::from_timestamp(from.timestamp() / 60 * 60, 0).unwrap_or_default();
        let to = minute + TimeDelta::days(3);
        let slots = Walk::new(zone, minute - TimeDelta::days(2), to).slots(&entry);
        let expected: Vec<_> = slots.into_iter().filter(|slot| *slot > from).collect();
        let found: Vec<_> = schedule.upcoming(from).take_while(|slot| *slot <= to).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_next_slot_is_found_however_far_away(text in text(), from in instant()) {
        let (Ok(schedule), Some(entry)) = (Schedule::parse(&text, "UTC"), Entry::read(&text)) else { return Ok(()) };
        prop_assert_eq!(schedule.next_after(from).map(|slot| slot.naive_utc()), entry.next(from.naive_utc()));
    }

    #[test]
    fn what_is_said_names_the_zone_or_needs_none(text in text(), zone in select(TZ_VARIANTS.to_vec())) {
        let Ok(schedule) = Schedule::parse(&text, zone.name()) else { return Ok(()) };
        let said = schedule.describe();
        prop_assert!(said.ends_with(zone.name()) || said.starts_with("Every"), "{}", said);
        prop_assert!(said.starts_with(char::is_uppercase) && !said.contains("  "), "{}", said);
    }
}

/// Tests the first and the last instants, and schedules that are due once in many years.
#[test]
fn no_instant_is_too_far() {
    for text in ["0 0 29 2 *", "* * * * *", "0 0 29 2 */7", "30 2 * * *"] {
        for zone in [Tz::UTC, Tz::Pacific__Apia, Tz::America__New_York] {
            let schedule = Schedule::parse(text, zone.name()).expect("a schedule");
            let first = schedule.next_after(DateTime::<Utc>::MIN_UTC).expect("a first slot");
            assert!(first >= DateTime::UNIX_EPOCH, "{first}");
            assert_eq!(schedule.next_after(DateTime::<Utc>::MAX_UTC), None);
            let end = "2100-12-31T00:00:00Z".parse().expect("an instant");
            assert!(schedule.upcoming(end).count() <= 2 * 24 * 60);
        }
    }
}
