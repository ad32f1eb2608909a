//! Shared subscriptions: each subscriber gets what it would have got alone, and all of them get the same bytes.

use backend::{
    graphql::{self, Deliveries},
    transport::ConnectionLimits,
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::{Story, TRANSFERS, event_log, transfer_message};
use crate::support::{TestListener, graphql::Schema};

/// Selections of this type: any of its fields in any order, some with an alias or in a fragment, and links up to this
/// depth.
fn selections(schema: &Schema, of: &str, depth: usize) -> BoxedStrategy<String> {
    let fields: Vec<BoxedStrategy<String>> = schema
        .fields(of)
        .into_iter()
        .filter_map(|(name, ty)| match (schema.is_leaf(ty), depth) {
            (true, _) => Some(Just(name.to_owned()).boxed()),
            (false, 0) => None,
            (false, _) => {
                let name = name.to_owned();
                Some(selections(schema, ty, depth - 1).prop_map(move |all| format!("{name} {{ {all} }}")).boxed())
            }
        })
        .collect();
    let (ways, of) = (vec(0_u8..6, fields.len()), of.to_owned());
    let chosen = (fields, ways).prop_map(move |(fields, ways)| {
        let chosen = fields.into_iter().zip(ways).enumerate().filter_map(|(index, (field, way))| match way {
            0..=2 => None,
            3 => Some(field),
            4 => Some(format!("a{index}: {field}")),
            _ => Some(format!("... on {of} {{ {field} }}")),
        });
        chosen.collect::<Vec<_>>()
    });
    // Something has to be selected.
    chosen.prop_shuffle().prop_map(|chosen| format!("__typename {}", chosen.join(" "))).boxed()
}

/// Starts the same subscription for two users of one customer, and compares it after each change with a query over
/// HTTP.
async fn compare(selection: &str) {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let query = format!(
        "subscription ($initial: Boolean) {{ transferUpdated(initial: $initial) {{ transfer {{ {selection} }} }} }}"
    );
    let mut subscribers =
        [server.subscriber(&story.customer.token).await, server.subscriber(&story.customer.token).await];
    for subscriber in &mut subscribers {
        subscriber.watch("whole", &query).await;
    }
    let lone = format!("{{ transfer(id: \"{}\") {{ {selection} }} }}", story.transfer);
    for report in [
        json!({ "status": "running", "bytesTransferred": 333, "speed": 10, "latencyMs": 4.5 }),
        json!({ "bytesTransferred": 500, "packetLossPercent": 0.1 }),
        json!({ "status": "failed", "error": "no \"space\" left – ünder /data" }),
    ] {
        story.report(&report).await;
        let alone = story.app.bearer(&story.customer.token).data(&lone, &json!({})).await;
        let received = [subscribers[0].receive_text().await, subscribers[1].receive_text().await];
        assert_eq!(received[0], received[1], "{selection}");
        let received: Value = serde_json::from_str(&received[0]).expect("JSON");
        // Whole messages, but for the order of fields within an object: the library puts them as they come.
        let data = json!({ "transferUpdated": alone });
        assert_eq!(received, json!({ "id": "whole", "type": "next", "payload": { "data": data } }), "{selection}");
    }
}

#[tokio::test]
async fn an_answer_without_links_is_what_a_lone_execution_gives() {
    let schema = Schema::read();
    let leaves = schema.fields("Transfer").into_iter().filter(|(_, ty)| schema.is_leaf(ty)).map(|(name, _)| name);
    let leaves = leaves.collect::<Vec<_>>().join(" ");
    Box::pin(compare(&format!("{leaves} network {{ latencyMs packetLossPercent throughputMbps }}"))).await;
}

#[tokio::test]
async fn sockets_are_served_on_a_runtime_of_their_own() {
    let story = Story::begin().await;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    // A runtime must not be dropped by a task.
    let runtime = Box::leak(Box::new(runtime.expect("a runtime")));
    let deliveries = Deliveries::on(runtime.handle().clone());
    let settings = graphql::Settings { deliveries, ..story.app.app.graphql(&story.app.settings) };
    let server = TestListener::of(graphql::router(settings), ConnectionLimits::of_api(100)).await;
    let mut subscribers =
        [server.subscriber(&story.customer.token).await, server.subscriber(&story.customer.token).await];
    for subscriber in &mut subscribers {
        subscriber.watch("states", TRANSFERS).await;
    }
    for report in [json!({ "status": "running" }), json!({ "bytesTransferred": 5 }), json!({ "bytesTransferred": 7 })] {
        let transfer = story.report(&report).await;
        for subscriber in &mut subscribers {
            assert_eq!(subscriber.data("states").await, transfer_message(&transfer));
        }
    }
    subscribers[0].subscribe("once", "{ me { role } }").await;
    assert_eq!(subscribers[0].data("once").await, json!({ "me": { "role": "CUSTOMER" } }));
    let cursor = event_log::newest(&story).await;
    let mut follower = server.subscriber(&story.customer.token).await;
    follower.subscribe("log", &event_log::follow(Some(&cursor))).await;
    story.report(&json!({ "status": "completed" })).await;
    assert_eq!(event_log::event(&mut follower, "log").await.0, "TRANSFER_STATUS_CHANGED");
    story.app.app.stop.cancel();
    for subscriber in subscribers.iter_mut().chain([&mut follower]) {
        assert_eq!(subscriber.closed().await.0, 1012);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_shared_answer_is_what_a_lone_execution_gives(selection in selections(&Schema::read(), "Transfer", 2)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(compare(&selection));
    }
}
