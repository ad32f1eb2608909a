//! The keys of steps in a definition.

use mftplus_protocol::{archive::Format, step::StepType};
use strum::VariantNames;

use super::{
    AFTER_SUCCESS, AGENT, BODY, CONFIG_NAME, Choice, EXPECTED, Form, Key, PATH, RETRY, Shape, TIMEOUT, Text, Variant,
    WEB_URL, optional, required, text,
};
use crate::model::{
    copy_rules::{OnExists, OnFileError, PreservedAttribute, SymlinkRule, Verify},
    definition::when::When,
};

const FORMAT: Shape = Shape::Keyword(Format::NAMES);

/// The keys of a step, by its type.
pub(in crate::model::definition) static STEP: Choice = Choice {
    what: "a step",
    by: "type",
    about: "Type of the step.",
    common: &[
        required(
            "id",
            Shape::Text(Text { form: Form::Id, ..text("a name such as fetch: letters, digits, `-` and `_`", 64) }),
            "Id of the step, unique in the definition.",
        ),
        optional("needs", Shape::Needs, "Ids of the steps that must end before this one starts."),
        optional(
            "when",
            Shape::Keyword(When::VARIANTS),
            "How the steps in needs must have ended for this one to run. Default: success.",
        ),
        optional(
            "agent",
            AGENT,
            "Id, name or host name of the agent that runs the step. Default: the agent of the definition.",
        ),
        optional(
            "retry",
            Shape::Mapping(&RETRY),
            "Retry policy of the step. Default: the retry policy of the definition.",
        ),
        optional("timeout", TIMEOUT, "Maximum duration of one attempt, such as 10m."),
    ],
    variants: &[
        Variant {
            keyword: StepType::Transfer.as_str(),
            about: "Copies files from source to destination.",
            keys: &[
                optional("source", Shape::Endpoint, "Source of the copy. Default: the source of the definition."),
                optional(
                    "destination",
                    Shape::Endpoint,
                    "Destination of the copy. Default: the destination of the definition.",
                ),
                optional(
                    "credentials",
                    Shape::Text(CONFIG_NAME),
                    "Name of the set of credentials in the agent's configuration. Default: the credentials of the \
                     endpoint, or the set with the host.",
                ),
                optional(
                    "endpoint",
                    Shape::Text(CONFIG_NAME),
                    "Name of the endpoint in the agent's configuration that replaces host, port and user of the side that is \
                     on a server. Default: the server as written.",
                ),
                optional(
                    "onExists",
                    Shape::Keyword(OnExists::VARIANTS),
                    "What happens to a file that exists at the destination. Default: overwrite.",
                ),
                optional(
                    "afterSuccess",
                    Shape::Text(AFTER_SUCCESS),
                    "What happens to a source file once its copy is verified and published: keep, delete, or moveTo: and a \
                     folder, which is an absolute path or a path inside the folder of the source. Default: keep.",
                ),
                optional(
                    "preserve",
                    Shape::Keywords(PreservedAttribute::VARIANTS),
                    "Attributes that the copy keeps of its source. Default: both between local paths, otherwise none.",
                ),
                optional(
                    "onFileError",
                    Shape::Keyword(OnFileError::VARIANTS),
                    "What happens to a folder of which some files cannot be copied: fail publishes none, skip the others. \
                     Default: fail.",
                ),
                optional(
                    "symlinks",
                    Shape::Keyword(SymlinkRule::VARIANTS),
                    "What happens to symbolic links in a folder. Default: keep.",
                ),
                optional(
                    "verify",
                    Shape::Keyword(Verify::VARIANTS),
                    "How the copy is compared with the source. Default: sha256.",
                ),
            ],
        },
        Variant {
            keyword: StepType::Checksum.as_str(),
            about: "Computes the SHA-256 of a file, and compares it with an expected one.",
            keys: &[
                required("path", Shape::Text(PATH), "Path of the file."),
                optional(
                    "expected",
                    Shape::Text(EXPECTED),
                    "Expected SHA-256 of the file, as 64 hexadecimal digits. Default: no comparison.",
                ),
            ],
        },
        Variant { keyword: StepType::Compress.as_str(), about: "Compresses a file.", keys: PACKING },
        Variant { keyword: StepType::Decompress.as_str(), about: "Decompresses a file.", keys: PACKING },
        Variant {
            keyword: StepType::Rename.as_str(),
            about: "Renames or moves a file.",
            keys: &[
                required("from", Shape::Text(PATH), "Path of the file."),
                required("to", Shape::Text(PATH), "New path of the file."),
            ],
        },
        Variant {
            keyword: StepType::Delete.as_str(),
            about: "Deletes a file.",
            keys: &[required("path", Shape::Text(PATH), "Path of the file.")],
        },
        Variant {
            keyword: StepType::Webhook.as_str(),
            about: "Sends a POST request from the MFTPlus server to a URL, signed with the webhook secret if there is one.",
            keys: &[
                required(
                    "url",
                    Shape::Text(WEB_URL),
                    "URL with http or https. A parameter is percent-encoded (`| uri`), unless it is the whole URL or has the \
                     filter `| raw`.",
                ),
                optional(
                    "body",
                    Shape::Text(BODY),
                    "Body of the request. Default: the state of the run as JSON. If the body is JSON, a parameter inside a \
                     string is escaped, and elsewhere it is inserted as a JSON value (`| json`), unless it has the filter \
                     `| raw`.",
                ),
            ],
        },
    ],
};

