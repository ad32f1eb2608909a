//! Tests of `GET /api/transfers`: filters and totals.

use backend::{
    clock::Clock,
    ids::{CustomerId, IdGenerator},
    model::transfer::{Direction, Protocol, TransferState, TransferStatus},
    store::{
        transfer_counts::Deltas,
        transfers::{self, TransferRow},
    },
};
use chrono::TimeDelta;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rstest::rstest;
use serde_json::{Value, json};

use super::{path, with_agent};
use crate::support::{Answer, Client, TestApp, app::TestAgent};

const PATH: &str = "/api/transfers";

/// The destinations of the transfers on a page, by which the tests identify transfers.
fn destinations(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let transfers = answer.body["data"]["transfers"].as_array().expect("transfers");
    transfers.iter().filter_map(|transfer| transfer["destination"].as_str()).collect()
}

fn total(answer: &Answer) -> &Value {
    &answer.body["data"]["pagination"]["total"]
}

async fn create(app: &TestApp, agent: &TestAgent, source: &str, destination: &str) -> Value {
    let body = json!({ "source": source, "destination": destination, "direction": "pull", "protocol": "sftp" });
    let answer = app.key(&agent.key).post(PATH, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body["data"]["transfer"].clone()
}

#[tokio::test]
async fn transfers_are_listed_newest_first_as_they_are() {
    let (app, customer, agent, _) = with_agent().await;
    let first = app.transfer(&agent).await;
    app.advance(TimeDelta::milliseconds(1));
    let second = app.transfer(&agent).await;
    let third = app.transfer(&agent).await;
    let answer = app.bearer(&customer.token).get(PATH).await;
    assert_eq!(
        answer.body,
        json!({ "success": true, "data": {
        "transfers": [third, second, first], "pagination": { "page": 1, "limit": 20, "total": 3, "pages": 1 },
    } })
    );
}

/// Three transfers: `/one` by sftp to the agent, `/two` by ftp from it and running, `/three` by ftp to another agent.
async fn assorted() -> (TestApp, Client, TestAgent) {
    let (app, customer, agent, client) = with_agent().await;
    let other = app.agent(customer.id, "server2").await;
    create(&app, &agent, "/in", "/one").await;
    let body = json!({ "source": "/in", "destination": "/two", "direction": "push", "protocol": "ftp" });
    let two = client.post(PATH, &body).await.body["data"]["transfer"].clone();
    client.patch(&path(&two), &json!({ "status": "running" })).await;
    let body = json!({ "source": "/in", "destination": "/three", "direction": "pull", "protocol": "ftp" });
    app.key(&other.key).post(PATH, &body).await;
    let user = app.bearer(&customer.token);
    (app, user, agent)
}

#[rstest]
#[case("", &["/three", "/two", "/one"])]
#[case("status=queued", &["/three", "/one"])]
#[case("status=running", &["/two"])]
#[case("status=failed", &[])]
#[case("agentId={agent}", &["/two", "/one"])]
#[case("agentId={agent}&status=queued", &["/one"])]
#[case("agentId=0199c1f0-6c00-7000-8000-000000000001", &[])]
#[case("protocol=ftp", &["/three", "/two"])]
#[case("protocol=ftps", &[])]
#[case("direction=pull", &["/three", "/one"])]
#[case("direction=pull&protocol=ftp", &["/three"])]
#[case("direction=push&protocol=ftp&status=running&agentId={agent}", &["/two"])]
#[case("direction=push&status=queued", &[])]
#[case("search=t", &["/three", "/two"])]
#[case("search=t&agentId={agent}", &["/two"])]
#[case("search=t&status=queued", &["/three"])]
#[tokio::test]
async fn all_conditions_must_hold_and_the_total_counts_what_they_leave(#[case] query: &str, #[case] found: &[&str]) {
    let (app, user, agent) = assorted().await;
    let query = query.replace("{agent}", &agent.id.to_string());
    for client in [user, app.admin().await] {
        let answer = client.get(&format!("{PATH}?{query}")).await;
        assert_eq!(destinations(&answer), found);
        assert_eq!(total(&answer), found.len());
        assert_eq!(answer.body["data"]["pagination"].get("totalIsAtLeast"), None);
    }
}

#[tokio::test]
async fn additive_filters_have_pages_too() {
    let (_app, user, _) = assorted().await;
    let second = user.get(&format!("{PATH}?protocol=ftp&page=2&limit=1")).await;
    assert_eq!(destinations(&second), ["/two"]);
    assert_eq!(second.body["data"]["pagination"], json!({ "page": 2, "limit": 1, "total": 2, "pages": 2 }));
    let past = user.get(&format!("{PATH}?protocol=ftp&page=9223372036854775807&limit=100")).await;
    assert_eq!((destinations(&past).len(), total(&past)), (0, &json!(2)));
}

#[rstest]
#[case("status=Running", "status")]
#[case("status=", "status")]
#[case("agentId=server1", "agentId")]
#[case("protocol=scp", "protocol")]
#[case("direction=up", "direction")]
#[case("createdAfter=yesterday", "createdAfter")]
#[case("createdAfter=2026-04-25", "createdAfter")]
#[case("createdBefore=2026-13-01T00:00:00Z", "createdBefore")]
#[case("createdBefore=99999-01-01T00:00:00Z", "createdBefore")]
#[case("completedAfter=yesterday", "completedAfter")]
#[case("search=a%00b", "search")]
#[tokio::test]
async fn a_condition_that_is_wrong_is_400(#[case] query: &str, #[case] wrong: &str) {
    let (app, _, _, _) = with_agent().await;
    let answer = app.admin().await.get(&format!("{PATH}?{query}")).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec![wrong]));
}

