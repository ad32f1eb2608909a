//! Limits on the number, the depth and the size of requests.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::with_agent;
use crate::support::{
    Answer, Client, PASSWORD, TestApp,
    app::{START, TestDatabase},
};

/// A server whose windows follow its manual clock, with these limits.
async fn limited(limits: &str) -> TestApp {
    TestApp::on(&TestDatabase::fresh().await.with_redis(None), &["--rate-limits", limits]).await
}

/// Limit, remaining and reset of an answer, where it has them.
fn headers(answer: &Answer) -> Option<(i64, i64, i64)> {
    let number = |name: &str| answer.header(name).and_then(|value| value.parse().ok());
    Some((number("x-ratelimit-limit")?, number("x-ratelimit-remaining")?, number("x-ratelimit-reset")?))
}

/// The Unix second a minute after the start of the test.
fn reset() -> i64 {
    START.parse::<chrono::DateTime<chrono::Utc>>().expect("an instant").timestamp() + 60
}

async fn ask(client: &Client) -> Answer {
    client.ask("{ __typename }", &Value::Null).await
}

const LOGIN: &str = "mutation ($email: String!, $password: String!) {
    login(email: $email, password: $password) { token } }";

async fn login(client: &Client, email: &str, password: &str) -> Answer {
    client.ask(LOGIN, &json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn a_user_may_ask_600_times_a_minute_whatever_it_is_and_in_whichever_session() {
    let app = limited("register=10,login=10,user=60,agent=300,graphql=600").await;
    let person = app.create_user("ops", None).await;
    let hour = TimeDelta::hours(1);
    let one = app.bearer(&super::token_of(&app, &person.email, hour).await);
    let two = app.bearer(&super::token_of(&app, &person.email, hour).await);
    for left in (300..600).rev() {
        assert_eq!(headers(&ask(&one).await), Some((600, left, reset())));
    }
    for left in (0..300).rev() {
        // What is refused was asked too.
        let answer = two.ask("{ nothing }", &Value::Null).await;
        assert_eq!((answer.status, headers(&answer)), (200, Some((600, left, reset()))));
        assert_eq!(answer.header("retry-after"), None);
    }
    let refused = ask(&one).await;
    assert_eq!((refused.status, refused.codes(), refused.body.get("data")), (429, vec!["RATE_LIMITED"], None));
    assert_eq!((headers(&refused), refused.header("retry-after")), (Some((600, 0, reset())), Some("60")));
    let rest = one.get("/api/agents").await;
    assert_eq!((rest.status, headers(&rest)), (200, Some((60, 59, reset()))), "REST has a window of its own");
    assert_eq!(ask(&app.admin().await).await.status, 200, "and so has everybody else");
}

#[tokio::test]
async fn a_window_lasts_60_seconds_from_its_first_operation() {
    let app = limited("graphql=1").await;
    let admin = app.admin().await;
    app.advance(TimeDelta::milliseconds(300));
    assert_eq!(headers(&ask(&admin).await), Some((1, 0, reset() + 1)), "rounded up: then it is over");
    app.advance(TimeDelta::milliseconds(59_800));
    let refused = ask(&admin).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    app.advance(TimeDelta::milliseconds(200));
    assert_eq!(ask(&admin).await.status, 200);
}

#[tokio::test]
async fn unauthenticated_callers_count_by_their_address() {
    let app = limited("graphql=4,login=100").await;
    let agent = app.agent(app.customer("Acme").await.id, "server1").await;
    let here = |client: Client| client.from("192.0.2.7");
    let answers = [
        here(app.anonymous()).ask("{ me { id } }", &Value::Null).await,
        ask(&here(app.bearer("nothing"))).await,
        ask(&here(app.key(&agent.key))).await,
        login(&here(app.anonymous()), "nobody@example.com", "wrong").await,
    ];
    for (answer, left) in answers.iter().zip((0..4).rev()) {
        assert_eq!(answer.codes(), ["UNAUTHENTICATED"]);
        assert_eq!(headers(answer), Some((4, left, reset())), "{}", answer.body);
    }
    for client in [app.anonymous(), app.bearer("nothing"), app.key(&agent.key)] {
        assert_eq!(ask(&here(client)).await.status, 429);
    }
    assert_eq!(ask(&app.anonymous().from("192.0.2.8")).await.status, 200);
    assert_eq!(ask(&here(app.admin().await)).await.status, 200, "the same address, but known");
}

#[tokio::test]
async fn limits_may_be_off() {
    let app = limited("off").await;
    let answer = ask(&app.anonymous()).await;
    assert_eq!((answer.status, headers(&answer)), (200, None));
}

#[tokio::test]
async fn signing_in_is_limited_as_over_rest_and_together_with_it() {
    let app = limited("login=4").await;
    let ops = app.create_user("ops", None).await;
    for _ in 0..2 {
        assert_eq!(login(&app.anonymous(), &ops.email, PASSWORD).await.codes(), [""; 0]);
        assert_eq!(app.sign_in(&ops.email, PASSWORD).await.status, 200);
    }
    assert_eq!(login(&app.anonymous(), &ops.email, PASSWORD).await.codes(), ["RATE_LIMITED"]);
    assert_eq!(app.sign_in(&ops.email, PASSWORD).await.status, 429);
    let elsewhere = login(&app.anonymous().from("192.0.2.7"), &ops.email, PASSWORD).await;
    assert_eq!(elsewhere.codes(), [""; 0]);
}

#[tokio::test]
async fn an_e_mail_address_has_5_failures_a_minute_over_both_doors() {
    let app = limited("login=100").await;
    let ops = app.create_user("ops", None).await;
    for _ in 0..3 {
        assert_eq!(login(&app.anonymous(), &ops.email.to_uppercase(), "wrong").await.codes(), ["UNAUTHENTICATED"]);
    }
    for _ in 0..2 {
        assert_eq!(app.sign_in(&ops.email, "wrong").await.status, 401);
    }
    assert_eq!(login(&app.anonymous(), &ops.email, PASSWORD).await.codes(), ["RATE_LIMITED"]);
    app.advance(TimeDelta::seconds(60));
    assert_eq!(login(&app.anonymous(), &ops.email, PASSWORD).await.codes(), [""; 0]);
}

#[tokio::test]
async fn a_document_holds_one_attempt_to_sign_in() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let attempt = |name: &str, password: &str| {
        format!("{name}: login(email: {:?}, password: {password:?}) {{ token }}", ops.email)
    };
    let document = format!("mutation {{ {} {} }}", attempt("a", "wrong"), attempt("b", PASSWORD));
    let answer = app.anonymous().ask(&document, &Value::Null).await;
    assert_eq!(answer.codes(), ["UNAUTHENTICATED", "INVALID"], "{}", answer.body);
    assert!(!String::from_utf8_lossy(&answer.bytes).contains("\"token\""), "no user is signed in");
}

/// A query of transfers of agents of transfers of agents, with this many levels.
fn deep(levels: usize) -> String {
    let links = (levels - 3) / 2;
    format!(
        "{{ transfers(first: 1) {{ nodes {{ {} id {} }} }} }}",
        "agent { transfers(first: 1) { ".repeat(links),
        "} }".repeat(links)
    )
}

#[rstest]
#[case(15, true)]
#[case(17, false)]
#[case(1001, false)]
#[case(20_001, false)]
#[tokio::test]
async fn a_question_may_be_16_levels_deep(#[case] levels: usize, #[case] is_answered: bool) {
    let (_app, _, _, user) = with_agent().await;
    let answer = user.ask(&deep(levels), &Value::Null).await;
    let expected: &[&str] = if is_answered { &[] } else { &["INVALID"] };
    assert_eq!((answer.status, answer.codes().as_slice()), (200, expected), "{}", answer.body);
    assert_eq!(answer.body.get("data").is_some(), is_answered);
}

#[rstest]
#[case::whole_pages(
    "{ transfers(first: 100) { nodes { id source agent { hostname transfers(first: 20) { id status } } } } }",
    true
)]
#[case::pages_of_pages("{ transfers(first: 100) { nodes { agent { transfers(first: 100) { id source } } } } }", false)]
#[case::pages_of_the_default("{ agents(last: 100) { nodes { transfers { agent { transfers { id } } } } } }", false)]
#[case::by_variables(
    "query ($n: Int! = 100) { agents(first: $n) { nodes { transfers(first: $n) { id source } } } }",
    false
)]
#[case::through_fragments(
    "{ agents(first: 100) { nodes { ...A } } } fragment A on Agent { transfers(first: 100) { ...T } } fragment T on Transfer { id source }",
    false
)]
#[tokio::test]
async fn a_question_may_cost_20_000_points(#[case] question: &str, #[case] is_answered: bool) {
    let (_app, _, _, user) = with_agent().await;
    let answer = user.ask(question, &Value::Null).await;
    let expected: &[&str] = if is_answered { &[] } else { &["INVALID"] };
    assert_eq!((answer.status, answer.codes().as_slice()), (200, expected), "{}", answer.body);
}

