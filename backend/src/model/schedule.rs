//! Schedules: five-field cron as Vixie cron reads it, in a time zone.
//!
//! The `cron` crate finds the dates. It does not follow the rules of Unix cron, so this module passes it only what both
//! understand: lists of numbers, the days of the week by name, and two calendars for "day of month OR day of week". The
//! crate works with local times as if they were UTC; [`zone`] then finds the instants at which a clock in the time zone
//! shows them, by the rule of the contract.

mod describe;
mod field;
mod overlap_and_catch_up;
mod zone;

use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound, Utc};

use field::{DAY_OF_MONTH, DAY_OF_WEEK, Field, HOUR, MINUTE, MONTH, WEEKDAYS};
pub(super) use zone::Zone;

pub use overlap_and_catch_up::{CatchUp, Overlap};

/// The time zone of a schedule that names none.
pub const DEFAULT_TIMEZONE: &str = "UTC";

/// The last year of the `cron` crate: later slots are not known.
const LAST_YEAR: i32 = 2100;

/// The keywords that can be written instead of five fields.
const SHORTHANDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// A schedule: a cron expression in a time zone, which determines the slots.
#[derive(Clone, Debug)]
pub struct Schedule {
    text: String,
    zone: Zone,
    times: Times,
    calendars: Vec<cron::Schedule>,
}

/// An error of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct ScheduleError {
    /// The input with the error: `schedule` or `timezone`.
    pub field: &'static str,
    /// The message that says what the input must be.
    pub message: String,
}

/// The five fields.
#[derive(Clone, Debug)]
struct Times {
    minute: Field,
    hour: Field,
    day_of_month: Field,
    month: Field,
    day_of_week: Field,
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    ///
    /// A sentence that says which field is wrong, and which values it may have.
    pub fn parse(text: &str, timezone: &str) -> Result<Self, ScheduleError> {
        let times = Times::parse(text).map_err(|message| ScheduleError { field: "schedule", message })?;
        let calendars = times.calendars().map_err(|message| ScheduleError { field: "schedule", message })?;
        let zone = Zone::parse(timezone).map_err(|message| ScheduleError { field: "timezone", message })?;
        Ok(Self { text: text.to_owned(), zone, times, calendars })
    }

    /// The text as it was sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The IANA name of the time zone.
    #[must_use]
    pub fn timezone(&self) -> &str {
        self.zone.name()
    }

    /// The first slot after an instant; `None` if there is no slot before the year 2101.
    #[must_use]
    pub fn next_after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if instant.year() > LAST_YEAR {
            return None;
        }
        let instant = instant.max(DateTime::UNIX_EPOCH).trunc_subsecs(0);
        if self.times.follow_elapsed_time() { self.next_elapsed(instant) } else { self.next_nominal(instant) }
    }

    /// All slots after an instant, earliest first.
    pub fn upcoming(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        std::iter::successors(self.next_after(after), |slot| self.next_after(*slot))
    }

    /// The offset of the time zone from UTC at an instant, in minutes; positive east of Greenwich.
    #[must_use]
    pub fn utc_offset_minutes(&self, at: DateTime<Utc>) -> i64 {
        (self.zone.wall_clock(at) - at.naive_utc()).num_minutes()
    }

    /// The schedule in plain English, with its time zone.
    #[must_use]
    pub fn describe(&self) -> String {
        describe::sentence(&self.times, self.zone.name())
    }

    /// The next slot of a schedule that names hours and minutes. Each local time happens once: the first time that the
    /// clock shows it, or would have shown it.
    fn next_nominal(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // The instants of later wall-clock times are never earlier, so the first one that lies ahead is the next slot.
        // There is no such time only while an hour is repeated, so the loop is short.
        self.dates_after(self.zone.wall_clock(instant)).map(|wall| self.zone.once(wall)).find(|slot| *slot > instant)
    }

    /// The next slot of a schedule that recurs every hour or every minute: each instant at which the clock shows one of
    /// its times.
    fn next_elapsed(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let now = self.zone.wall_clock(instant);
        let ahead = self.first_shown(now, instant);
        // If the clock is about to be set back, times that it has shown are shown again.
        let Some(shown_again) = self.zone.will_be_put_back(instant) else { return ahead };
        let again = self.dates_from(shown_again).find_map(|wall| self.zone.every(wall).find(|slot| *slot > instant));
        ahead.into_iter().chain(again).min()
    }

    /// The first instant after `instant` at which the clock shows a time of the schedule after `wall`.
    fn first_shown(&self, wall: NaiveDateTime, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut next = self.date_after(wall)?;
        loop {
            if let Some(slot) = self.zone.every(next).find(|slot| *slot > instant) {
                return Some(slot);
            }
            // Over a gap in one step; one in which a day went missing is long.
            next = match self.zone.gap_end(next) {
                Some(end) => self.dates_from(end).next()?,
                None => self.date_after(next)?,
            };
        }
    }

    fn dates_from(&self, wall: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + '_ {
        self.dates_after(wall - chrono::TimeDelta::seconds(1))
    }

    fn dates_after(&self, wall: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + '_ {
        std::iter::successors(self.date_after(wall), |wall| self.date_after(*wall))
    }

    /// The first local time after another at which the schedule is due.
    fn date_after(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        first_date(&self.calendars, wall)
    }
}

