//! Tests of `GET /api/jobs/{id}/runs`.

use rstest::rstest;
use serde_json::{Value, json};

use super::{MINUTE, Story, id};

async fn with_runs(count: usize) -> Story {
    let story = Story::begin(&json!({})).await;
    for _ in 0..count {
        let run = id(&story.start(&json!({})).await);
        story.report(run, &json!({ "status": "completed" })).await;
        story.app.advance(MINUTE);
    }
    story
}

#[rstest]
#[case("", json!({ "page": 1, "limit": 20, "total": 5, "pages": 1 }), &[4, 3, 2, 1, 0])]
#[case("page=2&limit=2", json!({ "page": 2, "limit": 2, "total": 5, "pages": 3 }), &[2, 1])]
#[case("limit=2&offset=3", json!({ "page": 2, "limit": 2, "total": 5, "pages": 3 }), &[1, 0])]
#[case("offset=0", json!({ "page": 1, "limit": 20, "total": 5, "pages": 1 }), &[4, 3, 2, 1, 0])]
#[case("offset=9&limit=3", json!({ "page": 4, "limit": 3, "total": 5, "pages": 2 }), &[])]
#[tokio::test]
async fn runs_are_paged_by_page_or_by_offset(#[case] query: &str, #[case] pagination: Value, #[case] minutes: &[i64]) {
    let story = with_runs(5).await;
    let answer = story.app.admin().await.get(&format!("/api/jobs/{}/runs?{query}", story.job)).await;
    assert_eq!((answer.status, &answer.body["data"]["pagination"]), (200, &pagination), "{}", answer.body);
    let runs = answer.body["data"]["runs"].as_array().expect("runs");
    let started: Vec<_> = runs.iter().map(|run| run["startedAt"].clone()).collect();
    let expected: Vec<_> = minutes.iter().map(|minute| json!(format!("2026-04-25T13:0{minute}:00Z"))).collect();
    assert_eq!(started, expected);
}

#[rstest]
#[case("page=1&offset=0", "offset")]
#[case("offset=-1", "offset")]
#[case("limit=0", "limit")]
#[case("offset=one", "offset")]
#[tokio::test]
async fn what_does_not_go_together_is_refused(#[case] query: &str, #[case] field: &str) {
    let story = with_runs(0).await;
    let answer = story.app.admin().await.get(&format!("/api/jobs/{}/runs?{query}", story.job)).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec![field]));
}
