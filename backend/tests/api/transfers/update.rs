//! Tests of `PATCH /api/transfers/{id}`.

use std::collections::BTreeSet;

use backend::service::Credentials;
use chrono::TimeDelta;
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};

use super::{path, with_agent};
use crate::support::{Client, TestApp, app::TestAgent};

const STATES: [&str; 5] = ["queued", "running", "completed", "failed", "cancelled"];

/// A new transfer of 1,000 bytes in this state, with its path.
async fn in_state(app: &TestApp, agent: &TestAgent, state: &str) -> (Value, String) {
    let transfer = app.transfer(agent).await;
    let path = path(&transfer);
    if state == "queued" {
        return (transfer, path);
    }
    let answer = app.key(&agent.key).patch(&path, &json!({ "status": state })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    (answer.body["data"]["transfer"].clone(), path)
}

/// Sends a report, and returns the transfer after it.
async fn report(client: &Client, path: &str, body: &Value) -> Value {
    let answer = client.patch(path, body).await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.body);
    answer.body["data"]["transfer"].clone()
}

#[tokio::test]
async fn the_published_example_is_taken() {
    let (app, _, agent, client) = with_agent().await;
    let transfer = app.transfer(&agent).await;
    let body = json!({ "status": "running", "progress": 45, "bytesTransferred": 471_859, "speed": 1_048_576 });
    let after = report(&client, &path(&transfer), &body).await;
    assert_eq!(
        json!([after["status"], after["progress"], after["bytesTransferred"], after["speed"]]),
        json!(["running", 45.0, 471_859, 1_048_576.0]),
    );
}

/// Contract, section 4: the allowed changes of status; the same status is always allowed.
#[rstest]
#[case("queued", &["queued", "running", "completed", "failed", "cancelled"])]
#[case("running", &["running", "completed", "failed", "cancelled"])]
#[case("completed", &["completed"])]
#[case("failed", &["failed", "queued", "running"])]
#[case("cancelled", &["cancelled"])]
#[tokio::test]
async fn a_status_follows_as_the_contract_says_or_is_409_and_changes_nothing(#[case] from: &str, #[case] to: &[&str]) {
    let (app, customer, agent, client) = with_agent().await;
    let user = app.bearer(&customer.token);
    for next in STATES {
        let (before, path) = in_state(&app, &agent, from).await;
        app.advance(TimeDelta::seconds(1));
        let answer = client.patch(&path, &json!({ "status": next, "speed": 7, "bytesTransferred": 500 })).await;
        let stored = user.get(&path).await.body["data"]["transfer"].clone();
        if to.contains(&next) {
            assert_eq!(answer.status, 200, "{from} to {next}: {}", answer.body);
            assert_eq!(stored["status"], next);
            assert_eq!(stored, answer.body["data"]["transfer"], "{from} to {next}");
        } else {
            assert_eq!(answer.status, 409, "{from} to {next}: {}", answer.body);
            assert_eq!(stored, before, "{from} to {next}");
        }
    }
}

#[tokio::test]
async fn a_final_status_said_again_changes_nothing() {
    let (app, _, agent, client) = with_agent().await;
    for state in ["completed", "cancelled"] {
        let (before, path) = in_state(&app, &agent, state).await;
        app.advance(TimeDelta::seconds(1));
        let body = json!({ "status": state, "speed": 7, "bytesTransferred": 5000, "error": "late" });
        assert_eq!(report(&client, &path, &body).await, before);
        assert_eq!(report(&client, &path, &json!({ "progress": 1 })).await, before);
    }
}

#[tokio::test]
async fn the_first_run_sets_the_start_and_a_final_status_the_end() {
    let (app, _, agent, client) = with_agent().await;
    let transfer = app.transfer(&agent).await;
    let path = path(&transfer);
    let times = |transfer: &Value| json!([transfer["startedAt"], transfer["completedAt"]]);
    app.advance(TimeDelta::seconds(1));
    let running = report(&client, &path, &json!({ "status": "running" })).await;
    assert_eq!(times(&running), json!(["2026-04-25T13:00:01Z", null]));
    app.advance(TimeDelta::seconds(1));
    let failed = report(&client, &path, &json!({ "status": "failed", "error": "disk full" })).await;
    assert_eq!(times(&failed), json!(["2026-04-25T13:00:01Z", "2026-04-25T13:00:02Z"]));
    assert_eq!(failed["errorMessage"], "disk full");
    app.advance(TimeDelta::seconds(1));
    let again = report(&client, &path, &json!({ "status": "running" })).await;
    assert_eq!(times(&again), json!(["2026-04-25T13:00:01Z", null]));
    assert_eq!(json!([again["attempt"], again["errorMessage"], again["progress"]]), json!([2, null, 0.0]));
    app.advance(TimeDelta::milliseconds(500));
    let completed = report(&client, &path, &json!({ "status": "completed" })).await;
    assert_eq!(times(&completed), json!(["2026-04-25T13:00:01Z", "2026-04-25T13:00:03.500Z"]));
}

