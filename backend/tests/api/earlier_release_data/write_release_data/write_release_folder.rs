//! Writes the data into the folder of the release, after checking that it is complete.

use std::{collections::BTreeSet, fs, process::Command};

use backend::{model::event::Kind, store::db::sql};
use futures_util::StreamExt;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use strum::IntoEnumIterator;

use super::{Story, text};
use crate::support::app::TestDatabase;

impl Story {
    /// Checks that every stored state occurs.
    pub(super) async fn is_whole(&self) {
        let kinds: Vec<(String,)> =
            sql("SELECT DISTINCT kind FROM events").fetch_all(&self.app.app.db).await.expect("kinds");
        let kinds: BTreeSet<String> = kinds.into_iter().map(|(kind,)| kind).collect();
        let all: BTreeSet<String> = Kind::iter()
            .filter(|kind| kind.is_logged() && *kind != Kind::Unknown)
            .map(|kind| kind.to_string())
            .collect();
        assert_eq!(all.difference(&kinds).collect::<Vec<_>>(), Vec::<&String>::new());
        let directives: Vec<(String,)> =
            sql("SELECT DISTINCT type FROM directives WHERE acknowledged_at IS NULL ORDER BY type")
                .fetch_all(&self.app.app.db)
                .await
                .expect("directives");
        let directives: Vec<String> = directives.into_iter().map(|(kind,)| kind).collect();
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
        assert_eq!(directives, all);
    }

    pub(super) async fn keep(&mut self, folder: &std::path::Path, database: &TestDatabase) {
        let known = json!({
            "now": self.app.cp().now(), "customer": self.customer["id"], "refreshToken": self.session["refreshToken"],
            "accessToken": self.session["token"], "user": self.session["user"]["id"],
            "agents": self.agents.each_ref().map(|agent| json!({ "id": agent.id, "key": agent.key })),
        });
        let Some(line) = &mut self.messages else {
            let data = self.app.settings.database.data_dir.clone();
            let target = folder.join("mftplus.db");
            drop(fs::remove_file(&target));
            let path = format!("sqlite://{}", data.join("mftplus.db").display());
            let mut file = SqliteConnection::connect(&path).await.expect("the file");
            sqlx::query("PRAGMA page_size = 1024").execute(&mut file).await.expect("small pages");
            let copy = sqlx::AssertSqlSafe(format!("VACUUM INTO '{}'", target.display()));
            sqlx::query(copy).execute(&mut file).await.expect("a copy");
            fs::copy(data.join("signing.secret"), folder.join("signing.secret")).expect("a copy");
            fs::write(folder.join("sqlite.json"), pretty(&known)).expect("a file");
            return;
        };
        // One message of each kind of event is enough, up to the last one that was published.
        let head =
            sql("SELECT number FROM event_head").fetch_one::<(i64,)>(&self.app.app.db).await.expect("a number").0;
        let (mut lines, mut kinds) = (Vec::new(), BTreeSet::new());
        let mut stream = line.on_message();
        while let Some(message) = stream.next().await {
            let line: String = message.get_payload().expect("text");
            let message: Value = serde_json::from_str(&line).expect("JSON");
            let events = message["message"]["events"].as_array().cloned().unwrap_or_default();
            let is_new = events.iter().filter(|event| kinds.insert(text(&event["kind"]).to_owned())).count() > 0;
            if is_new || kinds.insert(message.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect())
            {
                lines.push(line);
            }
            if events.iter().any(|event| event["number"] == head) {
                break;
            }
        }
        fs::write(folder.join("messages.jsonl"), lines.join("\n") + "\n").expect("a file");
        fs::write(folder.join("postgres.json"), pretty(&known)).expect("a file");
        let (url, schema) = database.schema().expect("a schema");
        let dump = Command::new("pg_dump")
            .args(["--inserts", "--no-owner", "--no-privileges", "--schema", schema, "--dbname", url])
            .output()
            .expect("pg_dump");
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        let dump = String::from_utf8(dump.stdout).expect("text").replace(schema, "mftplus_frozen");
        let dump: Vec<&str> = dump.lines().filter(|line| !line.starts_with('\\')).collect();
        fs::write(folder.join("postgres.sql"), dump.join("\n") + "\n").expect("a file");
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
