//! Jobs, their schedules and their runs, in every state that is stored.

use backend::{
    actor::Actor,
    model::{FromFields, job::UpdateJob},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{HOUR, MINUTE, Story, made, object, taken, text};
use crate::support::admin;

impl Story {
    pub(super) async fn jobs(&self) {
        let (app, first) = (&self.app, &self.agents[0]);
        let heartbeat = async |body: Value| taken(self.agent(0).post("/api/agents/heartbeat", &body).await);
        let look = async |after: TimeDelta| {
            self.advance(after);
            app.cp().decide_due_slots().await.expect("slots are decided");
        };
        let gone = app.job(first, &json!({ "name": "Gone" })).await;
        app.cp().delete_job(&Actor::System, gone).await.expect("an end");
        let retry = json!({ "maxAttempts": 3, "initialDelay": "30s", "factor": 2, "maxDelay": "1h" });
        let job = app.job(first, &json!({ "retry": retry, "overlap": "queue", "catchUp": "all" })).await;
        let change = UpdateJob::read(object(&json!({ "name": "Hourly copy", "timezone": "Europe/Berlin" })));
        app.cp().update_job(&admin(), job, change.expect("a change")).await.expect("a change");
        let start = async || {
            let path = format!("/api/jobs/{job}/runs");
            let run = made(&self.agent(0), &path, &json!({}), "run").await;
            (run["id"].as_str().and_then(|id| id.parse().ok()).expect("an id"), format!("{path}/{}", text(&run["id"])))
        };
        // One that is done, one that failed and is to be tried again, one whose lease ended, one that was called off.
        look(HOUR).await;
        let (_, path) = start().await;
        taken(self.agent(0).patch(&path, &json!({ "bytesTransferred": 9 })).await);
        taken(self.agent(0).patch(&path, &json!({ "status": "completed" })).await);
        look(HOUR).await;
        let (_, path) = start().await;
        taken(self.agent(0).patch(&path, &json!({ "status": "failed", "errorMessage": "no room" })).await);
        self.advance(MINUTE);
        app.cp().retry_failed_runs().await.expect("a look");
        let (_, path) = start().await;
        heartbeat(json!({ "status": "offline" })).await;
        self.advance(MINUTE * 6);
        app.cp().end_run_leases().await.expect("a sweep");
        assert_eq!(self.agent(0).patch(&path, &json!({ "status": "completed" })).await.status, 409);
        heartbeat(json!({})).await;
        app.cp().run_job(&admin(), job, None).await.expect("a directive");
        let (run, _) = start().await;
        look(HOUR * 3).await;
        app.cp().cancel_job_run(&admin(), run).await.expect("a cancel");
        let skipping = app.job(&self.agents[1], &json!({ "name": "Skipping", "schedule": "*/5 * * * *" })).await;
        look(MINUTE * 5).await;
        look(MINUTE * 5).await;
        app.cp().disable_job(&admin(), skipping).await.expect("a change");
        let late =
            app.job(&self.agents[1], &json!({ "name": "Late", "schedule": "*/10 * * * *", "catchUp": "last" })).await;
        look(HOUR).await;
        app.cp().disable_job(&admin(), late).await.expect("a change");
    }
}
