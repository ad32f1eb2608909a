//! Tests of `DELETE /api/pipelines/{id}`.

use serde_json::json;

use super::{Fixture, HOUR, LINE, SMALL, id, run_id, step_path};
use crate::support::admin;

#[tokio::test]
async fn runs_and_versions_go_what_runs_is_cancelled_first_and_transfers_stay() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    fixture.says(&run, "fetch", "running").await;
    let agent = fixture.app.key(&fixture.agent.key);
    let body = json!({
        "sourceUrl": "/a", "destinationPath": "/b", "direction": "pull", "protocol": "local",
        "pipelineRunId": run["id"], "stepId": "fetch",
    });
    let transfer = agent.post("/api/transfers", &body).await.body["data"]["transfer"].clone();
    let mut bus = fixture.app.cp().bus().read();
    let answer = fixture.user.delete("/api/pipelines/daily").await;
    assert_eq!((answer.status, &answer.body["data"]), (200, &json!({ "deleted": true })));
    let events = loop {
        if let backend::events::Signal::Message(message) = bus.next().await.expect("a bus") {
            break message.events.clone();
        }
    };
    let kinds: Vec<String> = events.iter().map(|event| event.kind.to_string()).collect();
    assert_eq!(kinds.last().map(String::as_str), Some("pipelineDeleted"));
    assert!(kinds.contains(&"pipelineRunCancelRequested".to_owned()), "{kinds:?}");
    assert_eq!(fixture.delivered().await, [("cancelStep".to_owned(), "fetch".to_owned())]);
    assert_eq!(fixture.user.get("/api/pipelines/daily").await.status, 404);
    assert!(fixture.app.cp().get_pipeline_run(&admin(), run_id(&run)).await.is_err());
    assert_eq!(agent.patch(&step_path(&run, "fetch"), &json!({ "status": "cancelled" })).await.status, 404);
    let stayed = fixture.user.get(&format!("/api/transfers/{}", id(&transfer))).await;
    assert_eq!((stayed.status, &stayed.body["data"]["transfer"]["pipelineRunId"]), (200, &run["id"]));
    assert_eq!(fixture.user.delete("/api/pipelines/daily").await.status, 404);
    // The name is free again.
    assert_eq!(fixture.pipeline("daily", SMALL).await["version"], 1);
}

#[tokio::test]
async fn a_removed_schedule_is_due_no_more() {
    let fixture = Fixture::new().await;
    fixture.pipeline("hourly", &format!("{SMALL}schedule: \"@hourly\"\n")).await;
    fixture.user.delete("/api/pipelines/hourly").await;
    assert_eq!(fixture.dispatch(HOUR).await, 0);
}
