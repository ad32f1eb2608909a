//! Tests that compare the responses of projections with those of the library.

use std::collections::HashMap;

use async_graphql::{
    EmptyMutation, EmptySubscription, Schema,
    parser::{
        parse_query, parse_schema,
        types::{BaseType, Type, TypeKind, TypeSystemDefinition},
    },
};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const NO_PERMISSIONS: Viewer = Viewer { may_cancel: false, may_retry: false };
const ADMINISTRATOR: Viewer = Viewer { may_cancel: true, may_retry: true };

/// The root of a schema with one transfer.
struct Root(Transfer);

#[async_graphql::Object]
impl Root {
    async fn transfer(&self) -> &Transfer {
        &self.0
    }
}

/// A transfer with these fields in addition to, or in place of, those of a queued one.
fn transfer(changes: Value) -> Transfer {
    let mut view = json!({
        "id": "0199c1f0-6c00-7000-8000-000000000001", "agentId": "0199c1f0-6c00-7000-8000-000000000002",
        "customerId": "0199c1f0-6c00-7000-8000-000000000003", "source": "sftp://host/\"in\"\\ü", "destination": "/out\n",
        "protocol": "sftp", "direction": "pull", "status": "queued", "progress": 0.0, "bytesTotal": 0,
        "sizeKnown": false, "bytesTransferred": 0, "speed": 0.0, "createdAt": "2026-04-25T13:00:00Z",
        "agent": { "id": "0199c1f0-6c00-7000-8000-000000000002", "name": "edge", "hostname": "edge.example.com" },
        "attempt": 1, "revision": 1, "stalled": false, "network": {},
    });
    if let (Value::Object(view), Value::Object(changes)) = (&mut view, changes) {
        view.extend(changes);
    }
    serde_json::from_value(view).expect("a transfer")
}

fn projection(query: &str, viewer: Viewer) -> Option<Projection> {
    Projection::of(&parse_query(query).expect("a document"), None, viewer)
}

/// The name of a type, without lists around it.
fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(item) => named(item),
    }
}

/// The fields of transfers whose values have no fields of their own.
fn leaves() -> Vec<String> {
    let document = parse_schema(crate::graphql::document()).expect("a schema");
    let types = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(found) => Some((found.node.name.node.to_string(), found.node.kind)),
        _ => None,
    });
    let types: HashMap<String, TypeKind> = types.collect();
    let Some(TypeKind::Object(transfer)) = types.get("Transfer") else { panic!("no transfers in the schema") };
    let is_leaf = |name: &str| types.get(name).is_none_or(|kind| matches!(kind, TypeKind::Scalar | TypeKind::Enum(_)));
    let leaves = transfer.fields.iter().filter(|field| is_leaf(named(&field.node.ty.node)));
    leaves.map(|field| field.node.name.node.to_string()).collect()
}

