//! Tests of `/api/views` and of saved views in GraphQL.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, app::START};

const PATH: &str = "/api/views";

/// A server, and a client of a user.
async fn with_user() -> (TestApp, Client) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let client = app.bearer(&customer.token);
    (app, client)
}

fn view(name: &str) -> Value {
    json!({ "name": name, "page": "transfers", "query": "status=failed&q=%C3%BC" })
}

#[tokio::test]
async fn a_view_is_saved_listed_changed_and_deleted() {
    let (app, client) = with_user().await;
    let created = client.post(PATH, &view(" Failed ")).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let first = created.body["data"]["view"].clone();
    let expected = json!({
        "id": first["id"], "name": "Failed", "page": "transfers", "query": "status=failed&q=%C3%BC",
        "isDefault": false, "createdAt": START, "updatedAt": START,
    });
    assert_eq!(first, expected);
    app.advance(chrono::TimeDelta::seconds(1));
    let second = client.post(PATH, &view("Again")).await.body["data"]["view"].clone();
    let listed = client.get(PATH).await;
    assert_eq!(
        listed.body["data"],
        json!({ "views": [second, first], "pagination": { "page": 1, "limit": 20, "total": 2, "pages": 1 } })
    );
    let path = format!("{PATH}/{}", first["id"].as_str().expect("an id"));
    let changed = client.patch(&path, &json!({ "name": "All", "query": "" })).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let changed = &changed.body["data"]["view"];
    assert_eq!(
        json!([changed["name"], changed["page"], changed["query"], changed["updatedAt"]]),
        json!(["All", "transfers", "", "2026-04-25T13:00:01Z"])
    );
    assert_eq!(client.delete(&path).await.body["data"], json!({ "deleted": true }));
    assert_eq!(client.delete(&path).await.status, 404);
    assert_eq!(client.get(PATH).await.body["data"]["views"], json!([second]));
}

#[tokio::test]
async fn graphql_has_the_same_views() {
    let (_app, client) = with_user().await;
    let fields = "id name page query isDefault createdAt updatedAt";
    let create = format!("mutation ($input: CreateViewInput!) {{ createView(input: $input) {{ {fields} }} }}");
    let created = client.data(&create, &json!({ "input": view("Failed") })).await["createView"].clone();
    assert_eq!(client.get(PATH).await.body["data"]["views"], json!([created]));
    let change = "mutation ($id: ID!) { updateView(id: $id, input: { page: \"jobs\" }) { name page } }";
    let changed = client.data(change, &json!({ "id": created["id"] })).await;
    assert_eq!(changed["updateView"], json!({ "name": "Failed", "page": "jobs" }));
    let listed = client.data(&format!("{{ views {{ {fields} }} }}"), &Value::Null).await;
    assert_eq!(listed["views"], client.get(PATH).await.body["data"]["views"]);
    let deleted = client.data("mutation ($id: ID!) { deleteView(id: $id) }", &json!({ "id": created["id"] })).await;
    assert_eq!((&deleted["deleteView"], &listed["views"][0]["id"]), (&created["id"], &created["id"]));
    assert_eq!(client.data("{ views { id } }", &Value::Null).await["views"], json!([]));
}

#[tokio::test]
async fn a_page_has_one_default_view_for_each_user() {
    let (app, client) = with_user().await;
    let other = app.admin().await;
    let mut paths = Vec::new();
    for (client, name) in [(&client, "First"), (&client, "Second"), (&other, "Theirs")] {
        let id = client.post(PATH, &view(name)).await.body["data"]["view"]["id"].clone();
        paths.push(format!("{PATH}/{}", id.as_str().expect("an id")));
    }
    let default = json!({ "isDefault": true });
    for (client, path) in [(&other, &paths[2]), (&client, &paths[0]), (&client, &paths[1])] {
        assert_eq!(client.patch(path, &default).await.body["data"]["view"]["isDefault"], true);
    }
    let defaults = async |client: &Client| {
        let listed = client.get(PATH).await.body["data"]["views"].clone();
        let views = listed.as_array().expect("views").clone();
        views.into_iter().filter(|view| view["isDefault"] == true).map(|view| view["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(defaults(&client).await, ["Second"]);
    assert_eq!(defaults(&other).await, ["Theirs"], "each user has their own");

    assert_eq!(client.patch(&paths[0], &json!({ "page": "jobs", "isDefault": true })).await.status, 200);
    assert_eq!(defaults(&client).await, ["Second", "First"], "each page has its own");
    assert_eq!(client.patch(&paths[0], &json!({ "page": "transfers" })).await.status, 200);
    assert_eq!(defaults(&client).await, ["First"]);
    let change = "mutation ($id: ID!) { updateView(id: $id, input: { isDefault: false }) { isDefault } }";
    let id = paths[0].rsplit('/').next().expect("an id");
    assert_eq!(client.data(change, &json!({ "id": id })).await["updateView"], json!({ "isDefault": false }));
    assert_eq!(defaults(&client).await, Vec::<Value>::new());
    assert_eq!(client.patch(&paths[0], &json!({ "isDefault": "yes" })).await.wrong_fields(), ["isDefault"]);
}

#[tokio::test]
async fn a_user_has_fifty_views_at_most_and_those_of_others_do_not_count() {
    let (app, client) = with_user().await;
    for number in 0..50 {
        assert_eq!(client.post(PATH, &view(&format!("View {number}"))).await.status, 201);
    }
    let refused = client.post(PATH, &view("One too many")).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    let other = app.admin().await;
    assert_eq!(other.get(PATH).await.body["data"]["views"], json!([]), "each user has their own");
    assert_eq!(other.post(PATH, &view("Failed")).await.status, 201);
    let all = client.data("{ views { id } }", &Value::Null).await;
    assert_eq!(all["views"].as_array().map(Vec::len), Some(50));
    let path = format!("{PATH}/{}", all["views"][0]["id"].as_str().expect("an id"));
    assert_eq!(other.patch(&path, &json!({ "name": "Mine" })).await.status, 404);
    assert_eq!(client.delete(&path).await.status, 200);
    assert_eq!(client.post(PATH, &view("Again")).await.status, 201);
}

#[tokio::test]
async fn a_view_is_saved_once_for_each_idempotency_key() {
    let (_app, client) = with_user().await;
    let client = client.with("Idempotency-Key", "one");
    let (first, second) = (client.post(PATH, &view("Failed")).await, client.post(PATH, &view("Failed")).await);
    assert_eq!((first.status, &first.body), (201, &second.body));
    assert_eq!(client.get(PATH).await.body["data"]["pagination"]["total"], 1);
}

#[rstest]
#[case(json!({}), &["name", "page", "query"])]
#[case(json!({ "name": "", "page": " ", "query": 7 }), &["name", "page", "query"])]
#[case(json!({ "name": "a".repeat(101), "page": "transfers", "query": "" }), &["name"])]
#[case(json!({ "name": "a", "page": "a".repeat(65), "query": "" }), &["page"])]
#[case(json!({ "name": "a", "page": "transfers", "query": "a".repeat(2049) }), &["query"])]
#[case(json!({ "name": "a", "page": "transfers", "query": "\u{fc}".repeat(1025) }), &["query"])]
#[tokio::test]
async fn a_view_that_is_wrong_is_400_with_all_that_is_wrong(#[case] body: Value, #[case] wrong: &[&str]) {
    let (_app, client) = with_user().await;
    let answer = client.post(PATH, &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, wrong.to_vec()), "{}", answer.body);
}
