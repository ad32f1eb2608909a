//! Versions of a pipeline over GraphQL: created, listed, compared and restored.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{COPY, LINE, created, with_agent};

#[tokio::test]
async fn a_new_definition_is_a_version_unless_it_is_the_same_and_a_lost_update_names_both_versions() {
    let (_app, _, _, user) = with_agent().await;
    let made = created(&user, "orders", COPY).await;
    let replace = "mutation ($yaml: String!, $expected: Int) {
        is: replacePipelineDefinition(id: \"orders\", yaml: $yaml, expectedVersion: $expected, gitSha: \"1234567\") {
            id version yaml versions { version gitSha } } }";
    let same = user.data(replace, &json!({ "yaml": COPY, "expected": 1 })).await["is"].clone();
    assert_eq!((&same["version"], &same["versions"][0]["gitSha"]), (&json!(1), &Value::Null), "nothing to save");
    let edit = json!({ "yaml": LINE, "expected": 1 });
    let newer = user.data(replace, &edit).await["is"].clone();
    assert_eq!((&newer["version"], &newer["yaml"], &newer["id"]), (&json!(2), &json!(LINE), &made["id"]));
    assert_eq!(newer["versions"], json!([{ "version": 2, "gitSha": "1234567" }]), "a customer's is the current one");
    let lost = user.ask(replace, &edit).await;
    let error = &lost.body["errors"][0];
    assert_eq!(
        (&error["extensions"], &error["message"]),
        (
            &json!({ "code": "CONFLICT", "details": { "currentVersion": 2, "expectedVersion": 1 } }),
            &json!("version 2 is current, not version 1: read the current definition, and change that")
        )
    );
    let wrong = user.ask(replace, &json!({ "yaml": COPY, "expected": 0 })).await;
    assert_eq!((wrong.codes(), wrong.wrong_arguments()), (vec!["INVALID"], vec!["expectedVersion"]));
}

#[tokio::test]
async fn versions_are_listed_read_compared_and_brought_back() {
    let (app, _, _, user) = with_agent().await;
    let admin = app.admin().await;
    let made = created(&user, "orders", COPY).await;
    app.advance(TimeDelta::seconds(1));
    let longer = format!("{COPY}timeout: 2h\n");
    let put = admin.send("PUT", "/api/pipelines/orders/yaml", Some(&json!({ "yaml": longer }))).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let query = "{
        pipelineVersions(pipelineId: \"orders\") { totalCount nodes { version createdAt gitSha } }
        first: pipelineVersionYaml(pipelineId: \"orders\", version: 1)
        second: pipelineVersionYaml(pipelineId: \"orders\", version: 2)
        pipelineDiff(pipelineId: \"orders\", from: 1, to: 2) {
            from to added removed lines { change oldNumber newNumber text } } }";
    let found = admin.data(query, &Value::Null).await;
    let rest = admin.get("/api/pipelines/orders/versions").await.body["data"].clone();
    assert_eq!(found["pipelineVersions"], json!({ "totalCount": 2, "nodes": rest["versions"] }));
    assert_eq!((&found["first"], &found["second"]), (&json!(COPY), &json!(longer)));
    let line = |change: &str, old: Value, new: Value, text: &str| json!({ "change": change, "oldNumber": old, "newNumber": new, "text": text });
    let lines = [
        line("SAME", json!(1), json!(1), "source: /out/orders.csv"),
        line("SAME", json!(2), json!(2), "destination: /in/orders.csv"),
        line("ADDED", Value::Null, json!(3), "timeout: 2h"),
    ];
    assert_eq!(found["pipelineDiff"], json!({ "from": 1, "to": 2, "added": 1, "removed": 0, "lines": lines }));

    let restore = "mutation ($expected: Int) {
        is: restorePipelineVersion(pipelineId: \"orders\", version: 1, expectedVersion: $expected) {
            id version yaml versions { version } } }";
    assert_eq!(admin.ask(restore, &json!({ "expected": 1 })).await.codes(), ["CONFLICT"]);
    let restored = admin.data(restore, &json!({ "expected": 2 })).await["is"].clone();
    let versions = json!([{ "version": 3 }, { "version": 2 }, { "version": 1 }]);
    assert_eq!(restored, json!({ "id": made["id"], "version": 3, "yaml": COPY, "versions": versions }));
    for query in [
        "{ pipelineVersionYaml(pipelineId: \"orders\", version: 4) }",
        "{ pipelineDiff(pipelineId: \"orders\", from: 0, to: 1) { added } }",
        "mutation { restorePipelineVersion(pipelineId: \"orders\", version: 4) { id } }",
    ] {
        assert_eq!(admin.ask(query, &Value::Null).await.codes(), ["NOT_FOUND"], "{query}");
    }
}
