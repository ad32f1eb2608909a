//! Checks of text with its parameters filled in.

use mftplus_protocol::{characters::is_forbidden_in_names, copy_rules, location::local_file};

use mftplus_protocol::copy_rules::MOVE_TO;

use super::{
    grammar::{Form, Text},
    syntax_errors::is_hidden,
    template::FillError,
    yaml::shown,
};
use crate::model::redaction::{holds_password, without_password};

/// The message for text that cannot be filled in.
pub(super) fn fill_message(error: FillError, text: &Text) -> String {
    match error {
        FillError::TooLong => {
            format!("is too long: write at most {} characters, with its parameters filled in", text.most)
        }
        FillError::GoesUp => {
            "has a parameter with `.` or `..`, which would leave the folder of the path: give it another value"
                .to_owned()
        }
        FillError::ChangesParts => {
            "has a parameter whose value would change the path or the server (it is empty, a pattern, or names a \
             server): give it another value, or write `| raw` after its name"
                .to_owned()
        }
    }
}

/// Checks text with its parameters filled in.
pub(super) fn check(filled: &str, text: &Text) -> Result<(), String> {
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
        Form::Free | Form::Body | Form::Pattern if holds_password(filled) => Err(HOLDS_PASSWORD.to_owned()),
        Form::Free | Form::Body | Form::Pattern => Ok(()),
        // Whether it is an endpoint is checked by `EndpointTemplate::fill`.
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
        Form::ConfigName if copy_rules::is_config_name(filled) => Ok(()),
        Form::AfterSuccess => {
            // The rest is a location, as it is for a job.
            without_secrets(filled.trim().strip_prefix(MOVE_TO).unwrap_or(filled))?;
            copy_rules::after_success(filled).map(drop).map_err(ToOwned::to_owned)
        }
        // The text is not repeated: it may be a secret that was written in the place of a name.
        Form::ConfigName => Err(format!("is not a valid name: write {}", text.what)),
        Form::Id | Form::Sha256 => Err(format!("is `{}`: write {}", shown(filled), text.what)),
        Form::WebUrl => web_url(filled),
    }
}

fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The message for the first character that is invisible, or a line break or tab where none is allowed; `None` if there
/// is no such character.
pub(super) fn first_hidden(text: &str, has_lines: bool) -> Option<String> {
    let is_line = |c: &char| matches!(c, '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}');
    match text.chars().find(|c| is_hidden(*c) || (!has_lines && is_line(c)))? {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some("has several lines: write it on one".to_owned()),
        '\t' => Some("contains a tab: write spaces".to_owned()),
        hidden => Some(unseen(hidden)),
    }
}

fn unseen(hidden: char) -> String {
    format!("contains the character U+{:04X}, which cannot be seen: remove it", u32::from(hidden))
}

const HOLDS_PASSWORD: &str = "contains a password: name a `credentials` set of the agent instead";

/// Checks that a path or URL contains no password.
pub(super) fn without_secrets(text: &str) -> Result<(), String> {
    if without_password(text) == text { Ok(()) } else { Err(HOLDS_PASSWORD.to_owned()) }
}

fn web_url(text: &str) -> Result<(), String> {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else {
        return Err(format!("is `{}`: write a URL such as https://example.com/hook", shown(text)));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "contains a user name or password: remove it; the receiver can identify the server by the signature of \
             the webhook"
                .to_owned(),
        );
    }
    // Of another URL inside this one.
    without_secrets(text)
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::model::definition::grammar::AFTER_SUCCESS;

    #[test]
    fn the_folder_for_copied_files_is_judged_as_that_of_a_job() {
        for rule in ["keep", "moveTo:orders@acme", "moveTo:/done/10:15@acme", " moveTo: a@b/ "] {
            assert_eq!(check(rule, &AFTER_SUCCESS), Ok(()), "{rule}");
        }
        for rule in ["moveTo:u:pw@h:/x", "moveTo://u:pw@h/x", "moveTo:sftp:u:pw@h", "moveTo:sftp%3A%2F%2Fu%3Apw%40h"] {
            assert!(check(rule, &AFTER_SUCCESS).is_err_and(|problem| problem.contains("a password")), "{rule}");
        }
    }
}
