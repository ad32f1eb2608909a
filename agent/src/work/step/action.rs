//! The actions of pipeline steps, as a directive describes them.

use mftplus_protocol::archive::Format;
use mftplus_protocol::step::StepType;
use mftplus_protocol::wire::Protocol;
use serde::Deserialize;
use serde_json::Value;

use crate::server::wire::Direction;
use crate::transfer::state::Verify;

/// The action of one step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum StepAction {
    Transfer {
        source: String,
        destination: String,
        #[serde(default = "local")]
        protocol: String,
        #[serde(default)]
        direction: Direction,
        #[serde(default)]
        verify: Option<Verify>,
    },
    Checksum {
        path: String,
        #[serde(default)]
        expected: Option<String>,
    },
    Compress {
        path: String,
        #[serde(default)]
        output: Option<String>,
        #[serde(default)]
        format: Option<Format>,
    },
    Decompress {
        path: String,
        #[serde(default)]
        output: Option<String>,
        #[serde(default)]
        format: Option<Format>,
    },
    Rename {
        from: String,
        to: String,
    },
    Delete {
        path: String,
    },
}

fn local() -> String {
    Protocol::Local.to_string()
}

impl StepAction {
    /// Parses the `step` of a directive; the error says what this agent cannot carry out.
    pub(crate) fn read(step: &Value) -> Result<Self, String> {
        let kind = step.get("type").and_then(Value::as_str).unwrap_or_default();
        if !StepType::from_word(kind).is_some_and(StepType::is_for_an_agent) {
            return Err(format!("this version of the agent does not know steps of type `{kind}`"));
        }
        serde_json::from_value(step.clone()).map_err(|error| format!("the agent cannot read this {kind} step: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use mftplus_protocol::archive::Format;
    use serde_json::json;

    use super::StepAction;

    #[test]
    fn a_step_is_read_with_what_it_leaves_out() {
        let step =
            json!({"id": "pack", "attempt": 2, "type": "compress", "path": "/a", "output": null, "format": "zstd"});
        let expected = StepAction::Compress { path: "/a".into(), output: None, format: Some(Format::Zstd) };
        assert_eq!(StepAction::read(&step), Ok(expected));
        assert!(
            StepAction::read(&json!({"type": "transfer", "source": "/a", "destination": "/b", "verify": "sha256"}))
                .is_ok()
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let unknown = StepAction::read(&json!({"type": "encrypt", "path": "/a"}));
        assert!(unknown.is_err_and(|error| error.contains("`encrypt`")));
        let incomplete = StepAction::read(&json!({"type": "rename", "from": "/a"}));
        assert!(incomplete.is_err_and(|error| error.contains("`to`")));
    }
}
