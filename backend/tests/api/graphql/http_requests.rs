//! The form of a request: where its parts are, how large it may be, and from which pages it may come.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::with_agent;
use crate::support::{Answer, Client, TestApp};

const JSON: &str = "application/json";

async fn post(client: &Client, content_type: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    client.send_bytes("POST", "/graphql", content_type, body.into()).await
}

/// Sends a request in the URL.
async fn get(client: &Client, parts: &[(&str, &str)]) -> Answer {
    let encoded = parts.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    client.get(&format!("/graphql?{}", encoded.collect::<Vec<_>>().join("&"))).await
}

#[tokio::test]
async fn a_document_of_several_operations_carries_out_the_one_that_is_named() {
    let (_app, _, agent, user) = with_agent().await;
    let document = "query A($id: ID!) { agent(id: $id) { hostname } } query B { agents { totalCount } }";
    let variables = json!({ "id": agent.id });
    let named =
        |name: Value| json!({ "query": document, "operationName": name, "variables": variables, "extensions": {} });
    let [a, b] = [json!({ "agent": { "hostname": "server1" } }), json!({ "agents": { "totalCount": 1 } })];
    for (name, expected) in [("A", &a), ("B", &b)] {
        assert_eq!(user.post("/graphql", &named(json!(name))).await.body["data"], *expected);
        let parts = [("query", document), ("operationName", name), ("variables", &variables.to_string())];
        assert_eq!(get(&user, &parts).await.body["data"], *expected);
    }
    for name in [Value::Null, json!("C"), json!("")] {
        let answer = user.post("/graphql", &named(name)).await;
        assert_eq!((answer.codes(), answer.body.get("data")), (vec!["INVALID"], None), "{}", answer.body);
    }
}

#[rstest]
#[case::plain(Some("application/json"), 200)]
#[case::utf_8(Some("application/json; charset=utf-8"), 200)]
#[case::quoted(Some("Application/JSON;charset=\"UTF-8\""), 200)]
#[case::nothing(None, 415)]
#[case::text(Some("text/plain"), 415)]
#[case::form(Some("application/x-www-form-urlencoded"), 415)]
#[case::graphql(Some("application/graphql"), 415)]
#[case::multipart(Some("multipart/form-data; boundary=x"), 415)]
#[case::latin(Some("application/json; charset=iso-8859-1"), 415)]
#[tokio::test]
async fn a_body_is_json_in_utf_8(#[case] content_type: Option<&str>, #[case] status: u16) {
    let (_app, _, _, user) = with_agent().await;
    let answer = post(&user, content_type, r#"{ "query": "{ __typename }" }"#).await;
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.codes().as_slice(), if status == 200 { &[][..] } else { &["UNSUPPORTED_MEDIA_TYPE"] });
}

