//! The WebSocket of GraphQL: its subprotocol, its close codes, and what a client does after each of them.

/// The WebSocket subprotocol that client and server use.
pub const SUBPROTOCOL: &str = "graphql-transport-ws";

/// The code with which a socket is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseCode(pub u16);

/// What a client does after a socket has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterClose {
    /// Connect again, after a delay.
    Reconnect,
    /// Get a new token, then connect again: the token that was used is invalid, has expired or was revoked.
    RenewToken,
    /// Stop: the same requests would end in the same way.
    GiveUp,
}

impl CloseCode {
    /// The received data is not a WebSocket message.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// The connection was lost. The client's WebSocket library reports this code; it is never sent in a close frame.
    pub const LOST: Self = Self(1006);
    /// A message is larger than the limit.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    // To make clients connect again, the server sends one of the next two codes: the npm package `graphql-ws` does not
    // reconnect after 1011 or 4500.
    /// The server shuts down.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server cannot serve this connection now.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// A message does not belong to the subprotocol.
    pub const INVALID_MESSAGE: Self = Self(4400);
    /// The token is missing, invalid or expired.
    pub const UNAUTHORIZED: Self = Self(4401);
    /// The token was revoked, or now belongs to another actor.
    pub const FORBIDDEN: Self = Self(4403);
    /// The client requests a subprotocol that the server does not support.
    pub const SUBPROTOCOL_NOT_ACCEPTABLE: Self = Self(4406);
    /// The first message, `connection_init`, did not arrive in time.
    pub const INIT_TIMEOUT: Self = Self(4408);
    /// An operation with this id is already active.
    pub const SUBSCRIBER_EXISTS: Self = Self(4409);
    /// There were too many attempts to initialise a connection.
    pub const TOO_MANY_REQUESTS: Self = Self(4429);

    /// All codes that the server sends.
    pub const SENT: &'static [Self] = &[
        Self::PROTOCOL_ERROR,
        Self::MESSAGE_TOO_BIG,
        Self::SERVICE_RESTART,
        Self::TRY_AGAIN_LATER,
        Self::INVALID_MESSAGE,
        Self::UNAUTHORIZED,
        Self::FORBIDDEN,
        Self::SUBPROTOCOL_NOT_ACCEPTABLE,
        Self::INIT_TIMEOUT,
        Self::SUBSCRIBER_EXISTS,
        Self::TOO_MANY_REQUESTS,
    ];

    /// What a client does after this code. After the codes of the subprotocol (4400 to 4499) it gives up or renews its
    /// token, except after [`Self::INIT_TIMEOUT`] and [`Self::TOO_MANY_REQUESTS`], after which it reconnects.
    #[must_use]
    pub const fn after(self) -> AfterClose {
        let may_pass = matches!(self, Self::INIT_TIMEOUT | Self::TOO_MANY_REQUESTS);
        match self {
            Self::UNAUTHORIZED | Self::FORBIDDEN => AfterClose::RenewToken,
            Self(4400..=4499) if !may_pass => AfterClose::GiveUp,
            Self(_) => AfterClose::Reconnect,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AfterClose, CloseCode};

    #[test]
    fn a_code_says_whether_to_connect_again() {
        for code in [1000, 1001, 1002, 1006, 1009, 1011, 1012, 1013, 4408, 4429, 4500] {
            assert_eq!(CloseCode(code).after(), AfterClose::Reconnect, "{code}");
        }
        for code in [4401, 4403] {
            assert_eq!(CloseCode(code).after(), AfterClose::RenewToken, "{code}");
        }
        for code in [4400, 4406, 4409, 4499] {
            assert_eq!(CloseCode(code).after(), AfterClose::GiveUp, "{code}");
        }
    }
}
