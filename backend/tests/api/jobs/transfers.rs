//! The transfers of a run.

use backend::ids::RunId;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::{HOUR, Story, id};
use crate::support::Answer;

async fn transfer(story: &Story, run: RunId) -> Answer {
    let body = json!({
        "sourceUrl": "/out/a", "destinationPath": "/in/a", "direction": "pull", "protocol": "local", "size": 100,
        "jobRunId": run,
    });
    story.app.key(&story.agent.key).post("/api/transfers", &body).await
}

async fn patch(story: &Story, transfer: &Answer, body: &Value) {
    let id = transfer.body["data"]["transfer"]["id"].as_str().expect("an id");
    assert_eq!(story.app.key(&story.agent.key).patch(&format!("/api/transfers/{id}"), body).await.status, 200);
}

async fn follow(story: &Story, after: TimeDelta) -> usize {
    story.app.advance(after);
    story.app.cp().follow_transfers().await.expect("a sweep")
}

#[tokio::test]
async fn a_run_shows_the_bytes_of_its_transfers() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    let (one, other) = (transfer(&story, run).await, transfer(&story, run).await);
    assert_eq!(one.body["data"]["transfer"]["jobRunId"], json!(run));
    patch(&story, &one, &json!({ "status": "running", "bytesTransferred": 40 })).await;
    patch(&story, &other, &json!({ "status": "running", "bytesTransferred": 2 })).await;
    assert_eq!(follow(&story, TimeDelta::seconds(1)).await, 0);
    let shown = story.history().await.remove(0);
    assert_eq!((&shown["bytesTransferred"], &shown["revision"]), (&json!(42), &json!(2)));
    assert_eq!(follow(&story, TimeDelta::seconds(1)).await, 0);
    assert_eq!(story.history().await[0]["revision"], 2, "nothing moved");
    patch(&story, &one, &json!({ "status": "completed" })).await;
    patch(&story, &other, &json!({ "status": "completed" })).await;
    let ended = story.report(run, &json!({ "status": "completed", "bytesTransferred": 7 })).await;
    assert_eq!(ended.body["data"]["run"]["bytesTransferred"], 200);
}

#[rstest]
#[case(&["completed", "completed"], "completed", None)]
#[case(&["completed", "failed"], "failed", Some("a transfer of the run failed"))]
#[case(&["completed", "cancelled"], "cancelled", None)]
#[tokio::test]
async fn a_run_follows_its_transfers_after_a_minute_without_a_word(
    #[case] statuses: &[&str],
    #[case] expected: &str,
    #[case] message: Option<&str>,
) {
    let story = Story::begin(&json!({ "overlap": "queue" })).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    for status in statuses {
        let transfer = transfer(&story, run).await;
        patch(&story, &transfer, &json!({ "status": status })).await;
    }
    assert_eq!(follow(&story, TimeDelta::seconds(59)).await, 0);
    assert_eq!(follow(&story, TimeDelta::seconds(1)).await, 1);
    let shown = story.history().await.remove(0);
    assert_eq!((&shown["status"], &shown["errorMessage"]), (&json!(expected), &json!(message)));
}

#[tokio::test]
async fn a_run_with_a_transfer_that_waits_goes_on() {
    let story = Story::begin(&json!({})).await;
    let run = id(&story.start(&json!({})).await);
    let done = transfer(&story, run).await;
    patch(&story, &done, &json!({ "status": "completed" })).await;
    transfer(&story, run).await;
    assert_eq!(follow(&story, HOUR).await, 0);
}

#[tokio::test]
async fn only_a_run_of_its_own_that_is_at_work_takes_an_agents_transfers() {
    let story = Story::begin(&json!({})).await;
    let run = id(&story.start(&json!({})).await);
    let neighbour = story.app.agent(story.app.customer("beta").await.id, "edge-2").await;
    let other_agents_story = Story { agent: neighbour, ..story };
    let foreign = transfer(&other_agents_story, run).await;
    assert_eq!((foreign.status, &foreign.body["error"]), (404, &json!("job run not found")));
    let story = other_agents_story;
    let own = story.app.job(&story.agent, &json!({})).await;
    let story = Story { job: own, ..story };
    let run = id(&story.start(&json!({})).await);
    story.report(run, &json!({ "status": "completed" })).await;
    assert_eq!(transfer(&story, run).await.status, 409);
}
