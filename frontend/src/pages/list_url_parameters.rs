//! The parameters of a list in the URL: page, rows, order, columns, search and filters. A change of some parameters
//! keeps the others.
//!
//! Without parameters, a list opens with the default view of the user. If there is a default view, the URL of the
//! unfiltered list has the parameter `view=all`.

use std::fmt::Write;

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate, use_query_map},
    params::ParamsMap,
};

use crate::{base_path, saved_views::SavedViews};

/// The numbers of rows per page to choose from.
const ROWS: [i32; 4] = [25, 50, 100, 200];

/// The parameter of the unfiltered list, which keeps the default view from opening.
const ALL: (&str, &str) = ("view", "all");

/// The name of a parameter and its new value. An empty value removes the parameter.
pub(super) type Change = (&'static str, String);

/// The parameters of a list. A handle: copies share the same parameters.
#[derive(Clone, Copy)]
pub(super) struct ListQuery {
    path: StoredValue<String>,
    /// The path of the page that is shown.
    current: Memo<String>,
    query: Memo<ParamsMap>,
    most: i32,
    go: Callback<String>,
    saved: SavedViews,
    /// The page number, counted from 1.
    pub(super) page: Memo<i32>,
    /// The number of rows per page.
    pub(super) rows: Memo<i32>,
}

impl ListQuery {
    /// The parameters of the list at the address `path`. A page of the list has at most `most` rows.
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
            current: use_location().pathname,
            query,
            most,
            go,
            saved: expect_context(),
            page: Memo::new(move |_| number("page").unwrap_or(1).max(1)),
            rows: Memo::new(move |_| number("rows").filter(is_offered).unwrap_or(ROWS[0])),
        }
    }

    /// The value of a parameter, if it is set. Reactive.
    pub(super) fn get(self, name: &str) -> Option<String> {
        self.query.with(|query| query.get(name))
    }

    /// The numbers of rows per page that the user can choose.
    pub(super) fn choices(self) -> impl Iterator<Item = i32> {
        ROWS.into_iter().filter(move |rows| *rows <= self.most)
    }

    /// The address of another page of the list. Reactive.
    pub(super) fn page_address(self, page: i32) -> String {
        self.address(&[("page", if page > 1 { page.to_string() } else { String::new() })])
    }

    /// Changes parameters, and goes to the first page of the list.
    pub(super) fn change(self, changes: impl IntoIterator<Item = Change>) {
        self.set(changes.into_iter().chain([("page", String::new())]));
    }

    /// Changes parameters, and stays on the same page of the list unless `page` is changed.
    pub(super) fn set(self, changes: impl IntoIterator<Item = Change>) {
        let changes: Vec<_> = changes.into_iter().collect();
        self.go.run(untrack(|| self.address(&changes)));
    }

    fn address(self, changes: &[Change]) -> String {
        let address = self.query.with(|query| {
            let known = query.latest_values().map(|(name, value)| (&**name, value)).filter(|(name, _)| *name != ALL.0);
            self.path.with_value(|path| address(path, known, changes))
        });
        if address.contains('?') { address } else { self.clear_address() }
    }

    /// The name of the list, as saved views contain it.
    pub(super) fn name(self) -> String {
        self.path.with_value(|path| path.trim_start_matches('/').to_owned())
    }

    /// Whether the list is shown without parameters. Reactive.
    pub(super) fn is_plain(self) -> bool {
        // When the user goes to another page, the address changes before this page is removed.
        let is_here = self.current.with(|shown| self.path.with_value(|path| base_path::address(shown) == path));
        is_here && self.query.with(|query| query.latest_values().next().is_none())
    }

    /// The parameters of the URL without the page number, in a fixed order. Reactive.
    pub(super) fn text(self) -> String {
        let address = self.address(&[("page", String::new())]);
        let text = address.split_once('?').map_or("", |(_, text)| text);
        parameters(text).join("&")
    }

    /// Whether the list shows a saved view, on any page. Reactive.
    pub(super) fn is_showing(self, view: &str) -> bool {
        let shown = self.text();
        parameters(&shown) == parameters(view)
    }

    /// The address of the unfiltered list. Reactive.
    pub(super) fn clear_address(self) -> String {
        let has_default = self.saved.default_of(&self.name()).is_some();
        let (name, value) = ALL;
        self.path.with_value(|path| if has_default { format!("{path}?{name}={value}") } else { path.clone() })
    }

    /// The address of a saved view. Reactive.
    pub(super) fn view_address(self, view: &str) -> String {
        let parameters = parameters(view).join("&");
        if parameters.is_empty() {
            self.clear_address()
        } else {
            self.path.with_value(|path| format!("{path}?{parameters}"))
        }
    }

    /// Shows a saved view.
    pub(super) fn open(self, view: &str) {
        self.go.run(untrack(|| self.view_address(view)));
    }
}

/// The parameters of a saved view that belong into the address, in a fixed order.
fn parameters(view: &str) -> Vec<&str> {
    let is_of_address = |parameter: &&str| {
        let name = parameter.split('=').next().unwrap_or_default();
        !["", "page", "density", ALL.0].contains(&name)
    };
    let mut parameters: Vec<_> = view.trim_start_matches('?').split('&').filter(is_of_address).collect();
    parameters.sort_unstable();
    parameters
}

/// A path of the API with parameters. Parameters with an empty value are left out.
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
    fn a_view_is_the_same_in_any_order_on_any_page_and_in_any_density() {
        assert_eq!(parameters("status=failed&page=3&q=a&density=compact"), ["q=a", "status=failed"]);
        assert_eq!(parameters("?q=a&status=failed&view=all"), ["q=a", "status=failed"]);
        assert!(parameters("").is_empty() && parameters("view=all").is_empty());
        assert_ne!(parameters("hide=none"), parameters("hide=size"));
    }

    #[test]
    fn values_are_encoded() {
        assert_eq!(changed(&[], &[("q", "a b&c/ä".to_owned())]), "/transfers?q=a%20b%26c%2F%C3%A4");
    }
}
