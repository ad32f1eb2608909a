//! The keys of steps.

use mftplus_protocol::{archive::Format, wire::Verify};
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
            keyword: "transfer",
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
            keyword: "checksum",
            about: "Computes the SHA-256 of a file and compares it.",
            keys: &[
                required("path", Shape::Text(PATH), "The file."),
                optional("expected", Shape::Text(EXPECTED), "The SHA-256 it must have, as 64 hexadecimal digits."),
            ],
        },
        Variant { keyword: "compress", about: "Compresses a file.", keys: PACKING },
        Variant { keyword: "decompress", about: "Decompresses a file.", keys: PACKING },
        Variant {
            keyword: "rename",
            about: "Renames or moves a file.",
            keys: &[
                required("from", Shape::Text(PATH), "The file."),
                required("to", Shape::Text(PATH), "What it is called then."),
            ],
        },
        Variant {
            keyword: "delete",
            about: "Deletes a file.",
            keys: &[required("path", Shape::Text(PATH), "The file.")],
        },
        Variant {
            keyword: "webhook",
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
