//! Functions over the paths and URLs of files.

use percent_encoding::percent_decode_str;

/// The separators of paths on all systems that agents run on.
pub const SEPARATORS: [char; 2] = ['/', '\\'];

/// The part of a path after its last separator; empty if the path ends in a separator.
#[must_use]
pub fn last_part(path: &str) -> &str {
    path.rsplit(SEPARATORS).next().unwrap_or(path)
}

/// The file name at the end of a URL or path; separators at the end are ignored. The name of a URL is percent-decoded,
/// and excludes the query and fragment. Control characters are replaced by U+FFFD.
#[must_use]
pub fn file_name(location: &str) -> String {
    let (path, is_url) = match location.split_once("://") {
        Some((_, rest)) => (rest.split(['?', '#']).next().unwrap_or(rest), true),
        None => (location, false),
    };
    let name = last_part(path.trim_end_matches(SEPARATORS));
    // Only a URL is encoded: in the name of a file, a per cent sign is one.
    let name = if is_url { percent_decode_str(name).decode_utf8_lossy() } else { name.into() };
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The percent-decoded path of a `file:` URL, or a message about what is wrong with the URL; `None` if the text is not
/// a `file:` URL. Bytes that are not UTF-8 are replaced, so use the path for display and checks only: agents decode the
/// URL themselves to open the file.
#[must_use]
pub fn local_file(text: &str) -> Option<Result<String, &'static str>> {
    let (scheme, rest) = text.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") || !rest.starts_with('/') {
        return None;
    }
    Some(path_of_file_url(rest))
}

fn path_of_file_url(rest: &str) -> Result<String, &'static str> {
    if rest.contains(['?', '#']) {
        return Err("has a `?` or `#`, which ends the path of a URL: write %3F or %23, or the path alone");
    }
    let host = rest.strip_prefix("//").map_or("", |rest| rest.split('/').next().unwrap_or(rest));
    let path = rest.strip_prefix("//").map_or(rest, |rest| &rest[host.len()..]);
    if !(host.is_empty() || host.eq_ignore_ascii_case("localhost")) || path.is_empty() {
        return Err("names no file of the agent's own machine: write file:///path, or the path alone");
    }
    let path = percent_decode_str(path).decode_utf8_lossy();
    if path.contains('\0') {
        return Err("contains the character NUL (%00): remove it");
    }
    let has_drive = matches!(path.as_bytes(), [b'/', letter, b':', b'/', ..] if letter.is_ascii_alphabetic());
    Ok(if has_drive { path[1..].to_owned() } else { path.into_owned() })
}

#[cfg(test)]
mod tests {
    use super::{file_name, local_file};

    #[test]
    fn a_file_url_is_a_path_of_the_own_machine() {
        for (url, path) in [
            ("file:///data/a%20b.csv", "/data/a b.csv"),
            ("FILE:///data/in/", "/data/in/"),
            ("file://localhost/data", "/data"),
            ("file:/data", "/data"),
            ("file:///C:/data", "C:/data"),
            ("file:///data/%2e%2e/x", "/data/../x"),
            ("file:///data/%ff", "/data/\u{fffd}"),
        ] {
            assert_eq!(local_file(url), Some(Ok(path.to_owned())), "{url}");
        }
        for url in ["file://host/data", "file://", "file://localhost", "file:///a?b", "file:///a#b", "file:///a%00b"] {
            assert!(local_file(url).is_some_and(|path| path.is_err()), "{url}");
        }
        for text in ["/data", "file", "file:a", "sftp://h/a", r"C:\data", "", "profile:/a"] {
            assert_eq!(local_file(text), None, "{text}");
        }
    }

    #[test]
    fn a_file_name_is_the_last_part_of_a_path_or_url() {
        for (location, name) in [
            ("sftp://h/a/Data%20One.CSV?x=1", "Data One.CSV"),
            ("/local/data/", "data"),
            (r"C:\out\Report.txt", "Report.txt"),
            ("a+b&c=d.txt", "a+b&c=d.txt"),
            ("/data/100%25.txt", "100%25.txt"),
            ("sftp://h/100%25%00.txt", "100%\u{fffd}.txt"),
            ("sftp://host/exports/", "exports"),
            ("sftp://h/a%2Fb#part", "a/b"),
            ("sftp://h/%e4%b8%ad%E6%96%87", "\u{4e2d}\u{6587}"),
            ("sftp://h/50%.txt", "50%.txt"),
            ("sftp://h/%+f%zz%4", "%+f%zz%4"),
            ("sftp://h/%ff", "\u{fffd}"),
            ("/", ""),
        ] {
            assert_eq!(file_name(location), name, "{location}");
        }
    }
}
