//! Texts as programs read them: decoded, and without what cannot be seen.

use std::ops::Range;

use mftplus_protocol::characters::is_forbidden_in_names;

/// A text in which the characters that structure a URL are neither percent-encoded nor in another form, such as
/// full-width, and which has no invisible characters.
pub(super) struct Decoded {
    /// The decoded text.
    pub(super) text: String,
    /// The position in the written text at which each byte of the decoded one begins, and its end.
    starts: Vec<usize>,
}

impl Decoded {
    /// Decodes a text; `None` if that changes nothing.
    pub(super) fn of(written: &str) -> Option<Self> {
        if !written.chars().any(|c| c == '%' || plain(c) != c || is_unseen(c)) {
            return None;
        }
        let mut decoded =
            Self { text: String::with_capacity(written.len()), starts: Vec::with_capacity(written.len()) };
        let mut rest = written;
        while let Some(next) = rest.chars().next() {
            let (c, length) = encoded(rest).unwrap_or((next, next.len_utf8()));
            if !is_unseen(c) {
                decoded.text.push(plain(c));
                decoded.starts.resize(decoded.text.len(), written.len() - rest.len());
            }
            rest = &rest[length..];
        }
        decoded.starts.push(written.len());
        Some(decoded)
    }

    /// The range of the written text that became this range of the decoded one.
    pub(super) fn written(&self, range: Range<usize>) -> Range<usize> {
        self.starts[range.start]..self.starts[range.end]
    }
}

/// The character with which the text begins, if it is percent-encoded once or several times, and structures URLs or
/// cannot be seen; and the length of its code.
fn encoded(text: &str) -> Option<(char, usize)> {
    let (first, mut length) = encoded_byte(text)?;
    let mut bytes = [first, 0, 0, 0];
    let count = match first.leading_ones() {
        0 => 1,
        2 => 2,
        3 => 3,
        4 => 4,
        _ => return None,
    };
    for byte in &mut bytes[1..count] {
        let (next, code) = encoded_byte(&text[length..])?;
        *byte = next;
        length += code;
    }
    let c = std::str::from_utf8(&bytes[..count]).ok()?.chars().next()?;
    (matches!(plain(c), '/' | ':' | '@' | '\\') || is_unseen(c)).then_some((c, length))
}

/// The percent-encoded byte with which the text begins, and the length of its code.
fn encoded_byte(text: &str) -> Option<(u8, usize)> {
    let mut code = text.strip_prefix('%')?;
    while let Some(inner) = code.strip_prefix("25") {
        code = inner;
    }
    let byte = u8::from_str_radix(code.get(..2)?, 16).ok()?;
    Some((byte, text.len() - code.len() + 2))
}

/// The character that structures URLs, for one that programs replace with it when they normalise a text, such as the
/// full-width colon; any other character itself.
const fn plain(c: char) -> char {
    match c {
        '\u{ff0f}' => '/',
        '\u{fe13}' | '\u{fe55}' | '\u{ff1a}' => ':',
        '\u{fe6b}' | '\u{ff20}' => '@',
        '\u{fe68}' | '\u{ff3c}' => '\\',
        _ => c,
    }
}

/// Whether the character cannot be seen. White space and control characters separate words and lines, so they count as
/// seen.
fn is_unseen(c: char) -> bool {
    is_forbidden_in_names(c) && !c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::super::{holds_password, without_password, without_passwords};

    #[rstest::rstest]
    #[case("sftp%EF%BC%9A//u%3Apw%40h/x", "sftp%EF%BC%9A//u%40h/x")]
    #[case("sftp://u%ef%bc%9apw@h/x", "sftp://u@h/x")]
    #[case("sftp%3A%2F%2Fu%3Apw%EF%BC%A0h%2Fx", "sftp%3A%2F%2Fu%EF%BC%A0h%2Fx")]
    #[case("sftp%3A%2F%2Fu%25EF%25BC%259Apw%25EF%25BC%25A0h", "sftp%3A%2F%2Fu%25EF%25BC%25A0h")]
    #[case("sftp\u{fe55}\u{ff0f}\u{ff0f}u\u{fe13}pw\u{fe6b}h", "sftp\u{fe55}\u{ff0f}\u{ff0f}u\u{fe6b}h")]
    #[case("sftp:%EF%BC%BC\u{fe68}u:pw@h", "sftp:%EF%BC%BC\u{fe68}u@h")]
    #[case("sftp:/%E2%80%8B/u%C2%AD:pw@h/x", "sftp:/%E2%80%8B/u%C2%AD@h/x")]
    fn passwords_are_found_in_every_form_of_what_structures_urls(#[case] sent: &str, #[case] kept: &str) {
        assert_eq!(without_password(sent), kept);
        assert_eq!(without_password(kept), kept);
        assert_eq!(without_passwords(&format!("q={sent}")), format!("q={kept}"));
        assert!(holds_password(sent) && !holds_password(kept));
    }

    #[rstest::rstest]
    #[case("q=%E4%B8%AD%EF%BC%A0%E6%96%87%EF%BC%9A")]
    #[case("q=%EF%BC&to=%EF%EF%BC%9A&end=%E2%80")]
    #[case("/data/10\u{ff1a}15@h%F5%C3%A4.csv")]
    fn other_codes_stay(#[case] text: &str) {
        assert_eq!(without_password(text), text);
        assert_eq!(without_passwords(text), text);
    }
}
