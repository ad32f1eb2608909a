//! Reads text with its placeholders.

use super::{Reader, Shared, called};
use crate::model::definition::{
    diagnostic::{Position, SourceLocation},
    filled_text_checks::{check, fill_message},
    grammar::{Shape, Text},
    nearest::nearest,
    template::{FillError, Problem, Template},
    yaml::scalar::{Kind, Scalar},
    yaml::{Content, Node},
};

impl Reader<'_> {
    /// Reads text; `None` if it is invalid, which is reported.
    pub(super) fn text(&mut self, node: &Shared, location: &SourceLocation, text: &Text) -> Option<Template> {
        let Content::Scalar(Scalar { kind: Kind::Text, text: said }) = &node.content else {
            return self.wrong(node, location, &Shape::Text(*text));
        };
        let template = if text.is_template {
            self.template(node, location, said)?.for_form(text.form, self.filling)
        } else if said.contains("${{") {
            self.diagnostics
                .error(location, || format!("{} takes no parameters: write {}", called(location), text.what));
            return None;
        } else {
            Template::plain(said)
        };
        // Text is checked with the default values of its parameters, as far as they are known.
        let filled = match self.values(template.parameters()) {
            Some(values) => template.fill(values, text.most),
            None if said.chars().nth(text.most).is_some() => Err(FillError::TooLong),
            None => return Some(template),
        };
        let problem = match filled {
            Err(error) => Some(fill_message(error, text)),
            Ok(filled) => {
                self.note_filters(location, &template, &filled);
                check(&filled, text).err()
            }
        };
        let Some(problem) = problem else { return Some(template) };
        self.diagnostics.error(location, || format!("{} {problem}", called(location)));
        None
    }

    /// Warns about a value that is escaped now and was not escaped in earlier releases.
    fn note_filters(&mut self, location: &SourceLocation, template: &Template, filled: &str) {
        let plain = self.values(template.parameters()).map(|values| template.fill_plain(values));
        if plain.is_some_and(|plain| plain.is_ok_and(|plain| plain != filled)) {
            self.diagnostics.warning(location, || {
                format!(
                    "{} has a parameter whose value is escaped here; versions saved by earlier releases inserted it \
                     unchanged: write `| raw` after its name to keep that",
                    called(location)
                )
            });
        }
    }

    fn template(&mut self, node: &Node, location: &SourceLocation, said: &str) -> Option<Template> {
        let (source, diagnostics, parameters) = (self.source, &mut self.diagnostics, self.parameters.as_ref());
        let is_partial = diagnostics.is_partial;
        let known = |name: &str| match parameters {
            Some(parameters) if !is_partial && !parameters.contains_key(name) => {
                let names: Vec<&str> = parameters.keys().map(String::as_str).collect();
                Err(match nearest(name, &names) {
                    Some((meant, true)) => format!("unknown parameter `{name}`: did you mean `{meant}`?"),
                    Some(_) => format!("unknown parameter `{name}`: `parameters` has {}", names.join(", ")),
                    None => format!("unknown parameter `{name}`: give it a default value under `parameters`"),
                })
            }
            _ => Ok(()),
        };
        let mut has_problem = false;
        let template = Template::parse(said, known, |problem| {
            has_problem = true;
            // The position is computed only for reported problems, because that needs a search in the text.
            if diagnostics.is_full() {
                return diagnostics.error(location, String::new);
            }
            let location = location.moved(position(source, node, said, &problem));
            diagnostics.error(&location, || problem.message);
        });
        (!has_problem).then_some(template)
    }
}

/// The position of a problem in the source. The text of the value may lack quotes, indents and line ends of the source.
fn position(source: &str, node: &Node, said: &str, problem: &Problem<'_>) -> Position {
    let written = source.get(node.bytes.clone()).unwrap_or_default();
    let line = problem.text.lines().next().unwrap_or_default();
    let before = said.get(..problem.offset).unwrap_or_default().matches(line).count();
    match written.match_indices(line).nth(before) {
        Some((offset, _)) if !line.is_empty() => Position::after(source, node.bytes.start + offset),
        _ => node.at,
    }
}
