//! Syntax highlighting of a definition: splits each line of YAML into parts with a kind. Pure.
//!
//! Lines are read one after the other; the state after a line is passed to the next one. So only the visible lines have
//! to be rendered. The time for a line is proportional to its length.

/// The kind of a part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A plain value, or white space.
    Plain,
    Key,
    /// A quoted text or a block of text.
    Text,
    /// A number, `true`, `false` or `null`.
    Constant,
    Comment,
    /// Punctuation.
    Mark,
    /// `${{ … }}`
    Expression,
    /// An anchor, an alias or a tag.
    Reference,
}

impl Kind {
    /// The name in the style sheet.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Key => "key",
            Self::Text => "text",
            Self::Constant => "constant",
            Self::Comment => "comment",
            Self::Mark => "mark",
            Self::Expression => "expression",
            Self::Reference => "reference",
        }
    }
}

/// The state at the end of a line, which the next line continues: open quotes, block or brackets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) within: Within,
    /// The number of open brackets.
    pub(super) depth: usize,
}

/// The quoted text or block of text that is open at the end of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Within {
    #[default]
    Nothing,
    /// A block of text. It contains the lines that are indented by more than this number of columns.
    Block(usize),
    /// A text in quotes, which this character ends.
    Quotes(char),
}

/// The maximum number of parts of a line that are coloured separately.
const MOST_PARTS: usize = 200;

/// The parts of `count` lines from line `first` on, counted from 0.
pub(super) fn visible(text: &str, first: usize, count: usize) -> Vec<Vec<(Kind, String)>> {
    let mut open = Open::default();
    let mut lines = text.split('\n');
    for line in lines.by_ref().take(first) {
        read_line(line, &mut open, &mut |_, _| {});
    }
    let parts = |line: &str| {
        let mut parts: Vec<(Kind, String)> = Vec::new();
        read_line(line, &mut open, &mut |kind, text| {
            if parts.len() < MOST_PARTS {
                parts.push((kind, text.to_owned()));
            } else if let Some((_, last)) = parts.last_mut() {
                last.push_str(text);
            }
        });
        parts
    };
    lines.take(count).map(parts).collect()
}

/// The last key in the line of a byte offset that begins at or before the offset, with the byte offset of its
/// beginning.
pub(super) fn key_at(text: &str, at: usize) -> Option<(usize, &str)> {
    let (mut open, mut start) = (Open::default(), 0);
    for line in text.split('\n') {
        let end = start + line.len();
        let (mut found, mut place) = (None, start);
        read_line(line, &mut open, &mut |kind, text| {
            if kind == Kind::Key && place <= at {
                found = Some((place, text));
            }
            place += text.len();
        });
        if at <= end {
            return found;
        }
        start = end + 1;
    }
    None
}

/// Splits a line into parts and passes each to `emit`. Joined, the parts are the line. Updates `open` to the state
/// after the line.
pub(super) fn read_line<'t>(text: &'t str, open: &mut Open, emit: &mut dyn FnMut(Kind, &'t str)) {
    let mut line = Line { text, at: 0, open: *open, column: 0, is_beginning: true, may_end: true, emit };
    line.read();
    *open = line.open;
}

struct Line<'t, 'e> {
    text: &'t str,
    /// The byte offset of the next part.
    at: usize,
    open: Open,
    /// The column of the last dash or key.
    column: usize,
    /// Whether the line so far contains only dashes.
    is_beginning: bool,
    /// Whether the rest of the line may contain `}}`, so that it is not searched repeatedly.
    may_end: bool,
    emit: &'e mut dyn FnMut(Kind, &'t str),
}

