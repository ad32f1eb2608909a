//! Reads the tree by the tables of the grammar, and reports all errors at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    str::FromStr,
};

use super::{
    copy_endpoint::EndpointTemplate,
    diagnostic::{Diagnostics, SourceLocation},
    grammar::{Choice, Key, Mapping, Shape},
    messages::{expected, what_it_is},
    nearest::nearest,
    template::Filling,
    template::Template,
    yaml::{Content, Entry, Node, shown},
};
use crate::model::duration::HumanDuration;

mod shape;
mod text;

pub(super) use shape::parameter;

/// A mapping whose keys were checked.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) location: SourceLocation,
    /// The keyword that decides which keys the mapping may have.
    pub(super) variant: Option<&'static str>,
    values: Vec<(&'static str, SourceLocation, Value)>,
}

/// A value that was checked against its table.
#[derive(Debug)]
pub(super) enum Value {
    Text(Template),
    Keyword(&'static str),
    Keywords(Vec<&'static str>),
    Integer(i64),
    Number(f64),
    Duration(HumanDuration),
    Endpoint(EndpointTemplate),
    Mapping(Object),
    Steps(Vec<Object>),
    Needs(Vec<(String, SourceLocation)>),
}

impl Object {
    fn find(&self, key: &str) -> Option<(&SourceLocation, &Value)> {
        self.values.iter().find(|(name, ..)| *name == key).map(|(_, location, value)| (location, value))
    }

    /// The location of the value of a key, or of the mapping if the key is absent.
    pub(super) fn location(&self, key: &str) -> &SourceLocation {
        self.find(key).map_or(&self.location, |(location, _)| location)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    pub(super) fn template(&self, key: &str) -> Option<Template> {
        match self.find(key)?.1 {
            Value::Text(template) => Some(template.clone()),
            _ => None,
        }
    }

    /// The text under a key that takes no parameters; `None` if it is missing or invalid.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.template(key)?.fill(&BTreeMap::new(), usize::MAX).ok()
    }

    /// The keyword under a key, as an enum; `None` if it is missing or invalid.
    pub(super) fn keyword<T: FromStr>(&self, key: &str) -> Option<T> {
        match self.find(key)?.1 {
            Value::Keyword(keyword) => keyword.parse().ok(),
            _ => None,
        }
    }

    /// The list of keywords under a key, as enums; `None` if it is missing or invalid.
    pub(super) fn keywords<T: FromStr>(&self, key: &str) -> Option<Vec<T>> {
        match self.find(key)?.1 {
            Value::Keywords(keywords) => Some(keywords.iter().filter_map(|keyword| keyword.parse().ok()).collect()),
            _ => None,
        }
    }

    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        match self.find(key)?.1 {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        match self.find(key)?.1 {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn duration(&self, key: &str) -> Option<HumanDuration> {
        match self.find(key)?.1 {
            Value::Duration(duration) => Some(*duration),
            _ => None,
        }
    }

    pub(super) fn endpoint(&self, key: &str) -> Option<&EndpointTemplate> {
        match self.find(key)?.1 {
            Value::Endpoint(endpoint) => Some(endpoint),
            _ => None,
        }
    }

    pub(super) fn mapping(&self, key: &str) -> Option<&Self> {
        match self.find(key)?.1 {
            Value::Mapping(object) => Some(object),
            _ => None,
        }
    }

    pub(super) fn steps(&self) -> Option<&[Self]> {
        match self.find("steps")?.1 {
            Value::Steps(steps) => Some(steps),
            _ => None,
        }
    }

    pub(super) fn needs(&self) -> &[(String, SourceLocation)] {
        match self.find("needs") {
            Some((_, Value::Needs(needs))) => needs,
            _ => &[],
        }
    }

    /// The value of the key that selects the keys of this mapping, such as the `type` of a step, as an enum. `None` if it is
    /// missing or invalid.
    pub(super) fn variant<T: FromStr>(&self) -> Option<T> {
        self.variant?.parse().ok()
    }
}

/// Reads values and collects diagnostics.
pub(super) struct Reader<'a> {
    pub(super) source: &'a str,
    pub(super) diagnostics: Diagnostics,
    /// The parameters and their default values; `None` if they could not be read.
    pub(super) parameters: Option<BTreeMap<String, String>>,
    /// The parameters with wrong default values. Text with one of them is not checked further.
    pub(super) wrong_values: BTreeSet<String>,
    /// How parameters without a filter are filled in.
    pub(super) filling: Filling,
}

impl Reader<'_> {
    /// The default values of all parameters; `None` if they could not be read, or if one of the parameters `names` has
    /// an invalid default value.
    pub(super) fn values<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> Option<&BTreeMap<String, String>> {
        self.parameters.as_ref().filter(|_| !names.any(|name| self.wrong_values.contains(name)))
    }

    /// Reads a mapping whose keys are fixed.
    pub(super) fn mapping(
        &mut self,
        node: &Node,
        location: &SourceLocation,
        table: &'static Mapping,
    ) -> Option<Object> {
        let entries = self.entries(node, location, || expected(&Shape::Mapping(table)))?;
        let keys: Vec<&'static Key> = table.keys.iter().collect();
        Some(self.fields(entries, location, &keys, keys.len(), table.what, None))
    }

    /// Reads a mapping whose keys depend on a keyword. If the keyword is invalid or missing, the keys of all variants
    /// are allowed.
    pub(super) fn choice(&mut self, node: &Node, location: &SourceLocation, table: &'static Choice) -> Option<Object> {
        let keywords: Vec<&'static str> = table.variants.iter().map(|variant| variant.keyword).collect();
        let entries = self.entries(node, location, || format!("write a mapping with `{}`", table.by))?;
        let keyword = if let Some(by) = entries.iter().find(|entry| entry.key == table.by) {
            self.one_of(&by.value, &location.key(table.by, by.value.at), table.by, &keywords)
        } else {
            self.diagnostics.missing(location, || {
                format!("{} needs `{}`: write one of {}", table.what, table.by, keywords.join(", "))
            });
            None
        };
        let variant = table.variants.iter().find(|variant| Some(variant.keyword) == keyword);
        let mut keys: Vec<&'static Key> = table.common.iter().collect();
        let (what, required) = if let Some(variant) = variant {
            keys.extend(variant.keys);
            (format!("{} of {} `{}`", table.what, table.by, variant.keyword), keys.len())
        } else {
            keys.extend(table.variants.iter().flat_map(|variant| variant.keys));
            (table.what.to_owned(), table.common.len())
        };
        let mut object = self.fields(entries, location, &keys, required, &what, Some(table.by));
        object.variant = keyword;
        Some(object)
    }

    fn entries<'n>(
        &mut self,
        node: &'n Node,
        location: &SourceLocation,
        write: impl FnOnce() -> String,
    ) -> Option<&'n [Entry]> {
        match &node.content {
            Content::Mapping(entries) => Some(entries),
            Content::Broken => None,
            content => {
                let message = || format!("{} {}: {}", called(location), what_it_is(content), write());
                // A text with a syntax error may begin with anything.
                if location.path.is_empty() {
                    self.diagnostics.missing(location, message);
                } else {
                    self.diagnostics.error(location, message);
                }
                None
            }
        }
    }

