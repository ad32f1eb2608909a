//! Transfers in every state that is stored.

use serde_json::{Value, json};

use super::{MINUTE, Story, taken, text};
use crate::support::admin;

impl Story {
    pub(super) async fn transfers(&self) {
        let agent = self.agent(0);
        let create = async |key: &str| {
            let body = json!({
                "sourceUrl": "sftp://ftp.example.com/files/data.csv", "destinationPath": "/in/data.csv",
                "direction": "pull", "protocol": "sftp", "size": 1000,
            });
            let made = agent.with("Idempotency-Key", key).post("/api/transfers", &body).await;
            assert_eq!(made.status, 201, "{}", made.body);
            format!("/api/transfers/{}", text(&made.body["data"]["transfer"]["id"]))
        };
        let report = async |path: &str, body: Value| taken(agent.patch(path, &body).await);
        create("queued").await;
        let done = create("completed").await;
        let measured = json!({ "throughputMbps": 100, "latencyMs": 5, "packetLossPercent": 0.5 });
        report(&done, json!({ "status": "running", "progress": 45, "speed": 10, "network": measured })).await;
        report(&done, json!({ "status": "completed", "bytesTransferred": 1000, "checksumSha256": "a".repeat(64) }))
            .await;
        let failed = create("failed").await;
        report(&failed, json!({ "status": "failed", "errorMessage": "no room" })).await;
        let slow = create("stalled").await;
        report(&slow, json!({ "status": "running", "bytesTransferred": 1 })).await;
        self.advance(MINUTE * 2);
        self.app.cp().mark_stalled_transfers().await.expect("a sweep");
        report(&slow, json!({ "bytesTransferred": 2 })).await;
        self.advance(MINUTE * 2);
        self.app.cp().mark_stalled_transfers().await.expect("a sweep");
        let called_off = create("cancelled").await;
        report(&called_off, json!({ "status": "running", "bytesTransferred": 3 })).await;
        let id = called_off.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
        self.app.cp().cancel_transfer(&admin(), id).await.expect("a cancel");
        let id = failed.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
        self.app.cp().retry_transfer(&admin(), id).await.expect("a retry");
    }
}
