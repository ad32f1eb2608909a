//! Tests of `PUT /api/pipelines/{id}/yaml`.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Fixture, SMALL};
use crate::support::Answer;

const PATH: &str = "/api/pipelines/daily/yaml";

async fn put(fixture: &Fixture, body: &Value) -> Answer {
    fixture.user.send("PUT", PATH, Some(body)).await
}

#[tokio::test]
async fn each_put_makes_one_version_more_even_of_the_same_text() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    fixture.app.advance(TimeDelta::seconds(1));
    let yaml = format!("{SMALL}schedule: \"0 2 * * *\"\n");
    let answer = put(&fixture, &json!({ "yaml": yaml, "gitSha": "abcdef1" })).await;
    let pipeline = &answer.body["data"]["pipeline"];
    assert_eq!((answer.status, &pipeline["version"], &pipeline["yaml"]), (200, &json!(2), &json!(yaml)));
    assert_eq!(pipeline["updatedAt"], "2026-04-25T13:00:01Z");
    assert_eq!(
        pipeline["versions"],
        json!([{ "version": 2, "createdAt": "2026-04-25T13:00:01Z", "gitSha": "abcdef1" }])
    );
    assert_eq!(put(&fixture, &json!({ "yaml": yaml })).await.body["data"]["pipeline"]["version"], 3);
}

#[tokio::test]
async fn a_version_that_is_not_the_expected_one_is_a_conflict_that_names_both() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    let edit = json!({ "yaml": SMALL, "expectedVersion": 1 });
    assert_eq!(put(&fixture, &edit).await.status, 200);
    let lost = put(&fixture, &edit).await;
    assert_eq!((lost.status, &lost.body["details"]), (409, &json!({ "currentVersion": 2, "expectedVersion": 1 })));
    assert_eq!(lost.body["error"], "version 2 is current, not version 1: read the current definition, and change that");
    assert_eq!(
        put(&fixture, &json!({ "yaml": SMALL, "expectedVersion": 0 })).await.wrong_fields(),
        ["expectedVersion"]
    );
}

#[tokio::test]
async fn a_text_that_is_not_valid_changes_nothing() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    let answer = put(&fixture, &json!({ "yaml": "source: /a\nsource: /b\n" })).await;
    assert_eq!(answer.status, 400);
    let diagnostic = &answer.body["details"]["diagnostics"][0];
    assert_eq!(diagnostic["severity"], "error", "{}", answer.body);
    assert_eq!(fixture.user.get("/api/pipelines/daily").await.body["data"]["pipeline"]["version"], 1);
}

#[tokio::test]
async fn a_pipeline_of_another_customer_is_404_before_the_text_is_checked() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    let other = fixture.app.customer("other").await;
    let answer = fixture.app.bearer(&other.token).send("PUT", PATH, Some(&json!({ "yaml": "]" }))).await;
    assert_eq!(answer.status, 404);
}
