//! Documents that are sent again, which are neither parsed nor validated a second time.

use serde_json::{Value, json};

use super::with_agent;

const PAGES: &str = "query ($agents: Int!, $transfers: Int!) { agents(first: $agents) { nodes { \
    transfers(first: $transfers) { id status progress } } } }";
const TWO: &str = "query Good { me { id } } query Bad { nothing }";

#[tokio::test]
async fn a_document_that_was_accepted_is_judged_again_with_other_variables() {
    let (_app, _, _, user) = with_agent().await;
    let few = json!({ "agents": 1, "transfers": 1 });
    for _ in 0..3 {
        user.data(PAGES, &few).await;
        let refused = [
            // Too complex, of the wrong type, and incomplete.
            json!({ "agents": 100, "transfers": 100 }),
            json!({ "agents": "one", "transfers": 1 }),
            json!({ "agents": 1 }),
        ];
        for variables in refused {
            let answer = user.ask(PAGES, &variables).await;
            let mut codes = answer.codes();
            codes.dedup();
            assert_eq!(codes, vec!["INVALID"], "{variables}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_document_is_judged_by_the_operation_that_is_wanted() {
    let (_app, _, _, user) = with_agent().await;
    for _ in 0..3 {
        let good = user.post("/graphql", &json!({ "query": TWO, "operationName": "Good" })).await;
        let bad = user.post("/graphql", &json!({ "query": TWO, "operationName": "Bad" })).await;
        let none = user.post("/graphql", &json!({ "query": TWO })).await;
        for answer in [&good, &bad, &none] {
            assert_eq!(answer.codes(), vec!["INVALID"], "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_document_of_others_is_no_way_around_the_token() {
    let (app, _, _, user) = with_agent().await;
    let me = "{ me { id email } }";
    for _ in 0..3 {
        assert!(user.data(me, &Value::Null).await["me"]["id"].is_string());
        assert_eq!(app.anonymous().ask(me, &Value::Null).await.codes(), vec!["UNAUTHENTICATED"]);
        assert!(app.anonymous().data("{ __typename }", &Value::Null).await["__typename"].is_string());
    }
}
