//! Subscriptions to pipeline runs.

use backend::{actor::Actor, ids::PipelineId, model::pipeline::run::PipelineRun};
use serde_json::{Value, json};

use super::Story;
use crate::{
    graphql::two_customers_and_callers::COPY,
    support::{PASSWORD, Subscriber, TestApp, app::TestDatabase, connected, socket_client::TestListener},
};

/// The subscription to pipeline runs in these tests.
const RUNS: &str = "subscription ($initial: Boolean) { pipelineRunUpdated(initial: $initial) \
                    { resync pipelineRun { id status revision steps { status progress } } } }";

/// A definition with a webhook.
const TELL: &str = "\
source: /out/orders.csv
destination: /in/orders.csv
steps:
  - { id: tell, type: webhook, url: \"https://example.com/hook\" }
";

/// Two steps in a line.
const LINE: &str = "\
source: /out/orders.csv
destination: /in/orders.csv
steps:
  - { id: fetch, type: transfer }
  - { id: check, type: checksum, needs: [fetch], path: /in/orders.csv }
";

impl Story {
    async fn pipeline(&self, identifier: &str, yaml: &str) -> PipelineId {
        self.app.pipeline(self.customer.id, identifier, yaml).await
    }

    /// A socket of an administrator.
    async fn administrator(&self, server: &TestListener) -> Subscriber {
        let email = "subscriber@example.com";
        self.app.user(&json!({ "email": email, "password": PASSWORD, "role": "admin" })).await;
        server.subscriber(&self.app.token(email).await).await
    }
}

/// The next state of a pipeline run.
async fn state(subscriber: &mut Subscriber, id: &str) -> Value {
    let mut frame = subscriber.data(id).await["pipelineRunUpdated"].take();
    assert_eq!(frame["resync"], false, "{frame}");
    frame["pipelineRun"].take()
}

/// A state of a run with two steps, in the form of [`RUNS`].
fn state_of(run: &PipelineRun, revision: i64, status: &str, steps: [(&str, Value); 2]) -> Value {
    let steps = steps.map(|(status, progress)| json!({ "status": status, "progress": progress }));
    json!({ "id": run.id, "status": status, "revision": revision, "steps": steps })
}

#[tokio::test]
async fn a_run_and_its_steps_are_seen_as_they_change() {
    let story = Story::begin().await;
    let pipeline = story.pipeline("orders", LINE).await;
    let before = story.app.run(pipeline).await;
    let server = story.app.listen().await;
    let mut subscriber = story.administrator(&server).await;
    subscriber.watch("runs", RUNS).await;
    story.app.cp().cancel_pipeline_run(&Actor::System, before.id).await.expect("it is cancelled");
    let seen = state(&mut subscriber, "runs").await;
    assert_eq!((&seen["id"], &seen["revision"]), (&json!(before.id), &json!(2)), "what is changed now comes first");

    let run = story.app.run(pipeline).await;
    let first = state(&mut subscriber, "runs").await;
    assert_eq!((&first["id"], &first["revision"]), (&json!(run.id), &json!(1)));
    let queued = || ("QUEUED", Value::Null);
    story.app.step(&story.agent, &run, "fetch", &json!({ "status": "running", "progress": 25 })).await;
    let expected = state_of(&run, 2, "RUNNING", [("RUNNING", json!(25.0)), queued()]);
    assert_eq!(state(&mut subscriber, "runs").await, expected);
    story.app.step(&story.agent, &run, "fetch", &json!({ "progress": 50 })).await;
    let expected = state_of(&run, 3, "RUNNING", [("RUNNING", json!(50.0)), queued()]);
    assert_eq!(state(&mut subscriber, "runs").await, expected);
    story.app.step(&story.agent, &run, "fetch", &json!({ "status": "completed" })).await;
    assert_eq!(state(&mut subscriber, "runs").await["steps"][0]["status"], "COMPLETED");
    story.app.step(&story.agent, &run, "check", &json!({ "status": "completed" })).await;
    let last = state(&mut subscriber, "runs").await;
    assert_eq!((&last["status"], &last["steps"][1]["status"]), (&json!("COMPLETED"), &json!("COMPLETED")));
    let query = "query ($id: ID!) { run: pipelineRun(id: $id) { id status revision steps { status progress } } }";
    let admin = story.app.admin().await;
    assert_eq!(admin.data(query, &json!({ "id": run.id })).await["run"], last, "as the database holds it");
}

#[tokio::test]
async fn a_subscriber_of_runs_begins_with_those_that_have_not_ended() {
    let story = Story::begin().await;
    let (orders, other) = (story.pipeline("orders", COPY).await, story.pipeline("other", COPY).await);
    let mut runs = Vec::new();
    for (pipeline, status) in
        [(orders, "completed"), (orders, "running"), (other, "running"), (orders, "failed"), (orders, "cancelled")]
    {
        let run = story.app.run(pipeline).await;
        story.app.step(&story.agent, &run, "transfer", &json!({ "status": status })).await;
        runs.push(run.id);
    }
    // Nobody has taken its only step up.
    story.app.redefine(orders, TELL, None).await;
    runs[4] = story.app.run(orders).await.id;
    let open = [runs[4], runs[2], runs[1]];
    let server = story.app.listen().await;
    let named = format!("ids: {}", json!([runs[0], runs[1], runs[4]]));
    let of_orders = format!("filter: {{ pipelineId: \"{orders}\" }}");
    let at_work = format!("filter: {{ pipelineId: \"{orders}\", status: RUNNING }}");
    let mut subscriber = story.administrator(&server).await;
    for (number, (arguments, expected)) in [
        ("", open.to_vec()),
        (named.as_str(), vec![runs[4], runs[1]]),
        (of_orders.as_str(), vec![runs[4], runs[1]]),
        (at_work.as_str(), vec![runs[1]]),
        ("filter: { status: QUEUED }", vec![runs[4]]),
        ("filter: { status: COMPLETED }", Vec::new()),
    ]
    .into_iter()
    .enumerate()
    {
        let id = number.to_string();
        let query = format!(
            "subscription {{ pipelineRunUpdated(initial: true {arguments}) {{ resync pipelineRun {{ id }} }} }}"
        );
        subscriber.subscribe(&id, &query).await;
        for run in expected {
            assert_eq!(state(&mut subscriber, &id).await, json!({ "id": run }), "{arguments}");
        }
        subscriber.send(&json!({ "type": "ping" })).await;
        assert_eq!(subscriber.receive().await, json!({ "type": "pong" }), "nothing else came with them: {arguments}");
    }
}

#[tokio::test]
async fn the_change_that_takes_a_run_out_of_a_filter_still_comes_and_others_do_not() {
    let story = Story::begin().await;
    let (orders, other) = (story.pipeline("orders", COPY).await, story.pipeline("other", COPY).await);
    let run = story.app.run(orders).await;
    let elsewhere = story.app.run(other).await;
    story.app.step(&story.agent, &run, "transfer", &json!({ "status": "running" })).await;
    let server = story.app.listen().await;
    let mut subscriber = story.administrator(&server).await;
    let query = format!(
        "subscription ($initial: Boolean) {{ pipelineRunUpdated(initial: $initial, filter: {{ pipelineId: \"{orders}\", \
         status: RUNNING }}) {{ resync pipelineRun {{ id status }} }} }}"
    );
    subscriber.watch("running", &query).await;
    let state_with = |status: &str| json!({ "id": run.id, "status": status });
    story.app.step(&story.agent, &elsewhere, "transfer", &json!({ "status": "running" })).await;
    story.app.step(&story.agent, &run, "transfer", &json!({ "progress": 50 })).await;
    assert_eq!(state(&mut subscriber, "running").await, state_with("RUNNING"));
    story.app.step(&story.agent, &elsewhere, "transfer", &json!({ "status": "completed" })).await;
    story.app.step(&story.agent, &run, "transfer", &json!({ "status": "completed" })).await;
    assert_eq!(state(&mut subscriber, "running").await, state_with("COMPLETED"));
}

#[tokio::test]
async fn a_run_that_ends_when_its_end_is_asked_for_leaves_the_filter_it_was_in() {
    let story = Story::begin().await;
    let pipeline = story.pipeline("tell", TELL).await;
    let run = story.app.run(pipeline).await;
    let server = story.app.listen().await;
    let mut subscriber = story.administrator(&server).await;
    let query = "subscription ($initial: Boolean) { pipelineRunUpdated(initial: $initial, filter: { status: QUEUED }) \
                 { resync pipelineRun { id status cancelRequestedAt } } }";
    subscriber.watch("queued", query).await;
    story.app.cp().cancel_pipeline_run(&Actor::System, run.id).await.expect("it is cancelled");
    let seen = state(&mut subscriber, "queued").await;
    assert_eq!((&seen["id"], &seen["status"]), (&json!(run.id), &json!("CANCELLED")));
}

#[tokio::test]
async fn a_pipeline_that_is_deleted_with_its_runs_is_the_call_to_ask_again() {
    let story = Story::begin().await;
    let (orders, other) = (story.pipeline("orders", COPY).await, story.pipeline("other", COPY).await);
    story.app.run(orders).await;
    let run = story.app.run(other).await;
    story.app.step(&story.agent, &run, "transfer", &json!({ "status": "completed" })).await;
    let server = story.app.listen().await;
    let mut subscriber = story.administrator(&server).await;
    subscriber.watch("all", RUNS).await;
    let admin = story.app.admin().await;
    assert_eq!(admin.delete("/api/pipelines/other").await.status, 200);
    let resync = json!({ "pipelineRunUpdated": { "resync": true, "pipelineRun": null } });
    assert_eq!(subscriber.data("all").await, resync);
    assert_eq!(admin.delete("/api/pipelines/orders").await.status, 200);
    let mut frame = subscriber.data("all").await;
    if frame != resync {
        // The end of the run that was at work, where it was not overtaken by the deletion.
        assert_eq!(frame["pipelineRunUpdated"]["pipelineRun"]["status"], "CANCELLED", "{frame}");
        frame = subscriber.data("all").await;
    }
    assert_eq!(frame, resync);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_subscriber_on_one_server_sees_a_run_go_its_way_on_another() {
    let database = TestDatabase::shared().await;
    let one = TestApp::on(&database, &["--rate-limits", "off"]).await;
    let other = TestApp::on(&database, &["--rate-limits", "off"]).await;
    connected(&one).await;
    connected(&other).await;
    let story = Story::on(one).await;
    let pipeline = story.pipeline("orders", LINE).await;
    other.run(pipeline).await;
    let server = story.app.listen().await;
    let mut subscriber = story.administrator(&server).await;
    subscriber.watch("all", RUNS).await;
    let run = other.run(pipeline).await;
    assert_eq!(state(&mut subscriber, "all").await["revision"], 1);
    for (app, step, status) in
        [(&other, "fetch", "running"), (&story.app, "fetch", "completed"), (&other, "check", "completed")]
    {
        app.step(&story.agent, &run, step, &json!({ "status": status })).await;
        let steps = state(&mut subscriber, "all").await["steps"].clone();
        let place = usize::from(step == "check");
        assert_eq!(steps[place]["status"], status.to_uppercase());
    }
    let admin = story.app.admin().await;
    assert_eq!(admin.delete("/api/pipelines/orders").await.status, 200);
    let resync = json!({ "pipelineRunUpdated": { "resync": true, "pipelineRun": null } });
    while subscriber.data("all").await != resync {}
}
