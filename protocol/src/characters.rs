//! The characters that are not allowed in names and locations: invisible ones, and those that change the display of the
//! text around them.

/// Whether the character changes the reading direction, so that a text is displayed in another order than its
/// characters have.
#[must_use]
pub const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether the character is not allowed even in file names: control characters, line ends, and characters that change
/// the reading direction. All other characters may occur in file names.
#[must_use]
pub fn is_forbidden_in_paths(c: char) -> bool {
    c.is_control() || turns_direction(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether the character can end a line, control a terminal, or change the reading direction of the text around it.
/// Such characters are displayed and logged only escaped or replaced.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    is_forbidden_in_paths(c) || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
}

/// The character itself, or U+FFFD (replacement character) if it is unprintable.
#[must_use]
pub fn as_printable(c: char) -> char {
    if is_unprintable(c) { char::REPLACEMENT_CHARACTER } else { c }
}

/// The maximum number of characters that [`printable`] keeps of a text.
pub const MAX_SHOWN: usize = 500;

/// Makes a text that a server sent safe for messages, logs and terminals: one line, with unprintable characters
/// replaced. A text of more than [`MAX_SHOWN`] characters is cut there, and `…` is appended.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut characters = text.chars().map(as_printable);
    let mut shown: String = characters.by_ref().take(MAX_SHOWN).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Whether the character is not allowed in names: characters that are forbidden in paths, direction marks, and
/// characters without a shape. Joiners and variation selectors are allowed, because Persian, Indic scripts and emoji
/// need them.
#[must_use]
pub fn is_forbidden_in_names(c: char) -> bool {
    is_forbidden_in_paths(c)
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether the character is displayed as empty space, or not at all without a neighbour: a text of only such characters
/// looks empty.
#[must_use]
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{2800}')
}

/// Checks a text for forbidden characters.
///
/// # Errors
///
/// A message about the first character for which `is_forbidden` returns `true`.
pub fn check(text: &str, is_forbidden: impl Fn(char) -> bool) -> Result<(), String> {
    match text.chars().find(|c| is_forbidden(*c)) {
        None => Ok(()),
        Some(c) if c.is_control() => Err("must not contain control characters".to_owned()),
        Some(c) => Err(format!("must not contain the character U+{:04X}, which cannot be seen", u32::from(c))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_direction_are_unprintable() {
        assert!(
            ['\n', '\u{7f}', '\u{2028}', '\u{202e}', '\u{61c}', '\u{200e}', '\u{200f}'].into_iter().all(is_unprintable)
        );
        assert!(!['a', ' ', '\u{e9}', '\u{200d}'].into_iter().any(is_unprintable));
    }

    #[test]
    fn a_text_of_a_server_is_shown_as_one_bounded_line() {
        assert_eq!(printable("denied\u{1b}[2J\nreally"), "denied\u{fffd}[2J\u{fffd}really");
        assert_eq!(printable("right\u{202e}left"), "right\u{fffd}left");
        for (length, shown) in
            [(0, 0), (MAX_SHOWN, MAX_SHOWN), (MAX_SHOWN + 1, MAX_SHOWN + 1), (200_000, MAX_SHOWN + 1)]
        {
            let text = printable(&"ä".repeat(length));
            assert_eq!((text.chars().count(), text.ends_with('…')), (shown, length > MAX_SHOWN), "{length}");
        }
    }

    #[test]
    fn names_and_paths_hold_no_character_that_deceives() {
        for (text, in_names, in_paths) in [
            ("edge-1.example.com", true, true),
            ("Zürich \u{4e2d}\u{6587} O'Brien & Söhne", true, true),
            ("\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}", true, true),
            ("\u{1f469}\u{200d}\u{1f4bb}\u{fe0f}", true, true),
            ("soft\u{ad}hyphen", false, true),
            ("zero\u{200b}width", false, true),
            ("mark\u{200f}", false, true),
            ("evil\u{202e}fdp.exe", false, false),
            ("isolate\u{2066}", false, false),
            ("line\u{2028}end", false, false),
            ("bell\u{7}", false, false),
            ("next\u{85}line", false, false),
        ] {
            let found = (check(text, is_forbidden_in_names).is_ok(), check(text, is_forbidden_in_paths).is_ok());
            assert_eq!(found, (in_names, in_paths), "{text:?}");
        }
    }
}