/// `/0` to `/3` are created at 13:00:00.000, .001, .002 and .003.
#[rstest]
#[case("createdAfter=2026-04-25T13:00:00Z", &["/3", "/2", "/1"])]
#[case("createdAfter=2026-04-25T13:00:00.001Z", &["/3", "/2"])]
#[case("createdAfter=2026-04-25T13:00:00.0019Z", &["/3", "/2"])]
#[case("createdAfter=2026-04-25T12:59:59.999Z", &["/3", "/2", "/1", "/0"])]
#[case("createdAfter=2026-04-25T13:00:00.003Z", &[])]
#[case("createdBefore=2026-04-25T13:00:00Z", &[])]
#[case("createdBefore=2026-04-25T13:00:00.001Z", &["/0"])]
#[case("createdBefore=2026-04-25T13:00:00.0011Z", &["/1", "/0"])]
#[case("createdBefore=2026-04-25T15:00:00.002%2B02:00", &["/1", "/0"])]
#[case("createdAfter=2026-04-25T13:00:00Z&createdBefore=2026-04-25T13:00:00.003Z", &["/2", "/1"])]
#[case("createdAfter=2026-04-25T13:00:00.003Z&createdBefore=2026-04-25T13:00:00Z", &[])]
#[case("createdAfter=1970-01-01T00:00:00Z&createdBefore=9999-12-31T23:59:59Z", &["/3", "/2", "/1", "/0"])]
#[tokio::test]
async fn after_and_before_leave_out_the_instant_itself(#[case] query: &str, #[case] found: &[&str]) {
    let (app, _, agent, _) = with_agent().await;
    for destination in ["/0", "/1", "/2", "/3"] {
        create(&app, &agent, "/in", destination).await;
        app.advance(TimeDelta::milliseconds(1));
    }
    let answer = app.admin().await.get(&format!("{PATH}?{query}")).await;
    assert_eq!(destinations(&answer), found);
    assert_eq!(total(&answer), found.len());
}

