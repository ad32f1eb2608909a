//! The cause and the host that several failures have in common.

use crate::model::transfer::Protocol;

/// The maximum length of a cause, in characters.
const MAX_CAUSE: usize = 200;
/// What stands in a cause in the place of paths, ids and other values.
const VALUE: &str = "…";

/// The code for failures that have no code of their own.
const OTHER: &str = "other";

/// The code and the message of a failure, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The code of the failure.
    pub code: Option<&'a str>,
    /// The error message.
    pub message: Option<&'a str>,
}

impl Failure<'_> {
    /// The cause of the failure without values such as paths and ids, so that it is the same for similar failures;
    /// `None` if neither the code nor the message names a cause.
    #[must_use]
    pub fn cause(self) -> Option<String> {
        self.as_text(without_values)
    }

    /// The code as words, or else the message as `read` reads it.
    fn as_text(self, read: fn(&str) -> Option<String>) -> Option<String> {
        match self.code.filter(|code| *code != OTHER) {
            Some(code) => Some(words(code)),
            None => self.message.and_then(read).or_else(|| self.code.map(words)),
        }
    }
}

/// The end of a sentence about failures, which names their cause, such as `: disk full`. The cause of a single failure is
/// its code or the first line of its message; that of several failures is `cause`. Empty if no cause is known.
#[must_use]
pub fn reason<'a>(failures: impl IntoIterator<Item = Failure<'a>>, cause: Option<&str>) -> String {
    let mut failures = failures.into_iter();
    let reason = match (failures.next(), failures.next()) {
        (Some(only), None) => only.as_text(first_line),
        _ => cause.map(str::to_owned),
    };
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

/// A code as words: `quotaExceeded` is `quota exceeded`.
fn words(code: &str) -> String {
    let mut words = String::with_capacity(code.len() + 4);
    for c in code.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// The first line of a message that is not empty, at most [`MAX_CAUSE`] characters of it.
fn first_line(message: &str) -> Option<String> {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(MAX_CAUSE).collect())
}

/// The first line of a message without digits, ids and paths, so that messages about different files are the same.
fn without_values(message: &str) -> Option<String> {
    let line = message.lines().find(|line| !line.trim().is_empty())?;
    let mut cause = String::new();
    for word in line.split_whitespace() {
        let word = plain(word);
        if word == VALUE && cause.ends_with(VALUE) {
            continue;
        }
        if !cause.is_empty() {
            cause.push(' ');
        }
        cause.push_str(&word);
    }
    let cause: String = cause.chars().take(MAX_CAUSE).collect();
    cause.chars().any(char::is_alphabetic).then_some(cause)
}

/// A word without its value. Punctuation at its end is kept.
fn plain(word: &str) -> String {
    let end = word.trim_end_matches([':', ',', ';', '.', '!', '?']);
    let bare = end.trim_matches(['`', '\'', '"', '(', ')', '<', '>', '[', ']', '{', '}']);
    // Ids hold digits, too.
    if bare.contains(['/', '\\', '@', '=']) || bare.bytes().any(|byte| byte.is_ascii_digit()) {
        return format!("{VALUE}{}", &word[end.len()..]);
    }
    word.to_owned()
}

/// The host of a copy in lower case: that of its source or, if the source has none, of its destination. `None` for a
/// copy within the agent's machine, or if neither names a host.
#[must_use]
pub fn host(protocol: Protocol, source: &str, destination: &str) -> Option<String> {
    if protocol == Protocol::Local {
        return None;
    }
    host_of(source).or_else(|| host_of(destination)).map(str::to_lowercase)
}

/// The host of a URL, or the endpoint before the colon in `endpoint:/path`.
fn host_of(location: &str) -> Option<&str> {
    let location = location.trim();
    let Some((_, rest)) = location.split_once("://") else {
        let (endpoint, _) = location.split_once(":/")?;
        let host = endpoint.rsplit('@').next().unwrap_or(endpoint);
        // A single letter is a drive.
        return Some(host).filter(|host| host.len() > 1 && !host.contains(['/', '\\']));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = match host.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or(host),
    };
    Some(host).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Some("quotaExceeded"), Some("550 over quota"), Some("quota exceeded"))]
    #[case(Some("other"), Some("no route to host"), Some("no route to host"))]
    #[case(Some("other"), None, Some("other"))]
    #[case(None, Some("cannot write /data/in/a-17.csv: disk full"), Some("cannot write …: disk full"))]
    #[case(None, Some("cannot open `sftp://h/x` 5 times: refused"), Some("cannot open … times: refused"))]
    #[case(None, Some("job 0199c1f0-6c00-7000-8000-000000000001 lost"), Some("job … lost"))]
    #[case(None, Some("\n  timed out\nat line 7"), Some("timed out"))]
    #[case(None, Some("550"), None)]
    #[case(None, None, None)]
    fn a_cause_is_the_code_or_the_message_without_its_values(
        #[case] code: Option<&str>,
        #[case] message: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(Failure { code, message }.cause().as_deref(), expected);
    }

    #[rstest]
    #[case(Some("quotaExceeded"), Some("550 over quota"), ": quota exceeded")]
    #[case(None, Some("cannot write /data/in/a-17.csv: disk full"), ": cannot write /data/in/a-17.csv: disk full")]
    #[case(Some("other"), Some("\n  550 \nat line 7"), ": 550")]
    #[case(Some("other"), None, ": other")]
    #[case(None, Some(" \n"), "")]
    #[case(None, None, "")]
    fn the_reason_of_one_failure_keeps_its_values(
        #[case] code: Option<&str>,
        #[case] message: Option<&str>,
        #[case] expected: &str,
    ) {
        let failure = Failure { code, message };
        assert_eq!(reason([failure], failure.cause().as_deref()), expected);
    }

    #[test]
    fn the_reason_of_several_failures_is_their_cause() {
        let failures = ["cannot read /a/1.csv: gone", "cannot read /a/2.csv: gone"]
            .map(|message| Failure { code: None, message: Some(message) });
        assert_eq!(reason(failures, failures[0].cause().as_deref()), ": cannot read …: gone");
        assert_eq!(reason(failures, None), "", "nothing is in common");
    }

    #[test]
    fn a_reason_has_a_bounded_length() {
        let message = "é".repeat(5_000);
        let text = reason([Failure { code: None, message: Some(&message) }], None);
        assert_eq!(text.chars().count(), ": ".len() + MAX_CAUSE);
    }

    #[test]
    fn messages_about_different_files_have_one_cause() {
        let causes = ["/a/1.csv", "/b c/2.csv"].map(|path| without_values(&format!("cannot read {path}: gone")));
        assert_eq!(causes[0].as_deref(), Some("cannot read …: gone"));
        assert!(causes[1].is_some());
        let long = without_values(&"é ".repeat(5_000)).unwrap_or_default();
        assert_eq!(long.chars().count(), MAX_CAUSE);
    }

    #[rstest]
    #[case(Protocol::Sftp, "sftp://user@SFTP.partner.example:22/in/a", "/data", Some("sftp.partner.example"))]
    #[case(Protocol::Ftps, "/data/a", "ftps://[2001:db8::7]:990/in", Some("2001:db8::7"))]
    #[case(Protocol::Sftp, "partner:/in/a", "/data", Some("partner"))]
    #[case(Protocol::Sftp, "/data/a", "C:/in", None)]
    #[case(Protocol::Local, "sftp://h/a", "/data", None)]
    fn the_host_is_that_of_the_server(
        #[case] protocol: Protocol,
        #[case] source: &str,
        #[case] destination: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(host(protocol, source, destination).as_deref(), expected);
    }
}
