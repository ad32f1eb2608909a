//! WebSocket frames as a server sends them (RFC 6455, section 5.2): one for each message, not masked.

/// The first byte of a frame with a whole text.
const TEXT: u8 = 0x81;
/// The first byte of a close frame.
const CLOSE: u8 = 0x88;
/// The longest payload whose length is in the second byte.
const MAX_SHORT: u8 = 125;
/// The second byte of a frame whose length follows in two bytes.
pub(super) const TWO_BYTES: u8 = 126;
/// The second byte of a frame whose length follows in eight bytes.
pub(super) const EIGHT_BYTES: u8 = 127;

/// Appends one frame with the text that these parts form together.
pub(super) fn write_text(buffer: &mut Vec<u8>, parts: &[&[u8]]) {
    let length = parts.iter().map(|part| part.len()).sum();
    write_header(buffer, TEXT, length);
    for part in parts {
        buffer.extend_from_slice(part);
    }
}

/// Appends a close frame. Code and reason have at most 125 bytes together.
pub(super) fn write_close(buffer: &mut Vec<u8>, code: u16, reason: &str) {
    write_header(buffer, CLOSE, size_of::<u16>() + reason.len());
    buffer.extend_from_slice(&code.to_be_bytes());
    buffer.extend_from_slice(reason.as_bytes());
}

fn write_header(buffer: &mut Vec<u8>, first: u8, length: usize) {
    buffer.push(first);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=MAX_SHORT), _) => buffer.push(length),
        (_, Ok(length)) => {
            buffer.push(TWO_BYTES);
            buffer.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            buffer.push(EIGHT_BYTES);
            buffer.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rstest::rstest;
    use tokio_tungstenite::tungstenite::{
        Message, WebSocket,
        protocol::{CloseFrame, Role},
    };

    use super::*;

    /// The messages that a client reads.
    fn read(frames: Vec<u8>) -> Vec<Message> {
        let mut client = WebSocket::from_raw_socket(Cursor::new(frames), Role::Client, None);
        std::iter::from_fn(|| client.read().ok()).collect()
    }

    #[rstest]
    #[case::empty(0, &[0x81, 0])]
    #[case::longest_short(125, &[0x81, 125])]
    #[case::shortest_of_two_bytes(126, &[0x81, 126, 0, 126])]
    #[case::longest_of_two_bytes(65_535, &[0x81, 126, 0xff, 0xff])]
    #[case::shortest_of_eight_bytes(65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0])]
    fn a_text_of_any_length_is_one_frame(#[case] length: usize, #[case] header: &[u8]) {
        let text = "x".repeat(length);
        let (start, end) = text.split_at(length / 3);
        let mut buffer = Vec::new();
        write_text(&mut buffer, &[start.as_bytes(), end.as_bytes()]);
        assert_eq!(&buffer[..header.len()], header);
        assert_eq!(buffer.len(), header.len() + length);
        write_text(&mut buffer, &[b"next"]);
        assert_eq!(read(buffer), [Message::text(text), Message::text("next")]);
    }

    #[test]
    fn a_close_frame_has_its_code_and_reason() {
        let mut buffer = Vec::new();
        write_close(&mut buffer, 4400, "Invalid message");
        let frame = CloseFrame { code: 4400_u16.into(), reason: "Invalid message".into() };
        assert_eq!(read(buffer)[0], Message::Close(Some(frame)));
    }
}
