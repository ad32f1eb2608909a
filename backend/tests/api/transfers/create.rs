//! Tests of `POST /api/transfers`.

use rstest::rstest;
use serde_json::{Value, json};

use super::{path, with_agent};
use crate::support::app::START;

const PATH: &str = "/api/transfers";
const NOWHERE: &str = "0199c1f0-6c00-7000-8000-000000000001";

/// The published example with these fields replaced.
fn example(fields: &Value) -> Value {
    let mut body = json!({
        "sourceUrl": "sftp://ftp.example.com/files/data.csv", "destinationPath": "/local/data/files/data.csv",
        "direction": "pull", "protocol": "sftp", "size": 1_048_576,
    });
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    body
}

#[tokio::test]
async fn a_transfer_is_made_as_the_published_page_shows_it() {
    let (app, customer, agent, client) = with_agent().await;
    let answer = client.post(PATH, &example(&json!({}))).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let id = &answer.body["data"]["transfer"]["id"];
    assert_eq!(
        answer.body,
        json!({ "success": true, "data": { "transfer": {
        "id": id, "agentId": agent.id, "source": "sftp://ftp.example.com/files/data.csv",
        "destination": "/local/data/files/data.csv", "protocol": "sftp", "status": "queued", "progress": 0.0,
        "bytesTotal": 1_048_576, "sizeKnown": true, "bytesTransferred": 0, "speed": 0.0, "errorMessage": null,
        "startedAt": null, "completedAt": null, "createdAt": START,
        "agent": { "id": agent.id, "name": "server1", "hostname": "server1" }, "customerId": customer.id,
        "direction": "pull", "jobRunId": null, "pipelineRunId": null, "attempt": 1, "checksumSha256": null,
        "errorCode": null, "revision": 1, "etaSeconds": null, "stalled": false, "lastProgressAt": null, "cancelRequestedAt": null,
        "network": { "throughputMbps": null, "latencyMs": null, "packetLossPercent": null },
    } } })
    );
    let stored = app.bearer(&customer.token).get(&path(&answer.body["data"]["transfer"])).await;
    assert_eq!((stored.status, &stored.body), (200, &answer.body));
}

