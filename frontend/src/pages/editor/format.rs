//! Formats a definition: two columns for each level of indentation, and no white space at the ends of lines. Pure.
//!
//! Formatting only changes the indentation of lines, so that comments, quotes and the order of keys stay. The server
//! checks that the meaning stays the same, by reading the text before and after.

use super::highlight::{Kind, Open, Within, read_line};

/// Columns per level.
const STEP: usize = 2;

/// A mapping or a list that contains a line.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// The column of its entries in the original text.
    before: usize,
    /// The column of its entries in the formatted text.
    after: usize,
    is_list: bool,
}

/// Why a text cannot be formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unformattable {
    /// The number of the line, from 1.
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

/// Formats a text. Fails at the first line that cannot be formatted.
pub(super) fn format(text: &str) -> Result<String, Unformattable> {
    let mut formatter = Formatter::default();
    let mut open = Open::default();
    for (index, line) in text.split('\n').enumerate() {
        let before = open;
        read_line(line, &mut open, &mut |_, _| {});
        formatter.add(line, before, open).map_err(|reason| Unformattable { line: index + 1, reason })?;
    }
    Ok(formatter.finish())
}

#[derive(Default)]
struct Formatter {
    levels: Vec<Level>,
    lines: Vec<String>,
    /// Comments and blank lines before the next entry, whose indentation depends on it. The columns are those of the
    /// comments; blank lines have none.
    waiting: Vec<(Option<usize>, String)>,
}

impl Formatter {
    /// Adds a line. `before` and `after` are what was open before and after the line.
    fn add(&mut self, line: &str, before: Open, after: Open) -> Result<(), &'static str> {
        let text = line.trim_start_matches(' ');
        let column = line.len() - text.len();
        let is_block = matches!(before.within, Within::Block(indent) if text.is_empty() || column > indent);
        if is_block || matches!(before.within, Within::Quotes(_)) || before.depth > 0 {
            self.continue_value(line, column, text, is_block);
            return Ok(());
        }
        if text.trim().is_empty() {
            self.waiting.push((None, String::new()));
            return Ok(());
        }
        if text.starts_with('\t') {
            return Err("tabs cannot indent a line");
        }
        if text.starts_with('#') {
            self.waiting.push((Some(column), text.trim_end().to_owned()));
            return Ok(());
        }
        if text.starts_with("? ") || column == 0 && ["---", "...", "%"].iter().any(|mark| text.starts_with(mark)) {
            return Err("only one document of plain keys can be formatted");
        }
        let levels = self.levels.clone();
        let is_item = is_item(text);
        if is_item || has_key(text) {
            let indent = self.enter(column, is_item);
            self.write_waiting(&levels, column, indent);
            self.write_entry(column, text, after);
        } else {
            // A value on a separate line, or a further line of such a value.
            while self.levels.len() > 1 && self.levels.last().is_some_and(|level| level.before >= column) {
                self.levels.pop();
            }
            let indent = self.levels.last().map_or(0, |level| level.after + STEP);
            self.write_waiting(&levels, column, indent);
            self.lines.push(pad(indent, ends(text, after)));
        }
        Ok(())
    }

    /// Adds a line of a value that began on an earlier line. All lines of the value move by the same number of columns.
    fn continue_value(&mut self, line: &str, column: usize, text: &str, is_block: bool) {
        let (before, after) = self.levels.last().map_or((0, 0), |level| (level.before, level.after));
        let moved = (column + after).saturating_sub(before);
        // White space within a block of text is part of the text.
        let is_blank = line.is_empty() || !is_block && text.trim().is_empty();
        self.lines.push(if is_blank { String::new() } else { pad(moved, text) });
    }

    /// The formatted column of an entry that begins in `column`. The entry's mapping or list becomes the innermost
    /// level.
    fn enter(&mut self, column: usize, is_list: bool) -> usize {
        while self.levels.last().is_some_and(|level| level.before > column) {
            self.levels.pop();
        }
        // A list may begin in the column of the key whose value it is. The next key in that column ends the list.
        if !is_list && self.levels.last().is_some_and(|level| level.before == column && level.is_list) {
            self.levels.pop();
        }
        let after = match self.levels.last() {
            Some(level) if level.before == column && level.is_list == is_list => return level.after,
            Some(level) => level.after + STEP,
            None => 0,
        };
        self.levels.push(Level { before: column, after, is_list });
        after
    }

    fn write_entry(&mut self, mut column: usize, mut text: &str, open: Open) {
        let mut line = None;
        while is_item(text) {
            let after = self.enter(column, true);
            let line = line.get_or_insert_with(|| pad(after, ""));
            line.push('-');
            let rest = text.get(1..).unwrap_or_default();
            text = rest.trim_start_matches(' ');
            column += 1 + rest.len() - text.len();
            if !text.trim_start().is_empty() {
                line.push(' ');
            }
        }
        if has_key(text) {
            let after = self.enter(column, false);
            line.get_or_insert_with(|| pad(after, ""));
        }
        self.lines.push(line.unwrap_or_default() + ends(text, open));
    }

    /// Writes the waiting comments and blank lines before a line. The line was in `column` and is now indented by
    /// `indent`; `levels` are the levels before it.
    fn write_waiting(&mut self, levels: &[Level], column: usize, indent: usize) {
        for (of_comment, text) in std::mem::take(&mut self.waiting) {
            // A comment that is indented more than the line belongs to the entries before it.
            let left =
                of_comment.and_then(|at| levels.iter().rev().find(|level| column < level.before && level.before <= at));
            let indent = left.map_or(indent, |level| level.after);
            self.lines.push(if of_comment.is_some() { pad(indent, &text) } else { String::new() });
        }
    }

    fn finish(mut self) -> String {
        for (of_comment, text) in std::mem::take(&mut self.waiting) {
            let level = of_comment.and_then(|at| self.levels.iter().rev().find(|level| level.before <= at));
            self.lines.push(pad(level.map_or(0, |level| level.after), &text));
        }
        self.lines.join("\n")
    }
}

