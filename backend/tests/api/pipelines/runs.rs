//! Tests of `GET` and `POST /api/pipelines/{id}/runs`.

use backend::{
    error::Error,
    model::{
        PageRequest,
        pipeline::run::{PipelineRunFilter, PipelineRunStatus},
    },
};
use serde_json::{Value, json};

use super::{Fixture, LINE, SMALL, created, id, run_id, statuses, text};
use crate::support::{admin, customer_of};

#[tokio::test]
async fn a_run_is_made_of_the_current_version_and_sends_its_first_step() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    let step = |id: &str, kind: &str| {
        json!({
            "id": id, "type": kind, "status": "queued", "attempt": 1, "progress": null, "bytesTransferred": null,
            "startedAt": null, "completedAt": null, "errorMessage": null, "transferId": null,
        })
    };
    let expected = json!({
        "id": run["id"], "pipelineId": run["pipelineId"], "version": 1, "status": "running", "trigger": "manual",
        "startedAt": "2026-04-25T13:00:00Z", "completedAt": null, "errorMessage": null, "revision": 1,
        "cancelRequestedAt": null, "parameters": {}, "rerunOf": null,
        "steps": [step("fetch", "transfer"), step("check", "checksum"), step("pack", "compress"), step("clean", "delete")],
    });
    assert_eq!(run, expected);
    let directive = fixture.directives().await.remove(0);
    assert_eq!(directive["type"], "runStep");
    assert_eq!(
        directive["payload"],
        json!({
            "runId": run["id"], "pipelineId": run["pipelineId"], "step": {
                "id": "fetch", "attempt": 1, "type": "transfer", "source": "sftp://ftp.example.com/exports/orders.csv",
                "destination": "/data/in/orders.csv", "protocol": "sftp", "direction": "pull", "verify": "sha256",
            },
        })
    );
}

#[tokio::test]
async fn a_transfer_step_is_sent_with_its_rules() {
    let fixture = Fixture::new().await;
    let yaml = "\
source: { protocol: sftp, host: partner, port: 2222, path: /out/, pattern: '*.csv', credentials: place }
destination: /data/in/
parameters: { day: monday }
steps:
  - id: fetch
    type: transfer
    credentials: orders
    onExists: skip
    afterSuccess: moveTo:/done/${{ params.day }}
    preserve: [modes, times]
    onFileError: skip
    symlinks: follow
    verify: none
  - { id: again, type: transfer, endpoint: edge, preserve: [] }
";
    fixture.run(yaml).await;
    let orders: Vec<Value> =
        fixture.directives().await.into_iter().map(|directive| directive["payload"]["step"].clone()).collect();
    let expected = json!([
        {
            "id": "fetch", "attempt": 1, "type": "transfer", "source": "sftp://partner:2222/out/*.csv",
            "destination": "/data/in/", "protocol": "sftp", "direction": "pull", "credentials": "orders",
            "onExists": "skip", "afterSuccess": "moveTo:/done/monday", "preserve": ["times", "modes"],
            "onFileError": "skip", "symlinks": "follow", "verify": "none",
        },
        {
            "id": "again", "attempt": 1, "type": "transfer", "source": "sftp://edge/out/*.csv",
            "destination": "/data/in/", "protocol": "sftp", "direction": "pull", "credentials": "place",
            "endpoint": "edge", "preserve": [], "verify": "sha256",
        },
    ]);
    assert_eq!(json!(orders), expected);
}

#[tokio::test]
async fn parameters_are_filled_in_and_kept_with_the_run() {
    let fixture = Fixture::new().await;
    let yaml = "\
source: sftp://ftp.example.com/orders-${{ params.date }}.csv
destination: /data/${{ params.folder }}/
parameters: { date: \"2026-01-01\", folder: in }
";
    fixture.pipeline("daily", yaml).await;
    let path = "/api/pipelines/daily/runs";
    let run = fixture.admin.post(path, &json!({ "parameters": { "date": "2026-04-25" } })).await;
    assert_eq!(run.status, 201, "{}", run.body);
    assert_eq!(run.body["data"]["run"]["parameters"], json!({ "date": "2026-04-25", "folder": "in" }));
    let order = &fixture.directives().await[0]["payload"]["step"];
    assert_eq!(order["source"], "sftp://ftp.example.com/orders-2026-04-25.csv");
    assert_eq!(order["destination"], "/data/in/");
    let wrong = fixture.admin.post(path, &json!({ "parameters": { "dat": "1", "date": [] } })).await;
    assert_eq!((wrong.status, wrong.wrong_fields()), (400, vec!["parameters"]), "{}", wrong.body);
    let no_object = fixture.admin.post(path, &json!({ "parameters": 1 })).await;
    assert_eq!((no_object.status, no_object.wrong_fields()), (400, vec!["parameters"]));
}

#[tokio::test]
async fn a_run_keeps_its_version_whatever_is_saved_meanwhile() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    assert_eq!(fixture.put("daily", SMALL).await.body["data"]["pipeline"]["version"], 2);
    fixture.says(&run, "fetch", "completed").await;
    assert_eq!(fixture.delivered().await, [("runStep".to_owned(), "check".to_owned())]);
    assert_eq!(fixture.look(&run).await["version"], 1);
    let next = fixture.admin.post("/api/pipelines/daily/runs", &json!({})).await;
    assert_eq!(next.body["data"]["run"]["version"], 2);
}

