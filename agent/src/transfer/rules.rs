//! The rules of a copy that a job or step may carry. They are stored; the stored names never change.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::server::wire::CopyRuleFields;

/// What to do with a file that exists at the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnExists {
    #[default]
    Overwrite,
    /// Leave it and do not copy.
    Skip,
    /// Copy to `name (1).ext`, or the next number that is free.
    Rename,
    Fail,
}

/// What to do with symbolic links inside a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SymlinkRule {
    /// Copy the link itself; where there are no links, it is skipped with a warning.
    #[default]
    Keep,
    /// Copy what it leads to.
    Follow,
    Skip,
    Fail,
}

/// What to do with a folder of which some files cannot be copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnFileError {
    /// Try all, name each bad file and publish none.
    #[default]
    Fail,
    /// Publish the others.
    Skip,
}

/// What happens to a source file once its copy is verified and published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum AfterSuccess {
    #[default]
    Keep,
    Delete,
    /// It is moved to this folder: an absolute path of its storage, or a path inside the folder of the source.
    MoveTo(String),
}

/// Which attributes of files and folders the copy gets.
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
    /// None: both between local folders, else neither.
    #[serde(default)]
    pub(crate) preserve: Option<Preserve>,
}

impl CopyRules {
    /// Reads the rules of a job or step; the error names the field, and the words that it may have.
    pub(crate) fn read(fields: &CopyRuleFields) -> Result<Self, String> {
        let on_exists = [
            ("overwrite", OnExists::Overwrite),
            ("skip", OnExists::Skip),
            ("rename", OnExists::Rename),
            ("fail", OnExists::Fail),
        ];
        let symlinks = [
            ("keep", SymlinkRule::Keep),
            ("follow", SymlinkRule::Follow),
            ("skip", SymlinkRule::Skip),
            ("fail", SymlinkRule::Fail),
        ];
        let on_file_error = [("fail", OnFileError::Fail), ("skip", OnFileError::Skip)];
        Ok(Self {
            on_exists: choice("onExists", fields.on_exists.as_deref(), &on_exists)?,
            symlinks: choice("symlinks", fields.symlinks.as_deref(), &symlinks)?,
            on_file_error: choice("onFileError", fields.on_file_error.as_deref(), &on_file_error)?,
            after_success: after_success(fields.after_success.as_deref())?,
            preserve: fields.preserve.as_ref().map(preserve).transpose()?,
        })
    }
}

fn choice<T: Copy + Default>(field: &str, word: Option<&str>, choices: &[(&str, T)]) -> Result<T, String> {
    let Some(word) = word else { return Ok(T::default()) };
    choices.iter().find(|(known, _)| *known == word).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
        format!("this agent does not know `{field}: {word}`; it knows {}", known.join(", "))
    })
}

fn after_success(word: Option<&str>) -> Result<AfterSuccess, String> {
    match word {
        None | Some("keep") => Ok(AfterSuccess::Keep),
        Some("delete") => Ok(AfterSuccess::Delete),
        Some(word) => match word.strip_prefix("moveTo:").map(str::trim).filter(|folder| !folder.is_empty()) {
            Some(folder) => Ok(AfterSuccess::MoveTo(folder.to_owned())),
            None => {
                Err(format!("this agent does not know `afterSuccess: {word}`; it knows keep, delete and moveTo:<path>"))
            }
        },
    }
}

fn preserve(words: &Value) -> Result<Preserve, String> {
    let words: Vec<&str> = match words {
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        Value::String(words) => words.split([' ', ',']).filter(|word| !word.is_empty()).collect(),
        _ => Vec::new(),
    };
    let mut preserve = Preserve::default();
    for word in words {
        match word {
            "times" => preserve.times = true,
            "modes" => preserve.modes = true,
            _ => return Err(format!("this agent does not know `preserve: {word}`; it knows times and modes")),
        }
    }
    Ok(preserve)
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
    fn an_unknown_word_is_named() {
        for (field, word) in [
            ("onExists", "ask"),
            ("symlinks", "copy"),
            ("onFileError", "stop"),
            ("afterSuccess", "moveTo:"),
            ("preserve", "owner"),
        ] {
            let error = read(json!({field: word})).err().unwrap_or_default();
            assert!(error.contains(&format!("`{field}: {word}`")), "{error}");
        }
    }
}
