//! The messages of `graphql-transport-ws`.

pub(super) use mftplus_protocol::socket::SUBPROTOCOL;
use serde::Deserialize;

use crate::json::{self, Raw};

/// A message from this page to the server.
pub(super) enum ClientMessage<'a> {
    /// The first message, with the access token.
    ConnectionInit { token: &'a str },
    /// Starts an operation, which is given as JSON.
    Subscribe { id: u32, operation: &'a str },
    /// Ends an operation.
    Complete { id: u32 },
    /// Checks whether the server still answers.
    Ping,
    /// Answers a ping.
    Pong,
}

/// A message from the server.
#[derive(Debug, PartialEq)]
pub(super) enum ServerMessage<'a> {
    /// Operations may start.
    Ack,
    /// A result of an operation, as the text of a GraphQL response.
    Next { id: u32, result: &'a str },
    /// An operation has ended, with or without an error.
    Complete { id: u32 },
    /// The server checks whether this page still answers.
    Ping,
    /// A message that needs no answer.
    Other,
}

#[derive(Deserialize)]
struct Message<'a> {
    r#type: &'a str,
    id: Option<&'a str>,
    #[serde(borrow)]
    payload: Option<Raw<'a>>,
}

impl ClientMessage<'_> {
    /// The message's text.
    pub(super) fn text(&self) -> String {
        match self {
            // A token contains no character that JSON must escape.
            Self::ConnectionInit { token } => {
                format!(r#"{{"type":"connection_init","payload":{{"Authorization":"Bearer {token}"}}}}"#)
            }
            Self::Subscribe { id, operation } => format!(r#"{{"type":"subscribe","id":"{id}","payload":{operation}}}"#),
            Self::Complete { id } => format!(r#"{{"type":"complete","id":"{id}"}}"#),
            Self::Ping => r#"{"type":"ping"}"#.to_owned(),
            Self::Pong => r#"{"type":"pong"}"#.to_owned(),
        }
    }
}

/// Parses a message of the server.
pub(super) fn parse(text: &str) -> ServerMessage<'_> {
    let Some(message) = json::read::<Message<'_>>(text) else { return ServerMessage::Other };
    let id = message.id.and_then(|id| id.parse().ok());
    match (message.r#type, id, message.payload) {
        ("connection_ack", ..) => ServerMessage::Ack,
        ("next", Some(id), Some(payload)) => ServerMessage::Next { id, result: payload.0 },
        ("error" | "complete", Some(id), _) => ServerMessage::Complete { id },
        ("ping", ..) => ServerMessage::Ping,
        _ => ServerMessage::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_protocols_shape() {
        let sent = [
            ClientMessage::ConnectionInit { token: "t" }.text(),
            ClientMessage::Subscribe { id: 1, operation: r#"{"query":"{a}"}"# }.text(),
            ClientMessage::Complete { id: 1 }.text(),
            ClientMessage::Ping.text(),
            ClientMessage::Pong.text(),
        ];
        assert_eq!(
            sent,
            [
                r#"{"type":"connection_init","payload":{"Authorization":"Bearer t"}}"#,
                r#"{"type":"subscribe","id":"1","payload":{"query":"{a}"}}"#,
                r#"{"type":"complete","id":"1"}"#,
                r#"{"type":"ping"}"#,
                r#"{"type":"pong"}"#,
            ]
        );
    }

    #[test]
    fn results_are_passed_on_as_they_are() {
        let text = r#"{"id":"7","type":"next","payload":{"data":{"a":[1, 2]}}}"#;
        assert_eq!(parse(text), ServerMessage::Next { id: 7, result: r#"{"data":{"a":[1, 2]}}"# });
    }

    #[test]
    fn other_messages_are_recognised() {
        let received = [
            r#"{"type":"connection_ack"}"#,
            r#"{"type":"error","id":"3","payload":[{"message":"no"}]}"#,
            r#"{"type":"complete","id":"3"}"#,
            r#"{"type":"ping","payload":{}}"#,
            r#"{"type":"pong"}"#,
            r#"{"type":"next","id":"x","payload":{}}"#,
            "not json",
        ]
        .map(parse);
        let complete = || ServerMessage::Complete { id: 3 };
        assert_eq!(
            received,
            [
                ServerMessage::Ack,
                complete(),
                complete(),
                ServerMessage::Ping,
                ServerMessage::Other,
                ServerMessage::Other,
                ServerMessage::Other
            ]
        );
    }
}
