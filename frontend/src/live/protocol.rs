//! The messages of `graphql-transport-ws`.

use serde::Deserialize;

use crate::json::{self, Raw};

/// The subprotocol to ask for.
pub(super) const SUBPROTOCOL: &str = "graphql-transport-ws";

/// What this page says.
pub(super) enum Say<'a> {
    /// The first message, with the access token.
    ConnectionInit { token: &'a str },
    /// Begins an operation, which is JSON already.
    Subscribe { id: u32, operation: &'a str },
    /// Ends an operation.
    Complete { id: u32 },
    /// Asks whether the server is still there.
    Ping,
    /// Answers the same question.
    Pong,
}

/// What the server says.
#[derive(Debug, PartialEq)]
pub(super) enum Heard<'a> {
    /// Operations may begin.
    Ack,
    /// A result of an operation, as the text of a GraphQL answer.
    Next { id: u32, answer: &'a str },
    /// An operation is over, in error or not.
    Over { id: u32 },
    /// The server asks whether this page is still there.
    Ping,
    /// Anything else, which needs no answer.
    Noise,
}

#[derive(Deserialize)]
struct Message<'a> {
    r#type: &'a str,
    id: Option<&'a str>,
    #[serde(borrow)]
    payload: Option<Raw<'a>>,
}

impl Say<'_> {
    /// The message's text.
    pub(super) fn text(&self) -> String {
        match self {
            // A token has no letter that JSON would escape.
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

/// Reads a message.
pub(super) fn hear(text: &str) -> Heard<'_> {
    let Some(message) = json::read::<Message<'_>>(text) else { return Heard::Noise };
    let id = message.id.and_then(|id| id.parse().ok());
    match (message.r#type, id, message.payload) {
        ("connection_ack", ..) => Heard::Ack,
        ("next", Some(id), Some(payload)) => Heard::Next { id, answer: payload.0 },
        ("error" | "complete", Some(id), _) => Heard::Over { id },
        ("ping", ..) => Heard::Ping,
        _ => Heard::Noise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_protocols_shape() {
        let said = [
            Say::ConnectionInit { token: "t" }.text(),
            Say::Subscribe { id: 1, operation: r#"{"query":"{a}"}"# }.text(),
            Say::Complete { id: 1 }.text(),
            Say::Ping.text(),
            Say::Pong.text(),
        ];
        assert_eq!(
            said,
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
        assert_eq!(hear(text), Heard::Next { id: 7, answer: r#"{"data":{"a":[1, 2]}}"# });
    }

    #[test]
    fn the_rest_is_told_apart() {
        let heard = [
            r#"{"type":"connection_ack"}"#,
            r#"{"type":"error","id":"3","payload":[{"message":"no"}]}"#,
            r#"{"type":"complete","id":"3"}"#,
            r#"{"type":"ping","payload":{}}"#,
            r#"{"type":"pong"}"#,
            r#"{"type":"next","id":"x","payload":{}}"#,
            "not json",
        ]
        .map(hear);
        let over = || Heard::Over { id: 3 };
        assert_eq!(heard, [Heard::Ack, over(), over(), Heard::Ping, Heard::Noise, Heard::Noise, Heard::Noise]);
    }
}
