//! Versions: listed over REST; read, compared and restored by the calls that GraphQL makes.

use backend::{
    error::Error,
    model::{
        definition::Filling,
        pipeline::{PipelineRef, ReplaceDefinition},
    },
    store::db::sql,
};
use serde_json::{Value, json};

use super::{Fixture, LINE, SMALL, run_id};
use crate::support::{admin, customer_of};

fn daily() -> PipelineRef {
    "daily".parse().expect("an identifier")
}

/// A pipeline with three versions.
async fn three(fixture: &Fixture) {
    fixture.pipeline("daily", SMALL).await;
    assert_eq!(fixture.put("daily", LINE).await.status, 200);
    assert_eq!(fixture.put("daily", &format!("{SMALL}timeout: 1h\n")).await.status, 200);
}

fn numbers(body: &Value) -> Vec<i64> {
    let versions = body["data"]["versions"].as_array().expect("versions");
    versions.iter().filter_map(|version| version["version"].as_i64()).collect()
}

#[tokio::test]
async fn versions_are_listed_newest_first_and_paged() {
    let fixture = Fixture::new().await;
    three(&fixture).await;
    let all = fixture.admin.get("/api/pipelines/daily/versions").await;
    assert_eq!((all.status, numbers(&all.body)), (200, vec![3, 2, 1]));
    assert_eq!(all.body["data"]["pagination"], json!({ "page": 1, "limit": 20, "total": 3, "pages": 1 }));
    let second = fixture.admin.get("/api/pipelines/daily/versions?page=2&limit=2").await;
    assert_eq!(numbers(&second.body), [1]);
    assert_eq!(numbers(&fixture.admin.get("/api/pipelines/daily/versions?page=9").await.body), [0_i64; 0]);
    assert_eq!(fixture.admin.get("/api/pipelines/weekly/versions").await.status, 404);
}

#[tokio::test]
async fn every_version_stays_as_it_was_sent() {
    let fixture = Fixture::new().await;
    three(&fixture).await;
    let cp = fixture.app.cp();
    assert_eq!(cp.get_pipeline_version(&admin(), &daily(), 1).await.expect("a text"), SMALL);
    assert_eq!(cp.get_pipeline_version(&admin(), &daily(), 2).await.expect("a text"), LINE);
    let missing = cp.get_pipeline_version(&admin(), &daily(), 4).await;
    assert!(matches!(missing, Err(Error::NotFound("version"))));
}

#[tokio::test]
async fn any_two_versions_are_compared_line_by_line() {
    let fixture = Fixture::new().await;
    three(&fixture).await;
    let diff = fixture.app.cp().diff_pipeline_versions(&admin(), &daily(), 1, 3).await.expect("a diff");
    assert_eq!((diff.from, diff.to, diff.added, diff.removed), (1, 3, 1, 0));
    let added = diff.lines.last().expect("a line");
    assert_eq!((added.text.trim_end(), added.old_number, added.new_number), ("timeout: 1h", None, Some(3)));
    let back = fixture.app.cp().diff_pipeline_versions(&admin(), &daily(), 3, 1).await.expect("a diff");
    assert_eq!((back.added, back.removed), (0, 1));
    assert!(fixture.app.cp().diff_pipeline_versions(&admin(), &daily(), 1, 9).await.is_err());
}

#[tokio::test]
async fn a_restored_version_is_a_new_one_with_the_old_text() {
    let fixture = Fixture::new().await;
    three(&fixture).await;
    let cp = fixture.app.cp();
    let conflict = cp.restore_pipeline_version(&admin(), &daily(), 2, Some(2)).await.expect_err("a conflict");
    assert_eq!(conflict.details(), Some(json!({ "currentVersion": 3, "expectedVersion": 2 })));
    let restored = cp.restore_pipeline_version(&admin(), &daily(), 2, Some(3)).await.expect("a pipeline");
    assert_eq!((restored.version, restored.yaml.as_str()), (4, LINE));
    assert_eq!(cp.get_pipeline_version(&admin(), &daily(), 3).await.expect("a text"), format!("{SMALL}timeout: 1h\n"));
}

