//! Texts as programs read them: decoded, and without what cannot be seen.

use std::ops::Range;

use mftplus_protocol::characters::is_forbidden_in_names;

/// A text in which the characters that structure a URL are not percent-encoded, and which has no invisible characters.
pub(super) struct Decoded {
    /// The decoded text.
    pub(super) text: String,
    /// The position in the written text at which each byte of the decoded one begins, and its end.
    starts: Vec<usize>,
}

impl Decoded {
    /// Decodes a text; `None` if that changes nothing.
    pub(super) fn of(written: &str) -> Option<Self> {
        if !written.chars().any(|c| c == '%' || is_unseen(c)) {
            return None;
        }
        let mut decoded =
            Self { text: String::with_capacity(written.len()), starts: Vec::with_capacity(written.len()) };
        let mut rest = written;
        while let Some(next) = rest.chars().next() {
            let (c, length) = encoded(rest).unwrap_or((next, next.len_utf8()));
            if !is_unseen(c) {
                decoded.text.push(c);
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

/// The character with which the text begins, if it is percent-encoded once or several times and structures URLs; and the
/// length of its code.
fn encoded(text: &str) -> Option<(char, usize)> {
    let mut code = text.strip_prefix('%')?;
    while let Some(inner) = code.strip_prefix("25") {
        code = inner;
    }
    let c = match code.get(..2)?.to_ascii_uppercase().as_str() {
        "2F" => '/',
        "3A" => ':',
        "40" => '@',
        "5C" => '\\',
        _ => return None,
    };
    Some((c, text.len() - code.len() + 2))
}

/// Whether the character cannot be seen. White space and control characters separate words and lines, so they count as
/// seen.
fn is_unseen(c: char) -> bool {
    is_forbidden_in_names(c) && !c.is_control() && !c.is_whitespace()
}