impl Times {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let fields = if text.starts_with('@') { expand(text)? } else { text };
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let [minute, hour, day_of_month, month, day_of_week] = fields[..] else {
            return Err(field_count(fields.len()));
        };
        Ok(Self {
            minute: MINUTE.parse(minute)?,
            hour: HOUR.parse(hour)?,
            day_of_month: DAY_OF_MONTH.parse(day_of_month)?,
            month: MONTH.parse(month)?,
            day_of_week: DAY_OF_WEEK.parse(day_of_week)?,
        })
    }

    /// The calendars whose dates together are those of the schedule: two if either day of month or day of week may
    /// match.
    fn calendars(&self) -> Result<Vec<cron::Schedule>, String> {
        let every = ("*".to_owned(), "*".to_owned());
        let days = (self.day_of_month.numbers(), self.day_of_week.names(&WEEKDAYS));
        let days = if self.either_day() { vec![(days.0, every.1), (every.0, days.1)] } else { vec![days] };
        let calendars = days.into_iter().map(|(day_of_month, day_of_week)| {
            let (minute, hour, month) = (self.minute.numbers(), self.hour.numbers(), self.month.numbers());
            cron::Schedule::from_str(&format!("0 {minute} {hour} {day_of_month} {month} {day_of_week}"))
        });
        let calendars = calendars.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        // Every date that exists comes within 28 years, on each day of the week.
        match first_date(&calendars, DateTime::UNIX_EPOCH.naive_utc()) {
            Some(_) => Ok(calendars),
            None => Err(describe::never(self)),
        }
    }

    /// Vixie cron's rule: days of month and of week are alternatives, unless one of the fields begins with `*`.
    fn either_day(&self) -> bool {
        !self.day_of_month.starred && !self.day_of_week.starred
    }

    /// Whether the schedule follows elapsed time rather than the local time of day.
    fn follow_elapsed_time(&self) -> bool {
        self.minute.starred || self.hour.starred
    }
}

fn field_count(count: usize) -> String {
    let has = match count {
        0 => "it is empty".to_owned(),
        1 => "it has one".to_owned(),
        6 | 7 => format!("it has {count}; there is no field for seconds or years"),
        _ => format!("it has {count}"),
    };
    format!("must have five fields (minute, hour, day of month, month, day of week), such as `0 2 * * *`: {has}")
}

/// The first date of any of the calendars after a local time.
fn first_date(calendars: &[cron::Schedule], wall: NaiveDateTime) -> Option<NaiveDateTime> {
    let dates = calendars.iter().filter_map(|calendar| calendar.after(&wall.and_utc()).next());
    dates.min().map(|date| date.naive_utc())
}

/// The five fields of a keyword such as `@daily`.
fn expand(word: &str) -> Result<&'static str, String> {
    let known = SHORTHANDS.iter().find(|(name, _)| *name == word);
    known.map(|(_, fields)| *fields).ok_or_else(|| {
        let names = SHORTHANDS.map(|(name, _)| name).join(", ");
        format!("must be one of {names}, or five fields such as `0 2 * * *`: `{word}` is not known")
    })
}
