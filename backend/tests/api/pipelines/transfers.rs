//! Transfers that agents create for steps.

use serde_json::{Value, json};

use super::{Fixture, LINE, id, step};
use crate::support::Answer;

async fn create(fixture: &Fixture, key: &str, run: &Value, step: &str) -> Answer {
    let body = json!({
        "sourceUrl": "sftp://ftp.example.com/exports/orders.csv", "destinationPath": "/data/in/orders.csv",
        "direction": "pull", "protocol": "sftp", "pipelineRunId": run["id"], "stepId": step,
    });
    fixture.app.key(key).post("/api/transfers", &body).await
}

#[tokio::test]
async fn a_transfer_names_its_run_and_the_step_names_its_transfer() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    let made = create(&fixture, &fixture.agent.key, &run, "fetch").await;
    let transfer = &made.body["data"]["transfer"];
    assert_eq!((made.status, &transfer["pipelineRunId"]), (201, &run["id"]), "{}", made.body);
    assert_eq!(step(&fixture.look(&run).await, "fetch")["transferId"], transfer["id"]);
    // Another attempt may make another one; the step names the last.
    let second = create(&fixture, &fixture.agent.key, &run, "fetch").await;
    assert_eq!(step(&fixture.look(&run).await, "fetch")["transferId"], second.body["data"]["transfer"]["id"]);
}

#[tokio::test]
async fn a_step_that_was_not_sent_to_this_agent_is_404() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    let second = fixture.app.agent(fixture.customer.id, "edge-2").await;
    assert_eq!(create(&fixture, &second.key, &run, "fetch").await.status, 404);
    assert_eq!(create(&fixture, &fixture.agent.key, &run, "check").await.status, 404);
    assert_eq!(create(&fixture, &fixture.agent.key, &run, "nothing").await.status, 404);
    let nowhere = json!({ "id": "0199c1f0-6c00-7000-8000-000000000001" });
    assert_eq!(create(&fixture, &fixture.agent.key, &nowhere, "fetch").await.status, 404);
    assert_eq!(fixture.user.get("/api/transfers").await.body["data"]["pagination"]["total"], 0);
}

#[tokio::test]
async fn run_and_step_go_together() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    let base = json!({ "sourceUrl": "/a", "destinationPath": "/b", "direction": "pull", "protocol": "local" });
    for (field, value, wrong) in
        [("pipelineRunId", run["id"].clone(), "stepId"), ("stepId", json!("fetch"), "pipelineRunId")]
    {
        let mut body = base.clone();
        body[field] = value;
        let answer = fixture.app.key(&fixture.agent.key).post("/api/transfers", &body).await;
        assert_eq!((answer.status, answer.wrong_fields()), (400, vec![wrong]), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_step_that_has_ended_takes_no_more_transfers() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    fixture.says(&run, "fetch", "completed").await;
    let answer = create(&fixture, &fixture.agent.key, &run, "fetch").await;
    let said = "the step is completed: it accepts no more transfers";
    assert_eq!((answer.status, &answer.body["error"]), (409, &json!(said)), "{}", id(&run));
}
