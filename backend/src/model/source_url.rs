//! Where a transfer reads from or writes to: a URL or a path, without secrets.

/// Removes a password from a URL; anything that is not a URL with a password comes back as it was.
///
/// Rule of the contract, section 3: passwords are removed on arrival and never stored. What an ordinary parser refuses
/// is cleaned by hand, since a malformed URL may hold a password all the same.
#[must_use]
pub fn without_password(location: &str) -> String {
    let Some((scheme, rest)) = location.split_once("://") else { return location.to_owned() };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme {
        return location.to_owned();
    }
    // Within the authority the last `@` ends the user's part: a password may hold one that is not encoded.
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // A `/` in a password that is not encoded would end the authority early: then the `@` stands behind it.
    if let Some((user, host)) = authority.rsplit_once('@') {
        let name = user.split_once(':').map_or(user, |(name, _)| name);
        return format!("{scheme}://{name}@{host}{path}");
    }
    match (authority.split_once(':'), path.split_once('@')) {
        (Some((name, port)), Some((_, host))) if !is_port(port) => format!("{scheme}://{name}@{host}"),
        _ => location.to_owned(),
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

/// The most characters of a file name that are searched, as many as a search may have: an index entry has a size limit.
const MAX_NAME: usize = 255;

/// The file name at the end of a URL or path, for searching: lower case, without query and trailing slashes.
#[must_use]
pub fn file_name(location: &str) -> String {
    let (path, is_url) = match location.split_once("://") {
        Some((_, rest)) => (rest.split(['?', '#']).next().unwrap_or(rest), true),
        None => (location, false),
    };
    let path = path.trim_end_matches(['/', '\\']);
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    // Only a URL is encoded: in the name of a file a per cent sign is one.
    let name = if is_url { percent_encoding::percent_decode_str(name).decode_utf8_lossy() } else { name.into() };
    // PostgreSQL keeps no NUL, and nobody can search for a control character.
    let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    name.to_lowercase().chars().map(shown).take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("sftp://user:secret@host/path", "sftp://user@host/path")]
    #[case("sftp://user:se@cret@host:22/p?q#f", "sftp://user@host:22/p?q#f")]
    #[case("ftp://:secret@host", "ftp://@host")]
    #[case("ftp://user:sec/ret@host/x", "ftp://user@host/x")]
    #[case("sftp://user@host/path", "sftp://user@host/path")]
    #[case("ftp://host:21/a@b", "ftp://host:21/a@b")]
    #[case("/local/a:b@c", "/local/a:b@c")]
    #[case(r"C:\data\x", r"C:\data\x")]
    fn passwords_are_removed_from_urls_only(#[case] sent: &str, #[case] kept: &str) {
        assert_eq!(without_password(sent), kept);
    }

    #[rstest::rstest]
    #[case("sftp://h/a/Data%20One.CSV?x=1", "data one.csv")]
    #[case("/local/data/", "data")]
    #[case(r"C:\out\Report.txt", "report.txt")]
    #[case("a+b&c=d.txt", "a+b&c=d.txt")]
    #[case("/data/100%25.txt", "100%25.txt")]
    #[case("sftp://h/100%25%00.txt", "100%\u{fffd}.txt")]
    fn the_file_name_is_the_last_part(#[case] location: &str, #[case] name: &str) {
        assert_eq!(file_name(location), name);
    }

    proptest::proptest! {
        #[test]
        fn a_password_never_survives(
            user in "[a-z]{0,5}", secret in "[A-Z@:]{4,12}", host in "[a-z]{1,8}", path in "(/[a-z@]{0,5}){0,2}"
        ) {
            let kept = without_password(&format!("sftp://{user}:{secret}@{host}{path}"));
            proptest::prop_assert!(!kept.contains(&secret), "{}", kept);
        }
    }
}
