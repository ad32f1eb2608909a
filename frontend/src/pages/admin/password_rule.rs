//! The rule for new passwords, which forms check before they are sent. Pure.

/// The rule as text.
pub(super) const PASSWORD_RULE: &str = "At least 12 characters, at least 4 of them different.";

const MIN_CHARACTERS: usize = 12;
const MIN_DIFFERENT: usize = 4;

/// Whether the server accepts a password.
///
/// The rule is that of `check_password` in `backend/src/model/account.rs`. Change both as long as they share no crate.
/// Characters are counted, not bytes; invisible ones, and spaces at either end, do not count. Only the server checks the
/// maximum length.
pub(super) fn is_acceptable(password: &str) -> bool {
    let visible = password.trim().chars().filter(|c| !is_invisible(*c)).count();
    visible >= MIN_CHARACTERS && has_different_characters(password)
}

fn has_different_characters(password: &str) -> bool {
    let mut found: Vec<char> = Vec::new();
    for c in password.chars().filter(|c| !c.is_whitespace()) {
        if !found.contains(&c) {
            found.push(c);
        }
        if found.len() == MIN_DIFFERENT {
            return true;
        }
    }
    false
}

/// The same characters as in `is_forbidden_in_names` in `backend/src/model/characters.rs`.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}'
            | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_characters_are_enough_whatever_their_bytes() {
        for password in ["twelve chars", "äöüßäöüßäöüß", "\u{1f511}abcdefghijk", "a long passphrase"] {
            assert!(is_acceptable(password), "{password}");
        }
    }

    #[test]
    fn short_and_repeated_passwords_are_refused() {
        let spaces = " ".repeat(12);
        let pairs = "ab ".repeat(8);
        for password in ["", "elevenchars", " elevenchars ", "aaaaaaaaaaaa", "abcabcabcabc", &spaces, &pairs] {
            assert!(!is_acceptable(password), "{password}");
        }
    }

    #[test]
    fn invisible_characters_do_not_count() {
        assert!(!is_acceptable("elevenchars\u{200b}"));
        assert!(!is_acceptable("eleven\u{ad}chars"));
        assert!(!is_acceptable("elevenchars\u{202e}\u{7}"));
    }
}
