//! Where files are: paths and URLs.

use percent_encoding::percent_decode_str;

/// What separates the parts of a path, on whichever system an agent runs.
pub const SEPARATORS: [char; 2] = ['/', '\\'];

/// The last part of a path; empty if the path ends in a separator.
#[must_use]
pub fn last_part(path: &str) -> &str {
    path.rsplit(SEPARATORS).next().unwrap_or(path)
}

/// The file name at the end of a URL or path, without slashes at its end. A URL's name is decoded, without its query.
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

#[cfg(test)]
mod tests {
    use super::file_name;

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
