//! The hosts that a line of a `known_hosts` file applies to: names, wildcards, negated patterns, and hashed names.

use aws_lc_rs::hmac;
use russh::keys::ssh_encoding::base64::{Base64, Encoding as _};

/// The port that is omitted in names.
const DEFAULT_PORT: u16 = 22;

/// The host column of a line: patterns that are separated by commas.
#[derive(Debug)]
pub(crate) struct HostPatterns(Vec<HostPattern>);

#[derive(Debug)]
enum HostPattern {
    /// The HMAC-SHA-1 digest of a name.
    Hashed { salt: Vec<u8>, digest: Vec<u8> },
    /// In lower case, with `*` and `?`.
    Written { pattern: String, is_negated: bool },
}

impl HostPatterns {
    pub(crate) fn parse(column: &str) -> Option<Self> {
        column.split(',').map(HostPattern::parse).collect::<Option<_>>().map(Self)
    }

    /// Whether at least one pattern matches `name`, and no negated pattern does.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut is_matched = false;
        for pattern in &self.0 {
            match pattern {
                HostPattern::Hashed { salt, digest } => {
                    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
                    is_matched |= hmac::verify(&key, name.as_bytes(), digest).is_ok();
                }
                HostPattern::Written { pattern, is_negated } if matches_wildcards(pattern, name) => {
                    if *is_negated {
                        return false;
                    }
                    is_matched = true;
                }
                HostPattern::Written { .. } => {}
            }
        }
        is_matched
    }
}

impl HostPattern {
    fn parse(text: &str) -> Option<Self> {
        if let Some(hashed) = text.strip_prefix("|1|") {
            let (salt, digest) = hashed.split_once('|')?;
            return Some(Self::Hashed {
                salt: Base64::decode_vec(salt).ok()?,
                digest: Base64::decode_vec(digest).ok()?,
            });
        }
        let (pattern, is_negated) = text.strip_prefix('!').map_or((text, false), |pattern| (pattern, true));
        (!pattern.is_empty()).then(|| Self::Written { pattern: pattern.to_ascii_lowercase(), is_negated })
    }
}

/// The name of a host in `known_hosts` files: `host`, or `[host]:port` if the port is not 22.
pub(crate) fn name_of(host: &str, port: u16) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    if port == DEFAULT_PORT { host } else { format!("[{host}]:{port}") }
}

/// Whether `text` matches `pattern`, in which `*` stands for any characters and `?` for one.
pub(crate) fn matches_wildcards(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    // Where to continue if the pattern after the last `*` does not match: after that `*`, which then matches one more
    // character.
    let mut retry: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                retry = Some((at + 1, read));
                at += 1;
            }
            Some(expected) if *expected == b'?' || *expected == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((behind, taken)) = retry else { return false };
                retry = Some((behind, taken + 1));
                at = behind;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::{HostPatterns, matches_wildcards, name_of};

    #[test]
    fn a_host_has_its_port_in_its_name_unless_that_is_22() {
        assert_eq!(name_of("SFTP.example.com", 22), "sftp.example.com");
        assert_eq!(name_of("sftp.example.com", 2222), "[sftp.example.com]:2222");
        assert_eq!(name_of("[2001:DB8::1]", 22), "2001:db8::1");
        assert_eq!(name_of("2001:db8::1", 2222), "[2001:db8::1]:2222");
    }

    #[test]
    fn wildcards_match_any_characters_or_one() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.example.com.evil.org", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "abab", true),
            ("*a*b", "aba", false),
            ("[*]:2222", "[a.example.com]:2222", true),
            ("", "a", false),
        ] {
            assert_eq!(matches_wildcards(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_negated_pattern_excludes_a_host_wherever_it_stands() -> anyhow::Result<()> {
        let patterns = |column| HostPatterns::parse(column).ok_or_else(|| anyhow::anyhow!("{column} is not read"));
        for column in ["*.example.com,!bad.example.com", "!bad.example.com,*.EXAMPLE.com"] {
            assert!(patterns(column)?.matches("good.example.com"), "{column}");
            assert!(!patterns(column)?.matches("bad.example.com"), "{column}");
        }
        assert!(!patterns("!bad.example.com")?.matches("good.example.com"), "a negated pattern alone matches nothing");
        Ok(())
    }

    #[test]
    fn a_hashed_name_matches_the_host_that_it_was_made_from() -> anyhow::Result<()> {
        let plain = "|1|zw/3XSMkkNMNio3FxRrOg3b0NEg=|pL8NG+MeOPqGMP86X2FT6p4/30Y=";
        let with_port = "|1|X0OW/vjF6pBbRkDnPk3sbBOaico=|sLysTLZSwHao4p2OQGzcU72VQGA=";
        for (column, name, expected) in [
            (plain, "sftp.example.com", true),
            (plain, "[sftp.example.com]:2222", false),
            (with_port, "[sftp.example.com]:2222", true),
            (with_port, "sftp.example.com", false),
        ] {
            let patterns = HostPatterns::parse(column).ok_or_else(|| anyhow::anyhow!("{column} is not read"))?;
            assert_eq!(patterns.matches(name), expected, "{column} {name}");
        }
        assert!(HostPatterns::parse("|1|not base64|x").is_none());
        Ok(())
    }
}
