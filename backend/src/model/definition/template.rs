//! Text with placeholders for parameters: `orders-${{ params.date }}.csv`, each with an optional filter: `| json`.

use std::collections::BTreeMap;

use super::grammar::Form;

mod escaping_filters;

pub use escaping_filters::Filling;

use escaping_filters::{Filter, Written};

/// The longest name of a parameter.
pub(super) const MAX_NAME: usize = 64;

/// Text with placeholders for parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
    guard: Guard,
}

/// The structure that the values of parameters must not change, except with `| raw`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Guard {
    #[default]
    Nothing,
    /// The folders of a URL.
    Folders,
    /// All parts of a path or endpoint.
    Parts,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter { name: String, written: Option<Written>, filter: Filter },
}

/// An invalid placeholder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem<'a> {
    /// The offset of the placeholder in the text, in bytes.
    pub(super) offset: usize,
    /// The text of the placeholder.
    pub(super) text: &'a str,
    /// What to write instead.
    pub(super) message: String,
}

/// Why a template cannot be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FillError {
    /// The result is too long.
    TooLong,
    /// A parameter would lead out of the folder that the URL or path names.
    GoesUp,
    /// A parameter would change the parts of a path or endpoint.
    ChangesParts,
}

impl Template {
    /// Parses a text. Invalid placeholders are passed to `report`; `known` checks that a parameter with this name
    /// exists.
    pub(super) fn parse<'a>(
        text: &'a str,
        known: impl Fn(&str) -> Result<(), String>,
        mut report: impl FnMut(Problem<'a>),
    ) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${{") {
            let offset = text.len() - rest.len() + start;
            let (before, placeholder) = rest.split_at(start);
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let Some(length) = placeholder.find("}}") else {
                let message = "`${{` begins a placeholder that does not end: write `${{ params.name }}`".to_owned();
                report(Problem { offset, text: placeholder, message });
                return Self { pieces, guard: Guard::Nothing };
            };
            let (placeholder, behind) = placeholder.split_at(length + 2);
            match named(placeholder).and_then(|named| known(named.0).map(|()| named)) {
                Ok((name, written)) => {
                    let filter = written.map_or(Filter::Raw, Written::alone);
                    pieces.push(Piece::Parameter { name: name.to_owned(), written, filter });
                }
                Err(message) => report(Problem { offset, text: placeholder, message }),
            }
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Self { pieces, guard: Guard::Nothing }
    }

    /// Creates a template of text without placeholders.
    pub(super) fn plain(text: &str) -> Self {
        Self { pieces: vec![Piece::Text(text.to_owned())], guard: Guard::Nothing }
    }

    /// The parameters that the template names.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Parameter { name, .. } => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Chooses the filter of each parameter for a text of this form. With [`Filling::Plain`], only filters that the
    /// text itself names are applied.
    pub(super) fn for_form(mut self, form: Form, filling: Filling) -> Self {
        let is_whole = matches!(self.pieces.as_slice(), [Piece::Parameter { .. }]);
        self.guard = match form {
            // A single parameter is the whole text, so its value is not restricted.
            _ if is_whole => Guard::Nothing,
            Form::WebUrl => Guard::Folders,
            Form::Location | Form::Path | Form::PathPart | Form::Pattern | Form::AfterSuccess => Guard::Parts,
            Form::Free | Form::Id | Form::Sha256 | Form::Body | Form::ConfigName => Guard::Nothing,
        };
        let texts = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Parameter { .. } => None,
        });
        let json = if form == Form::Body { escaping_filters::json_filters(texts) } else { None };
        let mut json = json.map(Vec::into_iter);
        for piece in &mut self.pieces {
            let Piece::Parameter { written, filter, .. } = piece else { continue };
            let in_json = json.as_mut().and_then(Iterator::next);
            *filter = match (*written, in_json, form) {
                (None, _, _) if filling == Filling::Plain => Filter::Raw,
                (None | Some(Written::Json), Some(json), _) => json,
                (None, None, Form::WebUrl) if !is_whole => Filter::Uri,
                (None, None, Form::Location | Form::Path | Form::PathPart | Form::Pattern | Form::AfterSuccess)
                    if !is_whole =>
                {
                    Filter::Within
                }
                (None, None, _) => Filter::Raw,
                (Some(Written::Json), None, Form::WebUrl) if !is_whole => Filter::JsonUri,
                (Some(written), _, _) => written.alone(),
            };
        }
        self
    }

    /// Fills in the values of the parameters. The result may have at most `most` characters.
    pub(super) fn fill(&self, values: &BTreeMap<String, String>, most: usize) -> Result<String, FillError> {
        let given = |name: &str| values.get(name).map_or("", String::as_str);
        let filled = self.fill_by(most, |name, filter| filter.apply(given(name)))?;
        let harmless = || {
            self.fill_by(usize::MAX, |name, filter| match filter {
                Filter::Raw => given(name).into(),
                _ => "x".into(),
            })
        };
        match self.guard {
            // Encoded dots count too: `%2e%2e` in a URL leads up as well.
            Guard::Folders if escaping_filters::dots_of_url(&filled) != escaping_filters::dots_of_url(&harmless()?) => {
                return Err(FillError::GoesUp);
            }
            Guard::Nothing | Guard::Folders => {}
            Guard::Parts => {
                let harmless = harmless()?;
                let (placed, harmless) = (escaping_filters::decoded(&filled), escaping_filters::decoded(&harmless));
                if escaping_filters::dots(&placed) != escaping_filters::dots(&harmless) {
                    return Err(FillError::GoesUp);
                }
                if !escaping_filters::keeps_parts(&placed, &harmless) || !self.keeps_server(given) {
                    return Err(FillError::ChangesParts);
                }
            }
        }
        Ok(filled)
    }

    /// Whether the values within the host of a URL are host names only.
    fn keeps_server<'v>(&self, given: impl Fn(&str) -> &'v str) -> bool {
        let mut before = String::new();
        self.pieces.iter().all(|piece| match piece {
            Piece::Text(text) => {
                before.push_str(text);
                true
            }
            Piece::Parameter { name, filter, .. } => {
                let value = given(name);
                let is_kept = *filter == Filter::Raw
                    || !escaping_filters::is_in_authority(&before)
                    || escaping_filters::is_part_of_host(value);
                before.push_str(value);
                is_kept
            }
        })
    }

    /// Fills in the values of the parameters as earlier releases did: parameters for which the text names no filter are
    /// not escaped.
    pub(super) fn fill_plain(&self, values: &BTreeMap<String, String>) -> Result<String, FillError> {
        let mut plain = self.clone();
        for piece in &mut plain.pieces {
            if let Piece::Parameter { written: None, filter, .. } = piece {
                *filter = Filter::Raw;
            }
        }
        plain.fill(values, usize::MAX)
    }

    fn fill_by<'v>(
        &'v self,
        most: usize,
        value: impl Fn(&'v str, Filter) -> std::borrow::Cow<'v, str>,
    ) -> Result<String, FillError> {
        let mut filled = String::new();
        let mut length = 0;
        for piece in &self.pieces {
            let text = match piece {
                Piece::Text(text) => text.as_str().into(),
                Piece::Parameter { name, filter, .. } => value(name, *filter),
            };
            length += text.chars().count();
            if length > most {
                return Err(FillError::TooLong);
            }
            filled.push_str(&text);
        }
        Ok(filled)
    }
}

