//! Snoozes of attention items.

use backend::{
    actor::Actor,
    error::Error,
    ids::AttentionId,
    model::{FromFields, attention::SnoozeAttention},
    store::{Db, db::sql},
};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::{HOUR, MINUTE, SECOND, items, items_of, run, with_agent};
use crate::support::{Log, TestApp, admin, app::item_of_failures, customer_of};

fn input(until: &str) -> SnoozeAttention {
    let body = json!({ "until": until, "reason": "the partner is informed" });
    SnoozeAttention::read(body.as_object().cloned().unwrap_or_default()).expect("an input")
}

fn path(id: AttentionId) -> String {
    format!("/api/attention/{id}/snooze")
}

fn snooze_of(item: &Value) -> Value {
    json!([item["snoozedUntil"], item["snoozeReason"]])
}

#[tokio::test]
async fn an_item_is_snoozed_for_all_who_see_it_until_the_end() {
    let (app, customer, agent) = with_agent().await;
    app.failed_transfer(&agent).await;
    app.advance(TimeDelta::seconds(91));
    app.cp().mark_silent_agents_offline().await.expect("a sweep");
    let id = item_of_failures(customer.id);
    let body = json!({ "until": "2026-04-25T14:00:00Z", "reason": "the partner is informed" });
    let answer = app.bearer(&customer.token).post(&path(id), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let item = &answer.body["data"]["item"];
    let snoozed = json!(["2026-04-25T14:00:00Z", "the partner is informed"]);
    assert_eq!((&item["id"], snooze_of(item)), (&json!(id), snoozed.clone()));
    for actor in [admin(), customer_of(&customer)] {
        let found = items_of(&app, &actor, SECOND).await;
        assert_eq!(found.iter().map(snooze_of).collect::<Vec<_>>(), [json!([null, null]), snoozed.clone()]);
        assert_eq!(found[1]["kind"], "transferFailed", "what is snoozed comes last");
    }
    let after = items_of(&app, &admin(), HOUR).await;
    assert!(after.iter().all(|item| item["snoozedUntil"].is_null()), "{after:?}");
}

#[tokio::test]
async fn a_snooze_ends_when_it_is_asked_for() {
    let (app, customer, agent) = with_agent().await;
    app.failed_transfer(&agent).await;
    let (user, id) = (app.bearer(&customer.token), item_of_failures(customer.id));
    app.cp().snooze_attention(&admin(), id, input("2026-04-26T13:00:00Z")).await.expect("a snooze");
    assert_eq!(items(&app).await[0]["snoozedUntil"], "2026-04-26T13:00:00Z");
    for _ in 0..2 {
        let answer = user.delete(&path(id)).await;
        assert_eq!((answer.status, &answer.body["data"]), (200, &json!({ "deleted": true })));
    }
    assert_eq!(items(&app).await[0]["snoozedUntil"], Value::Null);
}

#[tokio::test]
async fn a_snooze_and_its_end_are_shown_at_once_with_the_items_that_are_kept() {
    let (app, customer, agent) = with_agent().await;
    app.failed_transfer(&agent).await;
    let (user, id) = (customer_of(&customer), item_of_failures(customer.id));
    let shown = async |actor: &Actor| {
        let found = items_of(&app, actor, TimeDelta::zero()).await;
        json!([found[0]["count"], found[0]["snoozedUntil"]])
    };
    assert_eq!((shown(&user).await, shown(&admin()).await), (json!([1, null]), json!([1, null])));
    // If the items were read again, they would be two.
    app.failed_transfer(&agent).await;
    let until = "2026-04-25T14:00:00Z";
    app.cp().snooze_attention(&user, id, input(until)).await.expect("a snooze");
    assert_eq!((shown(&user).await, shown(&admin()).await), (json!([1, until]), json!([1, until])));
    app.cp().end_attention_snooze(&user, id).await.expect("its end");
    assert_eq!((shown(&user).await, shown(&admin()).await), (json!([1, null]), json!([1, null])));
    assert_eq!(items(&app).await[0]["count"], 2);
}

#[tokio::test]
async fn a_snooze_ends_for_good_when_the_severity_rises() {
    let (app, customer, agent) = with_agent().await;
    for _ in 0..8 {
        app.failed_transfer(&agent).await;
    }
    let id = item_of_failures(customer.id);
    app.cp().snooze_attention(&admin(), id, input("2026-04-26T13:00:00Z")).await.expect("a snooze");
    app.failed_transfer(&agent).await;
    assert!(items(&app).await[0]["snoozedUntil"].is_string(), "nine are no worse than eight");
    let last = app.failed_transfer(&agent).await;
    let found = items(&app).await;
    assert_eq!(json!([found[0]["severity"], found[0]["snoozedUntil"]]), json!(["critical", null]));
    let retried = app.bearer(&customer.token).post("/api/transfers/retry", &json!({ "ids": [last["id"]] })).await;
    assert_eq!(retried.status, 200, "{}", retried.body);
    let found = items(&app).await;
    assert_eq!(json!([found[0]["severity"], found[0]["snoozedUntil"]]), json!(["warning", null]));
}

#[tokio::test]
async fn it_is_logged_once_that_ends_of_snoozes_are_not_stored_until_they_are_again() {
    let (app, customer, agent) = with_agent().await;
    for _ in 0..9 {
        app.failed_transfer(&agent).await;
    }
    let id = item_of_failures(customer.id);
    let column = if matches!(app.app.db, Db::Sqlite { .. }) { "BLOB" } else { "UUID" };
    store(&app, &format!("CREATE TABLE kept (item_id {column} REFERENCES attention_snoozes (item_id))")).await;
    let (log, _logging) = Log::capture();
    let logged_lines = || {
        let messages = ["the end of a snooze was not stored", "the ends of snoozes are stored again"];
        messages.map(|message| log.lines(message).len())
    };
    for round in 0..2 {
        app.cp().snooze_attention(&admin(), id, input("2026-04-26T13:00:00Z")).await.expect("a snooze");
        store(&app, "INSERT INTO kept SELECT item_id FROM attention_snoozes").await;
        let worse = app.failed_transfer(&agent).await;
        for _ in 0..3 {
            assert_eq!(items(&app).await[0]["snoozedUntil"], Value::Null, "it is worse than the snoozed one");
            assert_eq!(logged_lines(), [round + 1, round]);
        }
        store(&app, "DELETE FROM kept").await;
        for _ in 0..3 {
            items(&app).await;
            assert_eq!(logged_lines(), [round + 1, round + 1]);
        }
        let retry = json!({ "ids": [worse["id"]] });
        let retried = app.bearer(&customer.token).post("/api/transfers/retry", &retry).await;
        assert_eq!(retried.status, 200, "{}", retried.body);
        assert_eq!(items(&app).await[0]["severity"], "warning");
    }
}

/// Carries out a statement.
async fn store(app: &TestApp, statement: &str) {
    let mut tx = app.app.db.begin().await.expect("a transaction");
    sql(statement.to_owned().leak()).execute(&mut tx).await.expect("a statement");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn a_customer_changes_no_snooze_of_what_they_do_not_see() {
    let (app, customer, agent) = with_agent().await;
    let job = app.job(&agent, &json!({ "schedule": "0 0 1 1 *" })).await;
    run(&app, &agent, job, MINUTE, &json!({ "status": "failed" })).await;
    let found = items(&app).await;
    assert_eq!(found[0]["kind"], "runFailed");
    let id: AttentionId = found[0]["id"].as_str().expect("an id").parse().expect("an id");
    let user = customer_of(&customer);
    let is_missing = |outcome: Option<Error>| matches!(outcome, Some(Error::NotFound(_)));
    let until = "2026-04-26T13:00:00Z";
    assert!(is_missing(app.cp().snooze_attention(&user, id, input(until)).await.err()));
    app.cp().snooze_attention(&admin(), id, input(until)).await.expect("a snooze");
    assert!(is_missing(app.cp().end_attention_snooze(&user, id).await.err()));
    assert_eq!(items(&app).await[0]["snoozedUntil"], until);
}

#[tokio::test]
async fn snoozes_that_have_ended_are_purged() {
    let (app, customer, agent) = with_agent().await;
    app.failed_transfer(&agent).await;
    let id = item_of_failures(customer.id);
    app.cp().snooze_attention(&admin(), id, input("2026-04-25T14:00:00Z")).await.expect("a snooze");
    let left = async || {
        let rows = sql("SELECT reason, actor FROM attention_snoozes");
        let rows: Vec<(String, String)> = rows.fetch_all(&app.app.db).await.expect("snoozes");
        rows.len()
    };
    app.cp().purge().await.expect("a purge");
    assert_eq!(left().await, 1);
    app.advance(HOUR);
    app.cp().purge().await.expect("a purge");
    assert_eq!(left().await, 0);
}

#[rstest]
#[case(json!({}), &["reason", "until"])]
#[case(json!({ "until": "soon", "reason": "" }), &["reason", "until"])]
#[case(json!({ "until": "2026-04-25T13:00:00Z", "reason": "late" }), &["until"])]
#[case(json!({ "until": "2027-04-27T13:00:00Z", "reason": "never" }), &["until"])]
#[tokio::test]
async fn a_snooze_needs_a_reason_and_an_end_in_the_future(#[case] body: Value, #[case] wrong: &[&str]) {
    let (app, customer, agent) = with_agent().await;
    app.failed_transfer(&agent).await;
    let answer = app.bearer(&customer.token).post(&path(item_of_failures(customer.id)), &body).await;
    assert_eq!((answer.status, answer.wrong_fields()), (400, wrong.to_vec()), "{}", answer.body);
}

#[tokio::test]
async fn what_needs_no_attention_cannot_be_snoozed() {
    let app = TestApp::start().await;
    let (client, customer) = (app.admin().await, app.customer("Acme").await);
    let body = json!({ "until": "2026-04-26T13:00:00Z", "reason": "nothing" });
    let id = item_of_failures(customer.id);
    assert_eq!(client.post(&path(id), &body).await.status, 404);
    assert_eq!(client.delete(&path(id)).await.status, 404);
}
