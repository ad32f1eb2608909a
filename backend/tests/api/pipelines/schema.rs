//! Tests of `GET /api/pipelines/schema`.

use super::Fixture;

#[tokio::test]
async fn the_schema_that_is_served_is_one_and_knows_the_keys() {
    let fixture = Fixture::new().await;
    let answer = fixture.user.get("/api/pipelines/schema").await;
    let schema = &answer.body["data"]["schema"];
    assert_eq!(answer.status, 200);
    assert!(jsonschema::validator_for(schema).is_ok());
    for key in ["source", "destination", "agent", "schedule", "parameters", "steps"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
}
