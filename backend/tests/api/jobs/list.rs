//! Tests of `GET /api/jobs`, and of the jobs in the answer about an agent.

use rstest::rstest;
use serde_json::{Value, json};

use super::{HOUR, Story};
use crate::support::Client;

/// Five jobs in the order of their creation, and with their next slots in each order.
const ORDERS: [(&str, [&str; 5]); 4] = [
    ("createdAt", ["hourly", "off", "soon", "later", "too"]),
    ("-createdAt", ["too", "later", "soon", "off", "hourly"]),
    ("nextRunAt", ["soon", "hourly", "later", "off", "too"]),
    ("-nextRunAt", ["later", "hourly", "soon", "too", "off"]),
];

async fn assorted() -> Story {
    let story = Story::begin(&json!({ "name": "hourly" })).await;
    for (name, schedule, enabled) in [
        ("off", "* * * * *", false),
        ("soon", "1 13 * * *", true),
        ("later", "0 0 1 1 *", true),
        ("too", "* * * * *", false),
    ] {
        let fields = json!({ "name": name, "schedule": schedule, "enabled": enabled });
        story.app.job(&story.agent, &fields).await;
    }
    story
}

async fn names(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/api/jobs?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let jobs = answer.body["data"]["jobs"].as_array().expect("jobs");
    jobs.iter().filter_map(|job| job["name"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn jobs_without_a_next_slot_come_last_in_either_direction() {
    let story = assorted().await;
    let admin = story.app.admin().await;
    for (sort, expected) in ORDERS {
        assert_eq!(names(&admin, &format!("sort={sort}")).await, expected, "{sort}");
        assert_eq!(names(&admin, &format!("sort={sort}&agentId={}", story.agent.id)).await, expected, "{sort}");
        for limit in [1, 2, 3, 4] {
            let mut walked = Vec::new();
            for page in 1..=expected.len().div_ceil(limit) + 1 {
                walked.extend(names(&admin, &format!("sort={sort}&limit={limit}&page={page}")).await);
            }
            assert_eq!(walked, expected, "{sort}, pages of {limit}");
        }
    }
    assert_eq!(names(&admin, "sort=nextRunAt&enabled=true").await, ["soon", "hourly", "later"]);
    story.dispatch(HOUR).await;
    let admin = story.app.admin().await;
    assert_eq!(names(&admin, "sort=nextRunAt&limit=2").await, ["hourly", "soon"], "`soon` is due tomorrow");
    assert_eq!(admin.get("/api/jobs?sort=name").await.wrong_fields(), ["sort"]);
}

#[tokio::test]
async fn connections_of_jobs_are_walked_in_the_same_orders_from_both_ends() {
    let story = assorted().await;
    let admin = story.app.admin().await;
    for (sort, expected) in ORDERS {
        let (descending, field) = sort.strip_prefix('-').map_or((false, sort), |field| (true, field));
        let field = if field == "nextRunAt" { "NEXT_RUN_AT" } else { "CREATED_AT" };
        for (size, begin, beyond, step) in [(2, "first", "after", "end"), (3, "last", "before", "start")] {
            let (mut walked, mut cursor) = (Vec::new(), String::new());
            loop {
                let query = format!(
                    "{{ jobs({begin}: {size} {cursor} sort: {{ field: {field} descending: {descending} }}) {{ totalCount \
                     pageInfo {{ {step}Cursor }} nodes {{ name }} }} }}"
                );
                let page = admin.data(&query, &Value::Null).await["jobs"].clone();
                assert_eq!(page["totalCount"], expected.len());
                let nodes = page["nodes"].as_array().expect("nodes").clone();
                if nodes.is_empty() {
                    break;
                }
                let part: Vec<String> =
                    nodes.iter().filter_map(|job| job["name"].as_str()).map(str::to_owned).collect();
                walked = if begin == "first" { [walked, part].concat() } else { [part, walked].concat() };
                cursor = format!("{beyond}: {}", page["pageInfo"][format!("{step}Cursor")]);
            }
            assert_eq!(walked, expected, "{sort}, {begin} {size}");
        }
    }
}

#[tokio::test]
async fn without_page_and_limit_there_are_up_to_a_thousand() {
    let story = Story::begin(&json!({})).await;
    for _ in 0..25 {
        story.app.job(&story.agent, &json!({ "enabled": false })).await;
    }
    let admin = story.app.admin().await;
    let all = admin.get("/api/jobs").await.body;
    assert_eq!(all["data"]["jobs"].as_array().map(Vec::len), Some(26));
    assert_eq!(all["data"]["pagination"], json!({ "page": 1, "limit": 1000, "total": 26, "pages": 1 }));
    let page = admin.get("/api/jobs?page=2").await.body;
    assert_eq!(page["data"]["jobs"].as_array().map(Vec::len), Some(6));
    assert_eq!(page["data"]["pagination"], json!({ "page": 2, "limit": 20, "total": 26, "pages": 2 }));
    assert_eq!(admin.get("/api/jobs?limit=101").await.wrong_fields(), ["limit"]);
    let enabled = admin.get("/api/jobs?enabled=true").await.body;
    assert_eq!(enabled["data"]["jobs"][0]["id"], json!(story.job));
    let newest_first =
        all["data"]["jobs"].as_array().expect("jobs").is_sorted_by(|a, b| a["id"].as_str() > b["id"].as_str());
    assert!(newest_first);
}

#[rstest]
#[case("enabled=maybe", "enabled")]
#[case("agentId=7", "agentId")]
#[case("page=0", "page")]
#[tokio::test]
async fn a_wrong_filter_is_refused(#[case] query: &str, #[case] field: &str) {
    let story = Story::begin(&json!({})).await;
    let answer = story.app.admin().await.get(&format!("/api/jobs?{query}")).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, vec![field]));
}

#[tokio::test]
async fn an_agent_sees_its_own_enabled_jobs() {
    let story = Story::begin(&json!({})).await;
    story.app.job(&story.agent, &json!({ "enabled": false })).await;
    let neighbour = story.app.agent(story.app.customer("beta").await.id, "edge-2").await;
    story.app.job(&neighbour, &json!({})).await;
    let seen = story.app.key(&story.agent.key).get("/api/jobs").await;
    let ids: Vec<_> = seen.body["data"]["jobs"].as_array().expect("jobs").iter().map(|job| job["id"].clone()).collect();
    assert_eq!((seen.status, ids), (200, vec![json!(story.job)]));
    assert_eq!(story.app.key(&story.agent.key).get("/api/jobs?enabled=false").await.status, 403);
}

#[tokio::test]
async fn an_agent_is_shown_with_its_jobs() {
    let story = Story::begin(&json!({})).await;
    let shown = story.app.admin().await.get(&format!("/api/agents/{}", story.agent.id)).await;
    assert_eq!(shown.body["data"]["agent"]["jobs"], json!([story.shown().await]));
}
