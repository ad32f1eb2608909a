//! Tests of `GET /api/transfers`: pages of any size contain the same list once.

use serde_json::{Value, json};

use super::{path, with_agent};
use crate::support::{Client, app::TestAgent};

/// How many transfers each of two agents has.
const EACH: usize = 23;

fn ids(page: &Value) -> Vec<String> {
    let transfers = page["data"]["transfers"].as_array().expect("transfers");
    transfers.iter().filter_map(|transfer| transfer["id"].as_str()).map(str::to_owned).collect()
}

/// Walks all pages of this size and one more, forwards or backwards. Returns the items in order.
async fn walk(client: &Client, query: &str, limit: usize, total: usize, backwards: bool) -> Vec<String> {
    let pages = total.div_ceil(limit);
    let mut walked = vec![Vec::new(); pages + 1];
    let order: Vec<usize> = if backwards { (1..=pages + 1).rev().collect() } else { (1..=pages + 1).collect() };
    for page in order {
        let answer = client.get(&format!("/api/transfers?page={page}&limit={limit}{query}")).await;
        let expected = json!({ "page": page, "limit": limit, "total": total, "pages": pages });
        assert_eq!(answer.body["data"]["pagination"], expected, "{query}");
        walked[page - 1] = ids(&answer.body);
        let full = limit.min(total.saturating_sub((page - 1) * limit));
        assert_eq!(walked[page - 1].len(), full, "page {page} of {limit} of {query}");
    }
    walked.concat()
}

/// Transfers of two agents of one customer and of one agent of another customer, created in turns, so that no two
/// neighbours belong to the same agent.
#[tokio::test]
async fn pages_of_any_size_from_either_end_hold_each_transfer_once_and_in_order() {
    let (app, customer, first, _) = with_agent().await;
    let second = app.agent(customer.id, "server2").await;
    let other = app.customer("Other").await;
    let foreign = app.agent(other.id, "server3").await;
    let mut made: Vec<(String, usize, &str)> = Vec::new();
    let agents: [&TestAgent; 3] = [&first, &second, &foreign];
    for number in 0..EACH {
        for (agent, key) in agents.iter().enumerate() {
            let transfer = app.transfer(key).await;
            let status = ["queued", "running", "completed"][(number + agent) % 3];
            if status != "queued" {
                app.key(&key.key).patch(&path(&transfer), &json!({ "status": status })).await;
            }
            made.push((transfer["id"].as_str().expect("an id").to_owned(), agent, status));
            if number % 2 == 0 {
                app.advance(chrono::TimeDelta::milliseconds(1));
            }
        }
    }
    made.reverse();
    assert!(made.is_sorted_by(|newer, older| newer.0 > older.0), "newest first is by id");

    let (user, admin) = (app.bearer(&customer.token), app.admin().await);
    let of = |wanted: &dyn Fn(usize, &str) -> bool| -> Vec<String> {
        made.iter().filter(|(_, agent, status)| wanted(*agent, status)).map(|(id, ..)| id.clone()).collect()
    };
    let agent = format!("&agentId={}", second.id);
    let lists = [
        (&admin, String::new(), of(&|_, _| true)),
        (&admin, "&status=running".to_owned(), of(&|_, status| status == "running")),
        (&admin, agent.clone(), of(&|agent, _| agent == 1)),
        (&admin, format!("{agent}&status=completed"), of(&|agent, status| agent == 1 && status == "completed")),
        (&user, String::new(), of(&|agent, _| agent < 2)),
        (&user, "&status=queued".to_owned(), of(&|agent, status| agent < 2 && status == "queued")),
        (&user, agent.clone(), of(&|agent, _| agent == 1)),
        (&user, format!("{agent}&status=running"), of(&|agent, status| agent == 1 && status == "running")),
        (&user, "&protocol=sftp".to_owned(), of(&|agent, _| agent < 2)),
        (&user, format!("{agent}&search=data&direction=pull"), of(&|agent, _| agent == 1)),
    ];
    for (client, query, expected) in lists {
        for limit in [1, 7, expected.len() - 1, expected.len(), expected.len() + 1, 100] {
            for backwards in [false, true] {
                let walked = walk(client, &query, limit, expected.len(), backwards).await;
                assert_eq!(walked, expected, "pages of {limit} of `{query}`, backwards: {backwards}");
            }
        }
    }
}
