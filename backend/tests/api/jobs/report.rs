//! Tests of `PATCH /api/jobs/{id}/runs/{runId}`.

use rstest::rstest;
use serde_json::{Value, json};

use super::{HOUR, MINUTE, Story, id};

#[tokio::test]
async fn an_agent_reports_its_run_until_it_ends() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    story.app.advance(MINUTE);
    let moved = story.report(run, &json!({ "bytesTransferred": 500 })).await;
    assert_eq!(
        (&moved.body["data"]["run"]["status"], &moved.body["data"]["run"]["bytesTransferred"]),
        (&json!("running"), &json!(500))
    );
    let ended = story.report(run, &json!({ "status": "completed", "bytesTransferred": 900 })).await;
    let run = &ended.body["data"]["run"];
    assert_eq!(
        (&run["status"], &run["completedAt"], &run["bytesTransferred"]),
        (&json!("completed"), &json!("2026-04-25T14:01:00Z"), &json!(900))
    );
    assert_eq!(run["revision"], 3);
}

#[tokio::test]
async fn a_run_that_has_ended_never_changes() {
    let story = Story::begin(&json!({})).await;
    let run = id(&story.start(&json!({})).await);
    let failed = json!({ "status": "failed", "errorMessage": "no space left" });
    let first = story.report(run, &failed).await;
    let again = story.report(run, &failed).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    let other = story.report(run, &json!({ "status": "completed" })).await;
    assert_eq!((other.status, &other.body["details"]), (409, &Value::Null));
    let late = story.report(run, &json!({ "bytesTransferred": 7 })).await;
    assert_eq!((late.status, &late.body), (200, &first.body));
}

#[rstest]
#[case(json!({ "status": "queued" }), "status")]
#[case(json!({ "status": null }), "status")]
#[case(json!({ "bytesTransferred": -1 }), "bytesTransferred")]
#[case(json!({ "bytesTransferred": (1_i64 << 60) + 1 }), "bytesTransferred")]
#[case(json!({ "errorMessage": "a", "error": "b" }), "errorMessage")]
#[tokio::test]
async fn a_report_that_is_wrong_is_refused(#[case] body: Value, #[case] field: &str) {
    let story = Story::begin(&json!({})).await;
    let run = id(&story.start(&json!({})).await);
    let answer = story.report(run, &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec![field]), "{}", answer.body);
}

#[tokio::test]
async fn a_run_is_found_below_its_own_job_only() {
    let story = Story::begin(&json!({})).await;
    let run = id(&story.start(&json!({})).await);
    let other = story.app.job(&story.agent, &json!({})).await;
    let agent = story.app.key(&story.agent.key);
    for path in [format!("/api/jobs/{other}/runs/{run}"), format!("/api/jobs/{}/runs/nothing", story.job)] {
        let answer = agent.patch(&path, &json!({ "status": "completed" })).await;
        assert_eq!((answer.status, &answer.body["error"]), (404, &json!("run not found")), "{path}");
    }
}
