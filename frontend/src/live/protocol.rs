//! The messages of `graphql-transport-ws`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The subprotocol to ask for.
pub(super) const SUBPROTOCOL: &str = "graphql-transport-ws";

/// What this page says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Say<'a> {
    /// The first message, with the credentials.
    ConnectionInit { payload: Credentials<'a> },
    /// Begins an operation.
    Subscribe { id: &'a str, payload: &'a RawValue },
    /// Ends an operation.
    Complete { id: &'a str },
    /// Asks whether the server is still there.
    Ping,
    /// Answers the same question.
    Pong,
}

/// Who is asking: `Bearer` and an access token.
#[derive(Serialize)]
pub(super) struct Credentials<'a> {
    #[serde(rename = "Authorization")]
    pub(super) authorization: &'a str,
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
    payload: Option<&'a RawValue>,
}

impl Say<'_> {
    /// The message's text.
    pub(super) fn text(&self) -> String {
        // None of these shapes can fail to become text.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Reads a message.
pub(super) fn hear(text: &str) -> Heard<'_> {
    let Ok(message) = serde_json::from_str::<Message<'_>>(text) else { return Heard::Noise };
    let id = message.id.and_then(|id| id.parse().ok());
    match (message.r#type, id, message.payload) {
        ("connection_ack", ..) => Heard::Ack,
        ("next", Some(id), Some(payload)) => Heard::Next { id, answer: payload.get() },
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
        let payload = RawValue::from_string(r#"{"query":"{a}"}"#.to_owned()).unwrap();
        let said = [
            Say::ConnectionInit { payload: Credentials { authorization: "Bearer t" } }.text(),
            Say::Subscribe { id: "1", payload: &payload }.text(),
            Say::Complete { id: "1" }.text(),
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
