//! The rules of a copy: what a job or a transfer step says beside its source and destination.

use async_graphql::NewType;
use mftplus_protocol::{
    characters,
    copy_rules::{self, MOVE_TO},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use strum::VariantNames;

use super::{
    enum_macro::server_enum,
    field_reader::{Check, one_of},
    redaction::without_password,
};

mftplus_protocol::contract_enum!(OnExists, server_enum);
mftplus_protocol::contract_enum!(SymlinkRule, server_enum);
mftplus_protocol::contract_enum!(OnFileError, server_enum);
mftplus_protocol::contract_enum!(PreservedAttribute, server_enum);
mftplus_protocol::contract_enum!(Verify, server_enum);

/// The attributes that a copy keeps, each once and in the order of the enum.
pub type Preserve = Vec<PreservedAttribute>;

/// What happens to a source file after its copy: `keep`, `delete`, or `moveTo:` and a folder.
///
/// Earlier versions stored rules whose folder has a password. The password is removed whenever such a rule is read:
/// with a job, in a directive or in an event. So no client is shown the password, and an agent gets a rule that it can
/// follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, NewType)]
pub struct AfterSuccess(String);

impl AfterSuccess {
    /// Reads a rule, and removes the password of its folder.
    ///
    /// # Errors
    ///
    /// A message that says what the text must be.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        copy_rules::after_success(text).map(Self::without_password)
    }

    fn without_password(rule: String) -> Self {
        match rule.strip_prefix(MOVE_TO) {
            Some(folder) => Self(format!("{MOVE_TO}{}", without_password(folder))),
            None => Self(rule),
        }
    }
}

impl<'de> Deserialize<'de> for AfterSuccess {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::without_password)
    }
}

/// Declares the rules as they are stored and sent to agents.
macro_rules! rules {
    ($(
        $(#[$text:meta])+
        $field:ident: $type:ident = $key:literal, $check:ident { $($schema:tt)+ } { $($bounds:tt)* }
    )+) => {
        /// The rules of one copy. A rule that is not set is absent in JSON, and the default of the agent applies.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct CopyRules {
            $(
                $(#[$text])+
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )+
        }

        impl CopyRules {
            /// Whether no rule is set, so that all defaults of the agent apply.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }

            /// The names of the rules in JSON and in definitions.
            #[cfg(test)]
            pub(super) const KEYS: &'static [&'static str] = &[$($key),+];
        }
    };
}

mftplus_protocol::copy_rules!(rules);

/// The longest path with what is before it, in characters.
const MAX_AFTER_SUCCESS: usize = 4096;

/// Reads the name of a set of credentials, or of an endpoint, in the agent's configuration.
pub(super) fn config_name(value: Value) -> Check<String> {
    let Value::String(name) = value else { return Err("must be a string".to_owned()) };
    let name = name.trim();
    if copy_rules::is_config_name(name) {
        return Ok(name.to_owned());
    }
    Err(format!(
        "must be a name in the agent's configuration: 1 to {} letters, digits, `-`, `_` and `.`, and no password",
        copy_rules::MAX_CONFIG_NAME
    ))
}

/// Reads the rule `afterSuccess`. A password in its folder is an error.
pub(super) fn after_success(value: Value) -> Check<AfterSuccess> {
    let Value::String(text) = value else { return Err("must be a string".to_owned()) };
    if text.chars().count() > MAX_AFTER_SUCCESS {
        return Err(format!("must be at most {MAX_AFTER_SUCCESS} characters long"));
    }
    characters::check(&text, characters::is_forbidden_in_paths)?;
    let sent = copy_rules::after_success(&text).map_err(ToOwned::to_owned)?;
    let rule = AfterSuccess::without_password(sent.clone());
    if rule.0 == sent { Ok(rule) } else { Err("must not contain a password after `moveTo:`".to_owned()) }
}

/// Reads the rule `preserve`: a list of attributes in any order.
pub(super) fn preserve(value: Value) -> Check<Preserve> {
    let problem = || format!("must be a list of {}", PreservedAttribute::VARIANTS.join(", "));
    let Value::Array(words) = value else { return Err(problem()) };
    let words: Vec<PreservedAttribute> = words.into_iter().map(one_of).collect::<Check<_>>().map_err(|_| problem())?;
    Ok(in_order(&words))
}

