//! Users: who may sign in, and with which role.

use backend::{actor::Actor, model::account::UpdateUser};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestApp};

/// The names of the invalid fields in an answer.
fn wrong(body: &Value) -> Vec<String> {
    body["details"]["fields"].as_object().into_iter().flat_map(|fields| fields.keys().cloned()).collect()
}

#[tokio::test]
async fn a_new_user_is_answered_without_their_password_and_can_sign_in() {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("acme").await);
    let body =
        json!({ "email": "Ops@Acme.Example", "password": PASSWORD, "role": "customer", "customerId": customer.id });
    let made = admin.post("/api/users", &body).await;
    let user = &made.body["data"]["user"];
    let whole = json!({
        "id": user["id"], "email": "ops@acme.example", "role": "customer", "customerId": customer.id, "suspended": false,
        "createdAt": "2026-04-25T13:00:00Z",
    });
    assert_eq!((made.status, user), (201, &whole));
    assert_eq!(app.sign_in("ops@acme.example", PASSWORD).await.body["data"]["user"], whole);
    let list = admin.get("/api/users").await;
    assert_eq!((list.status, &list.body["data"]["users"][0]), (200, &whole));
    assert_eq!(list.body["data"]["pagination"], json!({ "page": 1, "limit": 20, "total": 3, "pages": 1 }));
    assert!(!String::from_utf8_lossy(&list.bytes).contains("argon2"), "no hash leaves the server");
}

#[tokio::test]
async fn users_are_listed_by_their_customer() {
    let app = TestApp::start().await;
    let (admin, own, other) = (app.admin().await, app.customer("own").await, app.customer("other").await);
    let ops = app.create_user("ops", Some(own.id)).await;
    let answer = admin.get(&format!("/api/users?customerId={}&limit=1", own.id)).await;
    assert_eq!((answer.status, &answer.body["data"]["users"][0]["email"]), (200, &json!(ops.email)));
    assert_eq!(answer.body["data"]["pagination"], json!({ "page": 1, "limit": 1, "total": 2, "pages": 2 }));
    let query = "query ($id: ID!) { users(first: 9, filter: { customerId: $id }) { totalCount nodes { customerId } } }";
    let found = admin.data(query, &json!({ "id": other.id })).await;
    assert_eq!(found["users"], json!({ "totalCount": 1, "nodes": [{ "customerId": other.id }] }));
    assert_eq!(wrong(&admin.get("/api/users?customerId=acme").await.body), ["customerId"]);
}

#[tokio::test]
async fn an_administrator_belongs_to_no_customer() {
    let app = TestApp::start().await;
    let body = json!({ "email": "root@example.com", "password": PASSWORD, "role": "admin" });
    let made = app.admin().await.post("/api/users", &body).await;
    assert_eq!((made.status, &made.body["data"]["user"]["customerId"]), (201, &Value::Null));
}

#[tokio::test]
async fn an_address_is_taken_once_whatever_its_case() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let body = |email: &str| json!({ "email": email, "password": PASSWORD, "role": "admin" });
    assert_eq!(admin.post("/api/users", &body("ops@example.com")).await.status, 201);
    let answer = admin.post("/api/users", &body("OPS@example.com")).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (409, &json!("a user with this e-mail address already exists: choose another one"))
    );
}

