//! Addresses of pages below a base path such as `https://host/mft/` (`MFTPLUS_PUBLIC_URL`).
//!
//! In the dashboard's code, an *address* is a path without the base path, such as `/transfers`. Routes and `navigate`
//! take addresses, because the router adds the base path. URLs that the browser resolves (`<a href>`, `<A>`, requests,
//! the socket) must begin with the base path, and paths that the browser returns (`location`) begin with it.

use std::sync::OnceLock;

use leptos::prelude::document;

use crate::browser;

/// The base path without a trailing slash; empty if the dashboard is at the root of its host. The server writes it into
/// the page.
pub(crate) fn base() -> &'static str {
    static BASE: OnceLock<String> = OnceLock::new();
    BASE.get_or_init(|| {
        let start = document().query_selector("meta[name=start]").ok().flatten();
        let path = start.and_then(|start| start.get_attribute("data-base")).unwrap_or_default();
        path.trim_end_matches('/').to_owned()
    })
}

/// Adds the base path to an address of the dashboard or the API, for `<a href>` and requests.
pub(crate) fn href(address: impl AsRef<str>) -> String {
    below(base(), address.as_ref())
}

/// The URL of the server, for agents and other programs.
pub(crate) fn server() -> String {
    format!("{}{}", browser::origin(), base())
}

/// Removes the base path from a path of the browser.
pub(crate) fn address(path: &str) -> &str {
    without(base(), path)
}

fn below(base: &str, address: &str) -> String {
    // Everything else is relative, such as `?page=2`, and stays as it is.
    if address.starts_with('/') { format!("{base}{address}") } else { address.to_owned() }
}

fn without<'a>(base: &str, path: &'a str) -> &'a str {
    match path.strip_prefix(base) {
        Some("") => "/",
        Some(rest) if rest.starts_with(['/', '?', '#']) => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_the_base_path_in_front() {
        assert_eq!(below("", "/transfers"), "/transfers");
        assert_eq!(below("/mft", "/"), "/mft/");
        assert_eq!(below("/mft", "/transfers?page=2"), "/mft/transfers?page=2");
        assert_eq!(below("/mft", "?page=2"), "?page=2");
    }

    #[test]
    fn paths_of_the_host_become_addresses() {
        for (base, path, address) in [
            ("", "/transfers", "/transfers"),
            ("", "/", "/"),
            ("/mft", "/mft", "/"),
            ("/mft", "/mft/", "/"),
            ("/mft", "/mft/jobs?page=2", "/jobs?page=2"),
            ("/mft", "/mftplus/jobs", "/mftplus/jobs"),
        ] {
            assert_eq!(without(base, path), address, "{base} {path}");
        }
    }
}
