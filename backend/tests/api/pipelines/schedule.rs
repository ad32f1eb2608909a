//! Schedules of pipelines: the same rules and slot history as for jobs.

use chrono::TimeDelta;
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Fixture, HOUR, MINUTE, SMALL, id, run_id, text};
use crate::support::{TestApp, admin, app};

fn hourly(more: &str) -> String {
    format!("{SMALL}schedule: \"0 * * * *\"\n{more}")
}

#[tokio::test]
async fn a_due_slot_becomes_a_run_and_a_row_of_the_slot_history() {
    let fixture = Fixture::new().await;
    let pipeline = fixture.pipeline("hourly", &hourly("")).await;
    assert_eq!(pipeline["nextRunAt"], "2026-04-25T14:00:00Z");
    assert_eq!(fixture.dispatch(HOUR - MINUTE).await, 0, "not yet");
    assert_eq!(fixture.dispatch(MINUTE).await, 1);
    assert_eq!(fixture.dispatch(TimeDelta::zero()).await, 0, "once");
    let run = fixture.history("hourly").await.remove(0);
    assert_eq!((&run["trigger"], &run["status"]), (&json!("schedule"), &json!("running")));
    let slot = fixture.slots("hourly").await.remove(0);
    assert_eq!(
        slot,
        json!({
            "id": slot["id"], "pipelineId": pipeline["id"], "scheduledFor": "2026-04-25T14:00:00Z", "outcome": "ran",
            "reason": null, "runId": run["id"], "from": null, "to": null, "count": null,
        })
    );
    assert_eq!(fixture.delivered().await, [("runStep".to_owned(), "transfer".to_owned())]);
    assert_eq!(fixture.next_run_at("hourly").await, "2026-04-25T15:00:00Z");
    let object = fixture.app.cp().find_object(&admin(), id(&slot).parse().expect("a UUID")).await.expect("a look");
    assert_eq!(object.expect("the slot").id().to_string(), id(&slot));
}

#[tokio::test]
async fn a_zone_is_the_zone_of_its_schedule() {
    let fixture = Fixture::new().await;
    let yaml = format!("{SMALL}schedule: \"0 2 * * *\"\ntimezone: Africa/Johannesburg\n");
    assert_eq!(fixture.pipeline("nightly", &yaml).await["nextRunAt"], "2026-04-26T00:00:00Z");
}

#[rstest]
#[case::skip("skip", &["14:00 ran", "15:00 skipped"], 1)]
#[case::queue("queue", &["14:00 ran", "15:00 pending"], 1)]
#[case::allow("allow", &["14:00 ran", "15:00 ran"], 2)]
#[tokio::test]
async fn a_slot_during_a_run_follows_the_rule(
    #[case] overlap: &str,
    #[case] slot_history: &[&str],
    #[case] runs: usize,
) {
    let fixture = Fixture::new().await;
    fixture.pipeline("hourly", &hourly(&format!("overlap: {overlap}\n"))).await;
    fixture.dispatch(HOUR).await;
    fixture.dispatch(HOUR).await;
    assert_eq!(fixture.slot_history("hourly").await, slot_history);
    assert_eq!(fixture.history("hourly").await.len(), runs);
}

#[tokio::test]
async fn a_slot_that_waited_starts_when_the_run_before_it_has_ended() {
    let fixture = Fixture::new().await;
    fixture.pipeline("hourly", &hourly("overlap: queue\n")).await;
    fixture.dispatch(HOUR).await;
    fixture.dispatch(HOUR).await;
    let first = fixture.history("hourly").await.remove(0);
    fixture.look_after(MINUTE).await;
    assert_eq!(fixture.history("hourly").await.len(), 1, "not before");
    fixture.says(&first, "transfer", "completed").await;
    fixture.look_after(MINUTE).await;
    let runs = fixture.history("hourly").await;
    assert_eq!((runs.len(), &runs[0]["status"]), (2, &json!("running")));
    let slot = fixture.slots("hourly").await.remove(0);
    assert_eq!((&slot["runId"], &slot["reason"]), (&runs[0]["id"], &Value::Null));
}

