//! Connections: walked in either direction, in windows of any size, they hold the same list once.

use backend::{actor::Actor, model::enrolment_code::CreateEnrolmentCode};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::{two_customers_and_callers::COPY, with_agent};
use crate::{
    support::{Client, TestApp},
    transfers::insert_many,
};

/// A connection of GraphQL.
struct List<'a> {
    client: &'a Client,
    field: &'a str,
    /// The arguments beside those of the pagination.
    filter: &'a str,
}

/// A page of the list.
#[derive(Debug)]
struct Seen {
    ids: Vec<String>,
    start: Option<String>,
    end: Option<String>,
    has_newer: bool,
    has_older: bool,
}

impl List<'_> {
    async fn ask(&self, paging: &str, selection: &str) -> Value {
        let Self { client, field, filter } = self;
        client.data(&format!("{{ {field}({paging} {filter}) {{ {selection} }} }}"), &Value::Null).await[field].clone()
    }

    async fn page(&self, paging: &str) -> Seen {
        // A version has a number and no id: here each is made at an instant of its own.
        let id = if self.field == "pipelineVersions" { "id: createdAt" } else { "id" };
        let selection = format!(
            "pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} edges {{ cursor node {{ {id} }} }}"
        );
        let page = self.ask(paging, &selection).await;
        let (edges, info) = (page["edges"].as_array().expect("edges"), &page["pageInfo"]);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let seen = Seen {
            ids: edges.iter().filter_map(|edge| text(&edge["node"]["id"])).collect(),
            start: text(&info["startCursor"]),
            end: text(&info["endCursor"]),
            has_newer: info["hasPreviousPage"].as_bool().expect("a flag"),
            has_older: info["hasNextPage"].as_bool().expect("a flag"),
        };
        let cursor = |edge: Option<&Value>| edge.and_then(|edge| text(&edge["cursor"]));
        assert_eq!((&seen.start, &seen.end), (&cursor(edges.first()), &cursor(edges.last())));
        seen
    }

    /// Walks from the newest to the oldest item.
    async fn forwards(&self, size: usize) -> Vec<String> {
        let mut walked = Vec::new();
        let mut after = String::new();
        loop {
            let seen = self.page(&format!("first: {size} {after}")).await;
            assert_eq!(seen.has_newer, !walked.is_empty(), "{seen:?}");
            assert!(seen.ids.len() == size || !seen.has_older, "{seen:?}");
            walked.extend(seen.ids);
            match seen.end.filter(|_| seen.has_older) {
                Some(end) => after = format!("after: {end:?}"),
                None => return walked,
            }
        }
    }

    /// Walks from the oldest to the newest item. Returns them newest first.
    async fn backwards(&self, size: usize) -> Vec<String> {
        let mut walked: Vec<String> = Vec::new();
        let mut before = String::new();
        loop {
            let seen = self.page(&format!("last: {size} {before}")).await;
            assert_eq!(seen.has_older, !walked.is_empty(), "{seen:?}");
            assert!(seen.ids.len() == size || !seen.has_newer, "{seen:?}");
            walked.splice(0..0, seen.ids);
            match seen.start.filter(|_| seen.has_newer) {
                Some(start) => before = format!("before: {start:?}"),
                None => return walked,
            }
        }
    }

    /// Walks by page numbers, one page further than the last.
    async fn by_pages(&self, size: usize, total: usize) -> Vec<String> {
        let (mut walked, pages) = (Vec::new(), total.div_ceil(size));
        for page in 1..=pages + 1 {
            let seen = self.page(&format!("first: {size} page: {page}")).await;
            assert_eq!((seen.has_newer, seen.has_older), (page > 1, page < pages), "page {page}: {seen:?}");
            walked.extend(seen.ids);
        }
        walked
    }

    /// Checks that every walk returns this list.
    async fn is(&self, expected: &[String]) {
        let Self { field, filter, .. } = self;
        let has_pages = *field != "events";
        for size in [1, 7, expected.len() - 1, expected.len(), expected.len() + 1, 100] {
            assert_eq!(self.forwards(size).await, expected, "{field}({filter}) by {size}");
            assert_eq!(self.backwards(size).await, expected, "{field}({filter}) by {size} from the end");
            if has_pages {
                assert_eq!(self.by_pages(size, expected.len()).await, expected, "{field}({filter}), pages of {size}");
            }
        }
        if has_pages {
            let second = self.page("first: 2").await.end.expect("a cursor");
            for paging in ["first: 1", "last: 1", &format!("last: 1 before: {second:?}"), "first: 1 page: 2"] {
                let totals = self.ask(paging, "totalCount totalIsAtLeast").await;
                assert_eq!(totals, json!({ "totalCount": expected.len(), "totalIsAtLeast": false }), "{paging}");
            }
        }
    }
}

