//! Tests of `PATCH /api/transfers`: several reports at once.

use rstest::rstest;
use serde_json::{Value, json};

use super::{path, with_agent};
use crate::support::TestApp;

const PATH: &str = "/api/transfers";

#[tokio::test]
async fn each_update_has_an_outcome_of_its_own_in_the_order_of_the_request() {
    let (app, customer, agent, client) = with_agent().await;
    let neighbour = app.agent(customer.id, "server2").await;
    let (first, second, foreign) =
        (app.transfer(&agent).await, app.transfer(&agent).await, app.transfer(&neighbour).await);
    client.patch(&path(&first), &json!({ "status": "completed" })).await;
    let missing = "0199c1f0-6c00-7000-8000-000000000001";
    let answer = client
        .patch(
            PATH,
            &json!({ "updates": [
        { "id": second["id"], "status": "running", "bytesTransferred": 100 },
        { "id": first["id"], "status": "running" },
        { "id": foreign["id"], "status": "running" },
        { "id": missing, "progress": 1 },
        { "id": second["id"], "progress": 101, "speed": "fast" },
        { "id": second["id"], "bytesTransferred": 200 },
        { "id": "transfer 7" },
        { "progress": 7 },
        { "id": 7 },
        "nonsense",
    ] }),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["data"]["directives"], json!([]));
    let results = answer.body["data"]["results"].as_array().expect("results");
    let outcomes: Vec<Value> = results.iter().map(|result| json!([result["id"], result["status"]])).collect();
    assert_eq!(
        json!(outcomes),
        json!([
            [second["id"], 200],
            [first["id"], 409],
            [foreign["id"], 404],
            [missing, 404],
            [second["id"], 400],
            [second["id"], 200],
            ["transfer 7", 404],
            [null, 400],
            [null, 400],
            [null, 400],
        ])
    );
    for result in results {
        let fine = result["status"] == 200;
        assert_eq!((result.get("transfer").is_some(), result.get("error").is_some()), (fine, !fine), "{result}");
    }
    assert_eq!(results[0]["transfer"]["bytesTransferred"], 100);
    assert_eq!(
        json!([results[5]["transfer"]["bytesTransferred"], results[5]["transfer"]["revision"]]),
        json!([200, 3])
    );
    assert_eq!(results[2]["error"], results[3]["error"]);
    assert_eq!(
        results[4]["details"]["fields"],
        json!({
            "progress": ["must be between 0 and 100"], "speed": ["must be a number"],
        })
    );
    let user = app.bearer(&customer.token);
    assert_eq!(user.get(&path(&second)).await.body["data"]["transfer"], results[5]["transfer"]);
    assert_eq!(user.get(&path(&foreign)).await.body["data"]["transfer"], foreign);
}

#[tokio::test]
async fn an_update_of_a_batch_has_the_status_that_it_alone_would_have() {
    let (app, _, agent, client) = with_agent().await;
    let bodies = [
        json!({ "status": "running" }),
        json!({ "status": "queued" }),
        json!({ "status": "asleep" }),
        json!({ "attempt": 5 }),
        json!({ "size": null }),
    ];
    for body in bodies {
        let (alone, together) = (app.transfer(&agent).await, app.transfer(&agent).await);
        let lone = client.patch(&path(&alone), &body).await;
        let mut update = body.clone();
        update["id"] = together["id"].clone();
        let batch = client.patch(PATH, &json!({ "updates": [update] })).await;
        let result = &batch.body["data"]["results"][0];
        assert_eq!(result["status"], lone.status, "{body}");
        if lone.status != 200 {
            assert_eq!(result["error"], lone.body["error"], "{body}");
            assert_eq!(result.get("details").unwrap_or(&Value::Null), &lone.body["details"], "{body}");
        }
    }
}

#[tokio::test]
async fn updates_of_one_transfer_take_effect_one_after_the_other() {
    let (app, _, agent, client) = with_agent().await;
    let transfer = app.transfer(&agent).await;
    let update = |body: Value| {
        let mut update = body;
        update["id"] = transfer["id"].clone();
        update
    };
    let answer = client
        .patch(
            PATH,
            &json!({ "updates": [
        update(json!({ "status": "running" })),
        update(json!({ "status": "failed", "error": "once" })),
        update(json!({ "status": "completed" })),
        update(json!({ "status": "running" })),
        update(json!({ "status": "completed" })),
        update(json!({ "status": "failed" })),
    ] }),
        )
        .await;
    let results = answer.body["data"]["results"].as_array().expect("results");
    let outcomes: Vec<Value> =
        results.iter().map(|result| json!([result["status"], result["transfer"]["revision"]])).collect();
    assert_eq!(json!(outcomes), json!([[200, 2], [200, 3], [409, null], [200, 4], [200, 5], [409, null]]));
    assert_eq!(results[4]["transfer"]["attempt"], 2);
}

