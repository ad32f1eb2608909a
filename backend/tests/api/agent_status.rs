//! Agent statuses: three missed heartbeats, and the sweep.

use backend::{
    actor::Scope,
    events::{Reader, Signal},
    ids::IdGenerator,
    model::event::{Kind, Object},
    store::agents::AgentRow,
};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    app::{TestAgent, TestDatabase},
};

async fn sweep(app: &TestApp) -> usize {
    app.cp().mark_silent_agents_offline().await.expect("a sweep")
}

async fn shown(app: &TestApp, agent: &TestAgent) -> Value {
    let agent = app.cp().get_agent(&crate::support::admin(), agent.id).await.expect("an agent");
    json!(agent.agent)
}

async fn heartbeat(app: &TestApp, agent: &TestAgent, body: &Value) -> Value {
    let answer = app.key(&agent.key).post("/api/agents/heartbeat", body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["agent"].clone()
}

/// The kinds, numbers and revisions of the events about agents on the bus so far.
async fn published(app: &TestApp, reader: &mut Reader) -> Vec<(Kind, i64)> {
    // What this publishes is the end of what is read.
    app.customer("end").await;
    let mut found = Vec::new();
    loop {
        let Some(Signal::Message(message)) = reader.next().await else { continue };
        for event in &message.events {
            match &event.object {
                Object::Agent(agent) => found.push((event.kind, agent.revision)),
                Object::Customer(_) => return found,
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn an_agent_is_offline_after_three_missed_heartbeats_and_not_before() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    assert_eq!(shown(&app, &agent).await["status"], "online", "registered is online");
    app.advance(TimeDelta::seconds(90));
    assert_eq!((sweep(&app).await, shown(&app, &agent).await["status"].clone()), (0, json!("online")));
    app.advance(TimeDelta::milliseconds(1));
    let mut reader = app.cp().bus().read();
    assert_eq!((sweep(&app).await, sweep(&app).await), (1, 0));
    let offline = shown(&app, &agent).await;
    assert_eq!((&offline["status"], &offline["revision"]), (&json!("offline"), &json!(2)));
    assert_eq!(offline["lastHeartbeat"], "2026-04-25T13:00:00Z", "the sweep is no heartbeat");
    assert_eq!(published(&app, &mut reader).await, [(Kind::AgentStatusChanged, 2)]);
}

#[tokio::test]
async fn a_heartbeat_keeps_an_agent_there_and_brings_it_back() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    app.advance(TimeDelta::seconds(60));
    heartbeat(&app, &agent, &json!({})).await;
    app.advance(TimeDelta::seconds(60));
    assert_eq!(sweep(&app).await, 0);
    app.advance(TimeDelta::seconds(31));
    assert_eq!(sweep(&app).await, 1);
    let back = heartbeat(&app, &agent, &json!({})).await;
    assert_eq!((&back["status"], &back["revision"]), (&json!("online"), &json!(4)));
    assert_eq!((&back["lastHeartbeat"], sweep(&app).await), (&json!("2026-04-25T13:02:31Z"), 0));
}

#[tokio::test]
async fn only_heartbeats_count() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let transfer = app.transfer(&agent).await;
    app.advance(TimeDelta::seconds(91));
    let path = format!("/api/transfers/{}", transfer["id"].as_str().unwrap_or_default());
    app.key(&agent.key).patch(&path, &json!({ "status": "running" })).await;
    app.key(&agent.key).get("/api/agents/directives").await;
    assert_eq!(sweep(&app).await, 1);
}

#[rstest]
#[case::busy_stays(json!({ "status": "busy" }), json!({}), "busy")]
#[case::error_stays(json!({ "status": "error" }), json!({}), "error")]
#[case::offline_comes_back(json!({ "status": "offline" }), json!({}), "online")]
#[case::null_is_absent(json!({ "status": "busy" }), json!({ "status": null }), "busy")]
#[case::online_again(json!({ "status": "busy" }), json!({ "status": "online" }), "online")]
#[case::goodbye(json!({}), json!({ "status": "offline" }), "offline")]
#[tokio::test]
async fn what_a_heartbeat_does_not_say_stays(#[case] first: Value, #[case] second: Value, #[case] status: &str) {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    heartbeat(&app, &agent, &first).await;
    let after = heartbeat(&app, &agent, &second).await;
    assert_eq!((&after["status"], &after["revision"]), (&json!(status), &json!(3)));
}

#[rstest]
#[case("busy")]
#[case("error")]
#[tokio::test]
async fn a_silent_agent_that_was_busy_or_in_error_goes_offline_too(#[case] status: &str) {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    heartbeat(&app, &agent, &json!({ "status": status })).await;
    app.advance(TimeDelta::seconds(91));
    assert_eq!(sweep(&app).await, 1);
}

#[tokio::test]
async fn an_agent_that_signed_off_is_not_marked_again() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    heartbeat(&app, &agent, &json!({ "status": "offline" })).await;
    app.advance(TimeDelta::seconds(91));
    assert_eq!((sweep(&app).await, shown(&app, &agent).await["revision"].clone()), (0, json!(2)));
}

#[tokio::test]
async fn every_heartbeat_is_published() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let mut reader = app.cp().bus().read();
    heartbeat(&app, &agent, &json!({ "load": 0.5 })).await;
    heartbeat(&app, &agent, &json!({ "status": "busy" })).await;
    let expected = [(Kind::AgentHeard, 2), (Kind::AgentStatusChanged, 3)];
    assert_eq!(published(&app, &mut reader).await, expected);
}

