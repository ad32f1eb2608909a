//! The event log over GraphQL.

use backend::{actor::Actor, model::event::Kind, store::db::sql};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{of, transfer_after, two_customers_and_callers::COPY, with_agent};
use crate::support::{Client, PASSWORD, TestApp, graphql::Schema};

async fn kinds(client: &Client) -> Vec<Value> {
    let events = client.data("{ events(first: 100) { nodes { kind } } }", &Value::Null).await;
    events["events"]["nodes"].as_array().expect("nodes").iter().map(|event| event["kind"].clone()).collect()
}

#[tokio::test]
async fn an_event_says_what_happened_when_to_what_and_on_whose_behalf() {
    let (app, customer, agent, user) = with_agent().await;
    let transfer = transfer_after(&app, &agent, &json!({ "status": "failed", "error": "no route to host" })).await;
    app.advance(chrono::TimeDelta::seconds(5));
    let id = json!({ "id": transfer["id"] });
    user.data("mutation ($id: ID!) { retryTransfer(id: $id) { id } }", &id).await;
    let question = "{ me { id } events(first: 2) { nodes {
        id cursor kind at actor customerId agentId objectId
        object { id ... on Transfer { status attempt errorMessage agent { hostname } customer { name } } } } } }";
    let answer = user.data(question, &Value::Null).await;
    let nodes = answer["events"]["nodes"].as_array().expect("nodes");
    let expected = |at: &str, actor: String, status: &str, attempt: i32, error: Value| {
        json!({
            "kind": "TRANSFER_STATUS_CHANGED", "at": at, "actor": actor, "customerId": customer.id,
            "agentId": agent.id, "objectId": transfer["id"],
            "object": {
                "id": transfer["id"], "status": status, "attempt": attempt, "errorMessage": error,
                "agent": { "hostname": "server1" }, "customer": { "name": "Acme" },
            },
        })
    };
    let by_user = format!("user:{}", answer["me"]["id"].as_str().expect("an id"));
    for (node, expected) in nodes.iter().zip([
        expected("2026-04-25T13:00:05Z", by_user, "QUEUED", 2, Value::Null),
        // As it was then.
        expected("2026-04-25T13:00:00Z", format!("agent:{}", agent.id), "FAILED", 1, json!("no route to host")),
    ]) {
        let mut node = node.as_object().expect("an event").clone();
        let (id, cursor) = (node.remove("id"), node.remove("cursor"));
        assert!(id == cursor && id.is_some_and(|id| id.is_string()), "its place names it");
        assert_eq!(Value::Object(node), expected);
    }
}

#[tokio::test]
async fn the_events_of_one_object_are_those_that_its_viewer_may_see() {
    let (app, _, agent, user) = with_agent().await;
    let transfer = transfer_after(&app, &agent, &json!({ "status": "running" })).await;
    transfer_after(&app, &agent, &json!({ "status": "failed", "error": "no route to host" })).await;
    app.advance(TimeDelta::seconds(5));
    let id = json!({ "id": transfer["id"] });
    user.data("mutation ($id: ID!) { cancelTransfer(id: $id) { id } }", &id).await;
    let question =
        "query ($id: ID!) { events(first: 2, objectId: $id) { nodes { kind objectId } pageInfo { endCursor } } }";
    let page = user.data(question, &id).await["events"].clone();
    let event = |kind: &str| json!({ "kind": kind, "objectId": transfer["id"] });
    assert_eq!(page["nodes"], json!([event("TRANSFER_CANCEL_REQUESTED"), event("TRANSFER_STATUS_CHANGED")]));

    let rest = "query ($id: ID!, $after: String) { events(first: 5, after: $after, objectId: $id) { nodes { kind } } }";
    let after = json!({ "id": transfer["id"], "after": page["pageInfo"]["endCursor"] });
    assert_eq!(user.data(rest, &after).await["events"]["nodes"], json!([{ "kind": "TRANSFER_CREATED" }]));

    let other = app.customer("Other").await;
    let other_user = app.bearer(&other.token);
    assert_eq!(other_user.data(question, &id).await["events"]["nodes"], json!([]));
    let wrong = user.ask("{ events(first: 1, objectId: \"zzz\") { nodes { id } } }", &Value::Null).await;
    assert_eq!((wrong.codes(), wrong.wrong_arguments()), (vec!["INVALID"], vec!["objectId"]));
}

