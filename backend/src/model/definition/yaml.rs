//! YAML as a tree of values with their positions.
//!
//! The tree is built from the parser's events without recursion and within limits: the length of the text, the depth of
//! nesting, and the number of values, in which each alias counts as all values of its anchor. Aliases share the values
//! of their anchor, so each value is kept in memory once.

use std::{borrow::Cow, collections::HashMap, rc::Rc};

use granit_parser::{Event, Parser, ScalarStyle, Span};

use super::{
    diagnostic::{Diagnostics, Position, SourceLocation, small},
    syntax_errors::{MAX_DEPTH, is_hidden, message},
};
use crate::model::redaction::without_passwords;

pub(super) mod scalar;

use scalar::{Scalar, resolve};

/// The longest text, in bytes.
pub(super) const MAX_BYTES: usize = 256 * 1024;
/// The maximum number of values, including those of aliases.
const MAX_VALUES: usize = 50_000;

/// A value.
#[derive(Debug)]
pub(super) struct Node {
    /// The position at which the value begins.
    pub(super) at: Position,
    /// The range of the value in the source, in bytes.
    pub(super) bytes: std::ops::Range<usize>,
    /// The content of the value.
    pub(super) content: Content,
    /// The number of values inside this value, including this value.
    values: usize,
    /// The number of nested levels of mappings and lists.
    levels: usize,
}

/// The content of a value.
#[derive(Debug)]
pub(super) enum Content {
    /// Text, a number, true, false or null.
    Scalar(Scalar),
    /// A list.
    List(Vec<Rc<Node>>),
    /// A mapping; its keys are text.
    Mapping(Vec<Entry>),
    /// A value that could not be read, which was reported.
    Broken,
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Position,
    pub(super) value: Rc<Node>,
}

/// Parses a text into a tree; `None` if there is no tree. Errors are added to `diagnostics`.
pub(super) fn read(source: &str, diagnostics: &mut Diagnostics) -> Option<Rc<Node>> {
    let whole = SourceLocation { at: Position::START, path: String::new() };
    if source.len() > MAX_BYTES {
        diagnostics.error(&whole, || format!("the text is {} bytes long: write at most {MAX_BYTES}", source.len()));
        return None;
    }
    if let Some((bytes, hidden)) = source.char_indices().find(|(_, c)| is_hidden(*c)) {
        let location = whole.moved(Position::after(source, bytes));
        diagnostics.error(&location, || format!("the character U+{:04X} cannot be seen: remove it", u32::from(hidden)));
        return None;
    }
    let mut tree = Tree { source, diagnostics, open: Vec::new(), root: None, anchors: HashMap::new(), values: 0 };
    tree.read();
    let root = tree.root.take();
    if root.is_none() && !diagnostics.has_errors() {
        diagnostics.error(&whole, || "the text is empty: write at least `source` and `destination`".to_owned());
    }
    root
}

struct Tree<'a, 'p> {
    source: &'a str,
    diagnostics: &'p mut Diagnostics,
    open: Vec<Open>,
    root: Option<Rc<Node>>,
    /// The values of anchors; `None` for an anchor that is still being read.
    anchors: HashMap<usize, Option<Rc<Node>>>,
    values: usize,
}

/// A mapping or list that has not ended.
struct Open {
    at: Position,
    start: usize,
    anchor: usize,
    items: Items,
    values: usize,
    levels: usize,
}

enum Items {
    List(Vec<Rc<Node>>),
    Mapping { entries: Vec<Entry>, first: HashMap<String, Position>, key: Option<(Option<String>, Position)> },
}

/// Reading has stopped; the reason was reported.
struct Stop;

