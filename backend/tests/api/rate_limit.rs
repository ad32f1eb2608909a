//! Rate limits: 60 s from the first request, counted by caller.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Answer, Client, PASSWORD, TestApp,
    app::{START, TestDatabase},
};

/// A server whose windows follow its manual clock, with these limits.
async fn limited(limits: &str) -> TestApp {
    let database = TestDatabase::fresh().await.with_redis(None);
    TestApp::on(&database, &["--rate-limits", limits]).await
}

const DEFAULTS: &str = "register=10,login=10,user=60,agent=300,graphql=600";

/// Limit, remaining and reset of an answer, where it has them.
fn headers(answer: &Answer) -> Option<(i64, i64, i64)> {
    let number = |name: &str| answer.header(name).and_then(|value| value.parse().ok());
    Some((number("x-ratelimit-limit")?, number("x-ratelimit-remaining")?, number("x-ratelimit-reset")?))
}

fn remaining(answer: &Answer) -> Option<i64> {
    headers(answer).map(|(_, remaining, _)| remaining)
}

/// The Unix second this many seconds after the start of the test.
fn second(after: i64) -> i64 {
    START.parse::<chrono::DateTime<chrono::Utc>>().expect("an instant").timestamp() + after
}

async fn heartbeat(client: &Client) -> Answer {
    client.send("POST", "/api/agents/heartbeat", None).await
}

async fn login(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/api/auth/login", &json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn a_user_may_ask_60_times_a_minute() {
    let app = limited(DEFAULTS).await;
    let admin = app.admin().await;
    for left in (0..60).rev() {
        let answer = admin.get("/api/agents").await;
        assert_eq!((answer.status, headers(&answer)), (200, Some((60, left, second(60)))));
        assert_eq!(answer.header("retry-after"), None);
    }
    let refused = admin.get("/api/transfers").await;
    assert_eq!((refused.status, headers(&refused)), (429, Some((60, 0, second(60)))));
    assert_eq!((refused.header("retry-after"), &refused.body["success"]), (Some("60"), &json!(false)));
    assert_eq!(app.admin().await.get("/api/agents").await.status, 200, "another user has a window of their own");
}

#[tokio::test]
async fn an_agent_may_ask_300_times_a_minute_and_a_batch_is_one() {
    let app = limited(DEFAULTS).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let client = app.key(&agent.key);
    let transfer = app.transfer(&agent).await;
    let update = json!({ "id": transfer["id"], "progress": 1 });
    let batch = json!({ "updates": vec![update; 200] });
    assert_eq!(headers(&client.patch("/api/transfers", &batch).await), Some((300, 298, second(60))));
    for left in (0..298).rev() {
        assert_eq!(remaining(&client.get("/api/agents/directives").await), Some(left));
    }
    assert_eq!(heartbeat(&client).await.status, 429);
}

#[tokio::test]
async fn each_key_has_a_window_of_its_own() {
    let app = limited("agent=2").await;
    let customer = app.customer("acme").await;
    let (one, two) = (app.agent(customer.id, "edge-1").await, app.agent(customer.id, "edge-2").await);
    for _ in 0..2 {
        assert_eq!(heartbeat(&app.key(&one.key)).await.status, 200);
    }
    assert_eq!(heartbeat(&app.key(&one.key)).await.status, 429);
    assert_eq!(heartbeat(&app.key(&two.key)).await.status, 200);
}

#[tokio::test]
async fn an_address_may_register_10_agents_a_minute_with_whatever_credentials() {
    let app = limited(DEFAULTS).await;
    let customer = app.customer("acme").await;
    let body = json!({ "hostname": "edge-1", "os": "linux" });
    let path = "/api/agents/register";
    for left in (5..10).rev() {
        let answer = app.bearer(&customer.token).post(path, &body).await;
        assert_eq!((answer.status, headers(&answer)), (201, Some((10, left, second(60)))));
    }
    for left in (0..5).rev() {
        let answer = app.anonymous().post(path, &body).await;
        assert_eq!((answer.status, remaining(&answer)), (401, Some(left)));
    }
    assert_eq!(app.bearer(&customer.token).post(path, &body).await.status, 429);
    assert_eq!(app.bearer(&customer.token).from("192.0.2.7").post(path, &body).await.status, 201);
}