/// Whether a text without indentation begins with an item of a list.
fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

/// Whether a text without indentation begins with a key.
fn has_key(text: &str) -> bool {
    let mut first = None;
    read_line(text, &mut Open::default(), &mut |kind, _| {
        first.get_or_insert(kind);
    });
    first == Some(Kind::Key)
}

/// The line without white space at its end, unless the white space may be part of a quoted text.
fn ends(text: &str, open: Open) -> &str {
    if matches!(open.within, Within::Quotes(_)) { text } else { text.trim_end_matches([' ', '\t']) }
}

fn pad(indent: usize, text: &str) -> String {
    " ".repeat(indent) + text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_formatted(text: &str, expected: &str) {
        let formatted = format(text).unwrap();
        assert_eq!(formatted, expected);
        assert_eq!(format(&formatted).unwrap(), expected, "a formatted text stays as it is");
    }

    #[test]
    fn levels_are_two_columns_wide() {
        let text = "steps:\n    - id: a  \n      type: transfer\n    -   id: b\n        needs: [ a ]";
        assert_formatted(text, "steps:\n  - id: a\n    type: transfer\n  - id: b\n    needs: [ a ]");
        let text = "steps:\n- id: a\n  retry:\n      maxAttempts: 3\nsource: /a\n";
        assert_formatted(text, "steps:\n  - id: a\n    retry:\n      maxAttempts: 3\nsource: /a\n");
        assert_formatted("  a:\n   b: 1\n  c: 2", "a:\n  b: 1\nc: 2");
    }

    #[test]
    fn comments_and_blank_lines_stay_with_what_follows() {
        let text = "a:\n     # why\n\n     b: 1 # t\n     # of b\n # of c\nc: 2\n# end\n";
        assert_formatted(text, "a:\n  # why\n\n  b: 1 # t\n  # of b\n# of c\nc: 2\n# end\n");
    }

    #[test]
    fn values_of_several_lines_move_as_a_whole() {
        let text = "a:\n     b: |\n         x  \n           y\n\n     c: 'q \n       r'\n";
        assert_formatted(text, "a:\n  b: |\n      x  \n        y\n\n  c: 'q \n    r'\n");
        assert_formatted(
            "a: {\n    b: 1,\n  }\nc:\n      long\n      text",
            "a: {\n    b: 1,\n  }\nc:\n  long\n  text",
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        for (text, line) in [("a:\n\tb: 1", 2), ("---\na: 1", 1), ("a: 1\n? b\n", 2)] {
            assert_eq!(format(text).unwrap_err().line, line, "{text}");
        }
    }
}
