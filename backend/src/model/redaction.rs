//! Removal of passwords and other secrets from URLs, paths and texts.

use std::ops::Range;

mod decoded_text;
mod user_password_at_host;

use decoded_text::Decoded;

/// Schemes that are recognised without `//` after them: `sftp:user@host` is a URL, `C:file` is not.
const SCHEMES: [&str; 28] = [
    "amqp", "amqps", "as2", "cifs", "dav", "davs", "ftp", "ftpes", "ftps", "git", "http", "https", "imap", "imaps",
    "ldap", "ldaps", "nfs", "rsync", "s3", "scp", "sftp", "smb", "smtp", "smtps", "socks5", "ssh", "webdav", "webdavs",
];

/// Removes the passwords from a location: a path, a URL, or a text that a client may use as a URL. Anything else is
/// returned unchanged.
///
/// Rule of the contract, section 3: passwords are removed when they are received, and never stored. Malformed URLs,
/// which an ordinary parser refuses, are cleaned too, since they may hold a password: ` sftp://u:pw@h`, `//u:pw@h`,
/// `sftp:u:pw@h`, `sftp:\\u:pw@h`, `u:pw@h:/path`. A path keeps a `:` and an `@` after its first separator,
/// unless two separators stand before them, which could be written as one: `a//u:pw@h`.
#[must_use]
pub fn without_password(location: &str) -> String {
    let without_urls = cleaned(location, |location| Scan { text: location, is_text: false }.secrets());
    // Known schemes were checked before.
    cleaned(&without_urls, user_password_at_host::secret_of_location)
}

/// Whether a text contains the password of a URL.
#[must_use]
pub fn holds_password(text: &str) -> bool {
    without_passwords(text) != text
}

/// Checks that a text of a user contains no password of a URL.
///
/// # Errors
///
/// A message that says that a password is not allowed.
pub fn check(text: &str) -> Result<(), String> {
    refuse(holds_password(text))
}

/// Checks that the query text of a URL contains no password of a URL, neither in the text as it is written nor in the
/// decoded names and values.
///
/// # Errors
///
/// A message that says that a password is not allowed.
pub fn check_query(query: &str) -> Result<(), String> {
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    // A URL whose password has an `&` is spread over several parameters, so URLs are looked for in the whole query.
    refuse(
        cleaned(query, secrets_of_urls) != query
            || parameters.any(|(name, value)| holds_password(&name) || holds_password(&value)),
    )
}

fn refuse(holds_password: bool) -> Result<(), String> {
    if holds_password { Err("must not contain a password".to_owned()) } else { Ok(()) }
}

/// Removes the passwords from the URLs in a text, such as a program's message. Text that might be a password is removed
/// as well.
#[must_use]
pub fn without_passwords(text: &str) -> String {
    cleaned(&cleaned(text, secrets_of_urls), user_password_at_host::secrets)
}

/// The passwords of the URLs in a text, each with the colon before it.
fn secrets_of_urls(text: &str) -> Vec<Range<usize>> {
    Scan { text, is_text: true }.secrets()
}

/// Removes from a text what `secrets` finds: in the text as it is written, and in what a program reads when it decodes
/// the text, such as a URL in the query of another one.
fn cleaned(text: &str, secrets: impl Fn(&str) -> Vec<Range<usize>>) -> String {
    let written = without(text, secrets(text));
    let Some(decoded) = Decoded::of(&written) else { return written };
    let secrets = secrets(&decoded.text);
    without(&written, secrets.into_iter().map(|secret| decoded.written(secret)))
}

/// The text without these ranges, which are in ascending order.
fn without(text: &str, ranges: impl IntoIterator<Item = Range<usize>>) -> String {
    let (mut kept, mut from) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        kept.push_str(&text[from..range.start]);
        from = range.end;
    }
    kept.push_str(&text[from..]);
    kept
}

