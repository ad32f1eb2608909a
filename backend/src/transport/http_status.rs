//! The HTTP status for each error code, for REST and GraphQL.

use axum::http::StatusCode;

use crate::error::Code;

/// Returns the HTTP status for an error with this code.
#[must_use]
pub const fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Invalid | Code::PersistedQueryNotSupported => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::Conflict => StatusCode::CONFLICT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::ResponseTooLarge | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
