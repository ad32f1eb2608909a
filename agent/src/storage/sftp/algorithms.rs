//! Which algorithms are offered to a server, in which order, and the error if the server supports none of them.

use std::borrow::Cow;

use mftplus_protocol::characters::printable;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{AlgorithmKind, Preferred, cipher, compression, kex, mac};

/// Ciphers for a CPU with instructions for AES, the fastest first.
const CIPHERS_WITH_AES: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// Ciphers for any other CPU.
const CIPHERS: &[cipher::Name] = &[
    cipher::CHACHA20_POLY1305,
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::AES_128_CTR,
    cipher::AES_192_CTR,
    cipher::AES_256_CTR,
];

/// Key exchanges that `Preferred::DEFAULT` does not contain, although they are equally secure.
const FURTHER_KEX: &[kex::Name] = &[kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384, kex::ECDH_SHA2_NISTP521];

const HOST_KEYS: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

/// Weak key exchanges, which are offered only with `legacy-algorithms`.
const LEGACY_KEX: &[kex::Name] = &[kex::DH_GEX_SHA1, kex::DH_G14_SHA1, kex::DH_G1_SHA1];
const LEGACY_HOST_KEYS: &[Algorithm] = &[Algorithm::Rsa { hash: None }];
const LEGACY_CIPHERS: &[cipher::Name] = &[cipher::AES_256_CBC, cipher::AES_192_CBC, cipher::AES_128_CBC];
const LEGACY_MACS: &[mac::Name] = &[mac::HMAC_SHA1_ETM, mac::HMAC_SHA1];

/// Data is not compressed: most files are compressed already, and encryption is faster than compression.
const COMPRESSIONS: &[compression::Name] = &[compression::NONE];

/// The algorithms that this agent offers; weak ones only if `legacy` is set. Host keys of the kinds in `known` come
/// first, so that a server with several keys presents one that can be compared. Certificates are requested only if
/// `with_certificates` is set.
pub(crate) fn preferred(legacy: bool, known: &[Algorithm], with_certificates: bool) -> Preferred {
    let safe = Preferred::DEFAULT.kex;
    // Elliptic curves come before Diffie-Hellman groups, which are slower.
    let groups = safe.iter().position(|name| *name == kex::DH_GEX_SHA256).unwrap_or(safe.len());
    let mut exchanges = [&safe[..groups], FURTHER_KEX, &safe[groups..]].concat();
    let mut ciphers = if has_aes_instructions() { CIPHERS_WITH_AES.to_vec() } else { CIPHERS.to_vec() };
    let mut macs = Preferred::DEFAULT.mac.into_owned();
    let mut keys = HOST_KEYS.to_vec();
    if legacy {
        exchanges.extend_from_slice(LEGACY_KEX);
        ciphers.extend_from_slice(LEGACY_CIPHERS);
        macs.extend_from_slice(LEGACY_MACS);
        keys.extend_from_slice(LEGACY_HOST_KEYS);
    }
    keys.sort_by_key(|algorithm| !known.iter().any(|known| is_same_kind(known, algorithm)));
    Preferred {
        kex: Cow::Owned(exchanges),
        key: Cow::Owned(keys),
        host_key_certificates: Cow::Borrowed(if with_certificates { HOST_KEYS } else { &[] }),
        cipher: Cow::Owned(ciphers),
        mac: Cow::Owned(macs),
        compression: Cow::Borrowed(COMPRESSIONS),
    }
}

/// Whether both are the same kind of key. RSA keys are one kind, with any signature hash.
fn is_same_kind(one: &Algorithm, other: &Algorithm) -> bool {
    matches!((one, other), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. })) || one == other
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn has_aes_instructions() -> bool {
    std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq")
}

#[cfg(target_arch = "aarch64")]
fn has_aes_instructions() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes_instructions() -> bool {
    false
}

/// Prefixes of entries in the list of key exchanges that are not key exchanges.
const KEX_MARKERS: [&str; 2] = ["kex-strict-", "ext-info-"];

