//! Failed sign-ins: counted before the password is checked, by e-mail address together with client address, and by
//! e-mail address alone with a higher limit.

use chrono::TimeDelta;
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;

use crate::support::{Answer, Client, PASSWORD, TestApp, app::TestDatabase};

async fn on(database: &TestDatabase) -> TestApp {
    TestApp::on(database, &["--rate-limits", "login=1000,graphql=1000"]).await
}

async fn app() -> TestApp {
    on(&TestDatabase::fresh().await.with_redis(None)).await
}

async fn login(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/api/auth/login", &json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn one_client_address_closes_an_e_mail_address_for_itself_only() {
    let app = app().await;
    let ops = app.create_user("ops", None).await;
    let anonymous = app.anonymous().from("192.0.2.1");
    for _ in 0..5 {
        assert_eq!(login(&anonymous, &ops.email.to_uppercase(), "wrong").await.status, 401);
    }
    for _ in 0..30 {
        assert_eq!(login(&anonymous, &ops.email, PASSWORD).await.status, 429, "even with the right password");
    }
    assert_eq!(login(&app.anonymous().from("192.0.2.2"), &ops.email, PASSWORD).await.status, 200, "not locked out");
    app.advance(TimeDelta::seconds(60));
    assert_eq!(login(&anonymous, &ops.email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn twenty_failures_from_everywhere_close_an_e_mail_address() {
    let app = app().await;
    let (ops, other) = (app.create_user("ops", None).await, app.create_user("other", None).await);
    for index in 0..20 {
        let anonymous = app.anonymous().from(&format!("192.0.2.{index}"));
        assert_eq!(login(&anonymous, &ops.email, "wrong").await.status, 401);
    }
    let elsewhere = app.anonymous().from("198.51.100.1");
    let refused = login(&elsewhere, &ops.email, PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    assert_eq!(login(&elsewhere, &other.email, PASSWORD).await.status, 200);
    app.advance(TimeDelta::seconds(60));
    assert_eq!(login(&elsewhere, &ops.email, PASSWORD).await.status, 200);
}

/// How many of these simultaneous attempts were checked, and how many were refused without a check.
async fn outcomes(attempts: Vec<(Client, &str)>) -> (usize, usize) {
    let answers = join_all(attempts.iter().map(|(client, email)| login(client, email, "wrong"))).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    (count(401), count(429))
}

#[tokio::test]
async fn attempts_at_the_same_time_are_not_all_tried() {
    let app = app().await;
    let ops = app.create_user("ops", None).await;
    let from_one = (0..12).map(|_| (app.anonymous().from("198.51.100.1"), ops.email.as_str())).collect();
    assert_eq!(outcomes(from_one).await, (5, 7));
    let everywhere = (0..40).map(|index| (app.anonymous().from(&format!("192.0.2.{index}")), ops.email.as_str()));
    assert_eq!(outcomes(everywhere.collect()).await, (15, 25), "with the five before, twenty");
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn servers_that_share_a_redis_share_the_attempts() {
    let database = TestDatabase::shared().await;
    let (one, two) = (on(&database).await, on(&database).await);
    let ops = one.create_user("ops", None).await;
    let attempts = [&one, &two].into_iter().cycle().take(14);
    let attempts = attempts.map(|app| (app.anonymous().from("198.51.100.1"), ops.email.as_str())).collect();
    assert_eq!(outcomes(attempts).await, (5, 9));
    let elsewhere = two.anonymous().from("198.51.100.2");
    for _ in 0..6 {
        assert_eq!(login(&elsewhere, &ops.email, PASSWORD).await.status, 200, "a success is no failure");
    }
}

#[tokio::test]
async fn graphql_counts_the_same_attempts() {
    let app = app().await;
    let ops = app.create_user("ops", None).await;
    let client = app.anonymous().from("192.0.2.1");
    for _ in 0..3 {
        assert_eq!(login(&client, &ops.email, "wrong").await.status, 401);
    }
    let question =
        "mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { token } }";
    for code in ["UNAUTHENTICATED", "UNAUTHENTICATED", "RATE_LIMITED"] {
        let answer = client.ask(question, &json!({ "email": ops.email, "password": "wrong" })).await;
        assert_eq!(answer.codes(), [code]);
    }
}

#[rstest]
#[case::one_network("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", 58)]
#[case::another_network("2001:db8:1:2::1", "2001:db8:1:3::1", 59)]
#[case::mapped("::ffff:192.0.2.1", "192.0.2.1", 58)]
#[case::mapped_neighbours("::ffff:192.0.2.1", "::ffff:192.0.2.2", 59)]
#[case::nat64("64:ff9b::192.0.2.1", "192.0.2.1", 58)]
#[case::nat64_neighbours("64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2", 59)]
#[tokio::test]
async fn an_ipv6_address_counts_as_its_network_of_64_bits(#[case] one: &str, #[case] two: &str, #[case] left: i64) {
    let database = TestDatabase::fresh().await.with_redis(None);
    let app = TestApp::on(&database, &["--rate-limits", "user=60,graphql=60"]).await;
    let remaining =
        |answer: &Answer| answer.header("x-ratelimit-remaining").and_then(|value| value.parse::<i64>().ok());
    assert_eq!(remaining(&app.anonymous().from(one).get("/api/agents").await), Some(59));
    assert_eq!(remaining(&app.anonymous().from(two).get("/api/agents").await), Some(left));
    let question = json!({ "query": "{ me { id } }" });
    assert_eq!(remaining(&app.anonymous().from(one).post("/graphql", &question).await), Some(59));
    assert_eq!(remaining(&app.anonymous().from(two).post("/graphql", &question).await), Some(left));
}
