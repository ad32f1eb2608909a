//! Instants and calendar dates. A calendar library would make the page larger.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

const DAY: i64 = 86_400_000;

/// An instant, in milliseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(pub(crate) i64);

/// An instant as date and time in a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// The month, 1 to 12.
    pub(crate) month: i64,
    /// The day of the month, 1 to 31.
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    pub(crate) millisecond: i64,
}

impl Instant {
    /// Reads RFC 3339 in UTC, as the server writes it: `2026-01-01T12:00:00.250Z`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('Z')?;
        let (date, time) = text.split_once('T')?;
        let midnight = parse_day(date)?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = numbers(clock, ':')?;
        let thousandths: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        Some(Self(midnight + ((hour * 60 + minute) * 60 + second) * 1000 + thousandths))
    }

    /// Seconds from an earlier instant to this one, negative when that one is later.
    pub(crate) fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).div_euclid(1000)
    }

    /// Date and time of this instant in a time zone that is `offset` minutes ahead of UTC.
    pub(crate) fn civil(self, offset: i64) -> Civil {
        let local = self.0 + offset * 60_000;
        let (year, month, day) = date_of(local.div_euclid(DAY));
        let rest = local.rem_euclid(DAY);
        Civil {
            year,
            month,
            day,
            hour: rest / 3_600_000,
            minute: rest / 60_000 % 60,
            second: rest / 1000 % 60,
            millisecond: rest % 1000,
        }
    }
}

/// Writes RFC 3339 in UTC, as [`Instant::parse`] reads it.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second, millisecond } = self.civil(0);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not an instant in UTC"))
    }
}

/// Milliseconds from 1970 to the beginning of a day such as `2026-01-31` in UTC; `None` if it is not a date.
pub(crate) fn parse_day(text: &str) -> Option<i64> {
    let [year, month, day] = numbers(text, '-')?;
    let is_a_date = (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_a_date.then(|| days_before(year, month, day) * DAY)
}

/// The first instant of the day that is `days_later` days after `day`, such as `2026-01-31`; `None` if `day` is not a
/// date. `offset` returns how many minutes the time zone is ahead of UTC at an instant.
pub(crate) fn midnight(day: &str, days_later: i64, offset: impl Fn(Instant) -> i64) -> Option<Instant> {
    let as_if_utc = parse_day(day)? + days_later * DAY;
    // In zones far in the east, the clock may change between local midnight and midnight in UTC.
    let guess = Instant(as_if_utc - offset(Instant(as_if_utc)) * 60_000);
    Some(Instant(as_if_utc - offset(guess) * 60_000))
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// Days from 1970-01-01 to a date. Internally, years begin in March, so that the leap day is the last day of the year.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The date that is `days` after 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    // An estimate that is never later than the right year: it assumes years of 365 days before 1970 and of 366 days
    // after.
    let mut year = 1970 + days.div_euclid(if days < 0 { 365 } else { 366 });
    while days_before(year + 1, 1, 1) <= days {
        year += 1;
    }
    let month = (1..12).find(|month| days_before(year, month + 1, 1) > days).unwrap_or(12);
    (year, month, days - days_before(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_server_writes() {
        assert_eq!(Instant::parse("1970-01-01T00:00:00Z"), Some(Instant(0)));
        assert_eq!(Instant::parse("2026-11-23T22:24:41Z"), Some(Instant(1_795_472_681_000)));
        assert_eq!(Instant::parse("2000-02-29T23:59:59.5Z"), Some(Instant(951_868_799_500)));
        assert_eq!(Instant::parse("2026-01-01T00:00:00.123456Z"), Some(Instant(1_767_225_600_123)));
    }

    #[test]
    fn refuses_other_text() {
        for text in ["", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01T00:00Z", "xTyZ"] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_two_centuries_survives_the_round_trip() {
        for days in -36_500..36_500 {
            let (year, month, day) = date_of(days);
            assert_eq!(days_before(year, month, day), days);
            assert!((1..=12).contains(&month) && (1..=31).contains(&day), "{year}-{month}-{day}");
        }
    }

    #[test]
    fn days_begin_at_midnight_when_the_clock_changes_too() {
        // Sydney: on 5 April 2026 at 03:00 the clock goes back to 02:00, on 4 October from 02:00 to 03:00.
        let at = |text| Instant::parse(text).unwrap();
        let (winter, summer) = (at("2026-04-04T16:00:00Z"), at("2026-10-03T16:00:00Z"));
        let sydney = |at: Instant| if (winter..summer).contains(&at) { 600 } else { 660 };
        assert_eq!(midnight("2026-04-05", 0, sydney), Some(at("2026-04-04T13:00:00Z")));
        assert_eq!(midnight("2026-04-05", 1, sydney), Some(at("2026-04-05T14:00:00Z")));
        assert_eq!(midnight("2026-10-04", 0, sydney), Some(at("2026-10-03T14:00:00Z")));
        assert_eq!(midnight("2026-10-04", 0, |_| 0), Some(at("2026-10-04T00:00:00Z")));
        assert_eq!([midnight("soon", 0, |_| 0), midnight("123456-01-01", 0, |_| 0)], [None, None]);
    }

    #[test]
    fn writes_what_it_reads() {
        let text = "\"2024-02-29T07:08:09.010Z\"";
        let instant: Instant = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&instant).unwrap(), text);
    }

    #[test]
    fn shows_the_clock_of_a_zone() {
        let civil = Instant::parse("2026-12-31T23:30:05Z").unwrap().civil(120);
        assert_eq!(
            (civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second),
            (2027, 1, 1, 1, 30, 5)
        );
    }
}
