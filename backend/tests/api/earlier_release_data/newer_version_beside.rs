//! A newer version beside this one, on the same database. Unknown fields are ignored, and objects that only the newer
//! version can read are left to it. None of them breaks a page, an agent's answer or a scan of the engine.

use backend::store::db::{json as column, sql};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{FIRST, RELEASES, Thawed, text};

/// The JSON columns: table, column, and the columns that identify a row.
const STORED: [(&str, &str); 6] = [
    (
        "SELECT CAST(object AS TEXT) FROM events GROUP BY CAST(object AS TEXT)",
        "UPDATE events SET object = $1 WHERE CAST(object AS TEXT) = $2",
    ),
    (
        "SELECT CAST(wish AS TEXT) FROM directives GROUP BY CAST(wish AS TEXT)",
        "UPDATE directives SET wish = $1 WHERE CAST(wish AS TEXT) = $2",
    ),
    (
        "SELECT CAST(graph AS TEXT) FROM pipeline_runs GROUP BY CAST(graph AS TEXT)",
        "UPDATE pipeline_runs SET graph = $1 WHERE CAST(graph AS TEXT) = $2",
    ),
    (
        "SELECT CAST(plan AS TEXT) FROM pipeline_runs GROUP BY CAST(plan AS TEXT)",
        "UPDATE pipeline_runs SET plan = $1 WHERE CAST(plan AS TEXT) = $2",
    ),
    (
        "SELECT CAST(answer AS TEXT) FROM idempotency WHERE answer IS NOT NULL",
        "UPDATE idempotency SET answer = $1 WHERE CAST(answer AS TEXT) = $2",
    ),
    (
        "SELECT CAST(retry AS TEXT) FROM jobs WHERE retry IS NOT NULL",
        "UPDATE jobs SET retry = $1 WHERE CAST(retry AS TEXT) = $2",
    ),
];

/// Adds a field to every object, except to those whose keys are names that users choose.
fn grown(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let grow = |(name, value): (String, Value)| {
                let is_ours = name != "parameters";
                (name, if is_ours { grown(value) } else { value })
            };
            let later = ("addedLater".to_owned(), json!({ "deep": [1, null, { "er": true }] }));
            Value::Object(fields.into_iter().map(grow).chain([later]).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(grown).collect()),
        other => other,
    }
}

impl Thawed {
    /// Executes a statement, as a newer server would.
    async fn write(&self, statement: backend::store::db::Sql) {
        let mut tx = self.app.app.db.begin().await.expect("a transaction");
        assert!(statement.execute(&mut tx).await.expect("it is written") > 0);
        tx.commit().await.expect("it is written");
    }
}