/// The search for URLs. It takes time in proportion to the text, whatever the text holds.
#[derive(Clone, Copy)]
struct Scan<'a> {
    text: &'a str,
    /// Whether the text may hold other words beside URLs. If not, the whole text is one location.
    is_text: bool,
}

/// Positions found beyond the current one, so that they are not searched again.
#[derive(Default)]
struct Lookahead {
    at: usize,
    line_end: usize,
    word_end: usize,
}

/// The result of reading the authority of a URL.
enum Authority {
    /// A password, from its colon to its `@`.
    Secret { colon: usize, at: usize },
    /// No password up to this position.
    Clean { end: usize },
}

impl Scan<'_> {
    /// The passwords, each with the colon before it, in ascending order.
    fn secrets(self) -> Vec<Range<usize>> {
        let (mut secrets, mut from, mut lookahead) = (Vec::new(), 0, Lookahead::default());
        while let Some((start, has_slashes)) = self.next_authority(from) {
            match self.authority(start, has_slashes, &mut lookahead) {
                Authority::Secret { colon, at } => {
                    secrets.push(colon..at);
                    from = at;
                }
                Authority::Clean { end } => from = end,
            }
        }
        secrets
    }

    /// Where the next authority may begin, and whether it is sure that one begins there.
    fn next_authority(self, from: usize) -> Option<(usize, bool)> {
        let bytes = self.text.as_bytes();
        let is_slash = |index: usize| matches!(bytes.get(index), Some(b'/' | b'\\'));
        let behind_slashes = |mut index: usize| {
            while is_slash(index) {
                index += 1;
            }
            index
        };
        let mut position = from;
        while position < bytes.len() {
            let (index, before) = (position, self.text.get(..position).unwrap_or_default());
            if is_slash(index) && is_slash(index + 1) {
                let begins = |c: char| c.is_whitespace() || "\"'`(<[{=,;|\u{ff1a}".contains(c);
                return Some((behind_slashes(index), before.chars().next_back().is_none_or(begins)));
            }
            position += 1;
            if bytes[index] != b':' {
                continue;
            }
            let length = before.bytes().rev().take(16).take_while(u8::is_ascii_alphanumeric).count();
            let scheme = &before[before.len() - length..];
            let start = behind_slashes(index + 1);
            // After `file:///` there is a path. `file://C:/a@b` has no user, so only an `@` in the authority is the end
            // of one.
            let is_file = scheme.eq_ignore_ascii_case("file");
            if start == index + 3 || (start > index + 3 && !is_file) {
                return Some((start, !is_file));
            }
            let is_word = bytes.get(start).is_some_and(|byte| !byte.is_ascii_whitespace());
            if is_known(scheme) && (is_word || !self.is_text) {
                return Some((start, !self.is_text));
            }
            if is_file && start > index + 3 {
                position = start;
            }
        }
        None
    }

    /// Reads the authority that begins at `start`. A password may hold characters that end an authority, so that its
    /// `@` comes later. That is assumed if `is_sure` says that this is a URL and the text after the colon is not a
    /// port.
    fn authority(self, start: usize, is_sure: bool, lookahead: &mut Lookahead) -> Authority {
        let rest = &self.text[start..];
        let ends = |c: char| ends_authority(c) || (self.is_text && (c.is_whitespace() || "\"'`<>|".contains(c)));
        let end = start + rest.find(ends).unwrap_or(rest.len());
        let authority = &self.text[start..end];
        // Slashes in a path: another URL may begin behind them.
        let is_doubtful = !is_sure && self.text[..start].ends_with(['/', '\\']);
        if let Some(at) = user_end(authority) {
            return match find_colon(&authority[..at]) {
                Some(colon) => Authority::Secret { colon: start + colon, at: start + at },
                None => Authority::Clean { end: if is_doubtful { start } else { start + at + 1 } },
            };
        }
        if is_doubtful {
            return Authority::Clean { end: start };
        }
        // What looks like an empty port may be the end of another scheme.
        let clean = Authority::Clean { end: end - usize::from(authority.len() > 1 && authority.ends_with(':')) };
        let Some(colon) = find_colon(authority).filter(|_| is_sure && !authority.starts_with('[')) else {
            return clean;
        };
        let port = authority[colon..].trim_start_matches(is_colon);
        let behind = &self.text[end..];
        let is_quoted = port.is_empty() && behind.starts_with(['"', '\'', '`']);
        let at = next(|c| c == '@', self.text, end, &mut lookahead.at);
        if !is_quoted && self.is_port(port) {
            // `sftp://h: refused` has an empty port. In `sftp://u:#pw@h` the password begins with what ends an authority.
            let is_empty = !port.starts_with(|c: char| c.is_ascii_digit()) && !behind.starts_with("//");
            let is_secret = is_empty && at < next(char::is_whitespace, self.text, end, &mut lookahead.word_end);
            return if is_secret { Authority::Secret { colon: start + colon, at } } else { clean };
        }
        let line_end =
            if self.is_text { next(|c| c == '\n', self.text, end, &mut lookahead.line_end) } else { self.text.len() };
        // A text may end in the middle of a password.
        if at < line_end || (self.is_text && end == self.text.len()) {
            return Authority::Secret { colon: start + colon, at };
        }
        clean
    }

    fn is_port(self, text: &str) -> bool {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = text.split_at(digits);
        let is_over = behind.is_empty() || (self.is_text && !behind.starts_with(char::is_alphanumeric));
        is_over && (number.parse::<u16>().is_ok() || (self.is_text && number.is_empty()))
    }
}