/// The attributes that are in the list, each once and in the order of the enum.
pub(super) fn in_order(words: &[PreservedAttribute]) -> Preserve {
    [PreservedAttribute::Times, PreservedAttribute::Modes].into_iter().filter(|word| words.contains(word)).collect()
}

#[cfg(test)]
impl CopyRules {
    /// Rules that are all set, none of them to its default.
    pub(crate) fn filled() -> Self {
        Self {
            credentials: Some("orders".to_owned()),
            endpoint: Some("partner".to_owned()),
            on_exists: Some(OnExists::Rename),
            after_success: Some(AfterSuccess("moveTo:done/".to_owned())),
            preserve: Some(vec![PreservedAttribute::Times]),
            on_file_error: Some(OnFileError::Skip),
            symlinks: Some(SymlinkRule::Follow),
            verify: Some(Verify::None),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_are_in_json_what_the_contract_calls_them_and_absent_if_they_are_not_set() {
        let filled = json!(CopyRules::filled());
        let expected = json!({
            "credentials": "orders", "endpoint": "partner", "onExists": "rename", "afterSuccess": "moveTo:done/",
            "preserve": ["times"], "onFileError": "skip", "symlinks": "follow", "verify": "none",
        });
        assert_eq!(filled, expected);
        assert_eq!(serde_json::from_value::<CopyRules>(filled).unwrap(), CopyRules::filled());
        assert_eq!(json!(CopyRules::default()), json!({}));
        assert!(CopyRules::default().is_empty() && !CopyRules::filled().is_empty());
    }

    #[test]
    fn the_keys_are_the_names_in_json() {
        let mut keys = CopyRules::KEYS.to_vec();
        keys.sort_unstable();
        let filled = json!(CopyRules::filled());
        let mut names: Vec<&str> = filled.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(keys, names);
    }

    #[test]
    fn the_folder_for_copied_files_holds_no_password() {
        for folder in [
            "//u:pw@h/x",
            "u:pw@h:/x",
            "sftp:u:pw@h/x",
            r"sftp:\\u:pw@h\x",
            " sftp%3A//u:pw@h",
            "/a/sftp%3A%2F%2Fu%3Apw%40h",
            "sftp\u{ff1a}//u:pw@h/x",
        ] {
            let refused = after_success(json!(format!("moveTo:{folder}")));
            assert_eq!(refused, Err("must not contain a password after `moveTo:`".to_owned()), "{folder}");
        }
        for rule in ["keep", "moveTo:/done/10:15@acme", "moveTo:orders@acme"] {
            assert_eq!(after_success(json!(rule)), Ok(AfterSuccess(rule.to_owned())));
        }
    }

    #[test]
    fn a_stored_rule_with_a_password_is_read_without_it() {
        for (stored, read) in [
            ("moveTo:u:pw@h:/x", "moveTo:u@h:/x"),
            ("moveTo://u:pw@h/x", "moveTo://u@h/x"),
            ("moveTo:/done/10:15@acme", "moveTo:/done/10:15@acme"),
            ("delete", "delete"),
        ] {
            let rules: CopyRules = serde_json::from_value(json!({ "afterSuccess": stored })).unwrap();
            assert_eq!(json!(rules), json!({ "afterSuccess": read }));
            assert_eq!(after_success(json!(read)), Ok(AfterSuccess(read.to_owned())), "an agent can follow it");
        }
    }

    #[test]
    fn attributes_are_a_list_in_any_order() {
        assert_eq!(
            preserve(json!(["modes", "times", "modes"])),
            Ok(vec![PreservedAttribute::Times, PreservedAttribute::Modes])
        );
        assert_eq!(preserve(json!([])), Ok(Vec::new()));
        for wrong in [json!("times"), json!(["owner"]), json!([1]), json!({})] {
            assert_eq!(preserve(wrong), Err("must be a list of times, modes".to_owned()));
        }
    }
}