#[tokio::test]
async fn another_interval_counts_for_agents_that_know_it() {
    let app = TestApp::with(&["--rate-limits", "off", "--heartbeat-interval", "10s"]).await;
    let customer = app.customer("acme").await;
    let (acknowledging, silent) = (app.agent(customer.id, "edge-1").await, app.agent(customer.id, "edge-2").await);
    let answer = app.key(&acknowledging.key).get("/api/agents/directives").await;
    let id = answer.body["data"]["directives"][0]["id"].as_str().unwrap_or_default().to_owned();
    app.key(&acknowledging.key).send("POST", &format!("/api/agents/directives/{id}/ack"), None).await;
    app.advance(TimeDelta::milliseconds(30_001));
    assert_eq!(sweep(&app).await, 1);
    assert_eq!(shown(&app, &acknowledging).await["status"], "offline");
    assert_eq!(shown(&app, &silent).await["status"], "online", "it still keeps the published interval");
    app.advance(TimeDelta::seconds(60));
    assert_eq!((sweep(&app).await, shown(&app, &silent).await["status"].clone()), (1, json!("offline")));
}

#[tokio::test]
async fn a_longer_interval_counts_for_every_agent() {
    let app = TestApp::with(&["--rate-limits", "off", "--heartbeat-interval", "60s"]).await;
    app.agent(app.customer("acme").await.id, "edge-1").await;
    app.advance(TimeDelta::seconds(180));
    assert_eq!(sweep(&app).await, 0);
    app.advance(TimeDelta::milliseconds(1));
    assert_eq!(sweep(&app).await, 1);
}

#[tokio::test]
async fn no_agent_is_declared_offline_in_the_first_ninety_seconds_of_a_server() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    // For an hour no heartbeat could arrive.
    let app = app.restarted(TimeDelta::hours(1)).await;
    assert_eq!(sweep(&app).await, 0);
    app.advance(TimeDelta::milliseconds(89_999));
    assert_eq!((sweep(&app).await, shown(&app, &agent).await["status"].clone()), (0, json!("online")));
    app.advance(TimeDelta::milliseconds(1));
    assert_eq!((sweep(&app).await, shown(&app, &agent).await["status"].clone()), (1, json!("offline")));
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn two_servers_that_sweep_at_once_publish_it_once() {
    let database = TestDatabase::shared().await;
    let (one, two) = (TestApp::on(&database, &[]).await, TestApp::on(&database, &[]).await);
    let customer = one.customer("acme").await;
    for index in 0..5 {
        one.agent(customer.id, &format!("edge-{index}")).await;
    }
    one.advance(TimeDelta::seconds(91));
    two.advance(TimeDelta::seconds(91));
    let (first, second) = tokio::join!(sweep(&one), sweep(&two));
    assert_eq!(first + second, 5);
    let logged = "SELECT number, kind FROM events WHERE kind = 'agentStatusChanged'";
    let rows: Vec<(i64, String)> = backend::store::db::sql(logged).fetch_all(&one.app.db).await.expect("the log");
    assert_eq!(rows.len(), 5);
}

#[tokio::test]
async fn one_sweep_declares_all_who_are_silent_offline() {
    const COUNT: usize = 2_500;
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let model = app.agent(customer.id, "edge-1").await;
    let row = backend::store::agents::find(&app.app.db, Scope::All, model.id).await.expect("a read").expect("an agent");
    let ids = IdGenerator::seeded(11);
    let mut tx = app.app.db.begin().await.expect("a transaction");
    for _ in 1..COUNT {
        let other = AgentRow { id: ids.next(row.created_at), ..row.clone() };
        backend::store::agents::insert(&mut tx, &other).await.expect("an agent");
    }
    tx.commit().await.expect("a commit");
    app.advance(TimeDelta::seconds(91));
    let mut reader = app.cp().bus().read();
    assert_eq!((sweep(&app).await, sweep(&app).await), (COUNT, 0));
    assert_eq!(published(&app, &mut reader).await.len(), COUNT, "each is published, and once");
    let user = app.bearer(&customer.token);
    assert_eq!(user.get("/api/agents?status=offline").await.body["data"]["pagination"]["total"], COUNT);
}