#[tokio::test]
async fn fields_that_a_newer_version_adds_are_passed_over_wherever_json_is_stored() {
    for release in RELEASES {
        let thawed = Thawed::new(release).await;
        let before = (thawed.look_at_everything().await, thawed.log().await);
        for (read, write) in STORED {
            let rows: Vec<(String,)> = sql(read).fetch_all(&thawed.app.app.db).await.expect("rows");
            assert!(!rows.is_empty(), "{read}");
            for (text,) in rows {
                let grown = column(&grown(serde_json::from_str(&text).expect("JSON"))).expect("JSON");
                thawed.write(sql(write).bind(grown).bind(text)).await;
            }
        }
        assert_eq!((thawed.look_at_everything().await, thawed.log().await), before, "{release}");
        for number in 0..3 {
            let open = thawed.agent(number).post("/api/agents/heartbeat", &json!({})).await;
            assert_ne!(open.body["data"]["directives"], json!([]), "{}", open.body);
        }
        thawed.app.app.cp.advance_pipeline_runs().await.expect("runs go on");
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_fails_alone() {
    let thawed = Thawed::new(RELEASES[0]).await;
    let whole = thawed.log().await.len();
    let numbers: Vec<(i64,)> = sql("SELECT number FROM events WHERE kind = 'transferCreated' ORDER BY number")
        .fetch_all(&thawed.app.app.db)
        .await
        .expect("events");
    let [(kind,), (form,), (of,), (empty,), ..] = numbers[..] else { panic!("{numbers:?}") };
    thawed.write(sql("UPDATE events SET kind = 'transferWeighed' WHERE number = $1").bind(kind)).await;
    for (number, object) in [
        (form, json!({ "form": 99, "type": "transfer", "view": {} })),
        (of, json!({ "type": "invoice", "view": { "id": Uuid::nil() } })),
        (empty, json!("damaged")),
    ] {
        let object = column(&object).expect("JSON");
        thawed.write(sql("UPDATE events SET object = $1 WHERE number = $2").bind(object).bind(number)).await;
    }
    let log = thawed.log().await;
    assert_eq!(log.len(), whole, "none is left out");
    let count = |kind: &str, of: &str| log.iter().filter(|(k, o)| k == kind && o == of).count();
    assert_eq!((count("UNKNOWN", "Transfer"), count("TRANSFER_CREATED", "UnknownObject")), (1, 3));
    // The object of such an event is known, but not whether customers may see events of its kind.
    let signed_in = thawed.app.sign_in("somebody@example.com", crate::support::PASSWORD).await;
    let customer_user = thawed.app.bearer(text(&signed_in.body["data"]["token"]));
    let query = "{ events(first: 100) { nodes { kind objectId customerId agentId object { __typename id } } } }";
    let seen = customer_user.data(query, &json!({})).await;
    let seen = seen["events"]["nodes"].as_array().expect("events");
    assert!(seen.iter().all(|event| event["kind"] != "UNKNOWN"));
    let unread: Vec<_> = seen.iter().filter(|event| event["object"]["__typename"] == "UnknownObject").collect();
    assert_eq!(unread.len(), 3);
    assert!(unread.iter().all(|event| event["object"]["id"] == event["objectId"] && event["customerId"].is_string()));
    let mut followed =
        thawed.app.app.cp.follow_log(&crate::support::admin(), Some(FIRST.to_owned())).await.expect("the log");
    for _ in 0..whole {
        followed.next().await.expect("the log goes on").expect("no error").expect("no gap");
    }
}

#[tokio::test]
async fn a_directive_of_a_type_that_only_a_newer_version_knows_is_left_alone() {
    let thawed = Thawed::new(RELEASES[0]).await;
    let agent = thawed.agent(2);
    let directives = async || {
        let open = agent.post("/api/agents/heartbeat", &json!({})).await;
        assert_eq!(open.status, 200, "{}", open.body);
        open.body["data"]["directives"].as_array().expect("directives").clone()
    };
    let before = directives().await;
    let changed = before.iter().find(|directive| directive["type"] == "rotateKey").expect("a directive");
    let id: Uuid = text(&changed["id"]).parse().expect("an id");
    let unknown = column(&json!({ "type": "sing", "payload": { "song": 1 } })).expect("JSON");
    thawed.write(sql("UPDATE directives SET wish = $1, job_id = id WHERE id = $2").bind(unknown).bind(id)).await;
    // As a message of the newer server would.
    thawed.app.cp().invalidate(&backend::events::Signal::Resync);
    let now = directives().await;
    assert_eq!(now.len(), before.len() - 1, "the others are there");
    let answer = agent.send("POST", &format!("/api/agents/directives/{id}/ack"), None).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    thawed.app.advance(chrono::TimeDelta::hours(25));
    thawed.app.cp().give_up_starts().await.expect("a sweep");
}

#[tokio::test]
async fn a_run_that_only_a_newer_version_can_go_on_with_is_shown_and_left_alone() {
    let thawed = Thawed::new(RELEASES[0]).await;
    let query = "{ pipelineRuns(first: 100) { nodes { id pipelineId status revision plan steps { id type status attempt } } } }";
    let before = thawed.root.data(query, &json!({})).await;
    let runs = before["pipelineRuns"]["nodes"].as_array().expect("runs");
    let is_packing = |step: &Value| step["id"] == "pack" && step["status"] == "RUNNING";
    let run = runs.iter().find(|run| run["steps"].as_array().is_some_and(|steps| steps.iter().any(is_packing)));
    let run = run.expect("a run at its step `pack`");
    let id: Uuid = text(&run["id"]).parse().expect("an id");
    for graph in [json!({ "nodes": [{ "id": "sing" }] }), json!({ "nodes": [] }), json!([1])] {
        let graph = column(&graph).expect("JSON");
        thawed.write(sql("UPDATE pipeline_runs SET graph = $1 WHERE id = $2").bind(graph).bind(id)).await;
        assert_eq!(thawed.root.data(query, &json!({})).await, before, "it is shown as it stands");
        let path = format!("/api/pipelines/{}/runs/{id}/steps/pack", text(&run["pipelineId"]));
        let answer = thawed.agent(0).patch(&path, &json!({ "status": "completed" })).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
    }
    let (due,): (i64,) = sql("SELECT COUNT(*) FROM pipeline_runs WHERE due_at IS NOT NULL")
        .fetch_one(&thawed.app.app.db)
        .await
        .expect("runs");
    assert!(due > 0);
}

#[tokio::test]
async fn an_answer_of_another_version_is_not_given_again_and_nothing_is_done_twice() {
    let thawed = Thawed::new(RELEASES[0]).await;
    let answer = column(&json!({ "receipt": 1 })).expect("JSON");
    thawed.write(sql("UPDATE idempotency SET answer = $1 WHERE key = 'queued'").bind(answer)).await;
    let body = json!({
        "sourceUrl": "sftp://ftp.example.com/files/data.csv", "destinationPath": "/in/data.csv",
        "direction": "pull", "protocol": "sftp", "size": 1000,
    });
    let again = thawed.agent(0).with("Idempotency-Key", "queued").post("/api/transfers", &body).await;
    assert_eq!(again.status, 409, "{}", again.body);
}
