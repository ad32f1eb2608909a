//! The keys of steps.

use mftplus_protocol::{archive::Format, step::StepType, wire::Verify};
use strum::VariantNames;

use super::{
    AGENT, BODY, Choice, EXPECTED, Form, Key, PATH, RETRY, Shape, TIMEOUT, Text, Variant, WEB_URL, optional, required,
    text,
};
use crate::model::definition::when::When;

const FORMAT: Shape = Shape::Keyword(Format::WORDS);

/// A step.
pub(in crate::model::definition) static STEP: Choice = Choice {
    what: "a step",
    by: "type",
    about: "What the step does.",
    common: &[
        required(
            "id",
            Shape::Text(Text { form: Form::Id, ..text("a name such as fetch: letters, digits, `-` and `_`", 64) }),
            "What the step is called, once in the definition.",
        ),
        optional("needs", Shape::Needs, "The ids of the steps that must have ended before."),
        optional(
            "when",
            Shape::Keyword(When::VARIANTS),
            "What must have become of the steps it needs. Default: success.",
        ),
        optional("agent", AGENT, "The agent that does it. Default: the definition's."),
        optional("retry", Shape::Mapping(&RETRY), "How often it is tried. Default: the definition's."),
        optional("timeout", TIMEOUT, "How long one attempt may take, such as 10m."),
    ],
    variants: &[
        Variant {
            keyword: StepType::Transfer.as_str(),
            about: "Copies from source to destination.",
            keys: &[
                optional("source", Shape::Endpoint, "Where it reads. Default: the definition's."),
                optional("destination", Shape::Endpoint, "Where it writes. Default: the definition's."),
                optional(
                    "verify",
                    Shape::Keyword(Verify::WORDS),
                    "How the copy is compared with what was read. Default: sha256.",
                ),
            ],
        },
        Variant {
            keyword: StepType::Checksum.as_str(),
            about: "Computes the SHA-256 of a file and compares it.",
            keys: &[
                required("path", Shape::Text(PATH), "The file."),
                optional("expected", Shape::Text(EXPECTED), "The SHA-256 it must have, as 64 hexadecimal digits."),
            ],
        },
        Variant { keyword: StepType::Compress.as_str(), about: "Compresses a file.", keys: PACKING },
        Variant { keyword: StepType::Decompress.as_str(), about: "Decompresses a file.", keys: PACKING },
        Variant {
            keyword: StepType::Rename.as_str(),
            about: "Renames or moves a file.",
            keys: &[
                required("from", Shape::Text(PATH), "The file."),
                required("to", Shape::Text(PATH), "What it is called then."),
            ],
        },
        Variant {
            keyword: StepType::Delete.as_str(),
            about: "Deletes a file.",
            keys: &[required("path", Shape::Text(PATH), "The file.")],
        },
        Variant {
            keyword: StepType::Webhook.as_str(),
            about: "Tells a web server, by a signed POST from this server.",
            keys: &[
                required(
                    "url",
                    Shape::Text(WEB_URL),
                    "Whom to tell: an http or https URL. A parameter is percent-encoded (`| uri`), unless it is the whole URL \
                     or says `| raw`.",
                ),
                optional(
                    "body",
                    Shape::Text(BODY),
                    "What to send. Default: what the run has come to, as JSON. Where the text is JSON, a parameter is escaped \
                     inside a string, and elsewhere it is a value (`| json`), unless it says `| raw`.",
                ),
            ],
        },
    ],
};

const PACKING: &[Key] = &[
    required("path", Shape::Text(PATH), "The file."),
    optional(
        "output",
        Shape::Text(PATH),
        "What is written, or the folder for it if it ends in a slash. Default: the path with the format's ending added \
         or taken away.",
    ),
    optional("format", FORMAT, "The format. Default: as the name ends, else gzip, or what the file says that it is."),
];

/// The bounds of a text of a step. The reader gives a step no other keys than those of its table.
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

    #[test]
    fn the_keys_of_a_step_type_are_the_fields_of_its_action() {
        let read = |step_type: StepType, missing: &str| {
            let text = |key: &'static str| (key != missing).then_some(key);
            StepAction::read(step_type, text, |_| None, || ())
        };
        let types: Vec<&str> = STEP.variants.iter().map(|variant| variant.keyword).collect();
        assert_eq!(types, StepType::WORDS);
        for (step_type, variant) in StepType::ALL.iter().zip(STEP.variants) {
            let action = read(*step_type, "").unwrap();
            if *step_type == StepType::Transfer {
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
