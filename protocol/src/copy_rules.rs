//! The copy rules: what jobs and transfer steps can set for a copy besides source and destination. Each rule is
//! declared once.

use crate::{location::SEPARATORS, text_enum::shared_enum};

/// Calls the macro `$macro` with all copy rules. This list is their only declaration. The server derives from it the
/// rules as they are stored and sent to agents; the fields of jobs in REST, GraphQL and events, and the inputs of both
/// APIs; and the fields of steps in the OpenAPI document. A test compares the keys of transfer steps with this list.
///
/// Each rule consists of its description, its name in Rust, its type in the server, its name in JSON and in
/// definitions, the server's function that checks an input, and its attributes in the OpenAPI document: its type, and
/// the bounds for jobs. Every rule is optional; without it, the agent's default applies, which the description states.
///
/// A token tree `$before` after the name of the macro is passed to the macro before the rules.
#[macro_export]
macro_rules! copy_rules {
    ($macro:ident $($before:tt)?) => {
        $macro! {
            $($before)?
            /// Name of a set of credentials in the agent's configuration. Without it, the set of the server is used.
            credentials: String = "credentials", config_name { value_type = Option<String> } {
                min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
            }
            /// Name of an endpoint in the agent's configuration: the server of the source of a pull or the destination of a
            /// push. Without it, the URL names the server.
            endpoint: String = "endpoint", config_name { value_type = Option<String> } {
                min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
            }
            /// What happens to a file that exists at the destination. Without it, the file is replaced.
            on_exists: OnExists = "onExists", one_of { value_type = Option<OnExists> } {}
            /// What happens to a source file once its copy is verified and published: `keep`, `delete`, or `moveTo:` and a
            /// folder. Without it, the file is kept.
            after_success: AfterSuccess = "afterSuccess", after_success { value_type = Option<String> } {
                min_length = 1, max_length = 4096, pattern = "^(keep|delete|moveTo:.+)$"
            }
            /// Attributes that a copy keeps of its source. Without it, both are kept between local paths, otherwise none.
            preserve: Preserve = "preserve", preserve { value_type = Option<Vec<PreservedAttribute>> } {}
            /// What happens to a folder of which some files cannot be copied. Without it, none of its files is published.
            on_file_error: OnFileError = "onFileError", one_of { value_type = Option<OnFileError> } {}
            /// What happens to symbolic links in a folder. Without it, they are copied as links.
            symlinks: SymlinkRule = "symlinks", one_of { value_type = Option<SymlinkRule> } {}
            /// How a copy is compared with its source. Without it, by SHA-256.
            verify: Verify = "verify", one_of { value_type = Option<Verify> } {}
        }
    };
}

crate::contract_enum!(OnExists, shared_enum);
crate::contract_enum!(OnFileError, shared_enum);
crate::contract_enum!(PreservedAttribute, shared_enum);
crate::contract_enum!(SymlinkRule, shared_enum);

/// The prefix of the value of `afterSuccess` that moves the source file; the path of a folder follows it.
pub const MOVE_TO: &str = "moveTo:";

/// The maximum number of characters of a name in an agent's configuration.
pub const MAX_CONFIG_NAME: usize = 64;

/// Whether `name` is a valid name for a set of credentials or an endpoint: 1 to [`MAX_CONFIG_NAME`] ASCII letters,
/// digits, `.`, `_` and `-`, beginning with a letter or digit. A secret such as `user:password` is not valid.
#[must_use]
pub fn is_config_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.len() <= MAX_CONFIG_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_allowed)
}

/// Checks a value of the rule `afterSuccess`, and returns it without white space around it and around its folder.
///
/// # Errors
///
/// A message that says what the value must be.
pub fn after_success(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if matches!(text, "keep" | "delete") {
        return Ok(text.to_owned());
    }
    let Some(folder) = text.strip_prefix(MOVE_TO) else { return Err("must be keep, delete or moveTo:<path>") };
    let folder = folder.trim();
    if folder.is_empty() {
        return Err("must have a folder after `moveTo:`, such as moveTo:done/");
    }
    if folder.contains("://") {
        return Err("must have a path after `moveTo:`, no URL: files are moved on the server or machine they are on");
    }
    if folder.split(SEPARATORS).any(|part| part == "..") {
        return Err("must not lead up (`..`) after `moveTo:`");
    }
    Ok(format!("moveTo:{folder}"))
}

#[cfg(test)]
mod tests {
    use super::{after_success, is_config_name};

    #[test]
    fn a_source_file_is_kept_deleted_or_moved_to_a_folder() {
        for (text, checked) in [
            ("keep", "keep"),
            (" delete ", "delete"),
            ("moveTo:done", "moveTo:done"),
            ("moveTo: /archive/a b/", "moveTo:/archive/a b/"),
            ("moveTo:a..b", "moveTo:a..b"),
        ] {
            assert_eq!(after_success(text).as_deref(), Ok(checked));
        }
        for text in
            ["", "move", "Keep", "moveTo", "moveTo:", "moveTo: ", "moveTo:../a", r"moveTo:a\..", "moveTo:sftp://h/a"]
        {
            assert!(after_success(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_of_the_configuration_is_no_secret() {
        for name in ["partner", "Partner", "2nd", "edge-1.orders_eu"] {
            assert!(is_config_name(name), "{name}");
        }
        for name in ["", "-a", ".a", "orders:secret", "a b", "ä", &"a".repeat(65)] {
            assert!(!is_config_name(name), "{name}");
        }
    }
}
