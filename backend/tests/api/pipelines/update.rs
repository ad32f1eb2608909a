//! Tests of `PATCH /api/pipelines/{id}`.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Fixture, SMALL};

#[tokio::test]
async fn what_is_left_out_stays_null_clears_and_no_version_is_made() {
    let fixture = Fixture::new().await;
    let before = fixture.pipeline("daily", SMALL).await;
    fixture.app.advance(TimeDelta::seconds(1));
    let body = json!({ "name": "Weekly", "description": "every Monday" });
    let answer = fixture.user.patch("/api/pipelines/daily", &body).await;
    let after = &answer.body["data"]["pipeline"];
    let mut expected = before.clone();
    expected["name"] = json!("Weekly");
    expected["description"] = json!("every Monday");
    expected["updatedAt"] = json!("2026-04-25T13:00:01Z");
    assert_eq!((answer.status, after), (200, &expected));
    let cleared = fixture.user.patch("/api/pipelines/daily", &json!({ "description": null })).await;
    assert_eq!(cleared.body["data"]["pipeline"]["description"], Value::Null);
    assert_eq!(cleared.body["data"]["pipeline"]["name"], "Weekly");
}

#[rstest]
#[case(json!({ "name": null }), "name")]
#[case(json!({ "enabled": null }), "enabled")]
#[case(json!({ "name": "" }), "name")]
#[case(json!({ "description": "d".repeat(501) }), "description")]
#[case(json!({ "enabled": "no" }), "enabled")]
#[tokio::test]
async fn a_field_that_makes_no_sense_is_400(#[case] body: Value, #[case] field: &str) {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    let answer = fixture.user.patch("/api/pipelines/daily", &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec![field]));
}

#[tokio::test]
async fn a_disabled_pipeline_is_due_no_more_until_it_is_enabled() {
    let fixture = Fixture::new().await;
    let made = fixture.pipeline("daily", &format!("{SMALL}schedule: \"0 2 * * *\"\n")).await;
    assert_eq!(made["nextRunAt"], "2026-04-26T02:00:00Z");
    let path = "/api/pipelines/daily";
    let off = fixture.user.patch(path, &json!({ "enabled": false })).await;
    assert_eq!(off.body["data"]["pipeline"]["nextRunAt"], Value::Null);
    let on = fixture.user.patch(path, &json!({ "enabled": true })).await;
    assert_eq!(on.body["data"]["pipeline"]["nextRunAt"], "2026-04-26T02:00:00Z");
}
