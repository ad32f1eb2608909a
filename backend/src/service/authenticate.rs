//! Authentication: API keys, client certificates and access tokens are checked against the cache.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::{ControlPlane, authentication_and_directive_cache::Digest};
use crate::{
    actor::{Actor, CertificateDigest, KeyDigest},
    error::{Error, Result},
    events::Invalidation,
    ids::{CustomerId, SessionId, UserId},
    model::account::Role,
    rate_limits::Class,
    store::{self, api_keys::KeyRow},
};

/// The prefix of API keys.
pub(super) const KEY_PREFIX: &str = "mft_ak_";

/// Computes the SHA-256 under which an API key or an enrolment code is stored and found.
pub(super) fn digest(secret: &str) -> Digest {
    Sha256::digest(secret.as_bytes()).into()
}

/// The credentials of a caller.
#[derive(Clone, Copy, Debug)]
pub enum Credentials<'a> {
    /// An agent's API key, or its certificate, or both.
    Agent(AgentCredentials<'a>),
    /// A user's access token.
    Token(&'a str),
}

/// The credentials of an agent. With both, both must be valid and belong to the same agent.
#[derive(Clone, Copy, Debug, Default)]
pub struct AgentCredentials<'a> {
    /// The API key.
    pub key: Option<&'a str>,
    /// The digest of the client certificate of the TLS connection; the handshake has shown that the client has its
    /// private key.
    pub certificate: Option<CertificateDigest>,
}

/// A caller whose credentials are valid, and how their requests are counted.
#[derive(Clone, Debug)]
pub struct AuthenticatedCaller {
    /// The actor of the caller's requests.
    pub actor: Actor,
    /// The rate limit that applies.
    pub class: Class,
    /// The name under which the caller's requests are counted within the class.
    pub subject: String,
    /// The expiry time of the credentials; `None` for those of agents.
    pub expires_at: Option<DateTime<Utc>>,
}

const INVALID_TOKEN: Error = Error::Unauthenticated("this token is invalid or has expired: sign in again");
/// The error for a caller whose rights have changed since a long request, such as a subscription, began.
pub const RIGHTS_CHANGED: Error = Error::Unauthenticated("the rights of the caller have changed");

impl ControlPlane {
    /// Checks the credentials of a caller.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if the credentials are not valid.
    pub async fn authenticate(&self, credentials: Credentials<'_>) -> Result<AuthenticatedCaller> {
        match credentials {
            Credentials::Agent(credentials) => {
                let (actor, _) = self.holder_of(credentials).await?;
                let subject = counted_as(&actor, credentials.certificate);
                Ok(AuthenticatedCaller { actor, class: Class::Agent, subject, expires_at: None })
            }
            Credentials::Token(token) => {
                let (actor, expires_at) = self.authenticate_token(token).await?;
                let session = actor.session();
                let (user, _) = session.ok_or_else(|| Error::internal("a token without a session was accepted"))?;
                Ok(AuthenticatedCaller {
                    actor,
                    class: Class::User,
                    subject: user.to_string(),
                    expires_at: Some(expires_at),
                })
            }
        }
    }

    /// Checks an API key. Returns the agent as an actor, and the name under which its requests are counted.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if the key is unknown or expired, its agent is revoked, or its customer is suspended.
    pub async fn authenticate_agent_key(&self, key: &str) -> Result<(Actor, String)> {
        let (actor, _) = self.holder_of_key(key).await?;
        let subject = counted_as(&actor, None);
        Ok((actor, subject))
    }

    /// Checks the credentials of an agent. Returns the agent as an actor, and the earliest expiry time of the
    /// credentials; `None` if they do not expire.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if there are no credentials, if one of them is not valid, or if they belong to two
    /// agents.
    pub(super) async fn holder_of(&self, credentials: AgentCredentials<'_>) -> Result<(Actor, Option<DateTime<Utc>>)> {
        const NONE: Error = Error::Unauthenticated("send the agent's API key in `X-API-Key`");
        let Some(certificate) = credentials.certificate else {
            return self.holder_of_key(credentials.key.ok_or(NONE)?).await;
        };
        let (owner, certificate_ends) = self.holder_of_certificate(certificate).await?;
        let Some(key) = credentials.key else { return Ok((owner, Some(certificate_ends))) };
        let (actor, key_ends) = self.holder_of_key(key).await?;
        if actor.scope() != owner.scope() {
            self.note_refused("other_agent");
            return Err(Error::Unauthenticated("the API key and the client certificate belong to different agents"));
        }
        Ok((actor, Some(key_ends.map_or(certificate_ends, |end| end.min(certificate_ends)))))
    }

