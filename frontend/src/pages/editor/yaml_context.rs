//! Finds out what the user writes at the caret of a YAML text: the path of keys to the caret, the other keys of the
//! mapping, and whether a key or a value is written. Pure.
//!
//! This uses only indentation and brackets, so it also works on incomplete YAML.

/// A part of the path from the root to the caret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The value of a key.
    Key(String),
    /// An item of a list.
    Item,
}

/// The context of the caret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct YamlContext {
    /// The path from the root to the mapping around the caret.
    pub(super) path: Vec<Part>,
    /// The other keys of that mapping with their values.
    pub(super) others: Vec<(String, String)>,
    /// The key whose value is being written; `None` if a key is being written.
    pub(super) key: Option<String>,
    /// The byte offset at which the word at the caret begins.
    pub(super) from: usize,
    /// The word up to the caret.
    pub(super) word: String,
    /// The column of the keys of that mapping; `None` within brackets.
    pub(super) indent: Option<usize>,
}

/// A line with a key or an item.
struct Entry<'t> {
    /// The columns of the dashes before the key.
    dashes: Vec<usize>,
    /// The column of the key or value.
    column: usize,
    key: Option<&'t str>,
    value: &'t str,
}

/// The context of a byte offset; `None` if neither a key nor a plain value can be written there.
pub(super) fn locate(text: &str, at: usize) -> Option<YamlContext> {
    let (above, below) = text.split_at_checked(at)?;
    let start = above.rfind('\n').map_or(0, |end| end + 1);
    let line = above.get(start..)?;
    let (above, below) = (above.get(..start)?, below.split_once('\n').map_or("", |(_, below)| below));
    if line.trim_start().starts_with('#') {
        return None;
    }
    let brackets = open_brackets(line);
    let block = brackets.first().map_or(line, |first| line.get(..*first).unwrap_or(line));
    let entry = entry(block).unwrap_or(Entry { dashes: Vec::new(), column: block.len(), key: None, value: "" });
    let mut path = block_path(above, &entry);
    if brackets.is_empty() {
        let others = block_others(above, below, &entry);
        let (key, word) = match entry.key {
            Some(key) => (Some(key.to_owned()), entry.value),
            None => (None, block.get(entry.column..).unwrap_or_default()),
        };
        return is_word(word).then(|| YamlContext {
            path,
            others,
            key,
            from: at - word.len(),
            word: word.to_owned(),
            indent: Some(entry.column),
        });
    }
    path.extend(entry.key.map(|key| Part::Key(key.to_owned())));
    for (index, open) in brackets.iter().enumerate() {
        let inside = line.get(open + 1..)?;
        match (line.as_bytes().get(*open), brackets.get(index + 1)) {
            (Some(b'['), Some(_)) => path.push(Part::Item),
            (Some(b'{'), Some(next)) => {
                let (key, _) = last_piece(line.get(open + 1..*next)?).split_once(':')?;
                path.push(Part::Key(unquoted(key).to_owned()));
            }
            (Some(b'{'), None) => {
                let rest = text.get(at..)?.split(['\n', '}']).next().unwrap_or_default();
                return flow(path, inside, rest, at);
            }
            _ => return None,
        }
    }
    None
}

/// The context within `{`. `inside` is the text from the bracket to the caret.
fn flow(path: Vec<Part>, inside: &str, rest: &str, at: usize) -> Option<YamlContext> {
    let current = last_piece(inside);
    let before = inside.get(..inside.len() - current.len()).unwrap_or_default();
    let rest = rest.split_once(',').map_or("", |(_, rest)| rest);
    let others = pieces(before).into_iter().chain(pieces(rest)).filter_map(|piece| {
        let (key, value) = piece.split_once(':')?;
        Some((unquoted(key).to_owned(), unquoted(value).to_owned()))
    });
    let (key, word) = match current.split_once(':') {
        Some((key, word)) => (Some(unquoted(key).to_owned()), word.trim_start()),
        None => (None, current.trim_start()),
    };
    let others = others.collect();
    is_word(word).then(|| YamlContext { path, others, key, from: at - word.len(), word: word.to_owned(), indent: None })
}

/// Whether the text can be the beginning of a key or a plain value.
fn is_word(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// Splits at commas outside of brackets and quotes.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut quote, mut start) = (0_i32, None, 0);
    for (at, c) in text.char_indices() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            ('{' | '[', None) => depth += 1,
            ('}' | ']', None) => depth -= 1,
            (',', None) if depth == 0 => {
                pieces.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.extend(text.get(start..));
    pieces
}

fn last_piece(text: &str) -> &str {
    pieces(text).pop().unwrap_or(text)
}

/// The byte offsets of the brackets that are open at the end of a line, outermost first.
fn open_brackets(line: &str) -> Vec<usize> {
    let mut open = Vec::new();
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (c, quote) {
            (c, Some(begun)) if c == begun => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            ('#', None) if line.get(..at).is_some_and(|before| before.ends_with(' ')) => break,
            ('{' | '[', None) => open.push(at),
            ('}' | ']', None) => drop(open.pop()),
            _ => {}
        }
    }
    open
}

