//! The parameters of a list in the URL: page, rows, order, columns, search and filters. A change of some keeps the others.

use std::fmt::Write;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
    params::ParamsMap,
};

/// The numbers of rows per page to choose from.
const ROWS: [i32; 4] = [25, 50, 100, 200];

/// A parameter and its new value; without a value it is removed.
pub(super) type Change = (&'static str, String);

/// The parameters of a list. A handle: copies are the same parameters.
#[derive(Clone, Copy)]
pub(super) struct ListQuery {
    path: StoredValue<String>,
    query: Memo<ParamsMap>,
    most: i32,
    go: Callback<String>,
    /// The page number, counted from 1.
    pub(super) page: Memo<i32>,
    /// The number of rows per page.
    pub(super) rows: Memo<i32>,
}

impl ListQuery {
    /// The parameters of the page at this address. A page has at most `most` rows.
    pub(super) fn of(path: impl Into<String>, most: i32) -> Self {
        let query = use_query_map();
        let number = move |name: &str| query.with(|query| query.get(name)).and_then(|text| text.parse::<i32>().ok());
        let is_offered = move |rows: &i32| *rows <= most && ROWS.contains(rows);
        let navigate = use_navigate();
        let go = Callback::new(move |address: String| {
            navigate(&address, NavigateOptions { replace: true, scroll: false, ..Default::default() });
        });
        Self {
            path: StoredValue::new(path.into()),
            query,
            most,
            go,
            page: Memo::new(move |_| number("page").unwrap_or(1).max(1)),
            rows: Memo::new(move |_| number("rows").filter(is_offered).unwrap_or(ROWS[0])),
        }
    }

    /// The value of a parameter, if it is set. Reactive.
    pub(super) fn get(self, name: &str) -> Option<String> {
        self.query.with(|query| query.get(name))
    }

    /// The numbers of rows to choose from.
    pub(super) fn choices(self) -> impl Iterator<Item = i32> {
        ROWS.into_iter().filter(move |rows| *rows <= self.most)
    }

    /// The address of another page of the list. Reactive.
    pub(super) fn page_address(self, page: i32) -> String {
        self.address(&[("page", if page > 1 { page.to_string() } else { String::new() })])
    }

    /// Changes parameters, and shows the first page.
    pub(super) fn change(self, changes: impl IntoIterator<Item = Change>) {
        self.set(changes.into_iter().chain([("page", String::new())]));
    }

    /// Changes parameters.
    pub(super) fn set(self, changes: impl IntoIterator<Item = Change>) {
        let changes: Vec<_> = changes.into_iter().collect();
        self.go.run(untrack(|| self.address(&changes)));
    }

    fn address(self, changes: &[Change]) -> String {
        self.query.with(|query| {
            let known = query.latest_values().map(|(name, value)| (&**name, value));
            self.path.with_value(|path| address(path, known, changes))
        })
    }
}

/// A path of the API with parameters; those without a value are left out.
pub(super) fn api_path(path: &str, parameters: &[Change]) -> String {
    address(path, std::iter::empty(), parameters)
}

/// An address with some of its parameters changed.
fn address<'a>(path: &str, known: impl Iterator<Item = (&'a str, &'a str)>, changes: &'a [Change]) -> String {
    let kept = known.filter(|(name, _)| changes.iter().all(|(replaced, _)| replaced != name));
    let added = changes.iter().map(|(name, value)| (*name, value.as_str()));
    let mut address = path.to_owned();
    let mut separator = '?';
    for (name, value) in kept.chain(added).filter(|(_, value)| !value.is_empty()) {
        // Writing to a string cannot fail.
        let _ = write!(address, "{separator}{}={}", encode(name), encode(value));
        separator = '&';
    }
    address
}

fn encode(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            encoded.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(known: &[(&str, &str)], changes: &[Change]) -> String {
        address("/transfers", known.iter().copied(), changes)
    }

    #[test]
    fn a_change_keeps_the_other_parameters() {
        let known = [("status", "failed,running"), ("page", "3"), ("rows", "50")];
        let changes = [("page", String::new()), ("q", "orders".to_owned())];
        assert_eq!(changed(&known, &changes), "/transfers?status=failed,running&rows=50&q=orders");
    }

    #[test]
    fn an_address_without_parameters_has_no_query() {
        assert_eq!(changed(&[("page", "3")], &[("page", String::new())]), "/transfers");
    }

    #[test]
    fn values_are_encoded() {
        assert_eq!(changed(&[], &[("q", "a b&c/ä".to_owned())]), "/transfers?q=a%20b%26c%2F%C3%A4");
    }
}
