//! The rules for text in names, locations and reports: no invisible characters, and no passwords.

use backend::store::db::sql;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Client, Log, TestApp,
    app::{TestAgent, TestCustomer},
};

const TURNED: &str = "edge\u{202e}gpj.exe";
const INVISIBLE: &str = "edge\u{200b}1";

/// A request that creates an object: the client, the path, the body, and the names of the fields that hold the text.
type Creation<'a> = (&'a Client, &'static str, Value, Vec<&'static str>);

/// Requests for a customer, a job, a pipeline and an agent with this text in each field for people to read.
fn creations<'a>(
    (admin, user): (&'a Client, &'a Client),
    customer: &TestCustomer,
    agent: &TestAgent,
    text: &str,
) -> Vec<Creation<'a>> {
    let job = json!({
        "agentId": agent.id, "name": text, "sourcePath": "/out/", "destinationPath": "/in/", "schedule": "0 * * * *",
        "protocol": "local", "direction": "pull",
    });
    let pipeline = json!({
        "identifier": "etl", "name": text, "description": text, "yaml": "source: /a\ndestination: /b\n",
        "customerId": customer.id,
    });
    let registration = json!({ "hostname": text, "name": text, "os": "linux", "version": text });
    vec![
        (admin, "/api/customers", json!({ "name": text }), vec!["name"]),
        (admin, "/api/jobs", job, vec!["name"]),
        (admin, "/api/pipelines", pipeline, vec!["description", "name"]),
        (user, "/api/agents/register", registration, vec!["hostname", "name", "version"]),
    ]
}

#[tokio::test]
async fn names_hold_no_character_that_cannot_be_seen() {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("acme").await);
    let (agent, user) = (app.agent(customer.id, "edge-1").await, app.bearer(&customer.token));
    for name in [TURNED, INVISIBLE, "\u{200d}\u{200d}\u{200d}", "edge\u{2028}1", "edge\u{7}1"] {
        for (client, path, body, fields) in creations((&admin, &user), &customer, &agent, name) {
            let answer = client.post(path, &body).await;
            assert_eq!((answer.status, answer.wrong_fields()), (400, fields), "{path} {name:?}: {}", answer.body);
        }
        let answer = admin.patch(&format!("/api/customers/{}", customer.id), &json!({ "name": name })).await;
        assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["name"]));
        let question = "mutation ($name: String!) { createCustomer(input: { name: $name }) { id } }";
        let answer = admin.ask(question, &json!({ "name": name })).await;
        assert_eq!((answer.codes(), answer.wrong_arguments()), (vec!["INVALID"], vec!["name"]), "{name:?}");
    }
    let fine = json!({ "name": "Zürich \u{1f469}\u{200d}\u{1f4bb} \u{645}\u{6cc}\u{200c}\u{62e}" });
    assert_eq!(admin.post("/api/customers", &fine).await.status, 201, "joiners are part of scripts");
}

#[rstest]
#[case::turned("/out/evil\u{202e}fdp.exe", 400)]
#[case::isolated("/out/\u{2066}a", 400)]
#[case::line("/out/a\u{2028}b", 400)]
#[case::control("/out/a\u{1b}[2J", 400)]
#[case::emoji("/out/\u{1f469}\u{200d}\u{1f4bb}.txt", 201)]
#[case::mark("/out/\u{5d0}\u{200f}.txt", 201)]
#[case::blank(" /out/a ", 201)]
#[tokio::test]
async fn a_path_holds_any_character_that_a_file_is_named_with(#[case] path: &str, #[case] status: u16) {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let body = json!({ "sourceUrl": path, "destinationPath": path, "direction": "pull", "protocol": "sftp" });
    let answer = app.key(&agent.key).post("/api/transfers", &body).await;
    assert_eq!(answer.status, status, "{}", answer.body);
    if status == 201 {
        assert_eq!(answer.body["data"]["transfer"]["source"], path, "as it was sent");
    }
}

/// Locations that contain a password, including malformed URLs.
const WITH_PASSWORD: [&str; 8] = [
    " sftp://u:hunter2@h/x",
    "//u:hunter2@h/x",
    "sftp:u:hunter2@h/x",
    r"sftp:\\u:hunter2@h\x",
    "u:hunter2@h:/x",
    "https://h/?to=sftp://u:hunter2@h/x",
    "https://h/?to=sftp%3A%2F%2Fu%3Ahunter2%40h%2Fx",
    "file://u:hunter2@h/x",
];