#[rstest]
#[case::last("last", &["14:00 coalesced", "15:00 coalesced", "16:00 ran"])]
#[case::skip("skip", &["14:00 missed", "15:00 missed", "16:00 missed"])]
#[case::all("all", &["14:00 ran", "15:00 pending", "16:00 pending"])]
#[tokio::test]
async fn after_a_downtime_missed_slots_follow_the_rule(#[case] catch_up: &str, #[case] slot_history: &[&str]) {
    let fixture = Fixture::new().await;
    fixture.pipeline("hourly", &hourly(&format!("catchUp: {catch_up}\n"))).await;
    let fixture = fixture.restarted(HOUR * 3 + MINUTE * 30).await;
    assert_eq!(fixture.dispatch(TimeDelta::zero()).await, 1);
    assert_eq!(fixture.slot_history("hourly").await, slot_history);
    let runs = slot_history.iter().filter(|line| line.ends_with("ran") || line.ends_with("pending")).count();
    for left in (0..runs).rev() {
        let run = fixture.history("hourly").await.remove(0);
        fixture.says(&run, "transfer", "completed").await;
        fixture.look_after(TimeDelta::zero()).await;
        assert_eq!(fixture.history("hourly").await.len(), runs - left + usize::from(left > 0));
    }
}

#[tokio::test]
async fn a_slot_that_cannot_start_says_why() {
    let fixture = Fixture::new().await;
    fixture.pipeline("hourly", &hourly("agent: edge-9\n")).await;
    assert_eq!(fixture.dispatch(HOUR).await, 1);
    assert_eq!(fixture.slot_history("hourly").await, ["14:00 missed"]);
    let reason = "there is no agent with the id, name or host name `edge-9`: register it, or name another one";
    assert_eq!(fixture.slots("hourly").await[0]["reason"], reason);
    assert!(fixture.history("hourly").await.is_empty());
    fixture.app.agent(fixture.customer.id, "edge-9").await;
    fixture.dispatch(HOUR).await;
    assert_eq!(fixture.slot_history("hourly").await, ["14:00 missed", "15:00 ran"]);
}

#[tokio::test]
async fn a_new_definition_changes_the_schedule_after_what_was_due_is_decided() {
    let fixture = Fixture::new().await;
    fixture.pipeline("hourly", &hourly("")).await;
    fixture.app.advance(HOUR + MINUTE);
    let put = fixture.put("hourly", &format!("{SMALL}schedule: \"30 * * * *\"\n")).await;
    assert_eq!(put.body["data"]["pipeline"]["nextRunAt"], "2026-04-25T14:30:00Z");
    assert_eq!(fixture.slot_history("hourly").await, ["14:00 ran"]);
    let run = fixture.history("hourly").await.remove(0);
    assert_eq!(run["version"], 1);
    let none = fixture.put("hourly", SMALL).await;
    assert_eq!(none.body["data"]["pipeline"]["nextRunAt"], Value::Null);
    assert_eq!(fixture.dispatch(HOUR * 3).await, 0);
    assert_eq!(fixture.slot_history("hourly").await.len(), 1);
}

#[tokio::test]
async fn a_slot_that_waits_is_called_off_when_the_pipeline_is_disabled() {
    let fixture = Fixture::new().await;
    fixture.pipeline("hourly", &hourly("overlap: queue\n")).await;
    fixture.dispatch(HOUR).await;
    fixture.dispatch(HOUR).await;
    fixture.patch("hourly", &json!({ "enabled": false })).await;
    assert_eq!(fixture.slot_history("hourly").await, ["14:00 ran", "15:00 skipped"]);
    assert_eq!(fixture.slots("hourly").await[0]["reason"], "the pipeline was disabled");
    let run = fixture.history("hourly").await.remove(0);
    fixture.says(&run, "transfer", "completed").await;
    fixture.look_after(MINUTE).await;
    assert_eq!(fixture.history("hourly").await.len(), 1);
}

#[tokio::test]
async fn several_servers_and_several_lookers_start_each_slot_once() {
    let shared = app::TestDatabase::fresh().await;
    let fixture = Fixture::of(TestApp::on(&shared, &["--rate-limits", "off"]).await).await;
    for number in 0..12 {
        fixture.pipeline(&format!("hourly-{number}"), &hourly("")).await;
    }
    let other = if shared.is_shared() { Some(TestApp::on(&shared, &["--rate-limits", "off"]).await) } else { None };
    fixture.app.advance(HOUR);
    if let Some(other) = &other {
        other.advance(HOUR);
    }
    let servers = [Some(&fixture.app), other.as_ref(), Some(&fixture.app), other.as_ref()];
    let looks = servers.into_iter().flatten().map(|server| server.cp().decide_due_slots());
    let dispatched: usize = join_all(looks).await.into_iter().map(|look| look.expect("a look")).sum();
    assert_eq!(dispatched, 12);
    for number in 0..12 {
        let identifier = format!("hourly-{number}");
        let runs = fixture.history(&identifier).await;
        assert_eq!((runs.len(), fixture.slot_history(&identifier).await), (1, vec!["14:00 ran".to_owned()]));
        assert_eq!(text(&fixture.slots(&identifier).await[0]["runId"]), run_id(&runs[0]).to_string());
    }
}
