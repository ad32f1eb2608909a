//! The order of steps: dependencies, conditions, further attempts and timeouts.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Fixture, LINE, MINUTE, MOMENT, statuses, step};

fn run_step_directives(steps: &[&str]) -> Vec<(String, String)> {
    steps.iter().map(|step| ("runStep".to_owned(), (*step).to_owned())).collect()
}

const DIAMOND: &str = "\
source: sftp://ftp.example.com/orders.csv
destination: /data/in/
steps:
  - { id: first, type: checksum, path: /data/a }
  - { id: left, type: checksum, needs: [first], path: /data/b }
  - { id: right, type: checksum, needs: [first], path: /data/c }
  - { id: last, type: delete, needs: [left, right], path: /data/d }
  - { id: amend, type: delete, needs: [left], when: failure, path: /data/e }
  - { id: tidy, type: delete, needs: [left], when: always, path: /data/f }
";

#[tokio::test]
async fn steps_in_a_line_follow_each_other_and_what_waits_for_a_failure_is_skipped() {
    let fixture = Fixture::new().await;
    let run = fixture.run(LINE).await;
    for (done, next) in [("fetch", "check"), ("check", "pack")] {
        fixture.says(&run, done, "completed").await;
        assert_eq!(fixture.delivered().await, run_step_directives(&[next]));
    }
    fixture.app.advance(MINUTE);
    fixture.says(&run, "pack", "running").await;
    fixture.says(&run, "pack", "completed").await;
    let run = fixture.look(&run).await;
    assert_eq!((&run["status"], &run["completedAt"]), (&json!("completed"), &json!("2026-04-25T13:01:00Z")));
    assert_eq!(statuses(&run), ["completed", "completed", "completed", "skipped"]);
    assert_eq!(
        step(&run, "clean")["errorMessage"],
        "the step runs only after a failure, and none of the steps that it needs failed"
    );
    assert!(fixture.delivered().await.is_empty());
}

#[tokio::test]
async fn steps_that_do_not_need_each_other_run_side_by_side() {
    let fixture = Fixture::new().await;
    let run = fixture.run(DIAMOND).await;
    fixture.says(&run, "first", "completed").await;
    assert_eq!(fixture.delivered().await, run_step_directives(&["left", "right"]));
    fixture.says(&run, "right", "completed").await;
    assert_eq!(fixture.delivered().await, run_step_directives(&["left"]), "the last one needs both");
    fixture.says(&run, "left", "completed").await;
    assert_eq!(fixture.delivered().await, run_step_directives(&["last", "tidy"]));
    fixture.says(&run, "last", "completed").await;
    assert_eq!(fixture.look(&run).await["status"], "running");
    fixture.says(&run, "tidy", "completed").await;
    assert_eq!(fixture.look(&run).await["status"], "completed");
}

#[tokio::test]
async fn after_a_failure_goes_on_what_waits_for_one_or_for_any_end() {
    let fixture = Fixture::new().await;
    let run = fixture.run(DIAMOND).await;
    fixture.says(&run, "first", "completed").await;
    let report = json!({ "status": "failed", "errorMessage": "no such file" });
    assert_eq!(fixture.report(&run, "left", &report).await.status, 200);
    assert_eq!(fixture.delivered().await, run_step_directives(&["right", "amend", "tidy"]));
    for done in ["right", "amend", "tidy"] {
        fixture.says(&run, done, "completed").await;
    }
    let run = fixture.look(&run).await;
    assert_eq!((&run["status"], &run["errorMessage"]), (&json!("failed"), &json!("step `left` failed: no such file")));
    assert_eq!(step(&run, "last")["errorMessage"], "the step needs `left`, which is failed");
}

