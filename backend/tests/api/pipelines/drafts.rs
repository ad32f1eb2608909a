//! Runs of drafts: definitions that are sent with the start and not saved.

use backend::{error::Error, model::definition::Filling};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Fixture, HOUR, LINE, SMALL, id, run_id, statuses, text};
use crate::support::{admin, customer_of};

const PATH: &str = "/api/pipelines/daily/runs";

/// One step with a parameter.
const COPY: &str = "\
source: /out/orders-${{ params.date }}.csv
destination: /in/
parameters: { date: \"2026-01-01\" }
steps:
  - { id: fetch, type: transfer }
";

/// The definition of the draft that a run executes.
async fn draft_of(fixture: &Fixture, run: &Value) -> Option<String> {
    let found = fixture.app.cp().find_pipeline_run_drafts(&admin(), &[run_id(run)]).await.expect("drafts");
    found.into_iter().find(|(of, _)| *of == run_id(run)).map(|(_, draft)| draft)
}

async fn run(fixture: &Fixture, body: &Value) -> Value {
    let answer = fixture.admin.post(PATH, body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["data"]["run"].clone()
}

async fn pipeline(fixture: &Fixture) -> Value {
    fixture.admin.get("/api/pipelines/daily").await.body["data"]["pipeline"].clone()
}

#[tokio::test]
async fn a_draft_is_kept_with_its_run_and_changes_nothing_of_the_pipeline() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", &format!("{SMALL}schedule: \"0 2 * * *\"\n")).await;
    let before = pipeline(&fixture).await;
    let drafted = run(&fixture, &json!({ "yaml": COPY, "parameters": { "date": "2026-04-25" } })).await;
    assert_eq!((&drafted["version"], &drafted["trigger"]), (&json!(0), &json!("manual")));
    assert_eq!(drafted["parameters"], json!({ "date": "2026-04-25" }));
    let step = &fixture.directives().await[0]["payload"]["step"];
    assert_eq!((&step["id"], &step["source"]), (&json!("fetch"), &json!("/out/orders-2026-04-25.csv")));
    assert_eq!(draft_of(&fixture, &drafted).await.as_deref(), Some(COPY));

    assert_eq!(pipeline(&fixture).await, before);
    let versions = fixture.admin.get("/api/pipelines/daily/versions").await;
    assert_eq!(versions.body["data"]["pagination"]["total"], 1);
    assert_eq!(fixture.put("daily", SMALL).await.body["data"]["pipeline"]["version"], 2);
    let saved = run(&fixture, &json!({})).await;
    assert_eq!((&saved["version"], draft_of(&fixture, &saved).await), (&json!(2), None));
    assert_eq!(fixture.history("daily").await.iter().map(id).collect::<Vec<_>>(), [id(&saved), id(&drafted)]);
}

#[tokio::test]
async fn a_draft_that_could_not_be_saved_is_refused_with_the_same_diagnostics() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    let deep = format!("source: /a\ndestination: /b\nsteps: {}{}\n", "[".repeat(40), "]".repeat(40));
    let long = format!("{SMALL}# {}\n", "x".repeat(256 * 1024));
    for yaml in ["source: /a\nsorce: /b\n", "source: [", &deep, &long] {
        let refused = fixture.admin.post(PATH, &json!({ "yaml": yaml })).await;
        let body = json!({ "yaml": yaml });
        let unsaved = fixture.admin.send("PUT", "/api/pipelines/daily/yaml", Some(&body)).await;
        assert_eq!((refused.status, &refused.body["details"]), (400, &unsaved.body["details"]), "{}", refused.body);
        assert_eq!(refused.body["error"], unsaved.body["error"]);
        assert!(refused.body["details"]["diagnostics"][0]["line"].is_u64(), "{}", refused.body);
    }
    let number = fixture.admin.post(PATH, &json!({ "yaml": 1 })).await;
    assert_eq!((number.status, number.wrong_fields()), (400, vec!["yaml"]), "{}", number.body);
    let unknown = fixture.admin.post(PATH, &json!({ "yaml": COPY, "parameters": { "day": "1" } })).await;
    assert_eq!((unknown.status, unknown.wrong_fields()), (400, vec!["parameters"]), "{}", unknown.body);
    assert!(fixture.history("daily").await.is_empty());
}