#[tokio::test]
async fn an_unchanged_text_makes_no_version_where_none_is_wanted() {
    let fixture = Fixture::new().await;
    three(&fixture).await;
    let same = ReplaceDefinition {
        yaml: format!("{SMALL}timeout: 1h\n"),
        expected_version: Some(3),
        git_sha: None,
        unless_same: true,
        filling: Filling::default(),
    };
    let actor = customer_of(&fixture.customer);
    let kept = fixture.app.cp().replace_pipeline_definition(&actor, &daily(), same).await.expect("a pipeline");
    assert_eq!(kept.version, 3);
}

#[tokio::test]
async fn old_versions_are_purged_but_for_those_of_runs() {
    let fixture = Fixture::new().await;
    let text = |hours: i64| format!("{SMALL}timeout: {hours}h\n");
    fixture.pipeline("daily", &text(1)).await;
    assert_eq!(fixture.put("daily", &text(2)).await.status, 200);
    let run = fixture.admin.post("/api/pipelines/daily/runs", &json!({})).await.body["data"]["run"].clone();
    assert_eq!(run["version"], 2);
    for version in 3..=5 {
        assert_eq!(fixture.put("daily", &text(version)).await.status, 200);
    }
    // As if a thousand versions were between the third one and the fourth.
    let mut tx = fixture.app.app.db.begin().await.expect("a transaction");
    for later in [
        "UPDATE pipeline_versions SET version = version + 1000 WHERE version > 3",
        "UPDATE pipelines SET version = version + 1000",
    ] {
        sql(later).execute(&mut tx).await.expect("later versions");
    }
    tx.commit().await.expect("later versions");

    let cp = fixture.app.cp();
    cp.purge().await.expect("a purge");
    let path = "/api/pipelines/daily/versions?limit=2";
    let listed = fixture.admin.get(path).await;
    assert_eq!(numbers(&listed.body), [1005, 1004]);
    assert_eq!(listed.body["data"]["pagination"], json!({ "page": 1, "limit": 2, "total": 3, "pages": 2 }));
    assert_eq!(numbers(&fixture.admin.get(&format!("{path}&page=2")).await.body), [2]);
    assert!(matches!(cp.get_pipeline_version(&admin(), &daily(), 3).await, Err(Error::NotFound("version"))));
    assert_eq!(cp.get_pipeline_version(&admin(), &daily(), 2).await.expect("a text"), text(2));

    fixture.says(&run, "transfer", "failed").await;
    let again = cp.rerun_pipeline_run(&admin(), run_id(&run), None).await.expect("a run");
    assert_eq!(again.version, 2, "the version of a run is kept");
    let next = cp.restore_pipeline_version(&admin(), &daily(), 2, Some(1005)).await.expect("a pipeline");
    let newest: Vec<i64> = next.versions.iter().map(|version| version.version).collect();
    assert_eq!((newest, next.yaml), (vec![1006, 1005, 1004], text(2)));
}

#[tokio::test]
async fn versions_are_the_administrators_to_see() {
    let fixture = Fixture::new().await;
    three(&fixture).await;
    let actor = customer_of(&fixture.customer);
    let cp = fixture.app.cp();
    assert!(matches!(cp.get_pipeline_version(&actor, &daily(), 1).await, Err(Error::Forbidden(_))));
    assert!(matches!(cp.diff_pipeline_versions(&actor, &daily(), 1, 2).await, Err(Error::Forbidden(_))));
    assert!(matches!(cp.restore_pipeline_version(&actor, &daily(), 1, None).await, Err(Error::Forbidden(_))));
    let other_customer = customer_of(&fixture.app.customer("other").await);
    assert!(matches!(cp.get_pipeline_version(&other_customer, &daily(), 1).await, Err(Error::NotFound(_))));
}