#[tokio::test]
async fn no_password_in_a_report_is_stored() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    for (index, location) in WITH_PASSWORD.iter().enumerate() {
        let body = json!({
            "sourceUrl": location, "destinationPath": location, "direction": "pull", "protocol": "sftp",
        });
        let client = app.key(&agent.key).with("Idempotency-Key", &format!("key-{index}"));
        let made = client.post("/api/transfers", &body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert!(!made.body.to_string().contains("hunter2"), "{location}: {}", made.body);
        let path = format!("/api/transfers/{}", made.body["data"]["transfer"]["id"].as_str().expect("an id"));
        let report =
            json!({ "status": "failed", "error": format!("cannot open sftp://u:hunter2@h{index}/x: refused") });
        let failed = app.key(&agent.key).patch(&path, &report).await;
        let error = &failed.body["data"]["transfer"]["errorMessage"];
        assert_eq!((failed.status, error), (200, &json!(format!("cannot open sftp://u@h{index}/x: refused"))));
    }
    let question =
        "{ events(first: 100) { nodes { object { ... on Transfer { source destination errorMessage } } } } }";
    let events = app.admin().await.data(question, &Value::Null).await;
    assert!(!events.to_string().contains("hunter2"), "{events}");
    let kept = "SELECT CAST(answer AS TEXT) FROM idempotency WHERE answer IS NOT NULL";
    let answers: Vec<(String,)> = sql(kept).fetch_all(&app.app.db).await.expect("answers");
    assert_eq!(answers.len(), WITH_PASSWORD.len());
    assert!(answers.iter().all(|(answer,)| !answer.contains("hunter2")), "{answers:?}");
}

#[tokio::test]
async fn jobs_and_pipelines_with_a_password_are_refused() {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("acme").await);
    let agent = app.agent(customer.id, "edge-1").await;
    for location in WITH_PASSWORD {
        let job = json!({
            "agentId": agent.id, "name": "Hourly", "sourcePath": location, "destinationPath": location,
            "schedule": "0 * * * *", "protocol": "local", "direction": "pull",
        });
        let answer = admin.post("/api/jobs", &job).await;
        assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["destinationPath", "sourcePath"]), "{location}");
        let yaml = format!("source: {}\ndestination: /b\n", json!(location));
        let pipeline = json!({ "identifier": "etl", "name": "ETL", "yaml": yaml, "customerId": customer.id });
        let answer = admin.post("/api/pipelines", &pipeline).await;
        assert_eq!(answer.status, 400, "{location}: {}", answer.body);
        assert!(!answer.body.to_string().contains("hunter2"), "and the answer repeats none: {}", answer.body);
    }
}

#[tokio::test]
async fn names_searches_and_views_hold_no_password() {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("acme").await);
    let (agent, user) = (app.agent(customer.id, "edge-1").await, app.bearer(&customer.token));
    for text in WITH_PASSWORD {
        let mut requests = creations((&admin, &user), &customer, &agent, text);
        let view = json!({ "name": text, "page": text, "query": format!("status=failed&q={text}") });
        requests.push((&user, "/api/views", view, vec!["name", "page", "query"]));
        for (client, path, body, fields) in requests {
            let answer = client.post(path, &body).await;
            assert_eq!((answer.status, answer.wrong_fields()), (400, fields), "{path} {text}: {}", answer.body);
            assert!(!answer.body.to_string().contains("hunter2"), "{path}: {}", answer.body);
        }
    }
    let searched = admin.get("/api/transfers?q=sftp%3A%2F%2Fu%3Ahunter2%40h%2Fx").await;
    assert_eq!((searched.status, searched.wrong_fields()), (400, vec!["q"]), "{}", searched.body);
}

