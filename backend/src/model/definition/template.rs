//! Text with places for parameters: `orders-${{ params.date }}.csv`.

use std::collections::BTreeMap;

/// The longest name of a parameter.
pub(super) const MAX_NAME: usize = 64;

/// Text in which parameters may stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

/// What is wrong with a placeholder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw<'a> {
    /// Where it begins, in bytes of the text.
    pub(super) offset: usize,
    /// The text of the placeholder.
    pub(super) text: &'a str,
    /// What to write instead.
    pub(super) message: String,
}

/// Text that grew too long when it was filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Template {
    /// Reads a text. What is wrong with each placeholder is handed to `flawed`; `known` says which parameters there are.
    pub(super) fn parse<'a>(
        text: &'a str,
        known: impl Fn(&str) -> Result<(), String>,
        mut flawed: impl FnMut(Flaw<'a>),
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
                flawed(Flaw { offset, text: placeholder, message });
                return Self { pieces };
            };
            let (placeholder, behind) = placeholder.split_at(length + 2);
            match named(placeholder).and_then(|name| known(name).map(|()| name)) {
                Ok(name) => pieces.push(Piece::Parameter(name.to_owned())),
                Err(message) => flawed(Flaw { offset, text: placeholder, message }),
            }
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Self { pieces }
    }

    /// Text in which nothing is filled in.
    pub(super) fn plain(text: &str) -> Self {
        Self { pieces: vec![Piece::Text(text.to_owned())] }
    }

    /// The parameters that stand in it.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text with every parameter's value in its place, of at most so many characters.
    pub(super) fn fill(&self, values: &BTreeMap<String, String>, most: usize) -> Result<String, TooLong> {
        let mut filled = String::new();
        let mut length = 0;
        for piece in &self.pieces {
            let text = match piece {
                Piece::Text(text) => text,
                Piece::Parameter(name) => values.get(name).map_or("", String::as_str),
            };
            length += text.chars().count();
            if length > most {
                return Err(TooLong);
            }
            filled.push_str(text);
        }
        Ok(filled)
    }
}

/// The name in a placeholder.
fn named(placeholder: &str) -> Result<&str, String> {
    let inside = placeholder.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or_default();
    let name = inside.trim().strip_prefix("params.").filter(|name| is_name(name));
    name.ok_or_else(|| {
        format!(
            "`{}` is no placeholder: write `${{{{ params.name }}}}` with the name of one of `parameters`",
            super::yaml::shown(placeholder)
        )
    })
}

/// Whether a parameter may be called so.
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
        let mut flaws = Vec::new();
        let template = Template::parse(text, known, |flaw| flaws.push((flaw.offset, flaw.text.to_owned())));
        (template, flaws)
    }

    #[test]
    fn parameters_are_filled_in() {
        let (template, flaws) = parse("a-${{ params.date }}-${{params.date}}$ {}");
        assert_eq!(flaws, []);
        let values = BTreeMap::from([("date".to_owned(), "today".to_owned())]);
        assert_eq!(template.fill(&values, 100).as_deref(), Ok("a-today-today$ {}"));
        assert_eq!(template.fill(&values, 10), Err(TooLong));
    }

    #[rstest::rstest]
    #[case("ä ${{ params.dat }}", 3, "${{ params.dat }}")]
    #[case("${{ secrets.x }}", 0, "${{ secrets.x }}")]
    #[case("${{}}", 0, "${{}}")]
    #[case("x ${{ params.date", 2, "${{ params.date")]
    #[case("${{ params.a b }}", 0, "${{ params.a b }}")]
    #[case("${{ params.${{ }}", 0, "${{ params.${{ }}")]
    fn every_flaw_has_its_place(#[case] text: &str, #[case] offset: usize, #[case] found: &str) {
        assert_eq!(parse(text).1, [(offset, found.to_owned())]);
    }
}
