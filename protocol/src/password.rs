//! The rule for new passwords.

use crate::characters::{is_blank, is_forbidden_in_names};

/// The minimum number of characters.
pub const MIN_CHARACTERS: usize = 12;
/// The maximum number of characters.
pub const MAX_CHARACTERS: usize = 1024;
/// The minimum number of different characters. A password with fewer is easy to guess, such as one repeated character.
pub const MIN_DIFFERENT: usize = 4;

/// The rule as a sentence for users who choose a password.
pub const RULE: &str = "At least 12 characters, at least 4 of them different.";

/// Checks a new password. The minimum length counts characters, not bytes, and ignores invisible characters and white
/// space at both ends.
///
/// # Errors
///
/// A message that says what the password must be.
pub fn check(password: &str) -> Result<(), &'static str> {
    if password.trim().chars().filter(|c| counts(*c)).count() < MIN_CHARACTERS {
        return Err("must be at least 12 characters long");
    }
    if password.chars().count() > MAX_CHARACTERS {
        return Err("must be at most 1024 characters long");
    }
    if !has_different_characters(password) {
        return Err("must contain at least 4 different characters");
    }
    Ok(())
}

fn has_different_characters(password: &str) -> bool {
    let mut found: Vec<char> = Vec::new();
    for c in password.chars().filter(|c| counts(*c) && !c.is_whitespace()) {
        if !found.contains(&c) {
            found.push(c);
        }
        if found.len() == MIN_DIFFERENT {
            return true;
        }
    }
    false
}

/// Whether the character counts: it is a blank, or has a shape of its own.
fn counts(c: char) -> bool {
    !is_forbidden_in_names(c) && (c.is_whitespace() || !is_blank(c))
}

#[cfg(test)]
mod tests {
    use super::{MAX_CHARACTERS, MIN_CHARACTERS, MIN_DIFFERENT, RULE, check};

    #[test]
    fn characters_are_counted_whatever_their_bytes() {
        let longest = "äöüß".repeat(MAX_CHARACTERS / 4);
        for password in ["twelve chars", "äöüßäöüßäöüß", "\u{1f511}abcdefghijk", "a long passphrase", &longest]
        {
            assert_eq!(check(password), Ok(()), "{password}");
        }
        assert!(check(&format!("{longest}x")).is_err_and(|problem| problem.contains("at most 1024")));
    }

    #[test]
    fn short_and_repeated_passwords_are_refused() {
        let spaces = " ".repeat(12);
        let pairs = "ab ".repeat(8);
        for password in ["", "elevenchars", " elevenchars ", "aaaaaaaaaaaa", "abcabcabcabc", &spaces, &pairs] {
            assert!(check(password).is_err(), "{password}");
        }
    }

    #[test]
    fn invisible_characters_do_not_count() {
        assert!(check("elevenchars\u{200b}").is_err());
        assert!(check("eleven\u{ad}chars").is_err());
        assert!(check("elevenchars\u{202e}\u{7}").is_err());
        for joiner in ["\u{200c}", "\u{200d}", "\u{fe0f}", "\u{2800}"] {
            assert!(check(&format!("abcd{}", joiner.repeat(8))).is_err(), "{joiner:?}");
        }
        assert!(check("aaaaaaaaaaaa\u{200c}\u{200d}\u{fe0f}").is_err());
        assert!(check("aaaaaaaaaaaa\u{200b}\u{202e}\u{ad}").is_err());
    }

    #[test]
    fn the_sentences_name_the_bounds() {
        assert!(RULE.contains(&MIN_CHARACTERS.to_string()) && RULE.contains(&MIN_DIFFERENT.to_string()));
        assert!(check("").is_err_and(|problem| problem.contains(&MIN_CHARACTERS.to_string())));
        assert!(check(&"a".repeat(12)).is_err_and(|problem| problem.contains(&MIN_DIFFERENT.to_string())));
    }
}
