//! Tests of `GET /api/transfers`: its orders, and the filters by customer and by stalls.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::{path, with_agent};
use crate::support::{Client, TestApp, app::TestAgent};

const PATH: &str = "/api/transfers";

/// Creates a transfer to this destination and applies the reports, each after a number of seconds. Returns its path.
async fn transfer(
    app: &TestApp,
    agent: &TestAgent,
    destination: &str,
    size: Option<u64>,
    reports: &[(i64, Value)],
) -> String {
    let mut body = json!({ "source": "/in", "destination": destination, "direction": "pull", "protocol": "sftp" });
    if let Some(size) = size {
        body["size"] = json!(size);
    }
    let client = app.key(&agent.key);
    let answer = client.post(PATH, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let path = path(&answer.body["data"]["transfer"]);
    for (seconds, report) in reports {
        app.advance(TimeDelta::seconds(*seconds));
        let answer = client.patch(&path, report).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    app.advance(TimeDelta::milliseconds(1));
    path
}

/// Seven transfers in the order of their creation. Ended are `/slow` (300 bytes in 10 s), `/failed` (5 s), `/fast` (200 bytes
/// in 1 s) and `/sudden`, which never ran.
async fn assorted() -> (TestApp, Client, TestAgent) {
    let (app, customer, agent, _) = with_agent().await;
    let running = || (1, json!({ "status": "running" }));
    transfer(&app, &agent, "/slow", Some(300), &[running(), (10, json!({ "status": "completed" }))]).await;
    transfer(&app, &agent, "/running", Some(100), &[running(), (1, json!({ "bytesTransferred": 50 }))]).await;
    transfer(&app, &agent, "/failed", None, &[running(), (5, json!({ "status": "failed", "error": "gone" }))]).await;
    let grown = [running(), (0, json!({ "size": 200 })), (1, json!({ "status": "completed" }))];
    transfer(&app, &agent, "/fast", None, &grown).await;
    transfer(&app, &agent, "/queued", None, &[]).await;
    transfer(&app, &agent, "/sudden", Some(900), &[(1, json!({ "status": "completed" }))]).await;
    let again = [running(), (1, json!({ "status": "failed" })), (1, json!({ "status": "queued" }))];
    transfer(&app, &agent, "/again", Some(400), &again).await;
    let user = app.bearer(&customer.token);
    (app, user, agent)
}

/// The destinations on a page of this list.
async fn listed(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("{PATH}?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let transfers = answer.body["data"]["transfers"].as_array().expect("transfers");
    transfers.iter().filter_map(|transfer| transfer["destination"].as_str()).map(str::to_owned).collect()
}

/// Each order with its list.
const ORDERS: [(&str, [&str; 7]); 10] = [
    ("createdAt", ["/slow", "/running", "/failed", "/fast", "/queued", "/sudden", "/again"]),
    ("-createdAt", ["/again", "/sudden", "/queued", "/fast", "/failed", "/running", "/slow"]),
    ("completedAt", ["/slow", "/failed", "/fast", "/sudden", "/running", "/queued", "/again"]),
    ("-completedAt", ["/sudden", "/fast", "/failed", "/slow", "/again", "/queued", "/running"]),
    ("size", ["/running", "/fast", "/slow", "/again", "/sudden", "/failed", "/queued"]),
    ("-size", ["/sudden", "/again", "/slow", "/fast", "/running", "/queued", "/failed"]),
    ("duration", ["/fast", "/failed", "/slow", "/running", "/queued", "/sudden", "/again"]),
    ("-duration", ["/slow", "/failed", "/fast", "/again", "/sudden", "/queued", "/running"]),
    ("speed", ["/slow", "/fast", "/running", "/failed", "/queued", "/sudden", "/again"]),
    ("-speed", ["/fast", "/slow", "/again", "/sudden", "/queued", "/failed", "/running"]),
];

#[tokio::test]
async fn transfers_without_the_value_come_last_in_either_direction() {
    let (app, user, agent) = assorted().await;
    for client in [&user, &app.admin().await] {
        for (sort, expected) in ORDERS {
            assert_eq!(listed(client, &format!("sort={sort}")).await, expected, "{sort}");
            let own = format!("sort={sort}&agentId={}", agent.id);
            assert_eq!(listed(client, &own).await, expected, "{own}");
        }
    }
}

#[tokio::test]
async fn pages_of_any_size_hold_each_transfer_once_and_in_order() {
    let (_app, user, _) = assorted().await;
    for filter in ["", "&protocol=sftp"] {
        for (sort, expected) in ORDERS {
            for limit in [1, 2, 3, 6, 7, 8] {
                let mut walked = Vec::new();
                for page in 1..=expected.len().div_ceil(limit) + 1 {
                    walked.extend(listed(&user, &format!("sort={sort}&limit={limit}&page={page}{filter}")).await);
                }
                assert_eq!(walked, expected, "{sort}{filter}, pages of {limit}");
            }
        }
    }
}

#[tokio::test]
async fn connections_are_walked_in_the_same_orders_from_both_ends() {
    let (app, user, _) = assorted().await;
    for client in [&user, &app.admin().await] {
        for (sort, expected) in ORDERS {
            let (descending, field) = sort.strip_prefix('-').map_or((false, sort), |field| (true, field));
            let field = field.replace("At", "_at").to_uppercase();
            for (size, begin, beyond, step) in [(2, "first", "after", "end"), (3, "last", "before", "start")] {
                let (mut walked, mut cursor) = (Vec::new(), String::new());
                loop {
                    let question = format!(
                        "{{ transfers({begin}: {size} {cursor} sort: {{ field: {field} descending: {descending} }}) {{ \
                         totalCount pageInfo {{ {step}Cursor }} nodes {{ destination }} }} }}"
                    );
                    let page = client.data(&question, &Value::Null).await["transfers"].clone();
                    assert_eq!(page["totalCount"], expected.len());
                    let nodes = page["nodes"].as_array().expect("nodes").iter();
                    let nodes: Vec<String> =
                        nodes.filter_map(|node| node["destination"].as_str()).map(str::to_owned).collect();
                    if nodes.is_empty() {
                        break;
                    }
                    if begin == "first" {
                        walked.extend(nodes);
                    } else {
                        walked.splice(0..0, nodes);
                    }
                    cursor = format!("{beyond}: {}", page["pageInfo"][format!("{step}Cursor")]);
                }
                assert_eq!(walked, expected, "{sort}, {begin} {size}");
            }
        }
    }
}

#[tokio::test]
async fn a_transfer_that_is_retried_has_no_duration_until_it_ends_again() {
    let (app, customer, agent, client) = with_agent().await;
    let (user, second) = (app.bearer(&customer.token), TimeDelta::seconds(1));
    let running = || (0, json!({ "status": "running" }));
    transfer(&app, &agent, "/other", None, &[running(), (2, json!({ "status": "failed" }))]).await;
    let twice = transfer(&app, &agent, "/twice", None, &[running(), (3, json!({ "status": "failed" }))]).await;
    assert_eq!(listed(&user, "sort=-duration").await, ["/twice", "/other"]);
    client.patch(&twice, &json!({ "status": "running" })).await;
    assert_eq!(listed(&user, "sort=-duration").await, ["/other", "/twice"]);
    app.advance(second);
    client.patch(&twice, &json!({ "status": "completed", "bytesTransferred": 90 })).await;
    assert_eq!(listed(&user, "sort=-duration").await, ["/twice", "/other"]);
    assert_eq!(listed(&user, "sort=speed").await, ["/twice", "/other"]);
}

#[tokio::test]
async fn a_status_without_values_is_listed_by_creation() {
    let (_app, user, _) = assorted().await;
    assert_eq!(listed(&user, "sort=speed&status=queued").await, ["/queued", "/again"]);
    assert_eq!(listed(&user, "sort=-completedAt&status=queued").await, ["/again", "/queued"]);
    assert_eq!(listed(&user, "sort=-duration&status=completed").await, ["/slow", "/fast", "/sudden"]);
}

#[rstest]
#[case("sort=name", "sort")]
#[case("sort=", "sort")]
#[case("sort=-", "sort")]
#[case("sort=%2Bsize", "sort")]
#[case("stalled=yes", "stalled")]
#[case("customerId=acme", "customerId")]
#[tokio::test]
async fn what_cannot_be_sorted_or_filtered_by_is_named(#[case] query: &str, #[case] wrong: &str) {
    let (app, _, _, _) = with_agent().await;
    let answer = app.admin().await.get(&format!("{PATH}?{query}")).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec![wrong]));
}

#[tokio::test]
async fn a_customer_is_a_filter_for_administrators_and_shows_others_nothing() {
    let (app, user, agent) = assorted().await;
    let other = app.customer("Other").await;
    let foreign = app.agent(other.id, "server2").await;
    transfer(&app, &foreign, "/foreign", Some(1), &[]).await;
    let (admin, other_user) = (app.admin().await, app.bearer(&other.token));
    let of_other = format!("customerId={}", other.id);
    assert_eq!(listed(&admin, &of_other).await, ["/foreign"]);
    assert_eq!(listed(&other_user, &of_other).await, ["/foreign"]);
    assert_eq!(listed(&user, &of_other).await, Vec::<String>::new());
    assert_eq!(listed(&admin, &format!("{of_other}&status=queued&sort=size")).await, ["/foreign"]);
    assert_eq!(listed(&admin, &format!("{of_other}&agentId={}", foreign.id)).await, ["/foreign"]);
    assert_eq!(listed(&admin, &format!("{of_other}&agentId={}", agent.id)).await, Vec::<String>::new());
    let answer = admin.get(&format!("{PATH}?{of_other}&limit=1")).await;
    assert_eq!(answer.body["data"]["pagination"], json!({ "page": 1, "limit": 1, "total": 1, "pages": 1 }));
}

#[tokio::test]
async fn stalled_transfers_are_found_with_every_order_and_filter() {
    let (app, user, agent) = assorted().await;
    app.advance(TimeDelta::seconds(61));
    transfer(&app, &agent, "/moving", None, &[(0, json!({ "status": "running" }))]).await;
    assert_eq!(app.cp().mark_stalled_transfers().await.expect("a sweep"), 1);
    for sort in ["size", "-createdAt", "createdAt", "-speed"] {
        assert_eq!(listed(&user, &format!("stalled=true&sort={sort}")).await, ["/running"], "{sort}");
    }
    assert_eq!(listed(&user, "stalled=true&status=queued").await, Vec::<String>::new());
    let others = ["/moving", "/again", "/sudden", "/queued", "/fast", "/failed", "/slow"];
    assert_eq!(listed(&user, "stalled=false").await, others);
    assert_eq!(listed(&user, "stalled=false&status=running").await, ["/moving"]);
    let question = "{ transfers(filter: { stalled: true }) { totalCount nodes { destination } } }";
    let expected = json!({ "transfers": { "totalCount": 1, "nodes": [{ "destination": "/running" }] } });
    assert_eq!(user.data(question, &Value::Null).await, expected);
}
