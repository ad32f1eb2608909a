//! The session of the user: signing in and out, and the access token, kept in memory only and renewed before it expires.
//!
//! The refresh token is a cookie that no script can read. All tabs share it, and it is replaced at each use. So only
//! one renewal runs at a time: [`RenewalLock`] ensures this in this tab, and a lock of the browser among all tabs.

mod renewal_lock;
mod role;

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize};

use self::renewal_lock::RenewalLock;
pub(crate) use self::role::{Permission, ViewerRole};
use crate::{
    api::{
        ApiError, Request,
        http::{self, File, Reply},
    },
    browser, json,
    time::Instant,
};

/// How long before its expiry a token is renewed, in milliseconds.
const RENEW_BEFORE: i64 = 60_000;

/// The state of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionState {
    /// Not known yet: the tab tries to restore the session with the cookie of an earlier visit.
    Restoring,
    /// Not known, because the server cannot be reached.
    Unreachable,
    /// No user is signed in.
    SignedOut(SignedOutReason),
    /// This user is signed in, or has to sign in again ([`Session::is_expired`]).
    SignedIn(Viewer),
}

/// Why no user is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignedOutReason {
    /// No user has signed in yet.
    NotSignedIn,
    /// The user has signed out.
    ByUser,
}

/// The signed-in user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Viewer {
    pub(crate) email: String,
    pub(crate) role: ViewerRole,
    pub(crate) customer_id: Option<String>,
}

#[derive(Serialize)]
struct SignIn<'a> {
    email: &'a str,
    password: &'a str,
    /// Whether the server is asked to set the refresh token as a cookie.
    cookie: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    token: String,
    expires_at: Instant,
    user: Viewer,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
}

/// The session of this tab. A handle: copies share the same session.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    state: RwSignal<SessionState>,
    /// Whether the session of the signed-in user has expired or was ended by the server. The page stays as it is.
    expired: RwSignal<bool>,
    token: StoredValue<Option<String>>,
    renewal: StoredValue<Option<TimeoutHandle>>,
    renewals: StoredValue<RenewalLock, LocalStorage>,
}

impl Session {
    /// A session in the state `Restoring`.
    pub(crate) fn new() -> Self {
        Self {
            state: RwSignal::new(SessionState::Restoring),
            expired: RwSignal::new(false),
            token: StoredValue::new(None),
            renewal: StoredValue::new(None),
            renewals: StoredValue::new_local(RenewalLock::default()),
        }
    }

    /// The state of the session. Reactive.
    pub(crate) fn state(self) -> SessionState {
        self.state.get()
    }

    /// The signed-in user. Reactive.
    pub(crate) fn viewer(self) -> Option<Viewer> {
        self.state.with(|state| match state {
            SessionState::SignedIn(viewer) => Some(viewer.clone()),
            _ => None,
        })
    }

    /// Whether the session has expired, so that the user must sign in again. Reactive.
    pub(crate) fn is_expired(self) -> bool {
        self.expired.get()
    }

    /// Whether the role of the signed-in user has a permission. Reactive.
    pub(crate) fn may(self, permission: Permission) -> bool {
        self.state.with(|state| matches!(state, SessionState::SignedIn(viewer) if viewer.role.has(permission)))
    }

    /// The access token, if there is one. Not reactive.
    pub(crate) fn token(self) -> Option<String> {
        self.token.get_value()
    }

    /// Signs in with a password, also after the session has expired.
    pub(crate) async fn sign_in(self, email: &str, password: &str) -> Result<(), ApiError> {
        let sign_in = SignIn { email, password, cookie: true };
        let body = serde_json::to_string(&sign_in).map_err(|_| ApiError::InvalidResponse)?;
        let reply = http::post("/api/auth/login", &body, None, None).await.map_err(|_| ApiError::Unreachable)?;
        self.accept(&reply)
    }

    /// Signs out, on the server and in this tab. If the server does not respond, the cookie still exists, so the
    /// session is kept, too.
    pub(crate) async fn sign_out(self) -> Result<(), ApiError> {
        let token = self.token();
        let reply =
            http::post("/api/auth/logout", "{}", token.as_deref(), None).await.map_err(|_| ApiError::Unreachable)?;
        match reply.status {
            200 | 401 => self.end(),
            _ => return Err(error_of(&reply)),
        }
        Ok(())
    }