/// Parses a line; `None` for a blank line or a comment.
fn entry(line: &str) -> Option<Entry<'_>> {
    let mut column = line.len() - line.trim_start_matches(' ').len();
    let mut rest = line.get(column..)?;
    let mut dashes = Vec::new();
    while rest == "-" || rest.starts_with("- ") {
        dashes.push(column);
        let after = rest.get(1..)?;
        let spaces = after.len() - after.trim_start_matches(' ').len();
        column += 1 + spaces;
        rest = after.get(spaces..)?;
    }
    if rest.starts_with('#') || rest.is_empty() && dashes.is_empty() {
        return None;
    }
    let colon = rest.find(": ").or_else(|| rest.strip_suffix(':').map(str::len));
    Some(match colon {
        Some(colon) => {
            let (key, value) = (rest.get(..colon)?, rest.get(colon + 1..).unwrap_or_default());
            Entry { dashes, column, key: Some(unquoted(key)), value: value.trim_start() }
        }
        None => Entry { dashes, column, key: None, value: rest },
    })
}

/// The path of the mapping around an entry, according to the lines above the entry.
fn block_path(above: &str, of: &Entry<'_>) -> Vec<Part> {
    let mut path = Vec::new();
    let (mut column, mut dashes) = (of.column, of.dashes.clone());
    let mut lines = above.lines().rev().filter_map(entry);
    loop {
        let mut is_list = false;
        while let Some(dash) = dashes.pop() {
            path.push(Part::Item);
            (column, is_list) = (dash, true);
        }
        let Some(line) = lines.find(|line| {
            let is_parent = line.column < column || is_list && line.column == column && line.dashes.is_empty();
            let begins_item = !is_list && line.column == column && !line.dashes.is_empty();
            line.key.is_some() && (is_parent || begins_item)
        }) else {
            break;
        };
        if line.column < column || is_list {
            path.extend(line.key.map(|key| Part::Key(key.to_owned())));
        }
        (column, dashes) = (line.column, line.dashes);
    }
    path.reverse();
    path
}

/// The other keys of the mapping around an entry.
fn block_others(above: &str, below: &str, of: &Entry<'_>) -> Vec<(String, String)> {
    let mut others = Vec::new();
    let mut take = |line: &Entry<'_>| {
        others.extend(line.key.filter(|_| line.column == of.column).map(|key| {
            let value = line.value.split(" #").next().unwrap_or_default();
            (key.to_owned(), unquoted(value).to_owned())
        }));
    };
    if of.dashes.is_empty() {
        for line in above.lines().rev().filter_map(entry).take_while(|line| line.column >= of.column) {
            take(&line);
            if line.column == of.column && !line.dashes.is_empty() {
                break;
            }
        }
    }
    let is_within = |line: &Entry<'_>| line.dashes.first().copied().unwrap_or(line.column) >= of.column;
    below.lines().filter_map(entry).take_while(is_within).for_each(|line| take(&line));
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::editor::test_grammar_and_caret::caret;

    /// The position of `|` in a text.
    fn at(text: &str) -> Option<YamlContext> {
        let (text, place) = caret(text);
        locate(&text, place)
    }

    fn path(text: &str) -> String {
        let part = |part: &Part| match part {
            Part::Key(key) => format!(".{key}"),
            Part::Item => "[]".to_owned(),
        };
        at(text).map_or_else(|| "nowhere".to_owned(), |context| context.path.iter().map(part).collect())
    }

    #[test]
    fn the_path_follows_indentation() {
        assert_eq!(path("sou|"), "");
        assert_eq!(path("source: a\nste|"), "");
        assert_eq!(path("retry:\n  max|"), ".retry");
        assert_eq!(path("steps:\n  - id: a\n    ty|"), ".steps[]");
        assert_eq!(path("steps:\n  - |"), ".steps[]");
        assert_eq!(path("steps:\n- id: a\n  |"), ".steps[]");
        assert_eq!(path("steps:\n  - id: a\n    retry:\n      fac|\n  - id: b"), ".steps[].retry");
        assert_eq!(path("steps:\n  - id: a\n    retry:\n      factor: 2\n    wh|"), ".steps[]");
        assert_eq!(path("steps:\n  - id: a\n\ntime|"), "");
    }

    #[test]
    fn the_path_follows_brackets() {
        assert_eq!(path("retry: { max|"), ".retry");
        assert_eq!(path("steps:\n  - { id: a, ty| }"), ".steps[]");
        assert_eq!(path("steps:\n  - { id: a, retry: { fac| } }"), ".steps[].retry");
        assert_eq!(path("steps: [{ id: a, wh|"), ".steps[]");
        assert_eq!(path("steps:\n  - { id: a, needs: [b|"), "nowhere");
        assert_eq!(path("retry: { factor: 2 }\nsc|"), "");
    }

    #[test]
    fn the_other_keys_are_those_of_the_same_mapping() {
        let context =
            at("steps:\n  - id: a\n    type: transfer\n  - id: b # second\n    |\n    type: 'checksum'\n  - id: c")
                .unwrap();
        let others: Vec<_> = context.others.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(others, ["id=b", "type=checksum"]);
        let context = at("steps:\n  - { id: a, |, type: delete }").unwrap();
        assert_eq!(context.others, [("id".to_owned(), "a".to_owned()), ("type".to_owned(), "delete".to_owned())]);
    }

    #[test]
    fn keys_and_values_are_distinguished() {
        let context = at("steps:\n  - type: tra|").unwrap();
        assert_eq!((context.key.as_deref(), context.word.as_str()), (Some("type"), "tra"));
        let context = at("steps:\n  - { type: | }").unwrap();
        assert_eq!((context.key.as_deref(), context.word.as_str()), (Some("type"), ""));
        assert_eq!(at("source: /data/a|"), None);
        assert_eq!(at("# sou|"), None);
    }
}
