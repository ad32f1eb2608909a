//! How directives are described in the OpenAPI document: as flat objects.
//!
//! A tagged enum of Rust would be described as `oneOf` within `allOf`, which generated clients cannot read. Nor is `type` an
//! enum there: a client that was generated today must still read the answer when a later server wants something new.

#![expect(dead_code, reason = "describes the wire; values are written by the types beside it")]

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::{Directive, StepOrder};
use crate::{
    ids::{DirectiveId, PipelineId, RunId, TransferId},
    model::{
        Instant,
        job::Job,
        transfer::{Direction, Protocol},
    },
};

/// What the server wants of an agent.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = Directive)]
struct DirectiveObject {
    /// Its id; what is delivered twice has the same.
    id: DirectiveId,
    /// What is wanted: `startJob` (start the job with `POST /api/jobs/{id}/runs` and this directive's id), `cancelJobRun`
    /// (stop the run and report it `cancelled`; acknowledge the directive if the run is not at work), `cancelTransfer` (stop
    /// the transfer and report it `cancelled`), `retryTransfer` (make the transfer again: report it `running` with this
    /// attempt, the answer says what to copy), `runStep` (carry out the step and report on it with
    /// `PATCH /api/pipelines/{id}/runs/{runId}/steps/{stepId}`), `cancelStep` (stop the step and report it `cancelled`;
    /// acknowledge the directive if the step is not at work), `rotateKey` (get a new API key from
    /// `POST /api/agents/{id}/key`) or `setHeartbeatInterval` (send heartbeats at this interval from now on). There may be
    /// others in the future: ignore what you do not know.
    #[schema(example = "cancelTransfer")]
    r#type: String,
    /// When it was made.
    created_at: Instant,
    /// When it is void.
    expires_at: Instant,
    /// The particulars.
    payload: DirectivePayload,
}

/// The particulars of a directive. Its `type` says which fields there are.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "transferId": "0199c1f0-6c00-7000-8000-000000000001" }))]
struct DirectivePayload {
    /// Of `startJob`: the job, as it is to be run.
    #[schema(nullable = false)]
    job: Option<Box<Job>>,
    /// Of `startJob`: the slot of its schedule; null where somebody asked for it.
    scheduled_for: Option<Instant>,
    /// Of `startJob` and `retryTransfer`: which attempt it will be, from 1.
    #[schema(nullable = false, minimum = 1)]
    attempt: Option<i64>,
    /// Of `startJob`: the failed run that it makes again; null where it is the first.
    retry_of: Option<RunId>,
    /// Of `cancelJobRun`: the run of a job. Of `runStep` and `cancelStep`: the run of a pipeline.
    #[schema(nullable = false)]
    run_id: Option<RunId>,
    /// Of `cancelTransfer` and `retryTransfer`: the transfer.
    #[schema(nullable = false)]
    transfer_id: Option<TransferId>,
    /// Of `runStep` and `cancelStep`: the pipeline that runs.
    #[schema(nullable = false)]
    pipeline_id: Option<PipelineId>,
    /// Of `runStep`: what to do.
    #[schema(nullable = false)]
    step: Option<StepOrder>,
    /// Of `cancelStep`: what the step is called in its pipeline.
    #[schema(nullable = false)]
    step_id: Option<String>,
    /// Of `setHeartbeatInterval`: the interval in seconds.
    #[schema(nullable = false, minimum = 1)]
    seconds: Option<i64>,
}

/// A step of a pipeline, as its agent is told: with the parameters filled in. Its `type` says which fields there are.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = StepOrder)]
#[schema(example = json!({ "id": "tidy", "attempt": 1, "type": "delete", "path": "/data/in/orders.csv" }))]
struct StepOrderObject {
    /// What it is called in its pipeline.
    #[schema(example = "fetch")]
    id: String,
    /// Which attempt this is, from 1; reports name it.
    #[schema(minimum = 1, example = 1)]
    attempt: i64,
    /// How many seconds it may take.
    #[schema(nullable = false, minimum = 1)]
    timeout_seconds: Option<i64>,
    /// What to do: `transfer` (copy a file, a folder or what fits a pattern), `checksum` (take the SHA-256 of a file),
    /// `compress`, `decompress`, `rename` (or move) or `delete` a file. There may be others in the future: report a step
    /// that you do not know as `failed`.
    #[schema(example = "transfer")]
    r#type: String,
    /// Of `transfer`: where to read, a URL or a path.
    #[schema(nullable = false)]
    source: Option<String>,
    /// Of `transfer`: where to write, a URL or a path.
    #[schema(nullable = false)]
    destination: Option<String>,
    /// Of `transfer`: by which protocol.
    #[schema(nullable = false)]
    protocol: Option<Protocol>,
    /// Of `transfer`: which way, seen from the agent.
    #[schema(nullable = false)]
    direction: Option<Direction>,
    /// Of `transfer`: by which digest to compare both sides, if they are to be compared.
    #[schema(nullable = false)]
    verify: Option<String>,
    /// Of `transfer`: which of the agent's sets of credentials to use, if any.
    #[schema(nullable = false)]
    credentials: Option<String>,
    /// Of `checksum`, `compress`, `decompress` and `delete`: the file.
    #[schema(nullable = false)]
    path: Option<String>,
    /// Of `checksum`: what it must be, as 64 hexadecimal digits, if that is said.
    #[schema(nullable = false)]
    expected: Option<String>,
    /// Of `compress` and `decompress`: where to write; beside the file if absent.
    #[schema(nullable = false)]
    output: Option<String>,
    /// Of `compress` and `decompress`: `gzip` or `zstd`; by the file's name if absent.
    #[schema(nullable = false)]
    format: Option<String>,
    /// Of `rename`: what the file is called now.
    #[schema(nullable = false)]
    from: Option<String>,
    /// Of `rename`: what it will be called.
    #[schema(nullable = false)]
    to: Option<String>,
}

