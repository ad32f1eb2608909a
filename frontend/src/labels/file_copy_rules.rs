//! Labels of copy rules. Each row of a table has a value, its name in forms and definitions, and its label. Pure.

use mftplus_protocol::{
    copy_rules::{self as words, MOVE_TO},
    wire,
};

use super::{label_of, name_of};
use crate::api::{
    copy_rules::{OnExists, OnFileError, PreservedAttribute, SymlinkRule, Verify},
    jobs::Job,
    pipeline_plan::CopyRules,
};

/// A table of value, name in forms and definitions, and label.
type Table<T> = [(T, &'static str, &'static str)];

/// What happens to a file that exists. The first is the default.
pub(crate) const ON_EXISTS: [(OnExists, &str, &str); 4] = [
    (OnExists::Overwrite, words::OnExists::Overwrite.as_str(), "Overwrite it"),
    (OnExists::Skip, words::OnExists::Skip.as_str(), "Skip it"),
    (OnExists::Rename, words::OnExists::Rename.as_str(), "Rename the copy"),
    (OnExists::Fail, words::OnExists::Fail.as_str(), "Fail"),
];

/// What happens to a folder with files that cannot be copied. The first is the default.
pub(crate) const ON_FILE_ERROR: [(OnFileError, &str, &str); 2] = [
    (OnFileError::Fail, words::OnFileError::Fail.as_str(), "Fail and publish none of the folder"),
    (OnFileError::Skip, words::OnFileError::Skip.as_str(), "Publish the others with a warning"),
];

/// What happens to symbolic links. The first is the default.
pub(crate) const SYMLINKS: [(SymlinkRule, &str, &str); 4] = [
    (SymlinkRule::Keep, words::SymlinkRule::Keep.as_str(), "Copy them as links"),
    (SymlinkRule::Follow, words::SymlinkRule::Follow.as_str(), "Follow them and copy their targets"),
    (SymlinkRule::Skip, words::SymlinkRule::Skip.as_str(), "Skip them"),
    (SymlinkRule::Fail, words::SymlinkRule::Fail.as_str(), "Fail"),
];

/// The attributes that a copy can keep.
pub(crate) const ATTRIBUTES: [(PreservedAttribute, &str, &str); 2] = [
    (PreservedAttribute::Times, words::PreservedAttribute::Times.as_str(), "Modification times"),
    (PreservedAttribute::Modes, words::PreservedAttribute::Modes.as_str(), "Permissions"),
];

/// How a copy is verified. The first is the default.
pub(crate) const VERIFICATIONS: [(Verify, &str, &str); 2] = [
    (Verify::Sha256, wire::Verify::Sha256.as_str(), "SHA-256"),
    (Verify::None, wire::Verify::None.as_str(), "Not verified"),
];

/// The copy rules that a job sets: the name and the value of each.
pub(crate) fn of_job(job: &Job) -> Vec<(&'static str, String)> {
    let attributes =
        |kept: &Vec<PreservedAttribute>| kept.iter().map(|kept| name_of(&ATTRIBUTES, kept).to_owned()).collect();
    let rules = CopyRules {
        credentials: job.credentials.clone(),
        endpoint: job.endpoint.clone(),
        on_exists: job.on_exists.map(|rule| name_of(&ON_EXISTS, &rule).to_owned()),
        after_success: job.after_success.clone(),
        preserve: job.preserve.as_ref().map(attributes),
        on_file_error: job.on_file_error.map(|rule| name_of(&ON_FILE_ERROR, &rule).to_owned()),
        symlinks: job.symlinks.map(|rule| name_of(&SYMLINKS, &rule).to_owned()),
    };
    let verify = job.verify.map(|verify| ("Verified by", label_of(&VERIFICATIONS, &verify).to_owned()));
    details(&rules).into_iter().chain(verify).collect()
}

/// The copy rules that are set: the name and the value of each.
pub(crate) fn details(rules: &CopyRules) -> Vec<(&'static str, String)> {
    let details = [
        ("Credentials", rules.credentials.clone()),
        ("Endpoint", rules.endpoint.clone()),
        ("If a file exists", rules.on_exists.as_deref().map(|word| label(&ON_EXISTS, word))),
        ("Copied source files", rules.after_success.as_deref().map(after_success)),
        ("Kept attributes", rules.preserve.as_deref().map(attributes)),
        ("Files that fail", rules.on_file_error.as_deref().map(|word| label(&ON_FILE_ERROR, word))),
        ("Symbolic links", rules.symlinks.as_deref().map(|word| label(&SYMLINKS, word))),
    ];
    details.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The label of a value; the value itself if this version of the dashboard does not know it.
fn label<T>(table: &Table<T>, word: &str) -> String {
    let known = table.iter().find(|(_, name, _)| *name == word).map(|(.., label)| *label);
    known.unwrap_or(word).to_owned()
}

fn attributes(words: &[String]) -> String {
    if words.is_empty() {
        return "None".to_owned();
    }
    let labels: Vec<String> = words.iter().map(|word| label(&ATTRIBUTES, word)).collect();
    labels.join(", ")
}

/// What happens to a source file once its copy is complete.
fn after_success(rule: &str) -> String {
    match (rule, rule.strip_prefix(MOVE_TO)) {
        (_, Some(folder)) => format!("Moved to {folder}"),
        ("delete", _) => "Deleted".to_owned(),
        ("keep", _) => "Kept".to_owned(),
        (word, _) => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_are_set_are_labelled_and_later_words_stay_as_they_are() {
        assert_eq!(details(&CopyRules::default()), []);
        let rules = CopyRules {
            credentials: Some("orders".to_owned()),
            on_exists: Some("skip".to_owned()),
            after_success: Some("moveTo:/done/".to_owned()),
            preserve: Some(vec!["times".to_owned(), "modes".to_owned()]),
            symlinks: Some("copy".to_owned()),
            ..CopyRules::default()
        };
        let found = details(&rules);
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let expected = [
            ("Credentials", "orders"),
            ("If a file exists", "Skip it"),
            ("Copied source files", "Moved to /done/"),
            ("Kept attributes", "Modification times, Permissions"),
            ("Symbolic links", "copy"),
        ];
        assert_eq!(found, expected);
        let bare = CopyRules { preserve: Some(Vec::new()), ..CopyRules::default() };
        assert_eq!(details(&bare), [("Kept attributes", "None".to_owned())]);
    }
}
