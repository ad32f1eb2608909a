//! WebSocket frames (RFC 6455, section 5.2), as far as watchers need them.

/// The first byte of a frame with a whole text.
const TEXT: u8 = 0x81;
/// The bit of the second byte that says that a mask follows.
const MASKED: u8 = 0x80;
/// The length of the longest payload whose length is in the second byte.
const MAX_SHORT: u8 = 125;
/// The second byte of a frame whose length follows in two bytes.
const TWO_BYTES: u8 = 126;
/// The second byte of a frame whose length follows in eight bytes.
const EIGHT_BYTES: u8 = 127;

/// The payload of the text frame at the start of `bytes`, and the length of the frame; `None` while the frame is
/// incomplete.
///
/// # Panics
///
/// If the server closes the socket, or sends anything but unfragmented text frames.
pub(super) fn first(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (&kind, &second) = (bytes.first()?, bytes.get(1)?);
    assert_eq!(kind, TEXT, "the server sent {}", String::from_utf8_lossy(bytes));
    let (start, length) = match second {
        TWO_BYTES => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()))),
        EIGHT_BYTES => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())).unwrap()),
        length => (2, usize::from(length)),
    };
    let end = start + length;
    Some((bytes.get(start..end)?, end))
}

/// The frame with which a client sends a text. The mask is zero, so the text is not changed.
pub(super) fn masked(text: &str) -> Vec<u8> {
    let mut frame = vec![TEXT];
    if let Ok(length @ ..=MAX_SHORT) = u8::try_from(text.len()) {
        frame.push(MASKED | length);
    } else {
        frame.push(MASKED | TWO_BYTES);
        frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// The index at which `part` begins in `bytes`; `None` if it does not occur.
pub(super) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
