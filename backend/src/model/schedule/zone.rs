//! The time zone of a schedule: the instants at which a clock in the zone shows a local time, and the rule for local
//! times that the clock skips.

use std::str::FromStr;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};

/// The longest word that is compared with the names of time zones, in characters. The longest name has 32.
const MAX_WORD: usize = 64;

/// A time zone of the IANA database.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct Zone(Tz);

impl Zone {
    /// The time zone with this name. The error suggests a similar name.
    pub(in crate::model) fn parse(name: &str) -> Result<Self, String> {
        Tz::from_str(name).map(Self).map_err(|_| {
            let meant = nearest(name).map(|zone| format!("; did you mean {zone}?")).unwrap_or_default();
            format!("must be a time zone of the IANA database, such as Europe/Berlin{meant}")
        })
    }

    /// The IANA name of the time zone.
    pub(super) fn name(self) -> &'static str {
        self.0.name()
    }

    /// The local time at an instant.
    pub(in crate::model) fn wall_clock(self, instant: DateTime<Utc>) -> NaiveDateTime {
        instant.with_timezone(&self.0).naive_local()
    }

    /// The instants at which the clock shows a local time: zero, one or two.
    pub(super) fn every(self, wall: NaiveDateTime) -> impl Iterator<Item = DateTime<Utc>> {
        let shown = self.0.from_local_datetime(&wall);
        let (first, second) = match shown {
            MappedLocalTime::None => (None, None),
            MappedLocalTime::Single(instant) => (Some(instant), None),
            MappedLocalTime::Ambiguous(first, second) => (Some(first), Some(second)),
        };
        first.into_iter().chain(second).map(|instant| instant.to_utc())
    }

    /// The first instant at which the clock shows a local time. If the clock skips the local time, the first minute
    /// after the gap.
    pub(in crate::model) fn once(self, wall: NaiveDateTime) -> DateTime<Utc> {
        let shown = self.gap_end(wall).unwrap_or(wall);
        self.every(shown).next().unwrap_or_else(|| shown.and_utc())
    }

    /// If the clock skips the local time, the first minute after the gap; otherwise `None`.
    pub(super) fn gap_end(self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let end = GapInfo::new(&wall, &self.0)?.end?.naive_local();
        let seconds = i64::from(end.second());
        Some(if seconds == 0 { end } else { end + TimeDelta::seconds(60 - seconds) })
    }

    /// If the local time at an instant will occur a second time, because the clock is set back, the local time from
    /// which on times are repeated; otherwise `None`.
    pub(super) fn will_be_put_back(self, instant: DateTime<Utc>) -> Option<NaiveDateTime> {
        let wall = self.wall_clock(instant);
        let MappedLocalTime::Ambiguous(first, second) = self.0.from_local_datetime(&wall) else { return None };
        if first.to_utc() < instant {
            return None;
        }
        // Between the two the clock is put back once: halve until the second is found.
        let offset = |at: DateTime<Utc>| self.0.offset_from_utc_datetime(&at.naive_utc()).fix();
        let (mut before, mut after) = (first.to_utc(), second.to_utc());
        while after - before > TimeDelta::seconds(1) {
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            if offset(middle) == first.offset().fix() { before = middle } else { after = middle }
        }
        Some(self.wall_clock(after))
    }
}

/// The time zone whose name, or whose city, is most similar to a word.
fn nearest(word: &str) -> Option<&'static str> {
    const ENOUGH: f64 = 0.8;
    // Comparing takes as many steps, and as much memory, as the product of both lengths, for each of 600 names.
    if word.chars().count() > MAX_WORD {
        return None;
    }
    let word = word.trim().to_ascii_lowercase().replace(' ', "_");
    let likeness = |name: &str| {
        let name = name.to_ascii_lowercase();
        let city = name.rsplit('/').next().unwrap_or(&name);
        strsim::normalized_damerau_levenshtein(&word, &name).max(strsim::normalized_damerau_levenshtein(&word, city))
    };
    // GMT+2 is no name with a number: the signs of the names below `Etc` are reversed.
    let numbered = |name: &str| name.starts_with("Etc/") || name.contains(|character: char| character.is_ascii_digit());
    let names = TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|name| !numbered(name));
    let likely = names.map(|name| (name, likeness(name)));
    let best = likely.max_by(|left, right| left.1.total_cmp(&right.1));
    best.filter(|(_, likeness)| *likeness >= ENOUGH).map(|(name, _)| name)
}
