//! The edits of Tab and Enter in a YAML text, and conversions between text positions. Pure.

/// A part of a text, as byte offsets. A caret is an empty one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Selection {
    pub(super) const fn caret(at: usize) -> Self {
        Self { from: at, to: at }
    }
}

/// A replacement of part of a text, and the selection afterwards. Positions are byte offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) text: String,
    /// The selection in the new text.
    pub(super) selected: Selection,
}

/// Columns per indent.
const STEP: usize = 2;

/// Indents the selected lines; without a selection, inserts spaces up to the next tab stop.
pub(super) fn indent(text: &str, Selection { from, to }: Selection) -> Edit {
    let start = line_start(text, from);
    if !text.get(from..to).is_some_and(|selected| selected.contains('\n')) {
        let column = from - start;
        let spaces = " ".repeat(STEP - column % STEP);
        let selected = Selection::caret(from + spaces.len());
        return Edit { from, to, text: spaces, selected };
    }
    let old = text.get(start..to).unwrap_or_default();
    let lines: Vec<String> =
        old.split('\n').map(|line| if line.is_empty() { String::new() } else { format!("  {line}") }).collect();
    let new = lines.join("\n");
    let selected = Selection { from: from + STEP, to: start + new.len() };
    Edit { from: start, to, text: new, selected }
}

/// Removes one indent from the selected lines.
pub(super) fn outdent(text: &str, Selection { from, to }: Selection) -> Edit {
    let start = line_start(text, from);
    let end = text.get(to..).and_then(|rest| rest.find('\n')).map_or(text.len(), |end| to + end);
    let old = text.get(start..end).unwrap_or_default();
    let taken = |line: &str| line.len() - line.trim_start_matches(' ').len().max(line.len().saturating_sub(STEP));
    let first = old.split('\n').next().map_or(0, taken);
    let lines: Vec<&str> = old.split('\n').map(|line| line.get(taken(line)..).unwrap_or(line)).collect();
    let new = lines.join("\n");
    let gone = old.len() - new.len();
    let begin = from.saturating_sub(first).max(start);
    let selected = Selection { from: begin, to: to.saturating_sub(gone).max(begin) };
    Edit { from: start, to: end, text: new, selected }
}

/// Inserts a line end and the indentation of the current line, one level deeper after a key without a value.
pub(super) fn newline(text: &str, Selection { from, to }: Selection) -> Edit {
    let line = text.get(line_start(text, from)..from).unwrap_or_default();
    let mut indent = line.len() - line.trim_start_matches(' ').len();
    let mut rest = line.get(indent..).unwrap_or_default();
    while let Some(item) = rest.strip_prefix("- ") {
        indent += 2;
        rest = item;
    }
    if rest.trim_end().ends_with(':') && !rest.starts_with('#') {
        indent += STEP;
    }
    let new = format!("\n{}", " ".repeat(indent));
    let selected = Selection::caret(from + new.len());
    Edit { from, to, text: new, selected }
}

/// The byte offset of the beginning of the line that contains the byte offset `at`.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}

/// Converts a byte offset into UTF-16 code units, which the browser uses.
pub(super) fn to_units(text: &str, at: usize) -> u32 {
    let units = text.get(..at).map_or(0, |before| before.chars().map(char::len_utf16).sum());
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// Converts an offset in UTF-16 code units into a byte offset.
pub(super) fn from_units(text: &str, units: u32) -> usize {
    let mut left = usize::try_from(units).unwrap_or(usize::MAX);
    for (at, c) in text.char_indices() {
        if left == 0 {
            return at;
        }
        left = left.saturating_sub(c.len_utf16());
    }
    text.len()
}

/// The byte offset of a line and a column, both from 1; the column in characters.
pub(super) fn place(text: &str, line: i32, column: i32) -> usize {
    let count = |from_one: i32| usize::try_from(from_one - 1).unwrap_or(0);
    let start: usize = text.split_inclusive('\n').take(count(line)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    start + line.chars().take(count(column)).map(char::len_utf8).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies an edit; `[` and `]` mark the selection before and after.
    fn done(text: &str, edit: fn(&str, Selection) -> Edit) -> String {
        let (from, to) = (text.find('[').unwrap(), text.find(']').unwrap() - 1);
        let text = text.replace(['[', ']'], "");
        let Edit { from, to, text: new, selected } = edit(&text, Selection { from, to });
        let mut text = format!("{}{new}{}", &text[..from], &text[to..]);
        text.insert(selected.to, ']');
        text.insert(selected.from, '[');
        text
    }

    #[test]
    fn tab_goes_to_the_next_stop_or_indents_what_is_selected() {
        assert_eq!(done("a[]", indent), "a []");
        assert_eq!(done("  []b", indent), "    []b");
        assert_eq!(done("a\nb[b\nc\n]d", indent), "a\n  b[b\n  c\n]d");
    }

    #[test]
    fn shift_tab_takes_it_back() {
        assert_eq!(done("    a[]", outdent), "  a[]");
        assert_eq!(done(" a[]\n", outdent), "a[]\n");
        assert_eq!(done("  [a\n  b]", outdent), "[a\nb]");
        assert_eq!(done("[]a", outdent), "[]a");
    }

    #[test]
    fn a_new_line_is_indented_as_its_neighbours() {
        assert_eq!(done("  a: 1[]", newline), "  a: 1\n  []");
        assert_eq!(done("steps:[]", newline), "steps:\n  []");
        assert_eq!(done("  - id: a[]", newline), "  - id: a\n    []");
        assert_eq!(done("a[bc]d", newline), "a\n[]d");
    }

    #[test]
    fn offsets_are_converted_to_those_of_the_browser() {
        let text = "ä😀b\nc";
        let b = text.find('b').unwrap();
        assert_eq!((to_units(text, b), from_units(text, 3)), (3, b));
        assert_eq!(from_units(text, 99), text.len());
        assert_eq!(place(text, 1, 3), b);
        assert_eq!(place(text, 2, 1), text.len() - 1);
        assert_eq!(place(text, 9, 9), text.len());
    }
}
