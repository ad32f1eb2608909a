//! The commented file that `init` writes.

use crate::config::{ConfigError, server_address};

const TEXT: &str = include_str!("template.toml");

/// The line of the template that is replaced if a server is given.
const SERVER_EXAMPLE: &str = "#server = \"https://mft.example.com\"";

/// The text of the file, with the address `server` if it is given. Fails if the address is invalid.
pub(crate) fn template(server: Option<&str>) -> Result<String, ConfigError> {
    let Some(server) = server else { return Ok(TEXT.to_owned()) };
    server_address::check_flags(Some(server), None)?;
    if server.contains(|c: char| c.is_control() || c == '"' || c == '\\') {
        return Err(ConfigError("--server: must have no quotes, backslashes or control characters".to_owned()));
    }
    Ok(TEXT.replacen(SERVER_EXAMPLE, &format!("server = \"{server}\""), 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{TEXT, template};
    use crate::config::credentials_and_endpoints::{CredentialsSection, EndpointSection};
    use crate::config::file::ConfigFile;
    use crate::config::serde_field_names::keys_of;

    fn parse(text: &str) -> anyhow::Result<ConfigFile> {
        Ok(ConfigFile::parse("template.toml", Path::new("/"), text)?)
    }

    /// The name of the key that a line of the template shows.
    fn key(line: &str) -> Option<&str> {
        let key = line.strip_prefix('#')?.split_once(" = ")?.0;
        (!key.starts_with(' ')).then_some(key)
    }

    #[test]
    fn the_template_sets_nothing_but_the_server() -> anyhow::Result<()> {
        assert_eq!(parse(&template(None)?)?, ConfigFile::default());
        let file = parse(&template(Some("http://10.0.0.1:8080"))?)?;
        assert_eq!(file, ConfigFile { server: Some("http://10.0.0.1:8080".into()), ..ConfigFile::default() });
        for refused in ["http://a\"\nb", "http://a/\\b", ":8080"] {
            assert!(template(Some(refused)).is_err(), "{refused}");
        }
        Ok(())
    }

    #[test]
    fn the_template_shows_every_key() {
        let shown: BTreeSet<&str> = TEXT.lines().filter_map(key).collect();
        let keys = [keys_of::<ConfigFile>(), keys_of::<CredentialsSection>(), keys_of::<EndpointSection>()].concat();
        let keys: BTreeSet<&str> = keys.into_iter().filter(|key| !["endpoints"].contains(key)).collect();
        assert_eq!(shown, keys);
    }

    #[test]
    fn the_examples_of_the_template_are_valid() -> anyhow::Result<()> {
        // Of two keys that exclude each other, the first one stays.
        let excluded = ["password-command", "password-env", "password", "known-hosts"];
        let also_excluded = ["passphrase-command", "passphrase-env", "passphrase"];
        let is_kept = |line: &&str| {
            let is_excluded = |key: &str| excluded.contains(&key) || also_excluded.contains(&key);
            !line.starts_with("# ") && !key(line).is_some_and(is_excluded)
        };
        let lines: Vec<&str> = TEXT.lines().filter(is_kept).map(|line| line.trim_start_matches('#')).collect();
        let file = parse(&lines.join("\n"))?;
        assert_eq!((file.credentials.len(), file.endpoints.len()), (1, 2));
        Ok(())
    }
}