#[tokio::test]
async fn the_same_field_under_many_names_costs_each_time() {
    let (_app, _, _, user) = with_agent().await;
    let names =
        |count: usize| (0..count).map(|number| format!("n{number}: fleet {{ at }}")).collect::<Vec<_>>().join(" ");
    assert_eq!(user.ask(&format!("{{ {} }}", names(32)), &Value::Null).await.codes(), [""; 0]);
    assert_eq!(user.ask(&format!("{{ {} }}", names(10_001)), &Value::Null).await.codes(), ["INVALID"]);
}

#[rstest]
#[case::a_circle("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")]
#[case::itself("{ me { ...A } } fragment A on User { customer { name } ...A }")]
#[case::many_directives(
    "{ __typename @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) @include(if: true) }"
)]
#[tokio::test]
async fn what_would_never_end_is_refused(#[case] question: &str) {
    let (_app, _, _, user) = with_agent().await;
    let answer = user.ask(question, &Value::Null).await;
    assert_eq!((answer.status, answer.body.get("data")), (200, None), "{}", answer.body);
    assert!(answer.codes().iter().all(|code| *code == "INVALID"), "{}", answer.body);
}

/// The introspection query of tools.
const INTROSPECTION: &str = "
    query IntrospectionQuery {
        __schema {
            description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
            types { ...FullType }
            directives { name description locations args { ...InputValue } }
        }
    }
    fragment FullType on __Type {
        kind name description
        fields(includeDeprecated: true) {
            name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
        }
        inputFields { ...InputValue }
        interfaces { ...TypeRef }
        enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
        possibleTypes { ...TypeRef }
    }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
    fragment TypeRef on __Type {
        kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
        ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
    }";

#[tokio::test]
async fn tools_of_a_signed_in_user_can_read_the_schema() {
    let (app, _, _, user) = with_agent().await;
    let schema = &user.data(INTROSPECTION, &Value::Null).await["__schema"];
    assert_eq!(schema["queryType"]["name"], "Query");
    let types = schema["types"].as_array().expect("types");
    assert!(
        types.iter().any(|ty| ty["name"] == "Transfer" && ty["fields"].as_array().is_some_and(|all| all.len() > 20))
    );
    let answer = app.anonymous().ask(INTROSPECTION, &Value::Null).await;
    assert_eq!(answer.codes(), ["UNAUTHENTICATED"], "{}", answer.body);
}
