//! The behaviour of clients that do not follow the specification: browsers open the endpoint, and some libraries send
//! the hash of a document instead of the document.

use rstest::rstest;
use serde_json::{Value, json};

use super::with_agent;
use crate::support::TestApp;

/// The `Accept` header of a browser that opens an address.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[rstest]
#[case("/graphql")]
#[case("/graphql?")]
#[case("/graphiql")]
#[tokio::test]
async fn a_browser_that_opens_the_endpoint_gets_a_page_about_it(#[case] path: &str) {
    let app = TestApp::start().await;
    let answer = app.anonymous().with("Accept", BROWSER).get(path).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let page = String::from_utf8_lossy(&answer.bytes);
    assert!(page.contains("Authorization: Bearer") && page.contains("graphql-transport-ws"), "{page}");
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    for elsewhere in ["http://", "https://", "<script", "src="] {
        assert!(!page.contains(elsewhere), "it needs nothing from elsewhere: {elsewhere}");
    }
}

#[tokio::test]
async fn a_query_in_a_url_is_answered_in_a_browser_too() {
    let (_app, _, _, user) = with_agent().await;
    let answer = user.with("Accept", BROWSER).get("/graphql?query=%7B__typename%7D").await;
    assert_eq!((answer.status, answer.body), (200, json!({ "data": { "__typename": "Query" } })));
    let plain = user.get("/graphql").await;
    assert_eq!((plain.status, plain.wrong_arguments()), (400, vec!["query"]), "no page for programs");
}

#[tokio::test]
async fn a_hash_in_place_of_a_document_is_an_error_that_clients_know() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    let hash = json!({ "persistedQuery": { "version": 1, "sha256Hash": "ecf4edb46db40b5132295c0291d62fb65d6759a9" } });
    let refused = json!({ "errors": [{
        "message": "PersistedQueryNotSupported", "extensions": { "code": "PERSISTED_QUERY_NOT_SUPPORTED" },
    }] });
    for body in [json!({ "extensions": hash }), json!({ "query": null, "variables": {}, "extensions": hash })] {
        let answer = anonymous.post("/graphql", &body).await;
        assert_eq!((answer.status, answer.body), (200, refused.clone()));
    }
    let in_url = format!("/graphql?extensions={}", hash.to_string().replace('"', "%22").replace(['{', '}'], ""));
    assert_eq!(anonymous.get(&in_url).await.status, 400, "no JSON");
    let encoded =
        percent_encoding::utf8_percent_encode(&hash.to_string(), percent_encoding::NON_ALPHANUMERIC).to_string();
    let answer = anonymous.with("Accept", BROWSER).get(&format!("/graphql?extensions={encoded}")).await;
    assert_eq!((answer.status, answer.body), (200, refused));
    let body = json!({ "query": "{ __typename }", "extensions": hash });
    assert_eq!(anonymous.post("/graphql", &body).await.body, json!({ "data": { "__typename": "Query" } }));
    let neither = anonymous.post("/graphql", &json!({ "extensions": { "persistedQuery": Value::Null } })).await;
    assert_eq!((neither.status, neither.wrong_arguments()), (400, vec!["query"]));
}
