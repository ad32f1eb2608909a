//! The bandwidth limit of a copy: the text form of a rate, and the limiter.

use std::time::{Duration, Instant};

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

/// Computes the pauses that keep a copy below a rate.
pub(crate) struct BandwidthLimiter {
    rate: Option<u64>,
    started: Instant,
    /// The number of bytes copied since `started`.
    copied: u64,
}

impl BandwidthLimiter {
    /// A limiter for `rate` bytes per second; without a rate it never pauses.
    pub(crate) fn new(rate: Option<u64>) -> Self {
        Self { rate, started: Instant::now(), copied: 0 }
    }

    /// The maximum number of bytes to copy at once, so that pauses stay short.
    pub(crate) fn chunk(&self, most: usize) -> usize {
        self.rate.map_or(most, |rate| usize::try_from(rate / 20).unwrap_or(most).clamp(1, most))
    }

    /// Counts `bytes` and returns the pause before the next chunk.
    pub(crate) fn record(&mut self, bytes: usize) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        self.copied += bytes as u64;
        due(self.copied, rate).saturating_sub(self.started.elapsed())
    }
}

fn due(bytes: u64, rate: u64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{due, parse_rate};

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

    #[test]
    fn half_the_rate_is_due_after_half_a_second() {
        assert_eq!(due(500, 1000), Duration::from_millis(500));
    }
}
