//! Tests of `GET /api/transfers?q=`: parts of paths and errors.

use chrono::TimeDelta;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rstest::rstest;
use serde_json::{Value, json};

use super::{insert_many, path, with_agent};
use crate::support::{Client, TestApp, app::TestAgent};

const PATH: &str = "/api/transfers";

async fn create(app: &TestApp, agent: &TestAgent, source: &str, destination: &str) -> String {
    let body = json!({ "source": source, "destination": destination, "direction": "pull", "protocol": "sftp" });
    let answer = app.key(&agent.key).post(PATH, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    path(&answer.body["data"]["transfer"])
}

/// The destinations of the transfers that are found, and the total.
async fn found(client: &Client, text: &str, query: &str) -> (Vec<String>, Value) {
    let text = utf8_percent_encode(text, NON_ALPHANUMERIC);
    let answer = client.get(&format!("{PATH}?q={text}{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let data = &answer.body["data"];
    let transfers = data["transfers"].as_array().expect("transfers").iter();
    let destinations = transfers.filter_map(|transfer| transfer["destination"].as_str()).map(str::to_owned);
    (destinations.collect(), data["pagination"]["total"].clone())
}

/// The source, the destination and the error of each transfer.
const NAMED: [(&str, &str, Option<&str>); 5] = [
    ("sftp://ftp.example.com/in/Orders-2026.CSV", "/out/1", None),
    ("/in/100%_sure.txt", "/out/2", None),
    ("/in/a \"quoted\" name", "/out/3", Some("Connection refused by FTP.example.com")),
    ("/in/back\\slash", "/out/4", Some("Disk quota\nexceeded")),
    ("/in/it's", "/out/5", None),
];

#[rstest]
#[case("orders-2026.csv", &["/out/1"])]
#[case("ORDERS", &["/out/1"])]
#[case("rders-20", &["/out/1"])]
#[case("ftp.EXAMPLE.com", &["/out/3", "/out/1"])]
#[case("refused BY", &["/out/3"])]
#[case("quota", &["/out/4"])]
#[case("/out/", &["/out/5", "/out/4", "/out/3", "/out/2", "/out/1"])]
#[case("  /out/2  ", &["/out/2"])]
#[case("100%", &["/out/2"])]
#[case("0%_s", &["/out/2"])]
#[case("1_0", &[])]
#[case("10%sure", &[])]
#[case("a \"quoted\"", &["/out/3"])]
#[case("\" OR \"", &[])]
#[case("k\\slash", &["/out/4"])]
#[case("it's", &["/out/5"])]
#[case("AND NOT", &[])]
#[case("orders*", &[])]
// A part lies within one path or error.
#[case("sure.txt/out", &[])]
#[tokio::test]
async fn a_part_of_a_path_or_error_is_found_whatever_its_case(#[case] text: &str, #[case] expected: &[&str]) {
    let (app, customer, agent, client) = with_agent().await;
    for (source, destination, error) in NAMED {
        let path = create(&app, &agent, source, destination).await;
        if let Some(error) = error {
            client.patch(&path, &json!({ "status": "failed", "error": error })).await;
        }
    }
    for client in [app.bearer(&customer.token), app.admin().await] {
        for query in ["", "&protocol=sftp", &format!("&agentId={}", agent.id)] {
            let (destinations, total) = found(&client, text, query).await;
            assert_eq!(destinations, expected, "{query}");
            assert_eq!(total, json!(expected.len()), "{query}");
        }
        let mut sorted = found(&client, text, "&sort=createdAt").await.0;
        sorted.reverse();
        assert_eq!(sorted, expected);
        let mut by_end = found(&client, text, "&sort=-completedAt").await.0;
        by_end.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(by_end, expected);
    }
}

#[tokio::test]
async fn an_error_is_found_as_long_as_it_is_the_last_one() {
    let (app, _, agent, client) = with_agent().await;
    let path = create(&app, &agent, "/in/data.csv", "/out").await;
    let admin = app.admin().await;
    let stages: [(Value, &[&str]); 5] = [
        (json!({ "status": "running" }), &["data.csv"]),
        (json!({ "error": "the network is slow" }), &["data.csv", "network"]),
        (json!({ "status": "failed", "error": "the disk is full" }), &["data.csv", "disk is"]),
        (json!({ "status": "running" }), &["data.csv"]),
        (json!({ "status": "completed" }), &["data.csv"]),
    ];
    for (report, texts) in stages {
        let answer = client.patch(&path, &report).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        for text in ["network", "disk is", "data.csv"] {
            let count = u8::from(texts.contains(&text));
            assert_eq!(found(&admin, text, "").await.1, json!(count), "{text} after {report}");
        }
    }
}

#[rstest]
#[case("ab")]
#[case("")]
#[case("  ab  ")]
#[tokio::test]
async fn a_part_has_at_least_three_characters(#[case] text: &str) {
    let (app, _, _, _) = with_agent().await;
    let text = utf8_percent_encode(text, NON_ALPHANUMERIC);
    let answer = app.admin().await.get(&format!("{PATH}?q={text}")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body["details"]["fields"], json!({ "q": ["must be 3 to 255 characters long"] }));
}

#[tokio::test]
async fn a_search_finds_nothing_of_other_customers() {
    let (app, customer, agent, _) = with_agent().await;
    let other = app.customer("Other").await;
    let foreign = app.agent(other.id, "server2").await;
    create(&app, &agent, "/in/data.csv", "/own").await;
    create(&app, &foreign, "/in/data.csv", "/foreign").await;
    assert_eq!(found(&app.bearer(&customer.token), "data.csv", "").await, (vec!["/own".to_owned()], json!(1)));
    assert_eq!(found(&app.bearer(&other.token), "data.csv", "").await, (vec!["/foreign".to_owned()], json!(1)));
    assert_eq!(found(&app.admin().await, "data.csv", "").await.1, 2);
    let question = "{ transfers(filter: { q: \"DATA.csv\" }) { totalCount nodes { destination } } }";
    let expected = json!({ "transfers": { "totalCount": 1, "nodes": [{ "destination": "/own" }] } });
    assert_eq!(app.bearer(&customer.token).data(question, &Value::Null).await, expected);
}

/// Three customers with 10,001, 2,500 and 100 transfers from `/in` to their numbers: each is found in another way.
#[tokio::test]
async fn counting_matches_stops_at_ten_thousand_and_pages_go_on() {
    let (app, customer, agent, _) = with_agent().await;
    let mut others = Vec::new();
    insert_many(&app, customer.id, &agent, 10_001).await;
    for count in [2_500_usize, 100] {
        app.advance(TimeDelta::milliseconds(1));
        let other = app.customer(&format!("Customer{count}")).await;
        let agent = app.agent(other.id, "server").await;
        insert_many(&app, other.id, &agent, count).await;
        others.push((app.bearer(&other.token), count));
    }
    let (user, admin) = (app.bearer(&customer.token), app.admin().await);
    for client in [&user, &admin] {
        for query in ["", "&protocol=local", "&status=queued&sort=size"] {
            let answer = client.get(&format!("{PATH}?q=/in&limit=100{query}")).await;
            let bounded = json!({ "page": 1, "limit": 100, "total": 10_000, "pages": 100, "totalIsAtLeast": true });
            assert_eq!(answer.body["data"]["pagination"], bounded, "{query}");
        }
    }
    // Items beyond the limit of counting can still be read.
    assert_eq!(found(&user, "/in", "&limit=100&page=101").await.0, ["/0"]);
    assert_eq!(found(&admin, "/in", "&limit=100&page=127").await.0, ["/0"]);
    assert_eq!(found(&admin, "/in", "&sort=createdAt&limit=2").await.0, ["/0", "/1"]);
    for (client, count) in &others {
        let newest = format!("/{}", count - 1);
        assert_eq!(found(client, "/in", "&limit=1").await, (vec![newest], json!(count)));
        assert_eq!(found(client, "/in", &format!("&limit=1&page={count}")).await.0, ["/0"]);
    }
    app.advance(TimeDelta::milliseconds(1));
    for (client, count) in [(&user, 10_001), (&admin, 12_601)] {
        for query in ["", "&sort=size"] {
            let exported = client.with("Accept", "text/csv").get(&format!("{PATH}?q=/in{query}")).await;
            let rows = String::from_utf8_lossy(&exported.bytes).matches("\r\n").count();
            assert_eq!(rows, count + 1, "{query}");
        }
    }
    assert_eq!(found(&user, "/999", "").await.1, 11);
    let question = "query ($last: Int) { transfers(last: $last, filter: { q: \"/in\" }) {
        totalCount totalIsAtLeast nodes { destination } } }";
    for (client, last, first) in [(&user, json!(3), "/2"), (&admin, json!(2), "/1"), (&user, Value::Null, "/10000")] {
        let asked = client.data(question, &json!({ "last": last })).await["transfers"].clone();
        assert_eq!((&asked["totalCount"], &asked["totalIsAtLeast"]), (&json!(10_000), &json!(true)));
        assert_eq!(asked["nodes"][0]["destination"], first);
    }
}