/// The name and the filter of a placeholder.
fn named(placeholder: &str) -> Result<(&str, Option<Written>), String> {
    let inside = placeholder.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or_default();
    let (inside, filter) = inside.split_once('|').map_or((inside, None), |(inside, filter)| (inside, Some(filter)));
    let Some(name) = inside.trim().strip_prefix("params.").filter(|name| is_name(name)) else {
        return Err(format!(
            "`{}` is not a placeholder: write `${{{{ params.name }}}}` with the name of one of `parameters`",
            super::yaml::shown(placeholder)
        ));
    };
    let Some(filter) = filter.map(str::trim) else { return Ok((name, None)) };
    match filter.parse() {
        Ok(written) => Ok((name, Some(written))),
        Err(_) => Err(format!(
            "`{}` is not a filter: write one of {}",
            super::yaml::shown(filter),
            <Written as strum::VariantNames>::VARIANTS.join(", ")
        )),
    }
}

/// Whether the text is a valid name of a parameter.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Template, Vec<(usize, String)>) {
        let known = |name: &str| if name == "date" { Ok(()) } else { Err(format!("no {name}")) };
        let mut problems = Vec::new();
        let template = Template::parse(text, known, |problem| problems.push((problem.offset, problem.text.to_owned())));
        (template, problems)
    }

    #[test]
    fn parameters_are_filled_in() {
        let (template, problems) = parse("a-${{ params.date }}-${{params.date}}$ {}");
        assert_eq!(problems, []);
        let values = BTreeMap::from([("date".to_owned(), "today".to_owned())]);
        assert_eq!(template.fill(&values, 100).as_deref(), Ok("a-today-today$ {}"));
        assert_eq!(template.fill(&values, 10), Err(FillError::TooLong));
    }

    #[rstest::rstest]
    #[case("ä ${{ params.dat }}", 3, "${{ params.dat }}")]
    #[case("${{ secrets.x }}", 0, "${{ secrets.x }}")]
    #[case("${{}}", 0, "${{}}")]
    #[case("x ${{ params.date", 2, "${{ params.date")]
    #[case("${{ params.a b }}", 0, "${{ params.a b }}")]
    #[case("${{ params.${{ }}", 0, "${{ params.${{ }}")]
    #[case("${{ params.date | html }}", 0, "${{ params.date | html }}")]
    #[case("${{ params.date | }}", 0, "${{ params.date | }}")]
    #[case("${{ params.date | json | uri }}", 0, "${{ params.date | json | uri }}")]
    fn every_flaw_has_its_place(#[case] text: &str, #[case] offset: usize, #[case] found: &str) {
        assert_eq!(parse(text).1, [(offset, found.to_owned())]);
    }

    /// A text of this form with `value` filled in.
    fn filled(text: &str, form: Form, filling: Filling, value: &str) -> String {
        let template = parse(text).0.for_form(form, filling);
        let values = BTreeMap::from([("date".to_owned(), value.to_owned())]);
        template.fill(&values, 1000).unwrap_or_else(|error| format!("{error:?}"))
    }

    #[rstest::rstest]
    // Inside a string it is escaped; the quotes are there already.
    #[case(r#"{"a": "<${{ params.date }}>"}"#, "say \"hi\"\\\n", r#"{"a": "<say \"hi\"\\\n>"}"#)]
    #[case(r#"{"a": "\"${{ params.date }}"}"#, "\"", r#"{"a": "\"\""}"#)]
    #[case(r#"{"a": "${{ params.date | json }}"}"#, "\"", r#"{"a": "\""}"#)]
    #[case(r#"{"${{ params.date }}": 1}"#, "a\": 2, \"b", r#"{"a\": 2, \"b": 1}"#)]
    // A value that is the whole text stays unchanged if it is JSON.
    #[case(r#"{"a": ${{ params.date }}}"#, "12", r#"{"a": 12}"#)]
    #[case(r#"{"a": ${{ params.date }}}"#, r#"{"b": [1]}"#, r#"{"a": {"b": [1]}}"#)]
    #[case(r"[${{ params.date }}]", "1, 2", r#"["1, 2"]"#)]
    #[case(r"[${{ params.date }}]", "", r#"[""]"#)]
    #[case(r"[${{ params.date | json }}]", "x", r#"["x"]"#)]
    // As it stands.
    #[case(r#"{"a": "${{ params.date | raw }}"}"#, "\"", r#"{"a": """}"#)]
    #[case("done: ${{ params.date }}", "\"", "done: \"")]
    #[case("{\"a\": \"${{ params.date }}\"}\n{\"b\": 1}\n", "\"", "{\"a\": \"\\\"\"}\n{\"b\": 1}\n")]
    #[case("\u{feff}[\"${{ params.date }}\"]", "\"", "\u{feff}[\"\\\"\"]")]
    #[case("${{ params.date }}", "\"", "\"")]
    // As asked for, where the form alone would not have it.
    #[case("a=${{ params.date | uri }}&b=${{ params.date | json }}", "&\"", r#"a=%26%22&b="&\"""#)]
    #[case("a/${{ params.date | uri }}/b", "..", "a/../b")]
    fn a_body_stays_the_json_that_it_is(#[case] text: &str, #[case] value: &str, #[case] expected: &str) {
        assert_eq!(filled(text, Form::Body, Filling::Place, value), expected);
    }

    #[rstest::rstest]
    #[case(
        "https://h/${{ params.date }}?q=${{ params.date }}",
        "a/b?c&d=ä e",
        "https://h/a%2Fb%3Fc%26d%3D%C3%A4%20e?q=a%2Fb%3Fc%26d%3D%C3%A4%20e"
    )]
    #[case("https://h/${{ params.date | raw }}", "a/b?c", "https://h/a/b?c")]
    #[case("${{ params.date }}", "https://h/a?b=c", "https://h/a?b=c")]
    #[case("https://h/${{ params.date | json }}", "a/b", "https://h/%22a%2Fb%22")]
    #[case("https://h/?q=${{ params.date | json }}&z=1", "a&b", "https://h/?q=%22a%26b%22&z=1")]
    #[case("https://h/a/${{ params.date }}/b", "..", "GoesUp")]
    #[case("https://h/a/.${{ params.date }}", ".", "GoesUp")]
    #[case("https://h/a/%2e${{ params.date }}", ".", "GoesUp")]
    #[case("https://h/a/../${{ params.date }}?x=/../", "b", "https://h/a/../b?x=/../")]
    #[case("https://h/a?x=${{ params.date }}", "..", "https://h/a?x=..")]
    fn a_parameter_stays_in_its_part_of_a_url(#[case] text: &str, #[case] value: &str, #[case] expected: &str) {
        assert_eq!(filled(text, Form::WebUrl, Filling::Place, value), expected);
    }

    #[rstest::rstest]
    #[case("/del/${{ params.date }}", "a/b", "/del/a/b")]
    #[case("/del/${{ params.date }}", "", "ChangesParts")]
    #[case("/del/${{ params.date }}", " ", "ChangesParts")]
    #[case("/del/${{ params.date }}", "/", "ChangesParts")]
    #[case("/del/${{ params.date }}", ".", "GoesUp")]
    #[case("/del/${{ params.date }}", "a/../..", "GoesUp")]
    #[case("/del/${{ params.date }}", "#/../..", "GoesUp")]
    #[case("/in/${{ params.date }}.csv", "", "/in/.csv")]
    #[case("/in/${{ params.date }}.csv", "*", "ChangesParts")]
    #[case("/in/*-${{ params.date }}.csv", "s[12]", "/in/*-s[12].csv")]
    #[case("/in/${{ params.date | raw }}.csv", "*", "/in/*.csv")]
    #[case("${{ params.date }}", "../*", "../*")]
    // A filter that is written opens no other way.
    #[case("/del/${{ params.date | uri }}", "", "ChangesParts")]
    #[case("/del/${{ params.date | uri }}", "..", "GoesUp")]
    #[case("/del/${{ params.date | uri }}", "a b", "/del/a%20b")]
    #[case("/del/${{ params.date | json }}", "[\"/../../x\"]", "GoesUp")]
    #[case("/in/${{ params.date | json }}.csv", "[\"*\"]", "ChangesParts")]
    #[case("${{ params.date }}/a.csv", "sftp://evil.example", "ChangesParts")]
    #[case("sftp://${{ params.date }}.example.com/a.csv", "ftp-1", "sftp://ftp-1.example.com/a.csv")]
    #[case("sftp://${{ params.date }}.example.com/a.csv", "evil.example/x", "ChangesParts")]
    #[case("sftp://ftp.example.com${{ params.date }}/a.csv", "@evil.example", "ChangesParts")]
    #[case("sftp://ftp.example.com${{ params.date }}/a.csv", ":22", "ChangesParts")]
    #[case("sftp://ftp.example.com/in/${{ params.date }}.csv", "a@b:c", "sftp://ftp.example.com/in/a@b:c.csv")]
    #[case("sftp://ftp.example.com/in/${{ params.date }}.csv", "x?y", "ChangesParts")]
    #[case("sftp://ftp.example.com/in/${{ params.date }}.csv", "x#y", "ChangesParts")]
    #[case("sftp://ftp.example.com/in/${{ params.date }}.csv", "%2e%2e", "sftp://ftp.example.com/in/%2e%2e.csv")]
    #[case("sftp://ftp.example.com/in/${{ params.date }}/a", "%2e%2e", "GoesUp")]
    #[case("file:///in/${{ params.date }}/a", "a%20b", "file:///in/a%20b/a")]
    #[case("file:///in/${{ params.date }}/a", "..%2f..", "GoesUp")]
    #[case("file:///in/${{ params.date }}/a", "%2A", "ChangesParts")]
    #[case("file:///in/${{ params.date }}/a", "x#y", "ChangesParts")]
    #[case("${{ params.date }}/a.csv", "file:", "ChangesParts")]
    fn a_parameter_stays_in_its_part_of_a_path_or_place(
        #[case] text: &str,
        #[case] value: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(filled(text, Form::Location, Filling::Place, value), expected);
        // A stored version keeps its rule, which knew no filters.
        let plain = filled(text, Form::Location, Filling::Plain, value);
        assert!(text.contains('|') || !(plain.contains("GoesUp") || plain.contains("ChangesParts")), "{plain}");
    }

    #[test]
    fn by_the_older_rule_and_elsewhere_only_written_filters_are_applied() {
        let (body, url) = (r#"{"a": "${{ params.date }}"}"#, "https://h/${{ params.date }}");
        assert_eq!(filled(body, Form::Body, Filling::Plain, "\""), r#"{"a": """}"#);
        assert_eq!(filled(url, Form::WebUrl, Filling::Plain, "a/b"), "https://h/a/b");
        assert_eq!(filled("/in/${{ params.date }}", Form::Path, Filling::Place, "a/b"), "/in/a/b");
        assert_eq!(filled("/in/${{ params.date | uri }}", Form::Path, Filling::Plain, "a/b"), "/in/a%2Fb");
    }
}
