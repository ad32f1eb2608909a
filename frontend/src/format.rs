//! Numbers, sizes, durations, instants and file names as text. Pure.

use crate::time::{Civil, Instant};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A count with separated thousands: `1,234`.
pub(crate) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    if number < 0 {
        text.push('-');
    }
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 agent`, `1,234 agents`.
pub(crate) fn counted(number: i64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// The total of a list: `10,000 transfers`, or `more than 10,000 transfers` if the server stopped counting.
pub(crate) fn total(number: i64, is_at_least: bool, noun: &str) -> String {
    if is_at_least { format!("more than {} {noun}s", count(number)) } else { counted(number, noun) }
}

/// An amount of bytes in decimal units: `1.25 GB`.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(crate) fn bytes(amount: i64) -> String {
    scaled(amount as f64)
}

/// An amount per second: `82.4 MB/s`.
pub(crate) fn rate(bytes_per_second: f64) -> String {
    format!("{}/s", scaled(bytes_per_second))
}

/// An amount of memory that is given in megabytes of 1024 × 1024: `15.6 GiB`.
pub(crate) fn memory(megabytes: f64) -> String {
    if megabytes < 1024.0 { fixed(megabytes, 0) + " MiB" } else { fixed(megabytes / 1024.0, 1) + " GiB" }
}

/// A number, at least 0, with `digits` decimals. It uses integers only, because the standard library's code that
/// formats fractions brings large tables, which the page does not need otherwise.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "what is too large or negative becomes the nearest there is"
)]
pub(crate) fn fixed(number: f64, digits: u8) -> String {
    let scale = 10_u64.pow(digits.into());
    let scaled = (number * scale as f64).round() as u64;
    let whole = (scaled / scale).to_string();
    if digits == 0 {
        return whole;
    }
    format!("{whole}.{:0width$}", scaled % scale, width = digits.into())
}

/// A number with at most two decimals and no trailing zeros: `1.5`.
pub(crate) fn plain(number: f64) -> String {
    fixed(number, 2).trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn scaled(amount: f64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut amount = amount.max(0.0);
    let mut unit = 0;
    // Not 1000: values that round up to 1000 belong to the next unit.
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    let digits = match (unit, amount) {
        (0, _) | (_, 99.95..) => 0,
        (_, 9.995..) => 1,
        _ => 2,
    };
    format!("{} {}", fixed(amount, digits), UNITS[unit])
}

/// A progress in percent, rounded down: 100% only at the end.
pub(crate) fn percent(progress: f64) -> String {
    format!("{}%", whole_percent(progress))
}

/// A progress in percent, rounded down, as a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
pub(crate) fn whole_percent(progress: f64) -> u8 {
    progress.clamp(0.0, 100.0) as u8
}

/// A duration with its two largest units: `2 min 5 s`.
pub(crate) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (large, large_unit, small, small_unit) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => (seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => (seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => (seconds / 86_400, "d", seconds / 3600 % 24, "h"),
    };
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

/// An age: `12 s ago`. Up to two seconds, and everything in the future, is `just now`.
pub(crate) fn ago(seconds: i64) -> String {
    match seconds {
        ..=2 => "just now".to_owned(),
        3..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// The time until something: `in 12 s`. Everything in the past is `now`.
pub(crate) fn ahead(seconds: i64) -> String {
    if seconds <= 0 { "now".to_owned() } else { format!("in {}", duration(seconds)) }
}

/// The label of a link to a whole list: `name` if all rows are shown, otherwise such as `50 of 67 shown, all running`.
pub(crate) fn all_of(shown: usize, total: i64, name: &str) -> String {
    let shown = i64::try_from(shown).unwrap_or(i64::MAX);
    if shown < total {
        format!("{} of {} shown, {}", count(shown), count(total), name.to_ascii_lowercase())
    } else {
        name.to_owned()
    }
}

/// The time since a past instant or until a future one: `12 s ago`, `in 12 s`.
pub(crate) fn relative(seconds_since: i64) -> String {
    if seconds_since < -2 { ahead(-seconds_since) } else { ago(seconds_since) }
}

/// An instant in a zone that is `offset` minutes ahead of UTC, and in UTC: `23 Nov 2026, 14:03:22 Europe/Berlin` and
/// `23 Nov 2026, 13:03:22 UTC`.
pub(crate) fn exact(instant: Instant, offset: i64, zone: &str) -> Vec<String> {
    let utc = format!("{} UTC", moment(instant, 0));
    if zone == "UTC" { vec![utc] } else { vec![format!("{} {zone}", moment(instant, offset)), utc] }
}

/// An instant in a time zone that is `offset` minutes ahead of UTC: `23 Nov 2026, 14:03:22`.
pub(crate) fn moment(instant: Instant, offset: i64) -> String {
    let civil = instant.civil(offset);
    format!("{}, {}", date(&civil), clock(&civil))
}

/// Like [`moment`], but without the date on the day of `now`.
pub(crate) fn short_moment(instant: Instant, now: Instant, offset: i64) -> String {
    let (civil, today) = (instant.civil(offset), now.civil(offset));
    if (civil.year, civil.month, civil.day) == (today.year, today.month, today.day) {
        clock(&civil)
    } else {
        format!("{}, {:02}:{:02}", date(&civil), civil.hour, civil.minute)
    }
}

/// Like [`moment`], with the day of the week and without seconds: `Mon, 23 Nov 2026, 14:03`.
pub(crate) fn minute(instant: Instant, offset: i64) -> String {
    let civil = instant.civil(offset);
    format!("{}, {}, {:02}:{:02}", weekday(instant, offset), date(&civil), civil.hour, civil.minute)
}

/// Like [`minute`], but without the year if it is that of `now`: `Mon, 23 Nov, 14:03`.
pub(crate) fn coming_minute(instant: Instant, now: Instant, offset: i64) -> String {
    let civil = instant.civil(offset);
    if civil.year != now.civil(offset).year {
        return minute(instant, offset);
    }
    let (weekday, month) = (weekday(instant, offset), month_of(&civil));
    format!("{weekday}, {} {month}, {:02}:{:02}", civil.day, civil.hour, civil.minute)
}

/// A time zone that is `offset` minutes ahead of UTC: `UTC+5:30`.
pub(crate) fn zone(offset: i64) -> String {
    let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
    match (minutes / 60, minutes % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// The day of an instant: `Mon, 23 Nov 2026`.
pub(crate) fn day(instant: Instant, offset: i64) -> String {
    format!("{}, {}", weekday(instant, offset), date(&instant.civil(offset)))
}

/// The day of an instant without its year: `23 Nov`.
pub(crate) fn short_day(instant: Instant, offset: i64) -> String {
    let civil = instant.civil(offset);
    format!("{} {}", civil.day, month_of(&civil))
}

/// The time of day of an instant: `14:03`, or with seconds `14:03:22`.
pub(crate) fn time_of_day(instant: Instant, offset: i64, has_seconds: bool) -> String {
    let mut text = clock(&instant.civil(offset));
    if !has_seconds {
        text.truncate("00:00".len());
    }
    text
}

/// The month of an instant: `Nov 2026`.
pub(crate) fn month(instant: Instant, offset: i64) -> String {
    let civil = instant.civil(offset);
    format!("{} {}", month_of(&civil), civil.year)
}

/// The month of an instant without its year: `Nov`.
pub(crate) fn short_month(instant: Instant, offset: i64) -> &'static str {
    month_of(&instant.civil(offset))
}

/// The year of an instant.
pub(crate) fn year(instant: Instant, offset: i64) -> String {
    instant.civil(offset).year.to_string()
}

fn weekday(instant: Instant, offset: i64) -> &'static str {
    // 1970 began on a Thursday.
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let days = (instant.0 + offset * 60_000).div_euclid(86_400_000);
    usize::try_from(days.rem_euclid(7)).ok().and_then(|index| DAYS.get(index)).copied().unwrap_or_default()
}

fn date(civil: &Civil) -> String {
    format!("{} {} {}", civil.day, month_of(civil), civil.year)
}

fn month_of(civil: &Civil) -> &'static str {
    usize::try_from(civil.month - 1).ok().and_then(|index| MONTHS.get(index)).copied().unwrap_or_default()
}

fn clock(civil: &Civil) -> String {
    format!("{:02}:{:02}:{:02}", civil.hour, civil.minute, civil.second)
}

/// A text with an upper-case first letter. ASCII only: the tables of all scripts would make the page larger.
pub(crate) fn capitalized(word: &str) -> String {
    let mut word = word.to_owned();
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

/// The file name at the end of a URL or path. A location without a file name is returned unchanged.
pub(crate) fn file_name(location: &str) -> String {
    let name = mftplus_protocol::location::file_name(location);
    if name.is_empty() { location.to_owned() } else { name }
}

/// The command that registers a machine with an enrolment code.
pub(crate) fn register_command(origin: &str, code: &str) -> String {
    format!("mftplus-agent register --server {origin} --code {code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_thousands_apart() {
        let shown = [0, 999, 1000, 1_234_567, -12_345].map(count);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567", "-12,345"]);
    }

    #[test]
    fn totals_say_when_counting_stopped() {
        assert_eq!(total(1, false, "agent"), "1 agent");
        assert_eq!(total(1234, false, "transfer"), "1,234 transfers");
        assert_eq!(total(10_000, true, "transfer"), "more than 10,000 transfers");
    }

    #[test]
    fn amounts_keep_three_digits() {
        let shown = [0, 999, 1000, 1234, 12_345, 123_456, 999_499, 999_600, 1_250_000_000].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.00 kB", "1.23 kB", "12.3 kB", "123 kB", "999 kB", "1.00 MB", "1.25 GB"]);
        assert_eq!(rate(82_400_000.0), "82.4 MB/s");
    }

    #[test]
    fn a_part_of_a_list_is_called_one() {
        assert_eq!(all_of(50, 3257, "All running"), "50 of 3,257 shown, all running");
        assert_eq!(all_of(50, 50, "All running"), "All running");
    }

    #[test]
    fn memory_is_binary() {
        assert_eq!([512.4, 1024.0, 15_974.0].map(memory), ["512 MiB", "1.0 GiB", "15.6 GiB"]);
    }

    #[test]
    fn fractions_have_the_digits_asked_for() {
        let shown = [fixed(0.0, 2), fixed(1.005, 1), fixed(12.345, 2), fixed(9.96, 1), fixed(0.04, 2), fixed(-1.0, 1)];
        assert_eq!(shown, ["0.00", "1.0", "12.35", "10.0", "0.04", "0.0"]);
        assert_eq!(fixed(f64::NAN, 0), "0");
        assert_eq!([2.0, 1.5, 1.25, 100.0].map(plain), ["2", "1.5", "1.25", "100"]);
    }

    #[test]
    fn a_share_is_whole_only_at_the_end() {
        assert_eq!([0.0, 0.9, 42.7, 99.99, 100.0, 120.0].map(percent), ["0%", "0%", "42%", "99%", "100%", "100%"]);
    }

    #[test]
    fn durations_have_two_units() {
        let shown = [-1, 0, 59, 60, 125, 3600, 3700, 86_400, 200_000].map(duration);
        assert_eq!(shown, ["0 s", "0 s", "59 s", "1 min", "2 min 5 s", "1 h", "1 h 1 min", "1 d", "2 d 7 h"]);
    }

    #[test]
    fn ages_are_coarse() {
        let shown = [-5, 2, 3, 61, 7200, 172_800].map(ago);
        assert_eq!(shown, ["just now", "just now", "3 s ago", "1 min ago", "2 h ago", "2 d ago"]);
    }

    #[test]
    fn what_is_ahead_has_two_units() {
        assert_eq!([-1, 0, 5, 3700].map(ahead), ["now", "now", "in 5 s", "in 1 h 1 min"]);
    }

    #[test]
    fn instants_are_relative_to_now() {
        assert_eq!(
            [7200, 1, -2, -3, -3700].map(relative),
            ["2 h ago", "just now", "just now", "in 3 s", "in 1 h 1 min"]
        );
    }

    #[test]
    fn exact_times_name_both_zones_unless_they_are_one() {
        let instant = Instant::parse("2026-11-23T13:03:22Z").unwrap();
        let both = ["23 Nov 2026, 14:03:22 Europe/Berlin", "23 Nov 2026, 13:03:22 UTC"];
        assert_eq!(exact(instant, 60, "Europe/Berlin"), both);
        assert_eq!(exact(instant, 0, "UTC"), both[1..]);
    }

    #[test]
    fn minutes_name_their_weekday() {
        let instant = Instant::parse("2026-11-23T23:30:22Z").unwrap();
        assert_eq!(minute(instant, 0), "Mon, 23 Nov 2026, 23:30");
        assert_eq!(minute(instant, 60), "Tue, 24 Nov 2026, 00:30");
        assert_eq!(day(Instant(-1), 0), "Wed, 31 Dec 1969");
        assert_eq!(month(Instant(-1), 60), "Jan 1970");
        assert_eq!(short_month(Instant(-1), 0), "Dec");
        assert_eq!(short_day(instant, 60), "24 Nov");
        assert_eq!([false, true].map(|seconds| time_of_day(instant, 60, seconds)), ["00:30", "00:30:22"]);
    }

    #[test]
    fn what_is_coming_has_its_day_and_its_zone() {
        let instant = Instant::parse("2026-11-23T23:30:22Z").unwrap();
        let next_year = Instant::parse("2027-01-01T00:30:00Z").unwrap();
        assert_eq!(coming_minute(instant, instant, 60), "Tue, 24 Nov, 00:30");
        assert_eq!(coming_minute(next_year, instant, 0), "Fri, 1 Jan 2027, 00:30");
        assert_eq!([0, 60, -300, 330, -210].map(zone), ["UTC", "UTC+1", "UTC-5", "UTC+5:30", "UTC-3:30"]);
    }

    #[test]
    fn moments_name_the_day_unless_it_is_today() {
        let instant = Instant::parse("2026-11-23T13:03:22Z").unwrap();
        let tomorrow = Instant::parse("2026-11-24T13:03:22Z").unwrap();
        assert_eq!(moment(instant, 60), "23 Nov 2026, 14:03:22");
        assert_eq!(short_moment(instant, instant, 0), "13:03:22");
        assert_eq!(short_moment(instant, tomorrow, 0), "23 Nov 2026, 13:03");
    }

    #[test]
    fn a_location_without_a_name_is_shown_whole() {
        assert_eq!(file_name("sftp://h/a/Data%20One.CSV?x=1"), "Data One.CSV");
        assert_eq!(file_name("/"), "/");
    }
}
