//! Tests of `GET /api/transfers/{id}/samples` and `Transfer.samples` of GraphQL.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{path, with_agent};
use crate::support::{Client, TestApp};

/// A running transfer, and the server that samples it.
struct Story {
    app: TestApp,
    user: Client,
    agent: Client,
    path: String,
}

impl Story {
    async fn begin() -> Self {
        let (app, customer, agent, client) = with_agent().await;
        let path = path(&app.transfer(&agent).await);
        let story = Self { user: app.bearer(&customer.token), app, agent: client, path };
        story.report(json!({ "status": "running" })).await;
        story
    }

    async fn report(&self, body: Value) {
        let answer = self.agent.patch(&self.path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    async fn collect(&self, seconds: i64) {
        self.app.advance(TimeDelta::seconds(seconds));
        self.app.cp().collect_series().await.expect("a round");
    }

    async fn samples(&self) -> Value {
        let answer = self.user.get(&format!("{}/samples", self.path)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["data"]["samples"].clone()
    }
}

fn sample(at: &str, attempt: i64, bytes: i64, speed: f64, stalled: bool) -> Value {
    let at = format!("2026-04-25T13:{at}Z");
    json!({ "at": at, "attempt": attempt, "bytesTransferred": bytes, "speed": speed, "stalled": stalled })
}

#[tokio::test]
async fn a_running_transfer_is_sampled_until_its_end() {
    let story = Story::begin().await;
    assert_eq!(story.samples().await, json!([]));
    story.collect(10).await;
    for bytes in [300, 600] {
        story.report(json!({ "bytesTransferred": bytes, "speed": 30 })).await;
        story.collect(10).await;
    }
    story.collect(10).await;
    story.report(json!({ "status": "completed", "speed": 40 })).await;
    story.collect(10).await;
    let expected = [
        sample("00:00", 1, 0, 0.0, false),
        sample("00:20", 1, 300, 30.0, false),
        sample("00:30", 1, 600, 30.0, false),
        sample("00:40", 1, 1000, 40.0, false),
    ];
    assert_eq!(story.samples().await, json!(expected), "a round without progress takes no sample");
}

#[tokio::test]
async fn stalls_and_attempts_are_in_the_samples() {
    let story = Story::begin().await;
    story.collect(10).await;
    story.report(json!({ "bytesTransferred": 300, "speed": 30 })).await;
    story.collect(10).await;
    story.app.advance(TimeDelta::seconds(61));
    assert_eq!(story.app.cp().mark_stalled_transfers().await.expect("a sweep"), 1);
    story.collect(0).await;
    story.app.advance(TimeDelta::seconds(19));
    story.report(json!({ "status": "failed" })).await;
    story.collect(0).await;
    story.app.advance(TimeDelta::seconds(20));
    story.report(json!({ "status": "running" })).await;
    story.collect(10).await;
    let expected = [
        sample("00:00", 1, 0, 0.0, false),
        sample("00:20", 1, 300, 30.0, false),
        sample("01:21", 1, 300, 30.0, true),
        sample("01:40", 1, 300, 30.0, false),
        sample("02:00", 2, 0, 0.0, false),
    ];
    assert_eq!(story.samples().await, json!(expected));
}

#[tokio::test]
async fn a_round_samples_more_transfers_than_one_transaction_holds() {
    let (app, customer, agent, client) = with_agent().await;
    let mut paths = Vec::new();
    for _ in 0..101 {
        let path = path(&app.transfer(&agent).await);
        assert_eq!(client.patch(&path, &json!({ "status": "running" })).await.status, 200);
        paths.push(path);
    }
    for bytes in [300, 600] {
        for path in &paths {
            assert_eq!(client.patch(path, &json!({ "bytesTransferred": bytes })).await.status, 200);
        }
        app.advance(TimeDelta::seconds(10));
        app.cp().collect_series().await.expect("a round");
    }
    let user = app.bearer(&customer.token);
    for path in paths {
        let answer = user.get(&format!("{path}/samples")).await;
        let last = answer.body["data"]["samples"].as_array().and_then(|samples| samples.last());
        assert_eq!(last, Some(&sample("00:20", 1, 600, 0.0, false)), "{}", answer.body);
    }
}

#[tokio::test]
async fn samples_are_kept_for_thirty_days_after_the_last_one() {
    let story = Story::begin().await;
    story.report(json!({ "status": "completed" })).await;
    story.collect(10).await;
    let shown =
        async || story.app.admin().await.get(&format!("{}/samples", story.path)).await.body["data"]["samples"].clone();
    assert_eq!(shown().await, json!([sample("00:00", 1, 1000, 0.0, false)]));
    story.app.advance(TimeDelta::days(30) - TimeDelta::seconds(10));
    story.app.cp().purge().await.expect("a purge");
    assert_eq!(shown().await.as_array().map(Vec::len), Some(1));
    story.app.advance(TimeDelta::seconds(2));
    story.app.cp().purge().await.expect("a purge");
    assert_eq!(shown().await, json!([]));
}

#[tokio::test]
async fn graphql_has_the_same_samples() {
    let story = Story::begin().await;
    story.report(json!({ "status": "failed", "bytesTransferred": 9 })).await;
    story.collect(10).await;
    let query = "query ($id: ID!) { transfer(id: $id) { samples { at attempt bytesTransferred speed stalled } } }";
    let id = json!({ "id": story.path.rsplit('/').next() });
    let asked = story.user.data(query, &id).await;
    assert_eq!(asked["transfer"]["samples"], story.samples().await);
    assert_eq!(asked["transfer"]["samples"], json!([sample("00:00", 1, 9, 0.0, false)]));
}
