//! Snapshots of one answer of each root field of the schema, with its objects but not their links. Read the difference
//! before you accept a new one: clients have to read it too.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{TABLE, World};
use crate::support::redacted;

/// The field with the JSON Schema, which has its own snapshot, and those about views, which are not the
/// administrator's.
const ELSEWHERE: [&str; 3] = ["pipelineSchema", "updateView", "deleteView"];

#[tokio::test]
async fn every_field_at_the_root_answers_as_its_snapshot() {
    let world = World::new().await;
    let mut answers = BTreeMap::new();
    for &(root, field, _) in TABLE.iter().filter(|(_, field, _)| !ELSEWHERE.contains(field)) {
        let fields = world.schema.fields(root);
        let (_, ty) = fields.into_iter().find(|(name, _)| *name == field).expect("a field of the schema");
        let is_leaf = world.schema.is_leaf(ty);
        let selection = if is_leaf { String::new() } else { format!("{{ {} }}", world.schema.everything(ty, 1)) };
        let (operation, arguments) = (root.to_lowercase(), world.arguments(field).await);
        let query = format!("{operation} {{ {field}{arguments} {selection} }}");
        let data = world.caller("an administrator").await.data(&query, &Value::Null).await;
        answers.insert(format!("{root}.{field}"), redacted(&data[field]));
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, sort_maps => true }, {
        insta::assert_json_snapshot!("answers", answers);
    });
}
