//! Tests of `GET /api/jobs`, and of the jobs in the answer about an agent.

use rstest::rstest;
use serde_json::json;

use super::Story;

#[tokio::test]
async fn without_page_and_limit_there_are_up_to_a_thousand() {
    let story = Story::begin(&json!({})).await;
    for _ in 0..25 {
        story.app.job(&story.agent, &json!({ "enabled": false })).await;
    }
    let admin = story.app.admin().await;
    let all = admin.get("/api/jobs").await.body;
    assert_eq!(all["data"]["jobs"].as_array().map(Vec::len), Some(26));
    assert_eq!(all["data"]["pagination"], json!({ "page": 1, "limit": 1000, "total": 26, "pages": 1 }));
    let page = admin.get("/api/jobs?page=2").await.body;
    assert_eq!(page["data"]["jobs"].as_array().map(Vec::len), Some(6));
    assert_eq!(page["data"]["pagination"], json!({ "page": 2, "limit": 20, "total": 26, "pages": 2 }));
    assert_eq!(admin.get("/api/jobs?limit=101").await.wrong_fields(), ["limit"]);
    let enabled = admin.get("/api/jobs?enabled=true").await.body;
    assert_eq!(enabled["data"]["jobs"][0]["id"], json!(story.job));
    let newest_first =
        all["data"]["jobs"].as_array().expect("jobs").is_sorted_by(|a, b| a["id"].as_str() > b["id"].as_str());
    assert!(newest_first);
}

#[rstest]
#[case("enabled=maybe", "enabled")]
#[case("agentId=7", "agentId")]
#[case("page=0", "page")]
#[tokio::test]
async fn a_wrong_filter_is_refused(#[case] query: &str, #[case] field: &str) {
    let story = Story::begin(&json!({})).await;
    let answer = story.app.admin().await.get(&format!("/api/jobs?{query}")).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec![field]));
}

#[tokio::test]
async fn an_agent_sees_its_own_enabled_jobs() {
    let story = Story::begin(&json!({})).await;
    story.app.job(&story.agent, &json!({ "enabled": false })).await;
    let neighbour = story.app.agent(story.app.customer("beta").await.id, "edge-2").await;
    story.app.job(&neighbour, &json!({})).await;
    let seen = story.app.key(&story.agent.key).get("/api/jobs").await;
    let ids: Vec<_> = seen.body["data"]["jobs"].as_array().expect("jobs").iter().map(|job| job["id"].clone()).collect();
    assert_eq!((seen.status, ids), (200, vec![json!(story.job)]));
    assert_eq!(story.app.key(&story.agent.key).get("/api/jobs?enabled=false").await.status, 403);
}

#[tokio::test]
async fn an_agent_is_shown_with_its_jobs() {
    let story = Story::begin(&json!({})).await;
    let shown = story.app.admin().await.get(&format!("/api/agents/{}", story.agent.id)).await;
    assert_eq!(shown.body["data"]["agent"]["jobs"], json!([story.shown().await]));
}