/// Sends reports of every kind, in random orders.
#[tokio::test]
async fn a_batch_does_what_its_updates_do_one_by_one() {
    let (app, _, agent, client) = with_agent().await;
    let palette = [
        json!({ "status": "running" }),
        json!({ "status": "running", "bytesTransferred": 100 }),
        json!({ "bytesTransferred": 300 }),
        json!({ "bytesTransferred": 200, "speed": 7 }),
        json!({ "progress": 80 }),
        json!({ "speed": 9, "latencyMs": 4 }),
        json!({ "error": "slow", "attempt": 1 }),
        json!({ "error": null, "attempt": 2 }),
        json!({ "status": "failed", "error": "gone" }),
        json!({ "status": "queued" }),
        json!({ "progress": 101 }),
        json!({ "status": "completed", "attempt": 9 }),
        json!({ "size": 4000 }),
    ];
    for seed in 0..12 {
        let (alone, together) = (app.transfer(&agent).await, app.transfer(&agent).await);
        let chosen = (0..15).map(|step| &palette[(seed * 7 + step * step * (seed + 3) + step) % palette.len()]);
        let chosen: Vec<&Value> = chosen.collect();
        let mut one_by_one = Vec::new();
        for body in &chosen {
            let answer = client.patch(&path(&alone), body).await;
            let mut transfer = answer.body["data"]["transfer"].clone();
            if answer.status == 200 {
                transfer["id"] = together["id"].clone();
            }
            one_by_one.push(json!([answer.status, transfer]));
        }
        let updates = chosen.iter().map(|body| {
            let mut update = (*body).clone();
            update["id"] = together["id"].clone();
            update
        });
        let answer = client.patch(PATH, &json!({ "updates": updates.collect::<Vec<_>>() })).await;
        let results = answer.body["data"]["results"].as_array().expect("results");
        for ((result, expected), body) in results.iter().zip(&one_by_one).zip(&chosen) {
            assert_eq!(&json!([result["status"], result["transfer"]]), expected, "{body} in {chosen:?}");
        }
    }
}

#[tokio::test]
async fn a_batch_counts_as_one_request() {
    let app = TestApp::with(&["--rate-limits", "agent=4"]).await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let transfer = app.transfer(&agent).await;
    let updates: Vec<Value> = (0..50).map(|speed| json!({ "id": transfer["id"], "speed": speed })).collect();
    let client = app.key(&agent.key);
    for remaining in ["2", "1", "0"] {
        let answer = client.patch(PATH, &json!({ "updates": updates })).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-remaining")), (200, Some(remaining)));
    }
    assert_eq!(client.patch(PATH, &json!({ "updates": updates })).await.status, 429);
}

#[tokio::test]
async fn five_hundred_updates_are_taken() {
    let (app, _, agent, client) = with_agent().await;
    let transfer = app.transfer(&agent).await;
    let updates: Vec<Value> =
        (1..=500).map(|bytes| json!({ "id": transfer["id"], "bytesTransferred": bytes })).collect();
    let answer = client.patch(PATH, &json!({ "updates": updates })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let results = answer.body["data"]["results"].as_array().expect("results");
    assert_eq!(results.len(), 500);
    for (result, bytes) in results.iter().zip(1..) {
        assert_eq!(json!([result["status"], result["transfer"]["bytesTransferred"]]), json!([200, bytes]));
    }
}

#[rstest]
#[case(json!({}))]
#[case(json!({ "updates": null }))]
#[case(json!({ "updates": [] }))]
#[case(json!({ "updates": {} }))]
#[case(json!({ "updates": vec![json!({ "id": "0199c1f0-6c00-7000-8000-000000000001" }); 501] }))]
#[tokio::test]
async fn a_batch_is_an_array_of_one_to_five_hundred(#[case] body: Value) {
    let (_app, _, _, client) = with_agent().await;
    let answer = client.patch(PATH, &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["updates"]));
}