#[rstest]
#[case::no_json("{ __typename }")]
#[case::nothing("")]
#[case::cut_off("{ \"query\": \"{ __ty")]
#[case::two("{ \"query\": \"{ __typename }\" } { }")]
#[case::a_batch("[{ \"query\": \"{ __typename }\" }]")]
#[case::a_text("\"{ __typename }\"")]
#[case::null("null")]
#[tokio::test]
async fn a_body_that_is_no_object_is_400(#[case] body: &str) {
    let (_app, _, _, user) = with_agent().await;
    let answer = post(&user, Some(JSON), body).await;
    assert_eq!((answer.status, answer.codes(), answer.body.get("data")), (400, vec!["INVALID"], None));
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_400() {
    let (_app, _, _, user) = with_agent().await;
    let answer = post(&user, Some(JSON), b"{ \"query\": \"{ __typename } # \xff\" }".to_vec()).await;
    assert_eq!((answer.status, answer.codes()), (400, vec!["INVALID"]));
}

#[rstest]
#[case(json!({}), &["query"])]
#[case(json!({ "query": null }), &["query"])]
#[case(json!({ "query": 7, "variables": [], "operationName": {}, "extensions": "x" }), &["extensions", "operationName", "query", "variables"])]
#[case(json!({ "query": "{ __typename }", "variables": "{}" }), &["variables"])]
#[tokio::test]
async fn all_parts_of_a_wrong_type_are_named_at_once(#[case] body: Value, #[case] named: &[&str]) {
    let (_app, _, _, user) = with_agent().await;
    let answer = user.post("/graphql", &body).await;
    assert_eq!((answer.status, answer.codes(), answer.wrong_arguments().as_slice()), (400, vec!["INVALID"], named));
}

#[tokio::test]
async fn parts_that_are_null_or_unknown_count_as_left_out() {
    let (_app, _, _, user) = with_agent().await;
    let body = json!({
        "query": "{ __typename }", "variables": null, "operationName": null, "extensions": null, "id": "7",
    });
    assert_eq!(user.post("/graphql", &body).await.body, json!({ "data": { "__typename": "Query" } }));
}

#[rstest]
#[case::no_query(&[("operationName", "A")])]
#[case::variables_that_are_no_json(&[("query", "{ __typename }"), ("variables", "{")])]
#[case::variables_of_another_type(&[("query", "{ __typename }"), ("variables", "7")])]
#[case::extensions_that_are_no_json(&[("query", "{ __typename }"), ("extensions", "x")])]
#[tokio::test]
async fn a_url_that_holds_no_request_is_400(#[case] parts: &[(&str, &str)]) {
    let (_app, _, _, user) = with_agent().await;
    let answer = get(&user, parts).await;
    assert_eq!((answer.status, answer.codes()), (400, vec!["INVALID"]), "{}", answer.body);
}

#[tokio::test]
async fn a_mutation_in_a_url_is_405_and_is_not_made() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let create = "mutation M { createCustomer(input: { name: \"Acme\" }) { id } }";
    let both = format!("{create} query Q {{ customers {{ totalCount }} }}");
    for parts in [&[("query", both.as_str()), ("operationName", "M")][..], &[("query", create)]] {
        let answer = get(&admin, parts).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{}", answer.body);
        assert_eq!(answer.codes(), ["METHOD_NOT_ALLOWED"]);
    }
    let asked = get(&admin, &[("query", &both), ("operationName", "Q")]).await;
    assert_eq!(asked.body, json!({ "data": { "customers": { "totalCount": 0 } } }), "none was made");
}

#[rstest]
#[case("PUT")]
#[case("DELETE")]
#[case("PATCH")]
#[tokio::test]
async fn another_method_is_405(#[case] method: &str) {
    let (_app, _, _, user) = with_agent().await;
    let answer = user.send(method, "/graphql", Some(&json!({ "query": "{ __typename }" }))).await;
    assert_eq!((answer.status, answer.codes()), (405, vec!["METHOD_NOT_ALLOWED"]));
    assert_eq!(answer.header("allow"), Some("GET, POST"));
}

#[tokio::test]
async fn a_body_may_have_one_mebibyte_and_not_a_byte_more() {
    let (_app, _, _, user) = with_agent().await;
    let body = r#"{ "query": "{ __typename }" }"#;
    let filled = |size: usize| format!("{body}{}", " ".repeat(size - body.len()));
    assert_eq!(post(&user, Some(JSON), filled(1024 * 1024)).await.status, 200);
    let answer = post(&user, Some(JSON), filled(1024 * 1024 + 1)).await;
    assert_eq!((answer.status, answer.codes(), answer.body.get("data")), (413, vec!["TOO_LARGE"], None));
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_read_to_its_end_so_that_its_sender_sees_the_413() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let head = "POST /graphql HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let mut stream = listening.raw(head).await;
    let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..48 {
        stream.write_all(&chunk).await.expect("a chunk is taken");
    }
    stream.write_all(b"0\r\n\r\n").await.expect("an end");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("TOO_LARGE"), "{answer}");
}

