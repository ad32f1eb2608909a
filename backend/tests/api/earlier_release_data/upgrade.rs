//! An upgrade: all objects can be read, and work in progress continues.

use backend::{events::Signal, model::event::Kind, store::db::sql};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{FIRST, RELEASES, Thawed, text};
use crate::support::Receiver;

#[tokio::test]
async fn every_list_page_object_and_event_of_an_earlier_release_answers() {
    for release in RELEASES {
        let thawed = Thawed::new(release).await;
        let found = thawed.look_at_everything().await;
        assert!(found.values().all(|count| *count > 0), "{release}: {found:?}");
        let unknown: Vec<_> =
            thawed.log().await.into_iter().filter(|(kind, of)| kind == "UNKNOWN" || of == "UnknownObject").collect();
        assert_eq!(unknown, [], "{release}");
    }
}

#[tokio::test]
async fn keys_passwords_tokens_and_answers_of_an_earlier_release_still_count() {
    for release in RELEASES {
        let thawed = Thawed::new(release).await;
        let refresh = json!({ "refreshToken": thawed.known["refreshToken"] });
        assert_eq!(thawed.app.anonymous().post("/api/auth/refresh", &refresh).await.status, 200, "{release}");
        let body = json!({
            "sourceUrl": "sftp://ftp.example.com/files/data.csv", "destinationPath": "/in/data.csv",
            "direction": "pull", "protocol": "sftp", "size": 1000,
        });
        let again = thawed.agent(0).with("Idempotency-Key", "queued").post("/api/transfers", &body).await;
        let transfer = &again.body["data"]["transfer"];
        assert_eq!((again.status, &transfer["status"]), (201, &json!("queued")), "{release}: {}", again.body);
        let made: Vec<(String,)> = sql("SELECT status FROM transfers WHERE id = $1")
            .bind(text(&transfer["id"]).parse::<uuid::Uuid>().expect("an id"))
            .fetch_all(&thawed.app.app.db)
            .await
            .expect("a transfer");
        assert_eq!(made.len(), 1);
        assert!(transfer["createdAt"].as_str() < thawed.known["now"].as_str(), "the one from before");
    }
}

#[tokio::test]
async fn work_in_flight_goes_on() {
    for release in RELEASES {
        let thawed = Thawed::new(release).await;
        let mut kinds = Vec::new();
        for number in 0..3 {
            let agent = thawed.agent(number);
            let open = agent.post("/api/agents/heartbeat", &json!({ "status": "online" })).await;
            assert_eq!(open.status, 200, "{}", open.body);
            for directive in open.body["data"]["directives"].as_array().expect("directives") {
                kinds.push(text(&directive["type"]).to_owned());
                carried_out(&thawed, number, directive).await;
            }
        }
        kinds.sort_unstable();
        kinds.dedup();
        let all = [
            "cancelJobRun",
            "cancelStep",
            "cancelTransfer",
            "retryTransfer",
            "rotateKey",
            "runStep",
            "setHeartbeatInterval",
            "startJob",
        ];
        assert_eq!(kinds, all, "{release}");
        // Time goes on, too.
        thawed.app.advance(TimeDelta::hours(1));
        let cp = &thawed.app.app.cp;
        cp.decide_due_slots().await.expect("slots");
        cp.advance_pipeline_runs().await.expect("runs");
        cp.mark_silent_agents_offline().await.expect("a sweep");
        cp.end_leases().await.expect("a sweep");
        cp.end_run_leases().await.expect("a sweep");
        cp.retry_failed_runs().await.expect("a sweep");
        cp.give_up_starts().await.expect("a sweep");
        thawed.app.advance(TimeDelta::days(40));
        cp.purge().await.expect("a purge");
    }
}

/// An agent carries out a directive from before the upgrade.
async fn carried_out(thawed: &Thawed, agent: usize, directive: &Value) {
    let (agent, payload) = (thawed.agent(agent), &directive["payload"]);
    let step = |step: &Value| {
        format!("/api/pipelines/{}/runs/{}/steps/{}", text(&payload["pipelineId"]), text(&payload["runId"]), text(step))
    };
    let answer = match text(&directive["type"]) {
        "startJob" => {
            let path = format!("/api/jobs/{}/runs", text(&payload["job"]["id"]));
            agent.post(&path, &json!({ "directiveId": directive["id"] })).await
        }
        "retryTransfer" => {
            let path = format!("/api/transfers/{}", text(&payload["transferId"]));
            agent.patch(&path, &json!({ "status": "running", "attempt": payload["attempt"] })).await
        }
        "cancelTransfer" => {
            let path = format!("/api/transfers/{}", text(&payload["transferId"]));
            agent.patch(&path, &json!({ "status": "cancelled" })).await
        }
        "runStep" => {
            let report = json!({ "status": "completed", "attempt": payload["step"]["attempt"] });
            agent.patch(&step(&payload["step"]["id"]), &report).await
        }
        _ => agent.send("POST", &format!("/api/agents/directives/{}/ack", text(&directive["id"])), None).await,
    };
    assert!((200..300).contains(&answer.status), "{directive}: {}", answer.body);
}

#[tokio::test]
async fn a_subscriber_receives_earlier_and_later_events() {
    for release in RELEASES {
        let thawed = Thawed::new(release).await;
        let (last,): (i64,) =
            sql("SELECT number FROM event_head").fetch_one(&thawed.app.app.db).await.expect("a number");
        let mut log =
            thawed.app.app.cp.follow_log(&crate::support::admin(), Some(FIRST.to_owned())).await.expect("the log");
        let mut reader = thawed.app.cp().bus().read();
        let transfer = json!({
            "sourceUrl": "/a", "destinationPath": "/b", "direction": "pull", "protocol": "local",
        });
        let made = thawed.agent(0).post("/api/transfers", &transfer).await;
        assert_eq!(made.status, 201);
        let mut before = 0;
        loop {
            let event = log.next().await.expect("the log goes on").expect("an event").expect("no gap");
            assert_ne!(event.kind, Kind::Unknown);
            if event.number > Some(last) {
                assert_eq!(event.kind, Kind::TransferCreated);
                break;
            }
            before += 1;
        }
        assert!(before > 50, "all that was logged before: {before}");
        let Some(Signal::Message(message)) = reader.next().await else { panic!("a message") };
        assert_eq!(message.events[0].kind, Kind::TransferCreated);
    }
}

#[tokio::test]
async fn webhooks_are_signed_with_the_secret_from_before() {
    for release in RELEASES {
        let thawed = Thawed::new(release).await;
        let receiver = Receiver::start(|_| Some(200)).await;
        let yaml = format!(
            "source: /a\ndestination: /b\nsteps: [{{ id: tell, type: webhook, url: \"{}\" }}]\n",
            receiver.url()
        );
        let put = thawed.root.send("PUT", "/api/pipelines/told/yaml", Some(&json!({ "yaml": yaml }))).await;
        assert_eq!(put.status, 200, "{}", put.body);
        let run = thawed.root.post("/api/pipelines/told/runs", &json!({})).await;
        assert_eq!(run.status, 201, "{}", run.body);
        thawed.app.app.cp.advance_pipeline_runs().await.expect("a look");
        while receiver.received().is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(receiver.received()[0].header("X-MFTPlus-Signature").starts_with("t="), "{release}");
    }
}