#[tokio::test]
async fn every_kind_of_object_is_shown_in_full() {
    let app = TestApp::start().await;
    let root = app.create_user("root", None).await;
    app.sign_in(&root.email, PASSWORD).await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    app.transfer(&agent).await;
    let pipeline = app.pipeline(customer.id, "orders", &format!("{COPY}schedule: \"@daily\"\n")).await;
    app.run(pipeline).await;
    app.advance(TimeDelta::days(1));
    app.cp().decide_due_slots().await.expect("slots are decided");
    app.cp().rotate_webhook_secret(&Actor::System, None).await.expect("a secret");
    let selection = Schema::read().everything("Node", 1);
    let (admin, mut nodes, mut after) = (app.admin().await, Vec::new(), Value::Null);
    // A page of all would be too complex.
    let question = format!(
        "query ($after: String) {{ events(first: 10, after: $after) {{ pageInfo {{ endCursor hasNextPage }} nodes {{ \
         objectId object {{ {selection} }} }} }} }}"
    );
    loop {
        let page = admin.data(&question, &json!({ "after": after })).await["events"].clone();
        nodes.extend(page["nodes"].as_array().expect("nodes").iter().cloned());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] != true {
            break;
        }
    }
    let pipelines = ["Pipeline", "PipelineRun", "PipelineSlot", "WebhookSecret"];
    for ty in ["Agent", "Transfer", "Customer", "User", "EnrolmentCode"].into_iter().chain(pipelines) {
        let found = nodes.iter().find(|event| event["object"]["__typename"] == ty);
        let found = found.unwrap_or_else(|| panic!("no event about a {ty}"));
        assert_eq!(found["objectId"], found["object"][format!("{ty}_id")]);
    }
    let codes = nodes.iter().filter_map(|event| event["object"]["EnrolmentCode_code"].as_str());
    assert!(codes.clone().count() > 0 && codes.clone().all(|code| code.ends_with('…')), "the log holds no codes");
}

#[tokio::test]
async fn a_customer_sees_their_own_part_and_nothing_that_is_for_administrators() {
    let (app, customer, agent, user) = with_agent().await;
    let customer_user = app.create_user("somebody", Some(customer.id)).await;
    app.sign_in(&customer_user.email, PASSWORD).await;
    let token = super::token_of(&app, &customer_user.email, chrono::TimeDelta::hours(1)).await;
    app.bearer(&token).send("POST", "/api/auth/logout", None).await;
    let admin = app.admin().await;
    let rename = "mutation ($id: ID!) { updateCustomer(id: $id, input: { name: \"New\" }) { id } }";
    admin.data(rename, &of(&customer.id)).await;
    admin
        .data("mutation ($id: ID!) { updateUser(id: $id, input: { suspended: true }) { id } }", &of(&customer_user.id))
        .await;
    app.transfer(&agent).await;
    let other = app.customer("Other").await;
    app.agent(other.id, "server2").await;
    let own = ["TRANSFER_CREATED", "AGENT_REGISTERED", "ENROLMENT_CODE_CREATED"];
    assert_eq!(kinds(&user).await, own);
    assert_eq!(kinds(&app.bearer(&other.token)).await, own[1..]);
    let all = kinds(&admin).await;
    for kind in ["SIGNED_IN", "SIGNED_OUT", "CUSTOMER_UPDATED", "USER_UPDATED", "USER_CREATED", "CUSTOMER_CREATED"] {
        assert!(all.contains(&json!(kind)), "{kind} in {all:?}");
    }
}

#[tokio::test]
async fn the_schema_names_no_kind_that_the_log_does_not_keep() {
    let (_app, _, _, user) = with_agent().await;
    let question = "{ __type(name: \"EventKind\") { enumValues { name } } }";
    let answer = user.data(question, &Value::Null).await;
    let named: Vec<&str> = answer["__type"]["enumValues"]
        .as_array()
        .expect("kinds")
        .iter()
        .filter_map(|kind| kind["name"].as_str())
        .collect();
    assert!(named.contains(&"SESSION_ENDED_FOR_REUSE") && named.len() >= 18, "{named:?}");
    for hidden in [Kind::AgentHeard, Kind::TransferProgressed, Kind::PipelineRunProgressed] {
        assert!(!hidden.is_logged());
        let name = format!("{hidden:?}").to_uppercase();
        assert!(!named.iter().any(|named| named.replace('_', "") == name), "{name} is in no log");
    }
}

#[tokio::test]
async fn a_cursor_of_the_log_names_a_place_for_ever() {
    let (app, _, agent, user) = with_agent().await;
    let newest = "{ events(first: 1) { pageInfo { startCursor } } }";
    let place = user.data(newest, &Value::Null).await["events"]["pageInfo"]["startCursor"].clone();
    for _ in 0..3 {
        app.transfer(&agent).await;
    }
    let newer = "query ($place: String) { events(last: 2, before: $place) {
        nodes { kind } pageInfo { hasPreviousPage hasNextPage } } }";
    let newer = &user.data(newer, &json!({ "place": place })).await["events"];
    assert_eq!(newer["nodes"], json!([{ "kind": "TRANSFER_CREATED" }, { "kind": "TRANSFER_CREATED" }]));
    assert_eq!(newer["pageInfo"], json!({ "hasPreviousPage": true, "hasNextPage": true }));
    let older = "query ($place: String) { events(first: 5, after: $place) { nodes { kind } } }";
    let older = &user.data(older, &json!({ "place": place })).await["events"];
    assert_eq!(older["nodes"], json!([{ "kind": "ENROLMENT_CODE_CREATED" }]));
}

