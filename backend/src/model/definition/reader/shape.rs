//! Reads values by their shape.

use std::collections::{BTreeMap, HashMap};

use super::{Object, Reader, Shared, Value, called};
use crate::model::{
    definition::{
        copy_endpoint::{EndpointParts, EndpointTemplate},
        diagnostic::SourceLocation,
        filled_text_checks::{first_hidden, without_secrets},
        grammar::{ENDPOINT, ENDPOINT_TEXT, Key, MAX_PARAMETERS, MAX_STEPS, MAX_VALUE, STEP, Shape},
        messages::{expected, what_it_is},
        nearest::nearest,
        template::{MAX_NAME, is_name},
        yaml::scalar::{Kind, Scalar},
        yaml::{Content, Node, shown},
    },
    duration::HumanDuration,
    transfer::Protocol,
};

impl Reader<'_> {
    /// Reads the value of a key; `None` if it is invalid, which is reported.
    pub(super) fn value(&mut self, node: &Shared, location: &SourceLocation, key: &Key) -> Option<Value> {
        match &key.shape {
            Shape::Text(text) => self.text(node, location, text).map(Value::Text),
            Shape::Keyword(keywords) => self.one_of(node, location, key.name, keywords).map(Value::Keyword),
            Shape::Keywords(keywords) => self.some_of(node, location, key, keywords).map(Value::Keywords),
            Shape::Integer { least, most } => match self.scalar(node, location, &key.shape)?.kind {
                Kind::Integer(number) if (*least..=*most).contains(&number) => Some(Value::Integer(number)),
                _ => self.wrong(node, location, &key.shape),
            },
            Shape::Number { least, most } => match self.scalar(node, location, &key.shape)?.kind {
                #[expect(clippy::cast_precision_loss, reason = "what is not exact is far beyond the bounds")]
                Kind::Integer(number) if (*least..=*most).contains(&(number as f64)) => {
                    Some(Value::Number(number as f64))
                }
                Kind::Number(number) if (*least..=*most).contains(&number) => Some(Value::Number(number)),
                _ => self.wrong(node, location, &key.shape),
            },
            Shape::Duration { least, most } => {
                let said = self.scalar(node, location, &key.shape)?;
                let duration = if said.kind == Kind::Text { said.text.parse::<HumanDuration>().ok() } else { None };
                match duration.filter(|duration| (*least..=*most).contains(&duration.as_seconds())) {
                    Some(duration) => Some(Value::Duration(duration)),
                    None => self.wrong(node, location, &key.shape),
                }
            }
            Shape::Endpoint => self.endpoint(node, location).map(Value::Endpoint),
            Shape::Mapping(table) => self.mapping(node, location, table).map(Value::Mapping),
            Shape::Steps => self.steps(node, location, &key.shape).map(Value::Steps),
            Shape::Needs => self.needs(node, location, &key.shape).map(Value::Needs),
            // They were read first, since all other values may name them.
            Shape::Parameters => None,
        }
    }

    /// Reports a value of the wrong shape, and returns `None`.
    pub(super) fn wrong<T>(&mut self, node: &Node, location: &SourceLocation, shape: &Shape) -> Option<T> {
        if !matches!(node.content, Content::Broken) {
            self.diagnostics.error(location, || {
                let hint = quotes(&node.content, shape);
                format!("{} {}: {}{hint}", called(location), what_it_is(&node.content), expected(shape))
            });
        }
        None
    }

    fn scalar<'n>(&mut self, node: &'n Node, location: &SourceLocation, shape: &Shape) -> Option<&'n Scalar> {
        match &node.content {
            Content::Scalar(scalar) => Some(scalar),
            _ => self.wrong(node, location, shape),
        }
    }

    /// Reads one of these keywords; `None` if the value is invalid, which is reported.
    pub(super) fn one_of(
        &mut self,
        node: &Node,
        location: &SourceLocation,
        key: &str,
        keywords: &[&'static str],
    ) -> Option<&'static str> {
        let said = match &node.content {
            Content::Broken => return None,
            Content::Scalar(scalar) if scalar.kind == Kind::Text => Some(&scalar.text),
            _ => None,
        };
        let found = said.and_then(|said| keywords.iter().find(|keyword| *keyword == said));
        if found.is_none() {
            self.diagnostics.error(location, || {
                let meant = said.and_then(|said| nearest(said, keywords)).filter(|(_, is_near)| *is_near);
                let meant = meant.map_or_else(String::new, |(word, _)| format!("; did you mean {word}?"));
                format!("`{key}` {}: write one of {}{meant}", what_it_is(&node.content), keywords.join(", "))
            });
        }
        found.copied()
    }

    /// Reads a list of keywords.
    fn some_of(
        &mut self,
        node: &Node,
        location: &SourceLocation,
        key: &Key,
        keywords: &[&'static str],
    ) -> Option<Vec<&'static str>> {
        let Content::List(items) = &node.content else { return self.wrong(node, location, &key.shape) };
        let mut found = Vec::new();
        for (index, item) in items.iter().take(MAX_STEPS).enumerate() {
            let location = location.item(index, item.at);
            match self.one_of(item, &location, key.name, keywords) {
                Some(keyword) if found.contains(&keyword) => {
                    self.diagnostics.error(&location, || format!("`{keyword}` is listed twice: remove one"));
                }
                keyword => found.extend(keyword),
            }
        }
        Some(found)
    }

    fn endpoint(&mut self, node: &Shared, location: &SourceLocation) -> Option<EndpointTemplate> {
        let endpoint = match &node.content {
            Content::Scalar(Scalar { kind: Kind::Text, .. }) => {
                EndpointTemplate::Text(self.text(node, location, &ENDPOINT_TEXT)?)
            }
            Content::Mapping(_) => endpoint(&self.choice(node, location, &ENDPOINT)?)?,
            _ => return self.wrong(node, location, &Shape::Endpoint),
        };
        if let Some(values) = self.values(endpoint.parameters())
            && let Err(problem) = endpoint.fill(values)
        {
            self.diagnostics.error(location, || format!("{} {problem}", called(location)));
            return None;
        }
        Some(endpoint)
    }

    fn steps(&mut self, node: &Node, location: &SourceLocation, shape: &Shape) -> Option<Vec<Object>> {
        let Content::List(items) = &node.content else { return self.wrong(node, location, shape) };
        if items.is_empty() {
            self.diagnostics.missing(location, || {
                "`steps` is empty: write at least one step, or leave `steps` out for one transfer".to_owned()
            });
        }
        if let Some(first) = items.get(MAX_STEPS) {
            let location = location.item(MAX_STEPS, first.at);
            self.diagnostics.error(&location, || {
                format!("there are {} steps: write at most {MAX_STEPS}, and use several pipelines", items.len())
            });
            // Further steps are not read, and those before may need them.
            self.diagnostics.is_partial = true;
        }
        let read = |(index, item): (usize, &Shared)| self.choice(item, &location.item(index, item.at), &STEP);
        Some(items.iter().take(MAX_STEPS).enumerate().filter_map(read).collect())
    }

    fn needs(
        &mut self,
        node: &Node,
        location: &SourceLocation,
        shape: &Shape,
    ) -> Option<Vec<(String, SourceLocation)>> {
        let Content::List(items) = &node.content else { return self.wrong(node, location, shape) };
        if let Some(beyond) = items.get(MAX_STEPS) {
            let location = location.item(MAX_STEPS, beyond.at);
            self.diagnostics
                .error(&location, || format!("`needs` has {} ids: there are {MAX_STEPS} steps at most", items.len()));
        }
        let mut needs: Vec<(String, SourceLocation)> = Vec::new();
        for (index, item) in items.iter().take(MAX_STEPS).enumerate() {
            let location = location.item(index, item.at);
            match &item.content {
                Content::Scalar(Scalar { kind: Kind::Text, text }) if needs.iter().any(|(id, _)| id == text) => {
                    self.diagnostics.error(&location, || format!("`{}` is listed twice: remove one", shown(text)));
                }
                Content::Scalar(Scalar { kind: Kind::Text, text }) => needs.push((text.clone(), location)),
                Content::Broken => {}
                content => {
                    self.diagnostics
                        .error(&location, || format!("this {}: write the id of a step", what_it_is(content)));
                }
            }
        }
        Some(needs)
    }

    /// Reads the parameters of a definition.
    pub(in crate::model::definition) fn read_parameters(&mut self, root: &Node) {
        self.parameters = Some(BTreeMap::new());
        let Content::Mapping(entries) = &root.content else { return };
        let Some(entry) = entries.iter().find(|entry| entry.key == "parameters") else { return };
        let whole = SourceLocation::default();
        let location = whole.key("parameters", entry.value.at);
        let Content::Mapping(given) = &entry.value.content else {
            self.parameters = None;
            return self.wrong(&entry.value, &location, &Shape::Parameters).unwrap_or_default();
        };
        if let Some(beyond) = given.get(MAX_PARAMETERS) {
            let location = location.moved(beyond.at);
            self.diagnostics
                .error(&location, || format!("there are {} parameters: write at most {MAX_PARAMETERS}", given.len()));
        }
        let mut values = HashMap::new();
        for entry in given.iter().take(MAX_PARAMETERS) {
            if !is_name(&entry.key) {
                let location = location.moved(entry.at);
                self.diagnostics.error(&location, || {
                    format!(
                        "`{}` is not a name for a parameter: use at most {MAX_NAME} letters, digits, `_` and `-`, and \
                         begin with a letter",
                        shown(&entry.key)
                    )
                });
                continue;
            }
            // A wrong value is reported, but the parameter exists.
            let value = self.parameter(&entry.value, &location.key(&entry.key, entry.value.at));
            if value.is_none() {
                self.wrong_values.insert(entry.key.clone());
            }
            values.entry(entry.key.clone()).or_insert(value.unwrap_or_default());
        }
        self.parameters = Some(values.into_iter().collect());
    }

    fn parameter(&mut self, node: &Node, location: &SourceLocation) -> Option<String> {
        let text = match &node.content {
            Content::Scalar(scalar) => match scalar.kind {
                Kind::Number(number) if !number.is_finite() => None,
                Kind::Null => None,
                _ => Some(&scalar.text),
            },
            Content::Broken => return None,
            _ => None,
        };
        let problem = match text {
            None => format!("{}: write its default value, text in quotes", what_it_is(&node.content)),
            Some(text) => match parameter(text) {
                Ok(()) => return Some(text.clone()),
                Err(problem) => problem,
            },
        };
        self.diagnostics.error(location, || format!("{} {problem}", called(location)));
        None
    }
}