const PACKING: &[Key] = &[
    required("path", Shape::Text(PATH), "Path of the file."),
    optional(
        "output",
        Shape::Text(PATH),
        "Path of the result, or of a folder for it if the path ends with a slash. Default: the path of the file with the \
         extension of the format added or removed.",
    ),
    optional(
        "format",
        FORMAT,
        "Compression format. Default: the one of the file extension; without one, gzip to compress, or the format of the \
         file's content to decompress.",
    ),
];

/// The bounds of the text under a key of a step. The key must be one of that type of step: the reader accepts no other
/// keys.
pub(in crate::model::definition) fn step_text(step_type: StepType, key: &str) -> &'static Text {
    let variant = STEP.variants.iter().find(|variant| variant.keyword == step_type.as_str());
    let found = variant.and_then(|variant| variant.keys.iter().find(|candidate| candidate.name == key));
    match found.map(|key| &key.shape) {
        Some(Shape::Text(text)) => text,
        _ => &PATH,
    }
}

#[cfg(test)]
mod tests {
    use mftplus_protocol::step::StepAction;

    use super::*;
    use crate::model::copy_rules::CopyRules;

    #[test]
    fn the_keys_of_a_step_type_are_the_fields_of_its_action() {
        let read = |step_type: StepType, missing: &str| {
            let text = |key: &'static str| (key != missing).then_some(key);
            StepAction::read(step_type, text, |_| None, || ())
        };
        let types: Vec<&str> = STEP.variants.iter().map(|variant| variant.keyword).collect();
        assert_eq!(types, StepType::NAMES);
        for (step_type, variant) in StepType::ALL.iter().zip(STEP.variants) {
            let action = read(*step_type, "").unwrap();
            if *step_type == StepType::Transfer {
                let keys: Vec<&str> = variant.keys.iter().map(|key| key.name).collect();
                let rules: Vec<&str> = ["source", "destination"].iter().chain(CopyRules::KEYS).copied().collect();
                assert_eq!(keys, rules);
                continue;
            }
            let fields: Vec<&str> = action.fields().into_iter().map(|(name, _)| name).collect();
            let keys: Vec<&str> = variant.keys.iter().map(|key| key.name).collect();
            assert_eq!(fields, keys, "{}", variant.keyword);
            for key in variant.keys {
                assert_eq!(read(*step_type, key.name).is_none(), key.is_required, "{} {}", variant.keyword, key.name);
            }
        }
    }
}