#[tokio::test]
async fn completed_means_all_of_it() {
    let (app, _, agent, client) = with_agent().await;
    let transfer = app.transfer(&agent).await;
    report(&client, &path(&transfer), &json!({ "status": "running", "bytesTransferred": 10, "error": "one retry" }))
        .await;
    let done = report(&client, &path(&transfer), &json!({ "status": "completed", "bytesTransferred": 20 })).await;
    assert_eq!(json!([done["progress"], done["bytesTransferred"], done["etaSeconds"]]), json!([100.0, 1000, null]));

    let body = json!({ "source": "/a", "destination": "/b", "direction": "push", "protocol": "local" });
    let unknown = client.post("/api/transfers", &body).await.body["data"]["transfer"].clone();
    let done = report(&client, &path(&unknown), &json!({ "status": "completed", "bytesTransferred": 77 })).await;
    assert_eq!(
        json!([done["progress"], done["bytesTransferred"], done["bytesTotal"], done["sizeKnown"]]),
        json!([100.0, 77, 0, false]),
    );
}

#[tokio::test]
async fn figures_never_go_back_within_an_attempt_and_a_late_lower_one_is_no_error() {
    let (app, _, agent, client) = with_agent().await;
    let transfer = app.transfer(&agent).await;
    let path = path(&transfer);
    let progress_of =
        |transfer: &Value| json!([transfer["progress"], transfer["bytesTransferred"], transfer["revision"]]);
    let body = json!({ "status": "running", "progress": 60, "bytesTransferred": 600 });
    assert_eq!(progress_of(&report(&client, &path, &body).await), json!([60.0, 600, 2]));
    let late = json!({ "progress": 30, "bytesTransferred": 300 });
    assert_eq!(progress_of(&report(&client, &path, &late).await), json!([60.0, 600, 2]));
    let mixed = json!({ "progress": 10, "bytesTransferred": 700 });
    assert_eq!(progress_of(&report(&client, &path, &mixed).await), json!([60.0, 700, 3]));
    let ahead = json!({ "progress": 70 });
    assert_eq!(progress_of(&report(&client, &path, &ahead).await), json!([70.0, 700, 4]));
}

#[tokio::test]
async fn progress_that_is_not_said_follows_from_the_bytes() {
    let (app, _, agent, client) = with_agent().await;
    let path = path(&app.transfer(&agent).await);
    for (bytes, percent) in [(1, 0.1), (333, 33.3), (999, 99.9), (1000, 100.0), (2500, 100.0)] {
        let after = report(&client, &path, &json!({ "status": "running", "bytesTransferred": bytes })).await;
        assert_eq!(json!([after["progress"], after["bytesTransferred"]]), json!([percent, bytes]));
    }
    let bigger = report(&client, &path, &json!({ "size": 5000 })).await;
    assert_eq!(json!([bigger["progress"], bigger["bytesTotal"]]), json!([100.0, 5000]));
}

#[tokio::test]
async fn a_size_may_be_learnt_on_the_way() {
    let (_app, _, _, client) = with_agent().await;
    let body = json!({ "source": "/a", "destination": "/b", "direction": "push", "protocol": "local" });
    let path = path(&client.post("/api/transfers", &body).await.body["data"]["transfer"]);
    let unknown = report(&client, &path, &json!({ "status": "running", "bytesTransferred": 50, "speed": 10 })).await;
    assert_eq!(json!([unknown["progress"], unknown["sizeKnown"], unknown["etaSeconds"]]), json!([0.0, false, null]));
    let known = report(&client, &path, &json!({ "bytesTotal": 200 })).await;
    assert_eq!(
        json!([known["progress"], known["bytesTotal"], known["sizeKnown"], known["etaSeconds"]]),
        json!([25.0, 200, true, 15]),
    );
}

#[tokio::test]
async fn a_report_of_an_earlier_attempt_is_ignored_and_one_of_a_later_is_409() {
    let (app, _, agent, client) = with_agent().await;
    let (_, path) = in_state(&app, &agent, "failed").await;
    let second = report(&client, &path, &json!({ "status": "running", "attempt": 2, "bytesTransferred": 10 })).await;
    assert_eq!(json!([second["attempt"], second["bytesTransferred"], second["revision"]]), json!([2, 10, 3]));
    let late = json!({ "attempt": 1, "status": "completed", "bytesTransferred": 900, "error": "late" });
    assert_eq!(report(&client, &path, &late).await, second);
    let early = client.patch(&path, &json!({ "attempt": 3, "status": "completed" })).await;
    assert_eq!((early.status, &early.body["success"]), (409, &json!(false)));
    let same = report(&client, &path, &json!({ "attempt": 2, "bytesTransferred": 20 })).await;
    assert_eq!(json!([same["attempt"], same["bytesTransferred"], same["revision"]]), json!([2, 20, 4]));
}

