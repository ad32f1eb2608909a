//! What clients do beside what the specification has: some libraries send the hash of a document in its place.

use serde_json::{Value, json};

use crate::support::TestApp;

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
    let answer = anonymous.get(&format!("/graphql?extensions={encoded}")).await;
    assert_eq!((answer.status, answer.body), (200, refused));
    let body = json!({ "query": "{ __typename }", "extensions": hash });
    assert_eq!(anonymous.post("/graphql", &body).await.body, json!({ "data": { "__typename": "Query" } }));
    let neither = anonymous.post("/graphql", &json!({ "extensions": { "persistedQuery": Value::Null } })).await;
    assert_eq!((neither.status, neither.wrong_arguments()), (400, vec!["query"]));
}
