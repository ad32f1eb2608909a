//! What an earlier release left behind, as `backend/tests/frozen/` keeps it, is read and carried on by this one; and so is
//! what a later one would leave.

mod lookout;
mod make;
mod messages;
mod newer;
mod schema;
mod upgrade;

use std::{fs, path::PathBuf};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::support::{Client, PASSWORD, TestApp, app::TestDatabase};

/// The releases that are kept.
const RELEASES: [&str; 1] = ["0.1.0"];

/// The cursor before the first event, as that release wrote cursors: the number as it is.
const FIRST: &str = "AAAAAAAAAAA";

/// Where what a release left behind is kept.
fn folder(release: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frozen").join(release)
}

/// A server of this version on what a release left behind, at the moment it was frozen.
struct Thawed {
    app: TestApp,
    /// An administrator who has signed in since.
    root: Client,
    /// Keys, ids and tokens from then.
    known: Value,
}

impl Thawed {
    async fn new(release: &str) -> Self {
        let folder = folder(release);
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a frozen file");
        let database = TestDatabase::holding(&read("postgres.sql")).await;
        let (files, known) = match database.schema() {
            Some(_) => (vec![], read("postgres.json")),
            None => (vec![folder.join("mftplus.db"), folder.join("signing.secret")], read("sqlite.json")),
        };
        let known: Value = serde_json::from_str(&known).expect("JSON");
        let now: DateTime<Utc> = text(&known["now"]).parse().expect("an instant");
        let flags = ["--rate-limits", "off", "--webhook-networks", "127.0.0.0/8"];
        let app = TestApp::with_files(&database, &files, &flags, now).await;
        let root = Self::sign_in(&app).await;
        Self { app, root, known }
    }

    async fn sign_in(app: &TestApp) -> Client {
        let signed_in = app.sign_in("root@example.com", PASSWORD).await;
        app.bearer(text(&signed_in.body["data"]["token"]))
    }

    /// One of the agents from then, by its key.
    fn agent(&self, number: usize) -> Client {
        self.app.key(text(&self.known["agents"][number]["key"]))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a string, not {value}"))
}