#[tokio::test]
async fn a_cursor_reveals_nothing_and_one_of_an_earlier_version_no_more_than_before() {
    let (app, _, agent, user) = with_agent().await;
    let admin = app.admin().await;
    for _ in 0..3 {
        app.transfer(&agent).await;
    }
    let nodes = user.data("{ events(first: 3) { nodes { cursor } } }", &Value::Null).await;
    let cursors = nodes["events"]["nodes"].as_array().expect("nodes");
    let sealed = cursors.iter().map(|node| URL_SAFE_NO_PAD.decode(node["cursor"].as_str().expect("a cursor")));
    let sealed: Vec<Vec<u8>> = sealed.collect::<Result<_, _>>().expect("base64");
    assert!(sealed.iter().all(|bytes| bytes.len() == 16));
    assert!(
        sealed[0][..4] != sealed[1][..4] && sealed[1][12..] != sealed[2][12..],
        "neighbouring cursors have nothing in common"
    );
    let plain = |number: i64| json!({ "place": URL_SAFE_NO_PAD.encode(number.to_be_bytes()) });
    let older = "query ($place: String) { events(first: 5, after: $place) { nodes { kind } } }";
    for number in [1, 7, i64::MAX] {
        assert_eq!(user.ask(older, &plain(number)).await.wrong_arguments(), ["after"], "whether or not it is there");
        assert!(admin.data(older, &plain(number)).await["events"]["nodes"].is_array(), "an administrator may count");
    }
    let mut tx = app.app.db.begin().await.expect("a transaction");
    sql("UPDATE event_head SET plain_cursors_until = 4").execute(&mut tx).await.expect("a migrated log");
    tx.commit().await.expect("a commit");
    assert!(user.data(older, &plain(4)).await["events"]["nodes"].is_array());
    assert_eq!(user.ask(older, &plain(5)).await.wrong_arguments(), ["after"]);
}

#[tokio::test]
async fn a_customer_sees_of_an_administrator_only_that_it_was_one() {
    let (app, customer, agent, user) = with_agent().await;
    let transfer = transfer_after(&app, &agent, &json!({ "status": "failed", "error": "no route to host" })).await;
    let colleague = app.create_user("colleague", Some(customer.id)).await;
    let token = super::token_of(&app, &colleague.email, TimeDelta::hours(1)).await;
    let retry = "mutation ($id: ID!) { retryTransfer(id: $id) { id } }";
    let cancel = "mutation ($id: ID!) { cancelTransfer(id: $id) { id } }";
    let admin = app.admin().await;
    admin.data(retry, &json!({ "id": transfer["id"] })).await;
    app.bearer(&token).data(cancel, &json!({ "id": transfer["id"] })).await;
    let question = "{ me { id } events(first: 3) { nodes { actor } } }";
    let seen = user.data(question, &Value::Null).await;
    let (colleague, agent) = (format!("user:{}", colleague.id), format!("agent:{}", agent.id));
    assert_eq!(seen["events"]["nodes"], json!([{ "actor": colleague }, { "actor": "admin" }, { "actor": agent }]));
    let seen = admin.data("{ me { id } events(first: 2) { nodes { actor } } }", &Value::Null).await;
    let by_admin = format!("user:{}", seen["me"]["id"].as_str().expect("an id"));
    assert_eq!(seen["events"]["nodes"], json!([{ "actor": colleague }, { "actor": by_admin }]));
}

#[tokio::test]
async fn what_is_no_cursor_of_the_log_is_refused() {
    let (_app, _, _, user) = with_agent().await;
    for cursor in ["", "7", "server1", "0199c1f0-6c00-7000-8000-000000000001", "__________8", "AAAAAAAAAAAA"] {
        for (name, paging) in [("after", "first"), ("before", "last")] {
            let question = format!("{{ events({paging}: 5, {name}: {cursor:?}) {{ nodes {{ id }} }} }}");
            let answer = user.ask(&question, &Value::Null).await;
            assert_eq!((answer.codes(), answer.wrong_arguments()), (vec!["INVALID"], vec![name]), "{cursor}");
        }
    }
}

