//! State subscriptions: what is sent to whom, and that the last update is the state in the database.

use serde_json::{Value, json};

use super::{AGENTS, Story, TRANSFERS, transfer_message};

#[tokio::test]
async fn a_subscriber_sees_each_change_and_nothing_before_the_first() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.watch("all", TRANSFERS).await;
    let running = story.report(&json!({ "status": "running", "bytesTransferred": 10 })).await;
    assert_eq!(subscriber.data("all").await, transfer_message(&running));
    let moved = story.report(&json!({ "bytesTransferred": 500 })).await;
    assert_eq!(subscriber.data("all").await, transfer_message(&moved));
    let completed = story.report(&json!({ "status": "completed" })).await;
    assert_eq!(subscriber.data("all").await, transfer_message(&completed));
}

#[tokio::test]
async fn a_subscriber_who_asks_for_it_begins_with_what_is_not_in_a_final_state() {
    let story = Story::begin().await;
    let mut expected = vec![(json!(story.transfer), json!("QUEUED"))];
    for status in ["failed", "completed", "cancelled", "running"] {
        let transfer = story.app.transfer(&story.agent).await;
        let path = format!("/api/transfers/{}", transfer["id"].as_str().unwrap_or_default());
        let answer = story.app.key(&story.agent.key).patch(&path, &json!({ "status": status })).await;
        assert_eq!(answer.status, 200);
        if matches!(status, "failed" | "running") {
            expected.insert(0, (transfer["id"].clone(), json!(status.to_uppercase())));
        }
    }
    let server = story.app.listen().await;
    let named = format!("(initial: true, ids: {})", json!(expected.iter().map(|(id, _)| id).collect::<Vec<_>>()));
    for arguments in ["(initial: true)", "(initial: true, filter: { protocol: SFTP })", &named] {
        let mut subscriber = server.subscriber(&story.customer.token).await;
        let query = format!("subscription {{ transferUpdated{arguments} {{ resync transfer {{ id status }} }} }}");
        subscriber.subscribe("all", &query).await;
        for (id, status) in &expected {
            let first = subscriber.data("all").await;
            let transfer = json!({ "id": id, "status": status });
            assert_eq!(first["transferUpdated"], json!({ "resync": false, "transfer": transfer }), "{arguments}");
        }
        subscriber.send(&json!({ "type": "ping" })).await;
        assert_eq!(subscriber.receive().await, json!({ "type": "pong" }), "nothing else came with them");
    }
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.subscribe("agents", "subscription { agentUpdated(initial: true) { agent { id status } } }").await;
    let agent = subscriber.data("agents").await;
    assert_eq!(agent["agentUpdated"]["agent"], json!({ "id": story.agent.id, "status": "ONLINE" }));
}

#[tokio::test]
async fn several_streams_share_a_socket_and_one_can_be_ended_alone() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.watch("transfers", TRANSFERS).await;
    subscriber.watch("agents", AGENTS).await;
    let running = story.report(&json!({ "status": "running" })).await;
    assert_eq!(subscriber.data("transfers").await, transfer_message(&running));
    let beat = story.app.key(&story.agent.key).post("/api/agents/heartbeat", &json!({ "load": 0.5 })).await;
    assert_eq!(beat.status, 200);
    let expected = json!({ "id": story.agent.id, "status": "ONLINE", "load": 0.5 });
    assert_eq!(subscriber.data("agents").await["agentUpdated"]["agent"], expected);
    subscriber.send(&json!({ "id": "transfers", "type": "complete" })).await;
    subscriber.send(&json!({ "type": "ping" })).await;
    assert_eq!(subscriber.receive().await["type"], "pong", "from here on the stream has ended");
    story.report(&json!({ "bytesTransferred": 5 })).await;
    story.app.key(&story.agent.key).post("/api/agents/heartbeat", &json!({ "load": 0.7 })).await;
    assert_eq!(subscriber.data("agents").await["agentUpdated"]["agent"]["load"], 0.7);
}

#[tokio::test]
async fn subscribers_of_one_question_share_answers_and_another_customer_gets_none_of_them() {
    let story = Story::begin().await;
    let other = story.app.customer("other").await;
    let others_agent = story.app.agent(other.id, "edge-9").await;
    let others_transfer = story.app.transfer(&others_agent).await;
    let server = story.app.listen().await;
    let mut own = [server.subscriber(&story.customer.token).await, server.subscriber(&story.customer.token).await];
    let mut foreign = server.subscriber(&other.token).await;
    for subscriber in own.iter_mut().chain([&mut foreign]) {
        subscriber.watch("all", TRANSFERS).await;
    }
    let running = story.report(&json!({ "status": "running" })).await;
    for subscriber in &mut own {
        assert_eq!(subscriber.data("all").await, transfer_message(&running));
    }
    let path = format!("/api/transfers/{}", others_transfer["id"].as_str().unwrap_or_default());
    let theirs = story.app.key(&others_agent.key).patch(&path, &json!({ "status": "running" })).await;
    assert_eq!(
        foreign.data("all").await,
        transfer_message(&theirs.body["data"]["transfer"]),
        "the first thing they hear"
    );
    let moved = story.report(&json!({ "bytesTransferred": 7 })).await;
    assert_eq!(own[0].data("all").await, transfer_message(&moved), "and nothing of theirs in between");
}

