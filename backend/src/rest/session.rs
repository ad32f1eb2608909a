//! The routes of sessions: signing in and out.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use cookie::{Cookie, SameSite, time::Duration};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    caller::{CookieAccess, MaybeUser, UnauthenticatedClient, UserCaller},
    envelope::{Answer, Failure, Reply, Success},
    extract::{Body, OptionalBody},
};
use crate::{
    error::Error,
    model::account::{Login, RefreshSession, SignedIn, User},
    transport::PublicUrl,
};

/// The cookie that holds the refresh token.
const COOKIE: &str = "mftplus_refresh";
/// The only path to which the cookie is sent, below the base path.
const COOKIE_PATH: &str = "/api/auth";

/// A user.
#[derive(Serialize, ToSchema)]
pub(super) struct UserData {
    /// The user.
    pub(super) user: User,
}

/// Confirmation of a sign-out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoggedOutData {
    /// Always `true`.
    #[schema(example = true)]
    logged_out: bool,
}

/// Sign in
///
/// With `cookie: true` the refresh token is sent as an HttpOnly cookie for `/api/auth` and not in the body. Only pages
/// of the server's own origin and of allowed origins may set or use the cookie; others get 403.
#[utoipa::path(post, path = "/api/auth/login", tag = "Auth", security(()), request_body = Login,
    responses((status = 200, description = "The user is signed in", body = Success<SignedIn>)))]
pub(super) async fn login(
    State(api): State<ApiState>,
    UnauthenticatedClient(address): UnauthenticatedClient,
    page: CookieAccess,
    body: Body<Login>,
) -> Result<Response, Failure> {
    let as_cookie = body.input.cookie;
    page.require(as_cookie)?;
    Ok(signed_in(&api, api.cp.login(body.input, &address).await?, as_cookie, &page))
}

/// Renew a session
///
/// Takes the refresh token from the body or from the cookie, and returns a new one. The old token can be used once more
/// within 10 seconds, in case the answer was lost. A later use of it ends the session.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "Auth", security(()), request_body = Option<RefreshSession>,
    responses((status = 200, description = "The session is renewed", body = Success<SignedIn>)))]
pub(super) async fn refresh_session(
    State(api): State<ApiState>,
    _: UnauthenticatedClient,
    page: CookieAccess,
    headers: HeaderMap,
    body: OptionalBody<RefreshSession>,
) -> Result<Response, Failure> {
    let as_cookie = body.input.cookie || body.input.refresh_token.is_none();
    page.require(as_cookie)?;
    let token = body.input.refresh_token.or_else(|| sent_cookie(&headers));
    let token = token.ok_or_else(|| Error::field("refreshToken", "is required, here or as the cookie"))?;
    Ok(signed_in(&api, api.cp.refresh_session(&token).await?, as_cookie, &page))
}

/// Sign out
///
/// Ends the session of the access token, or of the refresh token in the body or the cookie.
#[utoipa::path(post, path = "/api/auth/logout", tag = "Auth", security(("bearer" = []), ()),
    request_body = Option<RefreshSession>,
    responses((status = 200, description = "The session has ended", body = Success<LoggedOutData>)))]
pub(super) async fn logout(
    State(api): State<ApiState>,
    MaybeUser(actor): MaybeUser,
    page: CookieAccess,
    headers: HeaderMap,
    body: OptionalBody<RefreshSession>,
) -> Result<Response, Failure> {
    match (actor, body.input.refresh_token, sent_cookie(&headers)) {
        (Some(actor), _, _) => api.cp.logout(&actor).await?,
        (None, Some(token), _) => api.cp.logout_by_refresh_token(&token).await?,
        (None, None, Some(token)) => {
            page.require(true)?;
            api.cp.logout_by_refresh_token(&token).await?;
        }
        (None, None, None) => {
            return Err(
                Error::Unauthenticated("send an access token, or the refresh token of the session to end").into()
            );
        }
    }
    let response = Reply::ok(LoggedOutData { logged_out: true }).into_response();
    // To remove the cookie is to set it: another page may not end the session of the browser that way.
    if !page.is_allowed {
        return Ok(response);
    }
    Ok(with_cookie(response, &cookie(&api, String::new(), Duration::ZERO, &page)))
}

/// Get the signed-in user
#[utoipa::path(get, path = "/api/auth/me", tag = "Auth", security(("bearer" = [])),
    responses((status = 200, description = "The signed-in user", body = Success<UserData>)))]
pub(super) async fn me(State(api): State<ApiState>, UserCaller(actor): UserCaller) -> Answer<UserData> {
    Ok(Reply::ok(UserData { user: api.cp.me(&actor).await? }))
}

impl CookieAccess {
    /// An error if a page of an origin that is not allowed uses or sets the cookie.
    fn require(&self, uses_cookie: bool) -> Result<(), Failure> {
        const FOREIGN: Error =
            Error::Forbidden("pages of this origin may not use the cookie: see MFTPLUS_ALLOWED_ORIGINS");
        if self.is_allowed || !uses_cookie { Ok(()) } else { Err(FOREIGN.into()) }
    }
}

fn signed_in(api: &ApiState, mut session: SignedIn, as_cookie: bool, page: &CookieAccess) -> Response {
    let token = if as_cookie { session.refresh_token.take() } else { None };
    let response = Reply::ok(session).into_response();
    match token {
        Some(token) => with_cookie(response, &cookie(api, token, Duration::days(7), page)),
        None => response,
    }
}

fn cookie(api: &ApiState, value: String, life: Duration, page: &CookieAccess) -> Cookie<'static> {
    let is_tls = page.is_tls || api.public_url.as_ref().is_some_and(PublicUrl::is_tls);
    Cookie::build((COOKIE, value))
        // As the browser sees the path, whether or not a proxy removes the base path.
        .path(format!("{}{COOKIE_PATH}", api.base_path()))
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(is_tls)
        .max_age(life)
        .build()
}

fn with_cookie(mut response: Response, cookie: &Cookie<'_>) -> Response {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

fn sent_cookie(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = sent.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == COOKIE).map(|cookie| cookie.value().to_owned())
}
