//! Matches a query with the titles of entries. Pure.

/// The words that stand before the name of a job in queries for actions.
const VERBS: [&str; 3] = ["run ", "pause ", "resume "];

/// How well a title matches: the lower, the better. `None` if a word of the query does not occur in it.
pub(super) fn rank(query: &str, title: &str) -> Option<u8> {
    let (query, title) = (query.trim().to_lowercase(), title.to_lowercase());
    if title.starts_with(&query) {
        return Some(0);
    }
    let begins_a_word = |part: &str| title.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with(part));
    if query.split_whitespace().all(begins_a_word) {
        return Some(1);
    }
    query.split_whitespace().all(|part| title.contains(part)).then_some(2)
}

/// The part of a query that may be a name. A verb is removed, so that `pause orders` finds `orders`.
pub(super) fn name_in(query: &str) -> &str {
    let query = query.trim();
    let without = |verb: &&str| {
        let (start, rest) = query.split_at_checked(verb.len())?;
        start.eq_ignore_ascii_case(verb).then_some(rest.trim_start())
    };
    VERBS.iter().find_map(without).unwrap_or(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_better_than_words_and_words_than_parts() {
        for (query, title, expected) in [
            ("", "Jobs", Some(0)),
            (" job", "Jobs", Some(0)),
            ("ord", "Hourly orders", Some(1)),
            ("run ord", "Run Hourly orders now", Some(1)),
            ("ourly", "Hourly orders", Some(2)),
            ("ÖL", "Altöl", Some(2)),
            ("daily", "Hourly orders", None),
            ("hourly x", "Hourly orders", None),
        ] {
            assert_eq!(rank(query, title), expected, "{query} in {title}");
        }
    }

    #[test]
    fn a_verb_is_not_part_of_a_name() {
        for (query, name) in
            [("pause orders", "orders"), ("Run  orders ", "orders"), ("running", "running"), ("", ""), ("é", "é")]
        {
            assert_eq!(name_in(query), name, "{query}");
        }
    }
}