    /// The agent of a client certificate, and when the certificate expires.
    async fn holder_of_certificate(&self, certificate: CertificateDigest) -> Result<(Actor, DateTime<Utc>)> {
        const INVALID: Error = Error::Unauthenticated("this client certificate is not valid any more");
        let (now, digest, cache) = (self.now(), certificate.0, &self.cache);
        let read = || self.noting_directives(now, store::agent_certificates::find(&self.db, &digest));
        let Some(row) = cache.certificates.get(digest, now, cache.bus(), read).await? else {
            self.note_refused("revoked");
            return Err(INVALID);
        };
        let Some(expires_at) = row.expires_at.filter(|end| *end > now) else {
            self.note_refused("expired");
            return Err(INVALID);
        };
        if self.is_suspended(row.customer_id, now).await? {
            self.note_refused("suspended");
            return Err(INVALID);
        }
        Ok((Actor::Agent { agent: row.agent_id, customer: row.customer_id, key: None }, expires_at))
    }

    /// The agent of an API key, and the expiry time of the key, if it has one.
    async fn holder_of_key(&self, key: &str) -> Result<(Actor, Option<DateTime<Utc>>)> {
        const INVALID: Error = Error::Unauthenticated("this API key is not valid");
        if !key.starts_with(KEY_PREFIX) {
            return Err(INVALID);
        }
        let now = self.now();
        let digest = digest(key);
        let cache = &self.cache;
        let read = || self.noting_directives(now, self.find_key(&digest, now));
        let row = cache.keys.get(digest, now, cache.bus(), read).await?.ok_or(INVALID)?;
        if row.expires_at.is_some_and(|end| end <= now) || self.is_suspended(row.customer_id, now).await? {
            return Err(INVALID);
        }
        let actor = Actor::Agent { agent: row.agent_id, customer: row.customer_id, key: Some(KeyDigest(digest)) };
        Ok((actor, row.expires_at))
    }

    /// Reads an API key or a certificate. If its agent has no open directives, that is cached too: most agents have none,
    /// and the answers to reports and heartbeats contain them.
    async fn noting_directives(
        &self,
        now: DateTime<Utc>,
        read: impl Future<Output = Result<Option<KeyRow>>>,
    ) -> Result<Option<Arc<KeyRow>>> {
        let directives = &self.cache.directives;
        let generation = directives.generation();
        let Some(row) = read.await? else { return Ok(None) };
        if !row.may_have_directives {
            directives.insert(row.agent_id, Arc::from([]), now, generation);
        }
        Ok(Some(Arc::new(row)))
    }

    /// The stored API key with this digest. If it replaced another one and was never used, its first use is recorded
    /// before the request is answered: from then on the older key cannot be exchanged any more, and directives to
    /// replace it are acknowledged. That happens once per key, not per request.
    async fn find_key(&self, digest: &Digest, now: DateTime<Utc>) -> Result<Option<KeyRow>> {
        let found = store::api_keys::find_key(&self.db, digest, now).await?;
        let Some(row) = found else { return Ok(None) };
        if !row.awaits_first_use || row.expires_at.is_some_and(|end| end <= now) {
            return Ok(Some(row));
        }
        let mut work = self.begin(&Actor::System).await?;
        store::api_keys::note_first_use(&mut work.tx, digest, now).await?;
        if store::directives::settle_key_rotation(&mut work.tx, row.agent_id, digest, now).await? {
            work.invalidate(Invalidation::Directives(row.agent_id));
        }
        self.commit(work).await?;
        // Another server may have recorded it, or the key may have been replaced at this moment.
        store::api_keys::find_key(&self.db, digest, now).await
    }

    /// Checks an access token. Returns its user as an actor, and the expiry time of the token.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if the token was not signed with this server's key, if it has expired, if its session
    /// was ended, or if the user or the user's customer is suspended.
    pub async fn authenticate_token(&self, token: &str) -> Result<(Actor, DateTime<Utc>)> {
        let claims = self.tokens.read(token, self.now()).ok_or(INVALID_TOKEN)?;
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(INVALID_TOKEN)?;
        Ok((self.authenticate_session(claims.sub, claims.sid, expires_at).await?, expires_at))
    }

