//! The fields of the job form, each declared once: its control, and how its value is read from and written to a job.

use mftplus_protocol::{copy_rules::MOVE_TO, wire};

use crate::{
    api::{
        copy_rules::PreservedAttribute,
        jobs::{Job, RetryInput, UpdateJobInput},
        scalars::Duration,
    },
    browser,
    labels::{
        DIRECTIONS, PROTOCOLS,
        file_copy_rules::{ATTRIBUTES, ON_EXISTS, ON_FILE_ERROR, SYMLINKS, VERIFICATIONS},
        jobs::{CATCH_UPS, OVERLAPS},
        name_of, value_of,
    },
};

/// A field of the form. Its value is a text: the typed text, or the name of the chosen option.
pub(super) struct FormField {
    pub(super) card: FormCard,
    /// The name in the API, which the server uses in errors.
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) control: Control,
    /// Whether the field is shown, depending on the value of the last always shown field before it; `None` if it is
    /// always shown.
    pub(super) only_if: Option<fn(&str) -> bool>,
    /// The value for a new job.
    pub(super) initial: fn() -> String,
    /// The value for an existing job; `None` if the job does not set it, so that [`initial`](Self::initial) is used.
    pub(super) read: fn(&Job) -> Option<String>,
    /// Writes the value into the input. The fields before this one have been written already.
    pub(super) write: fn(&mut UpdateJobInput, &str),
    /// What is wrong with a value that could not be sent to the server at all; `None` if it is fine.
    pub(super) check: fn(&str) -> Option<&'static str>,
}

/// The cards of the form. The card of the schedule has its own component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FormCard {
    Schedule,
    Copy,
    Rules,
    Policies,
}

/// The control of a field.
#[derive(Clone, Copy)]
pub(super) enum Control {
    /// A text with its minimum and maximum length. There are no bounds if the maximum is 0.
    Text { bounds: (u32, u32), is_required: bool },
    /// A whole number with its minimum and maximum.
    Number { bounds: (u32, u32) },
    /// A choice among these options: name and label.
    Choice(fn() -> Vec<(String, String)>),
}

/// The defaults of a field.
const PLAIN: FormField = FormField {
    card: FormCard::Copy,
    key: "",
    label: "",
    hint: "",
    control: Control::Text { bounds: (0, 0), is_required: true },
    only_if: None,
    initial: String::new,
    read: |_| None,
    write: |_, _| (),
    check: |_| None,
};

/// Declares a required text, with its maximum length in characters.
macro_rules! text {
    ($field:ident, $most:literal) => {
        FormField {
            control: Control::Text { bounds: (1, $most), is_required: true },
            read: |job| Some(job.$field.clone()),
            write: |input, text| input.$field = Some(text.trim().to_owned()),
            ..PLAIN
        }
    };
}

/// Declares a required choice. A new job has the first option of the table.
macro_rules! choice {
    ($field:ident, $table:ident) => {
        FormField {
            control: Control::Choice(|| options(&$table)),
            initial: || $table[0].1.to_owned(),
            read: |job| Some(name_of(&$table, &job.$field).to_owned()),
            write: |input, name| input.$field = value_of(&$table, name),
            ..PLAIN
        }
    };
}

/// Declares an optional text of a rule, with its maximum length in characters.
macro_rules! text_rule {
    ($field:ident, $most:literal) => {
        FormField {
            card: FormCard::Rules,
            control: Control::Text { bounds: (0, $most), is_required: false },
            read: |job| job.$field.clone(),
            write: |input, text| {
                let text = text.trim();
                input.$field = (!text.is_empty()).then(|| text.to_owned());
            },
            ..PLAIN
        }
    };
}

/// Declares a choice of a rule. The first option of the table is the default, which is sent as null.
macro_rules! choice_rule {
    ($field:ident, $table:ident) => {
        FormField {
            card: FormCard::Rules,
            control: Control::Choice(|| options(&$table)),
            initial: || $table[0].1.to_owned(),
            read: |job| job.$field.as_ref().map(|rule| name_of(&$table, rule).to_owned()),
            write: |input, name| input.$field = value_of(&$table[1..], name),
            ..PLAIN
        }
    };
}

/// What happens to the source files: name and label.
const AFTER_SUCCESS: [(&str, &str); 3] =
    [("keep", "Keep them"), ("delete", "Delete them"), (MOVE_TO, "Move them to a folder")];
/// Which attributes are kept: name and label. The name lists the attributes; there are names for the default and for
/// none.
const PRESERVE: [(&str, &str); 5] = [
    ("", "All between local paths, otherwise none"),
    ("none", "None"),
    ("times", "Modification times"),
    ("modes", "Permissions"),
    ("times modes", "Modification times and permissions"),
];

