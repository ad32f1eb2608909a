//! Mutations have the same effect as the REST operations: the same object, the same events.

use backend::store::db::sql;
use serde_json::{Value, json};

use super::{of, transfer_after, with_agent};
use crate::support::{Client, PASSWORD, TestApp, app::TestAgent};

/// The kinds and actors of all events in the log.
pub(super) async fn log(app: &TestApp) -> Vec<(String, String)> {
    let rows = sql("SELECT kind, actor FROM events ORDER BY number");
    rows.fetch_all(&app.app.db).await.expect("the log")
}

/// An object without the fields that differ between any two objects.
fn without_names(object: &Value, own: &[&str]) -> Value {
    let mut object = object.clone();
    for name in own {
        let removed = object.as_object_mut().expect("an object").remove(*name);
        assert!(removed.is_some_and(|value| value.is_string()), "{name} of {object}");
    }
    object
}

/// Makes the same change over REST and over GraphQL, and checks that both leave the same events. Returns both objects.
async fn both(app: &TestApp, rest: impl Future<Output = Value>, graphql: impl Future<Output = Value>) -> [Value; 2] {
    let before = log(app).await.len();
    let by_rest = rest.await;
    let between = log(app).await.len();
    let by_graphql = graphql.await;
    let log = log(app).await;
    assert!(between > before, "it leaves a trace");
    assert_eq!(log[before..between], log[between..]);
    [by_rest, by_graphql]
}

async fn rest(client: &Client, method: &str, path: &str, body: Value) -> Value {
    let mut answer = client.send(method, path, Some(&body)).await;
    assert!(answer.status < 300, "{path}: {}", answer.body);
    answer.body["data"].take()
}

const CUSTOMER: &str = "id name suspended createdAt";
const USER: &str = "id email customerId suspended createdAt";

