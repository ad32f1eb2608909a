//! Tests of `POST /api/pipelines`.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Fixture, SMALL, created, id};

fn body(identifier: &str) -> Value {
    json!({ "identifier": identifier, "name": "Daily ETL Pipeline", "yaml": SMALL })
}

#[tokio::test]
async fn a_new_pipeline_is_answered_whole() {
    let fixture = Fixture::new().await;
    let body = json!({
        "identifier": "daily-etl-pipeline", "name": " Daily ETL Pipeline ", "yaml": SMALL, "unknown": 1,
        "description": "Extract, transform, and load daily data", "gitSha": "3F786850E387550FDAB836ED7E6DC881DE23001B",
    });
    let answer = fixture.user.post("/api/pipelines", &body).await;
    let pipeline = &answer.body["data"]["pipeline"];
    let sha = "3f786850e387550fdab836ed7e6dc881de23001b";
    let whole = json!({
        "id": pipeline["id"], "identifier": "daily-etl-pipeline", "name": "Daily ETL Pipeline",
        "description": "Extract, transform, and load daily data", "yaml": SMALL, "enabled": true,
        "createdAt": "2026-04-25T13:00:00Z", "updatedAt": "2026-04-25T13:00:00Z", "version": 1,
        "versions": [{ "version": 1, "createdAt": "2026-04-25T13:00:00Z", "gitSha": sha }],
        "customerId": fixture.customer.id, "nextRunAt": null,
    });
    assert_eq!((answer.status, pipeline), (201, &whole));
    assert_eq!(fixture.user.get("/api/pipelines/daily-etl-pipeline").await.body["data"]["pipeline"], whole);
}

#[rstest]
#[case::nothing(json!({}), &["identifier", "name", "yaml"])]
#[case::wrong_types(json!({ "identifier": 1, "name": [], "yaml": {}, "enabled": "yes" }), &["enabled", "identifier", "name", "yaml"])]
#[case::bounds(
    json!({ "identifier": "x".repeat(65), "name": "", "yaml": SMALL, "description": "d".repeat(501), "gitSha": "main" }),
    &["description", "gitSha", "identifier", "name"]
)]
#[case::capitals(json!({ "identifier": "Daily", "name": "n", "yaml": SMALL }), &["identifier"])]
#[case::reserved(json!({ "identifier": "dry-run", "name": "n", "yaml": SMALL }), &["identifier"])]
#[case::an_id(json!({ "identifier": "0199c1f0-6c00-7000-8000-000000000001", "name": "n", "yaml": SMALL }), &["identifier"])]
#[tokio::test]
async fn everything_wrong_with_the_fields_is_said_at_once(#[case] body: Value, #[case] wrong: &[&str]) {
    let fixture = Fixture::new().await;
    let answer = fixture.user.post("/api/pipelines", &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, wrong.to_vec()), "{}", answer.body);
}

#[tokio::test]
async fn a_definition_that_is_not_valid_is_refused_with_all_that_is_wrong() {
    let fixture = Fixture::new().await;
    let yaml = "sorce: /a\ndestination: /b\nschedule: \"* *\"\n";
    let body = json!({ "identifier": "daily", "name": "n", "yaml": yaml });
    let answer = fixture.user.post("/api/pipelines", &body).await;
    let details = &answer.body["details"];
    let dry = fixture.user.post("/api/pipelines/dry-run", &json!({ "yaml": yaml })).await.body["data"].clone();
    assert_eq!((answer.status, &details["errors"]), (400, &dry["errors"]), "{}", answer.body);
    assert_eq!(details["diagnostics"], dry["diagnostics"]);
    assert!(details["errors"].as_array().is_some_and(|errors| errors.len() >= 2), "{}", answer.body);
    assert_eq!(fixture.user.get("/api/pipelines").await.body["data"]["pagination"]["total"], 0);
}

#[tokio::test]
async fn an_identifier_is_unique_within_its_customer() {
    let fixture = Fixture::new().await;
    created(&fixture.user, "daily", SMALL).await;
    let again = fixture.user.post("/api/pipelines", &body("daily")).await;
    let said = "a pipeline with the identifier `daily` already exists: choose another one";
    assert_eq!((again.status, &again.body["error"]), (409, &json!(said)));
    let other = fixture.app.customer("other").await;
    created(&fixture.app.bearer(&other.token), "daily", SMALL).await;
    created(&fixture.admin, "daily", SMALL).await;
    assert_eq!(fixture.admin.post("/api/pipelines", &body("daily")).await.status, 409);
}

#[tokio::test]
async fn a_pipeline_of_an_administrator_belongs_to_whom_its_agents_belong() {
    let fixture = Fixture::new().await;
    let other = fixture.app.customer("other").await;
    let foreign_agent = fixture.app.agent(other.id, "edge-1").await;
    let (own, foreign) = (fixture.agent.id.to_string(), foreign_agent.id.to_string());
    let two = |first: &str, second: &str| {
        format!(
            "source: /a\ndestination: /b\nsteps:\n  - {{ id: a, type: delete, path: /a, agent: {first} }}\n  \
             - {{ id: b, type: delete, path: /b, agent: {second} }}\n"
        )
    };
    let customer = json!(fixture.customer.id);
    for (identifier, yaml, owner) in [
        ("named", format!("{SMALL}agent: {own}\n"), &customer),
        ("twice", two(&own, &own), &customer),
        ("by-name-too", two(&own, "edge-1"), &customer),
        ("of-two", two(&own, &foreign), &Value::Null),
        ("by-name", format!("{SMALL}agent: edge-1\n"), &Value::Null),
        ("of-nobody", SMALL.to_owned(), &Value::Null),
    ] {
        assert_eq!(created(&fixture.admin, identifier, &yaml).await["customerId"], *owner, "{identifier}");
    }
    let mut body = body("said");
    body["customerId"] = json!(other.id);
    let said = fixture.admin.post("/api/pipelines", &body).await;
    assert_eq!(said.body["data"]["pipeline"]["customerId"], json!(other.id));
    body["customerId"] = json!("0199c1f0-6c00-7000-8000-000000000001");
    let unknown = fixture.admin.post("/api/pipelines", &body).await;
    assert_eq!((unknown.status, unknown.wrong_fields()), (400, vec!["customerId"]));
    // What a customer makes is theirs, whatever they say.
    body["customerId"] = json!(other.id);
    body["identifier"] = json!("mine");
    let mine = fixture.user.post("/api/pipelines", &body).await;
    assert_eq!(mine.body["data"]["pipeline"]["customerId"], customer);
}

#[tokio::test]
async fn the_same_request_with_the_same_key_makes_one_pipeline() {
    let fixture = Fixture::new().await;
    let user = fixture.user.with("Idempotency-Key", "one");
    let first = user.post("/api/pipelines", &body("daily")).await;
    let second = user.post("/api/pipelines", &body("daily")).await;
    assert_eq!(
        (first.status, second.status, id(&first.body["data"]["pipeline"])),
        (201, 201, id(&second.body["data"]["pipeline"]))
    );
    assert_eq!(user.post("/api/pipelines", &body("weekly")).await.status, 422);
}
