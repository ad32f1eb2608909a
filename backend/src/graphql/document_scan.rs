//! Scans a document before it is parsed. The parser is recursive: each bracket within a bracket takes stack, and a
//! stack overflow ends the process. So brackets, tokens and names are counted here first, without recursion.
//!
//! The scanner and the parser must agree on strings, block strings and comments, and the scanner refuses what it does
//! not understand: otherwise brackets could be hidden from it.

use crate::error::{Error, Result};

/// The maximum number of brackets of any kind that may be open at once. The deepest operation that validation accepts
/// has 16 levels of fields; values nest in its arguments.
pub(super) const MAX_NESTING: usize = 64;
/// The longest document, in bytes: a definition of 256 KiB fits, with every character escaped.
const MAX_BYTES: usize = 768 * 1024;
/// The maximum number of tokens of a document: strings, names, numbers and punctuation.
const MAX_TOKENS: usize = 5_000;
/// The longest name, in bytes: an alias is repeated for each item of a list.
const MAX_NAME: usize = 128;

/// Checks a document and returns the number of its tokens.
///
/// # Errors
///
/// [`Error::Invalid`] if it is too long, has too many tokens, nests too deep, or has a string that does not end.
pub(super) fn check(document: &str) -> Result<usize> {
    if document.len() > MAX_BYTES {
        return Err(invalid(format!("the document is longer than {} KiB: send a shorter one", MAX_BYTES / 1024)));
    }
    let (mut rest, mut tokens, mut nesting) = (document.as_bytes(), 0_usize, 0_usize);
    while let Some(first) = rest.first() {
        let length = match first {
            b' ' | b',' | b'\t' | b'\n' | b'\r' => {
                rest = &rest[1..];
                continue;
            }
            b'#' => {
                rest = &rest[run(rest, |byte| !matches!(byte, b'\n' | b'\r'))..];
                continue;
            }
            b'"' => string(rest)?,
            b'(' | b'[' | b'{' => {
                nesting += 1;
                1
            }
            b')' | b']' | b'}' => {
                nesting = nesting.saturating_sub(1);
                1
            }
            b'.' => run(rest, |byte| byte == b'.'),
            byte if is_name(*byte) => run(rest, is_name),
            _ => 1,
        };
        tokens += 1;
        if is_name(*first) && length > MAX_NAME {
            return Err(invalid(format!("a name is longer than {MAX_NAME} characters: use a shorter one")));
        }
        if nesting > MAX_NESTING {
            return Err(invalid(format!("the document has more than {MAX_NESTING} nested brackets: nest fewer")));
        }
        if tokens > MAX_TOKENS {
            return Err(invalid(format!("the document has more than {MAX_TOKENS} tokens: send several requests")));
        }
        rest = &rest[length..];
    }
    Ok(tokens)
}

fn invalid(message: String) -> Error {
    Error::Invalid(message)
}

/// The number of leading bytes that match.
fn run(bytes: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !is_part(*byte)).unwrap_or(bytes.len())
}

/// Whether a byte is part of a name or a number. Bytes that are not ASCII count as such; the parser refuses them.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The length of the string or block string at the start.
fn string(bytes: &[u8]) -> Result<usize> {
    let is_block = bytes.starts_with(br#"""""#);
    let mut at = if is_block { 3 } else { 1 };
    while let Some(byte) = bytes.get(at) {
        let rest = &bytes[at..];
        match byte {
            b'\\' if is_block && rest.starts_with(br#"\""""#) => at += 4,
            b'"' if is_block && rest.starts_with(br#"""""#) => return Ok(at + 3),
            _ if is_block => at += 1,
            b'\\' => at += 2,
            b'"' => return Ok(at + 1),
            b'\n' | b'\r' => break,
            _ => at += 1,
        }
    }
    Err(invalid("a string in the document does not end: add the closing quote".to_owned()))
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn nested(levels: usize) -> String {
        format!("{{ a(v: {}1{}) }}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn brackets_nest_up_to_the_limit() {
        assert!(check(&nested(MAX_NESTING - 2)).is_ok());
        assert!(check(&nested(MAX_NESTING - 1)).is_err());
    }

    #[rstest]
    #[case::text(r#"{ a(v: "[[[{{{(((") }"#, 8)]
    #[case::escaped(r#"{ a(v: "\"[[[\\") }"#, 8)]
    #[case::block(r#"{ a(v: """ " "" \""" [[[ """) }"#, 8)]
    #[case::empty(r#"{ a(v: "", w: """""") }"#, 11)]
    #[case::comment("{ # [[[{{{\"\"\"\r a #(\n }", 3)]
    #[case::fragment("{ ...A }", 4)]
    fn strings_and_comments_hold_no_brackets(#[case] document: &str, #[case] tokens: usize) {
        assert_eq!(check(document).expect("a document"), tokens, "{document}");
    }

    #[rstest]
    #[case::string("{ a(v: \"[[[ ")]
    #[case::line("{ a(v: \"\n\") }")]
    #[case::escaped_to_the_end("{ a(v: \"\\")]
    // The parser reads the first two quotes as an empty string, and then another string and brackets after it.
    #[case::block("{ a(v: [\"\"\"[[\"[[[ ])")]
    fn a_string_that_does_not_end_is_refused(#[case] document: &str) {
        assert!(check(document).is_err(), "{document}");
    }

    #[test]
    fn tokens_are_counted_up_to_the_limit() {
        assert!(check(&"a ".repeat(MAX_TOKENS)).is_ok());
        assert!(check(&"a ".repeat(MAX_TOKENS + 1)).is_err());
    }

    #[test]
    fn names_and_documents_have_a_longest_length() {
        assert!(check(&format!("{{ {} }}", "a".repeat(MAX_NAME))).is_ok());
        assert!(check(&format!("{{ {} }}", "a".repeat(MAX_NAME + 1))).is_err());
        assert!(check(&" ".repeat(MAX_BYTES)).is_ok());
        assert!(check(&" ".repeat(MAX_BYTES + 1)).is_err());
    }

    /// The deepest value of a parsed document, counted without the scanner.
    fn depth(value: &async_graphql_value::Value) -> usize {
        use async_graphql_value::Value;
        match value {
            Value::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn what_the_parser_finds_nested_the_scanner_has_counted(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["[", "]", "\"", "\"\"", "\"\"\"", "\\", "#", "\n", " ", "a:", "{", "}", "1"]),
                0..40,
            )
        ) {
            let document = format!("{{ a(v: [{}]) }}", pieces.concat());
            if check(&document).is_ok() && let Ok(parsed) = parse_query(&document) {
                let operation = parsed.operations.iter().next().expect("an operation").1;
                let async_graphql::parser::types::Selection::Field(field) =
                    &operation.node.selection_set.node.items[0].node else { return Ok(()) };
                let deepest = field.node.arguments.iter().map(|(_, value)| depth(&value.node)).max().unwrap_or(0);
                let open = pieces.iter().filter(|piece| ["[", "{"].contains(piece)).count();
                prop_assert!(deepest <= open + 1);
            }
        }
    }
}