#[rstest]
#[case::scheme("q=sftp%EF%BC%9A%2F%2Fu%3Ahunter2%40h", 400)]
#[case::at("q=sftp%3A%2F%2Fu%3Ahunter2%EF%BC%A0h%2Fx", 400)]
#[case::no_scheme("q=u%3Ahunter2%40h%3A%2Fx", 400)]
#[case::no_parameter("u%3Ahunter2%40h%3A%2Fx", 400)]
#[case::twice("q=u%253Ahunter2%2540h%253A%252Fx", 400)]
#[case::word("status=failed&q=from+u%3Ahunter2%40h%2Fx", 400)]
#[case::search("q=a%3Ab%40c", 200)]
#[case::parameters("createdAfter=2026-04-25T10%3A15%3A00Z&q=ops%40acme.example&zone=Europe%2FParis", 200)]
#[tokio::test]
async fn the_query_of_a_view_holds_no_password_once_it_is_decoded(#[case] query: &str, #[case] status: u16) {
    let app = TestApp::start().await;
    let user = app.bearer(&app.customer("acme").await.token);
    let view = |query: &str| json!({ "name": "Partner", "page": "transfers", "query": query });
    let stored = user.post("/api/views", &view("")).await.body["data"]["view"]["id"].clone();
    let path = format!("/api/views/{}", stored.as_str().expect("an id"));
    let created = user.post("/api/views", &view(query)).await;
    let changed = user.patch(&path, &json!({ "query": query })).await;
    let create = "mutation ($input: CreateViewInput!) { createView(input: $input) { query } }";
    let asked = user.ask(create, &json!({ "input": view(query) })).await;
    if status == 400 {
        assert_eq!((created.status, created.wrong_fields()), (400, vec!["query"]), "{}", created.body);
        assert_eq!((changed.status, changed.wrong_fields()), (400, vec!["query"]), "{}", changed.body);
        assert_eq!(asked.wrong_arguments(), ["query"], "{}", asked.body);
        assert_eq!(user.get("/api/views").await.body["data"]["pagination"]["total"], 1);
    } else {
        assert_eq!((created.status, changed.status), (201, 200), "{} {}", created.body, changed.body);
        assert_eq!(asked.body["data"]["createView"]["query"], query, "{}", asked.body);
    }
}

#[tokio::test]
async fn no_definition_holds_a_password_and_no_message_about_it_repeats_one() {
    const FINE: &str = "source: /a\ndestination: /b\n";
    const COMMENT: &str = "# was: sftp://u:hunter2@h/x\n";
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer("acme").await);
    app.agent(customer.id, "edge-1").await;
    let pipeline = |yaml: &str| json!({ "identifier": "etl", "name": "ETL", "yaml": yaml, "customerId": customer.id });
    assert_eq!(admin.post("/api/pipelines", &pipeline(FINE)).await.status, 201);
    let (log, _guard) = Log::capture();
    let mut answers = Vec::new();
    for more in [
        COMMENT,
        "sftp://u:hunter2@h/x: 1\n",
        "parameters: { \"sftp://u:hunter2@h/x\": a }\n",
        "steps: [{ id: \"sftp://u:hunter2@h/x\", type: transfer }]\n",
        "steps: [{ id: a, type: webhook, url: \"https://h/#sftp://u:hunter2@h/x\" }]\n",
        "steps: [{ id: a, type: webhook, url: \"u:hunter2@h:/x\" }]\n",
        "steps: [{ id: a, type: delete, path: \"/a/${{ params.//u:hunter2@h/x }}\" }]\n",
        "steps: [{ id: a, type: delete, path: \"/a.//u:hunter2@h/x\" }]\n",
        "steps: [{ id: a, type: transfer, afterSuccess: \"moveTo:u:hunter2@h:/x\" }]\n",
    ] {
        let yaml = format!("{FINE}{more}");
        let tried = admin.post("/api/pipelines/dry-run", &json!({ "yaml": yaml, "customerId": customer.id })).await;
        assert_eq!(tried.body["data"]["valid"], false, "{more}: {}", tried.body);
        answers.extend([tried, admin.post("/api/pipelines", &pipeline(&yaml)).await]);
        assert_eq!(answers.last().map(|answer| answer.status), Some(400), "{more}");
    }
    for body in [json!({ "yaml": format!("{FINE}{COMMENT}") }), json!({ "parameters": { "//u:hunter2@h": "a" } })] {
        let refused = admin.post("/api/pipelines/etl/runs", &body).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        answers.push(refused);
    }
    let leaked = answers.iter().map(|answer| answer.body.to_string()).find(|body| body.contains("hunter2"));
    assert_eq!(leaked, None);
    let logged = log.lines("a request was refused");
    assert!(!logged.is_empty() && logged.iter().all(|line| !line.to_string().contains("hunter2")), "{logged:?}");
}