    /// Restores the session with the cookie of an earlier visit. Retries while the server cannot be reached.
    pub(crate) fn restore(self) {
        spawn_local(async move {
            match self.renew().await {
                Ok(()) => {}
                Err(ApiError::SignedOut) => self.state.set(SessionState::SignedOut(SignedOutReason::NotSignedIn)),
                Err(_) => {
                    self.state.set(SessionState::Unreachable);
                    let pause = Duration::from_millis(2000 + browser::jitter(2000));
                    set_timeout(move || self.restore(), pause);
                }
            }
        });
    }

    /// Gets a new access token. A call during a renewal waits for that renewal.
    pub(crate) async fn renew(self) -> Result<(), ApiError> {
        let before = self.token();
        let renewals = self.renewals.get_value();
        renewals
            .run(async move {
                if self.token.try_get_value().flatten() != before {
                    return Ok(());
                }
                let reply = http::post("/api/auth/refresh", r#"{"cookie":true}"#, None, None)
                    .await
                    .map_err(|_| ApiError::Unreachable)?;
                // 400 means that there is no cookie, so the request has no refresh token.
                if reply.status == 400 { Err(ApiError::SignedOut) } else { self.accept(&reply) }
            })
            .await
    }

    /// Sends a GraphQL request and calls `done` with the outcome.
    pub(crate) fn execute<T: 'static>(self, request: Request<T>, done: impl FnOnce(Result<T, ApiError>) + 'static) {
        self.execute_with(request, None, done);
    }

