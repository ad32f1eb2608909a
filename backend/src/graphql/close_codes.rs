//! The codes and reasons with which the server closes sockets.

use std::borrow::Cow;

use mftplus_protocol::socket::CloseCode;
use tokio_tungstenite::tungstenite::{
    Error as SocketError,
    error::{CapacityError, ProtocolError},
    protocol::CloseFrame,
};

use super::websocket_frame::write_close;
use crate::transport::connections::AnonymousMessageTooBig;

/// The maximum number of bytes of the reason in a close frame.
const MAX_REASON: usize = 123;
/// The code of the answer to a close frame without a code: the purpose of the socket is fulfilled.
const NORMAL: CloseCode = CloseCode(1000);

/// The code and the reason with which a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    code: CloseCode,
    reason: Cow<'static, str>,
}

impl Close {
    pub(super) const GOING_AWAY: Self =
        Self::new(CloseCode::SERVICE_RESTART, "The server is shutting down: connect again");
    pub(super) const FORBIDDEN: Self = Self::new(CloseCode::FORBIDDEN, "Forbidden");
    pub(super) const EXPIRED: Self = Self::new(CloseCode::UNAUTHORIZED, "Token expired");
    pub(super) const BROKEN: Self = Self::new(CloseCode::PROTOCOL_ERROR, "Protocol error");
    pub(super) const TOO_BIG: Self =
        Self::new(CloseCode::MESSAGE_TOO_BIG, "The message is larger than 1 MiB: send smaller ones");
    pub(super) const TOO_BIG_WITHOUT_TOKEN: Self = Self::new(
        CloseCode::MESSAGE_TOO_BIG,
        "The message is larger than 64 KiB, the limit without a token: send a smaller one",
    );
    pub(super) const INTERNAL: Self = Self::new(CloseCode::TRY_AGAIN_LATER, "Internal error: connect again");
    pub(super) const UNCHECKED: Self =
        Self::new(CloseCode::TRY_AGAIN_LATER, "The token cannot be checked now: connect again");
    pub(super) const STALLED: Self =
        Self::new(CloseCode::TRY_AGAIN_LATER, "The client has read nothing for 30 s: connect again");
    pub(super) const OVER_QUOTA: Self = Self::new(
        CloseCode::TRY_AGAIN_LATER,
        "Too many open connections of this customer or administrator: close some, then connect again",
    );
    pub(super) const UNAUTHORIZED: Self = Self::new(CloseCode::UNAUTHORIZED, "Unauthorized");
    pub(super) const WRONG_PROTOCOL: Self =
        Self::new(CloseCode::SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable: use graphql-transport-ws");
    pub(super) const INIT_TIMEOUT: Self = Self::new(CloseCode::INIT_TIMEOUT, "Connection initialisation timeout");
    pub(super) const TOO_MANY_UNAUTHENTICATED: Self =
        Self::new(CloseCode::INIT_TIMEOUT, "Too many connections without a token from this address");
    pub(super) const SECOND_INIT: Self = Self::new(CloseCode::TOO_MANY_REQUESTS, "Too many initialisation requests");
    pub(super) const TOO_MANY_FAILURES: Self =
        Self::new(CloseCode::TOO_MANY_REQUESTS, "Too many invalid tokens: try again in a minute");

    const fn new(code: CloseCode, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    /// Returns the answer to the close frame of a client: the same code, without a reason.
    pub(super) fn answer(frame: Option<&CloseFrame>) -> Self {
        Self::new(frame.map_or(NORMAL, |frame| CloseCode(frame.code.into())), "")
    }

    /// Returns the code and reason for data that cannot be read: the message is too large, or the client violated the
    /// WebSocket protocol.
    pub(super) fn unreadable(error: &SocketError) -> Self {
        match error {
            SocketError::Io(error)
                if error.get_ref().and_then(|inner| inner.downcast_ref::<AnonymousMessageTooBig>()).is_some() =>
            {
                Self::TOO_BIG_WITHOUT_TOKEN
            }
            SocketError::Capacity(CapacityError::MessageTooLong { .. })
            | SocketError::Protocol(ProtocolError::ControlFrameTooBig) => Self::TOO_BIG,
            _ => Self::BROKEN,
        }
    }

    /// Whether the socket is closed because the client's data cannot be read. Messages that follow cannot be read
    /// either.
    pub(super) fn is_of_unreadable(&self) -> bool {
        [Self::BROKEN, Self::TOO_BIG, Self::TOO_BIG_WITHOUT_TOKEN].contains(self)
    }

    /// Returns the code for an invalid message of `graphql-transport-ws`, with this reason.
    pub(super) fn bad_request(reason: &str) -> Self {
        Self { code: CloseCode::INVALID_MESSAGE, reason: Cow::Owned(reason.to_owned()) }
    }

    /// Returns the code and reason for an operation that has the same id as a running operation.
    pub(super) fn duplicate(id: &str) -> Self {
        Self { code: CloseCode::SUBSCRIBER_EXISTS, reason: Cow::Owned(format!("Subscriber for {id} already exists")) }
    }

    /// Returns the bytes of the close frame. A reason of more than 123 bytes is cut off.
    pub(super) fn frame(&self) -> Vec<u8> {
        let mut frame = Vec::new();
        write_close(&mut frame, self.code.0, &self.reason[..self.reason.floor_char_boundary(MAX_REASON)]);
        frame
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_socket_that_cannot_be_read_is_closed_with_the_reason() {
        let read = |error: SocketError| Close::unreadable(&error);
        let too_long = CapacityError::MessageTooLong { size: 2, max_size: 1 };
        assert_eq!(read(io::Error::other(AnonymousMessageTooBig).into()), Close::TOO_BIG_WITHOUT_TOKEN);
        assert_eq!(read(too_long.into()), Close::TOO_BIG);
        assert_eq!(read(ProtocolError::ControlFrameTooBig.into()), Close::TOO_BIG);
        assert_eq!(read(ProtocolError::InvalidOpcode(9).into()), Close::BROKEN);
        assert_eq!(read(io::Error::other("a message too long").into()), Close::BROKEN);
    }

    #[test]
    fn a_close_frame_is_answered_with_its_code() {
        let frame = CloseFrame { code: 4321_u16.into(), reason: "enough".into() };
        assert_eq!(Close::answer(Some(&frame)).frame(), [0x88, 2, 0x10, 0xe1]);
        assert_eq!(Close::answer(None).frame(), [0x88, 2, 0x03, 0xe8]);
    }

    #[test]
    fn a_reason_fits_into_a_close_frame() {
        let frame = Close::duplicate(&"ä".repeat(200)).frame();
        assert!(frame[0] == 0x88 && frame[1] <= 125 && frame.len() == 2 + usize::from(frame[1]), "{frame:?}");
        assert_eq!(frame[2..4], 4409_u16.to_be_bytes());
        assert!(std::str::from_utf8(&frame[4..]).is_ok_and(|reason| reason.starts_with("Subscriber for ä")));
    }
}