    /// Checks the session of an access token again, without the token: the caller has verified the token's signature
    /// before, and passes its user, session and expiry time. Returns the user as an actor.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if the token has expired, the session was ended, or the user or the user's customer is
    /// suspended.
    pub(crate) async fn authenticate_session(
        &self,
        user: UserId,
        session: SessionId,
        expires_at: DateTime<Utc>,
    ) -> Result<Actor> {
        if expires_at.timestamp() <= self.now().timestamp() {
            return Err(INVALID_TOKEN);
        }
        self.actor_of(user, session).await
    }

    /// Checks that a user still has the rights with which a long call began. The database is read only if the rights
    /// may have changed. Other actors are not checked.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if the session was ended, the user or the user's customer is suspended, or the user has
    /// another role or customer.
    pub(super) async fn require_same_rights(&self, actor: &Actor) -> Result<()> {
        let Some((user, session)) = actor.session() else { return Ok(()) };
        if self.actor_of(user, session).await? == *actor { Ok(()) } else { Err(RIGHTS_CHANGED) }
    }

    /// The actor of a session of this user.
    async fn actor_of(&self, user: UserId, session: SessionId) -> Result<Actor> {
        let (now, cache) = (self.now(), &self.cache);
        let read = || async { Ok(store::sessions::find(&self.db, session).await?.map(Arc::new)) };
        let found = cache.sessions.get(session, now, cache.bus(), read).await?.ok_or(INVALID_TOKEN)?;
        if found.ended_at.is_some() || found.user_id != user {
            return Err(INVALID_TOKEN);
        }
        let read = || async { Ok(store::users::find(&self.db, user).await?.map(Arc::new)) };
        let found = cache.users.get(user, now, cache.bus(), read).await?.ok_or(INVALID_TOKEN)?;
        if found.suspended {
            return Err(INVALID_TOKEN);
        }
        match (found.role.0, found.customer_id) {
            (Role::Admin, _) => Ok(Actor::Admin { user, session }),
            (Role::Customer, Some(customer)) if !self.is_suspended(customer, now).await? => {
                Ok(Actor::Customer { user, session, customer })
            }
            (Role::Customer, _) => Err(INVALID_TOKEN),
        }
    }

    /// Counts and logs a request whose client certificate is not accepted.
    fn note_refused(&self, reason: &'static str) {
        metrics::counter!("mftplus_client_certificates_refused_total", "reason" => reason).increment(1);
        if let Some(others) = self.refused_certificates.permit(Instant::now()) {
            tracing::info!(reason, others, "a client certificate was refused");
        }
    }

    async fn is_suspended(&self, customer: CustomerId, now: DateTime<Utc>) -> Result<bool> {
        let cache = &self.cache;
        let read =
            || async { Ok(store::customers::find(&self.db, customer).await?.map(|customer| customer.suspended)) };
        Ok(cache.customers.get(customer, now, cache.bus(), read).await?.unwrap_or(true))
    }
}

/// The name under which the requests of an agent are counted: by its key, or else by its certificate.
fn counted_as(agent: &Actor, certificate: Option<CertificateDigest>) -> String {
    let digest = match agent {
        Actor::Agent { key: Some(KeyDigest(digest)), .. } => Some(*digest),
        _ => certificate.map(|certificate| certificate.0),
    };
    let start = digest.unwrap_or_default().first_chunk().copied().unwrap_or_default();
    // Every request is counted, and a UUID writes its digits faster than a number.
    Uuid::from_bytes(start).simple().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AgentId;

    #[test]
    fn an_agent_is_counted_by_the_first_half_of_the_digest_of_its_key() {
        let digest: Digest = std::array::from_fn(|index| u8::try_from(index).unwrap());
        let (agent, customer) = (AgentId(Uuid::nil()), CustomerId(Uuid::nil()));
        let by_key = Actor::Agent { agent, customer, key: Some(KeyDigest(digest)) };
        let by_certificate = Actor::Agent { agent, customer, key: None };
        // Servers of other versions count under the same names in Redis.
        assert_eq!(counted_as(&by_key, Some(CertificateDigest([9; 32]))), "000102030405060708090a0b0c0d0e0f");
        assert_eq!(counted_as(&by_certificate, Some(CertificateDigest([0xab; 32]))), "ab".repeat(16));
    }
}
