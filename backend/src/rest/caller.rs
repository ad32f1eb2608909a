//! Who calls: each route takes its own kind of credential, and says so by the type of its handler's first argument.
//!
//! The call is counted here too, since by whom it is counted is who calls. A call whose credentials are not valid counts
//! in its route's class by its address.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use super::{
    Api,
    envelope::Failure,
    middleware::{ClientAddress, Limited, authenticated},
};
use crate::{
    actor::{Actor, Permission},
    error::Error,
    limits::Class,
    service::{AuthenticatedCaller, Credentials},
    transport::{TOKEN_MISSING, rate_limit_key, token},
};

const KEY_MISSING: Error = Error::Unauthenticated("send the agent's API key in `X-API-Key`");

/// An agent, by its API key.
pub(super) struct AgentCaller(pub(super) Actor);

/// A user, by a token.
pub(super) struct UserCaller(pub(super) Actor);

/// An agent or a user; if both are sent, the token counts.
pub(super) struct AnyCaller(pub(super) Actor);

/// Whoever registers an agent: with a token, or with a code in the body.
pub(super) struct Registrant(pub(super) Option<Actor>);

/// Whoever signs in, with the address by which their attempts are counted.
pub(super) struct Stranger(pub(super) String);

/// A user who may also do without a token, showing something else.
pub(super) struct MaybeUser(pub(super) Option<Actor>);

/// Whether the request comes from a page that may use the cookie, or from no page.
pub(super) struct MayUseCookie(pub(super) bool);

/// Where the call comes from.
pub(super) struct Address(pub(super) String);

impl FromRequestParts<Api> for AgentCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        let key = api_key(&parts.headers).map(Credentials::ApiKey).ok_or(KEY_MISSING);
        Ok(Self(cleared(parts, api, Class::Agent, key).await?))
    }
}

impl FromRequestParts<Api> for UserCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        let token = token(&parts.headers).and_then(|token| token.map(Credentials::Token).ok_or(TOKEN_MISSING));
        Ok(Self(cleared(parts, api, Class::User, token).await?))
    }
}

/// Users with a permission, by a token. The control plane checks the permission again; here it is checked before the body
/// is read.
macro_rules! permitted_callers {
    ($($(#[$doc:meta])* $caller:ident: $permission:ident),+ $(,)?) => {$(
        $(#[$doc])*
        pub(super) struct $caller(pub(super) Actor);

        impl FromRequestParts<Api> for $caller {
            type Rejection = Failure;

            async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
                let UserCaller(actor) = UserCaller::from_request_parts(parts, api).await?;
                actor.require(Permission::$permission)?;
                Ok(Self(actor))
            }
        }
    )+};
}

permitted_callers! {
    /// Who may create customers.
    CustomerCreator: CreateCustomer,
    /// Who may list customers.
    CustomerLister: ListCustomers,
    /// Who may create users.
    UserCreator: CreateUser,
    /// Who may list users.
    UserLister: ViewUsers,
    /// Who may create jobs.
    JobCreator: CreateJob,
}

impl FromRequestParts<Api> for AnyCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        let credentials = match token(&parts.headers) {
            Ok(Some(token)) => Ok(Credentials::Token(token)),
            Ok(None) => api_key(&parts.headers).map(Credentials::ApiKey).ok_or(TOKEN_MISSING),
            Err(error) => Err(error),
        };
        let class = if matches!(credentials, Ok(Credentials::ApiKey(_))) { Class::Agent } else { Class::User };
        Ok(Self(cleared(parts, api, class, credentials).await?))
    }
}

impl FromRequestParts<Api> for Registrant {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
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

impl FromRequestParts<Api> for Stranger {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        let address = counted_address(parts);
        count(parts, api, Class::Login, &address).await?;
        Ok(Self(address))
    }
}

impl FromRequestParts<Api> for MaybeUser {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(Self(Some(UserCaller::from_request_parts(parts, api).await?.0)));
        }
        count(parts, api, Class::User, &counted_address(parts)).await?;
        Ok(Self(None))
    }
}

impl FromRequestParts<Api> for MayUseCookie {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        Ok(Self(api.origins.allows(&parts.headers, &parts.extensions)))
    }
}

impl FromRequestParts<Api> for Address {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Failure> {
        Ok(Self(parts.extensions.get::<ClientAddress>().map_or_else(String::new, |address| address.0.to_string())))
    }
}

/// Authenticates and counts; what is not valid is counted by its address in the route's class.
async fn cleared(
    parts: &Parts,
    api: &Api,
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

async fn count(parts: &Parts, api: &Api, class: Class, subject: &str) -> Result<(), Failure> {
    let now = api.cp.now();
    let Some(verdict) = api.cp.limits().count(class, subject, now).await else { return Ok(()) };
    if let Some(limited) = parts.extensions.get::<Limited>() {
        limited.note(verdict);
    }
    if verdict.exceeded {
        return Err(Error::RateLimited((verdict.resets_at - now).to_std().unwrap_or_default()).into());
    }
    Ok(())
}

fn counted_address(parts: &Parts) -> String {
    parts.extensions.get::<ClientAddress>().map_or_else(String::new, |address| rate_limit_key(address.0))
}

/// The API key that a request brings.
pub(super) fn api_key(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-api-key").and_then(|value| value.to_str().ok())
}
