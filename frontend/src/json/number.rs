//! Parses numbers. Fractions are exact up to 15 digits, which is far more than the page shows.

/// Parses a number with a fraction or an exponent; `None` if it is not a number.
pub(super) fn fraction(text: &str) -> Option<f64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        None => (text, 0_i32),
    };
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (is_negative, whole) = match whole.strip_prefix('-') {
        Some(whole) => (true, whole),
        None => (false, whole),
    };
    let mut digits = 0_u64;
    let mut power = exponent;
    for (is_decimal, digit) in
        whole.bytes().map(|digit| (false, digit)).chain(decimals.bytes().map(|digit| (true, digit)))
    {
        if !digit.is_ascii_digit() {
            return None;
        }
        // Further digits do not fit, and only change the exponent.
        if digits < 100_000_000_000_000_000 {
            digits = digits * 10 + u64::from(digit - b'0');
            power = power.saturating_sub(i32::from(is_decimal));
        } else {
            power = power.saturating_add(i32::from(!is_decimal));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "15 digits are exact")]
    let digits = digits as f64;
    // Dividing by a power of ten is more exact than multiplying by its inverse.
    let size = if power < 0 { digits / 10_f64.powi(power.saturating_neg()) } else { digits * 10_f64.powi(power) };
    let is_whole = !whole.is_empty();
    is_whole.then_some(if is_negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_exact() {
        for (text, number) in [
            ("0.1", 0.1),
            ("-12.345", -12.345),
            ("99.99", 99.99),
            ("1e3", 1000.0),
            ("2.5E-3", 0.0025),
            ("82400000.125", 82_400_000.125),
            ("0.30000000000000004", 0.300_000_000_000_000_04),
            ("123456789012345678901.5", 123_456_789_012_345_680_000.0),
        ] {
            assert_eq!(fraction(text), Some(number), "{text}");
        }
    }

    #[test]
    fn other_text_is_none() {
        for text in ["", "-", ".5", "1e", "1.2.3", "--1", "1e1.5"] {
            assert_eq!(fraction(text), None, "{text}");
        }
    }
}