/// How many transfers each of two agents has.
const EACH: usize = 9;

/// Transfers of two agents of one customer and of one agent of another customer, created in turns, so that no two
/// neighbours belong to the same agent.
#[tokio::test]
async fn transfers_walked_in_either_direction_are_each_met_once_and_in_order() {
    let (app, customer, first, user) = with_agent().await;
    let second = app.agent(customer.id, "server2").await;
    let other = app.customer("Other").await;
    let foreign = app.agent(other.id, "server3").await;
    let mut made: Vec<(String, usize, &str)> = Vec::new();
    for number in 0..EACH {
        for (agent, key) in [&first, &second, &foreign].into_iter().enumerate() {
            let status = ["queued", "running", "completed"][(number + agent) % 3];
            let transfer = super::transfer_after(&app, key, &json!({ "status": status })).await;
            made.push((transfer["id"].as_str().expect("an id").to_owned(), agent, status));
            if number % 2 == 0 {
                app.advance(TimeDelta::milliseconds(1));
            }
        }
    }
    made.reverse();
    let admin = app.admin().await;
    let of = |wanted: &dyn Fn(usize, &str) -> bool| -> Vec<String> {
        made.iter().filter(|(_, agent, status)| wanted(*agent, status)).map(|(id, ..)| id.clone()).collect()
    };
    let agent = format!("agentId: \"{}\"", second.id);
    for (client, filter, expected) in [
        (&admin, String::new(), of(&|_, _| true)),
        (&admin, "filter: { status: [RUNNING] }".to_owned(), of(&|_, status| status == "running")),
        (&admin, "filter: { status: [QUEUED, COMPLETED] }".to_owned(), of(&|_, status| status != "running")),
        (&admin, format!("filter: {{ {agent} }}"), of(&|agent, _| agent == 1)),
        (&user, String::new(), of(&|agent, _| agent < 2)),
        (&user, "filter: { status: [QUEUED] }".to_owned(), of(&|agent, status| agent < 2 && status == "queued")),
        (
            &user,
            format!("filter: {{ {agent} status: [RUNNING] }}"),
            of(&|agent, status| agent == 1 && status == "running"),
        ),
        (
            &user,
            format!("filter: {{ {agent} status: [RUNNING, QUEUED] }}"),
            of(&|agent, status| agent == 1 && status != "completed"),
        ),
        (&user, "filter: { protocol: SFTP search: \"data\" }".to_owned(), of(&|agent, _| agent < 2)),
        (&user, "filter: { createdAfter: \"2026-04-25T12:00:00Z\" }".to_owned(), of(&|agent, _| agent < 2)),
    ] {
        List { client, field: "transfers", filter: &filter }.is(&expected).await;
    }
}

