//! What a server wrote, made fit for messages.

use mftplus_protocol::characters::as_printable;

/// The longest text of a server that is shown, in characters.
const MAX_SHOWN: usize = 500;

/// At most 500 characters of the text, without those that steer a terminal or end a line.
pub(crate) fn printable(text: &str) -> String {
    let mut shown: String = text.trim().chars().map(as_printable).take(MAX_SHOWN).collect();
    if text.trim().chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{MAX_SHOWN, printable};

    #[test]
    fn what_a_server_writes_cannot_steer_the_terminal() {
        assert_eq!(printable(" denied\u{1b}[2J\nreally\n"), "denied\u{fffd}[2J\u{fffd}really");
        assert_eq!(printable(&"a".repeat(MAX_SHOWN)).chars().count(), MAX_SHOWN);
        assert_eq!(printable(&"a".repeat(MAX_SHOWN + 9)).chars().count(), MAX_SHOWN + 1);
    }
}
