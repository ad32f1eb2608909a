//! Tests of `GET /api/agents`.

use chrono::TimeDelta;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, app::TestCustomer};

async fn register(app: &TestApp, customer: &TestCustomer, name: Option<&str>, hostname: &str) -> Value {
    let body = json!({ "name": name, "hostname": hostname, "os": "linux" });
    let answer = app.bearer(&customer.token).post("/api/agents/register", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["data"].clone()
}

fn hostnames(answer: &Answer) -> Vec<&str> {
    let agents = answer.body["data"]["agents"].as_array().expect("agents");
    agents.iter().filter_map(|agent| agent["hostname"].as_str()).collect()
}

#[tokio::test]
async fn agents_are_listed_newest_first_as_they_are() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let first = register(&app, &customer, Some("one"), "host1").await;
    app.advance(TimeDelta::seconds(1));
    let second = register(&app, &customer, None, "host2").await;
    let answer = app.bearer(&customer.token).get("/api/agents").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        json!({ "success": true, "data": {
        "agents": [second["agent"], first["agent"]],
        "pagination": { "page": 1, "limit": 20, "total": 2, "pages": 1 },
    } })
    );
}

#[tokio::test]
async fn pages_follow_each_other_without_a_hole_or_a_duplicate() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    for number in 0..7 {
        register(&app, &customer, None, &format!("host{number}")).await;
    }
    let client = app.bearer(&customer.token);
    let mut walked = Vec::new();
    for page in 1..=4 {
        let answer = client.get(&format!("/api/agents?page={page}&limit=2")).await;
        assert_eq!(answer.body["data"]["pagination"], json!({ "page": page, "limit": 2, "total": 7, "pages": 4 }));
        walked.extend(hostnames(&answer).into_iter().map(str::to_owned));
    }
    assert_eq!(walked, ["host6", "host5", "host4", "host3", "host2", "host1", "host0"]);
}

#[tokio::test]
async fn a_customer_sees_their_own_agents_and_an_administrator_all() {
    let app = TestApp::start().await;
    let (own, other) = (app.customer("Own").await, app.customer("Other").await);
    register(&app, &own, None, "own").await;
    register(&app, &other, None, "other").await;
    assert_eq!(hostnames(&app.bearer(&own.token).get("/api/agents").await), ["own"]);
    assert_eq!(hostnames(&app.bearer(&own.token).get("/api/agents?search=other").await), [""; 0]);
    assert_eq!(hostnames(&app.admin().await.get("/api/agents").await), ["other", "own"]);
}

#[tokio::test]
async fn a_customer_is_a_filter_for_administrators_and_shows_others_nothing() {
    let app = TestApp::start().await;
    let (own, other) = (app.customer("Own").await, app.customer("Other").await);
    register(&app, &own, None, "own").await;
    register(&app, &other, None, "other").await;
    let (admin, user) = (app.admin().await, app.bearer(&own.token));
    let of_other = format!("/api/agents?customerId={}", other.id);
    let answer = admin.get(&of_other).await;
    assert_eq!(hostnames(&answer), ["other"]);
    assert_eq!(answer.body["data"]["pagination"]["total"], json!(1));
    assert_eq!(hostnames(&admin.get(&format!("{of_other}&search=own")).await), [""; 0]);
    assert_eq!(hostnames(&user.get(&of_other).await), [""; 0]);
    let query = "query ($id: ID!) { agents(first: 9, filter: { customerId: $id }) { totalCount nodes { hostname } } }";
    let found = admin.data(query, &json!({ "id": other.id })).await;
    assert_eq!(found["agents"], json!({ "totalCount": 1, "nodes": [{ "hostname": "other" }] }));
    assert_eq!(admin.get("/api/agents?customerId=acme").await.wrong_fields(), ["customerId"]);
}

#[tokio::test]
async fn a_status_is_filtered_by_and_its_total_is_exact() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let client = app.bearer(&customer.token);
    for status in ["online", "busy", "busy", "error", "offline"] {
        let registered = register(&app, &customer, None, status).await;
        let agent = app.key(registered["apiKey"].as_str().expect("a key"));
        agent.post("/api/agents/heartbeat", &json!({ "status": status })).await;
    }
    for (status, total) in [("online", 1), ("busy", 2), ("error", 1), ("offline", 1)] {
        let answer = client.get(&format!("/api/agents?status={status}")).await;
        assert_eq!(hostnames(&answer), vec![status; total]);
        assert_eq!(answer.body["data"]["pagination"]["total"], total);
    }
    let refused = client.get("/api/agents?status=Busy").await;
    assert_eq!((refused.status, refused.wrong_fields()), (400, vec!["status"]));
}

/// Four agents: `alpha_1` without a name, `beta%2` named `The ALPHA twin`, `gamma\3` named `100%`, and `ÜBER`.
async fn searchable() -> (TestApp, Client) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    for (name, hostname) in
        [(None, "alpha_1"), (Some("The ALPHA twin"), "beta%2"), (Some("100%"), r"gamma\3"), (None, "ÜBER")]
    {
        register(&app, &customer, name, hostname).await;
    }
    let client = app.bearer(&customer.token);
    (app, client)
}

#[rstest]
#[case("alpha", &["beta%2", "alpha_1"])]
#[case("ALPHA", &["beta%2", "alpha_1"])]
#[case("twin", &["beta%2"])]
#[case("%", &[r"gamma\3", "beta%2"])]
#[case("100%", &[r"gamma\3"])]
#[case("_", &["alpha_1"])]
#[case("a_1", &["alpha_1"])]
#[case("a-1", &[])]
#[case(r"\", &[r"gamma\3"])]
#[case(r"a\3", &[r"gamma\3"])]
#[case("über", &["ÜBER"])]
#[case("' OR 1=1 --", &[])]
#[case("", &["ÜBER", r"gamma\3", "beta%2", "alpha_1"])]
#[tokio::test]
async fn a_search_finds_text_in_names_and_host_names_whatever_its_case_and_no_wildcards(
    #[case] text: &str,
    #[case] found: &[&str],
) {
    let (_app, client) = searchable().await;
    let text = utf8_percent_encode(text, NON_ALPHANUMERIC);
    let answer = client.get(&format!("/api/agents?search={text}")).await;
    assert_eq!(hostnames(&answer), found);
    assert_eq!(answer.body["data"]["pagination"]["total"], found.len());
}

#[tokio::test]
async fn a_search_and_a_status_must_both_hold() {
    let (_app, client) = searchable().await;
    assert_eq!(hostnames(&client.get("/api/agents?search=alpha&status=online&limit=1").await), ["beta%2"]);
    assert_eq!(hostnames(&client.get("/api/agents?search=alpha&status=busy").await), [""; 0]);
    let refused = client.get(&format!("/api/agents?search={}", "a".repeat(256))).await;
    assert_eq!((refused.status, refused.wrong_fields()), (400, vec!["search"]));
}
