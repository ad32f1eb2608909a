//! The descriptions of directives in the OpenAPI document, as flat objects.
//!
//! A tagged enum of Rust would be described as `oneOf` within `allOf`, which generated clients cannot read. For the
//! same reason `type` is not an enum there: a client that is generated today must be able to read the answers of a
//! later server with more types.

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
        copy_rules::{AfterSuccess, OnExists, OnFileError, Preserve, PreservedAttribute, SymlinkRule, Verify},
        job::Job,
        transfer::{Direction, Protocol},
    },
};

/// A directive: an instruction of the server to an agent.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = Directive)]
struct DirectiveObject {
    /// Id of the directive. A directive that is delivered again has the same id.
    id: DirectiveId,
    /// Type of the instruction. `startJob`: start the job with `POST /api/jobs/{id}/runs` and the id of this directive.
    /// `cancelJobRun`: stop the run and report it as `cancelled`; if the run is not active, acknowledge the directive.
    /// `cancelTransfer`: stop the transfer and report it as `cancelled`. `retryTransfer`: copy the transfer again;
    /// report it as `running` with this attempt, and the answer contains what to copy. `runStep`: carry out the step
    /// and report it with `PATCH /api/pipelines/{id}/runs/{runId}/steps/{stepId}`. `cancelStep`: stop the step and
    /// report it as `cancelled`; if the step is not active, acknowledge the directive. `rotateKey`: get a new API key
    /// with `POST /api/agents/{id}/key`; the first request with the new key acknowledges the directive.
    /// `setHeartbeatInterval`: send heartbeats at this interval from now on. Later versions may add types: ignore a
    /// type that you do not know.
    #[schema(example = "cancelTransfer")]
    r#type: String,
    /// Time at which the directive was created.
    created_at: Instant,
    /// Time at which the directive expires. It is not delivered after that.
    expires_at: Instant,
    /// Details of the instruction.
    payload: DirectivePayload,
}

/// Details of a directive. Its `type` decides which fields are present.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "transferId": "0199c1f0-6c00-7000-8000-000000000001" }))]
struct DirectivePayload {
    /// For `startJob`: the job to run.
    #[schema(nullable = false)]
    job: Option<Box<Job>>,
    /// For `startJob`: the slot of the schedule; null if a user started the job.
    scheduled_for: Option<Instant>,
    /// For `startJob` and `retryTransfer`: number of the attempt to start, counted from 1.
    #[schema(nullable = false, minimum = 1)]
    attempt: Option<i64>,
    /// For `startJob`: the failed run to retry; null for a first attempt.
    retry_of: Option<RunId>,
    /// For `cancelJobRun`: the job run. For `runStep` and `cancelStep`: the pipeline run.
    #[schema(nullable = false)]
    run_id: Option<RunId>,
    /// For `cancelTransfer` and `retryTransfer`: the transfer.
    #[schema(nullable = false)]
    transfer_id: Option<TransferId>,
    /// For `runStep` and `cancelStep`: the pipeline.
    #[schema(nullable = false)]
    pipeline_id: Option<PipelineId>,
    /// For `runStep`: the step to carry out.
    #[schema(nullable = false)]
    step: Option<StepOrder>,
    /// For `cancelStep`: id of the step in its pipeline.
    #[schema(nullable = false)]
    step_id: Option<String>,
    /// For `setHeartbeatInterval`: the interval in seconds.
    #[schema(nullable = false, minimum = 1)]
    seconds: Option<i64>,
}

