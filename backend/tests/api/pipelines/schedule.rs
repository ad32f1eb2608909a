//! Schedules of pipelines: the rules and the ledger of jobs.

use chrono::TimeDelta;
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};

use super::{HOUR, MINUTE, Place, SMALL, id, run_id, text};
use crate::support::{TestApp, admin, app};

fn hourly(more: &str) -> String {
    format!("{SMALL}schedule: \"0 * * * *\"\n{more}")
}

#[tokio::test]
async fn a_due_slot_becomes_a_run_and_a_row_of_the_ledger() {
    let place = Place::new().await;
    let pipeline = place.pipeline("hourly", &hourly("")).await;
    assert_eq!(pipeline["nextRunAt"], "2026-04-25T14:00:00Z");
    assert_eq!(place.dispatch(HOUR - MINUTE).await, 0, "not yet");
    assert_eq!(place.dispatch(MINUTE).await, 1);
    assert_eq!(place.dispatch(TimeDelta::zero()).await, 0, "once");
    let run = place.history("hourly").await.remove(0);
    assert_eq!((&run["trigger"], &run["status"]), (&json!("schedule"), &json!("running")));
    let slot = place.slots("hourly").await.remove(0);
    assert_eq!(
        slot,
        json!({
            "id": slot["id"], "pipelineId": pipeline["id"], "scheduledFor": "2026-04-25T14:00:00Z", "outcome": "ran",
            "reason": null, "runId": run["id"], "from": null, "to": null, "count": null,
        })
    );
    assert_eq!(place.wishes().await, [("runStep".to_owned(), "transfer".to_owned())]);
    assert_eq!(place.next_run_at("hourly").await, "2026-04-25T15:00:00Z");
    let object = place.app.cp().find_object(&admin(), id(&slot).parse().expect("a UUID")).await.expect("a look");
    assert_eq!(object.expect("the slot").id().to_string(), id(&slot));
}

#[tokio::test]
async fn a_zone_is_the_zone_of_its_schedule() {
    let place = Place::new().await;
    let yaml = format!("{SMALL}schedule: \"0 2 * * *\"\ntimezone: Africa/Johannesburg\n");
    assert_eq!(place.pipeline("nightly", &yaml).await["nextRunAt"], "2026-04-26T00:00:00Z");
}

#[rstest]
#[case::skip("skip", &["14:00 ran", "15:00 skipped"], 1)]
#[case::queue("queue", &["14:00 ran", "15:00 pending"], 1)]
#[case::allow("allow", &["14:00 ran", "15:00 ran"], 2)]
#[tokio::test]
async fn a_slot_during_a_run_follows_the_rule(#[case] overlap: &str, #[case] ledger: &[&str], #[case] runs: usize) {
    let place = Place::new().await;
    place.pipeline("hourly", &hourly(&format!("overlap: {overlap}\n"))).await;
    place.dispatch(HOUR).await;
    place.dispatch(HOUR).await;
    assert_eq!(place.ledger("hourly").await, ledger);
    assert_eq!(place.history("hourly").await.len(), runs);
}

#[tokio::test]
async fn a_slot_that_waited_starts_when_the_run_before_it_has_ended() {
    let place = Place::new().await;
    place.pipeline("hourly", &hourly("overlap: queue\n")).await;
    place.dispatch(HOUR).await;
    place.dispatch(HOUR).await;
    let first = place.history("hourly").await.remove(0);
    place.look_after(MINUTE).await;
    assert_eq!(place.history("hourly").await.len(), 1, "not before");
    place.says(&first, "transfer", "completed").await;
    place.look_after(MINUTE).await;
    let runs = place.history("hourly").await;
    assert_eq!((runs.len(), &runs[0]["status"]), (2, &json!("running")));
    let slot = place.slots("hourly").await.remove(0);
    assert_eq!((&slot["runId"], &slot["reason"]), (&runs[0]["id"], &Value::Null));
}