#[tokio::test]
async fn a_new_attempt_begins_with_nothing_and_may_wait_in_the_queue() {
    let (app, _, agent, client) = with_agent().await;
    let transfer = app.transfer(&agent).await;
    let path = path(&transfer);
    let first = json!({
        "status": "running", "progress": 80, "bytesTransferred": 800, "speed": 5, "checksumSha256": "ab".repeat(32),
    });
    report(&client, &path, &first).await;
    report(&client, &path, &json!({ "status": "failed", "error": "gone" })).await;
    let queued = report(&client, &path, &json!({ "status": "queued" })).await;
    assert_eq!(
        json!([
            queued["attempt"],
            queued["progress"],
            queued["bytesTransferred"],
            queued["speed"],
            queued["errorMessage"],
            queued["completedAt"],
            queued["checksumSha256"],
            queued["bytesTotal"],
        ]),
        json!([2, 0.0, 0, 0.0, null, null, null, 1000]),
    );
}

#[tokio::test]
async fn checksum_error_and_network_are_set_kept_and_cleared() {
    let (app, _, agent, client) = with_agent().await;
    let path = path(&app.transfer(&agent).await);
    let said = json!({
        "checksumSha256": "AB".repeat(32), "error": "slow", "throughputMbps": 93.5, "latencyMs": 8,
        "packetLossPercent": 0.25,
    });
    report(&client, &path, &said).await;
    let kept = report(&client, &path, &json!({ "latencyMs": 9 })).await;
    let shown = |transfer: &Value| json!([transfer["checksumSha256"], transfer["errorMessage"], transfer["network"]]);
    let network = json!({ "throughputMbps": 93.5, "latencyMs": 9.0, "packetLossPercent": 0.25 });
    assert_eq!(shown(&kept), json!(["ab".repeat(32), "slow", network]));
    let nulls = json!({
        "checksumSha256": null, "error": null, "throughputMbps": null, "latencyMs": null, "packetLossPercent": null,
    });
    let cleared = report(&client, &path, &nulls).await;
    let network = json!({ "throughputMbps": null, "latencyMs": null, "packetLossPercent": null });
    assert_eq!(shown(&cleared), json!([null, null, network]));
}

#[tokio::test]
async fn the_code_of_a_failure_is_kept_until_the_next_attempt_and_may_be_one_of_a_later_agent() {
    let (app, _, agent, client) = with_agent().await;
    let path = path(&app.transfer(&agent).await);
    for code in ["quotaExceeded", "solarFlare"] {
        let failed = report(&client, &path, &json!({ "status": "failed", "error": "no", "errorCode": code })).await;
        assert_eq!(failed["errorCode"], code);
        let again = report(&client, &path, &json!({ "status": "running" })).await;
        assert_eq!(again["errorCode"], Value::Null);
    }
    report(&client, &path, &json!({ "errorCode": "timedOut" })).await;
    let completed = report(&client, &path, &json!({ "status": "completed" })).await;
    assert_eq!(completed["errorCode"], Value::Null, "what is complete has no failure");
}

/// Agents send messages of other programs, including line breaks: the report must not be refused for that.
#[tokio::test]
async fn an_error_may_have_several_lines() {
    let (app, _, agent, client) = with_agent().await;
    let path = path(&app.transfer(&agent).await);
    let said = "cannot write:\n\tdisk full\r\n\tat /data";
    let failed = report(&client, &path, &json!({ "status": "failed", "error": said })).await;
    assert_eq!(json!([failed["status"], failed["errorMessage"]]), json!(["failed", said]));
}

#[tokio::test]
async fn a_report_of_nothing_new_is_no_revision() {
    let (app, _, agent, client) = with_agent().await;
    let (before, path) = in_state(&app, &agent, "running").await;
    for nothing in [json!({}), json!({ "status": "running" }), json!({ "progress": 0, "speed": 0, "unknown": true })] {
        assert_eq!(report(&client, &path, &nothing).await, before, "{nothing}");
    }
}

