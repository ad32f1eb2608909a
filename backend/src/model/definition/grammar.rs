//! The grammar: tables of the keys and their values. The reader checks by these tables, and the served JSON Schema is
//! generated from them, so the two cannot disagree.

use mftplus_protocol::copy_rules::MAX_CONFIG_NAME;
use strum::VariantNames;

use crate::model::{
    retry::{MAX_ATTEMPTS, MAX_DELAY, MAX_FACTOR},
    schedule::{CatchUp, Overlap},
};

mod steps;

pub(super) use steps::{STEP, step_text};

/// The longest endpoint, path or URL, in characters.
pub(super) const MAX_LOCATION: usize = 4096;
/// The longest body of a webhook, in characters.
pub(super) const MAX_BODY: usize = 16_384;
/// The maximum number of steps.
pub(super) const MAX_STEPS: usize = 200;
/// The maximum number of parameters.
pub(super) const MAX_PARAMETERS: usize = 100;
/// The longest value of a parameter, in characters.
pub(super) const MAX_VALUE: usize = 1024;
/// The longest timeout of a run or a step, in seconds: thirty days.
const MAX_TIMEOUT: u64 = 30 * 86_400;

/// A key of a mapping.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// The description in the JSON Schema.
    pub(super) about: &'static str,
    pub(super) is_required: bool,
    pub(super) shape: Shape,
}

/// The shape of a value.
pub(super) enum Shape {
    /// Text.
    Text(Text),
    /// One of these keywords.
    Keyword(&'static [&'static str]),
    /// A list of these keywords, each at most once.
    Keywords(&'static [&'static str]),
    /// A number without a fraction.
    Integer { least: i64, most: i64 },
    /// A number.
    Number { least: f64, most: f64 },
    /// A length of time, in seconds.
    Duration { least: u64, most: u64 },
    /// A source or destination: text, or a mapping by its protocol.
    Endpoint,
    /// A mapping.
    Mapping(&'static Mapping),
    /// The steps.
    Steps,
    /// The ids of steps.
    Needs,
    /// The parameters.
    Parameters,
}

/// The bounds of text.
#[derive(Clone, Copy)]
pub(super) struct Text {
    /// The text that follows "write " in a message, such as `a path on the agent, such as /data/in/a.csv`.
    pub(super) what: &'static str,
    /// The maximum length, in characters.
    pub(super) most: usize,
    /// Whether the text may have placeholders.
    pub(super) is_template: bool,
    /// Whether the text may have several lines.
    pub(super) has_lines: bool,
    /// What the text stands for, which decides how it is checked.
    pub(super) form: Form,
}

/// The form of text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Any text.
    Free,
    /// An id of a step.
    Id,
    /// A SHA-256, after parameters are filled in.
    Sha256,
    /// A path, or a URL of a protocol that agents speak.
    Location,
    /// A path on the agent, or a `file:` URL.
    Path,
    /// The path of an endpoint that is given in parts.
    PathPart,
    /// Names of files, with wildcards.
    Pattern,
    /// The name of credentials or an endpoint in the agent's configuration.
    ConfigName,
    /// What happens to a source file after its copy.
    AfterSuccess,
    /// The URL of a web server.
    WebUrl,
    /// The body of a webhook.
    Body,
}

/// A mapping with its keys.
pub(super) struct Mapping {
    /// The description of the mapping in messages.
    pub(super) what: &'static str,
    pub(super) keys: &'static [Key],
}

/// A mapping whose keys depend on the keyword of one of them.
pub(super) struct Choice {
    /// The description of the mapping in messages.
    pub(super) what: &'static str,
    /// The key with the keyword.
    pub(super) by: &'static str,
    /// The description of that key.
    pub(super) about: &'static str,
    /// The keys of all variants.
    pub(super) common: &'static [Key],
    /// The variants.
    pub(super) variants: &'static [Variant],
}

/// A keyword with its own keys.
pub(super) struct Variant {
    pub(super) keyword: &'static str,
    pub(super) about: &'static str,
    pub(super) keys: &'static [Key],
}

const fn required(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, about, is_required: true, shape }
}

const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key { name, about, is_required: false, shape }
}

const fn text(what: &'static str, most: usize) -> Text {
    Text { what, most, is_template: false, has_lines: false, form: Form::Free }
}

const fn template(what: &'static str, most: usize) -> Text {
    Text { is_template: true, ..text(what, most) }
}

/// The bounds of an endpoint that is written as text.
pub(super) const ENDPOINT_TEXT: Text =
    Text { form: Form::Location, ..template("a path, or a URL such as sftp://ftp.example.com/exports/", MAX_LOCATION) };
/// The name of a set of credentials or an endpoint.
const CONFIG_NAME: Text = Text {
    form: Form::ConfigName,
    ..text("a name in the agent's configuration: letters, digits, `-`, `_` and `.`", MAX_CONFIG_NAME)
};
/// The bounds of the rule `afterSuccess`.
pub(super) const AFTER_SUCCESS: Text =
    Text { form: Form::AfterSuccess, ..template("keep, delete, or a folder such as moveTo:/data/done/", MAX_LOCATION) };
