//! The callers of routes: the type of a handler's first argument decides which kind of credential the route accepts.
//!
//! The extractor of the caller also counts the request, because the caller's name decides under which limit it counts.
//! A request without valid credentials is counted in the class of its route, by the client's address.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

use super::{
    ApiState,
    envelope::Failure,
    middleware::{RequestContext, authenticated},
};
use crate::{
    actor::{Actor, CertificateDigest, Permission},
    error::Error,
    rate_limits::Class,
    service::{AgentCredentials, AuthenticatedCaller, ControlPlane, Credentials, RIGHTS_CHANGED},
    transport::{TOKEN_MISSING, TlsSession, rate_limit_key, token},
};

const KEY_MISSING: Error = Error::Unauthenticated("send the agent's API key in `X-API-Key`");

/// An agent, authenticated by its API key, its client certificate, or both.
pub(super) struct AgentCaller(pub(super) Actor);

/// A user, authenticated by an access token.
pub(super) struct UserCaller(pub(super) Actor);

/// An agent or a user. If both credentials are sent, the access token counts.
pub(super) struct AnyCaller(pub(super) Actor);

/// A client that registers an agent: a user with an access token, or `None` for a client that must send an enrolment
/// code in the body.
pub(super) struct Registrant(pub(super) Option<Actor>);

/// A client that signs in, with the address under which its attempts are counted.
pub(super) struct UnauthenticatedClient(pub(super) String);

/// A user, or `None` for a client without an access token, which must authenticate in another way, such as with a
/// refresh token.
pub(super) struct MaybeUser(pub(super) Option<Actor>);

/// Whether a request may use the cookie that holds the refresh token.
pub(super) struct CookieAccess {
    /// Whether the request comes from a page of an origin that may use the cookie, or from a client that is not a page.
    pub(super) is_allowed: bool,
    /// Whether the client's connection uses TLS: to this server, or to a trusted proxy that reports it.
    pub(super) is_tls: bool,
}

/// The client's address.
pub(super) struct Address(pub(super) String);

/// The credentials of a request, with which a long answer checks its caller again.
pub(super) struct KeptCredentials {
    token: Option<String>,
    key: Option<String>,
    certificate: Option<CertificateDigest>,
}

impl KeptCredentials {
    pub(super) fn of(parts: &Parts) -> Self {
        let AgentCredentials { key, certificate } = agent_credentials(parts).unwrap_or_default();
        let token = token(&parts.headers).ok().flatten();
        Self { token: token.map(str::to_owned), key: key.map(str::to_owned), certificate }
    }

    /// Checks that the credentials are still valid and have the same rights as at the start of the request.
    pub(super) async fn check(&self, cp: &ControlPlane, actor: &Actor) -> Result<(), Error> {
        let credentials = match &self.token {
            Some(token) => Credentials::Token(token),
            None => Credentials::Agent(AgentCredentials { key: self.key.as_deref(), certificate: self.certificate }),
        };
        let caller = cp.authenticate(credentials).await?;
        if caller.actor == *actor { Ok(()) } else { Err(RIGHTS_CHANGED) }
    }
}

impl FromRequestParts<ApiState> for AgentCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Failure> {
        let credentials = agent_credentials(parts).map(Credentials::Agent).ok_or(KEY_MISSING);
        Ok(Self(cleared(parts, api, Class::Agent, credentials).await?))
    }
}

impl FromRequestParts<ApiState> for UserCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Failure> {
        let token = token(&parts.headers).and_then(|token| token.map(Credentials::Token).ok_or(TOKEN_MISSING));
        Ok(Self(cleared(parts, api, Class::User, token).await?))
    }
}

