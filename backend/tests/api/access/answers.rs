//! One answer of each operation, whole. Read the difference before you accept another one: clients have to read it too.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{TABLE, World, operations};
use crate::support::redacted;

/// Answers that say what runs beside the server, and the schema of definitions, which has a snapshot of its own.
const ELSEWHERE: [&str; 3] = ["get_health", "get_readiness", "get_pipeline_schema"];

#[tokio::test]
async fn every_operation_answers_as_its_snapshot() {
    let (world, operations) = (World::new().await, operations());
    let mut answers = BTreeMap::new();
    for (id, expected) in TABLE.into_iter().filter(|(id, _)| !ELSEWHERE.contains(id)) {
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