/// Declares the description of a step, with the rules of copies.
macro_rules! step_order {
    ($(
        $(#[$text:meta])+
        $field:ident: $type:ident = $key:literal, $check:ident { $($schema:tt)+ } { $($bounds:tt)* }
    )+) => {
        /// A step for an agent to carry out, with parameters filled in. Its `type` decides which fields are present.
        #[derive(ToSchema)]
        #[schema(rename_all = "camelCase", as = StepOrder)]
        #[schema(example = json!({ "id": "tidy", "attempt": 1, "type": "delete", "path": "/data/in/orders.csv" }))]
        struct StepOrderObject {
            /// Id of the step in its pipeline.
            #[schema(example = "fetch")]
            id: String,
            /// Number of this attempt, counted from 1. Reports must name it.
            #[schema(minimum = 1, example = 1)]
            attempt: i64,
            /// Maximum duration of this attempt in seconds.
            #[schema(nullable = false, minimum = 1)]
            timeout_seconds: Option<i64>,
            /// Type of the step. `transfer`: copy a file, a folder or all files that match a pattern. `checksum`: compute the
            /// SHA-256 of a file. `compress`: compress a file. `decompress`: decompress a file. `rename`: rename or move a
            /// file. `delete`: delete a file. Later versions may add types: report a step with a type that you do not know as
            /// `failed`.
            #[schema(example = "transfer")]
            r#type: String,
            /// For `transfer`: source, a URL or a path.
            #[schema(nullable = false)]
            source: Option<String>,
            /// For `transfer`: destination, a URL or a path.
            #[schema(nullable = false)]
            destination: Option<String>,
            /// For `transfer`: protocol of the copy.
            #[schema(nullable = false)]
            protocol: Option<Protocol>,
            /// For `transfer`: direction of the copy, seen from the agent.
            #[schema(nullable = false)]
            direction: Option<Direction>,
            $(
                /// For `transfer`:
                $(#[$text])+
                #[schema(nullable = false, $($schema)+)]
                $field: Option<$type>,
            )+
            /// For `checksum`, `compress`, `decompress` and `delete`: path of the file.
            #[schema(nullable = false)]
            path: Option<String>,
            /// For `checksum`: expected SHA-256 as 64 hexadecimal digits, if the definition has one.
            #[schema(nullable = false)]
            expected: Option<String>,
            /// For `compress` and `decompress`: path of the result. If absent, it is written beside the file.
            #[schema(nullable = false)]
            output: Option<String>,
            /// For `compress` and `decompress`: `gzip` or `zstd`. If absent, the file name decides.
            #[schema(nullable = false)]
            format: Option<String>,
            /// For `rename`: current path of the file.
            #[schema(nullable = false)]
            from: Option<String>,
            /// For `rename`: new path of the file.
            #[schema(nullable = false)]
            to: Option<String>,
        }
    };
}

mftplus_protocol::copy_rules!(step_order);

/// Implements the schema of one type with the schema of another.
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
    use crate::model::{
        copy_rules::CopyRules,
        directive::{DirectiveAction, StepInstruction, TransferInstruction},
    };

    const ID: &str = "0199c1f0-6c00-7000-8000-000000000001";

    /// The schema of a type, with all other schemas inlined, and with all undescribed fields forbidden.
    fn strict<T: ToSchema>() -> Value {
        let mut schema = json!(T::schema());
        schema["additionalProperties"] = json!(false);
        schema
    }

    /// The fields of the value that the schema does not describe. Fields whose schema is a reference are not checked
    /// further.
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
        let description = directive["properties"]["type"]["description"].as_str().expect("a description");
        let actions = actions();
        let named: Vec<&str> = actions.iter().filter_map(|action| action["type"].as_str()).collect();
        assert_eq!(named, DirectiveAction::VARIANTS);
        for action in actions {
            let written = json!(serde_json::from_value::<DirectiveAction>(action.clone()).expect("an action"));
            assert!(description.contains(&format!("`{}`", written["type"].as_str().expect("a type"))), "{action}");
            assert_eq!(undescribed(&payload, &written["payload"]), Vec::<String>::new(), "{action}");
        }
    }

    #[test]
    fn every_step_is_described_with_all_its_fields() {
        let order = strict::<StepOrderObject>();
        let description = order["properties"]["type"]["description"].as_str().expect("a description");
        let transfer = || TransferInstruction {
            source: "/a".to_owned(),
            destination: "/b".to_owned(),
            protocol: Protocol::Local,
            direction: Direction::Pull,
            rules: CopyRules::filled(),
        };
        for step_type in StepType::ALL.iter().filter(|step_type| step_type.is_for_an_agent()) {
            let text = |name: &str| Some(name.to_owned());
            let action =
                StepInstruction::read(*step_type, text, |_| Some("gzip".to_owned()), transfer).expect("a step");
            let written = json!(StepOrder { id: "fetch".to_owned(), attempt: 1, timeout_seconds: Some(60), action });
            assert!(description.contains(&format!("`{step_type}`")), "{step_type}");
            assert_eq!(undescribed(&order, &written), Vec::<String>::new(), "{step_type}");
        }
    }
}
