//! Webhooks, sent to a real receiver on this machine.

use backend::error::Error;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Fixture, MINUTE, MOMENT, created, id, statuses, step, text};
use crate::support::{Receiver, TestApp, admin, customer_of, webhook_receiver::ReceivedWebhook};

/// A server that may send to this machine.
async fn fixture() -> Fixture {
    Fixture::of(TestApp::with(&["--rate-limits", "off", "--webhook-networks", "127.0.0.1"]).await).await
}

fn yaml(url: &str, more: &str) -> String {
    format!("source: /a\ndestination: /b\nsteps:\n  - {{ id: tell, type: webhook, url: \"{url}\"{more} }}\n")
}

/// The step after its webhook has ended.
async fn ended_step(fixture: &Fixture, run: &Value) -> Value {
    let ended =
        fixture.until(run, |run| !matches!(step(run, "tell")["status"].as_str(), Some("running" | "queued"))).await;
    step(&ended, "tell").clone()
}

/// Whether the signature is that of this secret for the received webhook.
fn is_signed(webhook: &ReceivedWebhook, secret: &str) -> bool {
    let signature = webhook.header("x-mftplus-signature");
    let Some((second, digest)) = signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")) else {
        return false;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(format!("{second}.{}", webhook.body).as_bytes());
    let bytes: Vec<u8> =
        (0..digest.len() / 2).filter_map(|at| u8::from_str_radix(&digest[at * 2..at * 2 + 2], 16).ok()).collect();
    mac.verify_slice(&bytes).is_ok()
}

#[tokio::test]
async fn a_webhook_contains_the_state_of_the_run_and_a_signature() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(204)).await;
    let secret = fixture.app.cp().rotate_webhook_secret(&customer_of(&fixture.customer), None).await.expect("a secret");
    let yaml = format!(
        "source: /a\ndestination: /b\nparameters: {{ date: today }}\nsteps:\n  - {{ id: sum, type: checksum, path: /a }}\n  \
         - {{ id: tell, type: webhook, needs: [sum], when: always, url: \"{}\" }}\n",
        receiver.url()
    );
    let run = fixture.run(&yaml).await;
    fixture.report(&run, "sum", &json!({ "status": "failed", "errorMessage": "no such file" })).await;
    fixture.look_after(MOMENT).await;
    let done = ended_step(&fixture, &run).await;
    assert_eq!((&done["status"], &done["progress"]), (&json!("completed"), &json!(100.0)));
    let webhook = receiver.received().remove(0);
    assert!(is_signed(&webhook, &secret.secret), "{webhook:?}");
    assert!(!is_signed(&webhook, "mft_wh_another"));
    assert_eq!(webhook.header("content-type"), "application/json");
    assert_eq!(webhook.header("x-mftplus-delivery"), format!("{}/tell/1", id(&run)));
    let body: Value = serde_json::from_str(&webhook.body).expect("JSON");
    assert_eq!(body["pipeline"], json!({ "id": run["pipelineId"], "identifier": "daily", "version": 1 }));
    assert_eq!(body["step"], json!({ "id": "tell", "attempt": 1 }));
    assert_eq!((&body["run"]["id"], &body["run"]["parameters"]), (&run["id"], &json!({ "date": "today" })));
    assert_eq!(body["run"]["steps"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["run"]["steps"][0]["errorMessage"], "no such file");
    assert_eq!(fixture.look(&run).await["status"], "failed");
}

#[tokio::test]
async fn a_body_of_its_own_is_sent_as_it_stands_and_unsigned_where_there_is_no_secret() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(200)).await;
    let run = fixture
        .run(
            &yaml(&receiver.url(), ", body: \"done: ${{ params.what }}\"")
                .replace("steps:", "parameters: { what: all }\nsteps:"),
        )
        .await;
    fixture.look_after(MOMENT).await;
    ended_step(&fixture, &run).await;
    let webhook = receiver.received().remove(0);
    assert_eq!((webhook.body.as_str(), webhook.header("content-type")), ("done: all", "text/plain; charset=utf-8"));
    assert_eq!(webhook.header("x-mftplus-signature"), "");
}

