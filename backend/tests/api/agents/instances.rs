//! Agent processes with an `instanceId`: a restarted process continues; of two processes that are alive, the later one
//! stops.

use backend::model::event::Kind;
use chrono::TimeDelta;
use serde_json::json;

use crate::support::{Answer, TestApp};

const A: &str = "0a000000-0000-4000-8000-00000000000a";
const B: &str = "0b000000-0000-4000-8000-00000000000b";
const C: &str = "0c000000-0000-4000-8000-00000000000c";

struct Fixture {
    app: TestApp,
    agent: crate::support::app::TestAgent,
}

impl Fixture {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let customer = app.customer("acme").await;
        let agent = app.agent(customer.id, "edge-1").await;
        Self { app, agent }
    }

    /// Sends a heartbeat of a process after this many seconds.
    async fn beat(&self, after: i64, instance: &str) -> Answer {
        self.app.advance(TimeDelta::seconds(after));
        self.app.key(&self.agent.key).post("/api/agents/heartbeat", &json!({ "instanceId": instance })).await
    }
}

fn is_duplicate(answer: &Answer) -> bool {
    answer.status == 409 && answer.body["details"] == json!({ "reason": "duplicateInstance" })
}

#[tokio::test]
async fn a_process_that_was_started_anew_takes_the_place_of_the_one_before() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.beat(1, A).await.status, 200);
    assert_eq!(fixture.beat(1, B).await.status, 200);
    // What the first one had sent arrives late.
    assert_eq!(fixture.beat(5, A).await.status, 200);
    for _ in 0..3 {
        assert_eq!(fixture.beat(30, B).await.status, 200);
    }
}

#[tokio::test]
async fn a_process_that_was_just_replaced_may_report_and_begins_nothing() {
    let fixture = Fixture::new().await;
    let job = fixture.app.job(&fixture.agent, &json!({})).await;
    fixture.beat(1, A).await;
    fixture.beat(1, B).await;
    fixture.app.advance(TimeDelta::hours(1));
    fixture.app.cp().decide_due_slots().await.expect("a start");
    fixture.beat(1, B).await;
    let client = fixture.app.key(&fixture.agent.key);
    let waiting = async |instance: &str| {
        let answer = client.get(&format!("/api/agents/directives?instanceId={instance}")).await;
        answer.body["data"]["directives"].as_array().expect("directives").len()
    };
    // A third process begins; the second one may be alive or not.
    fixture.beat(1, C).await;
    assert_eq!((waiting(B).await, waiting(C).await), (0, 1));
    let beat = fixture.beat(1, B).await;
    assert_eq!((beat.status, beat.body["data"]["directives"].clone()), (200, json!([])));
    let path = format!("/api/jobs/{job}/runs");
    assert_eq!(client.post(&path, &json!({ "instanceId": B })).await.status, 503);
    assert_eq!(client.post(&path, &json!({ "instanceId": C })).await.status, 201);
}

#[tokio::test]
async fn of_two_that_live_the_later_one_is_stopped_everywhere_and_the_log_says_so() {
    let fixture = Fixture::new().await;
    fixture.beat(1, A).await;
    fixture.beat(10, B).await;
    assert_eq!(fixture.beat(20, A).await.status, 200);
    assert!(is_duplicate(&fixture.beat(1, B).await));
    let client = fixture.app.key(&fixture.agent.key);
    assert!(is_duplicate(&client.get(&format!("/api/agents/directives?instanceId={B}")).await));
    assert_eq!(client.get(&format!("/api/agents/directives?instanceId={A}")).await.status, 200);
    let nothing = "/api/jobs/0199c1f0-6c00-7000-8000-000000000001/runs";
    assert!(is_duplicate(&client.post(nothing, &json!({ "instanceId": B })).await));
    assert_eq!(client.post(nothing, &json!({ "instanceId": A })).await.status, 404);
    // Without a name nothing is checked.
    assert_eq!(client.post("/api/agents/heartbeat", &json!({})).await.status, 200);
    assert_eq!(fixture.beat(3600, A).await.status, 200);
    assert!(is_duplicate(&fixture.beat(1, B).await));
    let logged: Vec<(String,)> =
        backend::store::db::sql("SELECT kind FROM events").fetch_all(&fixture.app.app.db).await.expect("the log");
    let expected_kind = Kind::AgentDuplicateStopped.to_string();
    assert_eq!(logged.iter().filter(|(kind,)| *kind == expected_kind).count(), 1, "{logged:?}");
}

#[tokio::test]
async fn who_was_stopped_is_known_after_a_restart_of_the_server() {
    let fixture = Fixture::new().await;
    fixture.beat(1, A).await;
    fixture.beat(10, B).await;
    fixture.beat(20, A).await;
    let Fixture { app, agent } = fixture;
    let fixture = Fixture { app: app.restarted(TimeDelta::seconds(5)).await, agent };
    assert!(is_duplicate(&fixture.beat(1, B).await));
    assert_eq!(fixture.beat(1, A).await.status, 200);
}

#[tokio::test]
async fn an_instance_is_a_uuid() {
    let fixture = Fixture::new().await;
    let answer = fixture.beat(1, "first").await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["instanceId"]));
}
