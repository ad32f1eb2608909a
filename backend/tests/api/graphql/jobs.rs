//! Jobs over GraphQL: the same as over REST, and what only GraphQL can do.

use serde_json::{Value, json};

use super::{of, with_agent};
use crate::support::{Client, TestApp, app::TestAgent};

const JOB: &str = "id agentId agentName agentHostname customerId name source destination schedule timezone protocol \
                   direction enabled overlap catchUp retry { maxAttempts initialDelay factor maxDelay } lastRunAt \
                   nextRunAt createdAt revision credentials endpoint onExists afterSuccess preserve onFileError \
                   symlinks verify";

/// A job of REST in the form of GraphQL.
fn as_in_graphql(job: &Value) -> Value {
    let mut job = job.clone();
    let fields = job.as_object_mut().expect("an object");
    let agent = fields.remove("agent").expect("its agent");
    fields.insert("agentName".to_owned(), agent["name"].clone());
    fields.insert("agentHostname".to_owned(), agent["hostname"].clone());
    for word in
        ["protocol", "direction", "overlap", "catchUp", "onExists", "preserve", "onFileError", "symlinks", "verify"]
    {
        fields[word] = in_capitals(&fields[word]);
    }
    job
}

/// Words of enums as GraphQL says them.
fn in_capitals(value: &Value) -> Value {
    match value {
        Value::String(word) => json!(word.to_uppercase()),
        Value::Array(words) => words.iter().map(in_capitals).collect(),
        other => other.clone(),
    }
}