/// Describes a type by another.
macro_rules! described {
    ($($it:ty as $by:ty),+) => {$(
        impl PartialSchema for $it {
            fn schema() -> RefOr<Schema> {
                <$by>::schema()
            }
        }

        impl ToSchema for $it {
            fn name() -> Cow<'static, str> {
                <$by>::name()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                <$by>::schemas(schemas);
            }
        }
    )+};
}

described!(Directive as DirectiveObject, StepOrder as StepOrderObject);

#[cfg(test)]
mod tests {
    use mftplus_protocol::step::StepType;
    use serde_json::{Value, json};
    use strum::VariantNames;

    use super::*;
    use crate::model::directive::{DirectiveAction, StepInstruction, TransferInstruction};

    const ID: &str = "0199c1f0-6c00-7000-8000-000000000001";

    /// The schema of a type in which every other is allowed, but nothing that is not described.
    fn strict<T: ToSchema>() -> Value {
        let mut schema = json!(T::schema());
        schema["additionalProperties"] = json!(false);
        schema
    }

    /// What is described of this value, with the type of each field taken on trust where it is another schema.
    fn undescribed(schema: &Value, value: &Value) -> Vec<String> {
        let fields = value.as_object().expect("an object").keys();
        fields.filter(|name| schema["properties"].get(name.as_str()).is_none()).cloned().collect()
    }

    fn actions() -> Vec<Value> {
        let step = json!({ "id": "tidy", "attempt": 1, "type": "delete", "path": "/a" });
        let job = json!({
            "id": ID, "agentId": ID, "name": "n", "source": "/a", "destination": "/b", "schedule": "@daily",
            "protocol": "local", "direction": "pull", "enabled": true, "createdAt": "2026-04-25T13:00:00Z",
            "agent": { "id": ID, "name": "n", "hostname": "h" }, "customerId": ID, "timezone": "UTC", "overlap": "skip",
            "catchUp": "last", "revision": 1,
        });
        let payloads = [
            ("startJob", json!({ "job": job, "scheduledFor": null, "attempt": 1, "retryOf": null })),
            ("cancelJobRun", json!({ "runId": ID })),
            ("cancelTransfer", json!({ "transferId": ID })),
            ("retryTransfer", json!({ "transferId": ID, "attempt": 2 })),
            ("runStep", json!({ "runId": ID, "pipelineId": ID, "step": step })),
            ("cancelStep", json!({ "runId": ID, "pipelineId": ID, "stepId": "tidy" })),
            ("rotateKey", json!({})),
            ("setHeartbeatInterval", json!({ "seconds": 30 })),
        ];
        payloads.map(|(kind, payload)| json!({ "type": kind, "payload": payload })).to_vec()
    }

    #[test]
    fn every_type_of_directive_is_described_with_all_its_fields() {
        let (directive, payload) = (json!(DirectiveObject::schema()), strict::<DirectivePayload>());
        let told = directive["properties"]["type"]["description"].as_str().expect("a description");
        let actions = actions();
        let named: Vec<&str> = actions.iter().filter_map(|action| action["type"].as_str()).collect();
        assert_eq!(named, DirectiveAction::VARIANTS);
        for action in actions {
            let written = json!(serde_json::from_value::<DirectiveAction>(action.clone()).expect("an action"));
            assert!(told.contains(&format!("`{}`", written["type"].as_str().expect("a type"))), "{action}");
            assert_eq!(undescribed(&payload, &written["payload"]), Vec::<String>::new(), "{action}");
        }
    }

    #[test]
    fn every_step_is_described_with_all_its_fields() {
        let order = strict::<StepOrderObject>();
        let told = order["properties"]["type"]["description"].as_str().expect("a description");
        let transfer = || TransferInstruction {
            source: "/a".to_owned(),
            destination: "/b".to_owned(),
            protocol: Protocol::Local,
            direction: Direction::Pull,
            verify: Some("sha256".to_owned()),
            credentials: Some("c".to_owned()),
        };
        for step_type in StepType::ALL.iter().filter(|step_type| step_type.is_for_an_agent()) {
            let text = |name: &str| Some(name.to_owned());
            let action =
                StepInstruction::read(*step_type, text, |_| Some("gzip".to_owned()), transfer).expect("a step");
            let written = json!(StepOrder { id: "fetch".to_owned(), attempt: 1, timeout_seconds: Some(60), action });
            assert!(told.contains(&format!("`{step_type}`")), "{step_type}");
            assert_eq!(undescribed(&order, &written), Vec::<String>::new(), "{step_type}");
        }
    }
}
