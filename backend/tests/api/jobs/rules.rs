//! The rules of a job's copy: kept, changed, cleared, checked and sent to the agent.

use backend::store::db::{json as column, sql};
use rstest::rstest;
use serde_json::{Value, json};

use super::{HOUR, MINUTE, Story};
use crate::support::Answer;

/// Rules of which each is set.
fn rules() -> Value {
    json!({
        "credentials": "orders", "endpoint": "partner", "onExists": "rename", "afterSuccess": "moveTo:/out/done/",
        "preserve": ["times", "modes"], "onFileError": "skip", "symlinks": "follow", "verify": "none",
    })
}

/// Null for each rule.
fn nothing() -> Value {
    let rules = rules();
    rules.as_object().expect("an object").keys().map(|name| (name.clone(), Value::Null)).collect()
}

/// The rules of a job, as it is shown or sent.
fn of(job: &Value) -> Value {
    let rules = rules();
    let names = rules.as_object().expect("an object").keys();
    names.map(|name| (name.clone(), job.get(name).expect("a field that may be null is there").clone())).collect()
}

async fn patch(story: &Story, body: &Value) -> Answer {
    let answer = story.app.admin().await.patch(&format!("/api/jobs/{}", story.job), body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

#[tokio::test]
async fn the_rules_of_a_job_are_kept_and_sent_to_its_agent() {
    let story = Story::begin(&rules()).await;
    assert_eq!(of(&story.shown().await), rules());
    story.dispatch(HOUR).await;
    assert_eq!(of(&story.starts().await[0]["payload"]["job"]), rules());
}

#[tokio::test]
async fn a_job_without_rules_says_so() {
    let story = Story::begin(&json!({ "onExists": null })).await;
    assert_eq!(of(&story.shown().await), nothing());
    story.dispatch(HOUR).await;
    assert_eq!(of(&story.starts().await[0]["payload"]["job"]), nothing());
}

#[tokio::test]
async fn a_changed_rule_leaves_the_others_and_null_brings_the_default_back() {
    let story = Story::begin(&rules()).await;
    story.dispatch(HOUR).await;
    let change = json!({ "onExists": "skip", "preserve": [], "credentials": null, "afterSuccess": "moveTo: done " });
    let changed = patch(&story, &change).await.body["data"]["job"].clone();
    let mut expected = rules();
    (expected["onExists"], expected["preserve"]) = (json!("skip"), json!([]));
    (expected["credentials"], expected["afterSuccess"]) = (Value::Null, json!("moveTo:done"));
    assert_eq!(of(&changed), expected);
    assert_eq!(of(&story.shown().await), expected);
    assert_eq!(of(&story.starts().await[0]["payload"]["job"]), expected, "the start that waits has the new rules");

    let cleared = patch(&story, &nothing()).await.body["data"]["job"].clone();
    assert_eq!(of(&cleared), nothing());
    let again = patch(&story, &nothing()).await.body["data"]["job"].clone();
    assert_eq!(again["revision"], cleared["revision"], "nothing changed");
}

#[rstest]
#[case(json!({ "credentials": "orders:hunter2" }), &["credentials"])]
#[case(json!({ "afterSuccess": "moveTo:sftp://me:hunter2@host/done" }), &["afterSuccess"])]
#[case(json!({ "afterSuccess": "moveTo://me:hunter2@host/done" }), &["afterSuccess"])]
#[case(json!({ "afterSuccess": "moveTo:me:hunter2@host:/done" }), &["afterSuccess"])]
#[case(json!({ "afterSuccess": "moveTo:sftp:me:hunter2@host/done" }), &["afterSuccess"])]
#[case(json!({ "afterSuccess": "moveTo:../hunter2" }), &["afterSuccess"])]
#[case(json!({ "preserve": ["times", "hunter2"] }), &["preserve"])]
#[case(
    json!({
        "credentials": "", "endpoint": "a b", "onExists": "ask", "afterSuccess": "archive", "preserve": "times",
        "onFileError": "stop", "symlinks": true, "verify": "md5",
    }),
    &["afterSuccess", "credentials", "endpoint", "onExists", "onFileError", "preserve", "symlinks", "verify"]
)]
#[tokio::test]
async fn wrong_rules_are_named_all_at_once_and_never_repeated(#[case] rules: Value, #[case] wrong: &[&str]) {
    let story = Story::begin(&json!({})).await;
    let admin = story.app.admin().await;
    let changed = admin.patch(&format!("/api/jobs/{}", story.job), &rules).await;
    let mut body = json!({
        "agentId": story.agent.id, "name": "Nightly", "sourcePath": "/out/", "destinationPath": "/in/",
        "schedule": "@daily", "protocol": "local", "direction": "pull",
    });
    body.as_object_mut().expect("an object").extend(rules.as_object().expect("an object").clone());
    let created = admin.post("/api/jobs", &body).await;
    for answer in [changed, created] {
        assert_eq!((answer.status, answer.wrong_fields()), (400, wrong.to_vec()), "{}", answer.body);
        assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
    }
    assert_eq!(of(&story.shown().await), nothing());
}

