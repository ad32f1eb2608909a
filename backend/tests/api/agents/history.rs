//! Tests of `GET /api/agents/{id}/history` and `agentHistory` of GraphQL.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{
    Client, TestApp,
    app::{TestAgent, TestCustomer, TestDatabase},
};

async fn with_agent(app: &TestApp) -> (TestCustomer, TestAgent) {
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    (customer, agent)
}

async fn heartbeat(app: &TestApp, agent: &TestAgent, after: i64, body: Value) {
    app.advance(TimeDelta::seconds(after));
    let answer = app.key(&agent.key).post("/api/agents/heartbeat", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// What the task of the collector does.
async fn round(app: &TestApp) {
    app.cp().collect_series().await.expect("a round");
    app.cp().write_agent_history().await.expect("it is written");
}

async fn history(client: &Client, agent: &TestAgent, query: &str) -> Value {
    let answer = client.get(&format!("/api/agents/{}/history{query}", agent.id)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["data"]["points"].clone()
}

fn point(at: &str, load: Option<f64>, memory: Option<f64>, heartbeats: i64, gap: i64) -> Value {
    json!({
        "at": format!("2026-04-25T{at}:00Z"), "load": load, "memory": memory, "heartbeats": heartbeats,
        "longestGapSeconds": gap,
    })
}

/// Two minutes with heartbeats, one without, and another one with.
async fn busy(app: &TestApp, agent: &TestAgent) {
    heartbeat(app, agent, 5, json!({ "load": 1.0, "memory": 100 })).await;
    heartbeat(app, agent, 30, json!({ "load": 2.0, "memory": 300 })).await;
    round(app).await;
    heartbeat(app, agent, 30, json!({ "load": 4.0 })).await;
    app.advance(TimeDelta::seconds(70));
    round(app).await;
    heartbeat(app, agent, 55, json!({})).await;
    round(app).await;
}

/// What [`busy`] leaves, ten seconds into the fourth minute.
fn expected() -> Value {
    json!([
        point("13:00", Some(1.5), Some(200.0), 2, 30),
        point("13:01", Some(4.0), Some(300.0), 1, 55),
        point("13:02", None, None, 0, 60),
        point("13:03", Some(4.0), Some(300.0), 1, 10),
    ])
}

#[tokio::test]
async fn each_minute_has_averages_and_its_longest_gap() {
    let app = TestApp::start().await;
    let (customer, agent) = with_agent(&app).await;
    let user = app.bearer(&customer.token);
    busy(&app, &agent).await;
    assert_eq!(history(&user, &agent, "").await, expected());
    assert_eq!(history(&user, &agent, "?step=1m").await, expected());
    let hour = point("13:00", Some(2.75), Some(250.0), 4, 125);
    assert_eq!(history(&user, &agent, "?step=1h").await, json!([hour]));
}

#[tokio::test]
async fn an_orderly_stop_writes_what_waits_and_the_next_server_continues() {
    let app = TestApp::start().await;
    let (_, agent) = with_agent(&app).await;
    busy(&app, &agent).await;
    app.cp().write_rest_of_agent_history().await.expect("it is written");
    let app = app.restarted(TimeDelta::zero()).await;
    assert_eq!(history(&app.admin().await, &agent, "").await, expected());
    heartbeat(&app, &agent, 5, json!({ "load": 8.0 })).await;
    // A client of the server that stops would keep its database open.
    let minute = history(&app.admin().await, &agent, "").await[3].clone();
    assert_eq!(minute, point("13:03", Some(6.0), Some(300.0), 2, 10));
    app.advance(TimeDelta::minutes(1));
    round(&app).await;
    let app = app.restarted(TimeDelta::zero()).await;
    let minute = history(&app.admin().await, &agent, "").await[3].clone();
    assert_eq!(minute, point("13:03", Some(6.0), Some(300.0), 2, 45), "it is added to what was stored");
}

#[tokio::test]
async fn minutes_are_kept_for_a_day_and_hours_for_thirty() {
    let app = TestApp::start().await;
    let (_, agent) = with_agent(&app).await;
    busy(&app, &agent).await;
    app.cp().write_rest_of_agent_history().await.expect("it is written");
    let stored = async || {
        let statement = backend::store::db::sql("SELECT COUNT(*), COUNT(minutes) FROM agent_history");
        let (hours, minutes): (i64, i64) = statement.fetch_one(&app.app.db).await.expect("a row");
        (hours, minutes)
    };
    app.cp().purge().await.expect("a purge");
    assert_eq!(stored().await, (1, 1));
    app.advance(TimeDelta::hours(25));
    app.cp().purge().await.expect("a purge");
    assert_eq!(stored().await, (1, 0));
    let admin = app.admin().await;
    assert_eq!(history(&admin, &agent, "").await, json!([]));
    let hour = point("13:00", Some(2.75), Some(250.0), 4, 3_410);
    assert_eq!(history(&admin, &agent, "?step=1h").await, json!([hour]));
    app.advance(TimeDelta::days(29));
    app.cp().purge().await.expect("a purge");
    assert_eq!(stored().await, (0, 0));
}

#[tokio::test]
async fn a_history_is_for_those_who_see_the_agent() {
    let app = TestApp::start().await;
    let (_, agent) = with_agent(&app).await;
    let other = app.customer("other").await;
    let path = format!("/api/agents/{}/history", agent.id);
    assert_eq!(app.bearer(&other.token).get(&path).await.status, 404);
    let answer = app.admin().await.get(&format!("{path}?step=1d")).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["step"]), "{}", answer.body);
}

#[tokio::test]
async fn graphql_has_the_same_history() {
    let app = TestApp::start().await;
    let (customer, agent) = with_agent(&app).await;
    busy(&app, &agent).await;
    let user = app.bearer(&customer.token);
    let query = "query ($id: ID!) { minutes: agentHistory(id: $id) { at load memory heartbeats longestGapSeconds }
        hours: agentHistory(id: $id, step: HOUR) { at load memory heartbeats longestGapSeconds } }";
    let asked = user.data(query, &json!({ "id": agent.id })).await;
    assert_eq!(asked["minutes"], history(&user, &agent, "").await);
    assert_eq!(asked["hours"], history(&user, &agent, "?step=1h").await);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn heartbeats_to_several_servers_are_one_history() {
    let database = TestDatabase::shared().await;
    let one = TestApp::on(&database, &["--rate-limits", "off"]).await;
    let other = TestApp::on(&database, &["--rate-limits", "off"]).await;
    let (_, agent) = with_agent(&one).await;
    heartbeat(&one, &agent, 5, json!({ "load": 1.0 })).await;
    heartbeat(&other, &agent, 35, json!({ "load": 3.0 })).await;
    let (first, second) =
        tokio::join!(one.cp().write_rest_of_agent_history(), other.cp().write_rest_of_agent_history());
    first.and(second).expect("they are written");
    one.advance(TimeDelta::seconds(60));
    let minute = history(&one.admin().await, &agent, "").await[0].clone();
    assert_eq!(minute, point("13:00", Some(2.0), None, 2, 30));
}
