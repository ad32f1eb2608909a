//! Tests of exports of lists, most of them of `GET /api/transfers`.

use chrono::TimeDelta;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{insert_many, path, with_agent};
use crate::support::{Answer, Client, TestApp};

const PATH: &str = "/api/transfers";

async fn exported(client: &Client, format: &str, path: &str) -> Answer {
    let answer = client.with("Accept", format).get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.to_vec()).expect("text")
}

/// The objects of an export as NDJSON.
async fn objects(client: &Client, path: &str) -> Vec<Value> {
    lines(&text(&exported(client, "application/x-ndjson", path).await))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn destinations(objects: &[Value]) -> Vec<&str> {
    objects.iter().filter_map(|object| object["destination"].as_str()).collect()
}

#[tokio::test]
async fn csv_has_a_row_for_each_transfer_and_no_formulas() {
    let (app, customer, agent, client) = with_agent().await;
    let body = json!({ "source": "=1+1", "destination": "/a, \"b\"", "direction": "pull", "protocol": "local" });
    let created = client.post(PATH, &body).await.body["data"]["transfer"].clone();
    client.patch(&path(&created), &json!({ "status": "failed", "error": "-2 is no size" })).await;
    let answer = exported(&app.bearer(&customer.token), "text/csv", &format!("{PATH}?status=failed&limit=1")).await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let disposition = "attachment; filename=\"transfers_status-failed.csv\"";
    assert_eq!(answer.header("content-disposition"), Some(disposition));
    let text = text(&answer);
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("id,createdAt,status,source,destination,"), "{text}");
    let id = created["id"].as_str().expect("an id");
    let start = format!("{id},2026-04-25T13:00:00Z,failed,'=1+1,\"/a, \"\"b\"\"\",local,pull,{},", agent.id);
    assert!(lines[1].starts_with(&start), "{text}");
    assert!(lines[1].contains(",'-2 is no size,"), "{text}");
}

#[tokio::test]
async fn each_column_of_csv_is_a_field_of_a_transfer() {
    let (app, customer, _, client) = with_agent().await;
    let body = json!({ "source": "/in", "destination": "/out", "direction": "pull", "protocol": "local" });
    let created = client.post(PATH, &body).await.body["data"]["transfer"].clone();
    let text = text(&exported(&app.bearer(&customer.token), "text/csv", PATH).await);
    let header = text.split("\r\n").next().expect("a header");
    for column in header.split(',') {
        let field = column.split('.').try_fold(&created, |object, name| object.get(name));
        assert!(field.is_some(), "{column} is no field of {created}");
    }
    assert!(header.contains(",errorMessage,errorCode,checksumSha256,"), "{header}");
}