/// The columns that hold the rule about copied files: of jobs, of directives and of the log.
const STORED: [(&str, &str); 3] = [
    (
        "SELECT CAST(copy_rules AS TEXT) FROM jobs WHERE copy_rules IS NOT NULL",
        "UPDATE jobs SET copy_rules = $1 WHERE CAST(copy_rules AS TEXT) = $2",
    ),
    (
        "SELECT CAST(wish AS TEXT) FROM directives WHERE job_id IS NOT NULL",
        "UPDATE directives SET wish = $1 WHERE CAST(wish AS TEXT) = $2",
    ),
    (
        "SELECT CAST(object AS TEXT) FROM events WHERE kind = 'jobCreated'",
        "UPDATE events SET object = $1 WHERE CAST(object AS TEXT) = $2",
    ),
];

#[tokio::test]
async fn a_password_that_an_earlier_version_stored_is_neither_shown_nor_sent() {
    const EARLIER: &str = "moveTo:me:hunter2@host:/done/";
    const SAFE: &str = "moveTo:me@host:/done/";
    let story = Story::begin(&rules()).await;
    story.dispatch(HOUR).await;
    let mut tx = story.app.app.db.begin().await.expect("a transaction");
    for (read, write) in STORED {
        let rows: Vec<(String,)> = sql(read).fetch_all(&mut tx).await.expect("rows");
        assert_eq!(rows.len(), 1, "{read}");
        let earlier = rows[0].0.replace("moveTo:/out/done/", EARLIER);
        assert!(earlier.contains(EARLIER), "{earlier}");
        let earlier = column(&serde_json::from_str::<Value>(&earlier).expect("JSON")).expect("JSON");
        assert_eq!(sql(write).bind(earlier).bind(rows[0].0.clone()).execute(&mut tx).await.expect("it is written"), 1);
    }
    tx.commit().await.expect("it is written");
    let story = story.restarted(MINUTE).await;

    let mut expected = rules();
    expected["afterSuccess"] = json!(SAFE);
    assert_eq!(of(&story.shown().await), expected);
    assert_eq!(of(&story.starts().await[0]["payload"]["job"]), expected, "the start that waits can be followed");
    let log = "{ events(first: 100) { nodes { object { ... on Job { afterSuccess } } } } }";
    let log = story.app.admin().await.data(log, &Value::Null).await.to_string();
    assert!(log.contains(SAFE) && !log.contains("hunter2"), "{log}");

    patch(&story, &json!({ "name": "Renamed" })).await;
    let stored: Vec<(String,)> = sql(STORED[0].0).fetch_all(&story.app.app.db).await.expect("rows");
    assert!(stored[0].0.contains(SAFE), "a change stores the rule without it: {stored:?}");
}

#[tokio::test]
async fn the_name_of_an_endpoint_may_stand_where_a_url_has_its_host() {
    let fields = json!({ "sourcePath": "sftp://partner/out/*.csv", "protocol": "sftp" });
    let story = Story::begin(&fields).await;
    assert_eq!(story.shown().await["source"], "sftp://partner/out/*.csv");
}