#[tokio::test]
async fn reports_that_are_committed_together_each_get_a_revision_of_their_own() {
    let (app, customer, agent, client) = with_agent().await;
    let (_, path) = in_state(&app, &agent, "running").await;
    let reports = (1..=50).map(|speed| {
        let (client, path) = (client.clone(), path.clone());
        async move { report(&client, &path, &json!({ "speed": speed })).await }
    });
    let seen: BTreeSet<i64> =
        join_all(reports).await.iter().filter_map(|transfer| transfer["revision"].as_i64()).collect();
    assert_eq!(seen, (3..=52).collect());
    let stored = app.bearer(&customer.token).get(&path).await;
    assert_eq!(stored.body["data"]["transfer"]["revision"], 52);
}

#[tokio::test]
async fn a_report_after_the_change_of_another_caller_builds_upon_it() {
    let (app, customer, agent, client) = with_agent().await;
    let (transfer, path) = in_state(&app, &agent, "running").await;
    for bytes in [100, 200] {
        report(&client, &path, &json!({ "bytesTransferred": bytes })).await;
    }
    let user = app.cp().authenticate(Credentials::Token(&customer.token)).await.expect("a user").actor;
    let id = transfer["id"].as_str().expect("an id").parse().expect("an id");
    app.advance(TimeDelta::seconds(1));
    app.cp().cancel_transfer(&user, id).await.expect("asked for");
    let after = report(&client, &path, &json!({ "bytesTransferred": 300 })).await;
    assert_eq!(
        json!([after["bytesTransferred"], after["cancelRequestedAt"], after["revision"]]),
        json!([300, "2026-04-25T13:00:01Z", 6]),
    );
    assert_eq!(app.bearer(&customer.token).get(&path).await.body["data"]["transfer"], after);
}

#[tokio::test]
async fn a_transfer_of_another_agent_is_404_even_of_the_same_customer() {
    let (app, customer, agent, _) = with_agent().await;
    let neighbour = app.agent(customer.id, "server2").await;
    let (before, path) = in_state(&app, &agent, "queued").await;
    let answer = app.key(&neighbour.key).patch(&path, &json!({ "status": "running" })).await;
    assert_eq!(answer.status, 404);
    assert_eq!(app.bearer(&customer.token).get(&path).await.body["data"]["transfer"], before);
}

#[rstest]
#[case(json!({ "status": "done" }), &["status"])]
#[case(json!({ "progress": 100.1 }), &["progress"])]
#[case(json!({ "progress": -1 }), &["progress"])]
#[case(json!({ "progress": "45" }), &["progress"])]
#[case(json!({ "bytesTransferred": -1 }), &["bytesTransferred"])]
#[case(json!({ "bytesTransferred": 1.5 }), &["bytesTransferred"])]
#[case(json!({ "bytesTransferred": 9_223_372_036_854_775_808_u64 }), &["bytesTransferred"])]
#[case(json!({ "bytesTransferred": (1_i64 << 60) + 1 }), &["bytesTransferred"])]
#[case(json!({ "bytesTotal": i64::MAX }), &["size"])]
#[case(json!({ "speed": -0.5 }), &["speed"])]
#[case(json!({ "speed": 1.7e308, "latencyMs": 1e13, "throughputMbps": 1e300 }), &["latencyMs", "speed", "throughputMbps"])]
#[case(json!({ "attempt": 2_147_483_648_i64 }), &["attempt"])]
#[case(json!({ "attempt": 0 }), &["attempt"])]
#[case(json!({ "packetLossPercent": 101 }), &["packetLossPercent"])]
#[case(json!({ "error": 7 }), &["error"])]
#[case(json!({ "error": "a", "errorMessage": "b" }), &["error"])]
#[case(json!({ "size": 1, "bytesTotal": 2 }), &["size"])]
#[case(json!({ "checksumSha256": "0" }), &["checksumSha256"])]
#[case(json!({ "errorCode": "no space" }), &["errorCode"])]
#[case(json!({ "errorCode": "" }), &["errorCode"])]
#[case(json!({ "errorCode": 7 }), &["errorCode"])]
#[case(
    json!({ "status": 1, "progress": true, "speed": null, "throughputMbps": -1, "latencyMs": "7", "size": [] }),
    &["latencyMs", "progress", "size", "speed", "status", "throughputMbps"]
)]
#[tokio::test]
async fn a_report_that_is_wrong_is_400_with_all_that_is_wrong_and_changes_nothing(
    #[case] body: Value,
    #[case] wrong: &[&str],
) {
    let (app, customer, agent, client) = with_agent().await;
    let (before, path) = in_state(&app, &agent, "running").await;
    let mut whole = json!({ "latencyMs": 3 });
    whole.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
    let answer = client.patch(&path, &whole).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, wrong.to_vec()), "{}", answer.body);
    assert_eq!(app.bearer(&customer.token).get(&path).await.body["data"]["transfer"], before);
}
