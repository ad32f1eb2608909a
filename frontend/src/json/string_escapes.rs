//! Escapes of strings.

/// Replaces the escapes in the text between the quotes of a string; `None` if an escape is invalid.
pub(super) fn unescape(escaped: &str) -> Option<String> {
    let mut text = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let (sign, after) = after.split_at_checked(1)?;
        rest = after;
        text.push(match sign {
            "\"" | "\\" | "/" => sign.chars().next()?,
            "b" => '\u{8}',
            "f" => '\u{c}',
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "u" => character(&mut rest)?,
            _ => return None,
        });
    }
    text.push_str(rest);
    Some(text)
}

/// Takes the hexadecimal digits of a character, which may be a pair of surrogates.
fn character(rest: &mut &str) -> Option<char> {
    let first = unit(rest)?;
    if !(0xD800..0xDC00).contains(&first) {
        return char::from_u32(first);
    }
    *rest = rest.strip_prefix("\\u")?;
    let second = unit(rest)?.checked_sub(0xDC00).filter(|second| *second < 0x400)?;
    char::from_u32(0x10000 + ((first - 0xD800) << 10) + second)
}

fn unit(rest: &mut &str) -> Option<u32> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_replaced() {
        assert_eq!(unescape(r#"a\n\"b\"\\ \u00e4\ud83d\ude00\/"#).as_deref(), Some("a\n\"b\"\\ ä😀/"));
    }

    #[test]
    fn what_is_no_escape_is_refused() {
        for text in [r"\x", r"\u12", r"\ud83d", r"\ud83d\u0041", r"\udc00", "\\", r"\ä"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }
}