#[tokio::test]
async fn a_disabled_pipeline_starts_no_run() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    fixture.user.patch("/api/pipelines/daily", &json!({ "enabled": false })).await;
    let answer = fixture.admin.post("/api/pipelines/daily/runs", &json!({})).await;
    assert_eq!((answer.status, &answer.body["error"]), (400, &json!("the pipeline is disabled: enable it first")));
}

#[tokio::test]
async fn it_must_be_known_which_agent_is_meant() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    fixture.pipeline("named", &format!("{SMALL}agent: edge-1\n")).await;
    fixture.pipeline("nobody", &format!("{SMALL}agent: edge-9\n")).await;
    created(&fixture.admin, "platform", SMALL).await;
    let second = fixture.app.agent(fixture.customer.id, "edge-1").await;
    let ids = json!([fixture.agent.id, second.id]);
    for (identifier, said, ids) in [
        ("daily", "there are several agents, and the definition names none: write `agent`", &ids),
        ("named", "several agents are called `edge-1`: write the id of one of them", &ids),
        (
            "nobody",
            "there is no agent with the id, name or host name `edge-9`: register it, or name another one",
            &json!([]),
        ),
        (
            "platform",
            "the pipeline belongs to no customer and names no agent: give it a customer (`customerId`), or write `agent` \
             with an agent's id",
            &json!([]),
        ),
    ] {
        let answer = fixture.admin.post(&format!("/api/pipelines/{identifier}/runs"), &json!({})).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!(said)), "{identifier}");
        assert_eq!(&answer.body["details"]["ids"], ids, "{identifier}");
        assert!(fixture.history(identifier).await.is_empty());
    }
    let by_id = created(&fixture.admin, "by-id", &format!("{SMALL}agent: {}\n", second.id)).await;
    let answer = fixture.admin.post(&format!("/api/pipelines/{}/runs", id(&by_id)), &json!({})).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[tokio::test]
