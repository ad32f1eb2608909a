//! Parses and formats times of the FTP extensions, such as `20240229123059`, in UTC.

use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// The years of valid times.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

/// Parses `YYYYMMDDHHMMSS`, with or without a fraction of a second, which is ignored.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    if digits.len() != 14 || !digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits[range].parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0..4)?).ok()?, number(4..6)?, number(6..8)?)?;
    // A leap second is the second before it.
    system_time(date.and_hms_opt(number(8..10)?, number(10..12)?, number(12..14)?.min(59))?)
}

/// Converts a date and time in UTC; `None` if the year is not in [`YEARS`].
pub(super) fn system_time(time: NaiveDateTime) -> Option<SystemTime> {
    let is_believed = YEARS.contains(&chrono::Datelike::year(&time));
    is_believed.then(|| SystemTime::from(time.and_utc()))
}

/// Formats a time as `YYYYMMDDHHMMSS`.
pub(super) fn format(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).format("%Y%m%d%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{format, parse};

    #[test]
    fn a_time_is_read_and_written_to_the_second() {
        let time = UNIX_EPOCH + Duration::from_secs(1_709_209_859);
        assert_eq!(parse("20240229123059"), Some(time));
        assert_eq!(parse("20240229123059.123"), Some(time));
        assert_eq!(parse("20240229123060"), Some(time));
        assert_eq!(format(time), "20240229123059");
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in
            ["", "2024", "20230229123059", "20240229246059", "2024022912305x", "19104101000000", "2024-02-29 12:30"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