/// The fields except the agent: first those of the schedule, then the others in the order in which they are shown.
pub(super) const FIELDS: &[FormField] = &[
    FormField { card: FormCard::Schedule, key: "schedule", initial: || "0 2 * * *".to_owned(), ..text!(schedule, 255) },
    FormField { card: FormCard::Schedule, key: "timezone", initial: browser::time_zone, ..text!(timezone, 64) },
    FormField { key: "name", label: "Name", ..text!(name, 255) },
    FormField {
        key: "source",
        label: "Source",
        hint: "A path, or a URL without a password such as sftp://partner/out/*.csv. The host may be an endpoint of the agent",
        ..text!(source, 4096)
    },
    FormField {
        key: "destination",
        label: "Destination",
        hint: "A path, or a URL such as sftp://partner/in/. A folder if it ends with a slash",
        ..text!(destination, 4096)
    },
    FormField {
        key: "protocol",
        label: "Protocol",
        initial: || wire::Protocol::Local.as_str().to_owned(),
        ..choice!(protocol, PROTOCOLS)
    },
    FormField { key: "direction", label: "Direction", ..choice!(direction, DIRECTIONS) },
    FormField {
        key: "credentials",
        label: "Credentials",
        hint: "Name of a set in the agent's configuration, not a password. Empty: the set configured for the server",
        ..text_rule!(credentials, 64)
    },
    FormField {
        key: "endpoint",
        label: "Endpoint",
        hint: "Name of a server in the agent's configuration, for a source (pull) or destination (push) that is a path. Empty: the server in the URL",
        ..text_rule!(endpoint, 64)
    },
    FormField { key: "onExists", label: "If a file exists", ..choice_rule!(on_exists, ON_EXISTS) },
    FormField { key: "onFileError", label: "If files of a folder fail", ..choice_rule!(on_file_error, ON_FILE_ERROR) },
    // This field has no key, because only the folder can be wrong.
    FormField {
        card: FormCard::Rules,
        label: "Copied files at the source",
        control: Control::Choice(|| pairs(&AFTER_SUCCESS)),
        initial: || AFTER_SUCCESS[0].0.to_owned(),
        read: |job| {
            let rule = job.after_success.as_deref();
            rule.map(|rule| if rule.starts_with(MOVE_TO) { MOVE_TO } else { rule }.to_owned())
        },
        write: |input, rule| input.after_success = (rule != AFTER_SUCCESS[0].0).then(|| rule.to_owned()),
        ..PLAIN
    },
    FormField {
        card: FormCard::Rules,
        key: "afterSuccess",
        label: "Folder to move them to",
        hint: "An absolute path on the same server or machine, or a path inside the folder of the source",
        control: Control::Text { bounds: (1, 4000), is_required: true },
        only_if: Some(is_move),
        read: |job| job.after_success.as_deref().and_then(|rule| rule.strip_prefix(MOVE_TO)).map(ToOwned::to_owned),
        write: |input, folder| {
            if let Some(rule) = input.after_success.as_mut().filter(|rule| is_move(rule)) {
                rule.push_str(folder.trim());
            }
        },
        ..PLAIN
    },
    FormField { key: "symlinks", label: "Symbolic links", ..choice_rule!(symlinks, SYMLINKS) },
    FormField {
        card: FormCard::Rules,
        key: "preserve",
        label: "Attributes to keep",
        control: Control::Choice(|| pairs(&PRESERVE)),
        read: |job| job.preserve.as_deref().map(preserve_name),
        write: |input, name| input.preserve = preserve_of(name),
        ..PLAIN
    },
    FormField { key: "verify", label: "Verification", ..choice_rule!(verify, VERIFICATIONS) },
    FormField {
        card: FormCard::Policies,
        key: "overlap",
        label: "If an earlier run is still active",
        ..choice!(overlap, OVERLAPS)
    },
    FormField {
        card: FormCard::Policies,
        key: "catchUp",
        label: "Slots missed while no server was running",
        ..choice!(catch_up, CATCH_UPS)
    },
    FormField {
        card: FormCard::Policies,
        key: "maxAttempts",
        label: "Maximum attempts",
        hint: "1 means that a failed run is not retried",
        control: Control::Number { bounds: (1, 20) },
        initial: || "1".to_owned(),
        read: |job| job.retry.as_ref().map(|retry| retry.max_attempts.to_string()),
        write: |input, attempts| {
            input.retry = several(attempts).map(|max_attempts| RetryInput {
                max_attempts,
                initial_delay: None,
                factor: None,
                max_delay: None,
            });
        },
        ..PLAIN
    },
    FormField {
        key: "initialDelay",
        label: "Delay before the first retry",
        hint: "Such as 30s or 5m",
        initial: || "30s".to_owned(),
        read: |job| job.retry.as_ref().map(|retry| retry.initial_delay.0.clone()),
        write: |input, delay| {
            if let Some(retry) = &mut input.retry {
                retry.initial_delay = Some(Duration(delay.trim().to_owned()));
            }
        },
        check: duration_problem,
        ..OF_RETRIES
    },
    FormField {
        key: "factor",
        label: "Backoff factor",
        hint: "1 to 100: each delay is this many times the previous one",
        initial: || "2".to_owned(),
        read: |job| job.retry.as_ref().map(|retry| browser::number_text(retry.factor)),
        write: |input, factor| {
            if let Some(retry) = &mut input.retry {
                retry.factor = browser::number(factor);
            }
        },
        check: |factor| browser::number(factor).is_none().then_some("Must be a number from 1 to 100."),
        ..OF_RETRIES
    },
    FormField {
        key: "maxDelay",
        label: "Maximum delay",
        hint: "Such as 1h",
        initial: || "1h".to_owned(),
        read: |job| job.retry.as_ref().map(|retry| retry.max_delay.0.clone()),
        write: |input, delay| {
            if let Some(retry) = &mut input.retry {
                retry.max_delay = Some(Duration(delay.trim().to_owned()));
            }
        },
        check: duration_problem,
        ..OF_RETRIES
    },
];

