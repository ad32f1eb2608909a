//! The differences between two texts, line by line.

use serde::{Deserialize, Serialize};
use similar::{Algorithm, ChangeTag, TextDiff};

/// Which of two texts contains a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
#[graphql(name = "LineChange")]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Both texts.
    Same,
    /// Only the later text.
    Added,
    /// Only the earlier text.
    Removed,
}

/// A line of a comparison of two texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, async_graphql::SimpleObject)]
#[graphql(name = "DiffLine")]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Which of the texts contains the line.
    pub change: Change,
    /// Line number in the earlier text, counted from 1; null if it does not contain the line.
    pub old_number: Option<i64>,
    /// Line number in the later text, counted from 1; null if it does not contain the line.
    pub new_number: Option<i64>,
    /// Text of the line, without the line end.
    pub text: String,
}

/// All lines of both texts in their order. Where the texts differ, the removed lines come before the added ones.
///
/// Line ends are part of a line: a line whose end changed is removed and added. The algorithm is Myers'; for large
/// differences it does not search for the smallest result.
#[must_use]
pub fn lines(before: &str, after: &str) -> Vec<Line> {
    let number = |index: Option<usize>| index.and_then(|index| i64::try_from(index + 1).ok());
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(before, after);
    diff.iter_all_changes()
        .map(|line| Line {
            change: match line.tag() {
                ChangeTag::Equal => Change::Same,
                ChangeTag::Insert => Change::Added,
                ChangeTag::Delete => Change::Removed,
            },
            old_number: number(line.old_index()),
            new_number: number(line.new_index()),
            text: line.value().trim_end_matches(['\r', '\n']).to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> Vec<String> {
        let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
        let shown = |line: Line| {
            let sign = match line.change {
                Change::Same => ' ',
                Change::Added => '+',
                Change::Removed => '-',
            };
            format!("{sign}{}|{}|{}", number(line.old_number), number(line.new_number), line.text)
        };
        lines(before, after).into_iter().map(shown).collect()
    }

    #[test]
    fn lines_are_kept_added_and_removed() {
        assert_eq!(shown("a\nb\nc\n", "a\nB\nc\nd\n"), [" 1|1|a", "-2||b", "+|2|B", " 3|3|c", "+|4|d"]);
        assert_eq!(shown("", "a"), ["+|1|a"]);
        assert_eq!(shown("a\r\n", "a\n"), ["-1||a", "+|1|a"]);
        assert!(shown("", "").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn both_texts_are_there_in_their_order(before in "([ab]\n){0,12}", after in "([ab]\n){0,12}") {
            let all = lines(&before, &after);
            let one = |left_out: Change| {
                let kept = all.iter().filter(|line| line.change != left_out);
                kept.flat_map(|line| [line.text.as_str(), "\n"]).collect::<String>()
            };
            proptest::prop_assert_eq!(one(Change::Added), before);
            proptest::prop_assert_eq!(one(Change::Removed), after);
        }
    }
}
