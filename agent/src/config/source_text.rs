//! The text of a configuration file, and the lines and columns for error messages about it.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Error};

use crate::config::ConfigError;
use crate::config::serde_field_names::keys_of;

/// The minimum similarity, from 0 to 1, of a key that is suggested instead of an unknown one.
const SIMILAR: f64 = 0.7;

/// The text of a TOML file, parsed.
pub(super) struct SourceText<'a> {
    name: String,
    text: &'a str,
    table: DeTable<'a>,
}

impl<'a> SourceText<'a> {
    pub(super) fn parse(name: &str, text: &'a str) -> Result<Self, ConfigError> {
        let table = DeTable::parse(text).map_err(|error| invalid(name, text, &error))?.into_inner();
        Ok(Self { name: name.to_owned(), text, table })
    }

    /// Deserializes the whole file.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(self.text).map_err(|error| invalid(&self.name, self.text, &error))
    }

    /// Fails if the table at `path` has a key that `T` does not have. The error names the first such key.
    pub(super) fn check_keys<T: DeserializeOwned>(&self, path: &[&str]) -> Result<(), ConfigError> {
        let known = keys_of::<T>();
        let Some(table) = self.table(path) else { return Ok(()) };
        let others = table.keys().filter(|key| !known.contains(&&**key.get_ref()));
        match others.min_by_key(|key| key.span().start) {
            Some(key) => Err(at(&self.name, self.text, key.span().start, &unknown(key.get_ref(), known))),
            None => Ok(()),
        }
    }

    /// An error with the position of the key at `path`, or of the innermost table on this path that exists.
    pub(super) fn problem(&self, path: &[&str], message: &str) -> ConfigError {
        let (mut offset, mut table) = (0, Some(&self.table));
        for name in path {
            let Some((key, value)) = table.and_then(|table| find(table, name)) else { break };
            (offset, table) = (key.span().start, value.get_ref().as_table());
        }
        at(&self.name, self.text, offset, message)
    }

    /// The keys in the table at `path`; empty if there is no such table.
    pub(super) fn names(&self, path: &[&str]) -> Vec<&str> {
        self.table(path).map_or_else(Vec::new, |table| table.keys().map(|key| &**key.get_ref()).collect())
    }

    fn table(&self, path: &[&str]) -> Option<&DeTable<'a>> {
        path.iter().try_fold(&self.table, |table, name| find(table, name)?.1.get_ref().as_table())
    }
}

/// An entry of a table: the key and the value, with their positions.
type Entry<'t, 'a> = (&'t Spanned<DeString<'a>>, &'t Spanned<DeValue<'a>>);

fn find<'t, 'a>(table: &'t DeTable<'a>, name: &str) -> Option<Entry<'t, 'a>> {
    table.iter().find(|(key, _)| &**key.get_ref() == name)
}

/// The message about a key that does not exist.
fn unknown(key: &str, known: &[&str]) -> String {
    let shown = key.escape_debug();
    let similarity = |known: &str| strsim::jaro_winkler(key, known);
    let nearest = known.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    match nearest.filter(|nearest| similarity(nearest) >= SIMILAR) {
        Some(nearest) => format!("there is no key `{shown}`; did you mean `{nearest}`?"),
        None => format!("there is no key `{shown}`; the keys of this table are {}", known.join(", ")),
    }
}

/// An error with the parser's message only: the parser's `Display` contains the line, which may contain a password.
fn invalid(name: &str, text: &str, error: &Error) -> ConfigError {
    let message = error.message().lines().next().unwrap_or("it is not TOML");
    at(name, text, error.span().map_or(0, |span| span.start), message)
}

fn at(name: &str, text: &str, offset: usize, message: &str) -> ConfigError {
    let (line, column) = position(text, offset);
    ConfigError(format!("{name}: line {line}, column {column}: {message}"))
}

/// Line and column of a byte, counted from 1; columns count characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::{position, unknown};
    use crate::config::file::ConfigFile;
    use crate::config::serde_field_names::keys_of;

    #[test]
    fn lines_and_columns_count_from_one() {
        for (offset, expected) in [(0, (1, 1)), (1, (1, 2)), (4, (2, 1)), (6, (2, 2)), (99, (3, 1))] {
            assert_eq!(position("abc\n\u{e9}\n", offset), expected, "{offset}");
        }
    }

    #[test]
    fn the_nearest_key_is_suggested() {
        let keys = keys_of::<ConfigFile>();
        for (wrong, meant) in [("sever", "server"), ("allowed_dirs", "allowed-dirs"), ("allow-dirs", "allowed-dirs")] {
            assert_eq!(unknown(wrong, keys), format!("there is no key `{wrong}`; did you mean `{meant}`?"));
        }
        assert!(unknown("colour", keys).ends_with(&keys.join(", ")));
    }
}