/// A path on the agent.
const PATH: Text = Text { form: Form::Path, ..template("a path on the agent, such as /data/in/a.csv", MAX_LOCATION) };
/// The expected SHA-256 of a file.
const EXPECTED: Text =
    Text { form: Form::Sha256, ..template("a SHA-256 as 64 hexadecimal digits, in quotes", MAX_VALUE) };
/// The URL of a webhook.
const WEB_URL: Text = Text { form: Form::WebUrl, ..template("a URL such as https://example.com/hook", 2048) };
/// The body of a webhook.
const BODY: Text = Text {
    has_lines: true,
    form: Form::Body,
    ..template("the text to send, such as '{\"text\": \"done\"}'", MAX_BODY)
};
const AGENT: Shape = Shape::Text(text("the id, name or host name of an agent", 255));
const TIMEOUT: Shape = Shape::Duration { least: 1, most: MAX_TIMEOUT };

/// The keys of a definition.
pub(super) static DEFINITION: Mapping = Mapping {
    what: "a definition",
    keys: &[
        optional("version", Shape::Integer { least: 1, most: 1 }, "Version of this language: 1."),
        required("source", Shape::Endpoint, "Source: a URL, a path, or a mapping with a protocol."),
        required("destination", Shape::Endpoint, "Destination: a URL, a path, or a mapping with a protocol."),
        optional(
            "agent",
            AGENT,
            "Id, name or host name of the agent that runs the steps. Default: the customer's only agent.",
        ),
        optional(
            "schedule",
            Shape::Text(text("five cron fields, such as \"0 2 * * *\", or a keyword such as @daily", 255)),
            "Schedule: a cron expression of five fields, or a keyword such as @daily. Default: no schedule.",
        ),
        optional(
            "timezone",
            Shape::Text(text("an IANA time zone, such as Africa/Johannesburg", 64)),
            "IANA name of the schedule's time zone. Default: UTC.",
        ),
        optional(
            "overlap",
            Shape::Keyword(Overlap::VARIANTS),
            "What happens to a slot that is due while an earlier run is active. Default: skip.",
        ),
        optional(
            "catchUp",
            Shape::Keyword(CatchUp::VARIANTS),
            "What happens to slots that passed while no server was running. Default: last.",
        ),
        optional("timeout", TIMEOUT, "Maximum duration of a run, such as 2h."),
        optional("retry", Shape::Mapping(&RETRY), "Retry policy of each step. Default: one attempt."),
        optional(
            "parameters",
            Shape::Parameters,
            "Parameters and their default values. `${{ params.name }}` inserts a value, and may have a filter: \
             `${{ params.name | json }}`, `| uri` or `| raw`.",
        ),
        optional("steps", Shape::Steps, "Steps of the pipeline. Default: one transfer from source to destination."),
    ],
};

/// The keys of a retry policy.
pub(super) static RETRY: Mapping = Mapping {
    what: "`retry`",
    keys: &[
        required(
            "maxAttempts",
            Shape::Integer { least: 1, most: MAX_ATTEMPTS },
            "Maximum number of attempts, including the first.",
        ),
        optional(
            "initialDelay",
            Shape::Duration { least: 0, most: MAX_DELAY },
            "Delay after the first failure. Default: 30s.",
        ),
        optional(
            "factor",
            Shape::Number { least: 1.0, most: MAX_FACTOR },
            "Factor by which each further delay is longer than the one before. Default: 2.",
        ),
        optional(
            "maxDelay",
            Shape::Duration { least: 0, most: MAX_DELAY },
            "Longest delay. Default: 1h, or `initialDelay` if that is longer.",
        ),
    ],
};

/// The keys of an endpoint that is written as a mapping.
pub(super) static ENDPOINT: Choice = Choice {
    what: "an endpoint",
    by: "protocol",
    about: "Protocol of the endpoint.",
    common: &[
        required(
            "path",
            Shape::Text(Text { form: Form::PathPart, ..template("a path, such as /exports/", MAX_LOCATION) }),
            "Path of the file or folder.",
        ),
        optional(
            "pattern",
            Shape::Text(Text { form: Form::Pattern, ..template("a pattern, such as *.csv", 255) }),
            "Pattern of the file names to copy from the folder, such as *.csv.",
        ),
    ],
    variants: &[
        Variant { keyword: "local", about: "A path on the agent's machine.", keys: &[] },
        Variant { keyword: "sftp", about: "A path on an SFTP server.", keys: REMOTE },
        Variant { keyword: "ftp", about: "A path on an FTP server, without encryption.", keys: REMOTE },
        Variant { keyword: "ftps", about: "A path on an FTP server, over TLS.", keys: REMOTE },
    ],
};

const REMOTE: &[Key] = &[
    required(
        "host",
        Shape::Text(template("a host name, such as ftp.example.com", 253)),
        "Host name or IP address of the server, or the name of an endpoint in the agent's configuration.",
    ),
    optional(
        "port",
        Shape::Integer { least: 1, most: 65_535 },
        "Port of the server. Default: the port of the protocol.",
    ),
    optional(
        "credentials",
        Shape::Text(text("the name of a set of credentials in the agent's configuration", 255)),
        "Name of the set of credentials in the agent's configuration.",
    ),
];
