//! Snapshots of one complete answer of each operation. Read the difference before you accept a new one: clients have to
//! read it too.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{TABLE, World, operations};
use crate::support::redacted;

/// Operations whose answers depend on the environment, the JSON Schema, which has its own snapshot, and certificates,
/// whose keys are generated each time.
const ELSEWHERE: [&str; 5] =
    ["get_health", "get_readiness", "get_pipeline_schema", "get_certificate_authority", "issue_agent_certificate"];

#[tokio::test]
async fn every_operation_answers_as_its_snapshot() {
    let (world, operations) = (World::new().await, operations());
    let mut answers = BTreeMap::new();
    for &(id, expected) in TABLE.iter().filter(|(id, _)| !ELSEWHERE.contains(id)) {
        let caller = expected.iter().rposition(|status| *status < 300).expect("a caller who may");
        let answer = world.call(id, &operations[id], caller).await;
        let body = match &answer.body {
            Value::Null => json!(String::from_utf8_lossy(&answer.bytes)),
            body => body.clone(),
        };
        answers.insert(id, json!({ "status": answer.status, "body": redacted(&body) }));
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, sort_maps => true }, {
        insta::assert_json_snapshot!("answers", answers);
    });
}