#[tokio::test]
async fn an_export_has_what_the_list_shows_in_its_order() {
    let (app, customer, agent, client) = with_agent().await;
    let other = app.customer("Other").await;
    let foreign = app.agent(other.id, "server2").await;
    let (user, admin) = (app.bearer(&customer.token), app.admin().await);
    for (size, status) in [(30, "completed"), (10, "failed"), (20, "completed")] {
        let body = json!({
            "source": "/in", "destination": format!("/{size}"), "direction": "pull", "protocol": "sftp", "size": size,
        });
        let created = client.post(PATH, &body).await;
        client.patch(&path(&created.body["data"]["transfer"]), &json!({ "status": status })).await;
        app.advance(TimeDelta::milliseconds(1));
    }
    app.transfer(&foreign).await;
    app.advance(TimeDelta::milliseconds(1));
    let list = user.get(PATH).await;
    assert_eq!(json!(objects(&user, PATH).await), list.body["data"]["transfers"]);
    assert_eq!(destinations(&objects(&user, &format!("{PATH}?sort=size")).await), ["/10", "/20", "/30"]);
    assert_eq!(destinations(&objects(&user, &format!("{PATH}?status=completed&sort=-size")).await), ["/30", "/20"]);
    assert_eq!(
        destinations(&objects(&admin, &format!("{PATH}?q=/in&agentId={}", agent.id)).await),
        ["/20", "/10", "/30"]
    );
    assert_eq!(objects(&admin, PATH).await.len(), 4);
    assert_eq!(objects(&user, &format!("{PATH}?status=running")).await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_export_of_many_pages_has_each_transfer_once() {
    let (app, customer, agent, _) = with_agent().await;
    insert_many(&app, customer.id, &agent, 1_203).await;
    app.advance(TimeDelta::milliseconds(1));
    let user = app.bearer(&customer.token);
    let newest_first: Vec<String> = (0..1_203).rev().map(|number| format!("/{number}")).collect();
    for query in ["", "?limit=3", "?protocol=local", "?q=/in", "?sort=-size"] {
        let found = objects(&user, &format!("{PATH}{query}")).await;
        assert_eq!(destinations(&found), newest_first, "{query}");
    }
    let found = objects(&user, &format!("{PATH}?sort=createdAt")).await;
    assert!(destinations(&found).into_iter().rev().eq(&newest_first));
}

#[tokio::test]
async fn a_transfer_that_changes_during_a_sorted_export_hides_no_other() {
    let (app, customer, agent, client) = with_agent().await;
    insert_many(&app, customer.id, &agent, 600).await;
    app.advance(TimeDelta::milliseconds(1));
    let user = app.bearer(&customer.token);
    let oldest_first = objects(&user, &format!("{PATH}?sort=createdAt")).await;
    let sized: Vec<Value> =
        (1..).zip(&oldest_first).map(|(size, object)| json!({ "id": object["id"], "size": size })).collect();
    for updates in sized.chunks(300) {
        assert_eq!(client.patch(PATH, &json!({ "updates": updates })).await.status, 200);
    }
    let mut pages = user.with("Accept", "application/x-ndjson").stream(&format!("{PATH}?sort=size")).await;
    let mut read = pages.next().await.expect("a page").expect("rows").to_vec();
    // The last one of the first page becomes the largest of all.
    let grown = client.patch(&path(&oldest_first[499]), &json!({ "size": 10_000 })).await;
    assert_eq!(grown.status, 200, "{}", grown.body);
    while let Some(rows) = pages.next().await {
        read.extend_from_slice(&rows.expect("rows"));
    }
    let mut expected: Vec<String> = (0..600).map(|number| format!("/{number}")).collect();
    expected.push("/499".to_owned());
    assert_eq!(destinations(&lines(&String::from_utf8(read).expect("text"))), expected);
}

#[tokio::test]
async fn an_export_ends_when_its_caller_is_suspended_or_signs_out() {
    let (app, customer, agent, _) = with_agent().await;
    insert_many(&app, customer.id, &agent, 501).await;
    let (user, admin) = (app.bearer(&customer.token), app.admin().await);
    for caller in [&user, &admin] {
        let mut pages = caller.with("Accept", "text/csv").stream(PATH).await;
        pages.next().await.expect("a page").expect("rows");
        pages.next().await.expect("a page").expect("rows");
        assert!(pages.next().await.is_none());
    }
    let mut of_user = user.with("Accept", "text/csv").stream(PATH).await;
    let mut of_admin = admin.with("Accept", "text/csv").stream(PATH).await;
    let suspended = admin.patch(&format!("/api/customers/{}", customer.id), &json!({ "suspended": true })).await;
    assert_eq!(suspended.status, 200, "{}", suspended.body);
    assert_eq!(admin.send("POST", "/api/auth/logout", None).await.status, 200);
    for pages in [&mut of_user, &mut of_admin] {
        pages.next().await.expect("a page").expect("rows");
        assert!(pages.next().await.expect("an end").is_err());
    }
}

#[tokio::test]
async fn agents_jobs_and_runs_are_exported_too() {
    let (app, _, agent, client) = with_agent().await;
    let admin = app.admin().await;
    let job = app.job(&agent, &json!({})).await;
    let runs = format!("/api/jobs/{job}/runs");
    assert_eq!(client.post(&runs, &json!({})).await.status, 201);
    for (path, list) in [("/api/agents", "agents"), ("/api/jobs", "jobs"), (runs.as_str(), "runs")] {
        let listed = admin.get(path).await.body["data"][list].clone();
        assert_eq!(json!(objects(&admin, path).await), listed, "{path}");
        let csv = text(&exported(&admin, "text/csv", path).await);
        assert!(csv.starts_with("id,") && csv.matches("\r\n").count() == 2, "{csv}");
        assert!(csv.contains(listed[0]["id"].as_str().expect("an id")), "{csv}");
    }
}

#[tokio::test]
async fn errors_are_answers_as_of_the_list() {
    let (app, customer, _, client) = with_agent().await;
    let csv = |client: &Client| client.with("Accept", "text/csv");
    let user = csv(&app.bearer(&customer.token));
    let wrong = user.get(&format!("{PATH}?status=gone")).await;
    assert_eq!((wrong.status, wrong.wrong_fields()), (400, vec!["status"]));
    assert_eq!(csv(&client).get(PATH).await.status, 401);
    assert_eq!(csv(&app.anonymous()).get(PATH).await.status, 401);
    // A list of JSON is preferred, or nothing is.
    for accept in ["*/*", "application/json, text/csv;q=0.5"] {
        let answer = app.bearer(&customer.token).with("Accept", accept).get(PATH).await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{accept}");
    }
}

#[tokio::test]
async fn an_export_counts_as_one_request() {
    let app = TestApp::with(&["--rate-limits", "user=2"]).await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    insert_many(&app, customer.id, &agent, 1_001).await;
    let user = app.bearer(&customer.token);
    let answer = exported(&user, "text/csv", PATH).await;
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(text(&answer).matches("\r\n").count(), 1_002);
}
