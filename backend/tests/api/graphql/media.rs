//! The media types of responses, and their statuses.

use rstest::rstest;
use serde_json::json;

use super::with_agent;

const JSON: &str = "application/json; charset=utf-8";
const GRAPHQL: &str = "application/graphql-response+json; charset=utf-8";

#[rstest]
#[case::nothing_said(None, JSON)]
#[case::anything(Some("*/*"), JSON)]
#[case::any_application(Some("application/*"), JSON)]
#[case::json(Some("application/json"), JSON)]
#[case::graphql(Some("application/graphql-response+json"), GRAPHQL)]
#[case::charset(Some("application/graphql-response+json; charset=utf-8"), GRAPHQL)]
#[case::as_the_specification_asks(
    Some("application/graphql-response+json; charset=utf-8, application/json; q=0.9"),
    GRAPHQL
)]
#[case::first_of_equals(Some("application/json, application/graphql-response+json"), JSON)]
#[case::better(Some("application/json;q=0.5, application/graphql-response+json;q=0.8"), GRAPHQL)]
#[case::not_that(Some("application/graphql-response+json;q=0, application/json;q=0.1"), JSON)]
#[case::beside_others(Some("text/html, application/xml;q=0.9, */*;q=0.8"), JSON)]
#[case::capitals(Some("Application/GraphQL-Response+JSON"), GRAPHQL)]
#[tokio::test]
async fn the_answer_is_of_the_type_the_client_likes_best(#[case] accept: Option<&str>, #[case] expected: &str) {
    let (_app, _, _, user) = with_agent().await;
    let client = accept.map_or(user.clone(), |accept| user.with("Accept", accept));
    for answer in [client.ask("{ __typename }", &json!({})).await, client.get("/graphql?query={__typename}").await] {
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(expected)));
        assert_eq!(answer.body, json!({ "data": { "__typename": "Query" } }));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[rstest]
#[case("text/html")]
#[case("application/xml, text/*")]
#[case("application/json;q=0")]
#[tokio::test]
async fn a_client_that_takes_no_json_is_406(#[case] accept: &str) {
    let (_app, _, _, user) = with_agent().await;
    let answer = user.with("Accept", accept).ask("{ __typename }", &json!({})).await;
    assert_eq!((answer.status, answer.header("content-type")), (406, Some(JSON)));
    assert_eq!(answer.codes(), ["INVALID"]);
}

#[rstest]
#[case::no_graphql("{", 200, 400)]
#[case::no_operation("fragment X on Query { __typename }", 200, 400)]
#[case::no_such_field("{ nothing }", 200, 400)]
#[case::a_variable_that_is_missing("query ($id: ID!) { agent(id: $id) { id } }", 200, 400)]
#[case::too_deep(
    "{ a: __schema { types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } } } } } } } } } }",
    200,
    400
)]
#[case::refused_by_a_resolver("{ users { totalCount } }", 200, 200)]
#[case::in_part("{ me { id } agent(id: \"0199c1f0-6c00-7000-8000-000000000001\") { id } }", 200, 200)]
#[tokio::test]
async fn what_could_not_be_carried_out_is_a_400_in_the_newer_type_only(
    #[case] question: &str,
    #[case] as_json: u16,
    #[case] as_graphql: u16,
) {
    let (_app, _, _, user) = with_agent().await;
    let plain = user.with("Accept", "application/json").ask(question, &json!({})).await;
    let newer = user.with("Accept", "application/graphql-response+json").ask(question, &json!({})).await;
    assert_eq!((plain.status, newer.status), (as_json, as_graphql), "{}", newer.body);
    assert_eq!(plain.body, newer.body);
    assert!(plain.codes().len() == 1, "{}", plain.body);
    assert_eq!(newer.body.get("data").is_none(), as_graphql == 400, "data is there exactly if something was done");
}

#[tokio::test]
async fn a_request_that_is_none_has_the_same_status_in_both_types() {
    let (app, _, agent, user) = with_agent().await;
    for accept in ["application/json", "application/graphql-response+json"] {
        let send = async |client: &crate::support::Client, kind: Option<&str>, body: &str| {
            client.with("Accept", accept).send_bytes("POST", "/graphql", kind, body.as_bytes().to_vec()).await.status
        };
        let json = Some("application/json");
        assert_eq!(send(&user, json, "{").await, 400);
        assert_eq!(send(&user, json, "{}").await, 400);
        assert_eq!(send(&user, None, r#"{ "query": "{ __typename }" }"#).await, 415);
        assert_eq!(send(&app.key(&agent.key), json, r#"{ "query": "{ __typename }" }"#).await, 401);
        assert_eq!(send(&user.with("Origin", "https://elsewhere.example"), json, "{}").await, 403);
    }
}
