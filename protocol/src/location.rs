//! Where files are: paths and URLs.

/// What separates the parts of a path, on whichever system an agent runs.
pub const SEPARATORS: [char; 2] = ['/', '\\'];

/// The last part of a path; empty if the path ends in a separator.
#[must_use]
pub fn last_part(path: &str) -> &str {
    path.rsplit(SEPARATORS).next().unwrap_or(path)
}
