//! Addresses of the control plane. They must contain neither user nor password, because requests would authenticate
//! with those instead of the API key.

use serde::{Deserialize, Deserializer};
use url::Url;

use crate::config::ConfigError;

/// The message for a text that is not the address of a server.
const FORM: &str = "must be the address of a server, such as https://mft.example.com";

/// The message for a text that is not the address of a listener for client certificates.
const MTLS_FORM: &str =
    "must be the address of a listener for client certificates, such as https://mft.example.com:8443";

/// The message for an address with a user or a password.
const WITH_USER: &str =
    "must have no user and no password: the agent authenticates with its API key and its certificate";

/// Parses an `http` or `https` address. The error message starts with `must`; the caller puts the name of the setting
/// before it.
pub(crate) fn parse(text: &str) -> Result<Url, &'static str> {
    without_credentials(web_url(text).ok_or(FORM)?)
}

/// Parses the `https` address of a listener for client certificates.
fn parse_mtls(text: &str) -> Result<Url, &'static str> {
    without_credentials(web_url(text).filter(|url| url.scheme() == "https").ok_or(MTLS_FORM)?)
}

fn web_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn without_credentials(url: Url) -> Result<Url, &'static str> {
    if url.username().is_empty() && url.password().is_none() { Ok(url) } else { Err(WITH_USER) }
}

/// Checks the addresses from flags or environment variables; those in the configuration file are checked when the file
/// is read. The error does not contain the refused text, which may contain a password.
pub(crate) fn check_flags(server: Option<&str>, mtls_server: Option<&str>) -> Result<(), ConfigError> {
    if let Some(text) = server {
        parse(text).map_err(|why| ConfigError(format!("--server: {why}")))?;
    }
    if let Some(text) = mtls_server {
        parse_mtls(text).map_err(|why| ConfigError(format!("--mtls-server: {why}")))?;
    }
    Ok(())
}

/// A stored address for messages, without its user and password. A text that is not an address is replaced by `an
/// address that is not valid`.
pub(crate) fn without_user(text: &str) -> String {
    let bare = web_url(text).and_then(|mut url| {
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        Some(url.as_str().trim_end_matches('/').to_owned())
    });
    bare.unwrap_or_else(|| "an address that is not valid".to_owned())
}

/// Deserializes the address of the server.
pub(super) fn server<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)?;
    Ok(Some(text))
}

/// Deserializes the address of the server's listener for client certificates.
pub(super) fn mtls_server<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_mtls(&text).map_err(serde::de::Error::custom)?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::{FORM, MTLS_FORM, WITH_USER, check_flags, parse, without_user};

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        for text in ["http://127.0.0.1:8080", "https://mft.example.com", "https://example.com/mft/"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in ["https://u:pw@h", "http://token@h/mft", "https://:pw@h", "https:u:pw@h", r"https:\\u@h"] {
            assert_eq!(parse(text), Err(WITH_USER), "{text}");
        }
        for text in ["", ":8080", "127.0.0.1:8080", "localhost:8080", "ftp://example.com", "http://", "https://h:99999"]
        {
            assert_eq!(parse(text), Err(FORM), "{text}");
        }
    }

    #[test]
    fn a_wrong_flag_is_named_and_its_value_is_not_shown() {
        let problem = |server, mtls| check_flags(server, mtls).err().map(|error| error.to_string()).unwrap_or_default();
        for text in [":8080", "ftp://u:pw@h", "https://u:pw%40h", "https://u:pw\u{ff20}h", "https://u:pw", "u:pw@h"] {
            assert_eq!(problem(Some(text), None), format!("--server: {FORM}"), "{text}");
        }
        assert_eq!(problem(None, Some("http://u:pw@h:8443")), format!("--mtls-server: {MTLS_FORM}"));
        assert_eq!(problem(Some("https://u:pw@h"), None), format!("--server: {WITH_USER}"));
        assert_eq!(problem(None, Some("https://u:pw@h:8443")), format!("--mtls-server: {WITH_USER}"));
        assert_eq!(problem(Some("http://h"), Some("https://h:8443")), "");
    }

    #[test]
    fn an_address_is_shown_without_its_user_and_password() {
        for (text, expected) in [
            ("https://user:secret@h:8443/mft", "https://h:8443/mft"),
            ("http://user:sec@ret@h/", "http://h"),
            ("https://secret@h", "https://h"),
            ("http://h/a@b", "http://h/a@b"),
            ("https://h", "https://h"),
            ("user:sec@ret@h", "an address that is not valid"),
            ("https://user:secret@", "an address that is not valid"),
            ("https://user:secret%40h", "an address that is not valid"),
        ] {
            assert_eq!(without_user(text), expected, "{text}");
        }
    }
}