/// `/0` completes at 13:00:00.000, `/1` fails at .001, `/2` completes at .002, and `/3` does not end.
#[rstest]
#[case("completedAfter=2026-04-25T12:59:59.999Z", &["/2", "/1", "/0"])]
#[case("completedAfter=2026-04-25T13:00:00Z", &["/2", "/1"])]
#[case("completedAfter=2026-04-25T13:00:00.0009Z", &["/2", "/1"])]
#[case("completedAfter=2026-04-25T13:00:00.002Z", &[])]
#[case("completedAfter=2026-04-25T12:00:00Z&status=failed", &["/1"])]
#[case("completedAfter=2026-04-25T13:00:00.001Z&status=failed", &[])]
#[tokio::test]
async fn transfers_that_ended_after_a_time_are_found(#[case] query: &str, #[case] found: &[&str]) {
    let (app, _, agent, client) = with_agent().await;
    let mut created = Vec::new();
    for destination in ["/0", "/1", "/2", "/3"] {
        created.push(create(&app, &agent, "/in", destination).await);
    }
    for (transfer, status) in created.iter().zip(["completed", "failed", "completed"]) {
        let answer = client.patch(&path(transfer), &json!({ "status": status })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        app.advance(TimeDelta::milliseconds(1));
    }
    let answer = app.admin().await.get(&format!("{PATH}?{query}")).await;
    assert_eq!(destinations(&answer), found);
    assert_eq!(total(&answer), found.len());
}

/// The source and destination of each searched transfer.
const NAMED: [(&str, &str); 6] = [
    ("sftp://h/in/Orders-2026.CSV?v=1", "/out/1"),
    ("/in/x", "/out/orders_final.csv"),
    ("/orders/in/x", "/out/3"),
    ("sftp://h/100%25%20sure.txt", "/out/4"),
    ("/in/ÉTÉ.txt", "/out/5"),
    ("/in/100%25.txt", "/out/6"),
];

#[rstest]
#[case("orders", &["/out/orders_final.csv", "/out/1"])]
#[case("ORDERS-", &["/out/1"])]
#[case("orders-2026.csv", &["/out/1"])]
#[case("orders-2026.csv?v", &[])]
#[case("orders_", &["/out/orders_final.csv"])]
#[case("rders", &[])]
#[case("in", &[])]
#[case("3", &["/out/3"])]
#[case("%", &[])]
#[case("100% s", &["/out/4"])]
#[case("100%25", &["/out/6"])]
#[case("été", &["/out/5"])]
#[case("' OR 1=1 --", &[])]
#[case("", &["/out/6", "/out/5", "/out/4", "/out/3", "/out/orders_final.csv", "/out/1"])]
#[tokio::test]
async fn a_search_finds_how_a_file_name_begins_whatever_its_case(#[case] text: &str, #[case] found: &[&str]) {
    let (app, _, agent, _) = with_agent().await;
    for (source, destination) in NAMED {
        create(&app, &agent, source, destination).await;
    }
    let text = utf8_percent_encode(text, NON_ALPHANUMERIC);
    let answer = app.admin().await.get(&format!("{PATH}?search={text}")).await;
    assert_eq!(destinations(&answer), found);
    assert_eq!(total(&answer), found.len());
}

/// A search text of the maximum length, with the characters that have the most bytes.
#[tokio::test]
async fn long_file_names_are_found_by_all_of_their_text() {
    let (app, _, agent, _) = with_agent().await;
    let (long, longer) = ("\u{10348}".repeat(255), "\u{10348}".repeat(300));
    create(&app, &agent, &format!("/in/{long}"), &format!("/out/{longer}")).await;
    for text in [&long[..4], &long] {
        let text = utf8_percent_encode(text, NON_ALPHANUMERIC);
        assert_eq!(total(&app.admin().await.get(&format!("{PATH}?search={text}")).await), 1);
    }
}

/// The totals of one caller with and without an agent, by status and in all, read from lists of one item.
async fn totals(client: &Client, agent: Option<&TestAgent>) -> Value {
    let mut totals = Vec::new();
    for status in ["queued", "running", "completed", "failed", "cancelled", ""] {
        let mut query = String::from("limit=1");
        if !status.is_empty() {
            query.push_str("&status=");
            query.push_str(status);
        }
        if let Some(agent) = agent {
            query.push_str("&agentId=");
            query.push_str(&agent.id.to_string());
        }
        totals.push(total(&client.get(&format!("{PATH}?{query}")).await).clone());
    }
    json!(totals)
}

#[tokio::test]
async fn totals_are_exact_for_each_caller_after_every_kind_of_change() {
    let (app, customer, agent, client) = with_agent().await;
    let second = app.agent(customer.id, "server2").await;
    let other = app.customer("Other").await;
    let foreign = app.agent(other.id, "server3").await;
    let (user, other, admin) = (app.bearer(&customer.token), app.bearer(&other.token), app.admin().await);
    let mut own = Vec::new();
    for _ in 0..5 {
        own.push(app.transfer(&agent).await);
    }
    for _ in 0..2 {
        app.transfer(&second).await;
        app.transfer(&foreign).await;
    }
    assert_eq!(totals(&user, None).await, json!([7, 0, 0, 0, 0, 7]));
    assert_eq!(totals(&admin, None).await, json!([9, 0, 0, 0, 0, 9]));

    client.patch(&path(&own[0]), &json!({ "status": "running" })).await;
    client.patch(&path(&own[1]), &json!({ "status": "completed" })).await;
    // Refused, unchanged and ignored ones count nothing.
    client.patch(&path(&own[1]), &json!({ "status": "failed" })).await;
    client.patch(&path(&own[1]), &json!({ "status": "completed" })).await;
    let updates: Vec<Value> = ["running", "failed", "running", "failed"]
        .iter()
        .map(|status| json!({ "id": own[2]["id"], "status": status }))
        .collect();
    client.patch(PATH, &json!({ "updates": updates })).await;
    client.patch(&path(&own[3]), &json!({ "status": "cancelled" })).await;
    let wrong = json!({ "source": "/a", "destination": "/b", "direction": "pull", "protocol": "scp" });
    assert_eq!(client.post(PATH, &wrong).await.status, 400);

    assert_eq!(totals(&user, None).await, json!([3, 1, 1, 1, 1, 7]));
    assert_eq!(totals(&user, Some(&agent)).await, json!([1, 1, 1, 1, 1, 5]));
    assert_eq!(totals(&user, Some(&second)).await, json!([2, 0, 0, 0, 0, 2]));
    assert_eq!(totals(&user, Some(&foreign)).await, json!([0, 0, 0, 0, 0, 0]));
    assert_eq!(totals(&other, None).await, json!([2, 0, 0, 0, 0, 2]));
    assert_eq!(totals(&admin, None).await, json!([5, 1, 1, 1, 1, 9]));
    assert_eq!(totals(&admin, Some(&foreign)).await, json!([2, 0, 0, 0, 0, 2]));
}

/// Stores this many transfers of this agent, pushed by the protocol `local`, without reports.
pub(crate) async fn insert_many(app: &TestApp, customer: CustomerId, agent: &TestAgent, count: usize) {
    let (ids, now) = (IdGenerator::seeded(7), Clock::manual(app.clock.clone()).now());
    let mut tx = app.app.db.begin().await.expect("a transaction");
    let mut deltas = Deltas::default();
    for number in 0..count {
        let row = TransferRow {
            id: ids.next(now),
            customer_id: customer,
            agent_id: agent.id,
            source: "/in".to_owned(),
            destination: format!("/{number}"),
            protocol: Protocol::Local,
            direction: Direction::Push,
            created_at: now,
            job_run_id: None,
            pipeline_run_id: None,
            state: TransferState::new(None),
            agent_name: None,
            agent_hostname: String::new(),
        };
        transfers::insert(&mut tx, &row, "in", &number.to_string()).await.expect("a row");
        deltas.note(customer, agent.id, None, TransferStatus::Queued);
    }
    deltas.apply(&mut tx).await.expect("counted");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn counting_by_additive_filters_stops_at_ten_thousand_and_says_so() {
    let (app, customer, agent, _) = with_agent().await;
    insert_many(&app, customer.id, &agent, 10_001).await;
    let user = app.bearer(&customer.token);
    let counted = user.get(&format!("{PATH}?limit=100&page=101")).await;
    let exact = json!({ "page": 101, "limit": 100, "total": 10_001, "pages": 101 });
    assert_eq!(counted.body["data"]["pagination"], exact);
    assert_eq!(destinations(&counted), ["/0"]);
    let additive = user.get(&format!("{PATH}?protocol=local&limit=100")).await;
    let bounded = json!({ "page": 1, "limit": 100, "total": 10_000, "pages": 100, "totalIsAtLeast": true });
    assert_eq!(additive.body["data"]["pagination"], bounded);
    assert_eq!(destinations(&additive)[..2], ["/10000", "/9999"]);
    // Items beyond the limit of counting can still be read.
    let behind = user.get(&format!("{PATH}?protocol=local&limit=100&page=101")).await;
    assert_eq!(destinations(&behind), ["/0"]);
    let before = user.get(&format!("{PATH}?protocol=local&limit=73&page=137")).await;
    assert_eq!((destinations(&before).len(), destinations(&before).last()), (73, Some(&"/0")));
    let fewer = user.get(&format!("{PATH}?search=100")).await;
    assert_eq!(fewer.body["data"]["pagination"], json!({ "page": 1, "limit": 20, "total": 12, "pages": 1 }));
}