async fn the_same_request_with_the_same_key_starts_one_run() {
    let fixture = Fixture::new().await;
    fixture.pipeline("daily", SMALL).await;
    fixture.pipeline("weekly", SMALL).await;
    let admin = fixture.admin.with("Idempotency-Key", "one");
    let first = admin.post("/api/pipelines/daily/runs", &json!({})).await;
    let second = admin.post("/api/pipelines/daily/runs", &json!({})).await;
    assert_eq!((first.status, second.status, &first.body), (201, 201, &second.body));
    assert_eq!(fixture.history("daily").await.len(), 1);
    assert_eq!(admin.post("/api/pipelines/weekly/runs", &json!({})).await.status, 422);
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_found_by_status() {
    let fixture = Fixture::new().await;
    let mut runs = Vec::new();
    for identifier in ["first", "second", "first"] {
        if fixture.user.get(&format!("/api/pipelines/{identifier}")).await.status == 404 {
            fixture.pipeline(identifier, SMALL).await;
        }
        let answer = fixture.admin.post(&format!("/api/pipelines/{identifier}/runs"), &json!({})).await;
        runs.push(answer.body["data"]["run"].clone());
    }
    let listed = fixture.admin.get("/api/pipelines/first/runs?limit=1").await;
    assert_eq!(listed.body["data"]["runs"], json!([runs[2]]));
    assert_eq!(listed.body["data"]["pagination"], json!({ "page": 1, "limit": 1, "total": 2, "pages": 2 }));
    fixture.says(&runs[0], "transfer", "completed").await;
    let cp = fixture.app.cp();
    let found = async |filter: PipelineRunFilter| -> Vec<String> {
        let page = cp.list_pipeline_runs(&admin(), &filter, PageRequest::default()).await.expect("runs");
        page.items.iter().map(|run| run.id.to_string()).collect()
    };
    let ids: Vec<&str> = runs.iter().map(id).collect();
    assert_eq!(found(PipelineRunFilter::default()).await, [ids[2], ids[1], ids[0]]);
    let running = PipelineRunFilter { status: vec![PipelineRunStatus::Running], ..PipelineRunFilter::default() };
    assert_eq!(found(running).await, [ids[2], ids[1]]);
    let pipeline = text(&runs[0]["pipelineId"]).parse().expect("an id");
    let of_one = PipelineRunFilter { pipeline_id: Some(pipeline), ..PipelineRunFilter::default() };
    assert_eq!(found(of_one).await, [ids[2], ids[0]]);
    let other = text(&runs[1]["pipelineId"]).parse().expect("an id");
    let newest = cp.newest_pipeline_runs(&admin(), &[(other, 5), (pipeline, 1)]).await.expect("runs");
    let newest: Vec<Vec<String>> =
        newest.iter().map(|runs| runs.iter().map(|run| run.id.to_string()).collect()).collect();
    assert_eq!(newest, [vec![ids[1].to_owned()], vec![ids[2].to_owned()]]);
}

#[tokio::test]
async fn the_plan_of_a_run_is_what_a_dry_run_had_said() {
    let fixture = Fixture::new().await;
    let said = fixture.user.post("/api/pipelines/dry-run", &json!({ "yaml": LINE })).await.body["data"]["ast"].clone();
    let run = fixture.run(LINE).await;
    let plans = fixture.app.cp().find_pipeline_run_plans(&admin(), &[run_id(&run)]).await.expect("plans");
    assert_eq!(plans, [(run_id(&run), said)]);
    let refused = fixture.app.cp().find_pipeline_run_plans(&customer_of(&fixture.customer), &[run_id(&run)]).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn a_customer_sees_no_runs_and_another_customer_not_even_the_pipeline() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    let cp = fixture.app.cp();
    let (mine, other_customer) = (customer_of(&fixture.customer), customer_of(&fixture.app.customer("other").await));
    assert!(matches!(cp.get_pipeline_run(&mine, run_id(&run)).await, Err(Error::Forbidden(_))));
    assert!(matches!(cp.get_pipeline_run(&other_customer, run_id(&run)).await, Err(Error::NotFound(_))));
    let filter = PipelineRunFilter::default();
    assert!(matches!(cp.list_pipeline_runs(&mine, &filter, PageRequest::default()).await, Err(Error::Forbidden(_))));
    let object = cp.find_object(&admin(), run_id(&run).0).await.expect("a look").expect("the run");
    assert_eq!(object.id(), run_id(&run).0);
    assert!(cp.find_object(&mine, run_id(&run).0).await.expect("a look").is_none());
    let pipeline: Value = fixture.user.get("/api/pipelines/daily").await.body["data"]["pipeline"].clone();
    let uuid = id(&pipeline).parse().expect("a UUID");
    assert!(cp.find_object(&mine, uuid).await.expect("a look").is_some());
    assert!(cp.find_object(&other_customer, uuid).await.expect("a look").is_none());
    assert_eq!(statuses(&fixture.look(&run).await), ["queued"; 4]);
}

#[tokio::test]
async fn the_log_says_each_thing_of_a_run_once() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    for (step, report) in [
        ("fetch", json!({ "status": "running" })),
        ("fetch", json!({ "status": "running", "progress": 50 })),
        ("fetch", json!({ "status": "completed" })),
        ("check", json!({ "status": "completed" })),
        ("check", json!({ "status": "completed" })),
        ("pack", json!({ "status": "completed" })),
    ] {
        assert_eq!(fixture.report(&run, step, &report).await.status, 200);
    }
    let log = fixture
        .admin
        .data("{ events(first: 6) { nodes { kind object { ... on PipelineRun { status } } } } }", &Value::Null);
    let log = log.await["events"]["nodes"].clone();
    let log: Vec<String> = log.as_array().expect("events").iter().rev().map(line).collect();
    assert_eq!(
        log[1..],
        [
            "PIPELINE_RUN_CREATED RUNNING",
            "PIPELINE_STEP_STATUS_CHANGED RUNNING",
            "PIPELINE_STEP_STATUS_CHANGED RUNNING",
            "PIPELINE_STEP_STATUS_CHANGED RUNNING",
            "PIPELINE_RUN_STATUS_CHANGED COMPLETED",
        ]
    );
}

fn line(event: &Value) -> String {
    format!("{} {}", text(&event["kind"]), event["object"]["status"].as_str().unwrap_or("-"))
}