#[rstest]
#[case::nothing(json!({}), &["email", "password", "role"])]
#[case::no_address(json!({ "email": "ops", "password": PASSWORD, "role": "admin" }), &["email"])]
#[case::two_addresses(json!({ "email": "a@b, c@d", "password": PASSWORD, "role": "admin" }), &["email"])]
#[case::long_address(
    json!({ "email": format!("{}@b.example", "a".repeat(250)), "password": PASSWORD, "role": "admin" }), &["email"]
)]
#[case::markup(json!({ "email": "<svg/onload=alert(1)>@x", "password": PASSWORD, "role": "admin" }), &["email"])]
#[case::markup_as_host(json!({ "email": "ops@<b>", "password": PASSWORD, "role": "admin" }), &["email"])]
#[case::quotes(json!({ "email": "\"ops\"@b.example", "password": PASSWORD, "role": "admin" }), &["email"])]
#[case::turned_around(json!({ "email": "\u{202e}ops@b.example", "password": PASSWORD, "role": "admin" }), &["email"])]
#[case::empty_label(json!({ "email": "ops@b..example", "password": PASSWORD, "role": "admin" }), &["email"])]
#[case::short_password(json!({ "email": "a@b.example", "password": "elevenchars", "role": "admin" }), &["password"])]
#[case::blanks(json!({ "email": "a@b.example", "password": " ".repeat(12), "role": "admin" }), &["password"])]
#[case::one_letter(json!({ "email": "a@b.example", "password": "a".repeat(12), "role": "admin" }), &["password"])]
#[case::one_pair(json!({ "email": "a@b.example", "password": "ab ".repeat(8), "role": "admin" }), &["password"])]
#[case::long_password(json!({ "email": "a@b.example", "password": "a".repeat(1025), "role": "admin" }), &["password"])]
#[case::no_such_role(json!({ "email": "a@b.example", "password": PASSWORD, "role": "root" }), &["role"])]
#[case::whose(json!({ "email": "a@b.example", "password": PASSWORD, "role": "customer" }), &["customerId"])]
#[case::nobodys(
    json!({
        "email": "a@b.example", "password": PASSWORD, "role": "customer",
        "customerId": "0199c1f0-6c00-7000-8000-000000000001",
    }),
    &["customerId"]
)]
#[case::admin_of_a_customer(
    json!({
        "email": "a@b.example", "password": PASSWORD, "role": "admin", "customerId": "0199c1f0-6c00-7000-8000-000000000001",
    }),
    &["customerId"]
)]
#[case::customer_without_id(
    json!({ "email": "a@b.example", "password": PASSWORD, "role": "customer", "customerId": "acme" }), &["customerId"]
)]
#[tokio::test]
async fn a_user_that_cannot_be_is_400(#[case] body: Value, #[case] fields: &[&str]) {
    let app = TestApp::start().await;
    let answer = app.admin().await.post("/api/users", &body).await;
    assert_eq!((answer.status, wrong(&answer.body)), (400, fields.iter().map(ToString::to_string).collect()));
}

#[rstest]
#[case::short_password(json!({ "password": "short" }), &["password"])]
#[case::one_letter(json!({ "password": "zzzzzzzzzzzzzz" }), &["password"])]
#[case::nulls(json!({ "password": null, "role": null, "suspended": null }), &["password", "role", "suspended"])]
#[case::no_such_role(json!({ "role": "root" }), &["role"])]
#[case::for_want_of_a_customer(json!({ "role": "customer" }), &["role"])]
#[tokio::test]
async fn a_change_that_cannot_be_is_400(#[case] body: Value, #[case] fields: &[&str]) {
    let app = TestApp::start().await;
    let (admin, ops) = (app.admin().await, app.create_user("ops", None).await);
    let answer = admin.patch(&ops.path(), &body).await;
    assert_eq!((answer.status, wrong(&answer.body)), (400, fields.iter().map(ToString::to_string).collect()));
}

#[tokio::test]
async fn a_customers_user_who_becomes_an_administrator_signs_in_again_and_belongs_to_no_customer() {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("acme").await);
    let ops = app.create_user("ops", Some(customer.id)).await;
    let before = app.sign_in(&ops.email, PASSWORD).await;
    let answer = admin.patch(&ops.path(), &json!({ "role": "admin" })).await;
    let user = &answer.body["data"]["user"];
    assert_eq!((answer.status, &user["role"], &user["customerId"]), (200, &json!("admin"), &Value::Null));
    let token = before.body["data"]["token"].as_str().unwrap_or_default();
    assert_eq!(app.bearer(token).get("/api/auth/me").await.status, 401);
    let after = app.sign_in(&ops.email, PASSWORD).await;
    let token = after.body["data"]["token"].as_str().unwrap_or_default();
    assert_eq!(app.bearer(token).get("/api/customers").await.status, 200);
}

