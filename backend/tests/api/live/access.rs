//! The access table of subscriptions: every subscription of the schema, requested by every kind of caller over a real
//! socket.

use serde_json::{Value, json};

use crate::{
    graphql::two_customers_and_callers::{OUTCASTS, Side, World},
    support::{Subscriber, TestApp, graphql::Schema, socket_client::TestListener},
};

/// Whether a caller gets updates, or the code of the error.
type Outcome = Result<(), &'static str>;

const UNAUTHENTICATED: Outcome = Err("UNAUTHENTICATED");
const FORBIDDEN: Outcome = Err("FORBIDDEN");
const GIVEN: Outcome = Ok(());

/// The callers, one per column.
const CALLERS: [&str; 4] = ["nobody", "the owner", "another customer's user", "an administrator"];

/// The result of a subscription for each of [`CALLERS`], with the arguments that request everything. Contract, sections
/// 2 and 6.
type Row = (&'static str, &'static str, [Outcome; 4]);

const TABLE: &[Row] = &[
    ("transferUpdated", "(initial: true)", [UNAUTHENTICATED, GIVEN, GIVEN, GIVEN]),
    ("agentUpdated", "(initial: true)", [UNAUTHENTICATED, GIVEN, GIVEN, GIVEN]),
    ("jobUpdated", "(initial: true)", [UNAUTHENTICATED, GIVEN, GIVEN, GIVEN]),
    ("jobRunUpdated", "(initial: true)", [UNAUTHENTICATED, FORBIDDEN, FORBIDDEN, GIVEN]),
    ("pipelineRunUpdated", "(initial: true)", [UNAUTHENTICATED, FORBIDDEN, FORBIDDEN, GIVEN]),
    ("fleetUpdated", "(initial: true)", [UNAUTHENTICATED, GIVEN, GIVEN, GIVEN]),
    ("attentionUpdated", "(initial: true)", [UNAUTHENTICATED, GIVEN, GIVEN, GIVEN]),
    ("events", r#"(after: "AAAAAAAAAAA")"#, [UNAUTHENTICATED, GIVEN, GIVEN, GIVEN]),
];

#[test]
fn every_subscription_of_the_schema_has_a_row() {
    let schema = Schema::read();
    let fields: Vec<_> = schema.fields("Subscription").into_iter().map(|(name, _)| name).collect();
    assert!(fields.len() >= 4, "they are not where they were: {fields:?}");
    for field in fields {
        assert!(TABLE.iter().any(|(name, ..)| *name == field), "{field} has no row in the access table");
    }
}

/// A subscription to everything that is reachable from a field.
fn question(schema: &Schema, field: &str, arguments: &str, who: &str) -> String {
    let ty = schema.fields("Subscription").into_iter().find(|(name, _)| *name == field).map(|(_, ty)| ty);
    let ty = ty.unwrap_or_else(|| panic!("there is no subscription {field}"));
    let all = if who == "an administrator" { schema.everything(ty, 3) } else { schema.granted(ty, 3) };
    format!("subscription {{ {field}{arguments} {{ {all} }} }}")
}

/// Opens a socket of this caller.
async fn socket(world: &World, server: &TestListener, who: &str) -> Subscriber {
    if let Some(token) = world.token(who).await {
        return server.subscriber(&token).await;
    }
    let mut anonymous = server.unauthenticated().await;
    anonymous.send(&json!({ "type": "connection_init" })).await;
    assert_eq!(anonymous.receive().await["type"], "connection_ack");
    anonymous
}

#[tokio::test]
async fn each_subscriber_is_delivered_what_the_contract_grants_and_nothing_of_other_customers() {
    let world = World::new().await;
    for side in [&world.owner, &world.other] {
        let started = world.app.key(&side.agent.key).post(&format!("/api/jobs/{}/runs", side.job), &json!({})).await;
        assert_eq!(started.status, 201, "a run at work is what a subscriber of runs begins with: {}", started.body);
        world.app.run(side.pipeline).await;
    }
    let server = world.app.listen().await;
    let mut watching = Vec::new();
    for &(field, arguments, expected) in TABLE {
        for (who, expected) in CALLERS.into_iter().zip(expected) {
            let mut socket = socket(&world, &server, who).await;
            socket.subscribe(field, &question(&world.schema, field, arguments, who)).await;
            match expected {
                Ok(()) => watching.push((field, who, socket)),
                Err(code) => {
                    let frame = socket.receive().await;
                    assert_eq!(frame["type"], "error", "{field} by {who}: {frame}");
                    assert_eq!(frame["payload"][0]["extensions"]["code"], code, "{field} by {who}: {frame}");
                }
            }
        }
    }
    let mut frames = Vec::new();
    for (field, who, socket) in &mut watching {
        // From here on the subscription is at work.
        frames.push(vec![next_data(socket, field, who).await]);
    }
    // Of each something happens before the last thing that happens to the other.
    for report in [json!({ "status": "running" }), json!({ "status": "completed" })] {
        for side in [&world.other, &world.owner] {
            happen(&world.app, side, &report).await;
        }
    }
    for ((field, who, mut socket), mut frames) in watching.into_iter().zip(frames) {
        let visible: &[&Side] = match who {
            "the owner" => &[&world.owner],
            "another customer's user" => &[&world.other],
            _ => &[&world.owner, &world.other],
        };
        while !has_seen_all(field, &frames, visible) {
            frames.push(next_data(&mut socket, field, who).await);
        }
        assert_nothing_leaks(&world, field, who, &frames);
    }
}

#[tokio::test]
async fn a_socket_with_an_invalid_token_is_closed() {
    let world = World::new().await;
    let server = world.app.listen().await;
    let key = world.owner.agent.key.clone();
    let mut shown = vec![json!({ "X-API-Key": key }), json!({ "Authorization": format!("Bearer {key}") })];
    for who in OUTCASTS {
        if let Some(token) = world.token(who).await {
            shown.push(json!({ "Authorization": format!("Bearer {token}") }));
        }
    }
    assert_eq!(shown.len(), 6);
    for payload in shown {
        for &(field, arguments, _) in TABLE {
            let mut socket = server.unauthenticated().await;
            socket.send(&json!({ "type": "connection_init", "payload": payload })).await;
            socket.subscribe(field, &question(&world.schema, field, arguments, "nobody")).await;
            assert_eq!(socket.receive_close().await, (4403, "Forbidden".to_owned()), "{field} with {payload}");
        }
    }
}

/// The data of the next message.
async fn next_data(socket: &mut Subscriber, field: &str, who: &str) -> Value {
    let mut frame = socket.receive().await;
    assert_eq!(
        (&frame["type"], &frame["payload"]["errors"]),
        (&json!("next"), &Value::Null),
        "{field} by {who}: {frame}"
    );
    frame["payload"]["data"][field].take()
}

/// Sends a report about the transfer of a side, and a heartbeat of its agent.
async fn happen(app: &TestApp, side: &Side, report: &Value) {
    let agent = app.key(&side.agent.key);
    let runs = format!("/api/jobs/{}/runs", side.job);
    let run = agent.post(&runs, &json!({})).await.body["data"]["run"]["id"].clone();
    let run = format!("{runs}/{}", run.as_str().expect("an id"));
    assert_eq!(agent.patch(&run, &json!({ "status": "completed" })).await.status, 200);
    let run = app.run(side.pipeline).await;
    app.step(&side.agent, &run, "transfer", &json!({ "status": "completed" })).await;
    let path = format!("/api/transfers/{}", side.transfer["id"].as_str().expect("an id"));
    assert_eq!(agent.patch(&path, report).await.status, 200);
    assert_eq!(agent.post("/api/agents/heartbeat", &json!({ "load": 0.75 })).await.status, 200);
}

/// Whether the messages contain the latest state of all these sides.
fn has_seen_all(field: &str, frames: &[Value], sides: &[&Side]) -> bool {
    let is_last = |frame: &Value, side: &Side| match field {
        "transferUpdated" => {
            frame["transfer"]["id"] == side.transfer["id"] && frame["transfer"]["status"] == "COMPLETED"
        }
        "jobUpdated" => frame["job"]["id"] == json!(side.job) && frame["job"]["lastRunAt"].is_string(),
        "jobRunUpdated" => frame["jobRun"]["jobId"] == json!(side.job) && frame["jobRun"]["status"] == "COMPLETED",
        "pipelineRunUpdated" => {
            let run = &frame["pipelineRun"];
            run["pipelineId"] == json!(side.pipeline) && run["status"] == "COMPLETED"
        }
        "agentUpdated" => frame["agent"]["id"] == json!(side.agent.id) && frame["agent"]["load"] == 0.75,
        "fleetUpdated" => frame["fleet"]["transfers"]["completed"] == sides.len(),
        // There may be nothing that needs attention.
        "attentionUpdated" => frame["attention"]["items"].is_array(),
        "events" => {
            frame["event"]["objectId"] == side.transfer["id"]
                && frame["event"]["object"]["Transfer_status"] == "COMPLETED"
        }
        other => panic!("say what is the last of {other}"),
    };
    sides.iter().all(|side| frames.iter().any(|frame| is_last(frame, side)))
}

fn assert_nothing_leaks(world: &World, field: &str, who: &str, frames: &[Value]) {
    let hidden = match who {
        "an administrator" => Vec::new(),
        "the owner" => world.other.secrets("Stranger"),
        _ => world.owner.secrets("Owner"),
    };
    for frame in frames {
        let text = frame.to_string();
        for secret in &hidden {
            assert!(!text.contains(secret), "{field} tells {who} of {secret}: {text}");
        }
        let fleet = &frame["fleet"];
        if who != "an administrator" && fleet.is_object() {
            let totals = (&fleet["transfers"]["total"], &fleet["agents"]["total"]);
            assert_eq!(totals, (&json!(1), &json!(1)), "{field} counts for {who} what is not theirs: {frame}");
        }
    }
}
