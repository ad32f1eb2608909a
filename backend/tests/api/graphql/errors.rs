//! GraphQL errors: their code, path and message, without internal causes.

use backend::store::db::sql;
use rstest::rstest;
use serde_json::{Value, json};

use super::with_agent;
use crate::support::TestApp;

#[tokio::test]
async fn an_error_of_a_field_has_a_message_a_path_a_place_and_a_code() {
    let (_app, _, _, user) = with_agent().await;
    let question = "{\n  first: transfer(id: \"0199c1f0-6c00-7000-8000-000000000001\") { id }\n  __typename\n}";
    let answer = user.ask(question, &Value::Null).await;
    let error = json!({
        "message": "transfer not found", "path": ["first"], "locations": [{ "line": 2, "column": 3 }],
        "extensions": { "code": "NOT_FOUND" },
    });
    assert_eq!(answer.body, json!({ "data": { "first": null, "__typename": "Query" }, "errors": [error] }));
}

#[tokio::test]
async fn an_error_of_the_request_has_a_code_and_a_place_and_there_is_no_data() {
    let (_app, _, _, user) = with_agent().await;
    for question in ["{ nothing }", "{ me { id ", "query ($id: Nothing) { __typename }", "{ me(id: 7) { id } }"] {
        let answer = user.ask(question, &Value::Null).await;
        assert_eq!((answer.body.get("data"), answer.codes()[0]), (None, "INVALID"), "{}", answer.body);
        let error = &answer.body["errors"][0];
        assert!(error["message"].is_string() && error["locations"][0]["line"] == 1, "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_null_takes_what_holds_it_along() {
    let (_app, _, _, user) = with_agent().await;
    let answer = user.ask("{ me { id } customers { totalCount } }", &Value::Null).await;
    assert_eq!((answer.body.get("data"), answer.codes()), (Some(&Value::Null), vec!["FORBIDDEN"]), "{}", answer.body);
    assert_eq!(answer.body["errors"][0]["path"], json!(["customers"]));
    let answer = user.ask("{ agents { nodes { id transfers(first: 0) { id } } } }", &Value::Null).await;
    assert_eq!((answer.body.get("data"), answer.codes()), (Some(&Value::Null), vec!["INVALID"]), "{}", answer.body);
    assert_eq!(answer.body["errors"][0]["path"], json!(["agents", "nodes", 0, "transfers"]));
}

#[tokio::test]
async fn what_may_be_null_is_where_it_ends() {
    let (app, _, agent, user) = with_agent().await;
    app.transfer(&agent).await;
    let question = "{ me { email } transfers { nodes { size: sizeKnown agent { id transfers(first: 0) { id } } } } }";
    let answer = user.ask(question, &Value::Null).await;
    assert_eq!(answer.body["data"]["transfers"], json!({ "nodes": [{ "size": true, "agent": null }] }));
    assert!(answer.body["data"]["me"]["email"].is_string(), "{}", answer.body);
    assert_eq!(answer.codes(), ["INVALID"]);
    assert_eq!(answer.body["errors"][0]["path"], json!(["transfers", "nodes", 0, "agent", "transfers"]));
}

#[rstest]
#[case::left_out(json!({}))]
#[case::null(json!({ "id": null, "name": null }))]
#[tokio::test]
async fn nothing_is_carried_out_if_a_variable_is_missing(#[case] variables: Value) {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let document = "mutation ($id: ID!, $name: String!, $free: Int, $default: Int! = 5) {
        createCustomer(input: { name: \"Acme\" }) { id }
        rotateAgentKey(id: $id, overlapSeconds: $free) { apiKey }
        updateCustomer(id: $id, input: { name: $name }) { id } }";
    let answer = admin.ask(document, &variables).await;
    assert_eq!((answer.codes(), answer.body.get("data")), (vec!["INVALID"], None), "{}", answer.body);
    assert_eq!(answer.wrong_arguments(), ["id", "name"], "{}", answer.body);
    let after = "query ($n: Int! = 5) { customers(first: $n) { totalCount } }";
    assert_eq!(admin.data(after, &Value::Null).await["customers"]["totalCount"], 0);
}

/// A query or a mutation that reads the table first.
#[rstest]
#[case("transfers", "{ transfers { totalCount nodes { id } } }")]
#[case("transfers", "{ agents { nodes { transfers { id } } } }")]
#[case("transfers", "mutation { cancelTransfer(id: \"0199c1f0-6c00-7000-8000-000000000001\") { id } }")]
#[case("agents", "{ agents { nodes { id } } }")]
#[case("agents", "{ fleet { bytesPerSecond } }")]
#[case("events", "{ events { nodes { id } } }")]
#[case("users", "mutation { login(email: \"a@b\", password: \"x\") { token } }")]
#[tokio::test]
async fn a_fault_of_ours_says_only_that_it_is_one(#[case] table: &str, #[case] question: &str) {
    let (app, _, agent, user) = with_agent().await;
    app.transfer(&agent).await;
    // The session and the user are cached.
    user.data("{ me { id } }", &Value::Null).await;
    let break_it = match table {
        "transfers" => sql("ALTER TABLE transfers RENAME TO elsewhere"),
        "agents" => sql("ALTER TABLE agents RENAME TO elsewhere"),
        "events" => sql("ALTER TABLE events RENAME TO elsewhere"),
        _ => sql("ALTER TABLE users RENAME TO elsewhere"),
    };
    let mut tx = app.app.db.begin().await.expect("a transaction");
    break_it.execute(&mut tx).await.expect("a broken table");
    tx.commit().await.expect("an end");
    let answer = user.ask(question, &Value::Null).await;
    assert_eq!((answer.status, answer.codes()), (200, vec!["INTERNAL"]), "{}", answer.body);
    let error = answer.body["errors"][0].as_object().expect("an error");
    assert_eq!((&error["message"], &error["extensions"]), (&json!("internal error"), &json!({ "code": "INTERNAL" })));
    let text = String::from_utf8_lossy(&answer.bytes);
    for inside in ["table", "elsewhere", "relation", "SELECT", "sqlx", "sqlite"] {
        assert!(!text.contains(inside), "{text}");
    }
}

#[tokio::test]
async fn a_fault_of_ours_while_it_is_asked_who_calls_is_a_500() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let mut tx = app.app.db.begin().await.expect("a transaction");
    sql("ALTER TABLE sessions RENAME TO elsewhere").execute(&mut tx).await.expect("a broken table");
    tx.commit().await.expect("an end");
    let answer = app.bearer(&customer.token).ask("{ __typename }", &Value::Null).await;
    let error = json!({ "message": "internal error", "extensions": { "code": "INTERNAL" } });
    assert_eq!((answer.status, answer.body), (500, json!({ "errors": [error] })));
}

/// The API key is to stay valid for a day after the last representable day.
#[tokio::test]
async fn a_panic_is_a_500_that_says_nothing_of_it() {
    let (app, _, agent, _) = with_agent().await;
    let person = app.create_user("ops", None).await;
    let user = app.bearer(&super::at_the_end_of_time(&app, &person.email).await);
    let question = "mutation ($id: ID!) { rotateAgentKey(id: $id) { apiKey } }";
    let answer = user.ask(question, &super::of(&agent.id)).await;
    let error = json!({ "message": "internal error", "extensions": { "code": "INTERNAL" } });
    assert_eq!((answer.status, answer.body), (500, json!({ "errors": [error] })));
    assert_eq!(user.data("{ __typename }", &Value::Null).await["__typename"], "Query");
}
