//! Suggestions for mistyped words.

/// The maximum number of characters of a word that are compared.
const MOST: usize = 64;

/// Finds the word that is most similar to `word`, and whether it is similar enough to be suggested; `None` if `words`
/// is empty.
pub(super) fn nearest<'w>(word: &str, words: &[&'w str]) -> Option<(&'w str, bool)> {
    let word: String = word.chars().take(MOST).flat_map(char::to_lowercase).collect();
    let begins = |other: &str| word.chars().count() > 2 && other.to_lowercase().starts_with(&word);
    // A prefix of a word is nearer than its edit distance.
    let steps = |other: &str| strsim::damerau_levenshtein(&word, &other.to_lowercase());
    let best = words.iter().copied().min_by_key(|other| (!begins(other), steps(other)))?;
    let length = word.chars().count().max(best.chars().count());
    Some((best, begins(best) || steps(best) * 3 <= length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("sorce", "source", true)]
    #[case("Source", "source", true)]
    #[case("dest", "destination", true)]
    #[case("timezome", "timezone", true)]
    #[case("owner", "source", false)]
    fn the_nearest_word_is_found(#[case] word: &str, #[case] best: &str, #[case] is_near: bool) {
        let words = ["source", "destination", "timezone", "timeout"];
        assert_eq!(nearest(word, &words), Some((best, is_near)));
    }

    #[test]
    fn there_may_be_none() {
        assert_eq!(nearest("a", &[]), None);
        assert!(nearest(&"x".repeat(100_000), &["source"]).is_some());
    }
}