/// The next position of such a character, from `from` on; the end of the text if there is none. The result is kept in
/// `found`, so that no part of the text is searched twice.
fn next(is_wanted: impl Fn(char) -> bool, text: &str, from: usize, found: &mut usize) -> usize {
    if *found < from {
        *found = text[from..].find(is_wanted).map_or(text.len(), |length| from + length);
    }
    *found
}

fn is_known(scheme: &str) -> bool {
    SCHEMES.iter().any(|known| scheme.trim().eq_ignore_ascii_case(known))
}

const fn ends_authority(c: char) -> bool {
    matches!(c, '/' | '\\' | '?' | '#')
}

/// The end of the user information: the last `@`, because a password may contain an `@`, or an unnecessarily encoded
/// `@`.
fn user_end(authority: &str) -> Option<usize> {
    authority.rfind(['@', '\u{ff20}']).or_else(|| authority.rfind("%40"))
}

/// The position of the colon between the user name and the password.
fn find_colon(text: &str) -> Option<usize> {
    let encoded = || text.find("%3A").into_iter().chain(text.find("%3a")).min();
    text.find(is_colon).into_iter().chain(encoded()).min()
}

/// Whether the character separates a password. Some programs accept the full-width colon, too.
const fn is_colon(c: char) -> bool {
    matches!(c, ':' | '\u{ff1a}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("sftp://user:secret@host/path", "sftp://user@host/path")]
    #[case("sftp://user:se@cret@host:22/p?q#f", "sftp://user@host:22/p?q#f")]
    #[case("ftp://:secret@host", "ftp://@host")]
    #[case("ftp://user:sec/ret@host/x", "ftp://user@host/x")]
    #[case(" sftp://u:pw@h/x", " sftp://u@h/x")]
    #[case("\u{a0}sftp://u:pw@h/x", "\u{a0}sftp://u@h/x")]
    #[case("//u:pw@h/x", "//u@h/x")]
    #[case(" //u:pw@h/x", " //u@h/x")]
    #[case("sftp:u:pw@h", "sftp:u@h")]
    #[case("SFTP:/u:pw@h/x", "SFTP:/u@h/x")]
    #[case("sftp:///u:pw@h/x", "sftp:///u@h/x")]
    #[case("sftp: //u:pw@h/x", "sftp: //u@h/x")]
    #[case("sftp ://u:pw@h/x", "sftp ://u@h/x")]
    #[case(r"sftp:\\u:pw@h\x", r"sftp:\\u@h\x")]
    #[case("u:pw@h:/x", "u@h:/x")]
    #[case("joe:pw@h", "joe@h")]
    #[case("sftp://u%3Apw@h/x", "sftp://u@h/x")]
    #[case("sftp://u:pw%40h/x", "sftp://u%40h/x")]
    #[case("sftp://us@er:pw@h/x", "sftp://us@er@h/x")]
    #[case("jdbc:sftp://u:pw@h/x", "jdbc:sftp://u@h/x")]
    #[case("https://proxy/?to=sftp://u:pw@h/x", "https://proxy/?to=sftp://u@h/x")]
    #[case("https://proxy/?to=sftp%3A%2F%2Fu%3Apw%40h%2Fx", "https://proxy/?to=sftp%3A%2F%2Fu%40h%2Fx")]
    #[case("https://proxy/?to=sftp%3a//u:pw@h", "https://proxy/?to=sftp%3a//u@h")]
    #[case("sftp://u:pw%2540h/x", "sftp://u%2540h/x")]
    #[case("sftp://u%253Apw@h/x", "sftp://u@h/x")]
    #[case("file://u:pw@h/x", "file://u@h/x")]
    #[case("svn+FILE://u:pw@h/x", "svn+FILE://u@h/x")]
    #[case("\u{200b}//u:pw@h/x", "\u{200b}//u@h/x")]
    #[case("sftp:/\u{200b}/u:pw@h/x", "sftp:/\u{200b}/u@h/x")]
    #[case("sftp\u{ff1a}//u:pw@h/x", "sftp\u{ff1a}//u@h/x")]
    #[case("/a/${{ params.//u:pw@h/x }}", "/a/${{ params.//u@h/x }}")]
    #[case("a&//u:pw@h>//u:pw@h-//u:pw@h/x", "a&//u@h>//u@h-//u@h/x")]
    fn passwords_are_removed_from_locations(#[case] sent: &str, #[case] kept: &str) {
        assert_eq!(without_password(sent), kept);
        assert_eq!(without_password(kept), kept);
    }

    #[rstest::rstest]
    #[case("sftp://user@host/path")]
    #[case("sftp://user@host:22/a:b@c")]
    #[case("sftp:user@host")]
    #[case("ftp://host:21/a@b")]
    #[case("https://host/x?at=10:15&to=a@b")]
    #[case("https://[2001:db8::1]:990/a:b@c")]
    #[case("/local/a:b@c")]
    #[case("./a:b@c")]
    #[case("file:///a:b@c")]
    #[case("/data/100%/a%3Ab%40c")]
    #[case("file://C:/data/a@b")]
    #[case("file://host/a:b@c")]
    #[case("sftp://user%40example.com@host:22/a%2Fb%3Ac%40d")]
    #[case("https://host/x?at=10%3A15&to=a%40b")]
    #[case("user@host:/path/a:b@c")]
    #[case(r"C:\data\x")]
    #[case(r"C:\data\a@b")]
    #[case(r"\\server\share\a@b")]
    #[case("C:/data/a@b:c")]
    #[case("//server/share/a:b@c")]
    #[case("/data//a/b:c@d//e@f:g")]
    #[case("sftp://host//out/a:b@c")]
    fn what_holds_no_password_stays(#[case] sent: &str) {
        assert_eq!(without_password(sent), sent);
    }

    #[rstest::rstest]
    #[case("cannot read sftp://u:pw@h/x: denied", "cannot read sftp://u@h/x: denied")]
    #[case("\"ftp://u:p w@h\" and //u:pw@h, sftp:u:pw@h", "\"ftp://u@h\" and //u@h, sftp:u@h")]
    #[case("url=sftp://u:pw@h\nurl=sftp://v:pw@h", "url=sftp://u@h\nurl=sftp://v@h")]
    #[case("cut off: sftp://u:p", "cut off: sftp://u")]
    #[case("scp u:pw@h:/x and (u:pw@h/x)", "scp u@h:/x and (u@h/x)")]
    #[case("GET /?to=sftp%3A%2F%2Fu%3Apw%40h: 404", "GET /?to=sftp%3A%2F%2Fu%40h: 404")]
    #[case("sftp://u:#pw@h sftp://u:?pw@h/x sftp://u:/pw@h", "sftp://u@h sftp://u@h/x sftp://u@h")]
    #[case("a://b://u:pw@h/x", "a://b://u@h/x")]
    #[case("sftp://u:\"pw\"@h/x", "sftp://u@h/x")]
    #[case("sftp://u\u{ff1a}pw@h/x sftp://u:pw\u{ff20}h/x", "sftp://u@h/x sftp://u\u{ff20}h/x")]
    #[case("sftp://h:22: refused, ask ops@acme.example", "sftp://h:22: refused, ask ops@acme.example")]
    #[case("sftp://h: refused, ask ops@acme.example", "sftp://h: refused, ask ops@acme.example")]
    #[case("https://h/a:b@c at 10:15, sftp: a:b", "https://h/a:b@c at 10:15, sftp: a:b")]
    #[case("mail to:ops@acme.example // or not", "mail to:ops@acme.example // or not")]
    #[case("see a.//u:pw@h/x, a://://u:pw@h", "see a.//u@h/x, a://://u@h")]
    #[case("at 10:15//ops@acme.example, x//y:z", "at 10:15//ops@acme.example, x//y:z")]
    fn passwords_are_removed_from_texts(#[case] sent: &str, #[case] kept: &str) {
        assert_eq!(without_passwords(sent), kept);
        assert_eq!(without_passwords(kept), kept);
    }

    #[test]
    fn a_long_text_is_looked_at_once() {
        // With a look at the rest for each piece, this would take minutes.
        for piece in
            ["ftp:", "//a:b ", "x//", "%EF%BC", "x//ftp:a@", "://a:b/", "://a:/", "%25", "%3A%2F%2F", "ftp://u:pw@h "]
        {
            let text = piece.repeat(300_000 / piece.len());
            assert!(without_passwords(&text).len() <= text.len());
            assert!(without_password(&text).len() <= text.len());
        }
    }

    proptest::proptest! {
        #[test]
        fn a_password_never_survives(
            lead in "( |\t)?((sftp|FTP|https|x-y):)?(//|///|\\\\\\\\)",
            user in "[a-z]{0,5}", secret in "[A-Z@:]{4,12}", host in "[a-z]{1,8}", path in "(/[a-z@]{0,5}){0,2}"
        ) {
            let sent = format!("{lead}{user}:{secret}@{host}{path}");
            let kept = without_password(&sent);
            proptest::prop_assert!(!kept.contains(&secret), "{}", kept);
            let kept = without_passwords(&format!("cannot open '{sent}': refused"));
            proptest::prop_assert!(!kept.contains(&secret), "{}", kept);
            let kept = without_password(&format!("sftp:{user}:{secret}@{host}{path}"));
            proptest::prop_assert!(!kept.contains(&secret), "{}", kept);
        }

        #[test]
        fn ordinary_paths_are_unchanged(
            root in r"(/|\./|\.\./|[A-Z]:\\|[A-Z]:/|\\\\nas\\|//nas/)",
            path in r"[a-zA-Z0-9 @:._+-]{0,12}([/\\][a-zA-Z0-9 @:._+-]{1,12}){0,3}"
        ) {
            let names_a_scheme = SCHEMES.iter().any(|scheme| path.to_lowercase().contains(&format!("{scheme}:")));
            proptest::prop_assume!(!names_a_scheme && !path.starts_with(['/', '\\']));
            let path = format!("{root}{path}");
            proptest::prop_assert_eq!(without_password(&path), path);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "(?s).{0,64}") {
            let once = without_passwords(&text);
            proptest::prop_assert!(once.len() <= text.len());
            proptest::prop_assert!(without_password(&text).len() <= text.len());
        }
    }
}