/// Declares users with a permission, authenticated by an access token. The control plane checks the permission again;
/// here it is checked before the body is read.
macro_rules! permitted_callers {
    ($($(#[$doc:meta])* $caller:ident: $permission:ident),+ $(,)?) => {$(
        $(#[$doc])*
        pub(super) struct $caller(pub(super) Actor);

        impl FromRequestParts<ApiState> for $caller {
            type Rejection = Failure;

            async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Failure> {
                let UserCaller(actor) = UserCaller::from_request_parts(parts, api).await?;
                actor.require(Permission::$permission)?;
                Ok(Self(actor))
            }
        }
    )+};
}

permitted_callers! {
    /// A user who may create customers.
    CustomerCreator: CreateCustomer,
    /// A user who may list customers.
    CustomerLister: ListCustomers,
    /// A user who may create users.
    UserCreator: CreateUser,
    /// A user who may list users.
    UserLister: ViewUsers,
    /// A user who may create jobs.
    JobCreator: CreateJob,
}

impl FromRequestParts<ApiState> for AnyCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Failure> {
        let credentials = match token(&parts.headers) {
            Ok(Some(token)) => Ok(Credentials::Token(token)),
            Ok(None) => agent_credentials(parts).map(Credentials::Agent).ok_or(TOKEN_MISSING),
            Err(error) => Err(error),
        };
        let class = if matches!(credentials, Ok(Credentials::Agent(_))) { Class::Agent } else { Class::User };
        Ok(Self(cleared(parts, api, class, credentials).await?))
    }
}

impl FromRequestParts<ApiState> for Registrant {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Failure> {
        count(parts, api, Class::Register, &counted_address(parts)).await?;
        match token(&parts.headers)? {
            Some(token) => {
                let caller = api.cp.authenticate(Credentials::Token(token)).await?;
                authenticated(&parts.extensions, &caller.actor);
                Ok(Self(Some(caller.actor)))
            }
            None => Ok(Self(None)),
        }
    }
}

impl FromRequestParts<ApiState> for UnauthenticatedClient {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Failure> {
        let address = counted_address(parts);
        count(parts, api, Class::Login, &address).await?;
        Ok(Self(address))
    }
}

impl FromRequestParts<ApiState> for MaybeUser {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Failure> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(Self(Some(UserCaller::from_request_parts(parts, api).await?.0)));
        }
        count(parts, api, Class::User, &counted_address(parts)).await?;
        Ok(Self(None))
    }
}

impl FromRequestParts<ApiState> for CookieAccess {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Failure> {
        let is_allowed = api.origins.allows(&parts.headers, &parts.extensions);
        let is_tls = parts.extensions.get::<TlsSession>().is_some()
            || api.origins.is_tls_at_proxy(&parts.headers, &parts.extensions);
        Ok(Self { is_allowed, is_tls })
    }
}

impl FromRequestParts<ApiState> for Address {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, Failure> {
        Ok(Self(
            parts.extensions.get::<RequestContext>().map_or_else(String::new, |context| context.address().to_string()),
        ))
    }
}

/// Authenticates a request and counts it. A request without valid credentials is counted by the client's address, in
/// the class of the route.
async fn cleared(
    parts: &Parts,
    api: &ApiState,
    class: Class,
    credentials: Result<Credentials<'_>, Error>,
) -> Result<Actor, Failure> {
    let caller = match credentials {
        Ok(credentials) => api.cp.authenticate(credentials).await,
        Err(error) => Err(error),
    };
    match caller {
        Ok(AuthenticatedCaller { actor, class, subject, .. }) => {
            authenticated(&parts.extensions, &actor);
            count(parts, api, class, &subject).await?;
            Ok(actor)
        }
        Err(error @ Error::Unauthenticated(_)) => {
            count(parts, api, class, &counted_address(parts)).await?;
            Err(error.into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn count(parts: &Parts, api: &ApiState, class: Class, subject: &str) -> Result<(), Failure> {
    let now = api.cp.now();
    let Some(verdict) = api.cp.limits().count(class, subject, now).await else { return Ok(()) };
    if let Some(context) = parts.extensions.get::<RequestContext>() {
        context.note(verdict);
    }
    if verdict.exceeded {
        return Err(Error::RateLimited((verdict.resets_at - now).to_std().unwrap_or_default()).into());
    }
    Ok(())
}

fn counted_address(parts: &Parts) -> String {
    parts.extensions.get::<RequestContext>().map_or_else(String::new, |context| rate_limit_key(context.address()))
}

/// The credentials of an agent, if the request has any. An API key that is not text becomes an empty key, which is not
/// valid.
pub(super) fn agent_credentials(parts: &Parts) -> Option<AgentCredentials<'_>> {
    let key = parts.headers.get("x-api-key").map(|value| value.to_str().unwrap_or_default());
    let certificate = parts.extensions.get::<TlsSession>().and_then(|session| session.client_certificate);
    (key.is_some() || certificate.is_some()).then_some(AgentCredentials { key, certificate })
}
