//! The served JSON Schema compared with the validator: YAML is read by a third-party library and validated with
//! `jsonschema`.

use backend::model::definition::schema;
use jsonschema::Validator;
use serde_json::Value;

use crate::{Case, cases};

/// Definitions that only the validator refuses, each with the rule that JSON Schema cannot express.
const BEYOND: &[(&str, &str)] = &[
    ("bad/bidi", "what stands in comments"),
    ("bad/directive", "directives"),
    ("bad/duration-long", "the bounds of durations"),
    ("bad/endpoint-without-a-server", "one place against another"),
    ("bad/merge-key", "merge keys, which this library of others merges"),
    ("bad/needs-in-a-circle", "circles"),
    ("bad/needs-itself", "circles"),
    ("bad/output-folder-without-a-name", "names"),
    ("bad/parameter-empty-place", "text that parameters are filled into"),
    ("bad/parameter-in-block", "parameters that are not there"),
    ("bad/parameter-none-declared", "parameters that are not there"),
    ("bad/parameter-unknown", "parameters that are not there"),
    ("bad/password", "passwords in URLs"),
    ("bad/password-from-parameter", "passwords in URLs"),
    ("bad/password-in-step-and-parameter", "passwords in URLs"),
    ("bad/place-file-url", "the parts of URLs"),
    ("bad/place-port", "the parts of URLs"),
    ("bad/retry-shrinks", "one duration against another"),
    ("bad/schedule-field", "schedules"),
    ("bad/schedule-never", "schedules"),
    ("bad/schedule-six-fields", "schedules"),
    ("bad/schedule-word", "schedules"),
    ("bad/server-to-server", "one place against another"),
    ("bad/step-id-twice", "ids that stand twice"),
    ("bad/tag", "tags"),
    ("bad/timezone", "time zones"),
];

fn validator() -> Validator {
    jsonschema::draft202012::options().build(&schema()).expect("a schema")
}

/// The text as JSON; `None` if it is not YAML, or not one document.
fn json(text: &str) -> Option<Value> {
    serde_saphyr::from_str(text.trim_start_matches('\u{feff}')).ok()
}

#[test]
fn the_schema_is_one() {
    assert!(jsonschema::draft202012::meta::is_valid(&schema()));
}

#[test]
fn the_schema_accepts_what_the_validator_accepts() {
    let validator = validator();
    for case in cases().into_iter().filter(Case::is_good) {
        let json = json(&case.text).unwrap_or_else(|| panic!("{} is no YAML", case.name));
        let problems: Vec<String> =
            validator.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", case.name);
    }
}

#[test]
fn the_schema_refuses_what_the_validator_refuses_but_for_a_list() {
    let validator = validator();
    let accepted = |case: &Case| json(&case.text).is_some_and(|json| validator.is_valid(&json));
    let bad = cases().into_iter().filter(|case| !case.is_good());
    let found: Vec<String> = bad.filter(accepted).map(|case| case.name).collect();
    let listed: Vec<&str> = BEYOND.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, listed);
}
