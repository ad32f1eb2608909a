//! Vixie cron, implemented again from its own `entry.c` and `cron.c` minute by minute: slow and simple.
//!
//! No code of the product is used: the text is read character by character as cron does, and skipped and repeated times
//! are found by following the local clock.

use std::{iter::Peekable, str::Chars};

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

const MONTHS: &str = "jan feb mar apr may jun jul aug sep oct nov dec";
const WEEKDAYS: &str = "sun mon tue wed thu fri sat";

/// An entry of a crontab.
pub(crate) struct Entry {
    minute: Vec<u32>,
    hour: Vec<u32>,
    day_of_month: Vec<u32>,
    month: Vec<u32>,
    day_of_week: Vec<u32>,
    day_starred: bool,
    time_starred: bool,
}

impl Entry {
    /// Reads five fields; `None` if cron would refuse them.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = match text {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            text => text,
        };
        let fields: Vec<&str> = text.split([' ', '\t']).filter(|field| !field.is_empty()).collect();
        let &[minute, hour, day_of_month, month, day_of_week] = fields.as_slice() else { return None };
        Some(Self {
            minute: list(minute, 0, 59, "")?,
            hour: list(hour, 0, 23, "")?,
            day_of_month: list(day_of_month, 1, 31, "")?,
            month: list(month, 1, 12, MONTHS)?,
            day_of_week: list(day_of_week, 0, 7, WEEKDAYS)?,
            day_starred: day_of_month.starts_with('*') || day_of_week.starts_with('*'),
            time_starred: minute.starts_with('*') || hour.starts_with('*'),
        })
    }

    /// Whether the entry is due on a day.
    pub(crate) fn day(&self, date: NaiveDate) -> bool {
        let weekday = date.weekday().num_days_from_sunday();
        let day_of_week = self.day_of_week.iter().any(|day| day % 7 == weekday);
        let day_of_month = self.day_of_month.contains(&date.day());
        let day = if self.day_starred { day_of_month && day_of_week } else { day_of_month || day_of_week };
        self.month.contains(&date.month()) && day
    }

    /// Whether the entry is due at a local time.
    pub(crate) fn due(&self, wall: NaiveDateTime) -> bool {
        self.minute.contains(&wall.minute()) && self.hour.contains(&wall.hour()) && self.day(wall.date())
    }

    /// The first time after another at which the entry is due on a clock that is never changed, within 30 years.
    pub(crate) fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        let last = after.date() + TimeDelta::days(30 * 366);
        let days = after.date().iter_days().take_while(|day| *day < last).filter(|day| self.day(*day));
        let minutes = days.flat_map(|day| {
            (0..24 * 60).map(move |minute| day.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(minute))
        });
        minutes.filter(|wall| *wall > after).find(|wall| self.due(*wall))
    }
}

/// The local times of a period, minute by minute.
pub(crate) struct Walk {
    /// Each minute with its local time, and with the times that were skipped just before.
    minutes: Vec<(DateTime<Utc>, NaiveDateTime, Shown)>,
}

/// How a minute of the local clock compares with the minutes before.
enum Shown {
    First { skipped: Vec<NaiveDateTime> },
    Again,
}

impl Walk {
    /// Follows the clock of a time zone from one full minute to another.
    pub(crate) fn new(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let minute = TimeDelta::minutes(1);
        let show = |at: DateTime<Utc>| zone.from_utc_datetime(&at.naive_utc()).naive_local();
        let instants = std::iter::successors(Some(from), |at| Some(*at + minute)).take_while(|at| *at <= to);
        let mut latest = show(from) - minute;
        let minutes = instants.map(|at| {
            let wall = show(at);
            let shown = if wall > latest {
                let skipped = std::iter::successors(Some(latest + minute), |wall| Some(*wall + minute));
                let skipped = skipped.take_while(|skipped| *skipped < wall).collect();
                latest = wall;
                Shown::First { skipped }
            } else {
                Shown::Again
            };
            (at, wall, shown)
        });
        Self { minutes: minutes.collect() }
    }

    /// The slots of an entry in this period, by the contract's rule.
    pub(crate) fn slots(&self, entry: &Entry) -> Vec<DateTime<Utc>> {
        let decided = self.minutes.iter().filter(|(_, wall, shown)| match shown {
            _ if entry.time_starred => entry.due(*wall),
            Shown::First { skipped } => entry.due(*wall) || skipped.iter().any(|skipped| entry.due(*skipped)),
            Shown::Again => false,
        });
        decided.map(|(at, _, _)| *at).collect()
    }
}

/// `get_list`: ranges with commas between.
fn list(text: &str, low: u32, high: u32, names: &str) -> Option<Vec<u32>> {
    let mut rest = text.chars().peekable();
    let mut values = Vec::new();
    loop {
        range(&mut rest, low, high, names, &mut values)?;
        match rest.next() {
            None => return Some(values),
            Some(',') => {}
            Some(_) => return None,
        }
    }
}

/// `get_range`: `*`, a number, or two with a dash, the first and the last with a step.
fn range(rest: &mut Peekable<Chars>, low: u32, high: u32, names: &str, values: &mut Vec<u32>) -> Option<()> {
    let (first, last) = if rest.next_if_eq(&'*').is_some() {
        (low, high)
    } else {
        let first = number(rest, low, names)?;
        if rest.next_if_eq(&'-').is_none() {
            values.push(first);
            return (low..=high).contains(&first).then_some(());
        }
        (first, number(rest, low, names)?)
    };
    let step = if rest.next_if_eq(&'/').is_some() { number(rest, 0, "")? } else { 1 };
    if step == 0 || first > last || first < low || last > high {
        return None;
    }
    let mut value = first;
    while value <= last {
        values.push(value);
        value += step;
    }
    Some(())
}

/// `get_number`: letters and digits up to the next mark.
fn number(rest: &mut Peekable<Chars>, low: u32, names: &str) -> Option<u32> {
    let mut word = String::new();
    while let Some(character) = rest.next_if(char::is_ascii_alphanumeric) {
        word.push(character.to_ascii_lowercase());
    }
    match (0..).zip(names.split(' ')).find(|(_, name)| !word.is_empty() && *name == word) {
        Some((position, _)) => Some(low + position),
        None => word.parse::<u16>().ok().map(u32::from),
    }
}
