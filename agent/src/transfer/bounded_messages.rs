//! A list of messages with a limited length, for errors with many causes.

use std::fmt;

/// The maximum number of messages that are kept; the others are only counted.
const MAX_LISTED: usize = 10;

/// The maximum length of one message, in characters. The server stores 4,096 characters of an error message.
const MAX_CHARS: usize = 350;

/// A list of messages, of which only the first ones are kept and all are counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct BoundedMessages {
    listed: Vec<String>,
    count: usize,
}

impl BoundedMessages {
    /// Counts a message, and keeps it, possibly shortened, if it is one of the first.
    pub(crate) fn add(&mut self, sentence: &impl fmt::Display) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(shorten(sentence.to_string()));
        }
    }

    /// The number of messages, including those that are not kept.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A text with `what`, the number of messages, and the kept messages; `None` if there are no messages.
    pub(crate) fn summary(&self, what: &str) -> Option<String> {
        (!self.is_empty()).then(|| format!("{what} ({}): {self}", self.count))
    }
}

impl fmt::Display for BoundedMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.listed.join("; "))?;
        match self.count - self.listed.len() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Removes the middle of a long message, because its end contains the cause.
fn shorten(text: String) -> String {
    let count = text.chars().count();
    if count <= MAX_CHARS {
        return text;
    }
    let half = MAX_CHARS / 2;
    let (head, tail): (String, String) = (text.chars().take(half).collect(), text.chars().skip(count - half).collect());
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::{BoundedMessages, MAX_CHARS, MAX_LISTED};

    #[test]
    fn the_list_is_bounded_and_all_are_counted() {
        let mut listed = BoundedMessages::default();
        assert!(listed.is_empty());
        for number in 0..MAX_LISTED + 7 {
            listed.add(&format!("{}{number}", "ä".repeat(5000)));
        }
        let text = listed.to_string();
        assert!(text.ends_with("; and 7 more") && text.chars().count() < 4096, "{}", text.len());
        assert!(text.chars().count() > MAX_LISTED * (MAX_CHARS - 10));
        assert_eq!(listed.count(), MAX_LISTED + 7);
    }
}
