//! The codes of errors: `extensions.code` in GraphQL, and the reasons in `details` of REST.

use crate::words::text_enum;

text_enum! {
    /// The kinds of failure, one per status code of the contract.
    pub enum Code {
        /// The request is wrong in itself.
        Invalid = "INVALID",
        /// Nobody known is asking.
        Unauthenticated = "UNAUTHENTICATED",
        /// The caller is known and may not do this.
        Forbidden = "FORBIDDEN",
        /// There is no such object within the caller's scope.
        NotFound = "NOT_FOUND",
        /// The resource exists and does not do that.
        MethodNotAllowed = "METHOD_NOT_ALLOWED",
        /// The request contradicts what is stored.
        Conflict = "CONFLICT",
        /// The body is larger than the limit.
        TooLarge = "TOO_LARGE",
        /// The body is not of the type the route reads.
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
        /// The request contradicts an earlier one with the same idempotency key.
        Unprocessable = "UNPROCESSABLE",
        /// The caller has used up its window.
        RateLimited = "RATE_LIMITED",
        /// Something the server needs is away; asking again later may help.
        Unavailable = "UNAVAILABLE",
        /// The answer would be larger than the limit.
        ResponseTooLarge = "RESPONSE_TOO_LARGE",
        /// The request names a document by its hash, and documents are not kept.
        PersistedQueryNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED",
        /// The server is at fault.
        Internal = "INTERNAL",
    }
}

text_enum! {
    /// Why a request contradicts what is stored, as programs read it in `details.reason`.
    pub enum ConflictReason {
        /// The report came after the server had given up waiting for it.
        Lease = "lease",
        /// Another process works with a copy of the same state.
        DuplicateInstance = "duplicateInstance",
    }
}
