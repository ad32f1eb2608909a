//! The copy rules of a job, a step or a command line. They are part of state files, so the names of fields and values
//! must not change.

use std::str::FromStr;

use mftplus_protocol::copy_rules::{self, PreservedAttribute};
pub(crate) use mftplus_protocol::copy_rules::{OnExists, OnFileError, SymlinkRule};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::server::wire::CopyRuleFields;

/// What happens to a source file once its copy is verified and published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AfterSuccess {
    #[default]
    Keep,
    Delete,
    /// The file is moved to this folder: an absolute path in its storage, or a path relative to the folder of the
    /// source.
    MoveTo(String),
}

/// The attributes of the source that the copy keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Preserve {
    #[serde(default)]
    pub(crate) times: bool,
    #[serde(default)]
    pub(crate) modes: bool,
}

/// The rules of one copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CopyRules {
    #[serde(default)]
    pub(crate) on_exists: OnExists,
    #[serde(default)]
    pub(crate) symlinks: SymlinkRule,
    #[serde(default)]
    pub(crate) on_file_error: OnFileError,
    #[serde(default)]
    pub(crate) after_success: AfterSuccess,
    /// `None` means both attributes between local paths, and neither otherwise.
    #[serde(default)]
    pub(crate) preserve: Option<Preserve>,
}

impl CopyRules {
    /// Parses the rules of a job or step. The error names the field and its valid values.
    pub(crate) fn read(fields: &CopyRuleFields) -> Result<Self, String> {
        Ok(Self {
            on_exists: choice("onExists", fields.on_exists.as_deref(), OnExists::NAMES)?,
            symlinks: choice("symlinks", fields.symlinks.as_deref(), SymlinkRule::NAMES)?,
            on_file_error: choice("onFileError", fields.on_file_error.as_deref(), OnFileError::NAMES)?,
            after_success: fields.after_success.as_deref().map_or(Ok(AfterSuccess::Keep), after_success)?,
            preserve: fields.preserve.as_ref().map(preserve).transpose()?,
        })
    }
}

fn choice<T: Default + FromStr>(field: &str, name: Option<&str>, known: &[&str]) -> Result<T, String> {
    let Some(name) = name else { return Ok(T::default()) };
    name.parse().map_err(|_| format!("this agent does not know `{field}: {name}`; it knows {}", known.join(", ")))
}

impl AfterSuccess {
    /// Parses the rule in the form of jobs: `keep`, `delete` or `moveTo:PATH`. The error says what it must be.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let checked = copy_rules::after_success(text)?;
        Ok(match checked.strip_prefix(copy_rules::MOVE_TO) {
            Some(folder) => Self::MoveTo(folder.to_owned()),
            None if checked == "delete" => Self::Delete,
            None => Self::Keep,
        })
    }
}

fn after_success(text: &str) -> Result<AfterSuccess, String> {
    AfterSuccess::parse(text).map_err(|problem| format!("`afterSuccess: {text}` {problem}"))
}

impl Preserve {
    /// The attributes with these names. The error is the first unknown name.
    pub(crate) fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let mut preserve = Self::default();
        for name in names {
            match PreservedAttribute::from_name(name) {
                Some(PreservedAttribute::Times) => preserve.times = true,
                Some(PreservedAttribute::Modes) => preserve.modes = true,
                None => return Err(name),
            }
        }
        Ok(preserve)
    }
}

fn preserve(names: &Value) -> Result<Preserve, String> {
    let names: Vec<&str> = match names {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        Value::String(names) => names.split([' ', ',']).filter(|name| !name.is_empty()).collect(),
        _ => Vec::new(),
    };
    Preserve::of_names(names).map_err(|name| {
        let known = PreservedAttribute::NAMES.join(" and ");
        format!("this agent does not know `preserve: {name}`; it knows {known}")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{AfterSuccess, CopyRules, OnExists, OnFileError, Preserve, SymlinkRule};
    use crate::server::wire::CopyRuleFields;

    fn read(fields: serde_json::Value) -> Result<CopyRules, String> {
        let fields: CopyRuleFields = serde_json::from_value(fields).map_err(|error| error.to_string())?;
        CopyRules::read(&fields)
    }

    #[test]
    fn absent_rules_have_their_defaults() {
        assert_eq!(read(json!({})), Ok(CopyRules::default()));
        assert_eq!(read(json!({"onExists": null, "afterSuccess": "keep"})), Ok(CopyRules::default()));
    }

    #[test]
    fn every_rule_is_read_and_survives_the_state_file() -> anyhow::Result<()> {
        let expected = CopyRules {
            on_exists: OnExists::Rename,
            symlinks: SymlinkRule::Follow,
            on_file_error: OnFileError::Skip,
            after_success: AfterSuccess::MoveTo("done/a".to_owned()),
            preserve: Some(Preserve { times: true, modes: false }),
        };
        for times in [json!(["times"]), json!("times")] {
            let found = read(json!({"onExists": "rename", "symlinks": "follow", "onFileError": "skip",
                "afterSuccess": "moveTo: done/a", "preserve": times}));
            assert_eq!(found.as_ref(), Ok(&expected));
        }
        assert_eq!(serde_json::from_value::<CopyRules>(json!(expected))?, expected);
        Ok(())
    }

    #[test]
    fn an_unknown_value_is_named() {
        for (field, value) in [
            ("onExists", "ask"),
            ("symlinks", "copy"),
            ("onFileError", "stop"),
            ("afterSuccess", "moveTo:"),
            ("afterSuccess", "moveTo:../done"),
            ("preserve", "owner"),
        ] {
            let error = read(json!({field: value})).err().unwrap_or_default();
            assert!(error.contains(&format!("`{field}: {value}`")), "{error}");
        }
    }
}