#[tokio::test]
async fn every_other_connection_is_walked_the_same_way() {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let mut job = None;
    let hourly = format!("{COPY}agent: server0\nschedule: \"0 * * * *\"\noverlap: allow\n");
    let pipeline = app.pipeline(customer.id, "hourly", &hourly).await;
    for number in 0..8 {
        app.pipeline(customer.id, &format!("pipeline{number}"), COPY).await;
        let agent = app.agent(customer.id, &format!("server{number}")).await;
        job = Some((app.job(&agent, &json!({ "overlap": "allow" })).await, agent));
        app.customer(&format!("Customer{number}")).await;
        let code = app.cp().create_enrolment_code(&Actor::System, customer.id, CreateEnrolmentCode::default());
        code.await.expect("a code");
    }
    let (job, agent) = job.expect("a job");
    for _ in 0..8 {
        // Each run takes the slot of an hour with it.
        app.advance(TimeDelta::hours(1));
        app.cp().decide_due_slots().await.expect("slots");
        let answer = app.key(&agent.key).post(&format!("/api/jobs/{job}/runs"), &json!({})).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        app.redefine(pipeline, &hourly, None).await;
    }
    let admin = app.admin().await;
    let (runs, slots) = (format!("filter: {{ jobId: \"{job}\" }}"), format!("jobId: \"{job}\""));
    let pipeline_runs = format!("filter: {{ pipelineId: \"{pipeline}\" }}");
    let of_pipeline = format!("pipelineId: \"{pipeline}\"");
    let codes = format!("customerId: \"{}\"", customer.id);
    let lists = [
        ("jobs", "", "/api/jobs"),
        ("jobs", "filter: { enabled: true }", "/api/jobs"),
        ("jobRuns", &runs, &format!("/api/jobs/{job}/runs")),
        ("pipelines", "", "/api/pipelines"),
        ("pipelines", "filter: { search: \"PIPELINE\", enabled: true }", "/api/pipelines?search=PIPELINE&enabled=true"),
        ("pipelineRuns", &pipeline_runs, &format!("/api/pipelines/{pipeline}/runs")),
        ("pipelineRuns", "filter: { status: RUNNING }", &format!("/api/pipelines/{pipeline}/runs")),
        ("pipelineVersions", &of_pipeline, &format!("/api/pipelines/{pipeline}/versions")),
        ("agents", "", "/api/agents"),
        ("agents", "filter: { search: \"server\" status: ONLINE }", "/api/agents"),
        ("customers", "", "/api/customers"),
        ("users", "", "/api/users"),
        ("enrolmentCodes", &codes, &format!("/api/customers/{}/enrolment-codes", customer.id)),
    ];
    for (field, filter, path) in lists {
        let rest = admin.get(&format!("{path}{}limit=100", if path.contains('?') { '&' } else { '?' })).await;
        let (plural, id) = match field {
            "jobRuns" | "pipelineRuns" => ("runs", "id"),
            "pipelineVersions" => ("versions", "createdAt"),
            _ => (field, "id"),
        };
        let expected = rest.body["data"][plural].as_array().expect("a list").iter();
        let expected: Vec<String> = expected.filter_map(|item| item[id].as_str()).map(str::to_owned).collect();
        assert!(expected.len() >= 8, "{field}");
        List { client: &admin, field, filter }.is(&expected).await;
    }
    // What REST does not have.
    for (field, filter) in [("jobSlots", &slots), ("pipelineSlots", &of_pipeline)] {
        let slots = List { client: &admin, field, filter };
        let expected = slots.page("first: 100").await.ids;
        assert_eq!(expected.len(), 8);
        slots.is(&expected).await;
    }
}

#[tokio::test]
async fn each_caller_pages_through_their_own_part_of_the_log() {
    let (app, _, agent, user) = with_agent().await;
    for _ in 0..5 {
        app.transfer(&agent).await;
        app.customer("Other").await;
    }
    for client in [&user, &app.admin().await] {
        let all = List { client, field: "events", filter: "" };
        let expected = all.page("first: 100").await.ids;
        assert!(expected.len() > 5);
        all.is(&expected).await;
    }
}

#[tokio::test]
async fn what_is_left_out_means_the_newest_twenty() {
    let (app, _, agent, user) = with_agent().await;
    let mut made = Vec::new();
    for _ in 0..21 {
        made.insert(0, app.transfer(&agent).await["id"].as_str().expect("an id").to_owned());
    }
    let transfers = List { client: &user, field: "transfers", filter: "filter: null" };
    let seen = transfers.page("").await;
    assert_eq!((seen.ids.as_slice(), seen.has_newer, seen.has_older), (&made[..20], false, true));
    let beyond = transfers.page(&format!("after: {:?}", made[19])).await;
    assert_eq!((beyond.ids.as_slice(), beyond.has_newer, beyond.has_older), (&made[20..], true, false));
}

#[tokio::test]
async fn an_empty_list_has_no_cursors() {
    let (_app, _, _, user) = with_agent().await;
    for paging in ["", "first: 5", "last: 5", "first: 5 page: 1"] {
        let list = List { client: &user, field: "transfers", filter: "filter: null" };
        let seen = list.page(paging).await;
        assert!(seen.ids.is_empty() && !seen.has_newer && !seen.has_older && seen.start.is_none(), "{seen:?}");
    }
}

