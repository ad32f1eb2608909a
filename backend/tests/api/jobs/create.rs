//! Tests of `POST /api/jobs`.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{TestApp, app::START};

const PATH: &str = "/api/jobs";

fn example(agent: &Value, fields: &Value) -> Value {
    let mut body = json!({
        "agentId": agent, "name": "Daily backup", "sourcePath": "/remote/backup/", "destinationPath": "/local/backups/",
        "schedule": "0 2 * * *", "protocol": "sftp", "direction": "pull", "enabled": true,
    });
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    body
}

#[tokio::test]
async fn a_job_is_made_as_the_published_page_shows_it() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let admin = app.admin().await;
    let answer = admin.post(PATH, &example(&json!(agent.id), &json!({}))).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let id = &answer.body["data"]["job"]["id"];
    assert_eq!(
        answer.body,
        json!({ "success": true, "data": { "job": {
            "id": id, "agentId": agent.id, "name": "Daily backup", "source": "/remote/backup/",
            "destination": "/local/backups/", "schedule": "0 2 * * *", "protocol": "sftp", "direction": "pull",
            "enabled": true, "lastRunAt": null, "createdAt": START,
            "agent": { "id": agent.id, "name": "server1", "hostname": "server1" }, "customerId": customer.id,
            "timezone": "UTC", "overlap": "skip", "catchUp": "last", "retry": null,
            "nextRunAt": "2026-04-26T02:00:00Z", "credentials": null, "endpoint": null, "onExists": null,
            "afterSuccess": null, "preserve": null, "onFileError": null, "symlinks": null, "verify": null, "revision": 1,
        } } })
    );
    let path = format!("{PATH}/{}", id.as_str().expect("an id"));
    for client in [admin, app.bearer(&customer.token)] {
        let stored = client.get(&path).await;
        assert_eq!((stored.status, &stored.body), (200, &answer.body));
    }
}

#[tokio::test]
async fn what_is_additive_is_kept_as_it_was_sent() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "server1").await;
    let fields = json!({
        "schedule": " 30  3 * * mon-FRI ", "timezone": "Africa/Johannesburg", "overlap": "queue", "catchUp": "all",
        "retry": { "maxAttempts": 3, "initialDelay": "90s", "factor": 4, "maxDelay": "1h" }, "enabled": false,
    });
    let answer = app.admin().await.post(PATH, &example(&json!(agent.id), &fields)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let job = &answer.body["data"]["job"];
    assert_eq!(job["schedule"], fields["schedule"]);
    assert_eq!(
        (&job["timezone"], &job["overlap"], &job["catchUp"]),
        (&fields["timezone"], &json!("queue"), &json!("all"))
    );
    let retry = json!({ "maxAttempts": 3, "initialDelay": "1m30s", "factor": 4.0, "maxDelay": "1h" });
    assert_eq!((&job["retry"], &job["nextRunAt"]), (&retry, &Value::Null));
}

#[rstest]
#[case(json!({ "agentId": "0199c1f0-6c00-7000-8000-000000000001" }), &["agentId"])]
#[case(json!({ "agentId": "x", "name": "", "protocol": "smtp", "direction": null }), &["agentId", "direction", "name", "protocol"])]
#[case(json!({ "schedule": "0 2 * *" }), &["schedule"])]
#[case(json!({ "schedule": "0 0 31 2 *" }), &["schedule"])]
#[case(json!({ "schedule": "0 0 2 * * 1" }), &["schedule"])]
#[case(json!({ "timezone": "Mars/Olympus" }), &["timezone"])]
#[case(json!({ "overlap": "maybe", "catchUp": "some", "enabled": "yes" }), &["catchUp", "enabled", "overlap"])]
#[case(json!({ "retry": { "maxAttempts": 0 } }), &["retry"])]
#[case(json!({ "retry": { "maxAttempts": 3, "initialDelay": "soon" } }), &["retry"])]
#[case(json!({ "source": "/another/" }), &["sourcePath"])]
#[tokio::test]
async fn everything_wrong_with_a_job_is_said_at_once(#[case] fields: Value, #[case] wrong: &[&str]) {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "server1").await;
    let answer = app.admin().await.post(PATH, &example(&json!(agent.id), &fields)).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, wrong.to_vec()), "{}", answer.body);
}

#[tokio::test]
async fn a_password_in_a_location_is_refused_and_named_credentials_are_proposed() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "server1").await;
    let fields = json!({ "sourcePath": "sftp://me:secret@host/a", "destinationPath": "ftp://me:secret@host/b" });
    let answer = app.admin().await.post(PATH, &example(&json!(agent.id), &fields)).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec!["destinationPath", "sourcePath"]));
    let said = answer.body.to_string();
    assert!(said.contains("name a `credentials` set of the agent instead") && !said.contains("secret"), "{said}");
}

#[tokio::test]
async fn the_same_request_again_makes_one_job() {
    let app = TestApp::start().await;
    let agent = app.agent(app.customer("acme").await.id, "server1").await;
    let admin = app.admin().await.with("Idempotency-Key", "once");
    let first = admin.post(PATH, &example(&json!(agent.id), &json!({}))).await;
    let again = admin.post(PATH, &example(&json!(agent.id), &json!({}))).await;
    assert_eq!((first.status, again.status, &first.body), (201, 201, &again.body));
    assert_eq!(admin.get(PATH).await.body["data"]["pagination"]["total"], 1);
}
