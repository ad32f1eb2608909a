//! Running transfers that make no progress.

use backend::store::db::sql;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    app::{START, TestDatabase},
};

/// A running transfer with its agent, customer and server.
struct Story {
    app: TestApp,
    key: String,
    path: String,
}

impl Story {
    async fn begin(flags: &[&str]) -> Self {
        let app = TestApp::with(&[&["--rate-limits", "off"], flags].concat()).await;
        let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
        let transfer = app.transfer(&agent).await;
        let path = format!("/api/transfers/{}", transfer["id"].as_str().unwrap_or_default());
        let story = Self { app, key: agent.key, path };
        story.report(json!({ "status": "running" })).await;
        story
    }

    async fn report(&self, body: Value) -> Value {
        let answer = self.app.key(&self.key).patch(&self.path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["data"]["transfer"].clone()
    }

    /// The current state of the transfer.
    async fn shown(&self) -> Value {
        self.app.admin().await.get(&self.path).await.body["data"]["transfer"].clone()
    }

    async fn sweep(&self, after: TimeDelta) -> usize {
        self.app.advance(after);
        self.app.cp().mark_stalled_transfers().await.expect("a sweep")
    }

    /// The kinds of all events about transfers in the log.
    async fn logged(&self) -> Vec<String> {
        let rows = sql("SELECT kind, actor FROM events WHERE kind LIKE 'transfer%' ORDER BY number");
        let rows: Vec<(String, String)> = rows.fetch_all(&self.app.app.db).await.expect("the log");
        rows.into_iter().map(|(kind, _)| kind).collect()
    }
}

const MINUTE: TimeDelta = TimeDelta::minutes(1);
const MOMENT: TimeDelta = TimeDelta::milliseconds(1);

#[tokio::test]
async fn a_transfer_without_progress_for_a_minute_is_stalled_once() {
    let story = Story::begin(&[]).await;
    assert_eq!(story.sweep(MINUTE).await, 0);
    assert_eq!((story.sweep(MOMENT).await, story.sweep(MINUTE).await), (1, 0));
    let stalled = story.shown().await;
    assert_eq!((&stalled["stalled"], &stalled["status"]), (&json!(true), &json!("running")));
    assert_eq!(stalled["revision"], 3, "its beginning adds one");
    assert_eq!(story.logged().await, ["transferCreated", "transferStatusChanged", "transferStalled"]);
}

#[tokio::test]
async fn the_view_has_the_time_of_the_last_progress_until_a_new_attempt_begins() {
    let story = Story::begin(&[]).await;
    let last = |view: &Value| view["lastProgressAt"].clone();
    let begun = last(&story.shown().await);
    assert_eq!(begun, START);
    story.app.advance(TimeDelta::seconds(5));
    assert_eq!(last(&story.report(json!({ "speed": 5 })).await), begun, "a speed is no progress");
    let moved = last(&story.report(json!({ "bytesTransferred": 10 })).await);
    assert_eq!(moved, "2026-04-25T13:00:05Z");
    story.app.advance(TimeDelta::seconds(5));
    assert_eq!(last(&story.report(json!({ "status": "failed", "errorMessage": "gone" })).await), moved);
    assert_eq!(last(&story.report(json!({ "status": "queued" })).await), Value::Null);
}

#[tokio::test]
async fn progress_ends_a_stall_and_is_published_once() {
    let story = Story::begin(&[]).await;
    story.sweep(MINUTE + MOMENT).await;
    let moving = story.report(json!({ "bytesTransferred": 10 })).await;
    assert_eq!((&moving["stalled"], &moving["revision"]), (&json!(false), &json!(4)));
    story.report(json!({ "bytesTransferred": 20 })).await;
    let expected = ["transferCreated", "transferStatusChanged", "transferStalled", "transferResumed"];
    assert_eq!(story.logged().await, expected);
    assert_eq!((story.sweep(MINUTE).await, story.sweep(MOMENT).await), (0, 1), "it may stall again");
}

#[rstest]
#[case::speed(json!({ "speed": 5 }))]
#[case::network(json!({ "latencyMs": 5 }))]
#[case::same_figures(json!({ "status": "running", "progress": 0, "bytesTransferred": 0 }))]
#[tokio::test]
async fn a_report_without_progress_does_not_end_a_stall(#[case] report: Value) {
    let story = Story::begin(&[]).await;
    story.sweep(MINUTE + MOMENT).await;
    assert_eq!(story.report(report).await["stalled"], true);
}

#[tokio::test]
async fn progress_puts_a_stall_off() {
    let story = Story::begin(&[]).await;
    story.app.advance(TimeDelta::seconds(59));
    story.report(json!({ "progress": 1 })).await;
    assert_eq!(story.sweep(TimeDelta::seconds(59)).await, 0);
}

#[tokio::test]
async fn how_long_is_a_setting() {
    let story = Story::begin(&["--stalled-after", "10s"]).await;
    assert_eq!((story.sweep(TimeDelta::seconds(10)).await, story.sweep(MOMENT).await), (0, 1));
}

#[rstest]
#[case("completed")]
#[case("failed")]
#[case("cancelled")]
#[tokio::test]
async fn what_has_ended_is_not_stalled(#[case] status: &str) {
    let story = Story::begin(&[]).await;
    story.sweep(MINUTE + MOMENT).await;
    let ended = story.report(json!({ "status": status })).await;
    assert_eq!((&ended["stalled"], story.sweep(MINUTE * 2).await), (&json!(false), 0));
}

#[tokio::test]
async fn a_stalled_transfer_has_no_time_of_arrival() {
    let story = Story::begin(&[]).await;
    let moving = story.report(json!({ "bytesTransferred": 500, "speed": 100 })).await;
    assert_eq!(moving["etaSeconds"], 5);
    story.sweep(MINUTE + MOMENT).await;
    assert_eq!(story.shown().await["etaSeconds"], Value::Null);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn two_servers_that_sweep_at_once_publish_a_stall_once() {
    let database = TestDatabase::shared().await;
    let (one, two) = (TestApp::on(&database, &[]).await, TestApp::on(&database, &[]).await);
    let agent = one.agent(one.customer("acme").await.id, "edge-1").await;
    for _ in 0..5 {
        let path = format!("/api/transfers/{}", one.transfer(&agent).await["id"].as_str().unwrap_or_default());
        one.key(&agent.key).patch(&path, &json!({ "status": "running" })).await;
    }
    one.advance(MINUTE + MOMENT);
    two.advance(MINUTE + MOMENT);
    let (first, second) = tokio::join!(one.cp().mark_stalled_transfers(), two.cp().mark_stalled_transfers());
    assert_eq!(first.expect("a sweep") + second.expect("a sweep"), 5);
}