#[tokio::test]
async fn a_customer_is_made_and_changed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let create = format!("mutation {{ customer: createCustomer(input: {{ name: \"Twin\" }}) {{ {CUSTOMER} }} }}");
    let by_rest = rest(&admin, "POST", "/api/customers", json!({ "name": "Twin" }));
    let made = both(&app, by_rest, admin.data(&create, &Value::Null)).await;
    let [one, two] = made.map(|made| made["customer"].clone());
    assert_eq!(without_names(&one, &["id"]), without_names(&two, &["id"]));
    for (body, input) in [
        (json!({ "name": "Renamed" }), r#"{ name: "Renamed" }"#),
        (json!({ "suspended": true }), "{ suspended: true }"),
        (json!({ "name": "Back", "suspended": false }), r#"{ name: "Back", suspended: false }"#),
    ] {
        let path = format!("/api/customers/{}", one["id"].as_str().expect("an id"));
        let update =
            format!("mutation ($id: ID!) {{ customer: updateCustomer(id: $id, input: {input}) {{ {CUSTOMER} }} }}");
        let id = json!({ "id": two["id"] });
        let changed = both(&app, rest(&admin, "PATCH", &path, body), admin.data(&update, &id)).await;
        let [one, two] = changed.map(|changed| without_names(&changed["customer"], &["id"]));
        assert_eq!(one, two, "{input}");
    }
    let before = log(&app).await;
    rest(&admin, "PATCH", &format!("/api/customers/{}", one["id"].as_str().expect("an id")), json!({})).await;
    assert_eq!(log(&app).await, before, "a change of nothing is none");
}

#[tokio::test]
async fn a_user_is_made_and_changed() {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("Acme").await);
    let body =
        json!({ "email": "One@example.com", "password": PASSWORD, "role": "customer", "customerId": customer.id });
    let create = format!("mutation ($input: CreateUserInput!) {{ user: createUser(input: $input) {{ role {USER} }} }}");
    let input = json!({ "input": { "email": "Two@example.com", "password": PASSWORD, "role": "CUSTOMER", "customerId": customer.id } });
    let made = both(&app, rest(&admin, "POST", "/api/users", body), admin.data(&create, &input)).await;
    let [one, two] = made.map(|made| made["user"].clone());
    assert_eq!((&one["role"], &two["role"]), (&json!("customer"), &json!("CUSTOMER")));
    assert_eq!((&one["email"], &two["email"]), (&json!("one@example.com"), &json!("two@example.com")));
    let own = ["id", "email", "role"];
    assert_eq!(without_names(&one, &own), without_names(&two, &own));
    for (body, input) in [
        (json!({ "password": "another long passphrase" }), r#"{ password: "another long passphrase" }"#),
        (json!({ "suspended": true }), "{ suspended: true }"),
        (json!({ "suspended": false }), "{ suspended: false }"),
        (json!({ "role": "admin" }), "{ role: ADMIN }"),
    ] {
        let path = format!("/api/users/{}", one["id"].as_str().expect("an id"));
        let update = format!("mutation ($id: ID!) {{ user: updateUser(id: $id, input: {input}) {{ role {USER} }} }}");
        let id = json!({ "id": two["id"] });
        let changed = both(&app, rest(&admin, "PATCH", &path, body), admin.data(&update, &id)).await;
        let [one, two] = changed.map(|changed| without_names(&changed["user"], &own));
        assert_eq!(one, two, "{input}");
    }
    for email in ["one@example.com", "two@example.com"] {
        assert_eq!(app.sign_in(email, "another long passphrase").await.status, 200, "{email}");
    }
}

#[tokio::test]
async fn an_enrolment_code_is_made_shown_once_and_withdrawn() {
    let (app, customer, _, user) = with_agent().await;
    let path = format!("/api/customers/{}/enrolment-codes", customer.id);
    let shown = "id code customerId expiresAt maxUses uses";
    let create = format!(
        "mutation ($id: ID!, $input: CreateEnrolmentCodeInput) {{
            enrolmentCode: createEnrolmentCode(customerId: $id, input: $input) {{ {shown} }} }}"
    );
    for input in [json!({ "maxUses": 2, "expiresAt": "2026-04-26T00:00:00Z" }), json!({})] {
        let variables = json!({ "id": customer.id, "input": input });
        let made = both(&app, rest(&user, "POST", &path, input.clone()), user.data(&create, &variables)).await;
        let [one, two] = made.map(|made| made["enrolmentCode"].clone());
        assert_eq!(without_names(&one, &["id", "code"]), without_names(&two, &["id", "code"]));
        let whole = two["code"].as_str().expect("a code");
        let body = json!({ "hostname": "new", "os": "linux", "customerIdentifier": whole });
        assert_eq!(app.anonymous().post("/api/agents/register", &body).await.status, 201, "the code works");
        let list = format!("query ($id: ID!) {{ enrolmentCodes(customerId: $id) {{ nodes {{ {shown} }} }} }}");
        let listed = user.data(&list, &of(&customer.id)).await["enrolmentCodes"]["nodes"][0].clone();
        assert_eq!((&listed["id"], &listed["uses"]), (&two["id"], &json!(1)));
        let start = listed["code"].as_str().and_then(|code| code.strip_suffix('…')).expect("how it begins");
        assert!(whole.starts_with(start) && start.len() < whole.len() / 2, "only how it begins: {start}");
        let delete = "mutation ($id: ID!) { deleteEnrolmentCode(id: $id) }";
        let path = format!("/api/enrolment-codes/{}", one["id"].as_str().expect("an id"));
        let id = json!({ "id": two["id"] });
        let [_, gone] = both(&app, rest(&user, "DELETE", &path, json!({})), user.data(delete, &id)).await;
        assert_eq!(gone["deleteEnrolmentCode"], two["id"]);
        assert_eq!(app.anonymous().post("/api/agents/register", &body).await.status, 403);
    }
    let left =
        user.data("query ($id: ID!) { enrolmentCodes(customerId: $id) { totalCount } }", &of(&customer.id)).await;
    assert_eq!(left["enrolmentCodes"]["totalCount"], user.get(&path).await.body["data"]["pagination"]["total"]);
}

async fn is_let_in(app: &TestApp, key: &str) -> bool {
    app.key(key).send("POST", "/api/agents/heartbeat", None).await.status == 200
}

