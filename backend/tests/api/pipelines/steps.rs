//! Tests of `PATCH /api/pipelines/{id}/runs/{runId}/steps/{stepId}`.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Fixture, LINE, SMALL, step_path};

#[tokio::test]
async fn a_report_raises_numbers_which_never_fall_within_an_attempt() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    let first =
        fixture.report(&run, "fetch", &json!({ "status": "running", "progress": 40, "bytesTransferred": 400 })).await;
    let shown = &first.body["data"]["step"];
    assert_eq!(
        (&shown["status"], &shown["progress"], &shown["bytesTransferred"], &shown["startedAt"]),
        (&json!("running"), &json!(40.0), &json!(400), &json!("2026-04-25T13:00:00Z"))
    );
    assert_eq!(first.body["data"]["directives"], json!([]), "the order was taken");
    let lower = fixture.report(&run, "fetch", &json!({ "progress": 30, "bytesTransferred": 300 })).await;
    assert_eq!(lower.body["data"]["step"], *shown);
    let before = fixture.look(&run).await["revision"].clone();
    let higher = fixture.report(&run, "fetch", &json!({ "progress": 50, "attempt": 1 })).await;
    assert_eq!(higher.body["data"]["step"]["progress"], 50.0);
    assert_eq!(fixture.look(&run).await["revision"], before.as_i64().expect("a revision") + 1);
    let done = fixture.report(&run, "fetch", &json!({ "status": "completed", "bytesTransferred": 1000 })).await;
    assert_eq!(
        (&done.body["data"]["step"]["progress"], &done.body["data"]["step"]["bytesTransferred"]),
        (&json!(100.0), &json!(1000))
    );
    assert_eq!(
        done.body["data"]["directives"][0]["payload"]["step"]["id"], "check",
        "what waits comes with the answer"
    );
}

#[tokio::test]
async fn the_same_end_again_is_no_error_and_another_one_is_a_conflict() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    let done = json!({ "status": "completed" });
    let first = fixture.report(&run, "fetch", &done).await;
    let again = fixture.report(&run, "fetch", &done).await;
    assert_eq!((again.status, &again.body["data"]["step"]), (200, &first.body["data"]["step"]));
    let other = fixture.report(&run, "fetch", &json!({ "status": "failed" })).await;
    assert_eq!((other.status, &other.body["error"]), (409, &json!("a step that is completed cannot become failed")));
    let ahead = fixture.report(&run, "check", &json!({ "status": "running", "attempt": 2 })).await;
    assert_eq!((ahead.status, &ahead.body["error"]), (409, &json!("attempt 2 of this step was not sent")));
}

#[tokio::test]
async fn what_was_not_sent_to_this_agent_does_not_exist_for_it() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    let running = json!({ "status": "running" });
    let second = fixture.app.agent(fixture.customer.id, "edge-2").await;
    assert_eq!(fixture.app.key(&second.key).patch(&step_path(&run, "fetch"), &running).await.status, 404);
    assert_eq!(fixture.report(&run, "check", &running).await.status, 404, "its turn has not come");
    assert_eq!(fixture.report(&run, "nothing", &running).await.status, 404);
    let other = fixture.pipeline("other", SMALL).await;
    let path = format!("/api/pipelines/{}/runs/{}/steps/fetch", super::id(&other), super::id(&run));
    let answer = fixture.app.key(&fixture.agent.key).patch(&path, &running).await;
    assert_eq!((answer.status, &answer.body["error"]), (404, &json!("step not found")));
    let garbage = format!("/api/pipelines/daily/runs/{}/steps/fetch", super::id(&run));
    assert_eq!(fixture.app.key(&fixture.agent.key).patch(&garbage, &running).await.status, 404);
}

#[rstest]
#[case(json!({ "status": "queued" }), &["status"])]
#[case(json!({ "status": "skipped" }), &["status"])]
#[case(json!({ "status": null }), &["status"])]
#[case(json!({ "attempt": i64::MAX, "bytesTransferred": i64::MAX }), &["attempt", "bytesTransferred"])]
#[case(json!({ "attempt": 0, "progress": 101, "bytesTransferred": -1, "errorMessage": 5 }),
    &["attempt", "bytesTransferred", "errorMessage", "progress"])]
#[tokio::test]
async fn a_report_that_makes_no_sense_is_400(#[case] body: Value, #[case] wrong: &[&str]) {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    let answer = fixture.report(&run, "fetch", &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, wrong.to_vec()));
}

#[tokio::test]
async fn an_open_long_poll_answers_when_a_run_starts() {
    let fixture = Fixture::new().await;
    let agent = fixture.app.key(&fixture.agent.key);
    let (answer, _) = tokio::join!(agent.get("/api/agents/directives?wait=60"), fixture.run(LINE));
    assert_eq!(answer.body["data"]["directives"][0]["type"], "runStep");
}
