//! Parses the action of a pipeline step from its directive.

use mftplus_protocol::step::StepType;
use mftplus_protocol::wire::Protocol;
use serde::Deserialize;
use serde_json::Value;

use crate::server::wire::{CopyRuleFields, Direction};
use crate::transfer::state::Verify;

/// The action of one step.
pub(crate) type StepAction = mftplus_protocol::step::StepAction<String, TransferInstruction>;

/// The instruction for the copy of a transfer step. The server may omit fields that have a default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct TransferInstruction {
    pub(crate) source: String,
    pub(crate) destination: String,
    #[serde(default = "local")]
    pub(crate) protocol: String,
    #[serde(default)]
    pub(crate) direction: Direction,
    #[serde(default)]
    pub(crate) verify: Option<Verify>,
    #[serde(flatten)]
    pub(crate) rules: CopyRuleFields,
}

fn local() -> String {
    Protocol::Local.to_string()
}

/// Parses the field `step` of a directive. The error says why this agent cannot carry out the step.
pub(crate) fn read(step: &Value) -> Result<StepAction, String> {
    let kind = step.get("type").and_then(Value::as_str).unwrap_or_default();
    if !StepType::from_name(kind).is_some_and(StepType::is_for_an_agent) {
        return Err(format!("this version of the agent does not know steps of type `{kind}`"));
    }
    serde_json::from_value(step.clone()).map_err(|error| format!("the agent cannot read this {kind} step: {error}"))
}

#[cfg(test)]
mod tests {
    use mftplus_protocol::archive::Format;
    use serde_json::json;

    use super::{StepAction, read};

    #[test]
    fn a_step_is_read_with_what_it_leaves_out() {
        let step =
            json!({"id": "pack", "attempt": 2, "type": "compress", "path": "/a", "output": null, "format": "zstd"});
        let expected = StepAction::Compress { path: "/a".into(), output: None, format: Some(Format::Zstd) };
        assert_eq!(read(&step), Ok(expected));
        assert!(read(&json!({"type": "transfer", "source": "/a", "destination": "/b", "verify": "sha256"})).is_ok());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let unknown = read(&json!({"type": "encrypt", "path": "/a"}));
        assert!(unknown.is_err_and(|error| error.contains("`encrypt`")));
        let webhook = read(&json!({"type": "webhook", "url": "https://example.com/"}));
        assert!(webhook.is_err_and(|error| error.contains("`webhook`")));
        let incomplete = read(&json!({"type": "rename", "from": "/a"}));
        assert!(incomplete.is_err_and(|error| error.contains("`to`")));
    }
}
