//! What stands around the payload of a message with a result. It is written once for each operation, so that nothing is
//! formatted for each frame.

use std::sync::Arc;

use serde_json::Value;

use super::frame::write_text;

/// What stands behind the payload.
const END: &[u8] = b"}";

/// What stands before the payload of the messages of one operation.
#[derive(Clone, Debug)]
pub(super) struct Envelope(Arc<[u8]>);

impl Envelope {
    /// The envelope of messages of this type, for the operation that the client calls `id`.
    pub(super) fn new(kind: &str, id: &str) -> Self {
        let id = Value::from(id);
        Self(format!(r#"{{"id":{id},"type":"{kind}","payload":"#).into_bytes().into())
    }

    /// Appends the frame of the message with this payload, which is JSON.
    pub(super) fn write(&self, buffer: &mut Vec<u8>, payload: &[u8]) {
        write_text(buffer, &[&self.0, payload, END]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_quotes_the_id_of_its_operation() {
        let mut buffer = Vec::new();
        Envelope::new("next", "a \"b\"\n").write(&mut buffer, br#"{"data":null}"#);
        let text = r#"{"id":"a \"b\"\n","type":"next","payload":{"data":null}}"#;
        assert_eq!(buffer, [&[0x81, u8::try_from(text.len()).expect("short")][..], text.as_bytes()].concat());
    }
}
