//! Passwords in words such as `user:password@host:/path`, as ssh and scp read them.

use std::ops::Range;

use super::{ends_authority, find_colon, is_known, user_end};

/// The password at the beginning of a location, from its colon to its `@`.
pub(super) fn secret_of_location(location: &str) -> Vec<Range<usize>> {
    let lead = location.len() - location.trim_start().len();
    let end = location[lead..].find(ends_authority).map_or(location.len(), |length| lead + length);
    let first = &location[lead..end];
    let is_scheme = first.split_once(':').is_some_and(|(scheme, _)| is_known(scheme));
    let secret = user_end(first).and_then(|at| Some(lead + find_colon(&first[..at])?..lead + at));
    secret.filter(|_| !is_scheme).into_iter().collect()
}

/// The passwords in the words of a text, in ascending order.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut start) = (Vec::new(), 0);
    for word in text.split_inclusive(|c: char| c.is_whitespace() || "\"'`<>|(),".contains(c)) {
        found.extend(secret_of_word(word).map(|secret| start + secret.start..start + secret.end));
        start += word.len();
    }
    found
}

/// The range of the password in a word such as `user:password@host:/path` or `user:password@host/path`: from its colon
/// to its `@`. `to:joe@example.com` holds none.
fn secret_of_word(word: &str) -> Option<Range<usize>> {
    let first = &word[..word.find(ends_authority)?];
    let at = user_end(first)?;
    let colon = find_colon(&first[..at]).filter(|colon| *colon > 0)?;
    (!is_known(&first[..colon])).then_some(colon..at)
}

#[cfg(test)]
mod tests {
    use super::super::{check_query, without_password, without_passwords};

    #[rstest::rstest]
    #[case("u%3Apw%40h%3A%2Fx", "u%40h%3A%2Fx")]
    #[case("u%253Apw%2540h:/x", "u%2540h:/x")]
    #[case("u\u{fe13}pw\u{fe6b}h:/x", "u\u{fe6b}h:/x")]
    #[case("u\u{ff1a}pw\u{ff20}h\u{ff0f}x", "u\u{ff20}h\u{ff0f}x")]
    fn a_word_that_is_encoded_holds_a_password_too(#[case] sent: &str, #[case] kept: &str) {
        assert_eq!(without_password(sent), kept);
        assert_eq!(without_password(kept), kept);
        let text = |word: &str| format!("scp ({word}) failed, q={word}");
        assert_eq!(without_passwords(&text(sent)), text(kept));
        assert_eq!(without_passwords(&text(kept)), text(kept));
    }

    #[rstest::rstest]
    #[case("10%3A15, ops%40acme.example%2Fin")]
    #[case("at=10%3A15&to=ops%40acme.example")]
    #[case("%2Fdata%2Fa%3Ab%40c")]
    #[case("to%3Aops%40acme.example")]
    fn other_words_stay(#[case] text: &str) {
        assert_eq!(without_passwords(text), text);
    }

    #[rstest::rstest]
    #[case("u%3Apw%40h%3A%2Fx")]
    #[case("q=u%3Apw%40h%3A%2Fx")]
    #[case("q%3Du%3Apw%40h%3A%2Fx")]
    #[case("q=u%253Apw%2540h%253A%252Fx")]
    #[case("q=see+u%3Apw%40h%2Fx&status=failed")]
    #[case("q=u:pw@h:/x")]
    #[case("q=sftp%3A%2F%2Fu%3A1%26pw%40h%2Fx")]
    #[case("q=sftp://u:1&pw@h/x")]
    fn a_query_with_a_password_is_refused(#[case] query: &str) {
        assert_eq!(check_query(query), Err("must not contain a password".to_owned()));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("status=failed&q=a%3Ab%40c&columns=source%2Cerror")]
    #[case("at=2026-04-25T10%3A15%3A00Z&q=ops%40acme.example&zone=Europe%2FParis")]
    #[case("q=a:b@c&zone=Europe/Paris")]
    #[case("q=sftp%3A%2F%2Fu%40h%2Fx&from=10%3A15")]
    fn a_query_without_a_password_is_accepted(#[case] query: &str) {
        assert_eq!(check_query(query), Ok(()));
    }
}
