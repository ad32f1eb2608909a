//! Reads every object.

use std::collections::BTreeMap;

use backend::store::db::sql;
use serde_json::{Value, json};

use super::{Thawed, text};
use crate::support::graphql::Schema;

/// All types of objects in the event log.
const LOGGED: [&str; 12] = [
    "Agent",
    "Transfer",
    "Job",
    "JobRun",
    "JobSlot",
    "Customer",
    "User",
    "EnrolmentCode",
    "Pipeline",
    "PipelineRun",
    "PipelineSlot",
    "WebhookSecret",
];

impl Thawed {
    /// Reads all objects, over both APIs and one by one. Returns the number of each type.
    pub(super) async fn look_at_everything(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for (list, key) in [
            ("customers", "customers"),
            ("users", "users"),
            ("agents", "agents"),
            ("transfers", "transfers"),
            ("jobs", "jobs"),
            ("pipelines", "pipelines"),
        ] {
            let answer = self.root.get(&format!("/api/{list}")).await;
            assert_eq!(answer.status, 200, "{list}: {}", answer.body);
            let items = answer.body["data"][key].as_array().expect("a list").clone();
            for item in items.iter().filter(|_| !matches!(list, "customers" | "users")) {
                let path = format!("/api/{list}/{}", text(&item["id"]));
                assert_eq!(self.root.get(&path).await.status, 200, "{path}");
            }
            for item in &items {
                let id = text(&item["id"]);
                match list {
                    "customers" => self.list(&format!("/api/customers/{id}/enrolment-codes")).await,
                    "jobs" => self.list(&format!("/api/jobs/{id}/runs")).await,
                    "pipelines" => {
                        self.list(&format!("/api/pipelines/{id}/runs")).await;
                        self.list(&format!("/api/pipelines/{id}/versions")).await;
                    }
                    _ => {}
                }
                let slots = match list {
                    "jobs" => {
                        "query ($id: ID!) { of: jobSlots(jobId: $id, first: 100) { nodes { id outcome reason } } }"
                    }
                    "pipelines" => {
                        "query ($id: ID!) { of: pipelineSlots(pipelineId: $id, first: 100) { nodes { id outcome } } }"
                    }
                    _ => continue,
                };
                self.root.data(slots, &json!({ "id": id })).await;
            }
            found.insert(list.to_owned(), items.len());
        }
        for list in ["jobRuns", "pipelineRuns"] {
            let more = if list == "jobRuns" { "" } else { "plan steps { id type status attempt }" };
            let query = format!("{{ of: {list}(first: 100) {{ nodes {{ id status revision {more} }} }} }}");
            let runs = self.root.data(&query, &json!({})).await;
            found.insert(list.to_owned(), runs["of"]["nodes"].as_array().expect("runs").len());
        }
        self.root.data("{ fleet { agents { total } transfers { total } } }", &json!({})).await;
        found
    }

    async fn list(&self, path: &str) {
        let answer = self.root.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }

    /// The whole event log, newest first, with all fields of the objects. Returns the kind and the type of object of
    /// each event.
    pub(super) async fn log(&self) -> Vec<(String, String)> {
        let schema = Schema::read();
        let mut log = Vec::new();
        for of in LOGGED {
            let leaves = schema.fields(of).into_iter().filter(|(_, kind)| schema.is_leaf(kind));
            let leaves: Vec<String> = leaves.map(|(name, _)| name.to_owned()).collect();
            let query = format!(
                "query ($after: String) {{ events(first: 20, after: $after) {{ pageInfo {{ endCursor hasNextPage }} \
                 nodes {{ id kind at actor customerId agentId objectId object {{ __typename id ... on {of} {{ {} }} }} }} }} }}",
                leaves.join(" ")
            );
            log.clear();
            let mut after = Value::Null;
            loop {
                let page = self.root.data(&query, &json!({ "after": after })).await["events"].take();
                let nodes = page["nodes"].as_array().expect("events");
                log.extend(
                    nodes.iter().map(|event| {
                        (text(&event["kind"]).to_owned(), text(&event["object"]["__typename"]).to_owned())
                    }),
                );
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
        }
        let (rows,): (i64,) = sql("SELECT COUNT(*) FROM events").fetch_one(&self.app.app.db).await.expect("the log");
        assert_eq!(i64::try_from(log.len()), Ok(rows), "none is left out");
        log
    }
}