#[tokio::test]
async fn the_objects_of_a_customers_events_lead_to_no_other_customer() {
    let (app, customer, agent, _) = with_agent().await;
    app.transfer(&agent).await;
    let other = app.customer("Other").await;
    app.agent(other.id, "server2").await;
    let selection = Schema::read().everything("Node", 2);
    let question = format!("{{ events(first: 5) {{ nodes {{ object {{ {selection} }} }} }} }}");
    let seen = app.bearer(&other.token).data(&question, &Value::Null).await.to_string();
    assert!(seen.contains("server2"), "{seen}");
    assert!(!seen.contains(&customer.id.to_string()) && !seen.contains(&agent.id.to_string()), "{seen}");
}

/// The fields of a pipeline in an event.
const PIPELINE_EVENT: &str = "kind object { ... on Pipeline { version name yaml versions { version gitSha } } }";

#[tokio::test]
async fn a_customer_reads_the_definition_of_a_pipeline_in_events_of_its_current_version_only() {
    let (app, customer, _, user) = with_agent().await;
    let pipeline = app.pipeline(customer.id, "orders", COPY).await;
    let newer = format!("{COPY}timeout: 2h\n");
    app.redefine(pipeline, &newer, Some("1234567")).await;
    let rename = "mutation ($id: ID!) { updatePipeline(id: $id, input: { name: \"Orders\" }) { id } }";
    user.data(rename, &of(&pipeline)).await;
    let question = format!("{{ events(first: 3) {{ nodes {{ {PIPELINE_EVENT} }} }} }}");
    let events = async |client: &Client| client.data(&question, &Value::Null).await["events"]["nodes"].clone();
    let event = |kind: &str, version: i64, name: &str, yaml: &str, versions: Value| {
        let object = json!({ "version": version, "name": name, "yaml": yaml, "versions": versions });
        json!({ "kind": kind, "object": object })
    };
    let (first, second) = (json!([{ "version": 1, "gitSha": null }]), json!([{ "version": 2, "gitSha": "1234567" }]));
    let all = json!([
        event("PIPELINE_UPDATED", 2, "Orders", &newer, second.clone()),
        event("PIPELINE_UPDATED", 2, "A pipeline", &newer, second.clone()),
        event("PIPELINE_CREATED", 1, "A pipeline", COPY, first),
    ]);
    let shown = json!([
        event("PIPELINE_UPDATED", 2, "Orders", &newer, second.clone()),
        event("PIPELINE_UPDATED", 2, "A pipeline", &newer, second),
        event("PIPELINE_CREATED", 1, "A pipeline", "", json!([])),
    ]);
    let admin = app.admin().await;
    let of_admin =
        admin.data(&format!("{{ events(first: 20) {{ nodes {{ {PIPELINE_EVENT} }} }} }}"), &Value::Null).await;
    let pipelines = of_admin["events"]["nodes"].as_array().expect("nodes").iter();
    let pipelines: Vec<Value> = pipelines.filter(|event| event["object"]["version"].is_i64()).cloned().collect();
    assert_eq!(Value::from(pipelines), all, "administrators read every version");
    assert_eq!(events(&user).await, shown);

    // A pipeline that is gone has no current version.
    user.data("mutation ($id: ID!) { deletePipeline(id: $id) }", &of(&pipeline)).await;
    let after = events(&user).await;
    let texts: Vec<&Value> = after.as_array().expect("nodes").iter().map(|event| &event["object"]["yaml"]).collect();
    assert_eq!(texts, ["", "", ""], "{after}");
}

#[tokio::test]
async fn nothing_that_a_customer_may_ask_shows_an_earlier_definition() {
    let (app, customer, _, user) = with_agent().await;
    let pipeline = app.pipeline(customer.id, "orders", &format!("{COPY}# the first text\n")).await;
    app.run(pipeline).await;
    app.redefine(pipeline, COPY, None).await;
    let selection = Schema::read().granted("Node", 1);
    let id = of(&pipeline);
    for query in [
        format!(
            "query ($id: ID!) {{ node(id: $id) {{ {selection} }} events(first: 5) {{ nodes {{ object {{ {selection} }} }} }} }}"
        ),
        "query ($id: ID!) { pipeline(id: $id) { yaml versions { version } } pipelines { nodes { yaml } } }".to_owned(),
    ] {
        let shown = user.data(&query, &id).await.to_string();
        assert!(shown.contains("source: /out/orders.csv") && !shown.contains("the first text"), "{query}: {shown}");
    }
    for query in [
        "query ($id: ID!) { pipelineVersionYaml(pipelineId: $id, version: 1) }",
        "query ($id: ID!) { pipelineDiff(pipelineId: $id, from: 1, to: 2) { lines { text } } }",
        "query ($id: ID!) { pipelineRuns(filter: { pipelineId: $id }) { nodes { plan } } }",
        "query ($id: ID!) { pipeline(id: $id) { runs { plan } } }",
    ] {
        assert_eq!(user.ask(query, &id).await.codes(), ["FORBIDDEN"], "{query}");
    }
}