/// The message for a server that supports no `kind` of algorithm that this agent offers. It names the setting
/// `legacy-algorithms` if that would help.
pub(crate) fn nothing_in_common(kind: &AlgorithmKind, theirs: &[String], legacy: bool) -> String {
    let (what, old): (&str, Vec<&str>) = match kind {
        AlgorithmKind::Kex => ("key exchanges", LEGACY_KEX.iter().map(AsRef::as_ref).collect()),
        AlgorithmKind::Key => ("host keys", LEGACY_HOST_KEYS.iter().map(AsRef::as_ref).collect()),
        AlgorithmKind::Cipher => ("ciphers", LEGACY_CIPHERS.iter().map(AsRef::as_ref).collect()),
        AlgorithmKind::Mac => ("message authentication codes", LEGACY_MACS.iter().map(AsRef::as_ref).collect()),
        AlgorithmKind::Compression => ("compressions", Vec::new()),
    };
    let is_algorithm = |name: &&str| !KEX_MARKERS.iter().any(|marker| name.starts_with(*marker));
    let offered: Vec<&str> = theirs.iter().map(String::as_str).filter(is_algorithm).collect();
    let offered = printable(&offered.join(", "));
    if !legacy && theirs.iter().any(|name| old.contains(&name.as_str())) {
        return format!(
            "the server offers only old {what} ({offered}), which are weak; update the server, or allow them for this one host with `legacy-algorithms = true` in its section [endpoints.NAME]"
        );
    }
    format!("the server offers only {what} that this agent does not have ({offered}); update the server")
}

#[cfg(test)]
mod tests {
    use russh::keys::Algorithm;
    use russh::{AlgorithmKind, kex};

    use super::{has_aes_instructions, nothing_in_common, preferred};

    #[test]
    fn weak_algorithms_are_offered_only_to_a_host_that_may_have_them() {
        for (legacy, offered) in [(false, false), (true, true)] {
            let preferred = preferred(legacy, &[], false);
            assert_eq!(preferred.key.contains(&Algorithm::Rsa { hash: None }), offered);
            assert_eq!(preferred.kex.contains(&kex::DH_G1_SHA1), offered);
            assert_eq!(preferred.cipher.iter().any(|name| name.as_ref() == "aes128-cbc"), offered);
            assert_eq!(preferred.mac.iter().any(|name| name.as_ref() == "hmac-sha1"), offered);
            assert!(preferred.kex.contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT));
        }
    }

    #[test]
    fn aes_gcm_comes_first_where_the_cpu_has_instructions_for_it() {
        let preferred = preferred(false, &[], false);
        let expected = if has_aes_instructions() { "aes256-gcm@openssh.com" } else { "chacha20-poly1305@openssh.com" };
        assert_eq!(preferred.cipher[0].as_ref(), expected);
    }

    #[test]
    fn a_server_is_asked_for_the_kind_of_key_that_is_known_of_it() {
        let names = |known: &[Algorithm]| {
            preferred(false, known, false).key.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(&[])[0], "ssh-ed25519");
        assert_eq!(names(&[Algorithm::Rsa { hash: None }])[..2], ["rsa-sha2-512", "rsa-sha2-256"]);
        assert!(preferred(false, &[], false).host_key_certificates.is_empty());
        assert!(!preferred(false, &[], true).host_key_certificates.is_empty());
    }

    #[test]
    fn the_sentence_names_what_the_server_offers_and_the_setting_that_allows_it() {
        let theirs = ["diffie-hellman-group1-sha1", "kex-strict-s-v00@openssh.com"].map(str::to_owned);
        let sentence = nothing_in_common(&AlgorithmKind::Kex, &theirs, false);
        assert!(sentence.contains("old key exchanges (diffie-hellman-group1-sha1)"), "{sentence}");
        assert!(sentence.contains("`legacy-algorithms = true`"), "{sentence}");
        // The setting would change nothing.
        for (theirs, legacy) in [("diffie-hellman-group1-sha1", true), ("made-up-sha9", false)] {
            let sentence = nothing_in_common(&AlgorithmKind::Kex, &[theirs.to_owned()], legacy);
            assert!(sentence.contains(theirs) && !sentence.contains("legacy-algorithms"), "{sentence}");
        }
    }
}