#[tokio::test]
async fn an_address_may_sign_in_and_renew_10_times_a_minute_together() {
    let app = limited(DEFAULTS).await;
    let ops = app.create_user("ops", None).await;
    let anonymous = app.anonymous();
    let mut token = Value::Null;
    for left in (5..10).rev() {
        let answer = login(&anonymous, &ops.email, PASSWORD).await;
        assert_eq!((answer.status, headers(&answer)), (200, Some((10, left, second(60)))));
        token = answer.body["data"]["refreshToken"].clone();
    }
    for left in (0..5).rev() {
        let answer = anonymous.post("/api/auth/refresh", &json!({ "refreshToken": token })).await;
        assert_eq!((answer.status, remaining(&answer)), (200, Some(left)));
        token = answer.body["data"]["refreshToken"].clone();
    }
    assert_eq!(login(&anonymous, &ops.email, PASSWORD).await.status, 429);
    assert_eq!(anonymous.post("/api/auth/refresh", &json!({ "refreshToken": token })).await.status, 429);
    assert_eq!(login(&anonymous.from("192.0.2.7"), &ops.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn successes_are_no_failures() {
    let app = limited("login=100").await;
    let ops = app.create_user("ops", None).await;
    for _ in 0..4 {
        assert_eq!(login(&app.anonymous(), &ops.email, "wrong").await.status, 401);
        assert_eq!(login(&app.anonymous(), &ops.email, PASSWORD).await.status, 200);
    }
    assert_eq!(login(&app.anonymous(), &ops.email, "wrong").await.status, 401);
    assert_eq!(login(&app.anonymous(), &ops.email, "wrong").await.status, 429);
}

#[tokio::test]
async fn a_window_lasts_60_seconds_from_its_first_request() {
    let app = limited("user=2").await;
    let admin = app.admin().await;
    app.advance(TimeDelta::milliseconds(300));
    assert_eq!(headers(&admin.get("/api/agents").await), Some((2, 1, second(61))), "rounded up: then it is over");
    app.advance(TimeDelta::milliseconds(59_500));
    assert_eq!(remaining(&admin.get("/api/agents").await), Some(0));
    let refused = admin.get("/api/agents").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    app.advance(TimeDelta::milliseconds(499));
    assert_eq!(admin.get("/api/agents").await.status, 429, "what is refused starts no new window");
    app.advance(TimeDelta::milliseconds(1));
    assert_eq!(headers(&admin.get("/api/agents").await), Some((2, 1, second(121))));
}

#[rstest]
#[case::not_there("GET", "/api/transfers/0199c1f0-6c00-7000-8000-000000000001", None, 404)]
#[case::no_id("GET", "/api/transfers/first", None, 404)]
#[case::wrong_query("GET", "/api/transfers?limit=0", None, 400)]
#[case::wrong_body("POST", "/api/customers", Some(json!({})), 400)]
#[case::created("POST", "/api/customers", Some(json!({ "name": "Acme" })), 201)]
#[tokio::test]
async fn every_counted_answer_says_how_it_stands(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: Option<Value>,
    #[case] status: u16,
) {
    let app = limited(DEFAULTS).await;
    let answer = app.admin().await.send(method, path, body.as_ref()).await;
    assert_eq!((answer.status, headers(&answer)), (status, Some((60, 59, second(60)))));
}

#[tokio::test]
async fn a_right_that_is_missing_counts_for_its_user() {
    let app = limited(DEFAULTS).await;
    let customer = app.customer("acme").await;
    let answer = app.bearer(&customer.token).get("/api/users").await;
    assert_eq!((answer.status, headers(&answer)), (403, Some((60, 59, second(60)))));
}

#[rstest]
#[case::user_routes("GET", "/api/agents", 60)]
#[case::agent_routes("POST", "/api/agents/heartbeat", 300)]
#[case::session("GET", "/api/auth/me", 60)]
#[case::signing_out("POST", "/api/auth/logout", 60)]
#[case::registration("POST", "/api/agents/register", 10)]
#[case::either_kind("POST", "/api/agents/0199c1f0-6c00-7000-8000-000000000001/key", 60)]
#[tokio::test]
async fn failed_authentication_counts_by_address_in_its_routes_class(
    #[case] method: &str,
    #[case] path: &str,
    #[case] limit: i64,
) {
    let app = limited(DEFAULTS).await;
    let anonymous = app.bearer("not a token").with("X-API-Key", "mft_ak_none").from("192.0.2.7");
    let body = json!({ "hostname": "edge-1", "os": "linux" });
    let first = anonymous.send(method, path, Some(&body)).await;
    assert_eq!((first.status, headers(&first)), (401, Some((limit, limit - 1, second(60)))));
    let second_one = app.anonymous().from("192.0.2.7").send(method, path, Some(&body)).await;
    assert_eq!((second_one.status, remaining(&second_one)), (401, Some(limit - 2)), "by address, whatever was shown");
    let elsewhere = app.anonymous().from("192.0.2.8").send(method, path, Some(&body)).await;
    assert_eq!(remaining(&elsewhere), Some(limit - 1));
}

#[tokio::test]
async fn guessing_keys_ends_at_the_limit_and_affects_no_other_caller() {
    let app = limited("agent=3").await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    for index in 0..3 {
        assert_eq!(heartbeat(&app.key(&format!("mft_ak_{index}"))).await.status, 401);
    }
    assert_eq!(heartbeat(&app.key("mft_ak_3")).await.status, 429);
    assert_eq!(heartbeat(&app.key(&agent.key)).await.status, 200, "the same address, but known");
}

#[tokio::test]
async fn health_and_documents_are_not_limited() {
    let app = limited("user=1").await;
    for path in ["/api/health", "/api/health/live", "/api/health/ready", "/openapi.json"] {
        for _ in 0..3 {
            let answer = app.anonymous().get(path).await;
            assert_eq!((answer.status, headers(&answer)), (200, None), "{path}");
        }
    }
}

#[tokio::test]
async fn limits_may_be_off() {
    let app = limited("off").await;
    let admin = app.admin().await;
    for _ in 0..70 {
        let answer = admin.get("/api/agents").await;
        assert_eq!((answer.status, headers(&answer)), (200, None));
    }
}

/// The remaining requests of the client address that the header of this request gives.
async fn left(app: &TestApp, peer: &str, forwarded: &str) -> Option<i64> {
    remaining(&app.anonymous().from(peer).with("X-Forwarded-For", forwarded).get("/api/agents").await)
}

#[tokio::test]
async fn a_header_about_the_address_is_believed_from_a_trusted_proxy_only() {
    let database = TestDatabase::fresh().await.with_redis(None);
    let app = TestApp::on(&database, &["--trusted-proxies", "10.0.0.0/8,::1"]).await;
    // Not from a proxy: the peer is counted, whatever it says.
    assert_eq!(left(&app, "192.0.2.1", "198.51.100.1").await, Some(59));
    assert_eq!(left(&app, "192.0.2.1", "198.51.100.2").await, Some(58));
    // From a proxy: the address that it names.
    assert_eq!(left(&app, "10.0.0.1", "198.51.100.1").await, Some(59));
    assert_eq!(left(&app, "10.0.0.2", "198.51.100.1").await, Some(58));
    assert_eq!(left(&app, "::1", "198.51.100.1").await, Some(57));
    // What a client wrote before the proxies did is not believed: the last that is no proxy counts.
    assert_eq!(left(&app, "10.0.0.1", "203.0.113.9, 198.51.100.1, 10.9.9.9").await, Some(56));
    assert_eq!(left(&app, "10.0.0.1", "203.0.113.9, rubbish").await, Some(59), "then it is the proxy");
}

#[tokio::test]
async fn a_trusted_proxy_may_name_the_port_beside_the_address() {
    let database = TestDatabase::fresh().await.with_redis(None);
    let app = TestApp::on(&database, &["--trusted-proxies", "10.0.0.0/8"]).await;
    assert_eq!(left(&app, "10.0.0.1", "203.0.113.7:51234").await, Some(59));
    assert_eq!(left(&app, "10.0.0.1", "203.0.113.7:51235, 10.0.0.9:80").await, Some(58));
    assert_eq!(left(&app, "10.0.0.1", "203.0.113.7").await, Some(57));
    assert_eq!(left(&app, "10.0.0.1", "[2001:db8::1]:5000").await, Some(59));
    assert_eq!(left(&app, "10.0.0.1", "[2001:db8::2]").await, Some(58), "the same /64");
    assert_eq!(left(&app, "10.0.0.1", "2001:db8::3").await, Some(57));
    for rubbish in ["203.0.113.8:99999", "[203.0.113.8", "203.0.113.8:", "unknown"] {
        let answer = app.anonymous().from("10.0.0.1").with("X-Forwarded-For", rubbish).get("/api/agents").await;
        let own = app.anonymous().from("10.0.0.1").get("/api/agents").await;
        assert_eq!(
            remaining(&own),
            remaining(&answer).map(|left| left - 1),
            "{rubbish} is no address: the proxy counts"
        );
    }
    let forwarded = app.anonymous().from("10.0.0.2").with("Forwarded", "for=203.0.113.77").get("/api/agents").await;
    assert_eq!(remaining(&forwarded), Some(59), "the proxy counts: `Forwarded` is not read");
}

#[tokio::test]
async fn without_trusted_proxies_no_header_is_believed() {
    let app = limited(DEFAULTS).await;
    assert_eq!(left(&app, "10.0.0.1", "198.51.100.1").await, Some(59));
    assert_eq!(left(&app, "10.0.0.1", "198.51.100.2").await, Some(58));
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn servers_that_share_a_redis_share_the_windows() {
    let database = TestDatabase::shared().await;
    let flags = ["--rate-limits", "user=4"];
    let (one, two) = (TestApp::on(&database, &flags).await, TestApp::on(&database, &flags).await);
    let person = one.create_user("ops", None).await;
    let signed_in = one.cp().issue_token(&backend::actor::Actor::System, &person.email, TimeDelta::hours(1)).await;
    let signed_in = signed_in.expect("a token");
    for left in [3, 1] {
        assert_eq!(remaining(&one.bearer(&signed_in.token).get("/api/agents").await), Some(left));
        assert_eq!(remaining(&two.bearer(&signed_in.token).get("/api/agents").await), Some(left - 1));
    }
    assert_eq!(one.bearer(&signed_in.token).get("/api/agents").await.status, 429);
    assert_eq!(two.bearer(&signed_in.token).get("/api/agents").await.status, 429);
}
