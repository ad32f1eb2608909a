//! Finds passwords in the comments of a definition. Comments are stored and shown with the definition.

use super::diagnostic::{Diagnostic, Position, SourceLocation};
use crate::model::redaction::holds_password;

/// The maximum number of comments that are reported.
const MOST: usize = 10;

/// Returns an error for each comment that contains a password, at most [`MOST`] errors.
pub(super) fn find(source: &str) -> Vec<Diagnostic> {
    let (mut found, mut before) = (Vec::new(), 0);
    for line in source.split_inclusive(['\n', '\r']) {
        if let Some(start) = comment(line).filter(|start| holds_password(&line[start + 1..])) {
            let at = Position::after(source, before + start);
            let location = SourceLocation { at, path: String::new() };
            found.push(location.error("the comment contains a password: remove it"));
        }
        if found.len() == MOST {
            break;
        }
        before += line.len();
    }
    found
}

/// Where the comment of a line begins. A `#` inside text in quotes counts, too: text may not contain a password either.
fn comment(line: &str) -> Option<usize> {
    let mut is_apart = true;
    line.char_indices().find_map(|(at, c)| {
        let begins = c == '#' && is_apart;
        is_apart = c.is_whitespace();
        begins.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::model::definition::{Definition, Filling};

    const TEXT: &str = "source: /a\n\t# was: sftp://u:pw@h/x\ndestination: /b  #//u:pw@h/x\n";

    #[test]
    fn a_comment_with_a_password_is_named_with_its_place() {
        let said: Vec<String> = find(TEXT).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "line 2, column 2: the comment contains a password: remove it",
                "line 3, column 18: the comment contains a password: remove it"
            ]
        );
        assert!(find("# sftp://u@h/x, ask ops@acme.example\nsource: /a#b\n").is_empty());
        assert_eq!(find(&"#//u:pw@h/x\n".repeat(100)).len(), super::MOST);
    }

    #[test]
    fn a_stored_definition_keeps_its_comments_and_a_new_one_is_refused() {
        let text = TEXT.replace('\t', " ");
        assert!(Definition::parse(&text).definition.is_some());
        let new = Definition::parse_new(&text, Filling::default());
        assert!(new.definition.is_none() && new.diagnostics.len() == 2, "{:?}", new.diagnostics);
    }
}
