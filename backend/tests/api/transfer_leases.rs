//! Leases of transfers whose agent is offline.

use backend::{ids::TransferId, store::db::sql};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Answer, TestApp, admin,
    app::{TestAgent, TestDatabase},
};

const LEASE: TimeDelta = TimeDelta::minutes(5);
const MOMENT: TimeDelta = TimeDelta::milliseconds(1);

/// A running transfer with its agent, customer and server.
struct Story {
    app: TestApp,
    agent: TestAgent,
    id: TransferId,
}

impl Story {
    async fn begin(flags: &[&str]) -> Self {
        let app = TestApp::with(&[&["--rate-limits", "off"], flags].concat()).await;
        let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
        let id = app.transfer(&agent).await["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        let story = Self { app, agent, id };
        assert_eq!(story.report(json!({ "status": "running", "bytesTransferred": 400 })).await.status, 200);
        story
    }

    async fn report(&self, body: Value) -> Answer {
        self.app.key(&self.agent.key).patch(&format!("/api/transfers/{}", self.id), &body).await
    }

    async fn heartbeat(&self, body: Value) {
        assert_eq!(self.app.key(&self.agent.key).post("/api/agents/heartbeat", &body).await.status, 200);
    }

    async fn shown(&self) -> Value {
        json!(self.app.cp().get_transfer(&admin(), self.id).await.expect("a transfer"))
    }

    async fn sweep(&self, after: TimeDelta) -> usize {
        self.app.advance(after);
        self.app.cp().end_leases().await.expect("a sweep")
    }

    /// The story up to the failure of the transfer by its lease.
    async fn failed_by_lease(flags: &[&str]) -> Self {
        let story = Self::begin(flags).await;
        story.heartbeat(json!({ "status": "offline" })).await;
        assert_eq!(story.sweep(LEASE + MOMENT).await, 1);
        story
    }
}

#[tokio::test]
async fn a_transfer_fails_when_its_agent_was_offline_for_longer_than_the_lease() {
    let story = Story::begin(&[]).await;
    story.app.advance(TimeDelta::seconds(91));
    assert_eq!(story.app.cp().mark_silent_agents_offline().await.expect("a sweep"), 1);
    assert_eq!(story.sweep(LEASE).await, 0, "the lease begins when the agent is offline");
    assert_eq!((story.sweep(MOMENT).await, story.sweep(LEASE).await), (1, 0));
    let failed = story.shown().await;
    let shown = |name: &str| failed[name].clone();
    assert_eq!((shown("status"), shown("revision")), (json!("failed"), json!(3)));
    assert_eq!(shown("errorMessage"), "the agent was offline for longer than 5m");
    assert_eq!(shown("completedAt"), "2026-04-25T13:06:31.001Z");
    assert_eq!(shown("bytesTransferred"), 400);
    let rows = sql("SELECT kind, actor FROM events WHERE actor = 'system' AND kind = 'transferStatusChanged'");
    let rows: Vec<(String, String)> = rows.fetch_all(&story.app.app.db).await.expect("the log");
    assert_eq!(rows.len(), 1, "one event");
}

#[tokio::test]
async fn an_agent_that_comes_back_in_time_goes_on() {
    let story = Story::begin(&[]).await;
    story.heartbeat(json!({ "status": "offline" })).await;
    story.app.advance(LEASE);
    story.heartbeat(json!({})).await;
    assert_eq!(story.sweep(LEASE).await, 0);
    assert_eq!(story.report(json!({ "progress": 50 })).await.status, 200);
}

#[tokio::test]
async fn saying_goodbye_again_does_not_put_the_end_off() {
    let story = Story::begin(&[]).await;
    story.heartbeat(json!({ "status": "offline" })).await;
    story.app.advance(LEASE);
    story.heartbeat(json!({ "status": "offline" })).await;
    assert_eq!(story.sweep(MOMENT).await, 1);
}

#[tokio::test]
async fn a_revoked_agents_transfers_end_with_their_lease() {
    let story = Story::begin(&[]).await;
    story.app.cp().revoke_agent(&admin(), story.agent.id).await.expect("an end");
    assert_eq!((story.sweep(LEASE).await, story.sweep(MOMENT).await), (0, 1));
    assert_eq!(story.shown().await["status"], "failed");
}

#[tokio::test]
async fn a_cancel_that_is_not_confirmed_within_the_lease_ends_the_transfer() {
    let story = Story::begin(&[]).await;
    story.app.cp().cancel_transfer(&admin(), story.id).await.expect("a cancel");
    story.app.advance(LEASE);
    story.heartbeat(json!({})).await;
    assert_eq!((story.sweep(TimeDelta::zero()).await, story.sweep(MOMENT).await), (0, 1));
    let failed = story.shown().await;
    assert_eq!(
        (&failed["status"], &failed["errorMessage"]),
        (&json!("failed"), &json!("the agent did not confirm the cancel request within 5m"))
    );
    let answer = story.app.key(&story.agent.key).get("/api/agents/directives").await;
    assert_eq!(answer.body["data"]["directives"], json!([]), "nothing is left to cancel");
}

#[tokio::test]
async fn how_long_a_lease_is_is_a_setting() {
    let story = Story::begin(&["--lease", "30s"]).await;
    story.heartbeat(json!({ "status": "offline" })).await;
    assert_eq!((story.sweep(TimeDelta::seconds(30)).await, story.sweep(MOMENT).await), (0, 1));
    assert_eq!(story.shown().await["errorMessage"], "the agent was offline for longer than 30s");
}

#[tokio::test]
async fn late_truth_what_failed_by_its_lease_may_still_be_completed() {
    let story = Story::failed_by_lease(&[]).await;
    let answer = story.report(json!({ "status": "completed" })).await;
    let transfer = &answer.body["data"]["transfer"];
    assert_eq!(
        (answer.status, &transfer["status"], &transfer["errorMessage"]),
        (200, &json!("completed"), &Value::Null)
    );
    assert_eq!((&transfer["progress"], &transfer["bytesTransferred"]), (&json!(100.0), &json!(1000)));
    assert_eq!(transfer["attempt"], 1, "it is no new attempt");
}

#[tokio::test]
async fn what_failed_on_its_own_is_not_completed_later() {
    let story = Story::begin(&[]).await;
    story.report(json!({ "status": "failed", "error": "disk full" })).await;
    let before = story.shown().await;
    assert_eq!(story.report(json!({ "status": "completed" })).await.status, 409);
    assert_eq!(story.shown().await, before);
}

#[rstest]
#[case::running("running", 2)]
#[case::queued("queued", 2)]
#[tokio::test]
async fn what_failed_by_its_lease_may_be_attempted_again(#[case] status: &str, #[case] attempt: i64) {
    let story = Story::failed_by_lease(&[]).await;
    let answer = story.report(json!({ "status": status })).await;
    let transfer = &answer.body["data"]["transfer"];
    assert_eq!((answer.status, &transfer["status"], &transfer["attempt"]), (200, &json!(status), &json!(attempt)));
    let lapsed = story.report(json!({ "status": "failed" })).await;
    assert_eq!(lapsed.status, 200);
    assert_eq!(
        story.report(json!({ "status": "completed" })).await.status,
        409,
        "only the lease's failure is doubtful"
    );
}

#[tokio::test]
async fn what_was_cancelled_by_its_agent_is_not_failed_by_the_lease() {
    let story = Story::begin(&[]).await;
    story.app.cp().cancel_transfer(&admin(), story.id).await.expect("a cancel");
    story.report(json!({ "status": "cancelled" })).await;
    assert_eq!(story.sweep(LEASE * 2).await, 0);
    assert_eq!(story.shown().await["status"], "cancelled");
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn two_servers_that_sweep_at_once_end_a_lease_once() {
    let database = TestDatabase::shared().await;
    let (one, two) = (TestApp::on(&database, &[]).await, TestApp::on(&database, &[]).await);
    let agent = one.agent(one.customer("acme").await.id, "edge-1").await;
    for _ in 0..5 {
        let path = format!("/api/transfers/{}", one.transfer(&agent).await["id"].as_str().unwrap_or_default());
        one.key(&agent.key).patch(&path, &json!({ "status": "running" })).await;
    }
    one.key(&agent.key).post("/api/agents/heartbeat", &json!({ "status": "offline" })).await;
    one.advance(LEASE + MOMENT);
    two.advance(LEASE + MOMENT);
    let (first, second) = tokio::join!(one.cp().end_leases(), two.cp().end_leases());
    assert_eq!(first.expect("a sweep") + second.expect("a sweep"), 5);
    let counted = one.admin().await.get("/api/transfers?status=failed").await;
    assert_eq!(counted.body["data"]["pagination"]["total"], 5, "counted once as well");
}