#[tokio::test]
async fn an_agent_gets_a_new_key_and_the_old_one_ends_when_it_was_said() {
    let (app, customer, one, user) = with_agent().await;
    let two = app.agent(customer.id, "server2").await;
    let rotate = "mutation ($id: ID!, $s: Int) { rotateAgentKey(id: $id, overlapSeconds: $s) { apiKey } }";
    for (seconds, old_works_on) in [(Value::Null, true), (json!(60), true), (json!(0), false)] {
        let path = format!("/api/agents/{}/key", one.id);
        let variables = json!({ "id": two.id, "s": seconds });
        let body = json!({ "overlapSeconds": seconds });
        let made = both(&app, rest(&user, "POST", &path, body), user.data(rotate, &variables)).await;
        for key in [&made[0]["apiKey"], &made[1]["rotateAgentKey"]["apiKey"]] {
            assert!(is_let_in(&app, key.as_str().expect("a key")).await);
        }
        for agent in [&one, &two] {
            assert_eq!(is_let_in(&app, &agent.key).await, old_works_on, "{seconds}");
        }
    }
}

#[tokio::test]
async fn an_agent_is_asked_to_replace_its_key() {
    let (app, customer, one, user) = with_agent().await;
    let two = app.agent(customer.id, "server2").await;
    let request = "mutation ($id: ID!) { requestKeyRotation(id: $id) { id hostname revision } }";
    let path = format!("/api/agents/{}/rotate-key", one.id);
    let asked = both(&app, rest(&user, "POST", &path, json!({})), user.data(request, &of(&two.id))).await;
    for (agent, answer) in [(&one, &asked[0]["agent"]), (&two, &asked[1]["requestKeyRotation"])] {
        assert_eq!((&answer["id"], &answer["revision"]), (&json!(agent.id), &json!(1)));
        assert_eq!(directives(&app, agent).await, [json!(["rotateKey", {}])]);
    }
}

#[tokio::test]
async fn a_revoked_agent_is_gone_and_its_transfers_stay() {
    let (app, customer, one, user) = with_agent().await;
    let two = app.agent(customer.id, "server2").await;
    let transfer = app.transfer(&two).await;
    let revoke = "mutation ($id: ID!) { revokeAgent(id: $id) }";
    let path = format!("/api/agents/{}", one.id);
    let [_, gone] = both(&app, rest(&user, "DELETE", &path, json!({})), user.data(revoke, &of(&two.id))).await;
    assert_eq!(gone["revokeAgent"], json!(two.id));
    for agent in [&one, &two] {
        assert!(!is_let_in(&app, &agent.key).await);
        assert_eq!(user.get(&format!("/api/agents/{}", agent.id)).await.status, 404);
    }
    assert_eq!(user.ask(revoke, &of(&two.id)).await.codes(), ["NOT_FOUND"]);
    let asked = user.data("{ agents { totalCount } transfers { nodes { id agent { id } } } }", &Value::Null).await;
    assert_eq!(asked["agents"]["totalCount"], 0);
    assert_eq!(asked["transfers"]["nodes"], json!([{ "id": transfer["id"], "agent": null }]));
}

#[tokio::test]
async fn signing_in_and_out_is_the_same_session() {
    let app = TestApp::start().await;
    let person = app.create_user("ops", None).await;
    let login = "mutation ($email: String!) { login(email: $email, password: \"correct horse battery\") {
        token expiresAt refreshToken user { id email } } }";
    let anonymous = app.anonymous();
    let by_rest = async { app.sign_in(&person.email, PASSWORD).await.body["data"].clone() };
    let email = json!({ "email": person.email.to_uppercase() });
    let [one, two] = both(&app, by_rest, anonymous.data(login, &email)).await;
    let two = &two["login"];
    assert_eq!((&one["expiresAt"], &one["user"]["id"]), (&two["expiresAt"], &two["user"]["id"]));
    let renew = json!({ "refreshToken": two["refreshToken"] });
    assert_eq!(app.anonymous().post("/api/auth/refresh", &renew).await.status, 200);
    let by_rest = app.bearer(one["token"].as_str().expect("a token"));
    let by_graphql = app.bearer(two["token"].as_str().expect("a token"));
    let logout = by_graphql.data("mutation { logout }", &Value::Null);
    let [_, ended] = both(&app, rest(&by_rest, "POST", "/api/auth/logout", json!({})), logout).await;
    assert_eq!(ended, json!({ "logout": true }));
    for client in [by_rest, by_graphql] {
        assert_eq!(client.ask("{ me { id } }", &Value::Null).await.status, 401);
        assert_eq!(client.get("/api/auth/me").await.status, 401);
    }
}