async fn in_rest(client: &Client, id: &Value) -> Value {
    let answer = client.get(&format!("/api/jobs/{}", id.as_str().expect("an id"))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    as_in_graphql(&answer.body["data"]["job"])
}

/// A new job of this agent, every hour unless the fields say otherwise.
pub(super) async fn created(admin: &Client, agent: &TestAgent, fields: &Value) -> Value {
    let mut input = json!({
        "agentId": agent.id, "name": "Nightly", "source": "/out/", "destination": "/in/", "schedule": "0 * * * *",
        "protocol": "LOCAL", "direction": "PULL",
    });
    input.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let create = format!("mutation ($input: CreateJobInput!) {{ job: createJob(input: $input) {{ {JOB} }} }}");
    admin.data(&create, &json!({ "input": input })).await["job"].clone()
}

/// Starts a run of this job as the agent. Returns its id.
async fn started(app: &TestApp, agent: &TestAgent, job: &Value) -> Value {
    let path = format!("/api/jobs/{}/runs", job["id"].as_str().expect("an id"));
    let answer = app.key(&agent.key).post(&path, &json!({})).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["data"]["run"]["id"].clone()
}

#[tokio::test]
async fn a_job_is_made_changed_paused_and_deleted_as_over_rest() {
    let (app, _, agent, _) = with_agent().await;
    let admin = app.admin().await;
    let retry = json!({ "maxAttempts": 3, "initialDelay": "90s", "factor": 4.0, "maxDelay": "1h" });
    let fields = json!({
        "timezone": "Europe/Berlin", "overlap": "QUEUE", "catchUp": "ALL", "retry": retry, "credentials": "orders",
        "onExists": "RENAME", "afterSuccess": "delete", "preserve": ["MODES", "TIMES"], "onFileError": "SKIP",
        "symlinks": "FOLLOW", "verify": "SHA256",
    });
    let job = created(&admin, &agent, &fields).await;
    assert_eq!((&job["overlap"], &job["catchUp"], &job["enabled"]), (&json!("QUEUE"), &json!("ALL"), &json!(true)));
    assert_eq!((&job["preserve"], &job["verify"]), (&json!(["TIMES", "MODES"]), &json!("SHA256")));
    assert_eq!(job, in_rest(&admin, &job["id"]).await);

    let update = format!(
        "mutation ($id: ID!, $input: UpdateJobInput!) {{ job: updateJob(id: $id, input: $input) {{ {JOB} }} }}"
    );
    let input = json!({ "name": "Hourly", "retry": null, "onExists": null, "preserve": [] });
    let changed = admin.data(&update, &json!({ "id": job["id"], "input": input })).await["job"].clone();
    assert_eq!((&changed["name"], &changed["retry"]), (&json!("Hourly"), &Value::Null));
    assert_eq!((&changed["source"], &changed["timezone"]), (&job["source"], &job["timezone"]));
    assert_eq!((&changed["onExists"], &changed["preserve"]), (&Value::Null, &json!([])));
    assert_eq!((&changed["symlinks"], &changed["credentials"]), (&json!("FOLLOW"), &json!("orders")));
    assert_eq!(changed, in_rest(&admin, &job["id"]).await);

    for (mutation, enabled) in [("disableJob", false), ("enableJob", true)] {
        let query = format!("mutation ($id: ID!) {{ job: {mutation}(id: $id) {{ {JOB} }} }}");
        let moved = admin.data(&query, &json!({ "id": job["id"] })).await["job"].clone();
        assert_eq!((&moved["enabled"], moved["nextRunAt"].is_string()), (&json!(enabled), enabled));
        assert_eq!(moved, in_rest(&admin, &job["id"]).await);
    }

    let deleted = admin.data("mutation ($id: ID!) { deleteJob(id: $id) }", &json!({ "id": job["id"] })).await;
    assert_eq!(deleted["deleteJob"], job["id"]);
    let gone = admin.ask("query ($id: ID!) { job(id: $id) { id } }", &json!({ "id": job["id"] })).await;
    assert_eq!(gone.codes(), ["NOT_FOUND"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_job_is_named_all_at_once() {
    let (app, _, agent, _) = with_agent().await;
    let admin = app.admin().await;
    let input = json!({
        "agentId": agent.id, "name": "", "source": "sftp://me:secret@example.com/x", "destination": "/in/",
        "schedule": "61 * * * *", "timezone": "Mars/Olympus", "protocol": "SFTP", "direction": "PULL",
    });
    let create = "mutation ($input: CreateJobInput!) { createJob(input: $input) { id } }";
    let answer = admin.ask(create, &json!({ "input": input })).await;
    assert_eq!(answer.wrong_arguments(), ["name", "schedule", "source", "timezone"], "{}", answer.body);
}

#[tokio::test]
async fn customers_read_their_own_jobs_and_nothing_of_runs_and_slot_histories() {
    let (app, _, agent, user) = with_agent().await;
    let (admin, other_user) = (app.admin().await, app.bearer(&app.customer("Other").await.token));
    let job = created(&admin, &agent, &json!({})).await;
    let list = format!("{{ jobs {{ totalCount nodes {{ {JOB} }} }} }}");
    assert_eq!(user.data(&list, &Value::Null).await["jobs"], json!({ "totalCount": 1, "nodes": [job] }));
    assert_eq!(other_user.data(&list, &Value::Null).await["jobs"], json!({ "totalCount": 0, "nodes": [] }));
    for query in [
        "query ($id: ID!) { jobRuns(filter: { jobId: $id }) { totalCount } }",
        "query ($id: ID!) { jobSlots(jobId: $id) { totalCount } }",
        "query ($id: ID!) { job(id: $id) { runs { id } } }",
        "mutation ($id: ID!) { runJob(id: $id) { id } }",
        "mutation ($id: ID!) { disableJob(id: $id) { id } }",
        "mutation ($id: ID!) { deleteJob(id: $id) }",
    ] {
        let answer = user.ask(query, &of(&job["id"].as_str().expect("an id"))).await;
        assert_eq!(answer.codes(), ["FORBIDDEN"], "{query}: {}", answer.body);
    }
    assert_eq!(user.data(&list, &Value::Null).await["jobs"]["nodes"], json!([job]), "nothing was done");
}

#[tokio::test]
async fn a_run_is_asked_for_followed_with_its_transfers_and_cancelled() {
    let (app, _, agent, _) = with_agent().await;
    let (admin, key) = (app.admin().await, app.key(&agent.key));
    let job = created(&admin, &agent, &json!({ "enabled": true })).await;
    let named = json!({ "id": job["id"] });
    admin.data("mutation ($id: ID!) { runJob(id: $id) { id } }", &named).await;
    let run = started(&app, &agent, &job).await;
    let transfer = key
        .post(
            "/api/transfers",
            &json!({ "sourceUrl": "/out/a", "destinationPath": "/in/a", "direction": "pull", "protocol": "local", "jobRunId": run }),
        )
        .await;
    assert_eq!(transfer.status, 201, "{}", transfer.body);
    // Another transfer, which is none of the run's.
    app.transfer(&agent).await;
    let query = "query ($id: ID!, $run: ID!) {
        jobRuns(filter: { jobId: $id, status: [RUNNING] }) { totalCount nodes { id status attempt job { name } transfers { id } } }
        transfers(filter: { jobRunId: $run }) { totalCount nodes { id } }
        job(id: $id) { lastRunAt runs { id status } }
        jobRun(id: $run) { status cancelRequestedAt }
    }";
    let both = json!({ "id": job["id"], "run": run });
    let found = admin.data(query, &both).await;
    let own = json!([{ "id": transfer.body["data"]["transfer"]["id"] }]);
    assert_eq!(found["transfers"], json!({ "totalCount": 1, "nodes": own }));
    let shown = json!({ "id": run, "status": "RUNNING", "attempt": 1, "job": { "name": "Nightly" }, "transfers": own });
    assert_eq!(found["jobRuns"], json!({ "totalCount": 1, "nodes": [shown] }));
    assert_eq!(found["job"]["runs"], json!([{ "id": run, "status": "RUNNING" }]));
    assert!(found["job"]["lastRunAt"].is_string() && found["jobRun"]["cancelRequestedAt"].is_null());

    let cancel = "mutation ($id: ID!) { run: cancelJobRun(id: $id) { id status cancelRequestedAt } }";
    let asked = admin.data(cancel, &json!({ "id": run })).await["run"].clone();
    assert_eq!((&asked["status"], asked["cancelRequestedAt"].is_string()), (&json!("RUNNING"), true));
    let path = format!("/api/jobs/{}/runs/{}", job["id"].as_str().expect("an id"), run.as_str().expect("an id"));
    assert_eq!(key.patch(&path, &json!({ "status": "cancelled" })).await.status, 200);
    assert_eq!(admin.data(query, &both).await["jobRun"]["status"], json!("CANCELLED"));
    let retry = "mutation ($id: ID!) { run: retryJobRun(id: $id) { id } }";
    assert_eq!(admin.ask(retry, &json!({ "id": run })).await.codes(), [""; 0]);
    assert_eq!(admin.ask(retry, &json!({ "id": job["id"] })).await.codes(), ["NOT_FOUND"]);
}

#[tokio::test]
async fn a_backfill_is_previewed_and_leaves_its_slots_in_the_slot_history() {
    let (app, _, agent, _) = with_agent().await;
    let admin = app.admin().await;
    let job = created(&admin, &agent, &json!({ "overlap": "ALLOW" })).await;
    let range = json!({ "id": job["id"], "from": "2026-04-25T10:00:00Z", "to": "2026-04-25T12:00:00Z" });
    let preview = "mutation ($id: ID!, $from: DateTime!, $to: DateTime!) {
        preview: previewBackfill(jobId: $id, from: $from, to: $to) { runCount slots { scheduledFor outcome willRun } } }";
    let found = admin.data(preview, &range).await["preview"].clone();
    assert_eq!((&found["runCount"], found["slots"].as_array().map(Vec::len)), (&json!(3), Some(3)));
    assert_eq!(found["slots"][0], json!({ "scheduledFor": "2026-04-25T10:00:00Z", "outcome": null, "willRun": true }));
    let slot_history = "query ($id: ID!) { jobSlots(jobId: $id) { nodes { scheduledFor outcome } } }";
    let named = json!({ "id": job["id"] });
    assert_eq!(admin.data(slot_history, &named).await["jobSlots"]["nodes"], json!([]), "a preview changes nothing");
    let backfill = "mutation ($id: ID!, $from: DateTime!, $to: DateTime!) {
        slots: backfillJob(jobId: $id, from: $from, to: $to) { id outcome } }";
    let decided = admin.data(backfill, &range).await["slots"].clone();
    assert_eq!(decided.as_array().map(Vec::len), Some(3));
    let slots = admin.data(slot_history, &named).await["jobSlots"]["nodes"].clone();
    assert_eq!(slots[0], json!({ "scheduledFor": "2026-04-25T12:00:00Z", "outcome": "PENDING" }));
    let filtered = "query ($id: ID!, $outcome: [SlotOutcome!]) {
        jobSlots(jobId: $id, filter: { outcome: $outcome }) { totalCount } }";
    for (outcome, count) in [(json!(["PENDING"]), 3), (json!(["RAN"]), 0), (json!(["RAN", "PENDING"]), 3)] {
        let found = admin.data(filtered, &json!({ "id": job["id"], "outcome": outcome })).await;
        assert_eq!(found["jobSlots"]["totalCount"], count);
    }
    assert_eq!(slots.as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_schedule_is_read_aloud_before_it_is_kept() {
    let (_app, _, _, user) = with_agent().await;
    let query = "query ($schedule: String!, $timezone: String!) {
        schedulePreview(schedule: $schedule, timezone: $timezone, first: 2) { description slots { at utcOffsetMinutes } } }";
    let variables = json!({ "schedule": "0 2 * * *", "timezone": "Africa/Johannesburg" });
    let preview = user.data(query, &variables).await["schedulePreview"].clone();
    assert_eq!(
        preview,
        json!({ "description": "Every day at 02:00, Africa/Johannesburg", "slots": [
            { "at": "2026-04-26T00:00:00Z", "utcOffsetMinutes": 120 },
            { "at": "2026-04-27T00:00:00Z", "utcOffsetMinutes": 120 },
        ] })
    );
    let wrong = json!({ "schedule": "0 2 * *", "timezone": "Mars/Olympus" });
    assert_eq!(user.ask(query, &wrong).await.wrong_arguments(), ["schedule"]);
}
