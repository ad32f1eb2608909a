//! Bandwidth limits: their text form, and which of them apply at a time of day.

use serde::Deserialize;

/// A bandwidth limit in bytes per second; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Rate(pub(crate) u64);

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_rate(&text).map(Self)
    }
}

/// The number of minutes of a day.
const DAY: u16 = 24 * 60;

/// A bandwidth limit for all copies together during a part of each day, such as `22:00-06:00 unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RateWindow {
    /// The first minute of the day.
    from: u16,
    /// The minute after the last one; before `from` if the window goes over midnight.
    to: u16,
    /// Bytes per second; `None` means unlimited.
    rate: Option<u64>,
}

impl RateWindow {
    fn includes(self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl TryFrom<String> for RateWindow {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is not a time of day and a rate, such as `22:00-06:00 unlimited` or `08:00-18:00 5MB/s`")
        };
        let (times, rate) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let (from, to) =
            times.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?))).ok_or_else(wrong)?;
        if from == to || from == DAY {
            return Err(wrong());
        }
        let rate = if rate.trim() == "unlimited" { None } else { Some(parse_rate(rate)?) };
        Ok(Self { from, to, rate })
    }
}

/// Parses `HH:MM` into the minute of the day; `24:00` is the end of the day.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2)?;
    let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
    Some(hours * 60 + minutes).filter(|minute| minutes < 60 && *minute <= DAY)
}

/// The bandwidth limits of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RateLimits {
    /// Bytes per second of each copy of a job or step, outside the windows; `None` means unlimited.
    pub(crate) per_copy: Option<u64>,
    /// Bytes per second of all copies together, outside the windows; `None` means unlimited.
    pub(crate) total: Option<u64>,
    pub(crate) windows: Vec<RateWindow>,
}

/// The bandwidth limits that apply at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CurrentRates {
    /// Whether the limits of single copies apply; `false` inside a window.
    pub(crate) limits_copies: bool,
    /// Bytes per second of all copies together; `None` means unlimited.
    pub(crate) total: Option<u64>,
}

impl RateLimits {
    /// The limits at a minute of the day. The first window that includes the minute replaces all other limits by its
    /// rate; outside all windows, `per_copy` and `total` apply.
    pub(crate) fn at(&self, minute: u16) -> CurrentRates {
        match self.windows.iter().find(|window| window.includes(minute)) {
            Some(window) => CurrentRates { limits_copies: false, total: window.rate },
            None => CurrentRates { limits_copies: true, total: self.total },
        }
    }
}

/// Parses a rate such as `20MB/s`, `512KiB/s` or `1000` into bytes per second.
pub(crate) fn parse_rate(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a rate such as 20MB/s, 512KiB/s or 1000000");
    let amount = text.trim().strip_suffix("/s").unwrap_or(text.trim()).trim();
    let digits = amount.find(|c: char| !c.is_ascii_digit()).unwrap_or(amount.len());
    let (number, unit) = amount.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match number.checked_mul(factor) {
        Some(0) => Err("a copy with the rate 0 would never end".into()),
        Some(rate) => Ok(rate),
        None => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::{CurrentRates, RateLimits, RateWindow, parse_rate};

    fn windows(texts: &[&str]) -> Result<Vec<RateWindow>, String> {
        texts.iter().map(|text| RateWindow::try_from((*text).to_owned())).collect()
    }

    #[test]
    fn a_window_may_go_over_midnight() -> Result<(), String> {
        let windows = windows(&["22:00-06:00 unlimited", "08:00-18:00 5MB/s", "17:00-24:00 1MB/s"])?;
        let limits = RateLimits { per_copy: Some(7), total: Some(9), windows };
        let (outside, night) = ((true, Some(9)), (false, None));
        for (hour, minute, (limits_copies, total)) in [
            (21, 59, (false, Some(1_000_000))),
            (22, 0, night),
            (23, 59, night),
            (0, 0, night),
            (5, 59, night),
            (6, 0, outside),
            (7, 59, outside),
            (8, 0, (false, Some(5_000_000))),
            (17, 30, (false, Some(5_000_000))),
            (18, 0, (false, Some(1_000_000))),
        ] {
            assert_eq!(limits.at(hour * 60 + minute), CurrentRates { limits_copies, total }, "{hour}:{minute:02}");
        }
        Ok(())
    }

    #[test]
    fn an_invalid_window_is_rejected() {
        for text in [
            "",
            "22:00-06:00",
            "22:00 unlimited",
            "22:00-22:00 unlimited",
            "24:00-06:00 unlimited",
            "22:00-24:01 unlimited",
            "22:60-23:00 unlimited",
            "9:00-18:00 5MB/s",
            "22:00-06:00 fast",
        ] {
            assert!(windows(&[text]).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_have_units() {
        assert_eq!(parse_rate("20MB/s"), Ok(20_000_000));
        assert_eq!(parse_rate("512 KiB/s"), Ok(524_288));
        assert_eq!(parse_rate("1000"), Ok(1000));
    }

    #[test]
    fn an_invalid_rate_is_rejected() {
        for text in ["", "fast", "0", "-1MB/s", "20XB/s", "99999999999999999999GB/s"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }
}