/// The directives that an agent gets with a heartbeat.
async fn directives(app: &TestApp, agent: &TestAgent) -> Vec<Value> {
    let answer = app.key(&agent.key).send("POST", "/api/agents/heartbeat", None).await;
    let directives = answer.body["data"]["directives"].as_array().expect("directives");
    directives.iter().map(|directive| json!([directive["type"], directive["payload"]])).collect()
}

#[tokio::test]
async fn a_queued_transfer_is_cancelled_at_once() {
    let (app, _, agent, user) = with_agent().await;
    let id = app.transfer(&agent).await["id"].clone();
    let cancel = "mutation ($id: ID!) { cancelTransfer(id: $id) { status cancelRequestedAt completedAt revision } }";
    let cancelled = &user.data(cancel, &json!({ "id": id })).await["cancelTransfer"];
    let now = "2026-04-25T13:00:00Z";
    let expected = json!({ "status": "CANCELLED", "cancelRequestedAt": now, "completedAt": now, "revision": 2 });
    assert_eq!(*cancelled, expected);
    assert_eq!(directives(&app, &agent).await, [json!(["cancelTransfer", { "transferId": id }])]);
    let shown = user.get(&format!("/api/transfers/{}", id.as_str().expect("an id"))).await;
    assert_eq!(shown.body["data"]["transfer"]["status"], "cancelled");
}

#[tokio::test]
async fn a_running_transfer_is_asked_to_end_and_ends_when_its_agent_says_so() {
    let (app, _, agent, user) = with_agent().await;
    let transfer = transfer_after(&app, &agent, &json!({ "status": "running" })).await;
    let cancel = "mutation ($id: ID!) { cancelTransfer(id: $id) { status cancelRequestedAt completedAt } }";
    let asked = user.data(cancel, &json!({ "id": transfer["id"] })).await["cancelTransfer"].clone();
    let expected = json!({ "status": "RUNNING", "cancelRequestedAt": "2026-04-25T13:00:00Z", "completedAt": null });
    assert_eq!(asked, expected);
    let again = user.data(cancel, &json!({ "id": transfer["id"] })).await;
    assert_eq!(again["cancelTransfer"], asked, "asking again changes nothing");
    assert_eq!(directives(&app, &agent).await, [json!(["cancelTransfer", { "transferId": transfer["id"] }])]);
}

#[tokio::test]
async fn a_failed_transfer_is_queued_again_as_another_attempt() {
    let (app, _, agent, user) = with_agent().await;
    let failed = transfer_after(&app, &agent, &json!({ "status": "failed", "error": "no route to host" })).await;
    let retry = "mutation ($id: ID!) { retryTransfer(id: $id) { status attempt errorMessage completedAt revision } }";
    let retried = &user.data(retry, &json!({ "id": failed["id"] })).await["retryTransfer"];
    let expected =
        json!({ "status": "QUEUED", "attempt": 2, "errorMessage": null, "completedAt": null, "revision": 3 });
    assert_eq!(*retried, expected);
    let directive = json!(["retryTransfer", { "transferId": failed["id"], "attempt": 2 }]);
    assert_eq!(directives(&app, &agent).await, [directive]);
}

#[tokio::test]
async fn several_mutations_of_a_document_are_made_in_their_order() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let document = r#"mutation {
        a: createCustomer(input: { name: "first" }) { name }
        b: createCustomer(input: { name: "" }) { name }
        c: createCustomer(input: { name: "third" }) { name }
    }"#;
    let answer = admin.ask(document, &Value::Null).await;
    assert_eq!(answer.codes(), ["INVALID"], "{}", answer.body);
    assert_eq!(answer.body["errors"][0]["path"], json!(["b"]));
    let listed = admin.data("{ customers { nodes { name } } }", &Value::Null).await;
    assert_eq!(listed["customers"]["nodes"], json!([{ "name": "third" }, { "name": "first" }]));
}