    /// Sends a GraphQL request with an idempotency key, so that it creates or starts something at most once for each
    /// key. Calls `done` with the outcome.
    pub(crate) fn execute_once<T: 'static>(
        self,
        request: Request<T>,
        key: String,
        done: impl FnOnce(Result<T, ApiError>) + 'static,
    ) {
        self.execute_with(request, Some(key), done);
    }

    fn execute_with<T: 'static>(
        self,
        request: Request<T>,
        key: Option<String>,
        done: impl FnOnce(Result<T, ApiError>) + 'static,
    ) {
        let Request { text, read } = request;
        self.execute_boxed(text, key, Box::new(move |answer| done(answer.and_then(|answer| read(&answer)))));
    }

    /// Sends a request. The function is not generic, so that its code exists once, and not for every operation.
    fn execute_boxed(self, request: String, key: Option<String>, done: Box<dyn FnOnce(Result<String, ApiError>)>) {
        spawn_local(async move { done(self.send(&request, key.as_deref()).await) });
    }

    /// Sends a request. If its token is refused, sends it again with a renewed token.
    async fn send(self, request: &str, key: Option<&str>) -> Result<String, ApiError> {
        if self.expired.get_untracked() {
            return Err(ApiError::SignedOut);
        }
        let (user, mut renewed) = (untrack(|| self.viewer()), false);
        loop {
            let token = self.token();
            let reply =
                http::post("/graphql", request, token.as_deref(), key).await.map_err(|_| ApiError::Unreachable)?;
            match reply.status {
                401 if !renewed => {
                    renewed = true;
                    self.renew_for(user.as_ref()).await?;
                }
                401 => {
                    self.expire();
                    return Err(ApiError::SignedOut);
                }
                429 => return Err(ApiError::RateLimited(reply.retry_after.unwrap_or(60))),
                502..=504 => return Err(ApiError::Unreachable),
                // GraphQL errors have the same form as results, and the caller reads both.
                _ => return Ok(reply.body),
            }
        }
    }

    /// Downloads a file of the API. If the token is refused, requests the file again with a renewed token.
    pub(crate) async fn download(self, path: &str, media_type: &str) -> Result<File, ApiError> {
        let (user, mut renewed) = (untrack(|| self.viewer()), false);
        loop {
            let token = self.token();
            let reply = http::download(path, media_type, token.as_deref()).await;
            match reply.map_err(|_| ApiError::Unreachable)? {
                Ok(file) => return Ok(file),
                Err(reply) if reply.status == 401 && !renewed => {
                    renewed = true;
                    self.renew_for(user.as_ref()).await?;
                }
                Err(reply) => return Err(error_of(&reply)),
            }
        }
    }

    /// Renews the access token, so that a request of `user` can be repeated. If the session has ended, marks it as
    /// expired. Fails with `SignedOut` if another user has signed in meanwhile.
    async fn renew_for(self, user: Option<&Viewer>) -> Result<(), ApiError> {
        let renewed = self.renew().await;
        if renewed == Err(ApiError::SignedOut) {
            self.expire();
        }
        renewed?;
        let now = untrack(|| self.viewer());
        if may_repeat(user, now.as_ref()) { Ok(()) } else { Err(ApiError::SignedOut) }
    }

    /// Marks the session as expired, so that the user must sign in again. The page stays as it is.
    pub(crate) fn expire(self) {
        // Not if the user has signed out.
        if self.state.with_untracked(|state| matches!(state, SessionState::SignedIn(_))) {
            self.clear_token();
            self.expired.set(true);
        }
    }

    /// Ends the session in this tab after the user has signed out.
    fn end(self) {
        self.clear_token();
        self.expired.set(false);
        self.state.set(SessionState::SignedOut(SignedOutReason::ByUser));
    }

    fn clear_token(self) {
        self.token.set_value(None);
        self.schedule(None);
    }

    fn accept(self, reply: &Reply) -> Result<(), ApiError> {
        if reply.status != 200 {
            return Err(error_of(reply));
        }
        let Envelope { data } = json::read::<Envelope<SignedIn>>(&reply.body).ok_or(ApiError::InvalidResponse)?;
        self.token.set_value(Some(data.token));
        let state = SessionState::SignedIn(data.user);
        if self.state.get_untracked() != state {
            self.state.set(state);
        }
        if self.expired.get_untracked() {
            self.expired.set(false);
        }
        self.schedule(Some(data.expires_at.0 - RENEW_BEFORE - browser::now().0));
        Ok(())
    }

    /// Schedules the next renewal of the token after this many milliseconds; `None` cancels it. A failed renewal is
    /// retried until the session has ended.
    fn schedule(self, pause: Option<i64>) {
        if let Some(planned) = self.renewal.get_value() {
            planned.clear();
        }
        let renew = move || {
            spawn_local(async move {
                match self.renew().await {
                    Ok(()) => {}
                    Err(ApiError::SignedOut) => self.expire(),
                    Err(_) => self.schedule(Some(10_000)),
                }
            });
        };
        let handle = pause.and_then(|pause| {
            let pause = Duration::from_millis(u64::try_from(pause).unwrap_or(0).max(1000) + browser::jitter(1000));
            set_timeout_with_handle(renew, pause).ok()
        });
        self.renewal.set_value(handle);
    }
}

/// Whether a request of the user `before` may be repeated with the token of the user `now`; `None` stands for a page
/// that did not know its user yet. Another user may have signed in meanwhile, in this tab or another one, and a request
/// of one user must not be sent for another.
fn may_repeat(before: Option<&Viewer>, now: Option<&Viewer>) -> bool {
    before.is_none() || before == now
}

/// The error that an unsuccessful REST response reports.
fn error_of(reply: &Reply) -> ApiError {
    match reply.status {
        401 => ApiError::SignedOut,
        429 => ApiError::RateLimited(reply.retry_after.unwrap_or(60)),
        502..=504 => ApiError::Unreachable,
        _ => match json::read::<Failure>(&reply.body) {
            Some(Failure { error }) => ApiError::Refused { code: String::new(), message: error },
            None => ApiError::InvalidResponse,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Viewer, ViewerRole, may_repeat};

    #[test]
    fn a_request_of_one_user_is_not_repeated_for_another() {
        let viewer = |email: &str| Viewer { email: email.to_owned(), role: ViewerRole::Admin, customer_id: None };
        let (one, other) = (viewer("one@acme.example"), viewer("other@acme.example"));
        assert!(may_repeat(Some(&one), Some(&one)));
        assert!(!may_repeat(Some(&one), Some(&other)));
        assert!(!may_repeat(Some(&one), None), "the user has signed out");
        assert!(may_repeat(None, Some(&one)), "a query of the page that restores its session");
    }
}
