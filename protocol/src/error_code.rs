//! The error codes (`extensions.code` in GraphQL), and the reasons of conflicts (`details.reason` in REST).

use crate::text_enum::text_enum;

text_enum! {
    /// An error code, one per status code of the contract.
    pub enum Code {
        /// The request is invalid.
        Invalid = "INVALID",
        /// The request has no valid credentials.
        Unauthenticated = "UNAUTHENTICATED",
        /// The caller lacks the permission.
        Forbidden = "FORBIDDEN",
        /// There is no such object within the caller's scope.
        NotFound = "NOT_FOUND",
        /// The method does not exist on this resource.
        MethodNotAllowed = "METHOD_NOT_ALLOWED",
        /// The request conflicts with stored data.
        Conflict = "CONFLICT",
        /// The body is larger than the limit.
        TooLarge = "TOO_LARGE",
        /// The body has a media type that the operation does not accept.
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
        /// The request conflicts with an earlier one with the same idempotency key.
        Unprocessable = "UNPROCESSABLE",
        /// The rate limit is exceeded.
        RateLimited = "RATE_LIMITED",
        /// A service that the server needs is unavailable; a later attempt may succeed.
        Unavailable = "UNAVAILABLE",
        /// The answer would be larger than the limit.
        ResponseTooLarge = "RESPONSE_TOO_LARGE",
        /// The request has the hash of a document instead of the document, which the server does not support.
        PersistedQueryNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED",
        /// A fault of the server.
        Internal = "INTERNAL",
    }
}

text_enum! {
    /// The reason of a conflict, which clients read in `details.reason`.
    pub enum ConflictReason {
        /// The report came after the lease had ended.
        Lease = "lease",
        /// Another process uses a copy of the same state folder.
        DuplicateInstance = "duplicateInstance",
    }
}