#[tokio::test]
async fn a_step_is_tried_again_after_delays_that_grow() {
    let fixture = Fixture::new().await;
    let yaml = "source: /a\ndestination: /b\nretry: { maxAttempts: 3, initialDelay: 10s, factor: 3 }\n";
    let run = fixture.run(yaml).await;
    for (attempt, pause) in [(1, 10), (2, 30)] {
        let order = &fixture.directives().await[0]["payload"]["step"];
        assert_eq!(order["attempt"], attempt);
        let report = json!({ "status": "failed", "attempt": attempt, "progress": 50, "errorMessage": "it broke" });
        assert_eq!(fixture.report(&run, "transfer", &report).await.status, 200);
        let waiting = fixture.look(&run).await;
        let shown = &waiting["steps"][0];
        assert_eq!((&waiting["status"], &shown["status"]), (&json!("running"), &json!("queued")));
        assert_eq!((&shown["attempt"], &shown["errorMessage"]), (&json!(attempt + 1), &json!("it broke")));
        assert_eq!(shown["progress"], Value::Null, "another attempt begins anew");
        fixture.look_after(TimeDelta::seconds(pause) - MOMENT).await;
        assert!(fixture.delivered().await.is_empty());
        fixture.look_after(MOMENT).await;
        assert_eq!(fixture.delivered().await, run_step_directives(&["transfer"]));
    }
    let report = json!({ "status": "failed", "attempt": 3, "errorMessage": "it broke again" });
    fixture.report(&run, "transfer", &report).await;
    let run = fixture.look(&run).await;
    assert_eq!(
        (&run["status"], &run["errorMessage"]),
        (&json!("failed"), &json!("step `transfer` failed: it broke again"))
    );
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_stopped_and_tried_again_once_its_agent_has_stopped() {
    let fixture = Fixture::new().await;
    let yaml = "\
source: /a
destination: /b
steps:
  - { id: sum, type: checksum, path: /data/a, timeout: 1m, retry: { maxAttempts: 2, initialDelay: 1s } }
";
    let run = fixture.run(yaml).await;
    fixture.says(&run, "sum", "running").await;
    fixture.look_after(MINUTE - MOMENT).await;
    assert_eq!(fixture.look(&run).await["steps"][0]["status"], "running");
    fixture.look_after(MOMENT).await;
    let stopped = fixture.look(&run).await["steps"][0].clone();
    assert_eq!((&stopped["status"], &stopped["attempt"]), (&json!("queued"), &json!(2)));
    assert_eq!(stopped["errorMessage"], "the attempt took longer than its timeout of 1m");
    assert_eq!(fixture.delivered().await, [("cancelStep".to_owned(), "sum".to_owned())]);
    fixture.look_after(TimeDelta::seconds(10)).await;
    assert_eq!(
        fixture.delivered().await,
        [("cancelStep".to_owned(), "sum".to_owned())],
        "the first may still be at work"
    );
    let answer = fixture.report(&run, "sum", &json!({ "status": "cancelled", "attempt": 1 })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    fixture.look_after(TimeDelta::seconds(5)).await;
    assert_eq!(fixture.delivered().await, run_step_directives(&["sum"]));
    assert_eq!(fixture.directives().await[0]["payload"]["step"]["attempt"], 2);
    assert_eq!(fixture.directives().await[0]["payload"]["step"]["timeoutSeconds"], 60);
}

#[tokio::test]
async fn what_was_done_just_before_it_was_given_up_is_not_done_again() {
    let fixture = Fixture::new().await;
    let yaml = "source: /a\ndestination: /b\ntimeout: 1m\nsteps:\n  - { id: sum, type: checksum, path: /a, timeout: 1s, \
                retry: { maxAttempts: 2, initialDelay: 1s } }\n";
    let run = fixture.run(yaml).await;
    fixture.says(&run, "sum", "running").await;
    fixture.look_after(TimeDelta::seconds(2)).await;
    let late = fixture.report(&run, "sum", &json!({ "status": "completed", "attempt": 1 })).await;
    assert_eq!((late.status, &late.body["data"]["step"]["status"]), (200, &json!("completed")));
    assert_eq!(fixture.look(&run).await["status"], "completed");
    assert!(fixture.delivered().await.is_empty());
}

#[tokio::test]
async fn a_run_that_takes_too_long_ends_with_all_its_steps() {
    let fixture = Fixture::new().await;
    let run = fixture.run(&format!("{LINE}timeout: 2m\n")).await;
    fixture.says(&run, "fetch", "completed").await;
    fixture.says(&run, "check", "running").await;
    fixture.look_after(MINUTE * 2).await;
    let run = fixture.look(&run).await;
    let said = "the run took longer than its timeout of 2m";
    assert_eq!((&run["status"], &run["errorMessage"]), (&json!("failed"), &json!(said)));
    assert_eq!(statuses(&run), ["completed", "failed", "skipped", "skipped"]);
    assert_eq!(fixture.delivered().await, [("cancelStep".to_owned(), "check".to_owned())]);
}

#[tokio::test]
async fn a_step_of_another_agent_goes_to_that_one() {
    let fixture = Fixture::new().await;
    let second = fixture.app.agent(fixture.customer.id, "edge-2").await;
    let yaml = "\
source: /a
destination: /b
agent: edge-1
steps:
  - { id: here, type: checksum, path: /data/a }
  - { id: there, type: checksum, path: /data/a, agent: edge-2 }
";
    let run = fixture.run(yaml).await;
    assert_eq!(fixture.delivered().await, run_step_directives(&["here"]));
    let open = fixture.app.key(&second.key).get("/api/agents/directives").await;
    assert_eq!(open.body["data"]["directives"][0]["payload"]["step"]["id"], "there");
    assert_eq!(fixture.report(&run, "there", &json!({ "status": "running" })).await.status, 404);
}