#[tokio::test]
async fn the_newest_secret_signs_and_the_one_before_does_not() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(200)).await;
    let cp = fixture.app.cp();
    let old = cp.rotate_webhook_secret(&admin(), Some(fixture.customer.id)).await.expect("a secret");
    let new =
        cp.rotate_webhook_secret(&customer_of(&fixture.customer), Some(fixture.customer.id)).await.expect("a secret");
    assert_ne!(old.secret, new.secret);
    // It survives a restart: what is stored opens again.
    let fixture = fixture.restarted(MINUTE).await;
    let run = fixture.run(&yaml(&receiver.url(), "")).await;
    fixture.look_after(MOMENT).await;
    ended_step(&fixture, &run).await;
    let webhook = receiver.received().remove(0);
    assert!(is_signed(&webhook, &new.secret) && !is_signed(&webhook, &old.secret), "{webhook:?}");
    let other = fixture.app.customer("other").await;
    let foreign = fixture.app.cp().rotate_webhook_secret(&customer_of(&other), Some(fixture.customer.id)).await;
    assert!(matches!(foreign, Err(Error::NotFound(_))));
    let stored: Vec<(Vec<u8>,)> = backend::store::db::sql("SELECT sealed FROM webhook_secrets")
        .fetch_all(&fixture.app.app.db)
        .await
        .expect("what is stored");
    let secret = new.secret.as_bytes();
    assert!(stored.iter().all(|(sealed,)| !sealed.windows(8).any(|part| part == &secret[secret.len() - 8..])));
}

#[tokio::test]
async fn without_the_setting_this_machine_is_not_reached() {
    let fixture = Fixture::new().await;
    let receiver = Receiver::start(|_| Some(200)).await;
    let run = fixture.run(&yaml(&receiver.url(), "")).await;
    fixture.look_after(MOMENT).await;
    let refused = ended_step(&fixture, &run).await;
    let said = "127.0.0.1 is not at a public address, and its network is not allowed by the settings";
    assert_eq!((&refused["status"], &refused["errorMessage"]), (&json!("failed"), &json!(said)));
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(307)).await;
    let run = fixture.run(&yaml(&receiver.url(), "")).await;
    fixture.look_after(MOMENT).await;
    let refused = ended_step(&fixture, &run).await;
    let said = "the receiver answered 307 Temporary Redirect; redirects are not followed: name the final URL";
    assert_eq!(refused["errorMessage"], said);
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_webhook_has_no_longer_than_its_step() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| None).await;
    let run = fixture.run(&yaml(&receiver.url(), ", timeout: 1s")).await;
    fixture.look_after(MOMENT).await;
    let failed = ended_step(&fixture, &run).await;
    assert_eq!(
        (&failed["status"], &failed["errorMessage"]),
        (&json!("failed"), &json!("the receiver did not answer within 1 s"))
    );
}

#[tokio::test]
async fn a_webhook_that_is_refused_is_sent_again_under_a_number_of_its_own() {
    let fixture = fixture().await;
    let receiver =
        Receiver::start(|webhook| Some(if webhook.header("x-mftplus-delivery").ends_with("/1") { 503 } else { 204 }))
            .await;
    let run = fixture.run(&yaml(&receiver.url(), ", retry: { maxAttempts: 2, initialDelay: 10s }")).await;
    fixture.look_after(MOMENT).await;
    let waiting = fixture.until(&run, |run| step(run, "tell")["attempt"] == 2).await;
    assert_eq!(step(&waiting, "tell")["errorMessage"], "the receiver answered 503 Service Unavailable");
    fixture.look_after(TimeDelta::seconds(9)).await;
    assert_eq!(statuses(&fixture.look(&run).await), ["queued"]);
    fixture.look_after(TimeDelta::seconds(1)).await;
    assert_eq!(ended_step(&fixture, &run).await["status"], "completed");
    let numbers: Vec<String> =
        receiver.received().iter().map(|webhook| webhook.header("x-mftplus-delivery").to_owned()).collect();
    assert_eq!(numbers, [format!("{}/tell/1", id(&run)), format!("{}/tell/2", id(&run))]);
}

/// A definition with this many webhooks without dependencies.
fn many(count: usize, url: &str) -> String {
    let step = |number: usize| format!("  - {{ id: tell-{number}, type: webhook, url: \"{url}\" }}\n");
    let steps: String = (0..count).map(step).collect();
    format!("source: /a\ndestination: /b\nsteps:\n{steps}")
}

/// The number of steps of a run with each of these statuses.
fn counts<const N: usize>(run: &Value, wanted: [&str; N]) -> [usize; N] {
    wanted.map(|status| statuses(run).iter().filter(|found| **found == status).count())
}