    /// Reads every key by its table. Only the first `required` keys can be required. `what` names the mapping in
    /// messages, `also` is a key that was read before.
    fn fields(
        &mut self,
        entries: &[Entry],
        location: &SourceLocation,
        keys: &[&'static Key],
        required: usize,
        what: &str,
        also: Option<&'static str>,
    ) -> Object {
        let mut object = Object { location: location.clone(), variant: None, values: Vec::new() };
        let mut meant: Vec<&str> = Vec::new();
        for entry in entries {
            if also == Some(entry.key.as_str()) {
                continue;
            }
            let Some(key) = keys.iter().find(|key| key.name == entry.key) else {
                let location = location.moved(entry.at);
                self.diagnostics.error(&location, || {
                    let (message, key) = unknown_key(&entry.key, keys, what, also);
                    meant.extend(key);
                    message
                });
                continue;
            };
            // A duplicate key was reported; the first one counts.
            if object.values.iter().any(|(name, ..)| *name == key.name) {
                continue;
            }
            let location = location.key(key.name, entry.value.at);
            if let Some(value) = self.value(&entry.value, &location, key) {
                object.values.push((key.name, location, value));
            }
        }
        // A mistyped key is not reported as missing too.
        let is_there = |key: &Key| meant.contains(&key.name) || entries.iter().any(|entry| entry.key == key.name);
        for key in keys.iter().take(required).filter(|key| key.is_required && !is_there(key)) {
            self.diagnostics.missing(location, || format!("{what} needs `{}`: {}", key.name, expected(&key.shape)));
        }
        object
    }
}

/// The name of a value in messages.
fn called(location: &SourceLocation) -> String {
    if location.path.is_empty() { "the definition".to_owned() } else { format!("`{}`", last(&location.path)) }
}

/// The last key of a path, with the list indices after it.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// The message for an unknown key, and the key that was probably meant.
fn unknown_key(
    key: &str,
    keys: &[&'static Key],
    what: &str,
    also: Option<&'static str>,
) -> (String, Option<&'static str>) {
    let mut names: Vec<&'static str> = also.into_iter().collect();
    for key in keys {
        if !names.contains(&key.name) {
            names.push(key.name);
        }
    }
    if key == "<<" {
        let message = "`<<` does not merge mappings here: write the keys out, or give a key the alias as its value";
        return (message.to_owned(), None);
    }
    let unknown = format!("unknown key `{}`", shown(key));
    match nearest(key, &names) {
        Some((name, true)) => (format!("{unknown}: did you mean `{name}`?"), Some(name)),
        Some((name, false)) => (format!("{unknown}: {what} has {}; the nearest is `{name}`", names.join(", ")), None),
        None => (unknown, None),
    }
}

/// A value that several aliases may share.
pub(super) type Shared = Rc<Node>;