#[tokio::test]
async fn a_rerun_of_a_draft_executes_the_draft() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    let drafted = run(&fixture, &json!({ "yaml": LINE })).await;
    fixture.says(&drafted, "fetch", "completed").await;
    fixture.says(&drafted, "check", "failed").await;
    fixture.says(&drafted, "clean", "completed").await;
    assert_eq!(fixture.look(&drafted).await["status"], "failed");
    let rerun = json!(fixture.app.cp().rerun_pipeline_run(&admin(), run_id(&drafted), None).await.expect("a run"));
    assert_eq!((&rerun["version"], &rerun["rerunOf"]), (&json!(0), &drafted["id"]));
    assert_eq!(statuses(&rerun), ["completed", "queued", "queued", "queued"]);
    assert_eq!(draft_of(&fixture, &rerun).await.as_deref(), Some(LINE));
    assert_eq!(fixture.delivered().await, [("runStep".to_owned(), "check".to_owned())]);
}

#[tokio::test]
async fn a_draft_runs_under_the_rules_of_other_manual_runs() {
    let fixture = Fixture::new().await;
    let hourly = format!("{SMALL}schedule: \"0 * * * *\"\noverlap: skip\n");
    fixture.pipeline("daily", &hourly).await;
    run(&fixture, &json!({ "yaml": COPY })).await;
    fixture.dispatch(HOUR).await;
    assert_eq!(fixture.slot_history("daily").await, ["14:00 skipped"], "the run of the draft is active");
    fixture.patch("daily", &json!({ "enabled": false })).await;
    let disabled = fixture.app.admin().await.post(PATH, &json!({ "yaml": COPY })).await;
    assert_eq!((disabled.status, text(&disabled.body["error"])), (400, "the pipeline is disabled: enable it first"));
}

#[tokio::test]
async fn only_administrators_run_and_read_drafts() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    assert_eq!(fixture.user.post(PATH, &json!({ "yaml": COPY })).await.status, 403);
    let other_user = fixture.app.bearer(&fixture.app.customer("other").await.token);
    assert_eq!(other_user.post(PATH, &json!({ "yaml": "source: [" })).await.status, 404);
    let drafted = run(&fixture, &json!({ "yaml": COPY })).await;
    let read = fixture.app.cp().find_pipeline_run_drafts(&customer_of(&fixture.customer), &[run_id(&drafted)]).await;
    assert!(matches!(read, Err(Error::Forbidden(_))));
    assert_eq!(fixture.history("daily").await.len(), 1);
}

#[tokio::test]
async fn a_draft_is_deleted_with_its_run() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    let drafted = run(&fixture, &json!({ "yaml": COPY })).await;
    assert_eq!(fixture.admin.delete("/api/pipelines/daily").await.status, 200);
    assert_eq!(draft_of(&fixture, &drafted).await, None);
}

#[tokio::test]
async fn the_text_of_a_draft_is_kept_for_30_days_after_the_end_of_its_run() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    let drafted = run(&fixture, &json!({ "yaml": COPY })).await;
    fixture.says(&drafted, "fetch", "failed").await;
    let shown_after = async |time: TimeDelta| {
        fixture.app.advance(time);
        fixture.app.cp().purge().await.expect("a purge");
        let document = "query ($id: ID!) { node(id: $id) { ... on PipelineRun { draftYaml viewerCanRerun } } }";
        let asked = json!({ "id": drafted["id"] });
        fixture.app.admin().await.data(document, &asked).await["node"].clone()
    };
    let kept = json!({ "draftYaml": COPY, "viewerCanRerun": true });
    assert_eq!(shown_after(TimeDelta::days(30)).await, kept);
    let purged = json!({ "draftYaml": null, "viewerCanRerun": false });
    assert_eq!(shown_after(TimeDelta::milliseconds(1)).await, purged);
    let rerun = fixture.app.cp().rerun_pipeline_run(&admin(), run_id(&drafted), None).await;
    let sentence = "the draft of this run is not kept any more: start a new run with its definition";
    assert!(matches!(&rerun, Err(Error::Conflict { message, .. }) if message.as_str() == sentence), "{rerun:?}");
    assert_eq!(fixture.look(&drafted).await["status"], "failed", "the run is kept");
}

#[test]
fn drafts_are_filled_in_as_saved_definitions_are() {
    // Runs of drafts do not store the rule. If this fails, the rule of earlier drafts must be stored before it changes.
    assert_eq!(Filling::default(), Filling::Place);
}
