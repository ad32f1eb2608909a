//! A list of sentences for people that stays short however many there are.

use std::fmt;

/// Named one by one; of more only the count is told.
const NAMED: usize = 10;

/// Characters of each sentence; the server keeps 4,096 of a reason in all.
const EACH: usize = 350;

/// Sentences, of which the first are kept and all are counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    named: Vec<String>,
    count: usize,
}

impl Listed {
    /// Adds one.
    pub(crate) fn add(&mut self, sentence: &impl fmt::Display) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(shorten(sentence.to_string()));
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named.join("; "))?;
        match self.count - self.named.len() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Leaves out the middle of what is too long: its end says what is wrong.
fn shorten(text: String) -> String {
    let count = text.chars().count();
    if count <= EACH {
        return text;
    }
    let half = EACH / 2;
    let (head, tail): (String, String) = (text.chars().take(half).collect(), text.chars().skip(count - half).collect());
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::{EACH, Listed, NAMED};

    #[test]
    fn the_list_is_bounded_and_all_are_counted() {
        let mut listed = Listed::default();
        assert!(listed.is_empty());
        for number in 0..NAMED + 7 {
            listed.add(&format!("{}{number}", "ä".repeat(5000)));
        }
        let text = listed.to_string();
        assert!(text.ends_with("; and 7 more") && text.chars().count() < 4096, "{}", text.len());
        assert!(text.chars().count() > NAMED * (EACH - 10));
        assert_eq!(listed.count(), NAMED + 7);
    }
}