#[tokio::test]
async fn what_comes_while_a_list_is_walked_moves_nothing() {
    let (app, _, agent, user) = with_agent().await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.insert(0, app.transfer(&agent).await["id"].as_str().expect("an id").to_owned());
    }
    let transfers = List { client: &user, field: "transfers", filter: "filter: null" };
    let first = transfers.page("first: 2").await;
    let newer = app.transfer(&agent).await["id"].as_str().expect("an id").to_owned();
    let second = transfers.page(&format!("first: 2 after: {:?}", first.end.expect("a cursor"))).await;
    assert_eq!([first.ids, second.ids].concat(), made);
    let up = transfers.page(&format!("last: 2 before: {:?}", made[0])).await;
    assert_eq!((up.ids, up.has_newer, up.has_older), (vec![newer], false, true));
}

#[rstest]
#[case("first: 0", &["first"])]
#[case("first: 101", &["first"])]
#[case("first: -1", &["first"])]
#[case("last: 0", &["last"])]
#[case("last: 101", &["last"])]
#[case("first: 5, last: 5", &["last"])]
#[case("after: \"server1\"", &["after"])]
#[case("after: \"\"", &["after"])]
#[case("last: 5, before: \"server1\"", &["before"])]
#[case("first: 5, before: \"0199c1f0-6c00-7000-8000-000000000001\"", &["before"])]
#[case("last: 5, after: \"0199c1f0-6c00-7000-8000-000000000001\"", &["after"])]
#[tokio::test]
async fn arguments_of_paging_that_are_wrong_are_named(#[case] paging: &str, #[case] named: &[&str]) {
    let (_app, customer, _, user) = with_agent().await;
    let codes = format!("enrolmentCodes(customerId: \"{}\" {paging})", customer.id);
    for list in [format!("agents({paging})"), format!("transfers({paging})"), format!("events({paging})"), codes] {
        let answer = user.ask(&format!("{{ {list} {{ pageInfo {{ hasNextPage }} }} }}"), &Value::Null).await;
        assert_eq!((answer.codes(), answer.wrong_arguments().as_slice()), (vec!["INVALID"], named), "{}", answer.body);
    }
}

#[rstest]
#[case("page: 0", "page")]
#[case("page: -1", "page")]
#[case("page: 2, last: 5", "page")]
#[case("page: 2, after: \"0199c1f0-6c00-7000-8000-000000000001\"", "page")]
#[tokio::test]
async fn a_page_that_is_none_is_refused(#[case] paging: &str, #[case] named: &str) {
    let (_app, _, _, user) = with_agent().await;
    for list in ["agents", "transfers"] {
        let answer = user.ask(&format!("{{ {list}({paging}) {{ totalCount }} }}"), &Value::Null).await;
        assert_eq!((answer.codes(), answer.wrong_arguments()), (vec!["INVALID"], vec![named]), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_total_is_the_same_by_whatever_name_and_way_it_is_asked_for() {
    let (app, _, agent, user) = with_agent().await;
    for _ in 0..3 {
        app.transfer(&agent).await;
    }
    let question = r"
        fragment Total on TransferConnection { n: totalCount }
        query ($id: String) { transfers(first: 1, after: $id, filter: { protocol: SFTP }) { ...Total } }";
    let id = json!({ "id": "0199c1f0-6c00-7000-8000-000000000001" });
    for variables in [Value::Null, id] {
        assert_eq!(user.data(question, &variables).await, json!({ "transfers": { "n": 3 } }));
    }
}

#[tokio::test]
async fn with_some_filters_counting_stops_at_ten_thousand() {
    let (app, customer, agent, user) = with_agent().await;
    insert_many(&app, customer.id, &agent, 10_001).await;
    let question = "query ($last: Int) {
        some: transfers(last: $last, filter: { protocol: LOCAL }) { totalCount totalIsAtLeast nodes { destination } }
        all: transfers(last: $last) { totalCount totalIsAtLeast } }";
    for (last, newest) in [(Value::Null, "/10000"), (json!(3), "/2")] {
        let asked = user.data(question, &json!({ "last": last })).await;
        let some = &asked["some"];
        assert_eq!((&some["totalCount"], &some["totalIsAtLeast"]), (&json!(10_000), &json!(true)));
        assert_eq!(some["nodes"][0]["destination"], newest);
        assert_eq!(asked["all"], json!({ "totalCount": 10_001, "totalIsAtLeast": false }));
    }
}