/// The defaults of a field of the retry policy, which is shown only if failed runs are retried.
const OF_RETRIES: FormField = FormField { card: FormCard::Policies, only_if: Some(has_retries), ..PLAIN };

/// The maximum number of attempts; `None` if there is only one attempt, so that there are no retries.
fn several(attempts: &str) -> Option<i32> {
    browser::whole_number(attempts).filter(|most| *most > 1)
}

fn has_retries(attempts: &str) -> bool {
    several(attempts).is_some()
}

/// Whether the choice needs a folder.
fn is_move(choice: &str) -> bool {
    choice == MOVE_TO
}

/// The name in [`PRESERVE`] for the attributes that a job keeps.
fn preserve_name(kept: &[PreservedAttribute]) -> String {
    let words: Vec<&str> = kept.iter().map(|kept| name_of(&ATTRIBUTES, kept)).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(" ") }
}

/// The attributes for a name in [`PRESERVE`]; `None` for the default.
fn preserve_of(name: &str) -> Option<Vec<PreservedAttribute>> {
    let is_named = |word: &str| name.split(' ').any(|named| named == word);
    let kept = ATTRIBUTES.iter().filter(|(_, word, _)| is_named(word)).map(|(kept, ..)| *kept).collect();
    (!name.is_empty()).then_some(kept)
}

fn options<T>(table: &[(T, &'static str, &'static str)]) -> Vec<(String, String)> {
    table.iter().map(|(_, word, label)| ((*word).to_owned(), (*label).to_owned())).collect()
}

fn pairs(table: &[(&str, &str)]) -> Vec<(String, String)> {
    table.iter().map(|(name, label)| ((*name).to_owned(), (*label).to_owned())).collect()
}

fn duration_problem(text: &str) -> Option<&'static str> {
    (!is_duration(text)).then_some("Must be a duration such as 30s, 5m or 1h30m.")
}

/// Whether a text is a duration such as `1h30m`: numbers with units, larger ones first.
fn is_duration(text: &str) -> bool {
    const UNITS: &str = "dhms";
    let (mut has_digit, mut units) = (false, UNITS);
    for letter in text.trim().chars() {
        match units.split_once(letter) {
            _ if letter.is_ascii_digit() => has_digit = true,
            Some((_, smaller)) if has_digit => (has_digit, units) = (false, smaller),
            _ => return false,
        }
    }
    !has_digit && units != UNITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_and_its_time_zone_are_the_first_fields() {
        assert_eq!([FIELDS[0].key, FIELDS[1].key], ["schedule", "timezone"]);
    }

    #[test]
    fn durations_have_units() {
        for text in ["30s", "5m", "1h30m", " 1d "] {
            assert!(is_duration(text), "{text}");
        }
        for text in ["", "5", "soon", "1h30", "s", "1 h", "1m1h", "1m1m"] {
            assert!(!is_duration(text), "{text}");
        }
    }
}
