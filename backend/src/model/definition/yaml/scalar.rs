//! Scalars of the YAML 1.2 core schema: text, number, boolean or null. (`yes`, `on` and dates are text.)

/// A scalar.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::model::definition) struct Scalar {
    /// The text of the scalar, without quotes.
    pub(in crate::model::definition) text: String,
    /// The type of the scalar.
    pub(in crate::model::definition) kind: Kind,
}

/// The type of a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::model::definition) enum Kind {
    /// The null value.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number without a fraction.
    Integer(i64),
    /// Any other number, or one that does not fit into an `i64`.
    Number(f64),
    /// Text.
    Text,
}

/// Finds the type of a scalar. Only a plain scalar, neither in quotes nor a block, can be anything but text.
pub(super) fn resolve(text: String, is_plain: bool) -> Scalar {
    let kind = if is_plain { plain(&text) } else { Kind::Text };
    Scalar { text, kind }
}

fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Boolean(true),
        "false" | "False" | "FALSE" => Kind::Boolean(false),
        _ => number(text).unwrap_or(Kind::Text),
    }
}

fn number(text: &str) -> Option<Kind> {
    /// The maximum number of digits of a number; longer ones are text.
    const MOST: usize = 400;
    if text.len() > MOST {
        return None;
    }
    let radix = |prefix: &str, radix: u32| {
        let digits = text.strip_prefix(prefix).filter(|digits| digits.chars().all(|c| c.is_digit(radix)))?;
        i64::from_str_radix(digits, radix).ok().map(Kind::Integer)
    };
    if let Some(whole) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(whole);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Kind::Number(f64::NAN));
    }
    if !is_decimal(unsigned) {
        return None;
    }
    text.parse().map(Kind::Integer).or_else(|_| text.parse().map(Kind::Number)).ok()
}

/// `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, and perhaps an exponent.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    has_digits
        && are_digits(whole)
        && are_digits(fraction)
        && exponent.is_none_or(|digits| !digits.is_empty() && are_digits(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("", Kind::Null)]
    #[case("~", Kind::Null)]
    #[case("null", Kind::Null)]
    #[case("true", Kind::Boolean(true))]
    #[case("yes", Kind::Text)]
    #[case("12", Kind::Integer(12))]
    #[case("-7", Kind::Integer(-7))]
    #[case("+7", Kind::Integer(7))]
    #[case("007", Kind::Integer(7))]
    #[case("0x1F", Kind::Integer(31))]
    #[case("0o17", Kind::Integer(15))]
    #[case("0x", Kind::Text)]
    #[case("0x-1", Kind::Text)]
    #[case("1.5", Kind::Number(1.5))]
    #[case(".5", Kind::Number(0.5))]
    #[case("5.", Kind::Number(5.0))]
    #[case("1e3", Kind::Number(1000.0))]
    #[case("9223372036854775808", Kind::Number(9_223_372_036_854_775_808.0))]
    #[case("1e", Kind::Text)]
    #[case(".", Kind::Text)]
    #[case("-", Kind::Text)]
    #[case("1_000", Kind::Text)]
    #[case("2026-01-01", Kind::Text)]
    #[case("1:30", Kind::Text)]
    #[case("infinity", Kind::Text)]
    #[case("nan", Kind::Text)]
    fn a_word_is_what_yaml_says(#[case] text: &str, #[case] kind: Kind) {
        assert_eq!(resolve(text.to_owned(), true).kind, kind);
        assert_eq!(resolve(text.to_owned(), false).kind, Kind::Text);
    }

    #[test]
    fn what_is_no_finite_number_is_none() {
        for text in [".inf", "-.Inf", ".nan", "1e999"] {
            assert!(matches!(plain(text), Kind::Number(number) if !number.is_finite()), "{text}");
        }
        assert_eq!(plain(&"9".repeat(401)), Kind::Text);
    }
}