#[tokio::test]
async fn all_fields_of_a_transfer_itself_are_written_as_the_library_writes_them() {
    let leaves = leaves();
    assert!(leaves.len() > 25, "{leaves:?}");
    let selected = format!(
        "__typename a: id {} network {{ __typename throughputMbps ms: latencyMs packetLossPercent }} id \
         ... on Transfer {{ b: speed ...More }} ... {{ c: source }}",
        leaves.join(" ")
    );
    let more = "fragment More on Transfer { d: errorMessage status }";
    let failed = json!({
        "status": "failed", "progress": 33.25, "bytesTotal": 1_i64 << 60, "bytesTransferred": 12_345_678_901_i64,
        "speed": 1e16, "errorMessage": "no \"space\" left – ünder /data\u{7}", "errorCode": "quotaExceeded",
        "startedAt": "2026-04-25T13:00:00.120Z", "completedAt": "2026-04-25T13:00:00.000001Z",
        "cancelRequestedAt": "2026-04-25T13:00:01Z", "lastProgressAt": "2026-04-25T13:00:02Z",
        "jobRunId": "0199c1f0-6c00-7000-8000-000000000004", "pipelineRunId": "0199c1f0-6c00-7000-8000-000000000005",
        "checksumSha256": "ab", "etaSeconds": 3_000_000_000_i64, "stalled": true, "sizeKnown": true, "revision": 7,
        "network": { "throughputMbps": 0.1, "latencyMs": 4.0, "packetLossPercent": 1e-7 },
    });
    for transfer in [transfer(json!({})), transfer(json!({ "status": "running", "etaSeconds": 4 })), transfer(failed)] {
        let schema = Schema::new(Root(transfer.clone()), EmptyMutation, EmptySubscription);
        let response = schema.execute(format!("{{ transfer {{ {selected} }} }} {more}")).await;
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        let alone = serde_json::to_string(&response.data).expect("JSON");
        let alone = alone.strip_prefix('{').and_then(|alone| alone.strip_suffix('}')).expect("an object");
        let query =
            format!("subscription {{ x: transferUpdated {{ resync __typename transfer {{ {selected} }} }} }} {more}");
        let written = projection(&query, NO_PERMISSIONS).and_then(|projection| projection.write(&transfer, usize::MAX));
        let written = written.expect("a response without the library");
        let expected = format!(r#"{{"data":{{"x":{{"resync":false,"__typename":"TransferUpdate",{alone}}}}}}}"#);
        assert_eq!(String::from_utf8_lossy(&written), expected);
    }
}

#[test]
fn what_a_viewer_may_do_is_written_unless_it_depends_on_the_agent() {
    let query = "subscription { transferUpdated { transfer { viewerCanCancel viewerCanRetry } } }";
    let written = |viewer, status: &str| {
        let projection = projection(query, viewer).expect("a projection");
        let response = projection.write(&transfer(json!({ "status": status })), usize::MAX)?;
        let response: Value = serde_json::from_slice(&response).expect("JSON");
        let transfer = &response["data"]["transferUpdated"]["transfer"];
        Some((transfer["viewerCanCancel"] == true, transfer["viewerCanRetry"] == true))
    };
    assert_eq!(written(NO_PERMISSIONS, "running"), Some((false, false)));
    assert_eq!(written(NO_PERMISSIONS, "failed"), Some((false, false)));
    assert_eq!(written(ADMINISTRATOR, "running"), Some((true, false)));
    assert_eq!(written(ADMINISTRATOR, "completed"), Some((false, false)));
    assert_eq!(written(ADMINISTRATOR, "failed"), None);
}

#[test]
fn a_response_that_is_too_long_is_left_to_the_library() {
    let projection =
        projection("subscription { transferUpdated { transfer { id } } }", NO_PERMISSIONS).expect("a projection");
    let length = projection.write(&transfer(json!({})), usize::MAX).expect("a response").len();
    assert!(projection.write(&transfer(json!({})), length).is_some());
    assert!(projection.write(&transfer(json!({})), length - 1).is_none());
}

#[test]
fn a_document_whose_fragments_repeat_much_text_is_left_to_the_library() {
    let query = |names: usize| {
        let objects =
            (0..names).map(|number| format!("a{number}: transfer {{ ...Long }} ")).collect::<Vec<_>>().concat();
        let name = "x".repeat(4096);
        format!("subscription {{ transferUpdated {{ {objects} }} }} fragment Long on Transfer {{ {name}: id }}")
    };
    assert!(projection(&query(8), NO_PERMISSIONS).is_some());
    assert!(projection(&query(32), NO_PERMISSIONS).is_none());
}

#[rstest]
#[case::link("subscription { transferUpdated { transfer { id agent { id } } } }")]
#[case::list("subscription { transferUpdated { transfer { samples { at } } } }")]
#[case::directive("subscription { transferUpdated { transfer { id status @include(if: true) } } }")]
#[case::fragment_that_may_be_left_out("subscription { transferUpdated { ... @skip(if: false) { resync } } }")]
#[case::interface("subscription { transferUpdated { transfer { ... on Node { id } } } }")]
#[case::merged_objects("subscription { transferUpdated { transfer { id } transfer { status } } }")]
#[case::another_subscription("subscription { agentUpdated { resync } }")]
#[case::query("{ transferUpdated { resync } }")]
fn other_documents_are_left_to_the_library(#[case] query: &str) {
    assert!(projection(query, ADMINISTRATOR).is_none(), "{query}");
}
