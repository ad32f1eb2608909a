//! Jobs, with one file per operation or rule.

mod backfill;
mod cancel;
mod create;
mod delete;
mod due_slots;
mod job_events;
mod leases;
mod list;
mod missed;
mod overlap;
mod report;
mod retry;
mod rules;
mod runs;
mod start;
mod transfers;
mod update;
mod update_while_due;

use backend::{
    ids::{JobId, RunId},
    model::{
        PageRequest,
        job::{JobRunFilter, JobSlotFilter},
    },
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, admin, app::TestAgent};

const HOUR: TimeDelta = TimeDelta::hours(1);
const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// A job with its agent, customer and server. The clock starts at 13:00; the job runs every hour unless its fields say
/// otherwise.
struct Story {
    app: TestApp,
    agent: TestAgent,
    job: JobId,
}

impl Story {
    async fn begin(fields: &Value) -> Self {
        let app = TestApp::start().await;
        let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
        let job = app.job(&agent, fields).await;
        Self { app, agent, job }
    }

    /// The same server, stopped and started after this time.
    async fn restarted(self, after: TimeDelta) -> Self {
        Self { app: self.app.restarted(after).await, ..self }
    }

    /// Advances the clock, and lets the scheduler decide due slots.
    async fn dispatch(&self, after: TimeDelta) -> usize {
        self.app.advance(after);
        self.app.cp().decide_due_slots().await.expect("slots are decided")
    }

    /// The ids of the start directives that wait for the agent, oldest first.
    async fn starts(&self) -> Vec<Value> {
        let answer = self.app.key(&self.agent.key).get("/api/agents/directives").await;
        let open = answer.body["data"]["directives"].as_array().expect("directives").clone();
        open.into_iter().filter(|directive| directive["type"] == "startJob").collect()
    }

    /// Starts a run as the agent.
    async fn start(&self, body: &Value) -> Answer {
        self.app.key(&self.agent.key).post(&format!("/api/jobs/{}/runs", self.job), body).await
    }

    /// Starts the oldest waiting run as the agent.
    async fn run(&self) -> RunId {
        let starts = self.starts().await;
        let answer = self.start(&json!({ "directiveId": starts[0]["id"] })).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        id(&answer)
    }

    async fn report(&self, run: RunId, body: &Value) -> Answer {
        self.app.key(&self.agent.key).patch(&format!("/api/jobs/{}/runs/{run}", self.job), body).await
    }

    /// Starts the oldest waiting run as the agent, and completes it.
    async fn run_through(&self) -> RunId {
        let run = self.run().await;
        assert_eq!(self.report(run, &json!({ "status": "completed" })).await.status, 200);
        run
    }

    async fn heartbeat(&self, body: &Value) {
        assert_eq!(self.app.key(&self.agent.key).post("/api/agents/heartbeat", body).await.status, 200);
    }

    /// The slot history, oldest first: hour and minute of each slot, or the number of slots of a range, and the
    /// outcome.
    async fn slot_history(&self) -> Vec<String> {
        let request = PageRequest::page(1, 1000);
        let page = self.app.cp().list_job_slots(&admin(), self.job, &JobSlotFilter::default(), request).await;
        let slots = page.expect("a slot history").items;
        let line = |slot: backend::model::job::JobSlot| match slot.count {
            Some(count) => format!("{count}x {}", slot.outcome),
            None => format!("{} {}", slot.scheduled_for.0.format("%H:%M"), slot.outcome),
        };
        slots.into_iter().rev().map(line).collect()
    }

    /// The reason of the latest slot's outcome.
    async fn reason(&self) -> Option<String> {
        let page =
            self.app.cp().list_job_slots(&admin(), self.job, &JobSlotFilter::default(), PageRequest::default()).await;
        page.expect("a slot history").items.swap_remove(0).reason
    }

    /// The runs, newest first.
    async fn history(&self) -> Vec<Value> {
        let filter = JobRunFilter { job_id: Some(self.job), ..JobRunFilter::default() };
        let page = self.app.cp().list_job_runs(&admin(), &filter, PageRequest::default()).await.expect("runs");
        page.items.iter().map(|run| json!(run)).collect()
    }

    async fn shown(&self) -> Value {
        json!(self.app.cp().get_job(&admin(), self.job).await.expect("a job"))
    }
}

fn id(answer: &Answer) -> RunId {
    answer.body["data"]["run"]["id"].as_str().and_then(|id| id.parse().ok()).expect("a run's id")
}