impl<'t> Line<'t, '_> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn read(&mut self) {
        match self.open.within {
            Within::Block(indent) => {
                let text = self.text.trim_start_matches(' ');
                if text.is_empty() || self.text.len() - text.len() > indent {
                    return self.take_text(Kind::Text, self.text.len());
                }
                self.open.within = Within::Nothing;
            }
            Within::Quotes(quote) => self.quoted(quote, 0),
            Within::Nothing => {}
        }
        while let Some(first) = self.rest().chars().next() {
            self.part(first);
        }
    }

    /// Takes the next part, which begins with this character.
    fn part(&mut self, first: char) {
        let rest = self.rest();
        let is_in_brackets = self.open.depth > 0;
        let is_after_space =
            self.text.get(..self.at).is_none_or(|before| before.is_empty() || before.ends_with(SPACES));
        match first {
            ' ' | '\t' => self.take(Kind::Plain, rest.len() - rest.trim_start_matches(SPACES).len()),
            '#' if is_after_space => self.take(Kind::Comment, rest.len()),
            '-' | '?' if self.is_beginning && !is_in_brackets && is_alone(rest) => {
                self.column = self.at;
                self.take(Kind::Mark, 1);
            }
            ':' if is_in_brackets || is_alone(rest) => self.mark(),
            '{' | '[' => {
                self.open.depth += 1;
                self.mark();
            }
            '}' | ']' if is_in_brackets => {
                self.open.depth -= 1;
                self.mark();
            }
            ',' if is_in_brackets => self.mark(),
            '"' | '\'' => self.quoted(first, 1),
            '&' | '*' | '!' => {
                let end = rest.find(|c: char| SPACES.contains(&c) || is_in_brackets && is_bracket_or_comma(c));
                self.take(Kind::Reference, end.unwrap_or(rest.len()));
            }
            '|' | '>' if !is_in_brackets && self.at > 0 && is_block_header(rest) => {
                self.open.within = Within::Block(self.column);
                self.take(Kind::Mark, rest.find(SPACES).unwrap_or(rest.len()));
            }
            _ => self.plain(),
        }
    }

    fn mark(&mut self) {
        self.is_beginning = false;
        self.take(Kind::Mark, 1);
    }

    /// Takes a text in quotes. `from` is 1 if the text begins here with a quote, and 0 if an earlier line has opened
    /// it.
    fn quoted(&mut self, quote: char, from: usize) {
        let rest = self.rest();
        let Some(end) = end_of_quotes(rest.get(from..).unwrap_or_default(), quote).map(|end| from + end) else {
            self.open.within = Within::Quotes(quote);
            return self.take_text(Kind::Text, rest.len());
        };
        self.open.within = Within::Nothing;
        let after = rest.get(end..).unwrap_or_default().trim_start_matches(SPACES);
        if from > 0 && after.starts_with(':') && (self.open.depth > 0 || is_alone(after)) {
            self.take_key(end);
        } else {
            self.is_beginning = false;
            self.take_text(Kind::Text, end);
        }
    }

    /// Takes a key or a value without quotes.
    fn plain(&mut self) {
        let rest = self.rest();
        let is_in_brackets = self.open.depth > 0;
        let (mut end, mut is_key) = (rest.len(), false);
        let (mut skip_to, mut last) = (0, ':');
        for (at, c) in rest.char_indices() {
            let after = rest.get(at + c.len_utf8()..).unwrap_or_default();
            let is_end = match c {
                _ if at < skip_to => false,
                '$' if after.starts_with("{{") => {
                    let length = rest.get(at..).filter(|_| self.may_end).and_then(|rest| rest.find("}}"));
                    self.may_end = length.is_some();
                    skip_to = at + length.map_or(1, |length| length + 2);
                    false
                }
                ':' => {
                    is_key = is_alone(rest.get(at..).unwrap_or_default())
                        || is_in_brackets && after.starts_with(is_bracket_or_comma);
                    is_key
                }
                '#' => SPACES.contains(&last),
                c => is_in_brackets && is_bracket_or_comma(c),
            };
            if is_end && at > 0 {
                end = at;
                break;
            }
            last = c;
        }
        let length = rest.get(..end).unwrap_or_default().trim_end_matches(SPACES).len();
        if is_key {
            return self.take_key(length);
        }
        self.is_beginning = false;
        let kind = if rest.get(..length).is_some_and(is_constant) { Kind::Constant } else { Kind::Plain };
        self.take_text(kind, length);
    }

    fn take_key(&mut self, length: usize) {
        if self.open.depth == 0 {
            self.column = self.at;
        }
        self.is_beginning = false;
        self.take(Kind::Key, length);
    }

    /// Takes a text; expressions in it become separate parts.
    fn take_text(&mut self, kind: Kind, length: usize) {
        let end = self.at + length;
        while self.at < end {
            let rest = self.text.get(self.at..end).unwrap_or_default();
            let expression = rest.find("${{").and_then(|begin| {
                let length = rest.get(begin..)?.find("}}")? + 2;
                Some((begin, length))
            });
            let Some((begin, length)) = expression else { return self.take(kind, rest.len()) };
            self.take(kind, begin);
            self.take(Kind::Expression, length);
        }
    }

    fn take(&mut self, kind: Kind, length: usize) {
        let end = (self.at + length).min(self.text.len());
        if let Some(part) = self.text.get(self.at..end).filter(|part| !part.is_empty()) {
            (self.emit)(kind, part);
        }
        self.at = end;
    }
}

const SPACES: [char; 2] = [' ', '\t'];

/// Whether the first character, which has one byte, is followed by white space or the end of the text.
fn is_alone(text: &str) -> bool {
    text.get(1..).is_none_or(|after| after.is_empty() || after.starts_with(SPACES))
}

fn is_bracket_or_comma(c: char) -> bool {
    matches!(c, '[' | ']' | '{' | '}' | ',')
}

/// Whether the text, which begins with `|` or `>`, opens a block of text.
fn is_block_header(text: &str) -> bool {
    let after = text.get(1..).unwrap_or_default();
    let after = after.trim_start_matches(|c: char| matches!(c, '+' | '-') || c.is_ascii_digit());
    let comment = after.trim_start_matches(SPACES);
    comment.is_empty() || comment.len() < after.len() && comment.starts_with('#')
}

fn is_constant(text: &str) -> bool {
    let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E');
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))
        && text.ends_with(|c: char| c.is_ascii_digit())
        && text.chars().all(is_of_number);
    is_number || matches!(text, "true" | "false" | "null" | "~")
}

/// The number of bytes of a text in quotes up to and including the closing quote. `text` begins after the opening
/// quote.
fn end_of_quotes(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote == '"' {
            chars.next();
        } else if c == quote && !(quote == '\'' && chars.next_if(|(_, c)| *c == '\'').is_some()) {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests;
