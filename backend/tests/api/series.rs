//! Tests of `GET /api/series` and `series` of GraphQL.

use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Client, TestApp,
    app::{START, TestAgent, TestCustomer, TestDatabase},
};

/// The start of the test's clock in Unix seconds.
fn start() -> i64 {
    START.parse::<DateTime<Utc>>().expect("an instant").timestamp()
}

async fn with_agent(app: &TestApp, name: &str) -> (TestCustomer, TestAgent) {
    let customer = app.customer(name).await;
    let agent = app.agent(customer.id, &format!("host-of-{name}")).await;
    (customer, agent)
}

/// Creates a transfer of 1,000 bytes and returns its path.
async fn transfer(app: &TestApp, agent: &TestAgent, fields: Value) -> String {
    let mut body =
        json!({ "source": "/in", "destination": "/out", "direction": "pull", "protocol": "sftp", "size": 1000 });
    body.as_object_mut().expect("an object").extend(fields.as_object().cloned().unwrap_or_default());
    let answer = app.key(&agent.key).post("/api/transfers", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    format!("/api/transfers/{}", answer.body["data"]["transfer"]["id"].as_str().expect("an id"))
}

async fn report(app: &TestApp, agent: &TestAgent, path: &str, body: Value) {
    let answer = app.key(&agent.key).patch(path, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Advances the clock and collects.
async fn collect(app: &TestApp, seconds: i64) {
    app.advance(TimeDelta::seconds(seconds));
    app.cp().collect_series().await.expect("a round");
}

/// The values of a series of three minutes from the start of the test.
async fn minutes(client: &Client, metric: &str, more: &str) -> Value {
    let window = "from=2026-04-25T13:00:00Z&to=2026-04-25T13:03:00Z&step=1m";
    values(client, &format!("metric={metric}&{window}{more}")).await
}

async fn values(client: &Client, query: &str) -> Value {
    let answer = client.get(&format!("/api/series?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let points = answer.body["data"]["points"].as_array().expect("points").iter();
    points.map(|point| point[1].clone()).collect()
}

/// A transfer that begins in the first minute and is completed in the second, and is collected in both.
async fn completed(app: &TestApp, agent: &TestAgent, fields: Value) {
    let path = transfer(app, agent, fields).await;
    report(app, agent, &path, json!({ "status": "running" })).await;
    app.advance(TimeDelta::seconds(30));
    report(app, agent, &path, json!({ "bytesTransferred": 400 })).await;
    collect(app, 10).await;
    app.advance(TimeDelta::seconds(40));
    report(app, agent, &path, json!({ "status": "completed" })).await;
    collect(app, 10).await;
}

#[rstest]
#[case("bytes", json!([400.0, 600.0, null]))]
#[case("started", json!([1.0, 0.0, null]))]
#[case("completed", json!([0.0, 1.0, null]))]
#[case("failed", json!([0.0, 0.0, null]))]
#[case("successRate", json!([null, 1.0, null]))]
#[case("agentsOnline", json!([1.0, 1.0, null]))]
#[tokio::test]
async fn each_minute_has_what_happened_in_it(#[case] metric: &str, #[case] expected: Value) {
    let app = TestApp::start().await;
    let (customer, agent) = with_agent(&app, "acme").await;
    completed(&app, &agent, json!({})).await;
    let user = app.bearer(&customer.token);
    assert_eq!(minutes(&app.admin().await, metric, "").await, expected);
    assert_eq!(minutes(&user, metric, "").await, expected);
    assert_eq!(minutes(&user, metric, &format!("&customerId={}", customer.id)).await, expected);
}

#[tokio::test]
async fn every_byte_and_every_attempt_is_counted_once_however_often_is_collected() {
    let app = TestApp::start().await;
    let (_, agent) = with_agent(&app, "acme").await;
    let path = transfer(&app, &agent, json!({})).await;
    let admin = app.admin().await;
    for body in [json!({ "status": "running", "bytesTransferred": 300 }), json!({ "status": "failed" })] {
        report(&app, &agent, &path, body).await;
        collect(&app, 10).await;
        collect(&app, 0).await;
    }
    assert_eq!(admin.post("/api/transfers/retry", &json!({ "ids": [path.rsplit('/').next()] })).await.status, 200);
    report(&app, &agent, &path, json!({ "status": "running", "attempt": 2 })).await;
    report(&app, &agent, &path, json!({ "bytesTransferred": 500 })).await;
    collect(&app, 10).await;
    collect(&app, 10).await;
    report(&app, &agent, &path, json!({ "status": "completed" })).await;
    collect(&app, 10).await;
    for (metric, expected) in [("bytes", 1_300.0), ("started", 2.0), ("completed", 1.0), ("failed", 1.0)] {
        assert_eq!(minutes(&admin, metric, "").await[0], expected, "{metric}");
    }
    assert_eq!(minutes(&admin, "successRate", "").await[0], 0.5);
}

#[tokio::test]
async fn what_was_committed_before_a_server_stopped_is_counted_in_its_minute_by_the_next_one() {
    let app = TestApp::start().await;
    let (_, agent) = with_agent(&app, "acme").await;
    let path = transfer(&app, &agent, json!({})).await;
    report(&app, &agent, &path, json!({ "status": "running" })).await;
    collect(&app, 0).await;
    report(&app, &agent, &path, json!({ "bytesTransferred": 700 })).await;
    report(&app, &agent, &path, json!({ "status": "failed" })).await;
    let app = app.restarted(TimeDelta::minutes(2)).await;
    collect(&app, 0).await;
    let admin = app.admin().await;
    assert_eq!(minutes(&admin, "failed", "").await, json!([1.0, null, 0.0]));
    assert_eq!(minutes(&admin, "bytes", "").await, json!([700.0, null, 0.0]));
    assert_eq!(minutes(&admin, "started", "").await, json!([1.0, null, 0.0]));
}

#[tokio::test]
async fn a_customer_sees_only_their_own_and_an_administrator_sees_all() {
    let app = TestApp::start().await;
    let (acme, agent) = with_agent(&app, "acme").await;
    let (other, foreign) = with_agent(&app, "other").await;
    for agent in [&agent, &foreign, &foreign] {
        let path = transfer(&app, agent, json!({})).await;
        report(&app, agent, &path, json!({ "status": "completed" })).await;
    }
    collect(&app, 10).await;
    let (acme_user, other_user, admin) = (app.bearer(&acme.token), app.bearer(&other.token), app.admin().await);
    for (client, more, expected) in [
        (&acme_user, String::new(), 1.0),
        (&other_user, String::new(), 2.0),
        (&admin, String::new(), 3.0),
        (&admin, format!("&customerId={}", other.id), 2.0),
    ] {
        assert_eq!(minutes(client, "completed", &more).await[0], expected, "{more}");
    }
    let job = app.job(&foreign, &json!({})).await;
    for more in [format!("customerId={}", other.id), format!("agentId={}", foreign.id), format!("jobId={job}")] {
        let query = "metric=bytes&from=2026-04-25T13:00:00Z&to=2026-04-25T14:00:00Z&step=1h";
        assert_eq!(acme_user.get(&format!("/api/series?{query}&{more}")).await.status, 404, "{more}");
        assert_eq!(other_user.get(&format!("/api/series?{query}&{more}")).await.status, 200, "{more}");
    }
}

#[tokio::test]
async fn hours_are_kept_for_each_agent_and_job_too() {
    let app = TestApp::start().await;
    let (customer, agent) = with_agent(&app, "acme").await;
    let job = app.job(&agent, &json!({})).await;
    let run = app.key(&agent.key).post(&format!("/api/jobs/{job}/runs"), &json!({})).await;
    completed(&app, &agent, json!({ "jobRunId": run.body["data"]["run"]["id"] })).await;
    completed(&app, &agent, json!({})).await;
    let user = app.bearer(&customer.token);
    let hours = "metric=bytes&from=2026-04-25T13:00:00Z&to=2026-04-25T15:00:00Z&step=1h";
    assert_eq!(values(&user, &format!("{hours}&jobId={job}")).await, json!([1000.0, null]));
    assert_eq!(values(&user, &format!("{hours}&agentId={}", agent.id)).await, json!([2000.0, null]));
    assert_eq!(values(&user, hours).await, json!([2000.0, null]));
}

#[tokio::test]
async fn days_begin_at_midnight_of_their_time_zone() {
    let app = TestApp::start().await;
    let (_, agent) = with_agent(&app, "acme").await;
    completed(&app, &agent, json!({})).await;
    let admin = app.admin().await;
    let days = "metric=completed&from=2026-04-24T15:00:00Z&to=2026-04-26T15:00:00Z&step=1d";
    let answer = admin.get(&format!("/api/series?{days}&tz=Asia/Tokyo")).await;
    let midnight = |hours: i64| start() - 22 * 3_600 + hours * 3_600;
    // 13:00 in UTC is 22:00 in Tokyo.
    assert_eq!(answer.body["data"]["points"], json!([[midnight(0), 1.0], [midnight(24), null]]));
    assert_eq!(values(&admin, days).await, json!([null, 1.0, null]), "days of UTC");
}

#[tokio::test]
async fn months_begin_at_midnight_of_their_first_day_in_their_time_zone() {
    let app = TestApp::start().await;
    let (_, agent) = with_agent(&app, "acme").await;
    collect(&app, 0).await;
    // In Berlin, 22:30 of 30 April is 00:30 of 1 May.
    app.advance(TimeDelta::days(5) + TimeDelta::minutes(9 * 60 + 30));
    completed(&app, &agent, json!({})).await;
    let admin = app.admin().await;
    let months = "metric=completed&from=2026-03-20T00:00:00Z&to=2026-05-15T00:00:00Z&step=1mo";
    let answer = admin.get(&format!("/api/series?{months}&tz=Europe/Berlin")).await;
    let at = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant").timestamp();
    let expected = json!([
        [at("2026-02-28T23:00:00Z"), null],
        [at("2026-03-31T22:00:00Z"), 0.0],
        [at("2026-04-30T22:00:00Z"), 1.0],
    ]);
    assert_eq!((answer.status, &answer.body["data"]["points"]), (200, &expected), "{}", answer.body);
    assert_eq!(answer.body["data"]["step"], "1mo");
    assert_eq!(values(&admin, months).await, json!([null, 1.0, null]), "months of UTC");
}

#[tokio::test]
async fn the_usage_of_a_customer_has_the_last_twelve_months() {
    let app = TestApp::start().await;
    let (acme, agent) = with_agent(&app, "acme").await;
    let (other, foreign) = with_agent(&app, "other").await;
    // The first transfer ends at the beginning of the first of the twelve months, the last one at the end of the last.
    app.advance(TimeDelta::days(5) + TimeDelta::hours(11));
    completed(&app, &agent, json!({})).await;
    let path = transfer(&app, &foreign, json!({})).await;
    for status in ["running", "failed"] {
        report(&app, &foreign, &path, json!({ "status": status })).await;
    }
    collect(&app, 10).await;
    app.advance(TimeDelta::days(364) + TimeDelta::hours(23));
    app.cp().purge().await.expect("a purge");
    for _ in 0..2 {
        completed(&app, &agent, json!({})).await;
    }
    let admin = app.admin().await;
    let usage = |metric: &str, customer: &TestCustomer| {
        let window = "from=2026-05-31T00:00:00Z&to=2027-05-01T00:00:00Z&step=1mo";
        format!("metric={metric}&{window}&customerId={}", customer.id)
    };
    let months = |first: f64, last: f64| {
        let mut months = vec![Value::Null; 12];
        (months[0], months[11]) = (json!(first), json!(last));
        Value::Array(months)
    };
    for (metric, customer, expected) in [
        ("completed", &acme, months(1.0, 2.0)),
        ("bytes", &acme, months(1_000.0, 2_000.0)),
        ("failed", &acme, months(0.0, 0.0)),
        ("completed", &other, months(0.0, 0.0)),
        ("failed", &other, months(1.0, 0.0)),
    ] {
        assert_eq!(values(&admin, &usage(metric, customer)).await, expected, "{metric} of {}", customer.id);
    }
    let query = |customer: &TestCustomer| {
        let window = r#"from: "2026-05-31T00:00:00Z", to: "2027-05-01T00:00:00Z", step: MONTH, tz: "UTC""#;
        format!(r#"{{ series(metric: COMPLETED, {window}, customerId: "{}") {{ points }} }}"#, customer.id)
    };
    let points = admin.data(&query(&acme), &Value::Null).await["series"]["points"].clone();
    let counted: Vec<Value> = points.as_array().expect("points").iter().map(|point| point[1].clone()).collect();
    assert_eq!(Value::Array(counted), months(1.0, 2.0));
}

#[tokio::test]
async fn a_series_is_compared_with_the_week_before() {
    let app = TestApp::start().await;
    let (_, agent) = with_agent(&app, "acme").await;
    completed(&app, &agent, json!({})).await;
    app.advance(TimeDelta::days(7));
    let query = "metric=completed&from=2026-05-02T13:00:00Z&to=2026-05-02T13:03:00Z&step=1m&baseline=true";
    let answer = app.admin().await.get(&format!("/api/series?{query}")).await;
    let data = &answer.body["data"];
    let before = json!([[start(), 0.0], [start() + 60, 1.0], [start() + 120, null]]);
    assert_eq!(data["baseline"], before, "{}", answer.body);
    assert_eq!(data["points"][1], json!([start() + 7 * 86_400 + 60, null]));
    assert_eq!(data["finalUntil"], "2026-05-02T12:59:00Z");
}

#[tokio::test]
async fn minutes_are_kept_for_eight_days_and_hours_for_four_hundred() {
    let app = TestApp::start().await;
    let (_, agent) = with_agent(&app, "acme").await;
    completed(&app, &agent, json!({})).await;
    let hours = "metric=completed&from=2026-04-25T13:00:00Z&to=2026-04-25T14:00:00Z&step=1h";
    app.advance(TimeDelta::days(8) - TimeDelta::minutes(2));
    app.cp().purge().await.expect("a purge");
    assert_eq!(minutes(&app.admin().await, "completed", "").await, json!([0.0, 1.0, null]));
    app.advance(TimeDelta::minutes(3));
    app.cp().purge().await.expect("a purge");
    let admin = app.admin().await;
    assert_eq!(minutes(&admin, "completed", "").await, json!([null, null, null]));
    assert_eq!(values(&admin, hours).await, json!([1.0]));
    app.advance(TimeDelta::days(393));
    app.cp().purge().await.expect("a purge");
    assert_eq!(values(&app.admin().await, hours).await, json!([null]));
}

#[tokio::test]
async fn a_month_of_which_hours_are_gone_has_no_total() {
    let app = TestApp::start().await;
    let (customer, agent) = with_agent(&app, "acme").await;
    completed(&app, &agent, json!({})).await;
    // From 15 April on, hours are kept.
    app.advance(TimeDelta::days(390));
    app.cp().purge().await.expect("a purge");
    let admin = app.admin().await;
    let total =
        async |window: &str| values(&admin, &format!("metric=completed&{window}&customerId={}", customer.id)).await;
    assert_eq!(total("from=2026-04-25T00:00:00Z&to=2026-04-26T00:00:00Z&step=1d").await, json!([1.0]));
    assert_eq!(total("from=2026-04-25T00:00:00Z&to=2026-04-26T00:00:00Z&step=1mo").await, json!([null]));
}

#[tokio::test]
async fn a_round_begins_ten_seconds_after_the_last_one() {
    let app = TestApp::start().await;
    let (_, agent) = with_agent(&app, "acme").await;
    let admin = app.admin().await;
    collect(&app, 0).await;
    let path = transfer(&app, &agent, json!({})).await;
    report(&app, &agent, &path, json!({ "status": "running" })).await;
    collect(&app, 9).await;
    assert_eq!(minutes(&admin, "started", "").await[0], 0.0);
    collect(&app, 1).await;
    assert_eq!(minutes(&admin, "started", "").await[0], 1.0);
}

#[rstest]
#[case("metric=bytes&step=1m&from=2026-04-25T13:00:00Z", &["to"])]
#[case("metric=size&step=1m&from=2026-04-25T13:00:00Z&to=2026-04-25T14:00:00Z", &["metric"])]
#[case("metric=bytes&step=1m&from=2026-04-01T00:00:00Z&to=2026-04-25T14:00:00Z", &["step"])]
#[case("metric=bytes&step=1h&from=2026-04-25T13:00:00Z&to=2026-04-25T14:00:00Z&tz=Europe/Berlin", &["tz"])]
#[tokio::test]
async fn a_request_without_meaning_is_400(#[case] query: &str, #[case] wrong: &[&str]) {
    let answer = TestApp::start().await.admin().await.get(&format!("/api/series?{query}")).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, wrong.to_vec()), "{}", answer.body);
}

#[tokio::test]
async fn graphql_answers_as_rest_does() {
    let app = TestApp::start().await;
    let (customer, agent) = with_agent(&app, "acme").await;
    completed(&app, &agent, json!({})).await;
    let window = r#"from: "2026-04-25T13:00:00Z", to: "2026-04-25T13:03:00Z", step: MINUTE"#;
    let query =
        format!("{{ series(metric: BYTES, {window}, baseline: true) {{ metric step finalUntil points baseline }} }}");
    let asked = app.bearer(&customer.token).data(&query, &Value::Null).await["series"].clone();
    assert_eq!((&asked["metric"], &asked["step"]), (&json!("BYTES"), &json!("MINUTE")));
    let at = |minute: i32| json!(1_777_122_000.0 + f64::from(minute) * 60.0);
    assert_eq!(asked["points"], json!([[at(0), 400.0], [at(1), 600.0], [at(2), null]]));
    assert_eq!(asked["baseline"][0][1], Value::Null);
    let refused = app
        .admin()
        .await
        .ask(&format!("{{ series(metric: BYTES, {window}, tz: \"UTC\") {{ step }} }}"), &Value::Null)
        .await;
    assert_eq!(refused.wrong_arguments(), ["tz"], "{}", refused.body);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn several_servers_that_collect_at_once_count_everything_once() {
    let database = TestDatabase::shared().await;
    let one = TestApp::on(&database, &["--rate-limits", "off"]).await;
    let other = TestApp::on(&database, &["--rate-limits", "off"]).await;
    let (_, agent) = with_agent(&one, "acme").await;
    let admin = one.admin().await;
    for round in 1..=20 {
        let path = transfer(&one, &agent, json!({})).await;
        report(&one, &agent, &path, json!({ "status": "running" })).await;
        report(&other, &agent, &path, json!({ "status": "completed" })).await;
        one.advance(TimeDelta::seconds(1));
        other.advance(TimeDelta::seconds(1));
        if round % 10 == 0 {
            let (first, second) = tokio::join!(one.cp().collect_series(), other.cp().collect_series());
            first.and(second).expect("rounds");
        }
    }
    for (metric, expected) in [("bytes", 20_000.0), ("started", 20.0), ("completed", 20.0)] {
        assert_eq!(minutes(&admin, metric, "").await[0], expected, "{metric}");
    }
}
