//! Tests of `DELETE /api/jobs/{id}`.

use serde_json::json;

use super::{HOUR, Story};

#[tokio::test]
async fn a_job_goes_with_its_runs_and_its_slot_history_and_transfers_stay() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    let body = json!({
        "sourceUrl": "/out/a", "destinationPath": "/in/a", "direction": "pull", "protocol": "local", "jobRunId": run,
    });
    let agent = story.app.key(&story.agent.key);
    let transfer = agent.post("/api/transfers", &body).await.body["data"]["transfer"]["id"].clone();
    let admin = story.app.admin().await;
    let path = format!("/api/jobs/{}", story.job);
    let gone = admin.delete(&path).await;
    assert_eq!((gone.status, &gone.body["data"]), (200, &json!({ "deleted": true })));
    for path in [path.clone(), format!("{path}/runs")] {
        assert_eq!(admin.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(admin.delete(&path).await.status, 404);
    let kept = admin.get(&format!("/api/transfers/{}", transfer.as_str().expect("an id"))).await;
    assert_eq!((kept.status, &kept.body["data"]["transfer"]["jobRunId"]), (200, &json!(run)));
    assert_eq!(story.dispatch(HOUR * 2).await, 0);
}

#[tokio::test]
async fn a_run_at_work_is_cancelled_first() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    assert_eq!(story.app.admin().await.delete(&format!("/api/jobs/{}", story.job)).await.status, 200);
    let open = story.app.key(&story.agent.key).get("/api/agents/directives").await;
    let directives = &open.body["data"]["directives"];
    assert_eq!((&directives[0]["type"], &directives[0]["payload"]), (&json!("cancelJobRun"), &json!({ "runId": run })));
    assert_eq!(story.report(run, &json!({ "status": "cancelled" })).await.status, 404);
}

#[tokio::test]
async fn what_waits_to_start_is_called_off() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let start = story.starts().await.remove(0);
    assert_eq!(story.app.admin().await.delete(&format!("/api/jobs/{}", story.job)).await.status, 200);
    assert!(story.starts().await.is_empty());
    assert_eq!(story.start(&json!({ "directiveId": start["id"] })).await.status, 404);
}
