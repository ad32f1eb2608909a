//! Access tokens (JWT) and refresh tokens.

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    ids::{CustomerId, SessionId, UserId},
    model::account::{Role, User},
};

/// The lifetime of an access token.
pub(super) const ACCESS: TimeDelta = TimeDelta::hours(1);
/// The lifetime of a refresh token.
pub(super) const REFRESH: TimeDelta = TimeDelta::days(7);

const ISSUER: &str = "mftplus";
const AUDIENCE: &str = "mftplus-api";
const SEALED: &[u8] = b"number";
const MASK: &[u8] = b"number mask";
const REFRESH_PREFIX: &str = "mft_rt_";

/// Issues and verifies tokens.
#[derive(Clone)]
pub struct Tokens {
    header: Header,
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    secret: Vec<u8>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

/// The claims of an access token that the server reads. Tokens of all versions of the server have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Claims {
    /// The Unix time in seconds at which the token expires.
    pub(super) exp: i64,
    pub(super) sub: UserId,
    pub(super) sid: SessionId,
}

/// The claims of a new access token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct IssuedClaims {
    iss: &'static str,
    aud: &'static str,
    exp: i64,
    iat: i64,
    sub: UserId,
    sid: SessionId,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<CustomerId>,
}

/// An Ed25519 key pair from a file, with which access tokens are signed and verified.
pub struct JwtKey {
    signing: EncodingKey,
    verifying: DecodingKey,
}

/// Reads an Ed25519 private key (PKCS#8, PEM), as `openssl genpkey -algorithm ed25519` creates it.
///
/// # Errors
///
/// A message without the path of the file, which the caller puts before it.
pub fn jwt_key_from_file(path: &Path) -> std::result::Result<JwtKey, String> {
    let key =
        PrivatePkcs8KeyDer::from_pem_file(path).map_err(|error| format!("cannot be read as a PEM file: {error}"))?;
    let der = key.secret_pkcs8_der();
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| {
        "contains no Ed25519 private key: create one with `openssl genpkey -algorithm ed25519`".to_owned()
    })?;
    Ok(JwtKey {
        signing: EncodingKey::from_ed_der(der),
        verifying: DecodingKey::from_ed_der(pair.public_key().as_ref()),
    })
}

impl Tokens {
    /// Creates the signer of tokens. Access tokens are signed with `key` (`EdDSA`) or, without one, with `secret`
    /// (HS256). Refresh tokens and other digests always use the secret.
    #[must_use]
    pub fn new(secret: Vec<u8>, key: Option<JwtKey>) -> Self {
        let (algorithm, signing, verifying) = match key {
            Some(key) => (Algorithm::EdDSA, key.signing, key.verifying),
            None => (Algorithm::HS256, EncodingKey::from_secret(&secret), DecodingKey::from_secret(&secret)),
        };
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // `read` checks the expiry against the injected clock.
        validation.validate_exp = false;
        Self { header: Header::new(algorithm), signing, verifying, validation, secret }
    }

    pub(super) fn access(
        &self,
        user: &User,
        session: SessionId,
        now: DateTime<Utc>,
        life: TimeDelta,
    ) -> Result<String> {
        let claims = IssuedClaims {
            iss: ISSUER,
            aud: AUDIENCE,
            exp: (now + life).timestamp(),
            iat: now.timestamp(),
            sub: user.id,
            sid: session,
            role: user.role,
            customer_id: user.customer_id,
        };
        jsonwebtoken::encode(&self.header, &claims, &self.signing).map_err(Error::internal)
    }

