//! Bandwidth limits: their text form.

use serde::Deserialize;

/// Bytes per second; not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Rate(pub(crate) u64);

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_rate(&text).map(Self)
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
    use super::parse_rate;

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