#[tokio::test]
async fn a_customer_has_eight_webhooks_under_way_and_others_do_not_wait_for_them() {
    let fixture = fixture().await;
    let silent = Receiver::start(|_| None).await;
    let run = fixture.run(&many(20, &silent.url())).await;
    for _ in 0..3 {
        fixture.look_after(TimeDelta::seconds(1)).await;
        let now = fixture.look(&run).await;
        assert_eq!(counts(&now, ["running", "queued"]), [8, 12]);
        assert!(statuses(&now)[..8].iter().all(|status| *status == "running"), "in their order");
    }
    let revision = fixture.look(&run).await["revision"].clone();

    let other = fixture.app.customer("other").await;
    fixture.app.agent(other.id, "edge-2").await;
    let receiver = Receiver::start(|_| Some(204)).await;
    let pipeline = created(&fixture.app.bearer(&other.token), "other", &yaml(&receiver.url(), "")).await;
    let answer = fixture.admin.post(&format!("/api/pipelines/{}/runs", id(&pipeline)), &json!({})).await;
    fixture.look_after(MOMENT).await;
    assert_eq!(ended_step(&fixture, &answer.body["data"]["run"]).await["status"], "completed");
    assert_eq!(fixture.look(&run).await["revision"], revision, "what waits is not written");
    assert!(silent.received().len() <= 8);
}

#[tokio::test]
async fn webhooks_that_are_answered_at_once_are_sent_eight_a_second() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(204)).await;
    let run = fixture.run(&many(20, &receiver.url())).await;
    for completed in [8, 16, 20] {
        fixture.look_after(TimeDelta::seconds(1)).await;
        let so_far = |run: &Value| counts(run, ["completed"]) == [completed];
        let now = fixture.until(&run, so_far).await;
        assert!(statuses(&now)[..completed].iter().all(|status| *status == "completed"), "in their order");
        // Within the same second nothing follows.
        fixture.look_after(MOMENT).await;
        assert_eq!(counts(&fixture.look(&run).await, ["completed", "queued"]), [completed, 20 - completed]);
    }
    assert_eq!(fixture.look(&run).await["status"], "completed");
}

#[tokio::test]
async fn the_log_keeps_of_a_run_whose_steps_change_these_steps_only() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(204)).await;
    let yaml = many(9, &receiver.url()).replace("steps:", "parameters: { what: all }\nsteps:");
    let run = fixture.run(&yaml).await;
    fixture.look_after(MOMENT).await;
    fixture.until(&run, |run| counts(run, ["completed"]) == [8]).await;
    fixture.look_after(TimeDelta::seconds(1)).await;
    fixture.until(&run, |run| run["status"] == "completed").await;
    let query =
        "{ events(first: 11) { nodes { kind object { ... on PipelineRun { steps { id } parameters { name } } } } } }";
    let log = fixture.admin.data(query, &Value::Null).await["events"]["nodes"].clone();
    let kept: Vec<(&str, usize, usize)> = log
        .as_array()
        .expect("events")
        .iter()
        .map(|event| {
            let held = |name: &str| event["object"][name].as_array().map_or(0, Vec::len);
            (text(&event["kind"]), held("steps"), held("parameters"))
        })
        .collect();
    assert_eq!(kept[0], ("PIPELINE_RUN_STATUS_CHANGED", 9, 1), "the end is kept as a whole");
    // The ninth is claimed; before that each of the eight has ended.
    assert_eq!(kept[1..10], [("PIPELINE_STEP_STATUS_CHANGED", 1, 0); 9]);
    assert_eq!(kept[10], ("PIPELINE_RUN_STATUS_CHANGED", 9, 1), "the run begins with the first eight");
}

#[tokio::test]
async fn several_lookers_send_a_webhook_once() {
    let fixture = fixture().await;
    let receiver = Receiver::start(|_| Some(204)).await;
    let run = fixture.run(&yaml(&receiver.url(), "")).await;
    let cp = &fixture.app.app.cp;
    let looks = tokio::join!(cp.advance_pipeline_runs(), cp.advance_pipeline_runs(), cp.advance_pipeline_runs());
    looks.0.and(looks.1).and(looks.2).expect("looks");
    assert_eq!(ended_step(&fixture, &run).await["status"], "completed");
    assert_eq!(receiver.received().len(), 1);
}
