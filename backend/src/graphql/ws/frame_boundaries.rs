//! Finds the ends of a client's frames (RFC 6455, section 5.2), to know when no message is incomplete.

use crate::graphql::websocket_frame::{EIGHT_BYTES, TWO_BYTES};

/// The longest header of a frame, in bytes.
const MAX_HEADER: usize = 14;
/// The bit of the first byte that marks the last frame of a message.
const FINAL: u8 = 0x80;
/// The bit of the first byte that control frames have, which may stand between the frames of a message.
const CONTROL: u8 = 0x08;
/// The bits of the first byte that say what the frame is.
const OPCODE: u8 = 0x0f;
/// The opcode of a close frame.
const CLOSE: u8 = 0x08;
/// The bit of the second byte that says that a mask follows.
const MASKED: u8 = 0x80;
/// The length of a mask, in bytes.
const MASK: usize = 4;

/// How far the bytes of a client have been read, within a frame and within a message.
#[derive(Debug, Default)]
pub(super) struct FrameBoundaries {
    header: [u8; MAX_HEADER],
    /// The number of bytes of the header that have arrived.
    header_length: u8,
    /// The number of bytes of the payload that have not arrived.
    missing: u64,
    /// Whether the message has further frames.
    is_fragmented: bool,
    has_closed: bool,
}

impl FrameBoundaries {
    /// Processes bytes that have arrived.
    pub(super) fn advance(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.missing > 0 {
                let arrived = usize::try_from(self.missing).unwrap_or(usize::MAX).min(bytes.len());
                self.missing -= arrived as u64;
                bytes = &bytes[arrived..];
                continue;
            }
            bytes = rest;
            self.header[usize::from(self.header_length)] = *first;
            self.header_length += 1;
            if let Some(length) = length(&self.header[..usize::from(self.header_length)]) {
                self.begin(length);
            }
        }
    }

    /// Whether all messages that have begun have arrived completely, and the client has sent no close frame.
    pub(super) const fn is_between_messages(&self) -> bool {
        self.header_length == 0 && self.missing == 0 && !self.is_fragmented && !self.has_closed
    }

    /// Begins the payload of a frame whose header is complete.
    fn begin(&mut self, length: u64) {
        let first = self.header[0];
        if first & CONTROL == 0 {
            self.is_fragmented = first & FINAL == 0;
        }
        self.has_closed |= first & OPCODE == CLOSE;
        (self.header_length, self.missing) = (0, length);
    }
}

/// The length of the payload after this header; `None` while parts of the header are missing.
fn length(header: &[u8]) -> Option<u64> {
    let second = *header.get(1)?;
    let (end, length) = match second & !MASKED {
        TWO_BYTES => (4, u64::from(u16::from_be_bytes(*header.get(2..)?.first_chunk()?))),
        EIGHT_BYTES => (10, u64::from_be_bytes(*header.get(2..)?.first_chunk()?)),
        length => (2, u64::from(length)),
    };
    let mask = if second & MASKED == 0 { 0 } else { MASK };
    (header.len() == end + mask).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a masked frame.
    fn header(first: u8, length: &[u8]) -> Vec<u8> {
        [&[first, MASKED | length[0]][..], &length[1..], &[1, 2, 3, 4]].concat()
    }

    #[test]
    fn a_frame_of_any_length_ends_with_its_last_byte() {
        let lengths: [(&[u8], usize); 4] =
            [(&[0], 0), (&[125], 125), (&[126, 1, 0], 256), (&[127, 0, 0, 0, 0, 0, 1, 0, 0], 65_536)];
        for (length, payload) in lengths {
            let frame = [header(0x81, length), vec![0xff; payload]].concat();
            for piece in [1, 3, frame.len()] {
                let mut boundaries = FrameBoundaries::default();
                let (whole, last) = frame.split_at(frame.len() - 1);
                whole.chunks(piece).for_each(|bytes| boundaries.advance(bytes));
                assert!(!boundaries.is_between_messages(), "{payload} bytes in pieces of {piece}");
                boundaries.advance(last);
                assert!(boundaries.is_between_messages(), "{payload} bytes in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_message_ends_with_its_last_frame_and_the_messages_with_a_close_frame() {
        let mut boundaries = FrameBoundaries::default();
        boundaries.advance(&header(0x01, &[0]));
        assert!(!boundaries.is_between_messages());
        boundaries.advance(&header(0x89, &[0]));
        assert!(!boundaries.is_between_messages(), "a ping between the frames of a message");
        boundaries.advance(&header(0x80, &[0]));
        assert!(boundaries.is_between_messages());
        boundaries.advance(&header(0x88, &[0]));
        assert!(!boundaries.is_between_messages());
    }
}
