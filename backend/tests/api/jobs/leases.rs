//! Leases of job runs whose agent is offline.

use backend::store::db::sql;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{HOUR, MINUTE, Story};
use crate::support::admin;

const MOMENT: TimeDelta = TimeDelta::milliseconds(1);

async fn sweep(story: &Story, after: TimeDelta) -> usize {
    story.app.advance(after);
    story.app.cp().end_run_leases().await.expect("a sweep")
}

#[tokio::test]
async fn a_run_fails_when_its_agent_was_offline_for_longer_than_the_lease_and_the_next_slot_runs() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    story.heartbeat(&json!({ "status": "offline" })).await;
    assert_eq!(sweep(&story, MINUTE * 5).await, 0);
    assert_eq!((sweep(&story, MOMENT).await, sweep(&story, MOMENT).await), (1, 0));
    let failed = story.history().await.remove(0);
    assert_eq!((&failed["id"], &failed["status"]), (&json!(run), &json!("failed")));
    assert_eq!(failed["errorMessage"], "the agent was offline for longer than 5m");
    story.heartbeat(&json!({})).await;
    story.dispatch(HOUR).await;
    assert_eq!(story.slot_history().await, ["14:00 ran", "15:00 pending"]);
    story.run_through().await;
}

#[tokio::test]
async fn a_late_report_is_refused_with_the_reason_and_kept_as_an_event() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    story.heartbeat(&json!({ "status": "offline" })).await;
    sweep(&story, MINUTE * 6).await;
    let before = story.history().await;
    let late = story.report(run, &json!({ "status": "completed", "bytesTransferred": 9 })).await;
    assert_eq!((late.status, &late.body["details"]), (409, &json!({ "reason": "lease" })));
    assert_eq!(story.history().await, before);
    let again = story.report(run, &json!({ "status": "failed" })).await;
    assert_eq!((again.status, &again.body), (409, &late.body), "said again, it is logged once");
    let log: Vec<(String, String)> =
        sql("SELECT kind, CAST(object AS TEXT) FROM events WHERE object_id = $1 ORDER BY number")
            .bind(run)
            .fetch_all(&story.app.app.db)
            .await
            .expect("the log");
    let (kind, object) = log.last().expect("an event");
    let said: Value = serde_json::from_str(object).expect("JSON");
    assert_eq!((kind.as_str(), &said["view"]["status"]), ("jobRunReportedLate", &json!("completed")));
}

#[tokio::test]
async fn a_cancel_that_is_not_confirmed_ends_the_run() {
    let story = Story::begin(&json!({})).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    story.app.cp().cancel_job_run(&admin(), run).await.expect("a cancel");
    assert_eq!(sweep(&story, MINUTE * 5 + MOMENT).await, 1);
    assert_eq!(story.history().await[0]["errorMessage"], "the agent did not confirm the cancel request within 5m");
}

#[tokio::test]
async fn a_run_without_reports_ends_after_a_day() {
    let story = Story::begin(&json!({ "schedule": "0 14 * * *" })).await;
    story.dispatch(HOUR).await;
    let run = story.run().await;
    assert_eq!(sweep(&story, HOUR * 20).await, 0);
    assert_eq!(story.report(run, &json!({ "bytesTransferred": 1 })).await.status, 200);
    assert_eq!(sweep(&story, HOUR * 24).await, 0, "the report was news");
    assert_eq!(sweep(&story, MOMENT).await, 1);
    assert_eq!(story.history().await[0]["errorMessage"], "no report about it arrived for 24h");
}
