//! Tests of `GET /api/pipelines/{id}`.

use serde_json::{Value, json};

use super::{Fixture, SMALL, created, id};

#[tokio::test]
async fn a_pipeline_is_found_by_its_id_and_its_identifier() {
    let fixture = Fixture::new().await;
    let pipeline = fixture.pipeline("daily", SMALL).await;
    for meant in [id(&pipeline), "daily"] {
        let answer = fixture.user.get(&format!("/api/pipelines/{meant}")).await;
        assert_eq!((answer.status, &answer.body["data"]["pipeline"]), (200, &pipeline));
    }
    for missing in ["weekly", "0199c1f0-6c00-7000-8000-000000000001", "Daily", "a%20b"] {
        let answer = fixture.user.get(&format!("/api/pipelines/{missing}")).await;
        assert_eq!((answer.status, &answer.body["error"]), (404, &json!("pipeline not found")), "{missing}");
    }
}

#[tokio::test]
async fn an_identifier_that_several_have_is_a_conflict_for_an_administrator_only() {
    let fixture = Fixture::new().await;
    let mine = fixture.pipeline("daily", SMALL).await;
    let platforms = created(&fixture.admin, "daily", SMALL).await;
    let answer = fixture.admin.get("/api/pipelines/daily").await;
    assert_eq!((answer.status, &answer.body["details"]["ids"]), (409, &json!([id(&mine), id(&platforms)])));
    assert_eq!(fixture.user.get("/api/pipelines/daily").await.body["data"]["pipeline"], mine);
}

#[tokio::test]
async fn an_administrator_sees_the_newest_twenty_versions_and_a_customer_the_current_one() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    for number in 2..=22 {
        let yaml = format!("{SMALL}# {number}\n");
        fixture.user.send("PUT", "/api/pipelines/daily/yaml", Some(&json!({ "yaml": yaml }))).await;
    }
    let numbers = |pipeline: &Value| -> Vec<i64> {
        let versions = pipeline["versions"].as_array().expect("versions");
        versions.iter().filter_map(|version| version["version"].as_i64()).collect()
    };
    let seen = |answer: crate::support::Answer| numbers(&answer.body["data"]["pipeline"]);
    assert_eq!(seen(fixture.admin.get("/api/pipelines/daily").await), (3..=22).rev().collect::<Vec<i64>>());
    assert_eq!(seen(fixture.user.get("/api/pipelines/daily").await), [22]);
    let listed = fixture.admin.get("/api/pipelines").await;
    assert_eq!(numbers(&listed.body["data"]["pipelines"][0]).len(), 20);
}