#[tokio::test]
async fn only_administrators_manage_users() {
    let app = TestApp::start().await;
    let (own, other) = (app.customer("own").await, app.customer("other").await);
    let agent = app.agent(own.id, "edge-1").await;
    let (mine, theirs) = (app.create_user("mine", Some(own.id)).await, app.create_user("theirs", Some(other.id)).await);
    let root = app.create_user("root", None).await;
    let body = json!({ "email": "a@b.example", "password": PASSWORD, "role": "admin" });
    let change = json!({ "suspended": true });
    let user = app.bearer(&own.token);
    assert_eq!(user.get("/api/users").await.status, 403);
    assert_eq!(user.post("/api/users", &body).await.status, 403);
    assert_eq!(user.patch(&mine.path(), &change).await.status, 403);
    assert_eq!(user.patch(&theirs.path(), &change).await.status, 404);
    assert_eq!(user.patch(&root.path(), &change).await.status, 404);
    for client in [app.anonymous(), app.key(&agent.key)] {
        assert_eq!(client.get("/api/users").await.status, 401);
        assert_eq!(client.post("/api/users", &body).await.status, 401);
        assert_eq!(client.patch(&mine.path(), &change).await.status, 401);
    }
}

#[rstest]
#[case::unknown("0199c1f0-6c00-7000-8000-000000000001")]
#[case::not_an_id("ops@example.com")]
#[tokio::test]
async fn a_user_who_is_not_there_is_404(#[case] id: &str) {
    let app = TestApp::start().await;
    let answer = app.admin().await.patch(&format!("/api/users/{id}"), &json!({ "suspended": true })).await;
    assert_eq!((answer.status, &answer.body["error"]), (404, &json!("user not found")));
}

#[tokio::test]
async fn an_administrator_cannot_suspend_or_demote_themself() {
    let app = TestApp::start().await;
    let root = app.create_user("root", None).await;
    let session = app.sign_in(&root.email, PASSWORD).await;
    let admin = app.bearer(session.body["data"]["token"].as_str().unwrap_or_default());
    let second = app.create_user("second", None).await;
    let own = "you cannot suspend or demote yourself: another administrator can";
    for change in [json!({ "suspended": true }), json!({ "role": "customer" })] {
        let answer = admin.patch(&root.path(), &change).await;
        assert_eq!((answer.status, &answer.body["error"]), (409, &json!(own)));
    }
    let question = "mutation ($id: ID!) { updateUser(id: $id, input: { suspended: true }) { id } }";
    let answer = admin.ask(question, &json!({ "id": root.id })).await;
    assert_eq!((answer.codes(), &answer.body["errors"][0]["message"]), (vec!["CONFLICT"], &json!(own)));
    assert_eq!(admin.get("/api/auth/me").await.body["data"]["user"]["suspended"], false, "nothing has changed");
    assert_eq!(admin.patch(&second.path(), &json!({ "suspended": true })).await.status, 200);
}

#[tokio::test]
async fn an_administrator_who_can_sign_in_remains() {
    let app = TestApp::start().await;
    let root = app.create_user("root", None).await;
    let input = UpdateUser { suspended: Some(true), ..UpdateUser::default() };
    let refused = app.cp().update_user(&Actor::System, root.id, input.clone()).await.expect_err("the last one");
    assert_eq!(
        refused.to_string(),
        "this is the last administrator who can sign in: create or reactivate another one first"
    );
    app.create_user("second", None).await;
    app.cp().update_user(&Actor::System, root.id, input).await.expect("another one is left");
}

#[tokio::test]
async fn two_administrators_cannot_suspend_each_other_at_once() {
    for _ in 0..4 {
        let app = TestApp::start().await;
        let (one, two) = (app.create_user("one", None).await, app.create_user("two", None).await);
        let client = |answer: &Answer| app.bearer(answer.body["data"]["token"].as_str().unwrap_or_default());
        let first = client(&app.sign_in(&one.email, PASSWORD).await);
        let second = client(&app.sign_in(&two.email, PASSWORD).await);
        // Each has a connection of their own by now, so that nothing but the rule keeps them apart.
        let warm = tokio::join!(first.get("/api/users"), second.get("/api/users"));
        assert_eq!((warm.0.status, warm.1.status), (200, 200));
        let (suspend, one, two) = (json!({ "suspended": true }), one.path(), two.path());
        let answers = tokio::join!(first.patch(&two, &suspend), second.patch(&one, &suspend));
        let statuses = [answers.0.status.min(answers.1.status), answers.0.status.max(answers.1.status)];
        assert!(app.cp().has_admin().await.expect("an answer"), "{statuses:?}");
        assert!(statuses[0] == 200 && [401, 409].contains(&statuses[1]), "{statuses:?}");
    }
}