impl<'a> Tree<'a, '_> {
    fn read(&mut self) {
        let options = granit_parser::options! {
            emit_comments: false,
            emit_unresolved_aliases: true,
            disallow_directives: true,
        };
        let mut documents = 0;
        for next in Parser::new_from_str_with_options(self.source, options) {
            let (event, span) = match next {
                Ok(next) => next,
                Err(error) => {
                    let at = position(error.marker());
                    let message = message(error.kind());
                    self.diagnostics.error(&SourceLocation { at, path: String::new() }, || message);
                    self.give_up();
                    break;
                }
            };
            if matches!(event, Event::DocumentStart(..)) {
                documents += 1;
            }
            if documents > 1 {
                let location = SourceLocation { at: position(&span.start), path: String::new() };
                self.diagnostics.error(&location, || {
                    "a second document begins here: a text holds one definition, so remove the `---` and what follows"
                        .to_owned()
                });
                break;
            }
            if self.take(event, &span).is_err() {
                self.give_up();
                break;
            }
        }
    }

    /// Closes all open mappings and lists, so that the part that was read can be checked.
    fn give_up(&mut self) {
        self.diagnostics.is_partial = true;
        while !self.open.is_empty() {
            self.close(self.source.len());
        }
    }

    fn take(&mut self, event: Event<'a>, span: &Span) -> Result<(), Stop> {
        if let Some(tag) = event.tag() {
            let at = span.tag_start.as_ref().map_or_else(|| position(&span.start), position);
            let tag = tag.original();
            self.diagnostics.error(&SourceLocation { at, path: String::new() }, || {
                format!("tags such as `{}` are not supported: remove it", shown(&tag))
            });
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                self.count(1, position(&span.start))?;
                let node = self.scalar(text, style, span);
                if anchor > 0 {
                    self.anchors.insert(anchor, Some(Rc::clone(&node)));
                }
                self.attach(node);
            }
            Event::SequenceStart(_, anchor, _) => self.open(span, anchor, Items::List(Vec::new()))?,
            Event::MappingStart(_, anchor, _) => {
                let items = Items::Mapping { entries: Vec::new(), first: HashMap::new(), key: None };
                self.open(span, anchor, items)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(offset(&span.start, self.source)),
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::UnresolvedAlias(name) => {
                self.diagnostics.error(&SourceLocation { at: position(&span.start), path: String::new() }, || {
                    format!(
                        "`*{0}` has no anchor `&{0}` before it: add one, or put text that \
                         begins with a star in quotes",
                        shown(&name)
                    )
                });
                self.attach(self.broken(span));
            }
            _ => {}
        }
        Ok(())
    }

    fn scalar(&self, text: Cow<'a, str>, style: ScalarStyle, span: &Span) -> Rc<Node> {
        let content = Content::Scalar(resolve(text.into_owned(), style == ScalarStyle::Plain));
        let bytes = offset(&span.start, self.source)..offset(&span.end, self.source);
        Rc::new(Node { at: position(&span.start), bytes, content, values: 1, levels: 0 })
    }

    fn broken(&self, span: &Span) -> Rc<Node> {
        let start = offset(&span.start, self.source);
        Rc::new(Node { at: position(&span.start), bytes: start..start, content: Content::Broken, values: 1, levels: 0 })
    }

    fn open(&mut self, span: &Span, anchor: usize, items: Items) -> Result<(), Stop> {
        let at = position(&span.start);
        self.check_depth(1, at)?;
        self.count(1, at)?;
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        self.open.push(Open { at, start: offset(&span.start, self.source), anchor, items, values: 1, levels: 0 });
        Ok(())
    }

    fn close(&mut self, end: usize) {
        let Some(open) = self.open.pop() else { return };
        let content = match open.items {
            Items::List(items) => Content::List(items),
            // A mapping without a single readable key cannot be checked.
            Items::Mapping { entries, .. } if entries.is_empty() && open.values > 1 => Content::Broken,
            Items::Mapping { entries, .. } => Content::Mapping(entries),
        };
        let bytes = open.start..end.max(open.start);
        let node = Rc::new(Node { at: open.at, bytes, content, values: open.values, levels: open.levels + 1 });
        if open.anchor > 0 {
            self.anchors.insert(open.anchor, Some(Rc::clone(&node)));
        }
        self.attach(node);
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), Stop> {
        let at = position(&span.start);
        if let Some(Some(named)) = self.anchors.get(&anchor) {
            let named = Rc::clone(named);
            self.check_depth(named.levels, at)?;
            self.count(named.values, at)?;
            self.attach(named);
            return Ok(());
        }
        self.diagnostics.error(&SourceLocation { at, path: String::new() }, || {
            "this alias is inside the value of its own anchor: a value cannot contain itself".to_owned()
        });
        self.attach(self.broken(span));
        Ok(())
    }

    fn check_depth(&mut self, levels: usize, at: Position) -> Result<(), Stop> {
        if self.open.len() + levels <= MAX_DEPTH {
            return Ok(());
        }
        self.diagnostics.error(&SourceLocation { at, path: String::new() }, || {
            format!("this is nested more than {MAX_DEPTH} levels deep: a definition needs five at most")
        });
        Err(Stop)
    }

    fn count(&mut self, values: usize, at: Position) -> Result<(), Stop> {
        self.values += values;
        if self.values <= MAX_VALUES {
            return Ok(());
        }
        self.diagnostics.error(&SourceLocation { at, path: String::new() }, || {
            format!("there are more than {MAX_VALUES} values, including those of aliases: write fewer")
        });
        Err(Stop)
    }

    /// Attaches a value to the open mapping or list, as a key or a value, or as the root.
    fn attach(&mut self, node: Rc<Node>) {
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        open.values += node.values;
        open.levels = open.levels.max(node.levels);
        match &mut open.items {
            Items::List(items) => items.push(node),
            Items::Mapping { entries, first, key } => match key.take() {
                Some((Some(key), at)) => entries.push(Entry { key, at, value: node }),
                // The value of a key that cannot be read, which was reported.
                Some((None, _)) => {}
                None => *key = Some(named(&node, first, self.diagnostics)),
            },
        }
    }
}

/// The name of a key, if it is text. Other keys and duplicates are reported.
fn named(
    node: &Node,
    first: &mut HashMap<String, Position>,
    diagnostics: &mut Diagnostics,
) -> (Option<String>, Position) {
    let Content::Scalar(scalar) = &node.content else {
        if !matches!(node.content, Content::Broken) {
            diagnostics.error(&SourceLocation { at: node.at, path: String::new() }, || {
                "a mapping or a list cannot be a key: write a name, then `:`; put text with `{` or `[` in quotes"
                    .to_owned()
            });
        }
        return (None, node.at);
    };
    let key = scalar.text.clone();
    match first.get(&key) {
        None => {
            first.insert(key.clone(), node.at);
        }
        Some(before) => diagnostics.error(&SourceLocation { at: node.at, path: String::new() }, || {
            format!("`{}` is given a second time, first on line {}: remove one", shown(&key), before.line)
        }),
    }
    (Some(key), node.at)
}

fn position(marker: &granit_parser::Marker) -> Position {
    Position { line: small(marker.line()), column: small(marker.col() + 1) }
}

fn offset(marker: &granit_parser::Marker, source: &str) -> usize {
    marker.byte_offset().unwrap_or(source.len()).min(source.len())
}

/// Shortens a text so that a message can quote it: at most 60 characters, on one line. Messages are logged, so
/// passwords of URLs are removed.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let text = without_passwords(text);
    let mut shown: String =
        text.chars().take(MOST).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