#[rstest]
#[case::no_page(None, 200)]
#[case::our_own(Some("https://fleet.example.com"), 200)]
#[case::our_own_without_tls(Some("http://FLEET.example.com"), 200)]
#[case::named_in_the_settings(Some("https://ops.example.com:8443"), 200)]
#[case::named_in_capitals(Some("https://OPS.example.com:8443"), 200)]
#[case::another(Some("https://evil.example"), 403)]
#[case::another_port(Some("https://fleet.example.com:8443"), 403)]
#[case::another_port_of_the_named(Some("https://ops.example.com"), 403)]
#[case::without_tls_though_named_with_it(Some("http://ops.example.com:8443"), 403)]
#[case::ours_within_another(Some("https://fleet.example.com.evil.example"), 403)]
#[case::a_sandbox(Some("null"), 403)]
#[case::no_origin_at_all(Some(""), 403)]
#[tokio::test]
async fn only_pages_of_our_own_host_and_of_named_origins_may_ask(#[case] origin: Option<&str>, #[case] status: u16) {
    let origins = "https://ops.example.com:8443,https://more.example.com";
    let app = TestApp::with(&["--rate-limits", "off", "--allowed-origins", origins]).await;
    let client = app.admin().await.with("Host", "fleet.example.com");
    let client = origin.map_or(client.clone(), |origin| client.with("Origin", origin));
    for answer in [client.ask("{ __typename }", &Value::Null).await, get(&client, &[("query", "{ __typename }")]).await]
    {
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.codes().as_slice(), if status == 200 { &[][..] } else { &["FORBIDDEN"] });
    }
}

/// A server that allows pages of an origin, and a client on such a page.
async fn with_page() -> (TestApp, Client) {
    let app = TestApp::with(&["--rate-limits", "graphql=600", "--allowed-origins", "https://ops.example.com"]).await;
    let page = app.admin().await.with("Host", "fleet.example.com").with("Origin", "https://ops.example.com");
    (app, page)
}

#[tokio::test]
async fn a_preflight_answer_says_what_a_page_of_an_allowed_origin_may_send() {
    let (app, _) = with_page().await;
    let browser = app.anonymous().with("Host", "fleet.example.com").with("Access-Control-Request-Method", "POST");
    let browser = browser.with("Access-Control-Request-Headers", "authorization,content-type");
    let answer = browser.with("Origin", "https://ops.example.com").send("OPTIONS", "/graphql", None).await;
    assert_eq!((answer.status, answer.bytes.len()), (204, 0));
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://ops.example.com"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST"));
    let allowed = answer.header("access-control-allow-headers");
    assert_eq!(allowed, Some("Authorization, Content-Type, Accept, Idempotency-Key, X-Request-Id"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert_eq!(answer.header("vary"), Some("Origin"));
    assert_eq!(answer.header("x-ratelimit-limit"), None, "asking the browser's question costs nothing");
    let answer = browser.with("Origin", "https://evil.example").send("OPTIONS", "/graphql", None).await;
    assert_eq!((answer.status, answer.codes()), (403, vec!["FORBIDDEN"]));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(browser.send("OPTIONS", "/graphql", None).await.status, 405, "no browser's question");
}

#[tokio::test]
async fn a_page_of_a_named_origin_may_read_every_answer() {
    let (app, page) = with_page().await;
    let answers = [
        page.ask("{ __typename }", &Value::Null).await,
        get(&page, &[("query", "{ __typename }")]).await,
        page.with("Accept", "text/html").ask("{ __typename }", &Value::Null).await,
        page.send("PUT", "/graphql", None).await,
        post(&page, None, "{}").await,
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200, 406, 405, 415]);
    for answer in answers {
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://ops.example.com"));
        assert_eq!(answer.header("vary"), Some("Origin"));
        let exposed = answer.header("access-control-expose-headers").expect("headers a page may read");
        for name in ["X-RateLimit-Remaining", "Retry-After", "X-Request-Id"] {
            assert!(exposed.contains(name), "{exposed}");
        }
    }
    let no_page = app.admin().await.ask("{ __typename }", &Value::Null).await;
    assert_eq!((no_page.header("access-control-allow-origin"), no_page.header("vary")), (None, Some("Origin")));
}

#[tokio::test]
async fn an_api_key_beside_a_token_says_nothing() {
    let (app, _, agent, user) = with_agent().await;
    let both = user.with("X-API-Key", &agent.key);
    assert_eq!(both.data("{ __typename }", &Value::Null).await, json!({ "__typename": "Query" }));
    let wrong = app.key(&agent.key).with("Authorization", "Bearer nothing");
    assert_eq!(wrong.ask("{ __typename }", &Value::Null).await.status, 401, "a wrong token is not made up for");
    let basic = app.anonymous().with("Authorization", "Basic b3BzOm9wcw==");
    assert_eq!(basic.ask("{ __typename }", &Value::Null).await.status, 401);
}
