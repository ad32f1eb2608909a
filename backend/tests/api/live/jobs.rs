//! Subscriptions to jobs and job runs.

use serde_json::json;

use super::Story;
use crate::support::PASSWORD;

#[tokio::test]
async fn a_job_and_its_runs_are_seen_as_they_change() {
    let story = Story::begin().await;
    let job = story.app.job(&story.agent, &json!({})).await;
    let server = story.app.listen().await;
    let admin = story.app.admin().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.subscribe("jobs", "subscription { jobUpdated { resync job { id enabled } } }").await;
    let email = "subscriber@example.com";
    story.app.user(&json!({ "email": email, "password": PASSWORD, "role": "admin" })).await;
    let mut all = server.subscriber(&story.app.token(email).await).await;
    all.subscribe("runs", "subscription { jobRunUpdated { resync jobRun { id jobId status } } }").await;

    let disable = "mutation ($id: ID!) { disableJob(id: $id) { id } }";
    admin.data(disable, &json!({ "id": job })).await;
    let seen = subscriber.data("jobs").await;
    assert_eq!(seen["jobUpdated"], json!({ "resync": false, "job": { "id": job, "enabled": false } }));

    admin.data("mutation ($id: ID!) { enableJob(id: $id) { id } }", &json!({ "id": job })).await;
    let key = story.app.key(&story.agent.key);
    let run = key.post(&format!("/api/jobs/{job}/runs"), &json!({})).await.body["data"]["run"]["id"].clone();
    let update = |status: &str| json!({ "resync": false, "jobRun": { "id": run, "jobId": job, "status": status } });
    assert_eq!(all.data("runs").await["jobRunUpdated"], update("RUNNING"));
    let path = format!("/api/jobs/{job}/runs/{}", run.as_str().unwrap_or_default());
    assert_eq!(key.patch(&path, &json!({ "status": "completed" })).await.status, 200);
    assert_eq!(all.data("runs").await["jobRunUpdated"], update("COMPLETED"));
}