#[tokio::test]
async fn the_change_that_takes_a_transfer_out_of_a_filter_still_comes() {
    let story = Story::begin().await;
    story.report(&json!({ "status": "running" })).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    let query = "subscription ($initial: Boolean) { transferUpdated(initial: $initial, filter: { status: [RUNNING] }) \
                 { resync transfer { id status bytesTransferred revision } } }";
    subscriber.watch("running", query).await;
    let completed = story.report(&json!({ "status": "completed" })).await;
    assert_eq!(subscriber.data("running").await, transfer_message(&completed));
}

#[tokio::test]
async fn a_revoked_agent_is_the_call_to_ask_again() {
    let story = Story::begin().await;
    let admin = story.app.admin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.watch("agents", AGENTS).await;
    assert_eq!(admin.delete(&format!("/api/agents/{}", story.agent.id)).await.status, 200);
    assert_eq!(subscriber.data("agents").await["agentUpdated"], json!({ "resync": true, "agent": null }));
}

#[tokio::test]
async fn what_may_have_been_missed_is_the_call_to_ask_again() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.watch("all", TRANSFERS).await;
    story.app.cp().bus().resync();
    assert_eq!(subscriber.data("all").await["transferUpdated"], json!({ "resync": true, "transfer": null }));
    let running = story.report(&json!({ "status": "running" })).await;
    assert_eq!(subscriber.data("all").await, transfer_message(&running));
}

#[tokio::test]
async fn a_throttled_subscriber_gets_fewer_frames_and_the_last_state_all_the_same() {
    let story = Story::begin().await;
    story.report(&json!({ "status": "running" })).await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    let query = "subscription ($initial: Boolean) { transferUpdated(initial: $initial, throttleMs: 1000) \
                 { resync transfer { id status bytesTransferred revision } } }";
    subscriber.watch("slow", query).await;
    let mut last = Value::Null;
    for bytes in 1..=50 {
        last = story.report(&json!({ "bytesTransferred": bytes })).await;
    }
    let mut frames = 0;
    while subscriber.data("slow").await != transfer_message(&last) {
        frames += 1;
    }
    assert!(frames < 25, "{frames} of 50");
}

#[tokio::test]
async fn a_subscriber_who_reads_late_is_sent_the_latest_state_rather_than_all() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    subscriber.watch("all", TRANSFERS).await;
    let mut last = story.report(&json!({ "status": "running" })).await;
    for bytes in 1..=200 {
        last = story.report(&json!({ "bytesTransferred": bytes })).await;
    }
    let mut revision = 0;
    loop {
        let frame = subscriber.data("all").await;
        let newer = frame["transferUpdated"]["transfer"]["revision"].as_i64().unwrap_or_default();
        assert!(newer > revision, "states never go back");
        revision = newer;
        if frame == transfer_message(&last) {
            break;
        }
    }
}

#[tokio::test]
async fn figures_follow_what_happens() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    let query =
        "subscription { fleetUpdated(initial: true) { resync fleet { transfers { queued running } bytesPerSecond } } }";
    subscriber.subscribe("fleet", query).await;
    let expected = |queued: u32, running: u32, speed: f64| {
        json!({ "fleetUpdated": { "resync": false,
            "fleet": { "transfers": { "queued": queued, "running": running }, "bytesPerSecond": speed } } })
    };
    assert_eq!(subscriber.data("fleet").await, expected(1, 0, 0.0));
    story.report(&json!({ "status": "running", "speed": 2048 })).await;
    assert_eq!(subscriber.data("fleet").await, expected(0, 1, 2048.0));
}

#[tokio::test]
async fn links_of_a_frame_are_followed_within_the_rights_of_the_subscriber() {
    let story = Story::begin().await;
    let server = story.app.listen().await;
    let mut subscriber = server.subscriber(&story.customer.token).await;
    let query = "subscription ($initial: Boolean) { transferUpdated(initial: $initial) \
                 { transfer { agent { hostname customer { name } } } } }";
    subscriber.watch("linked", query).await;
    story.report(&json!({ "status": "running" })).await;
    let frame = subscriber.data("linked").await;
    let expected = json!({ "hostname": "edge-1", "customer": { "name": "acme" } });
    assert_eq!(frame["transferUpdated"]["transfer"]["agent"], expected);
}
