//! The text around the payload of a message with a result. It is formatted once for each operation, not for each frame.

use std::{mem, sync::Arc};

use bytes::Bytes;
use serde_json::Value;

use super::websocket_frame::write_text;

/// What stands behind the payload.
const END: &[u8] = b"}";
/// The largest buffer that is kept between two blocks, in bytes.
const MAX_KEPT: usize = 1024 * 1024;

/// The text before the payload in the result messages of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope(Arc<[u8]>);

impl Envelope {
    /// Creates the envelope of messages of the type `kind`, for the operation to which the client gave the id `id`.
    pub(super) fn new(kind: &str, id: &str) -> Self {
        let id = Value::from(id);
        Self(format!(r#"{{"id":{id},"type":"{kind}","payload":"#).into_bytes().into())
    }

    /// Appends the frame of the message with this payload, which is JSON.
    pub(super) fn write(&self, buffer: &mut Vec<u8>, payload: &[u8]) {
        write_text(buffer, &[&self.0, payload, END]);
    }
}

/// The frames of several payloads in one envelope. They are built once, and sent to all sockets whose operation has the
/// same id.
#[derive(Debug, Default)]
pub(super) struct FrameBlock {
    envelope: Option<Envelope>,
    bytes: Vec<u8>,
    /// Where the frames end.
    ends: Vec<usize>,
    /// The number of frames that were sent since [`Self::take_sent`].
    sent: u64,
}

impl FrameBlock {
    /// Removes the frames, because other payloads come next.
    pub(super) fn clear(&mut self) {
        self.envelope = None;
        self.bytes.clear();
        self.bytes.shrink_to(MAX_KEPT);
        self.ends.clear();
    }

    /// Builds the frames of these payloads, unless the block holds them with this envelope already. All calls between
    /// two calls of [`Self::clear`] must pass the same payloads.
    pub(super) fn make<'a>(&mut self, envelope: &Envelope, payloads: impl Iterator<Item = &'a Bytes>) {
        if self.envelope.as_ref() == Some(envelope) {
            return;
        }
        self.clear();
        for payload in payloads {
            envelope.write(&mut self.bytes, payload);
            self.ends.push(self.bytes.len());
        }
        self.envelope = Some(envelope.clone());
    }

    /// The bytes of all frames.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Counts frames that were sent to a socket.
    pub(super) fn count_sent(&mut self, frames: usize) {
        self.sent += frames as u64;
    }

    /// Whether frames were sent since [`Self::take_sent`].
    pub(super) const fn has_sent(&self) -> bool {
        self.sent > 0
    }

    /// The number of frames that were sent to all sockets since the last call.
    pub(super) fn take_sent(&mut self) -> u64 {
        mem::take(&mut self.sent)
    }

    /// Returns the number of frames that were written at least in part by writing `written` bytes, and the unwritten
    /// rest of the last of these frames.
    pub(super) fn begun(&self, written: usize) -> (usize, &[u8]) {
        let whole = self.ends.partition_point(|end| *end <= written);
        let start = whole.checked_sub(1).map_or(0, |last| self.ends[last]);
        if written > start { (whole + 1, &self.bytes[written..self.ends[whole]]) } else { (whole, &[]) }
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

    #[test]
    fn frames_are_made_again_for_another_envelope_or_other_payloads() {
        let [one, two] = ["1", "2"].map(|id| Envelope::new("next", id));
        let payloads = [Bytes::from_static(b"1"), Bytes::from_static(b"22")];
        let mut block = FrameBlock::default();
        for envelope in [&one, &one, &two, &one] {
            let mut expected = Vec::new();
            for payload in &payloads {
                envelope.write(&mut expected, payload);
            }
            block.make(envelope, payloads.iter());
            assert_eq!(block.bytes(), expected);
        }
        block.clear();
        block.make(&one, payloads[1..].iter());
        let mut expected = Vec::new();
        one.write(&mut expected, b"22");
        assert_eq!(block.bytes(), expected);
    }

    #[test]
    fn a_frame_that_has_begun_has_a_rest() {
        let mut block = FrameBlock::default();
        let payloads = [Bytes::from_static(b"1"), Bytes::from_static(b"22")];
        block.make(&Envelope::new("next", "1"), payloads.iter());
        let (all, first) = (block.bytes().len(), block.ends[0]);
        assert_eq!(block.begun(0), (0, &[][..]));
        assert_eq!(block.begun(1), (1, &block.bytes()[1..first]));
        assert_eq!(block.begun(first), (1, &[][..]));
        assert_eq!(block.begun(first + 1), (2, &block.bytes()[first + 1..]));
        assert_eq!(block.begun(all), (2, &[][..]));
    }
}
