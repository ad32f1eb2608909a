//! Servers that stop in the middle of a run.

use chrono::TimeDelta;
use serde_json::json;

use super::{Fixture, LINE, MINUTE, MOMENT, statuses, step, step_path, text};
use crate::support::{Receiver, TestApp, admin, app, connected};

#[tokio::test]
async fn after_a_restart_a_run_goes_on_and_nothing_is_done_again() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    fixture.says(&run, "fetch", "completed").await;
    fixture.says(&run, "check", "running").await;
    let before = fixture.look(&run).await;
    let fixture = fixture.restarted(MINUTE).await;
    fixture.look_after(MOMENT).await;
    assert_eq!(fixture.look(&run).await, before);
    assert!(fixture.delivered().await.is_empty(), "the agent knows what it has to do");
    fixture.says(&run, "check", "completed").await;
    assert_eq!(fixture.delivered().await, [("runStep".to_owned(), "pack".to_owned())]);
    let fixture = fixture.restarted(MINUTE).await;
    assert_eq!(fixture.delivered().await, [("runStep".to_owned(), "pack".to_owned())]);
    fixture.says(&run, "pack", "completed").await;
    assert_eq!(fixture.look(&run).await["status"], "completed");
}

#[tokio::test]
async fn what_waited_out_its_time_while_no_server_was_there_is_seen_by_the_next() {
    let fixture = Fixture::new().await;
    let run = fixture.run(&format!("{LINE}timeout: 10m\n")).await;
    fixture.says(&run, "fetch", "running").await;
    let fixture = fixture.restarted(MINUTE * 30).await;
    fixture.look_after(TimeDelta::zero()).await;
    assert_eq!(fixture.look(&run).await["errorMessage"], "the run took longer than its timeout of 10m");
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_run_in_its_second_step_finishes_on_the_other_server_when_one_is_killed() {
    let shared = app::TestDatabase::shared().await;
    let fixture = Fixture::of(TestApp::on(&shared, &["--rate-limits", "off"]).await).await;
    let other = TestApp::on(&shared, &["--rate-limits", "off"]).await;
    connected(&fixture.app).await;
    connected(&other).await;
    let run = fixture.run(LINE).await;
    fixture.says(&run, "fetch", "completed").await;
    fixture.says(&run, "check", "running").await;
    // A long poll at the other server hears of the step that the killed one never sent.
    let agent = other.key(&fixture.agent.key);
    drop(fixture);
    let report = agent.patch(&step_path(&run, "check"), &json!({ "status": "completed" })).await;
    assert_eq!(report.body["data"]["directives"][0]["payload"]["step"]["id"], "pack", "{}", report.body);
    other.advance(MINUTE);
    other.app.cp.advance_pipeline_runs().await.expect("a look");
    assert_eq!(agent.patch(&step_path(&run, "pack"), &json!({ "status": "completed" })).await.status, 200);
    let run = other.app.cp.get_pipeline_run(&admin(), super::run_id(&run)).await.expect("the run");
    let run = json!(run);
    assert_eq!(statuses(&run), ["completed", "completed", "completed", "skipped"]);
    assert_eq!(text(&run["status"]), "completed");
    assert!(run["steps"].as_array().expect("steps").iter().all(|step| step["attempt"] == 1), "{run}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_webhook_whose_server_was_killed_is_another_attempt_of_the_other_server() {
    let shared = app::TestDatabase::shared().await;
    let flags = ["--rate-limits", "off", "--webhook-networks", "127.0.0.1"];
    let fixture = Fixture::of(TestApp::on(&shared, &flags).await).await;
    let other = TestApp::on(&shared, &flags).await;
    // Whoever asks first is never answered.
    let receiver =
        Receiver::start(|request| (!request.header("x-mftplus-delivery").ends_with("/1")).then_some(204)).await;
    let yaml = format!(
        "source: /a\ndestination: /b\nsteps:\n  - {{ id: tell, type: webhook, url: \"{}\", \
         retry: {{ maxAttempts: 2, initialDelay: 1s }} }}\n",
        receiver.url()
    );
    let run = fixture.run(&yaml).await;
    fixture.look_after(MOMENT).await;
    while receiver.received().is_empty() {
        tokio::task::yield_now().await;
    }
    let look = async |after: TimeDelta| {
        other.advance(after);
        other.app.cp.advance_pipeline_runs().await.expect("a look");
        let run = other.app.cp.get_pipeline_run(&admin(), super::run_id(&run)).await.expect("the run");
        json!(run)
    };
    let claimed = look(MINUTE - MOMENT).await;
    assert_eq!(step(&claimed, "tell")["status"], "running", "the claim is believed for a minute");
    let lapsed = look(MOMENT * 2).await;
    let said = "the server that sent the webhook stopped before it stored the outcome";
    assert_eq!((&step(&lapsed, "tell")["attempt"], &step(&lapsed, "tell")["errorMessage"]), (&json!(2), &json!(said)));
    look(TimeDelta::seconds(1)).await;
    while look(TimeDelta::zero()).await["status"] == "running" {
        tokio::task::yield_now().await;
    }
    assert_eq!(look(TimeDelta::zero()).await["status"], "completed");
    assert_eq!(receiver.received().len(), 2);
}