#[rstest]
#[case(json!({ "size": 0 }), json!([0, true]))]
#[case(json!({ "size": null }), json!([0, false]))]
#[case(json!({ "size": 5.0 }), json!([5, true]))]
#[case(json!({ "size": 1_i64 << 60 }), json!([1_i64 << 60, true]))]
#[tokio::test]
async fn a_size_of_nothing_is_not_an_unknown_size(#[case] fields: Value, #[case] expected: Value) {
    let (_app, _, _, client) = with_agent().await;
    let answer = client.post(PATH, &example(&fields)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let transfer = &answer.body["data"]["transfer"];
    assert_eq!(json!([transfer["bytesTotal"], transfer["sizeKnown"]]), expected);
}

#[tokio::test]
async fn passwords_in_locations_are_removed_on_arrival_and_stand_nowhere() {
    let (app, customer, agent, client) = with_agent().await;
    let answer = client
        .post(
            PATH,
            &example(&json!({
                "sourceUrl": "sftp://robot:S3cret!@ftp.example.com:22/in/a.csv",
                "destinationPath": "ftps://robot:S3cr@t/2@ftp.example.com/out/a.csv",
            })),
        )
        .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let transfer = &answer.body["data"]["transfer"];
    assert_eq!(transfer["source"], "sftp://robot@ftp.example.com:22/in/a.csv");
    let user = app.bearer(&customer.token);
    for path in [path(transfer), PATH.to_owned(), format!("/api/agents/{}", agent.id)] {
        let shown = user.get(&path).await;
        assert_eq!(shown.status, 200);
        assert!(!String::from_utf8_lossy(&shown.bytes).contains("S3cr"), "{}", shown.body);
    }
}

#[tokio::test]
async fn the_agent_may_be_named_but_only_the_keys_own() {
    let (app, customer, agent, client) = with_agent().await;
    let (neighbour, foreign) = (app.agent(customer.id, "server2").await, app.customer("Other").await);
    let foreign = app.agent(foreign.id, "server3").await;
    assert_eq!(client.post(PATH, &example(&json!({ "agentId": agent.id }))).await.status, 201);
    for id in [neighbour.id.to_string(), foreign.id.to_string(), NOWHERE.to_owned()] {
        let answer = client.post(PATH, &example(&json!({ "agentId": id }))).await;
        assert_eq!((answer.status, answer.body["details"].clone()), (403, Value::Null), "{}", answer.body);
    }
    assert_eq!(app.admin().await.get(PATH).await.body["data"]["pagination"]["total"], 1);
}

#[rstest]
#[case(json!({ "jobRunId": NOWHERE }))]
#[case(json!({ "pipelineRunId": NOWHERE, "stepId": "fetch" }))]
#[tokio::test]
async fn a_run_that_is_not_the_agents_is_404(#[case] fields: Value) {
    let (_app, _, _, client) = with_agent().await;
    assert_eq!(client.post(PATH, &example(&fields)).await.status, 404);
}

#[tokio::test]
async fn a_checksum_is_kept_in_lower_case() {
    let (_app, _, _, client) = with_agent().await;
    let answer = client.post(PATH, &example(&json!({ "checksumSha256": "AB".repeat(32) }))).await;
    assert_eq!(answer.body["data"]["transfer"]["checksumSha256"], "ab".repeat(32));
}

/// In a URL, `%00` stands for a character that PostgreSQL cannot store.
#[rstest]
#[case("sftp://ftp.example.com/a%00b.csv")]
#[case("sftp://ftp.example.com/a%0Ab.csv")]
#[case("sftp://ftp.example.com/%ff%fe.csv")]
#[case("sftp://ftp.example.com/")]
#[case("sftp://")]
#[case("/")]
#[case("C:\\")]
#[case("ünï/cödé/文件.csv")]
#[tokio::test]
async fn a_strange_location_is_kept_as_it_came(#[case] location: &str) {
    let (_app, _, _, client) = with_agent().await;
    let answer = client.post(PATH, &example(&json!({ "sourceUrl": location, "destinationPath": location }))).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.body["data"]["transfer"]["source"], location);
}

#[rstest]
#[case(json!({ "sourceUrl": "" }), "sourceUrl")]
#[case(json!({ "sourceUrl": null }), "sourceUrl")]
#[case(json!({ "sourceUrl": "s".repeat(4097) }), "sourceUrl")]
#[case(json!({ "sourceUrl": "a\u{0}b" }), "sourceUrl")]
#[case(json!({ "destinationPath": 7 }), "destinationPath")]
#[case(json!({ "direction": "PULL" }), "direction")]
#[case(json!({ "protocol": "scp" }), "protocol")]
#[case(json!({ "size": -1 }), "size")]
#[case(json!({ "size": 1.5 }), "size")]
#[case(json!({ "size": "1048576" }), "size")]
#[case(json!({ "size": 9_223_372_036_854_775_808_u64 }), "size")]
#[case(json!({ "size": (1_i64 << 60) + 1 }), "size")]
#[case(json!({ "agentId": "server1" }), "agentId")]
#[case(json!({ "jobRunId": 7 }), "jobRunId")]
#[case(json!({ "pipelineRunId": NOWHERE }), "stepId")]
#[case(json!({ "stepId": "fetch" }), "pipelineRunId")]
#[case(json!({ "checksumSha256": "xyz" }), "checksumSha256")]
#[tokio::test]
async fn a_field_that_is_wrong_is_named(#[case] fields: Value, #[case] wrong: &str) {
    let (_app, _, _, client) = with_agent().await;
    let answer = client.post(PATH, &example(&fields)).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec![wrong]), "{}", answer.body);
}
