//! Transfers that agents make for steps.

use serde_json::{Value, json};

use super::{LINE, Place, id, step};
use crate::support::Answer;

async fn create(place: &Place, key: &str, run: &Value, step: &str) -> Answer {
    let body = json!({
        "sourceUrl": "sftp://ftp.example.com/exports/orders.csv", "destinationPath": "/data/in/orders.csv",
        "direction": "pull", "protocol": "sftp", "pipelineRunId": run["id"], "stepId": step,
    });
    place.app.key(key).post("/api/transfers", &body).await
}

#[tokio::test]
async fn a_transfer_names_its_run_and_the_step_names_its_transfer() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    let made = create(&place, &place.agent.key, &run, "fetch").await;
    let transfer = &made.body["data"]["transfer"];
    assert_eq!((made.status, &transfer["pipelineRunId"]), (201, &run["id"]), "{}", made.body);
    assert_eq!(step(&place.look(&run).await, "fetch")["transferId"], transfer["id"]);
    // Another attempt may make another one; the step names the last.
    let second = create(&place, &place.agent.key, &run, "fetch").await;
    assert_eq!(step(&place.look(&run).await, "fetch")["transferId"], second.body["data"]["transfer"]["id"]);
}

#[tokio::test]
async fn a_step_that_was_not_sent_to_this_agent_is_404() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    let second = place.app.agent(place.customer.id, "edge-2").await;
    assert_eq!(create(&place, &second.key, &run, "fetch").await.status, 404);
    assert_eq!(create(&place, &place.agent.key, &run, "check").await.status, 404);
    assert_eq!(create(&place, &place.agent.key, &run, "nothing").await.status, 404);
    let nowhere = json!({ "id": "0199c1f0-6c00-7000-8000-000000000001" });
    assert_eq!(create(&place, &place.agent.key, &nowhere, "fetch").await.status, 404);
    assert_eq!(place.user.get("/api/transfers").await.body["data"]["pagination"]["total"], 0);
}

#[tokio::test]
async fn run_and_step_go_together() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    let base = json!({ "sourceUrl": "/a", "destinationPath": "/b", "direction": "pull", "protocol": "local" });
    for (field, value, wrong) in
        [("pipelineRunId", run["id"].clone(), "stepId"), ("stepId", json!("fetch"), "pipelineRunId")]
    {
        let mut body = base.clone();
        body[field] = value;
        let answer = place.app.key(&place.agent.key).post("/api/transfers", &body).await;
        assert_eq!((answer.status, answer.wrong_fields()), (400, vec![wrong]), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_step_that_has_ended_takes_no_more_transfers() {
    let place = Place::new().await;
    let run = place.run(LINE).await;
    place.says(&run, "fetch", "completed").await;
    let answer = create(&place, &place.agent.key, &run, "fetch").await;
    let said = "the step is completed: it takes no more transfers";
    assert_eq!((answer.status, &answer.body["error"]), (409, &json!(said)), "{}", id(&run));
}