    pub(super) fn read(&self, token: &str, now: DateTime<Utc>) -> Option<Claims> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation).ok()?.claims;
        (claims.exp > now.timestamp()).then_some(claims)
    }

    /// Creates the refresh token of one generation of a session. The token contains the id of the session, the
    /// generation and a signature, so it need not be stored, and a token that was used before is recognised by its
    /// generation.
    pub(super) fn refresh(&self, session: SessionId, generation: i64) -> String {
        let mut bytes = [session.0.as_bytes().as_slice(), &generation.to_be_bytes()].concat();
        let signature = self.digest(b"refresh", &bytes);
        bytes.extend_from_slice(&signature);
        format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(super) fn read_refresh(&self, token: &str) -> Option<(SessionId, i64)> {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(REFRESH_PREFIX)?).ok()?;
        let (session, rest) = bytes.split_first_chunk::<16>()?;
        let (generation, signature) = rest.split_first_chunk::<8>()?;
        let mut expected = self.mac(b"refresh");
        expected.update(session);
        expected.update(generation);
        expected.verify_slice(signature).ok()?;
        Some((SessionId(Uuid::from_bytes(*session)), i64::from_be_bytes(*generation)))
    }

    /// Computes an authentication code that only servers with the same secret can compute. Different purposes give
    /// different codes.
    pub(super) fn digest(&self, purpose: &[u8], bytes: &[u8]) -> Vec<u8> {
        let mut mac = self.mac(purpose);
        mac.update(bytes);
        mac.finalize().into_bytes().to_vec()
    }

    /// Encrypts a number, so that only servers with the same secret can read or create it. The result is deterministic:
    /// the number is masked with a key stream that is derived from its own authentication code.
    pub(super) fn seal(&self, number: i64) -> [u8; 16] {
        let plain = number.to_be_bytes();
        let tag: [u8; 8] = self.digest(SEALED, &plain).first_chunk().copied().unwrap_or_default();
        let mut sealed = [0; 16];
        let (front, back) = sealed.split_at_mut(8);
        front.copy_from_slice(&tag);
        back.copy_from_slice(&self.masked(tag, plain));
        sealed
    }

    /// Decrypts the result of [`Tokens::seal`]. Returns `None` if `sealed` was not created with this secret.
    pub(super) fn unseal(&self, sealed: [u8; 16]) -> Option<i64> {
        let (tag, hidden) = (*sealed.first_chunk()?, *sealed.last_chunk()?);
        let plain = self.masked(tag, hidden);
        let mut expected = self.mac(SEALED);
        expected.update(&plain);
        expected.verify_truncated_left(&tag).ok()?;
        Some(i64::from_be_bytes(plain))
    }

    fn masked(&self, tag: [u8; 8], bytes: [u8; 8]) -> [u8; 8] {
        let mask: [u8; 8] = self.digest(MASK, &tag).first_chunk().copied().unwrap_or_default();
        (u64::from_ne_bytes(bytes) ^ u64::from_ne_bytes(mask)).to_ne_bytes()
    }

    fn mac(&self, purpose: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("a key of any length");
        mac.update(purpose);
        mac.update(&[0]);
        mac
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_sealed_number_is_read_by_the_same_secret_only_and_says_nothing() {
        let (one, two) = (Tokens::new(vec![1; 32], None), Tokens::new(vec![2; 32], None));
        for number in [0, 1, 2, 4_096, i64::MAX] {
            let sealed = one.seal(number);
            assert_eq!((one.unseal(sealed), two.unseal(sealed)), (Some(number), None));
            for index in 0..16 {
                let mut forged = sealed;
                forged[index] ^= 1;
                assert_eq!(one.unseal(forged), None);
            }
        }
        let first_bytes: std::collections::HashSet<u8> = (0..64).map(|number| one.seal(number)[15]).collect();
        assert!(first_bytes.len() > 32, "neighbours have nothing in common");
    }

    /// Tokens that a release signed, and the secret that it signed them with.
    const EARLIER_RELEASES: [(&str, &[u8]); 1] = [(
        include_str!("../../tests/earlier_releases/0.1.0/sqlite.json"),
        include_bytes!("../../tests/earlier_releases/0.1.0/signing.secret"),
    )];

    #[test]
    fn tokens_of_an_earlier_release_are_read() {
        for (known, secret) in EARLIER_RELEASES {
            let known: Value = serde_json::from_str(known).expect("JSON");
            let tokens = Tokens::new(secret.to_vec(), None);
            let access = known["accessToken"].as_str().expect("a token");
            let claims = tokens.read(access, DateTime::UNIX_EPOCH).expect("it was valid then");
            assert_eq!(claims.sub.to_string(), known["user"]);
            assert_eq!(tokens.read(access, DateTime::from_timestamp(claims.exp, 0).expect("an instant")), None);
            assert!(tokens.read_refresh(known["refreshToken"].as_str().expect("a token")).is_some());
        }
    }

    #[test]
    fn unknown_claims_of_a_newer_release_are_ignored() {
        let tokens = Tokens::new(vec![7; 32], None);
        let said = serde_json::json!({
            "iss": ISSUER, "aud": AUDIENCE, "exp": 10, "sub": Uuid::nil(), "sid": Uuid::nil(), "role": "auditor",
            "scopes": ["read"],
        });
        let token = jsonwebtoken::encode(&tokens.header, &said, &tokens.signing).expect("a token");
        assert!(tokens.read(&token, DateTime::UNIX_EPOCH).is_some());
    }
}
