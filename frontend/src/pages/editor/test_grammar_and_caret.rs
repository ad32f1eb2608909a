//! Helpers of the tests for completions and for the descriptions of keys.

use crate::{api::definition_dry_run_and_schema::Grammar, json};

/// A grammar like that of the server, with references, lists, lists of allowed values, and variants that a key
/// distinguishes.
pub(super) fn grammar() -> Grammar {
    const TEXT: &str = r##"{
        "properties": {
            "source": {"$ref": "#/$defs/place", "description": "Where it reads."},
            "steps": {"items": {"$ref": "#/$defs/step"}, "type": "array", "description": "What is done."},
            "retry": {"$ref": "#/$defs/retry"},
            "overlap": {"enum": ["skip", "queue", "allow"], "description": "What then."}
        },
        "required": ["source"],
        "$defs": {
            "place": {"anyOf": [{"type": "string"}, {"properties": {"host": {}, "path": {"description": "Its path."}}}]},
            "retry": {
                "description": "How often.",
                "properties": {"factor": {"description": "The factor."}, "maxAttempts": {}},
                "required": ["maxAttempts"]
            },
            "step": {"oneOf": [
                {
                    "properties": {
                        "id": {}, "type": {"const": "delete", "description": "Deletes."}, "needs": {"items": {}},
                        "path": {"description": "What is deleted."}
                    },
                    "required": ["type", "id", "path"]
                },
                {
                    "properties": {
                        "id": {}, "type": {"const": "rename", "description": "Renames."},
                        "path": {"description": "What is renamed."}, "to": {}
                    },
                    "required": ["type", "id"]
                }
            ]}
        },
        "additionalProperties": false
    }"##;
    json::read(TEXT).unwrap()
}

/// A text without its mark `|`, and the byte offset of the mark: the caret.
pub(super) fn caret(text: &str) -> (String, usize) {
    let place = text.find('|').unwrap();
    (text.replacen('|', "", 1), place)
}
