//! Addresses of pages, when the dashboard is served below a path such as `https://host/mft/` (`MFTPLUS_PUBLIC_URL`).
//!
//! Within the dashboard an address is a path from its own root, such as `/transfers`: routes and `navigate` take it as it
//! is, because the router knows the base path. What the browser itself resolves (`<a href>`, also by `<A>`, requests, the
//! socket) needs the base path in front, and what the browser tells (`location`) has it in front.

use std::sync::OnceLock;

use leptos::prelude::document;

/// The base path, without a slash at its end; empty at the root of a host. The server writes it into the page.
pub(crate) fn base() -> &'static str {
    static BASE: OnceLock<String> = OnceLock::new();
    BASE.get_or_init(|| {
        let start = document().query_selector("meta[name=start]").ok().flatten();
        let path = start.and_then(|start| start.get_attribute("data-base")).unwrap_or_default();
        path.trim_end_matches('/').to_owned()
    })
}

/// What `<a href>` or a request takes for an address of the dashboard or of the API.
pub(crate) fn href(address: impl AsRef<str>) -> String {
    below(base(), address.as_ref())
}

/// The address of the dashboard that a path of this host stands for.
pub(crate) fn address(path: &str) -> &str {
    without(base(), path)
}

fn below(base: &str, address: &str) -> String {
    // Anything else is relative already, such as `?page=2`.
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
