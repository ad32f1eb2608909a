//! Filters: how the value of a parameter is escaped, so that the text around it keeps its meaning.

use std::borrow::Cow;

use mftplus_protocol::location::local_file;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::IgnoredAny;
use strum::{Display, EnumString, VariantNames};

/// All characters but the unreserved ones of RFC 3986.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Replaces a parameter in the check whether a text is JSON. A digit is valid beside other digits.
const STAND_IN: &str = "1";

/// How parameters are filled in for which the text names no filter. A version keeps the rule of the release that saved
/// it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Filling {
    /// Unescaped, as in earlier releases.
    Plain,
    /// Escaped for the text around them.
    #[default]
    Place,
}

/// A filter that the text names, such as `| json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Written {
    Json,
    Uri,
    Raw,
}

impl Written {
    /// The filter that this name stands for, unless the text around the parameter requires another one.
    pub(super) const fn alone(self) -> Filter {
        match self {
            Self::Json => Filter::JsonValue,
            Self::Uri => Filter::Uri,
            Self::Raw => Filter::Raw,
        }
    }
}

/// How a value is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Not escaped.
    Raw,
    /// Not escaped, but the value must not change the structure of the path or endpoint. See [`keeps_parts`].
    Within,
    /// Percent-encoded as one component of a URL.
    Uri,
    /// Escaped, without quotes, for the inside of a JSON string.
    JsonString,
    /// A JSON value: itself if it is one, else a string.
    JsonValue,
    /// A JSON value, percent-encoded as one component of a URL.
    JsonUri,
}

impl Filter {
    /// The value as it is inserted into the text.
    pub(super) fn apply(self, value: &str) -> Cow<'_, str> {
        match self {
            Self::Raw | Self::Within => value.into(),
            Self::JsonUri => Self::Uri.apply(&Self::JsonValue.apply(value)).into_owned().into(),
            Self::Uri => utf8_percent_encode(value, COMPONENT).into(),
            Self::JsonString => {
                let quoted = quoted(value);
                quoted[1..quoted.len() - 1].to_owned().into()
            }
            Self::JsonValue if is_json(value) => value.into(),
            Self::JsonValue => quoted(value).into(),
        }
    }
}

/// The filter of each parameter of a text that is a JSON object, list or string, or several of them on lines of their
/// own; `None` for any other text. The text is given in pieces, with `None` for each parameter.
pub(super) fn json_filters<'t>(pieces: impl Iterator<Item = Option<&'t str>>) -> Option<Vec<Filter>> {
    let mut sample = String::new();
    let mut filters = Vec::new();
    let mut is_in_string = false;
    for piece in pieces {
        let Some(text) = piece else {
            filters.push(if is_in_string { Filter::JsonString } else { Filter::JsonValue });
            sample.push_str(STAND_IN);
            continue;
        };
        let mut is_escaped = false;
        for c in text.chars() {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' if is_in_string => is_escaped = true,
                '"' => is_in_string = !is_in_string,
                _ => {}
            }
        }
        sample.push_str(text);
    }
    // A single parameter is the whole text, so its value is not restricted.
    let is_one = |text: &str| text.trim_start().starts_with(['{', '[', '"']) && is_json(text);
    let sample = sample.trim_start_matches('\u{feff}');
    // Or a list of them, one on each line.
    let is_json = is_one(sample) || sample.lines().filter(|line| !line.trim().is_empty()).all(is_one);
    (is_json && !sample.trim().is_empty()).then_some(filters)
}

/// The number of `.` and `..` segments in the path of a URL.
pub(super) fn dots_of_url(url: &str) -> usize {
    dots(url.split(['?', '#']).next().unwrap_or(url))
}

/// Whether a path or endpoint has the same structure with this value as with a harmless one: the same number of
/// patterns and empty segments, and the same server.
pub(super) fn keeps_parts(filled: &str, harmless: &str) -> bool {
    let wild = |text: &str| text.matches(['*', '?']).count();
    let empty = |text: &str| text.split(['/', '\\']).filter(|part| part.trim().is_empty()).count();
    let is_alike = (wild(filled), empty(filled)) == (wild(harmless), empty(harmless));
    match (filled.split_once("://"), harmless.split_once("://")) {
        (None, None) => is_alike,
        (Some((scheme, filled)), Some((other, harmless))) => {
            is_alike && scheme == other && filled.matches('#').count() == harmless.matches('#').count()
        }
        _ => false,
    }
}

/// Whether the text that follows `before` still belongs to the authority of a URL.
pub(super) fn is_in_authority(before: &str) -> bool {
    before.split_once("://").is_some_and(|(_, rest)| !rest.contains('/'))
}

/// Whether a value has only characters of a host name.
pub(super) fn is_part_of_host(value: &str) -> bool {
    value.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

/// The text as agents read it: the decoded path of a `file:` URL, anything else unchanged.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    local_file(text).and_then(Result::ok).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The number of `.` and `..` segments in a path.
pub(super) fn dots(path: &str) -> usize {
    let is_dots = |part: &&str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    path.split(['/', '\\']).filter(is_dots).count()
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