#[rstest]
#[case::last("last", &["14:00 coalesced", "15:00 coalesced", "16:00 ran"])]
#[case::skip("skip", &["14:00 missed", "15:00 missed", "16:00 missed"])]
#[case::all("all", &["14:00 ran", "15:00 pending", "16:00 pending"])]
#[tokio::test]
async fn after_a_downtime_missed_slots_follow_the_rule(#[case] catch_up: &str, #[case] ledger: &[&str]) {
    let place = Place::new().await;
    place.pipeline("hourly", &hourly(&format!("catchUp: {catch_up}\n"))).await;
    let place = place.restarted(HOUR * 3 + MINUTE * 30).await;
    assert_eq!(place.dispatch(TimeDelta::zero()).await, 1);
    assert_eq!(place.ledger("hourly").await, ledger);
    let runs = ledger.iter().filter(|line| line.ends_with("ran") || line.ends_with("pending")).count();
    for left in (0..runs).rev() {
        let run = place.history("hourly").await.remove(0);
        place.says(&run, "transfer", "completed").await;
        place.look_after(TimeDelta::zero()).await;
        assert_eq!(place.history("hourly").await.len(), runs - left + usize::from(left > 0));
    }
}

#[tokio::test]
async fn a_slot_that_cannot_start_says_why() {
    let place = Place::new().await;
    place.pipeline("hourly", &hourly("agent: edge-9\n")).await;
    assert_eq!(place.dispatch(HOUR).await, 1);
    assert_eq!(place.ledger("hourly").await, ["14:00 missed"]);
    assert_eq!(place.slots("hourly").await[0]["reason"], "there is no agent with the id, name or host name `edge-9`");
    assert!(place.history("hourly").await.is_empty());
    place.app.agent(place.customer.id, "edge-9").await;
    place.dispatch(HOUR).await;
    assert_eq!(place.ledger("hourly").await, ["14:00 missed", "15:00 ran"]);
}

#[tokio::test]
async fn a_new_definition_changes_the_schedule_after_what_was_due_is_decided() {
    let place = Place::new().await;
    place.pipeline("hourly", &hourly("")).await;
    place.app.advance(HOUR + MINUTE);
    let put = place.put("hourly", &format!("{SMALL}schedule: \"30 * * * *\"\n")).await;
    assert_eq!(put.body["data"]["pipeline"]["nextRunAt"], "2026-04-25T14:30:00Z");
    assert_eq!(place.ledger("hourly").await, ["14:00 ran"]);
    let run = place.history("hourly").await.remove(0);
    assert_eq!(run["version"], 1);
    let none = place.put("hourly", SMALL).await;
    assert_eq!(none.body["data"]["pipeline"]["nextRunAt"], Value::Null);
    assert_eq!(place.dispatch(HOUR * 3).await, 0);
    assert_eq!(place.ledger("hourly").await.len(), 1);
}

#[tokio::test]
async fn a_slot_that_waits_is_called_off_when_the_pipeline_is_disabled() {
    let place = Place::new().await;
    place.pipeline("hourly", &hourly("overlap: queue\n")).await;
    place.dispatch(HOUR).await;
    place.dispatch(HOUR).await;
    place.patch("hourly", &json!({ "enabled": false })).await;
    assert_eq!(place.ledger("hourly").await, ["14:00 ran", "15:00 skipped"]);
    assert_eq!(place.slots("hourly").await[0]["reason"], "the pipeline was disabled");
    let run = place.history("hourly").await.remove(0);
    place.says(&run, "transfer", "completed").await;
    place.look_after(MINUTE).await;
    assert_eq!(place.history("hourly").await.len(), 1);
}

#[tokio::test]
async fn several_servers_and_several_lookers_start_each_slot_once() {
    let shared = app::TestDatabase::fresh().await;
    let place = Place::of(TestApp::on(&shared, &["--rate-limits", "off"]).await).await;
    for number in 0..12 {
        place.pipeline(&format!("hourly-{number}"), &hourly("")).await;
    }
    let other = if shared.is_shared() { Some(TestApp::on(&shared, &["--rate-limits", "off"]).await) } else { None };
    place.app.advance(HOUR);
    if let Some(other) = &other {
        other.advance(HOUR);
    }
    let servers = [Some(&place.app), other.as_ref(), Some(&place.app), other.as_ref()];
    let looks = servers.into_iter().flatten().map(|server| server.cp().dispatch_due_slots());
    let dispatched: usize = join_all(looks).await.into_iter().map(|look| look.expect("a look")).sum();
    assert_eq!(dispatched, 12);
    for number in 0..12 {
        let identifier = format!("hourly-{number}");
        let runs = place.history(&identifier).await;
        assert_eq!((runs.len(), place.ledger(&identifier).await), (1, vec!["14:00 ran".to_owned()]));
        assert_eq!(text(&place.slots(&identifier).await[0]["runId"]), run_id(&runs[0]).to_string());
    }
}
