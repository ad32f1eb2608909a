//! One answer of each field at the root of the schema, with the objects that it gives but not what they link to. Read the
//! difference before you accept another one: clients have to read it too.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{TABLE, World};
use crate::support::redacted;

/// The schema of definitions has a snapshot of its own.
const ELSEWHERE: &str = "pipelineSchema";

#[tokio::test]
async fn every_field_at_the_root_answers_as_its_snapshot() {
    let world = World::new().await;
    let mut answers = BTreeMap::new();
    for (root, field, _) in TABLE.into_iter().filter(|(_, field, _)| *field != ELSEWHERE) {
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
