//! Text: what it may hold, and what it becomes with parameters filled in.

use mftplus_protocol::{characters::is_forbidden_in_names, location::local_file};

use super::{Reader, Shared, called};
use crate::model::{
    definition::{
        diagnostic::{Position, Spot},
        grammar::{Form, Shape, Text},
        nearest::nearest,
        scalar::{Kind, Scalar},
        syntax::is_hidden,
        template::{Flaw, Template, Unfit},
        yaml::{Content, Node, shown},
    },
    source_url::{without_password, without_passwords},
};

impl Reader<'_> {
    /// Reads text. Nothing where it is wrong, which is noted.
    pub(super) fn text(&mut self, node: &Shared, spot: &Spot, text: &Text) -> Option<Template> {
        let Content::Scalar(Scalar { kind: Kind::Text, text: said }) = &node.content else {
            return self.wrong(node, spot, &Shape::Text(*text));
        };
        let template = if text.is_template {
            self.template(node, spot, said)?.placed(text.form, self.filling)
        } else if said.contains("${{") {
            self.problems.error(spot, || format!("{} takes no parameters: write {}", called(spot), text.what));
            return None;
        } else {
            Template::plain(said)
        };
        // What is said of text is said of it as it will be used; as far as that is known.
        let filled = match self.values(template.parameters()) {
            Some(values) => template.fill(values, text.most),
            None if said.chars().nth(text.most).is_some() => Err(Unfit::TooLong),
            None => return Some(template),
        };
        let problem = match filled {
            Err(unfit) => Some(unusable(unfit, text)),
            Ok(filled) => {
                self.note_filters(spot, &template, &filled);
                check(&filled, text).err()
            }
        };
        let Some(problem) = problem else { return Some(template) };
        self.problems.error(spot, || format!("{} {problem}", called(spot)));
        None
    }

    /// Says where a value is filtered that earlier releases put in as it stands.
    fn note_filters(&mut self, spot: &Spot, template: &Template, filled: &str) {
        let plain = self.values(template.parameters()).map(|values| template.fill_plain(values));
        if plain.is_some_and(|plain| plain.is_ok_and(|plain| plain != filled)) {
            self.problems.warning(spot, || {
                format!(
                    "{} has a parameter whose value is escaped here; versions saved by earlier releases put it in as it \
                     stands: write `| raw` behind its name to keep that",
                    called(spot)
                )
            });
        }
    }

    fn template(&mut self, node: &Node, spot: &Spot, said: &str) -> Option<Template> {
        let (source, problems, parameters) = (self.source, &mut self.problems, self.parameters.as_ref());
        let is_partial = problems.is_partial;
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
        let mut is_flawed = false;
        let template = Template::parse(said, known, |flaw| {
            is_flawed = true;
            // Finding the place costs a look at the text: only for what will be told.
            if problems.is_full() {
                return problems.error(spot, String::new);
            }
            let spot = spot.moved(place(source, node, said, &flaw));
            problems.error(&spot, || flaw.message);
        });
        (!is_flawed).then_some(template)
    }
}

/// Where a flaw stands in the text that the value was written as: the value may have lost quotes, indents and line ends.
fn place(source: &str, node: &Node, said: &str, flaw: &Flaw<'_>) -> Position {
    let written = source.get(node.bytes.clone()).unwrap_or_default();
    let line = flaw.text.lines().next().unwrap_or_default();
    let before = said.get(..flaw.offset).unwrap_or_default().matches(line).count();
    match written.match_indices(line).nth(before) {
        Some((offset, _)) if !line.is_empty() => Position::behind(source, node.bytes.start + offset),
        _ => node.at,
    }
}

/// What is said of text that cannot be filled in.
pub(in crate::model::definition) fn unusable(unfit: Unfit, text: &Text) -> String {
    match unfit {
        Unfit::TooLong => {
            format!("is too long: it may have {} characters, with its parameters filled in", text.most)
        }
        Unfit::GoesUp => "has a parameter that leads up in its path (`.` or `..`): give it another value".to_owned(),
        Unfit::ChangesParts => {
            "has a parameter whose value would make another place of it (it is empty, a pattern, or names \
                                a server): give it another value, or write `| raw` behind its name"
                .to_owned()
        }
    }
}

/// What is wrong with text as it will be used.
pub(in crate::model::definition) fn check(filled: &str, text: &Text) -> Result<(), String> {
    if filled.trim().is_empty() {
        return Err(format!("is empty: write {}", text.what));
    }
    if let Some(problem) = first_hidden(filled, text.has_lines) {
        return Err(problem);
    }
    if text.form == Form::Free
        && let Some(hidden) = filled.chars().find(|c| is_forbidden_in_names(*c))
    {
        return Err(unseen(hidden));
    }
    match text.form {
        Form::Free | Form::Body | Form::Pattern if without_passwords(filled) != filled => {
            Err(HOLDS_PASSWORD.to_owned())
        }
        Form::Free | Form::Body | Form::Pattern => Ok(()),
        // Whether it is a place is said of it as a place.
        Form::Location => without_secrets(filled),
        Form::Id if is_id(filled) => Ok(()),
        Form::Sha256 if filled.len() == 64 && filled.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(()),
        Form::Path | Form::PathPart => {
            without_secrets(filled)?;
            if text.form == Form::Path
                && let Some(path) = local_file(filled)
            {
                return path.map(drop).map_err(ToOwned::to_owned);
            }
            if filled.contains("://") {
                return Err(format!("is the URL `{}`: write {}", shown(filled), text.what));
            }
            Ok(())
        }
        Form::Id | Form::Sha256 => Err(format!("is the text `{}`: write {}", shown(filled), text.what)),
        Form::WebUrl => web_url(filled),
    }
}

fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// What is said of the first character that nobody would see.
pub(in crate::model::definition) fn first_hidden(text: &str, has_lines: bool) -> Option<String> {
    let is_line = |c: &char| matches!(c, '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}');
    match text.chars().find(|c| is_hidden(*c) || (!has_lines && is_line(c)))? {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some("has several lines: write it on one".to_owned()),
        '\t' => Some("holds a tab: write spaces".to_owned()),
        hidden => Some(unseen(hidden)),
    }
}

fn unseen(hidden: char) -> String {
    format!("holds the character U+{:04X}, which cannot be seen: remove it", u32::from(hidden))
}

const HOLDS_PASSWORD: &str = "holds a password: name a `credentials` set of the agent instead";

/// That there is no password in a location.
pub(in crate::model::definition) fn without_secrets(text: &str) -> Result<(), String> {
    if without_password(text) == text { Ok(()) } else { Err(HOLDS_PASSWORD.to_owned()) }
}

fn web_url(text: &str) -> Result<(), String> {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else {
        return Err(format!("is the text `{}`: write a URL such as https://example.com/hook", shown(text)));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "holds a user or password: take it out, the receiver knows the server by the signature it sends along"
                .to_owned(),
        );
    }
    Ok(())
}