/// Reads an endpoint from a mapping.
fn endpoint(object: &Object) -> Option<EndpointTemplate> {
    let parts = EndpointParts {
        protocol: object.variant()?,
        host: object.template("host"),
        port: object.integer("port").and_then(|port| port.try_into().ok()),
        path: object.template("path")?,
        pattern: object.template("pattern"),
        credentials: object.text("credentials"),
    };
    // A missing host was reported.
    (parts.protocol == Protocol::Local || parts.host.is_some()).then_some(EndpointTemplate::Parts(parts))
}

/// A hint about quotes, if missing quotes are the reason for the error.
fn quotes(content: &Content, shape: &Shape) -> &'static str {
    let Content::Scalar(scalar) = content else { return "" };
    match (shape, scalar.kind) {
        (Shape::Text(_), Kind::Boolean(_) | Kind::Integer(_) | Kind::Number(_)) => {
            "; text that looks like a number needs quotes"
        }
        (Shape::Integer { .. } | Shape::Number { .. }, Kind::Text) if scalar.text.parse::<f64>().is_ok() => {
            "; without quotes"
        }
        _ => "",
    }
}

/// Checks the value of a parameter. An error is a message that says what is wrong with the value.
pub(in crate::model::definition) fn parameter(text: &str) -> Result<(), String> {
    if text.chars().nth(MAX_VALUE).is_some() {
        return Err(format!("is too long: a parameter has at most {MAX_VALUE} characters"));
    }
    if let Some(hidden) = first_hidden(text, false) {
        return Err(hidden);
    }
    without_secrets(text)
}
