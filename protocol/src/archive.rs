//! Compressed files: their formats, and the names of compressed and decompressed files.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    location::{SEPARATORS, last_part, local_file},
    text_enum::text_enum,
};

/// The characters that are percent-encoded in a file name that becomes part of a URL: all but the unreserved ones of
/// RFC 3986.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

text_enum! {
    /// A format of compressed files.
    pub enum Format {
        /// gzip, with names that end in `.gz`.
        Gzip = "gzip",
        /// Zstandard, with names that end in `.zst`.
        Zstd = "zstd",
    }
}

impl Format {
    /// The ending of file names in this format, in lower case with its dot, such as `.gz`.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// The format of a file according to the ending of its name, in upper or lower case; `None` if no format has this
    /// ending.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let ends = |ending: &str| {
            let at = name.len().checked_sub(ending.len());
            at.and_then(|at| name.get(at..)).is_some_and(|last| last.eq_ignore_ascii_case(ending))
        };
        Self::ALL.iter().copied().find(|format| ends(format.ending()))
    }

    /// `path` without the ending of its format; `None` if no format has its ending, or if no file name precedes the
    /// ending.
    #[must_use]
    pub fn unpacked(path: &str) -> Option<&str> {
        let stem = &path[..path.len() - Self::of_name(path)?.ending().len()];
        (!stem.is_empty() && !is_folder(stem)).then_some(stem)
    }

    /// The path of the file that compressing `path` creates. An `output` that ends in a slash is the folder of the
    /// file, any other `output` is its path. Without `output`, the file is beside `path`.
    #[must_use]
    pub fn packed(self, path: &str, output: Option<&str>) -> String {
        match output {
            Some(folder) if is_folder(folder) => format!("{folder}{}{}", name_in(folder, path), self.ending()),
            Some(output) => output.to_owned(),
            None => format!("{path}{}", self.ending()),
        }
    }

    /// The path of the file that decompressing `path` creates. An `output` that ends in a slash is the folder of the
    /// file, any other `output` is its path. Without `output`, the file is beside `path`. `None` if the name must be
    /// derived from `path` and [`Self::unpacked`] returns `None`.
    #[must_use]
    pub fn unpacked_to(path: &str, output: Option<&str>) -> Option<String> {
        match output {
            Some(folder) if is_folder(folder) => Some(format!("{folder}{}", name_in(folder, Self::unpacked(path)?))),
            Some(output) => Some(output.to_owned()),
            None => Self::unpacked(path).map(ToOwned::to_owned),
        }
    }
}

fn is_folder(path: &str) -> bool {
    path.ends_with(SEPARATORS)
}

/// The name of the file at `path` in the form in which it is appended to `folder`: percent-encoded if `folder` is a
/// `file:` URL, decoded if it is a path.
fn name_in<'a>(folder: &str, path: &'a str) -> Cow<'a, str> {
    match (local_file(folder), local_file(path)) {
        (Some(_), None) => utf8_percent_encode(last_part(path), NAME).into(),
        (None, Some(Ok(decoded))) => last_part(&decoded).to_owned().into(),
        _ => last_part(path).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn a_name_determines_its_format_in_upper_and_lower_case() {
        for name in ["a.gz", "A.GZ", "a.tar.Gz", ".gz", "ä.gz"] {
            assert_eq!(Format::of_name(name), Some(Format::Gzip), "{name}");
        }
        for name in ["a.zst", "A.ZST", "a.gz.zst"] {
            assert_eq!(Format::of_name(name), Some(Format::Zstd), "{name}");
        }
        for name in ["", "gz", "a.gzip", "a.gz/", "a.zs", "ägz"] {
            assert_eq!(Format::of_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_compressed_file_lies_beside_its_source_or_where_the_output_says() {
        for (output, packed) in [
            (None, "/in/a.csv.gz"),
            (Some("/out/"), "/out/a.csv.gz"),
            (Some(r"C:\out\"), r"C:\out\a.csv.gz"),
            (Some("/out/b"), "/out/b"),
        ] {
            assert_eq!(Format::Gzip.packed("/in/a.csv", output), packed);
        }
        assert_eq!(Format::Zstd.packed("/in/a.csv", None), "/in/a.csv.zst");
    }

    #[test]
    fn a_name_is_encoded_in_a_url_and_nowhere_else() {
        for (path, folder, packed) in [
            ("file:///in/a%20b.csv", "/out/", "/out/a b.csv.gz"),
            ("/in/a%20b?.csv", "file:///out/", "file:///out/a%2520b%3F.csv.gz"),
            ("file:///in/a%20b.csv", "file:///out/", "file:///out/a%20b.csv.gz"),
            ("/in/a%20b.csv", "/out/", "/out/a%20b.csv.gz"),
            ("file:///in/a%2Fb.csv", "/out/", "/out/b.csv.gz"),
        ] {
            assert_eq!(Format::Gzip.packed(path, Some(folder)), packed);
            let unpacked = packed.strip_suffix(".gz").map(ToOwned::to_owned);
            assert_eq!(Format::unpacked_to(&format!("{path}.gz"), Some(folder)), unpacked);
        }
    }

    #[test]
    fn a_decompressed_file_loses_its_ending() {
        for (path, output, unpacked) in [
            ("/in/A.CSV.GZ", None, Some("/in/A.CSV")),
            ("/in/a.csv.zst", Some("/out/"), Some("/out/a.csv")),
            ("/in/a.bin", Some("/out/b"), Some("/out/b")),
            ("/in/a.bin", None, None),
            ("/in/a.bin", Some("/out/"), None),
            ("/in/.gz", None, None),
            (".gz", None, None),
        ] {
            assert_eq!(Format::unpacked_to(path, output).as_deref(), unpacked, "{path}");
        }
    }
}
