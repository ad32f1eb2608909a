//! Tests of `POST /api/jobs/{id}/runs`.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{HOUR, Story, id};

#[tokio::test]
async fn an_agent_may_start_a_run_by_itself() {
    let story = Story::begin(&json!({})).await;
    let answer = story.app.key(&story.agent.key).send("POST", &format!("/api/jobs/{}/runs", story.job), None).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(
        answer.body["data"]["run"],
        json!({
            "id": id(&answer), "jobId": story.job, "status": "running", "startedAt": "2026-04-25T13:00:00Z",
            "completedAt": null, "errorMessage": null, "bytesTransferred": null, "scheduledFor": null, "attempt": 1,
            "retryOf": null, "cancelRequestedAt": null, "revision": 1,
        })
    );
}

#[tokio::test]
async fn without_a_directive_the_oldest_start_is_claimed() {
    let story = Story::begin(&json!({ "overlap": "allow" })).await;
    story.dispatch(HOUR).await;
    story.dispatch(HOUR).await;
    let run = story.start(&json!({})).await;
    assert_eq!(run.body["data"]["run"]["scheduledFor"], "2026-04-25T14:00:00Z");
    assert_eq!(story.starts().await.len(), 1);
}

#[tokio::test]
async fn one_directive_makes_one_run_however_often_it_is_sent() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let start = json!({ "directiveId": story.starts().await[0]["id"] });
    let answers = join_all((0..5).map(|_| story.start(&start))).await;
    let first = id(&answers[0]);
    assert!(answers.iter().all(|answer| answer.status == 201 && id(answer) == first));
    assert_eq!(story.history().await.len(), 1);
    assert_eq!(story.report(first, &json!({ "status": "completed" })).await.status, 200);
    let late = story.start(&start).await;
    let message = "the run of this directive is completed: a directive starts one run";
    assert_eq!((late.status, &late.body["error"]), (409, &json!(message)));
}

#[tokio::test]
async fn a_client_that_knows_the_published_page_only_is_never_blocked() {
    let story = Story::begin(&json!({})).await;
    let first = id(&story.start(&json!({})).await);
    let second = story.start(&json!({})).await;
    assert_eq!(second.status, 201);
    let history = story.history().await;
    assert_eq!((&history[1]["id"], &history[1]["status"]), (&json!(first), &json!("failed")));
    assert_eq!(history[1]["errorMessage"], "never reported");
}

#[tokio::test]
async fn an_earlier_run_with_a_transfer_on_its_way_goes_on() {
    let story = Story::begin(&json!({})).await;
    let first = id(&story.start(&json!({})).await);
    let agent = story.app.key(&story.agent.key);
    let body = json!({
        "sourceUrl": "/out/a", "destinationPath": "/in/a", "direction": "pull", "protocol": "local", "jobRunId": first,
    });
    let transfer = agent.post("/api/transfers", &body).await.body["data"]["transfer"]["id"].clone();
    let path = format!("/api/transfers/{}", transfer.as_str().expect("an id"));
    assert_eq!(agent.patch(&path, &json!({ "status": "running" })).await.status, 200);
    assert_eq!(story.start(&json!({})).await.status, 201);
    assert_eq!(story.history().await[1]["status"], "running");
}

#[tokio::test]
async fn what_is_not_the_agents_is_not_there() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let start = json!({ "directiveId": story.starts().await[0]["id"] });
    let other = story.app.job(&story.agent, &json!({})).await;
    let of_other = story.app.key(&story.agent.key).post(&format!("/api/jobs/{other}/runs"), &start).await;
    assert_eq!((of_other.status, &of_other.body["error"]), (404, &json!("directive not found")));
    let neighbour = story.app.agent(story.app.customer("beta").await.id, "edge-2").await;
    let foreign = story.app.key(&neighbour.key).post(&format!("/api/jobs/{}/runs", story.job), &start).await;
    assert_eq!((foreign.status, &foreign.body["error"]), (404, &json!("job not found")));
    assert_eq!(story.start(&json!({ "directiveId": "x" })).await.wrong_fields(), ["directiveId"]);
}

#[tokio::test]
async fn a_disabled_job_starts_no_run() {
    let story = Story::begin(&json!({ "enabled": false })).await;
    assert_eq!(story.start(&json!({})).await.status, 400);
    assert_eq!(story.history().await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_same_key_again_starts_no_second_run() {
    let story = Story::begin(&json!({})).await;
    let agent = story.app.key(&story.agent.key).with("Idempotency-Key", "once");
    let path = format!("/api/jobs/{}/runs", story.job);
    let (first, again) = (agent.post(&path, &json!({})).await, agent.post(&path, &json!({})).await);
    assert_eq!((first.status, &first.body), (201, &again.body));
    assert_eq!(story.history().await.len(), 1);
}
